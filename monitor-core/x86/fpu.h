/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Floating-point and vector state of a virtual CPU. The monitor uses none of it, so it changes hands only when the
 * scheduler does. Everything the CPU has is saved, whatever the guest enabled: an emulated CPU lets a guest enable what
 * it was not told of, and nothing of one VM may be found by another.
 */
#ifndef MONITOR_CORE_X86_FPU_H
#define MONITOR_CORE_X86_FPU_H

#include "policy/numa.h"

size_t fpu_size(void);               /* bytes, 64-byte aligned, zeroed */
void fpu_reset(unsigned char *area); /* as after power-on */
void fpu_load(const unsigned char *area, uint64_t xcr0);
uint64_t fpu_save(unsigned char *area); /* answers the guest's XCR0 */

uint64_t fpu_xcr0(void); /* of the guest that is taken up */
void fpu_set_xcr0(uint64_t);

#endif
