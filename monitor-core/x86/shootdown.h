/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Translation shootdown over nested tables. One generation for the machine: a CPU that enters a guest with an older one
 * flushes first (TLB_CONTROL in its control block), and a shootdown waits only for CPUs that are in a guest.
 *
 *   entry (CLGI):  in_guest = 1; fence; if (seen != generation) { seen = generation; flush }; VMRUN
 *   exit:          in_guest = 0 (release)
 *   shootdown:     generation++; fence; every other CPU in a guest of these VMs: kick; wait until it has left the guest
 *                  once or has seen the generation
 *
 * VMRUN and the flush in its control block are one act, so a CPU whose `seen` is new runs on new translations.
 */
#ifndef MONITOR_CORE_X86_SHOOTDOWN_H
#define MONITOR_CORE_X86_SHOOTDOWN_H

#include "monitor-core/x86/cpu.h"

/* Before VMRUN; cpu->vm says whose guest. True: TLB_CONTROL has to be set for this entry. */
bool shootdown_enter(struct cpu *);
void shootdown_leave(struct cpu *);

/* By the holder of the pager's lock. Returns when no CPU that runs one of these VMs (a bit each) can use a translation
 * older than this call; the others' are gone when they enter a guest next. No VM: nobody is waited for (cleared
 * accessed bits). */
void shootdown(uint32_t vms);

struct shootdown_counts {
    uint64_t rounds, kicks, wait_ns;
};
struct shootdown_counts shootdown_counts(void);

#endif
