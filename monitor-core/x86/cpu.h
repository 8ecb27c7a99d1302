/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The physical CPUs: one struct each, reached through GS. The monitor runs with interrupts off; a physical interrupt
 * is taken only while a guest runs (it forces an exit) or while the CPU idles, by cpu_take_interrupts.
 */
#ifndef MONITOR_CORE_X86_CPU_H
#define MONITOR_CORE_X86_CPU_H

#include "monitor-core/x86/memory.h"

/* CPU_APART: the boot processor where it runs no guests (percpu.c). */
enum { CPUS_MAX = 64, CPU_APART = CPUS_MAX, CPU_SLOTS, MACHINE_NODES = 16, MACHINE_MODULES = 64 };

struct cpu {
    struct cpu *self; /* first: at GS:0 */
    uint32_t id, apic_id;
    node_t node;
    bool up;
    uint32_t in_guest;  /* 1 between the last check for a flush and the exit (shootdown.h) */
    uint32_t vm;        /* whose guest it runs or ran last; set outside of it */
    uint64_t seen;      /* generation of the nested tables that this CPU has flushed for */
    uint64_t host_save; /* physical, VM_HSAVE_PA */
    uint64_t text;      /* physical start of this node's copy of the monitor's text */
    uint64_t interrupts, kicks;
    uint64_t kicked;      /* when the kick was sent that it has not answered (kick.h) */
    void *running;        /* struct vcpu, or null */
    unsigned char *stack; /* its top */
    uint64_t timer;       /* what the timer is set to (ns), or CPU_TIMER_FIRED; UINT64_MAX: it is off */
    void (*entry)(void);  /* what cpu_start_others was given */
};

struct machine_x86 {
    struct memory memory;
    uint32_t cpus; /* that run guests */
    uint32_t nodes;
    struct cpu *cpu[CPU_SLOTS]; /* cpus, and CPU_APART if there is one */
    struct cpu *boot;           /* one of them */
    node_t cpu_node[CPUS_MAX];
    uint8_t tier[MACHINE_NODES]; /* 1: memory without CPUs, as that on a CXL device shows itself */
    uint32_t latency_ps[MACHINE_NODES * MACHINE_NODES]; /* from SLIT: local 10 = 100 ns where nothing better is known */
    uint64_t frames[MACHINE_NODES];
    struct topology topology; /* points into this struct */
    uint64_t tsc_khz;
    const char *command_line; /* of the monitor */
    uint32_t nmodules;
    struct module {
        const char *name, *text; /* last word; whole string */
        uint64_t start, size;    /* physical */
    } module[MACHINE_MODULES];
};

/* Filled by the boot processor before any other CPU runs. */
extern struct machine_x86 machine_x86;

static inline struct cpu *cpu_self(void)
{
    struct cpu *c;
    __asm__("mov %%gs:0, %0" : "=r"(c));
    return c;
}

/* Nanoseconds since boot, monotonic on all CPUs (invariant TSC). */
uint64_t cpu_now(void);
static inline uint64_t cpu_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* The CPU's own timer interrupts at that time (ns as cpu_now), at once if it has passed, and again after each time as
 * long, until it is set to another time; UINT64_MAX: never. */
enum { CPU_TIMER_FIRED = 1 }; /* struct cpu.timer: a time that nobody asks for */
void cpu_timer(uint64_t deadline);

/* Forces the CPU out of its guest or out of idling; where that matters, by kick.h. */
void cpu_kick(uint32_t cpu);

/* Opens the door for pending physical interrupts for a moment (each is acknowledged and counted). */
void cpu_take_interrupts(void);

/* Sleeps until the next interrupt, which is taken. */
void cpu_idle(void);

/* Starts `entry` on the other CPUs of machine_x86.cpus (which may be lowered before) and returns when all are up. Each
 * CPU has OSFXSR, OSXSAVE (where the CPU has it) and the monitor's own IDT, GDT and TSS by then. */
void cpu_start_others(void (*entry)(void));

/* Serial ports of the machine: 0 is the operator's console, 1 carries telemetry. serial_put blocks; serial_get answers
 * -1 when nothing has come. */
void serial_put(unsigned port, const void *bytes, size_t n);
int serial_get(unsigned port);

/* One line "mirrorball: ..." on the console: %s, and %u %x with l or ll and widths filled with zeros
 * (%08x). Takes its own lock. The line's end is added where the format has none. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same conversions into a buffer of `size` > 0 bytes, always ended by a zero; answers the length. */
size_t print_into(char *buffer, size_t size, const char *format, __builtin_va_list);

/* When set, print hands its lines over instead of writing to the console itself (x86/console.c). */
extern void (*print_sink)(const char *line, size_t n);

/* One line with the reason, registers if there are any, all CPUs stopped, telemetry's END sent, the machine off. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Called by panic with the reason, all other CPUs stopped, before the machine goes off (to send telemetry's END). It
 * must take no lock: a CPU that was stopped may hold it. */
void panic_tell(void (*tell)(const char *why));

/* Registers of a device at that physical address, uncached; every CPU sees them. Boot processor, before memory_seal. */
void *cpu_map_device(uint64_t physical, uint64_t bytes);

/* memory_reserve, ending the monitor when there is none left: `what` it was for. */
void *cpu_reserve(node_t, uint64_t bytes, const char *what);

/* memory_seal, and machine_x86.frames as they are then. */
void machine_seal(void);

/* Power off (ACPI S5 of the real machine, found in its DSDT), or a halt when that fails. */
_Noreturn void machine_off(void);

/* What the boot processor runs once memory, topology, modules and console are there. In x86/main.c. */
_Noreturn void monitor_main(void);

#endif
