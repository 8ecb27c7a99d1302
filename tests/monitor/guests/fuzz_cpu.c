/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/guests/fuzz.h"

/* Where a monitor has something to decide, besides any number at all. */
static const uint32_t registers[] = {
    0x10,       0x1b,       0x3a,       0x6e0,      0x8b,       0xfe,       0x174,      0x175,      0x176,
    0x179,      0x1a0,      0x1d9,      0x200,      0x277,      0x2ff,      0x400,      0x48,       0x49,
    0x122,      0xda0,      0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04, 0x11,       0x12,
    0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103,
    0xc0000104, 0xc0010010, 0xc0010015, 0xc0010055, 0xc0010058, 0xc0010111, 0xc0010114, 0xc0010115, 0xc0010117,
    0xc0010118, 0xc0010119, 0xc001011b, 0xc0011020, 0xc0011029, 0xc0011030, 0xc0011033, 0xc001103a, 0x40000000,
};

static uint32_t any_register(void)
{
    switch (fuzz_below(4)) {
    case 0:
        return (uint32_t)fuzz_odd();
    case 1:
        return 0x800 + (uint32_t)fuzz_below(0x100);
    default:
        return registers[fuzz_below(sizeof registers / sizeof *registers)];
    }
}

void fuzz_msr_read(void)
{
    fuzz_rdmsr(any_register());
}

/* Not: what takes away the ground under this program (long mode, where the kernel's clock may write). */
void fuzz_msr_write(void)
{
    uint32_t msr = any_register();
    uint64_t value = fuzz_odd();
    if (msr == 0xc0000080)
        value |= 0x500;
    if (msr <= 0x12 || (msr & 0xffffff00) == 0x4b564d00)
        value = FUZZ_SCRATCH + (value & (FUZZ_SCRATCH_SIZE - 1)) + (fuzz_below(4) ? 0 : UINT64_C(1) << 40);
    if (msr == 0x830)
        return; /* IPIs: fuzz_apic */
    fuzz_wrmsr(msr, value);
}

void fuzz_cpuid(void)
{
    uint32_t a = (uint32_t)(fuzz_below(3) ? (fuzz_below(4) << 30 | fuzz_below(40)) : fuzz_odd()), b, c, d;
    c = (uint32_t)fuzz_odd();
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static void write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value));
}

/* Paging, long mode and physical address extension stay on; the rest is free. Bits of CR4 that the processor lacks are
 * left alone: setting one never ends in QEMU 7.2, monitor or not. So is CR8, with an interrupt pending QEMU's last
 * write. */
void fuzz_control(void)
{
    uint64_t value = fuzz_odd();
    switch (fuzz_below(7)) {
    case 0:
        __asm__ volatile("mov %0, %%cr0" : : "r"((value & 0xffffffff) | 0x80000001));
        break;
    case 1:
        write_cr4((value & 0x17707ff) | 0x20);
        break;
    case 2:
        write_cr4(0x6a0 ^ 1u << fuzz_below(5));
        break;
    case 3:
        __asm__ volatile("mov %%cr8, %0" : "=r"(value));
        break;
    case 4:
        __asm__ volatile("mov %0, %%cr2" : : "r"(value));
        break;
    case 5:
        __asm__ volatile("mov %0, %%cr3" : : "r"((uint64_t)(uintptr_t)fuzz_level4 | (value & 0xfff)));
        break;
    default:
        write_cr4(0x406a0);
        __asm__ volatile("xsetbv" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(fuzz_below(3)));
    }
}

/* DR7 without data breakpoints: an emulated CPU does not know after a world switch which kind it had set, and dies of
 * it (QEMU 7.2, target/i386/tcg/sysemu/bpt_helper.c: both kinds share their pointers). */
void fuzz_debug(void)
{
    enum { DR7_EXECUTION = 0xffff };
    uint64_t value = fuzz_odd();
    switch (fuzz_below(5)) {
    case 0:
        __asm__ volatile("mov %0, %%dr0" : : "r"(value));
        break;
    case 1:
        __asm__ volatile("mov %0, %%dr3" : : "r"(value));
        break;
    case 2:
        __asm__ volatile("mov %0, %%dr6" : : "r"(value));
        break;
    case 3:
        __asm__ volatile("mov %0, %%dr7" : : "r"(value & DR7_EXECUTION));
        break;
    default:
        __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop" : : : "cc", "memory");
    }
}

/* Halts only with a timer that ends it. */
static void halt(void)
{
    fuzz_wrmsr(0x832, 0x40000 | 0x40);
    fuzz_wrmsr(0x6e0, __builtin_ia32_rdtsc() + fuzz_below(1000000));
    __asm__ volatile("sti\n\thlt\n\tcli");
}

void fuzz_instruction(void)
{
    uint64_t at = fuzz_odd(), kind = fuzz_below(24);
    switch (kind) {
    case 0:
        __asm__ volatile("ud2");
        break;
    case 1:
        __asm__ volatile("vmrun %%rax" : : "a"(at) : "memory");
        break;
    case 2:
        __asm__ volatile("vmload %%rax" : : "a"(at) : "memory");
        break;
    case 3:
        __asm__ volatile("vmsave %%rax" : : "a"(at) : "memory");
        break;
    case 4:
        __asm__ volatile("stgi");
        break;
    case 5:
        __asm__ volatile("clgi");
        break;
    case 6:
        __asm__ volatile(".byte 0x0f, 0x01, 0xde" : : "a"(at));
        break; /* skinit */
    case 7:
        __asm__ volatile(".byte 0x0f, 0x01, 0xdf" : : "a"(at), "c"(at));
        break; /* invlpga */
    case 8:
        __asm__ volatile("monitor" : : "a"(&fuzz_memory_end), "c"(0), "d"(0));
        break;
    case 9:
        __asm__ volatile("mwait" : : "a"(0), "c"(0));
        break;
    case 10:
        __asm__ volatile("rdpmc" : : "c"(at) : "eax", "edx");
        break;
    case 11:
        __asm__ volatile("wbinvd" : : : "memory");
        break;
    case 12:
        __asm__ volatile("invd" : : : "memory");
        break;
    case 13:
        __asm__ volatile("rsm");
        break;
    case 14:
        __asm__ volatile("int3");
        break;
    case 15:
        __asm__ volatile("int $0x80");
        break;
    case 16:
        __asm__ volatile("int $0x20");
        break;
    case 17:
        __asm__ volatile("rdtscp" : : : "eax", "edx", "ecx");
        break;
    case 18:
        __asm__ volatile("xgetbv" : : "c"(at) : "eax", "edx");
        break;
    case 19:
        __asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
        break;
    case 20:
        __asm__ volatile("ltr %w0" : : "r"(at));
        break;
    case 21:
        __asm__ volatile("lldt %w0" : : "r"(at));
        break;
    case 22:
        __asm__ volatile("pause");
        break;
    default:
        halt();
    }
}

void fuzz_hypercall(void)
{
    uint64_t a = fuzz_below(2) ? fuzz_below(64) : fuzz_odd(), b = fuzz_odd(), c = fuzz_odd(), d = fuzz_address();
    register uint64_t e __asm__("r8") = fuzz_odd();
    if (fuzz_below(4))
        __asm__ volatile("vmmcall" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+r"(e) : : "memory");
    else
        __asm__ volatile("vmcall" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+r"(e) : : "memory");
}

/* INIT goes to others only, start-up interrupts lead to code that waits. Interrupts are let in afterwards. */
void fuzz_apic(void)
{
    uint64_t mode = fuzz_below(8), shorthand = mode >= 5 ? 3 : fuzz_below(4);
    uint64_t vector = mode == 6 ? 8 : 32 + fuzz_below(224), destination = fuzz_below(3) ? fuzz_below(4) : fuzz_odd();
    switch (fuzz_below(4)) {
    case 0:
        fuzz_rdmsr(0x800 + (uint32_t)fuzz_below(0x40));
        break;
    case 1:
        fuzz_wrmsr(0x800 + (uint32_t)(fuzz_below(0x30)), fuzz_odd());
        break;
    case 2:
        fuzz_wrmsr(0x830, destination << 32 | shorthand << 18 | mode << 8 | vector | fuzz_below(2) << 14);
        break;
    default:
        fuzz_wrmsr(0x83e, fuzz_below(16));
        fuzz_wrmsr(0x832, fuzz_below(3) << 17 | (32 + fuzz_below(224)));
        fuzz_wrmsr(0x838, 1000 + fuzz_below(100000));
    }
    for (int i = 0; i < 50; i++)
        __asm__ volatile("sti\n\tnop\n\tnop\n\tcli");
    fuzz_wrmsr(0x838, 0);
    fuzz_wrmsr(0x80f, 0x1ff);
}

/* Entries of any kind at the last level: reserved bits, holes, devices, the tables themselves. */
void fuzz_tables(void)
{
    unsigned page = (unsigned)fuzz_below(512);
    uint64_t at = FUZZ_WINDOW + page * 4096 + fuzz_below(4088), sum = 0;
    uint64_t leads = fuzz_below(3) ? fuzz_address() : (uint64_t)(uintptr_t)fuzz_window_table;
    fuzz_window_table[page] = (leads & UINT64_C(0xffffffffff000)) | (fuzz_odd() & UINT64_C(0x8000000000000fff)) | 1;
    __asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
    sum += *(volatile uint64_t *)at;
    if (leads >= FUZZ_SCRATCH && leads < FUZZ_SCRATCH + FUZZ_SCRATCH_SIZE)
        *(volatile uint64_t *)at = sum;
}
