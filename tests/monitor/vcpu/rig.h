/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A VM of two virtual CPUs on a CPU that is the test's thread: VMRUN is a function of the test, which looks at the
 * control block as a CPU would and leaves an exit in it. Guest memory is an array; a port and a page of device memory
 * remember what was done to them.
 */
#ifndef TESTS_MONITOR_VCPU_RIG_H
#define TESTS_MONITOR_VCPU_RIG_H

#include "monitor-core/x86/svm.h"
#include "monitor-core/x86/vm.h"

enum { RIG_MEMORY = 1 << 20, RIG_TABLES = 0x10000, RIG_DEVICE = 0xfec00000, RIG_LOG = 256 };

struct rig {
    struct vm vm;
    struct vcpu vcpu[2];
    unsigned char memory[RIG_MEMORY];
    void (*guest)(struct rig *, struct vcpu *); /* VMRUN */
    uint64_t event, interrupt, rip;             /* as they were at the latest entry */
    int taken;                                  /* the virtual interrupt that the guest took then, or -1 */
    unsigned entries;
    uint64_t now;
    uint64_t answer; /* of the port and the device */
    bool again;      /* the device wants its next write twice */
    struct {
        bool write;
        uint64_t address, value;
        unsigned size;
    } log[RIG_LOG];
    unsigned logged;
    uint32_t kicks;  /* bits of CPUs */
    char said[4096]; /* lines for the operator */
    int ended_interrupt;
    bool sampling;    /* the CPU's samples are taken for the guest's */
    unsigned sampled; /* accesses of the monitor to guest memory meanwhile */
};
extern struct rig rig;

/* A fresh VM; virtual CPU 0 runs in 64-bit mode at RIP 0x1000, privilege 0, the first MiB mapped one to one from
 * RIG_TABLES on; 1 waits for its start-up. */
void rig_start(void);

/* The same, with interrupts on. */
void rig_open(void);

/* Did the latest entry request that vector, with its priority (APM volume 2, table B-1, offset 0x60: request in bit 8,
 * priority in bits 19:16, vector in bits 39:32)? Is it set in a register of the local APIC? */
bool rig_offers(unsigned vector);
bool rig_in(const uint32_t *bits, unsigned vector);

/* The guest exits at once with this. */
void rig_exit(uint64_t code, uint64_t info1, uint64_t info2);
enum vcpu_wish rig_run(uint64_t code, uint64_t info1, uint64_t info2);

/* Puts an instruction at RIP 0x1000. */
void rig_code(const char *bytes, size_t n);
/* Maps a 4 KiB page: an entry of the last table. */
void rig_map(uint64_t linear, uint64_t entry);

#endif
