/* SPDX-License-Identifier: BSD-2-Clause
 *
 * CPUID: the CPU's own, and what a virtual CPU is told (AMD64 APM volume 3, appendix E; KVM's leaves 0x4000_0000).
 */
#ifndef MONITOR_CORE_X86_CPUID_H
#define MONITOR_CORE_X86_CPUID_H

#include "policy/numa.h"

struct vcpu;

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid_host(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid c;
    __asm__ volatile("cpuid" : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx) : "a"(leaf), "c"(subleaf));
    return c;
}

/* What CPUID of that leaf gives to this virtual CPU: features by allow-lists, a topology of one package with a core per
 * virtual CPU, no SVM, a paravirtual clock. */
struct cpuid cpuid_guest(const struct vcpu *, uint32_t leaf, uint32_t subleaf);

/* The XCR0 bits that a guest may set. */
uint64_t cpuid_xcr0(void);

#endif
