/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The paravirtual clock of KVM guests (Documentation/virt/kvm/x86/msr.rst): a guest reads the TSC itself and scales it
 * by what it finds in a page of its own. All virtual CPUs have the machine's TSC and the same scale, so the page is
 * written once and the clock is stable across them.
 */
#ifndef MONITOR_CORE_X86_KVMCLOCK_H
#define MONITOR_CORE_X86_KVMCLOCK_H

#include "policy/numa.h"

struct vcpu;

/* The first call, by the boot processor, reads the machine's real-time clock. */
void kvmclock_cpu_init(void);

/* What the guest wrote into MSR_KVM_SYSTEM_TIME and MSR_KVM_WALL_CLOCK. 0, or ERR_INVAL: #GP. */
int kvmclock_system_time(struct vcpu *, uint64_t value);
int kvmclock_wall_clock(struct vcpu *, uint64_t gpa);

/* Seconds since 1970 of a date in the Gregorian calendar; month and day from 1. */
uint64_t kvmclock_seconds(uint32_t year, uint32_t month, uint32_t day, uint32_t hour, uint32_t minute, uint32_t second);

#endif
