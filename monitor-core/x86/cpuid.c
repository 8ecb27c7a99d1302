/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/cpuid.h"

#include "monitor-core/x86/fpu.h"
#include "monitor-core/x86/vm.h"

enum { XCR0_X87 = 1, XCR0_SSE = 2, XCR0_AVX = 4, XSAVE_LEGACY = 576 };

#define BIT(n) (UINT32_C(1) << (n))
#define ALL UINT32_MAX

/* Family, model and stepping decide which flaws and which chipset devices a kernel sees to, so they are the CPU's own.
 * Only family 15 never had nested paging: that is an emulator's CPU, and Linux would look for the AGP bridges, C1E and
 * timers of its time. It is shown as a CPU without known flaws instead (Zen 5). */
static uint32_t signature(uint32_t own)
{
    enum { ZEN5 = 0x00b00f21 };
    bool emulated = (own >> 8 & 15) == 15 && (own >> 20 & 0xff) == 0;
    return emulated ? ZEN5 : own;
}

enum { X2APIC = 21, DEADLINE = 24, OSXSAVE = 27, HYPERVISOR = 31, HTT = 28, CMP_LEGACY = 1 };
enum { ARAT = 2, INVARIANT_TSC = 8, NO_IO_DELAY = 1, CLOCK = 3, EOI = 6, CLOCK_STABLE = 24 };

/* FPU, VME, DE, PSE, TSC, MSR, PAE, CX8, APIC, PGE, CMOV, PAT, PSE36, MMX, FXSR: of leaves 1 and 0x8000_0001. */
#define BASIC UINT32_C(0x0183a37f)

/* What a guest sees of the CPU's own leaves, bit by bit, and what is added to that; all else is zero. */
static const struct {
    uint32_t leaf, subleaf; /* ALL: it has none */
    struct cpuid shown, added;
} table[] = {
    {0, ALL, {0, ALL, ALL, ALL}, {.eax = 0xd}},
    /* SSE3, PCLMULQDQ, SSSE3, FMA, CMPXCHG16B, SSE4.1, SSE4.2, MOVBE, POPCNT, AES, XSAVE, AVX, F16C, RDRAND; SEP,
     * CLFSH, SSE, SSE2. Without MCE, MTRR, MCA. */
    {1, ALL, {ALL, 0xff00, 0x76d83203, BASIC | BIT(11) | BIT(19) | BIT(25) | BIT(26)}, {0}},
    {6, ALL, {0}, {.eax = BIT(ARAT)}},
    /* FSGSBASE, BMI1, AVX2, SMEP, BMI2, ERMS, RDSEED, ADX, SMAP, CLFLUSHOPT, CLWB, SHA; UMIP, VAES, VPCLMULQDQ, RDPID;
     * FSRM. */
    {7, 0, {0, 0x219c03a9, BIT(2) | BIT(9) | BIT(10) | BIT(22), BIT(4)}, {0}},
    {0xd, 1, {.eax = 1 | 4}, {0}}, /* XSAVEOPT, XGETBV with ECX = 1 */
    {0xd, 2, {ALL, ALL, 0, 0}, {0}},
    {0x40000000, ALL, {0}, {0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d}}, /* "KVMKVMKVM" */
    {0x40000001, ALL, {0}, {.eax = BIT(NO_IO_DELAY) | BIT(CLOCK) | BIT(EOI) | BIT(CLOCK_STABLE)}},
    {0x80000000, ALL, {0, ALL, ALL, ALL}, {.eax = 0x80000008}},
    /* LAHF, CR8 by LOCK MOV CR0, ABM, SSE4A, misaligned SSE, 3DNow prefetch; SYSCALL, NX, MMX extensions, 1 GiB pages,
     * RDTSCP, long mode. */
    {0x80000001, ALL, {ALL, 0, 0x1f1, BASIC | BIT(11) | BIT(20) | BIT(22) | BIT(26) | BIT(27) | BIT(29)}, {0}},
    {0x80000002, ALL, {ALL, ALL, ALL, ALL}, {0}},
    {0x80000003, ALL, {ALL, ALL, ALL, ALL}, {0}},
    {0x80000004, ALL, {ALL, ALL, ALL, ALL}, {0}},
    {0x80000005, ALL, {ALL, ALL, ALL, ALL}, {0}},
    {0x80000006, ALL, {ALL, ALL, ALL, ALL}, {0}},
    {0x80000007, ALL, {0}, {.edx = BIT(INVARIANT_TSC)}},
    {0x80000008, ALL, {.eax = 0xffff}, {0}},
};

static struct cpuid shown(uint32_t leaf, uint32_t subleaf)
{
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct cpuid *m = &table[i].shown, *a = &table[i].added;
        if (table[i].leaf != leaf || (table[i].subleaf != ALL && table[i].subleaf != subleaf))
            continue;
        struct cpuid c = cpuid_host(leaf, subleaf);
        return (struct cpuid){(c.eax & m->eax) | a->eax, (c.ebx & m->ebx) | a->ebx, (c.ecx & m->ecx) | a->ecx,
                              (c.edx & m->edx) | a->edx};
    }
    return (struct cpuid){0};
}

uint64_t cpuid_xcr0(void)
{
    return cpuid_host(0xd, 0).eax & (XCR0_X87 | XCR0_SSE | XCR0_AVX);
}

/* One package, one core per virtual CPU, one thread per core. */
static struct cpuid topology(const struct vcpu *v, uint32_t subleaf)
{
    enum { THREAD = 1, CORE = 2 };
    uint32_t n = v->vm->nvcpus, bits = n > 1 ? 32u - (uint32_t)__builtin_clz(n - 1) : 0;
    if (subleaf == 0)
        return (struct cpuid){.ebx = 1, .ecx = THREAD << 8, .edx = v->index};
    if (subleaf == 1)
        return (struct cpuid){.eax = bits, .ebx = n, .ecx = CORE << 8 | 1, .edx = v->index};
    return (struct cpuid){.ecx = subleaf & 0xff, .edx = v->index};
}

/* Bytes of a standard-format XSAVE area for these components. */
static uint32_t xsave_size(uint64_t xcr0)
{
    struct cpuid avx = cpuid_host(0xd, 2);
    return xcr0 & XCR0_AVX ? avx.ebx + avx.eax : XSAVE_LEGACY;
}

struct cpuid cpuid_guest(const struct vcpu *v, uint32_t leaf, uint32_t subleaf)
{
    enum { CR4_OSXSAVE = 1 << 18 };
    struct cpuid c = shown(leaf, subleaf);
    uint32_t n = v->vm->nvcpus, several = n > 1, xsave = (v->vmcb->cr4 & CR4_OSXSAVE) != 0;
    switch (leaf) {
    case 1:
        c.eax = signature(c.eax);
        c.ebx |= v->index << 24 | n << 16;
        c.ecx |= BIT(X2APIC) | BIT(DEADLINE) | BIT(HYPERVISOR) | xsave << OSXSAVE;
        c.edx |= several << HTT;
        break;
    case 0xb:
        return topology(v, subleaf);
    case 0xd:
        if (subleaf == 0)
            c = (struct cpuid){.eax = (uint32_t)cpuid_xcr0(),
                               .ebx = xsave_size(xsave ? fpu_xcr0() : XCR0_X87),
                               .ecx = xsave_size(cpuid_xcr0())};
        break;
    case 0x80000001:
        c.eax = signature(c.eax);
        c.ecx |= several << CMP_LEGACY;
        break;
    case 0x80000008: /* no more bits of an address than nested tables, and four levels of the guest's own, reach */
        c.eax = (c.eax >> 8 < 48 ? c.eax >> 8 : 48) << 8 | ((c.eax & 0xff) < 48 ? c.eax & 0xff : 48);
        c.ecx = n - 1;
        break;
    }
    return c;
}
