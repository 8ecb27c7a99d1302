/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A virtual CPU's view of its memory: linear addresses, through the guest's own page tables (walk.h) and the pager.
 */
#ifndef MONITOR_CORE_X86_LINEAR_H
#define MONITOR_CORE_X86_LINEAR_H

#include "monitor-core/x86/vcpu.h"

/* Up to n <= 15 bytes of the instruction at CS:RIP, as many as are mapped. */
size_t linear_fetch(struct vcpu *, uint8_t *bytes, size_t n);

/* Data, as the guest's current privilege allows. 0; or a negative ERR_ with a fault for the guest pending (or the VM
 * ended: the page tables are no memory). May have done part of it. */
int linear_read(struct vcpu *, uint64_t linear, void *buffer, size_t n);
/* Would a write succeed as far as the page tables go? */
int linear_check(struct vcpu *, uint64_t linear, size_t n);
int linear_write(struct vcpu *, uint64_t linear, const void *buffer, size_t n);

/* 16, 32 or 64: how the code segment decodes. */
unsigned linear_mode(const struct vcpu *);

#endif
