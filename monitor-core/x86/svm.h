/* SPDX-License-Identifier: BSD-2-Clause
 *
 * AMD-V: the control block (AMD64 APM volume 2, appendix B) and the world switch (x86/svm_switch.S).
 */
#ifndef MONITOR_CORE_X86_SVM_H
#define MONITOR_CORE_X86_SVM_H

#include "policy/numa.h"

struct vmcb;

/* General registers that VMRUN does not switch; RAX and RSP are in the control block. */
struct svm_registers {
    uint64_t rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
};

#endif
