/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/cpuid.h"

#include "monitor-core/x86/vm.h"

enum { XCR0_X87 = 1, XCR0_SSE = 2, XCR0_AVX = 4, XSAVE_LEGACY = 576 };

#define BIT(n) (UINT32_C(1) << (n))

/* Family, model and stepping decide which flaws and which chipset devices a kernel sees to, so they are the CPU's own.
 * Only family 15 never had nested paging: that is an emulator's CPU, and Linux would look for the AGP bridges, C1E and
 * timers of its time. It is shown as a CPU without known flaws instead (Zen 5). */
static uint32_t signature(void)
{
    enum { ZEN5 = 0x00b00f21 };
    uint32_t own = cpuid_host(1, 0).eax;
    bool emulated = (own >> 8 & 15) == 15 && (own >> 20 & 0xff) == 0;
    return emulated ? ZEN5 : own;
}

/* Leaf 1. SSE3, PCLMULQDQ, SSSE3, FMA, CMPXCHG16B, SSE4.1, SSE4.2, MOVBE, POPCNT, AES, XSAVE, AVX, F16C, RDRAND. */
#define ALLOW_1_ECX                                                                                             \
    (BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(25) | BIT(26) | \
     BIT(28) | BIT(29) | BIT(30))
/* FPU, VME, DE, PSE, TSC, MSR, PAE, CX8, APIC, SEP, PGE, CMOV, PAT, PSE36, CLFSH, MMX, FXSR, SSE, SSE2; without MCE,
 * MTRR, MCA. */
#define ALLOW_1_EDX UINT32_C(0x078bab7f) & ~(BIT(7) | BIT(12) | BIT(14))
enum { X2APIC = 21, DEADLINE = 24, OSXSAVE = 27, HYPERVISOR = 31, HTT = 28 };
/* Leaf 7. FSGSBASE, BMI1, AVX2, SMEP, BMI2, ERMS, RDSEED, ADX, SMAP, CLFLUSHOPT, CLWB, SHA. */
#define ALLOW_7_EBX \
    (BIT(0) | BIT(3) | BIT(5) | BIT(7) | BIT(8) | BIT(9) | BIT(18) | BIT(19) | BIT(20) | BIT(23) | BIT(24) | BIT(29))
/* UMIP, VAES, VPCLMULQDQ, RDPID; FSRM. */
#define ALLOW_7_ECX (BIT(2) | BIT(9) | BIT(10) | BIT(22))
#define ALLOW_7_EDX BIT(4)
/* Leaf 0x8000_0001. LAHF, CR8 by LOCK MOV CR0, ABM, SSE4A, misaligned SSE, 3DNow prefetch. */
#define ALLOW_EXT_ECX (BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8))
/* SYSCALL, NX, MMX extensions, FFXSR not, 1 GiB pages, RDTSCP, long mode. */
#define ALLOW_EXT_EDX ((ALLOW_1_EDX & UINT32_C(0x0183f3ff)) | BIT(11) | BIT(20) | BIT(22) | BIT(26) | BIT(27) | BIT(29))
enum { CMP_LEGACY = 1, INVARIANT_TSC = 8, ARAT = 2 };

uint64_t cpuid_xcr0(void)
{
    return cpuid_host(0xd, 0).eax & (XCR0_X87 | XCR0_SSE | XCR0_AVX);
}

static struct cpuid features(const struct vcpu *v)
{
    enum { CR4_OSXSAVE = 1 << 18 };
    struct cpuid host = cpuid_host(1, 0);
    uint32_t several = v->vm->nvcpus > 1;
    bool os = v->vmcb->cr4 & CR4_OSXSAVE;
    return (struct cpuid){.eax = signature(),
                          .ebx = v->index << 24 | v->vm->nvcpus << 16 | (host.ebx & 0xff00),
                          .ecx = (host.ecx & ALLOW_1_ECX) | BIT(X2APIC) | BIT(DEADLINE) | BIT(HYPERVISOR) |
                                 (os ? BIT(OSXSAVE) : 0),
                          .edx = (host.edx & ALLOW_1_EDX) | several << HTT};
}

static struct cpuid features_7(uint32_t subleaf)
{
    struct cpuid host = cpuid_host(7, 0);
    if (subleaf != 0)
        return (struct cpuid){0};
    return (struct cpuid){.ebx = host.ebx & ALLOW_7_EBX, .ecx = host.ecx & ALLOW_7_ECX, .edx = host.edx & ALLOW_7_EDX};
}

/* One package, one core per virtual CPU, one thread per core. */
static struct cpuid topology(const struct vcpu *v, uint32_t subleaf)
{
    enum { THREAD = 1, CORE = 2 };
    uint32_t bits = v->vm->nvcpus > 1 ? 32u - (uint32_t)__builtin_clz(v->vm->nvcpus - 1) : 0;
    if (subleaf == 0)
        return (struct cpuid){.ebx = 1, .ecx = THREAD << 8, .edx = v->index};
    if (subleaf == 1)
        return (struct cpuid){.eax = bits, .ebx = v->vm->nvcpus, .ecx = CORE << 8 | 1, .edx = v->index};
    return (struct cpuid){.ecx = subleaf & 0xff, .edx = v->index};
}

/* Bytes of a standard-format XSAVE area for these components. */
static uint32_t xsave_size(uint64_t xcr0)
{
    struct cpuid avx = cpuid_host(0xd, 2);
    return xcr0 & XCR0_AVX ? avx.ebx + avx.eax : XSAVE_LEGACY;
}

static uint64_t current_xcr0(const struct vcpu *v)
{
    enum { CR4_OSXSAVE = 1 << 18 };
    uint32_t low, high;
    if (!(v->vmcb->cr4 & CR4_OSXSAVE))
        return XCR0_X87;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static struct cpuid xsave(const struct vcpu *v, uint32_t subleaf)
{
    enum { XSAVEOPT = 1, XGETBV_1 = 4 };
    uint64_t all = cpuid_xcr0();
    if (subleaf == 0)
        return (struct cpuid){
            .eax = (uint32_t)all, .ebx = xsave_size(current_xcr0(v)), .ecx = xsave_size(all), .edx = 0};
    if (subleaf == 1)
        return (struct cpuid){.eax = cpuid_host(0xd, 1).eax & (XSAVEOPT | XGETBV_1)};
    if (subleaf == 2 && (all & XCR0_AVX))
        return (struct cpuid){.eax = cpuid_host(0xd, 2).eax, .ebx = cpuid_host(0xd, 2).ebx};
    return (struct cpuid){0};
}

static struct cpuid paravirtual(uint32_t leaf)
{
    enum { NO_IO_DELAY = 1, CLOCK = 3, CLOCK_STABLE = 24 };
    if (leaf == 0x40000000) /* "KVMKVMKVM" */
        return (struct cpuid){0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d};
    if (leaf == 0x40000001)
        return (struct cpuid){.eax = BIT(NO_IO_DELAY) | BIT(CLOCK) | BIT(CLOCK_STABLE)};
    return (struct cpuid){0};
}

static struct cpuid extended(const struct vcpu *v, uint32_t leaf)
{
    struct cpuid host = cpuid_host(leaf, 0);
    uint32_t several = v->vm->nvcpus > 1;
    switch (leaf) {
    case 0x80000000:
        host.eax = 0x80000008;
        return host;
    case 0x80000001:
        return (struct cpuid){.eax = signature(),
                              .ecx = (host.ecx & ALLOW_EXT_ECX) | several << CMP_LEGACY,
                              .edx = host.edx & ALLOW_EXT_EDX};
    case 0x80000002 ... 0x80000006:
        return host;
    case 0x80000007:
        return (struct cpuid){.edx = BIT(INVARIANT_TSC)};
    case 0x80000008:
        return (struct cpuid){.eax = host.eax & 0xffff, .ecx = v->vm->nvcpus - 1};
    default:
        return (struct cpuid){0};
    }
}

struct cpuid cpuid_guest(const struct vcpu *v, uint32_t leaf, uint32_t subleaf)
{
    if (leaf >= 0x80000000)
        return extended(v, leaf);
    if (leaf >= 0x40000000)
        return paravirtual(leaf);
    struct cpuid host = cpuid_host(0, 0);
    switch (leaf) {
    case 0:
        host.eax = 0xd;
        return host;
    case 1:
        return features(v);
    case 6:
        return (struct cpuid){.eax = BIT(ARAT)};
    case 7:
        return features_7(subleaf);
    case 0xb:
        return topology(v, subleaf);
    case 0xd:
        return xsave(v, subleaf);
    default:
        return (struct cpuid){0};
    }
}
