/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A virtual CPU's local APIC in x2APIC mode only, from reset (Intel SDM volume 3, chapter 10.12): registers as MSRs
 * 0x800..0x83f, timer one-shot, periodic and TSC-deadline, IPIs. Portable; time comes as an argument (TSC ticks; the
 * timer counts at one tick per ns after the divider).
 *
 * lapic_post may be called from any CPU; everything else by the CPU that runs the virtual CPU.
 */
#ifndef MONITOR_CORE_DEVICES_LAPIC_H
#define MONITOR_CORE_DEVICES_LAPIC_H

#include "policy/numa.h"

enum { LAPIC_LVT_ENTRIES = 6 };

struct lapic {
    union {
        uint32_t reg[64]; /* by MSR - 0x800 */
        struct {
            uint32_t none_00[2], id, version, none_04[4], tpr, none_09, ppr, eoi, none_0c, ldr, none_0e;
            uint32_t svr;                    /* atomic */
            uint32_t isr[8], tmr[8], irr[8]; /* tmr, irr: atomic */
            uint32_t esr, none_29[7], icr[2];
            uint32_t lvt[LAPIC_LVT_ENTRIES]; /* timer, thermal, performance, LINT0, LINT1, error */
            uint32_t initial, current, none_3a[4], divide, self;
        };
    };
    uint32_t nmi;          /* atomic: an NMI is pending */
    uint64_t deadline_ns;  /* of the timer as armed; UINT64_MAX: not */
    uint64_t tsc_deadline; /* as the guest wrote it */
    uint64_t tsc_khz;
};

/* A message, which a register write or an IOAPIC sends, has the form of the interrupt command register: vector in bits
 * 0..7, mode 8..10, logical 11, level 15, shorthand 18..19 (0 none, 1 self, 2 all, 3 all but self), destination (x2APIC
 * id, or logical) 32..63. No message: 0, a vector that nobody takes. */
enum { LAPIC_FIXED = 0, LAPIC_LOWEST = 1, LAPIC_NMI = 4, LAPIC_INIT = 5, LAPIC_START_UP = 6 };
enum { LAPIC_LOGICAL = 1 << 11, LAPIC_LEVEL = 1 << 15 };

static inline uint32_t lapic_mode(uint64_t message)
{
    return message >> 8 & 7;
}

void lapic_init(struct lapic *, uint32_t id, uint64_t tsc_khz);

/* MSRs 0x800..0x83f and IA32_TSC_DEADLINE (0x6e0). 0, or ERR_INVAL: #GP. *eoi: vector whose interrupt ended and was
 * level-triggered, else -1. */
int lapic_read(struct lapic *, uint32_t msr, uint64_t now_ns, uint64_t *value);
int lapic_write(struct lapic *, uint32_t msr, uint64_t value, uint64_t now_ns, uint64_t now_tsc, uint64_t *message,
                int *eoi);

/* Is this APIC among the destinations (shorthand; broadcast; physical id or x2APIC cluster)? `self`: it has sent it. */
bool lapic_addressed(const struct lapic *, uint64_t message, bool self);

void lapic_post(struct lapic *, uint8_t vector, bool level);

/* The highest pending vector above the priority in service, or -1; lapic_accept moves it into service, lapic_withdraw
 * back: what has been posted meanwhile is pending in either case. */
int lapic_pending(const struct lapic *);
void lapic_accept(struct lapic *, uint8_t vector);
void lapic_withdraw(struct lapic *, uint8_t vector);

/* Is one interrupt, an edge-triggered one, all that is pending or in service? */
bool lapic_alone(const struct lapic *);

/* The interrupt in service has ended, as by a write to the EOI register: its vector if it was level-triggered, else -1.
 */
int lapic_end(struct lapic *);

/* The timer: fires (posts) when due, rearms when periodic. */
void lapic_expire(struct lapic *, uint64_t now_ns);

#endif
