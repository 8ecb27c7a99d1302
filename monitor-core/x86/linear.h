/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The instruction that a virtual CPU stands on, fetched through the guest's own page tables (AMD64 APM volume 2,
 * chapter 5: 4-level long mode with pages of 4 KiB, 2 MiB and 1 GiB, or no paging) and the pager. The CPU itself has
 * just fetched it, so nothing is asked of rights, nor are accessed bits set.
 */
#ifndef MONITOR_CORE_X86_LINEAR_H
#define MONITOR_CORE_X86_LINEAR_H

#include "monitor-core/x86/vcpu.h"

/* Up to n bytes at CS:RIP, as many as are mapped. */
size_t linear_fetch(struct vcpu *, uint8_t *bytes, size_t n);

/* Is the code segment a 64-bit one? */
bool linear_is_64_bit(const struct vcpu *);

#endif
