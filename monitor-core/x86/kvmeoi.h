/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The end of an interrupt without an exit, as KVM guests know it (Documentation/virt/kvm/x86/msr.rst,
 * MSR_KVM_EOI_EN): a word in guest memory whose lowest bit the monitor sets for one interrupt. The guest that finds it
 * set clears it and is done; the monitor sees at the next exit that the interrupt has ended. One that finds it clear
 * writes to the EOI register as ever.
 *
 * The bit is set only while that interrupt is the only one pending or in service and edge-triggered: then nobody waits
 * for its end. It is taken back at the first entry where another one has come. The guest does not run meanwhile, and an
 * interrupt that comes while it runs makes it leave, so both sides always mean the same interrupt.
 */
#ifndef MONITOR_CORE_X86_KVMEOI_H
#define MONITOR_CORE_X86_KVMEOI_H

#include "policy/numa.h"

struct vcpu;

/* What the guest wrote into MSR_KVM_EOI_EN. 0, or ERR_INVAL: #GP. */
int kvmeoi_set(struct vcpu *, uint64_t value);

/* Before each entry, all that is pending posted; after each exit, what the guest has taken in service. */
void kvmeoi_enter(struct vcpu *);
void kvmeoi_leave(struct vcpu *);

#endif
