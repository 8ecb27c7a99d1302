/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an exit of a guest means: a table from exit codes to what is done about them.
 */
#ifndef MONITOR_CORE_X86_EXITS_H
#define MONITOR_CORE_X86_EXITS_H

#include "monitor-core/exits.h"

struct vcpu;
struct vmcb;

/* Every exit in the table is asked for, but IRET's: that is an NMI's matter (vcpu.c). */
void exits_intercept(struct vmcb *);

/* Deals with the exit that the control block describes; sets vcpu.wish where the guest cannot just go on. */
enum exit_kind exits_deal(struct vcpu *);

/* A nested fault (exits_fault.c): memory goes to the pager, the rest is a device's or nobody's. */
enum exit_kind exits_fault(struct vcpu *);

#endif
