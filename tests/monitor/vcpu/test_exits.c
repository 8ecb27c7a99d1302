/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the monitor does about each exit of a guest.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/monitor/vcpu/rig.h"

#define VALID UINT64_C(0x80000000)
#define GP (VALID | 0x800 | 3 << 8 | 13)
#define UD (VALID | 3 << 8 | 6)

static struct vcpu *const v = &rig.vcpu[0];

/* RDMSR: EDX:EAX, or all ones when it faults. */
static uint64_t get_msr(uint32_t msr)
{
    v->vmcb->event = 0;
    v->vmcb->rip = 0x1000;
    v->registers.rcx = msr;
    v->vmcb->rax = v->registers.rdx = UINT64_MAX;
    rig_run(SVM_EXIT_MSR, 0, 0);
    if (v->vmcb->event) {
        cr_expect_eq(v->vmcb->event, GP);
        cr_expect_eq(v->vmcb->rip, 0x1000);
        v->vmcb->event = 0;
        return UINT64_MAX;
    }
    cr_expect_eq(v->vmcb->rip, 0x1002);
    return v->registers.rdx << 32 | v->vmcb->rax;
}

static bool set_msr(uint32_t msr, uint64_t value)
{
    v->vmcb->event = 0;
    v->vmcb->rip = 0x1000;
    v->registers.rcx = msr;
    v->vmcb->rax = value & UINT32_MAX;
    v->registers.rdx = value >> 32;
    rig_run(SVM_EXIT_MSR, 1, 0);
    bool done = !v->vmcb->event;
    cr_expect_eq(v->vmcb->rip, done ? 0x1002 : 0x1000);
    v->vmcb->event = 0;
    return done;
}

Test(exits, msrs, .init = rig_start)
{
    cr_expect_eq(get_msr(0x1b), 0xfee00d00); /* on, x2APIC, boot processor */
    cr_expect_not(set_msr(0x1b, 0xfee00900));
    cr_expect(set_msr(0x1b, 0xfee00d00));
    cr_expect_eq(get_msr(0xc0010055), 0);
    cr_expect_eq(get_msr(0x12345), UINT64_MAX);
    cr_expect_eq(get_msr(0xc0010114), UINT64_MAX); /* VM_CR */
    cr_expect_eq(get_msr(0xfe), UINT64_MAX);       /* MTRRs */
    cr_expect_not(set_msr(0xc0010117, 0));         /* VM_HSAVE_PA */
    cr_expect_not(set_msr(0x10, 0));
    cr_expect(set_msr(0x277, UINT64_C(0x0407050600070106)));
    cr_expect_eq(v->vmcb->pat, UINT64_C(0x0407050600070106));
    cr_expect_not(set_msr(0x277, 2));
    cr_expect_eq(v->exits[EXIT_MSR_WRITE], 6);
}

Test(exits, efer, .init = rig_start)
{
    cr_expect_eq(get_msr(0xc0000080), 0x500); /* LME, LMA; SVME is not shown */
    cr_expect(set_msr(0xc0000080, 0xd01));
    cr_expect_eq(v->vmcb->efer, 0x1d01);
    cr_expect_not(set_msr(0xc0000080, 0x1d01)); /* nor granted */
    cr_expect_not(set_msr(0xc0000080, 0x801));  /* LME cannot go while paging is on */
    v->vmcb->cr0 = 0x11;
    v->vmcb->efer = 0x1000;
    cr_expect(set_msr(0xc0000080, 0x901));
    cr_expect_eq(v->vmcb->efer, 0x1901); /* LMA is for the CPU to set */
}

Test(exits, local_apic, .init = rig_start)
{
    cr_expect_eq(get_msr(0x802), 0);
    cr_expect_eq(get_msr(0x80e), UINT64_MAX);
    lapic_post(&v->lapic, 0x51, true);
    lapic_accept(&v->lapic, 0x51);
    cr_expect(set_msr(0x80b, 0));
    cr_expect_eq(rig.ended_interrupt, 0x51);
    cr_expect(set_msr(0x830, UINT64_C(1) << 32 | 0x77));
    cr_expect_eq(lapic_pending(&rig.vcpu[1].lapic), 0x77);
}

static struct cpuid {
    uint32_t a, b, c, d;
} cpuid(uint32_t leaf, uint32_t subleaf)
{
    v->vmcb->rip = 0x1000;
    v->vmcb->rax = leaf;
    v->registers.rcx = subleaf;
    rig_run(SVM_EXIT_CPUID, 0, 0);
    cr_expect_eq(v->vmcb->rip, 0x1002);
    cr_expect_eq(v->vmcb->rax >> 32 | v->registers.rbx >> 32 | v->registers.rcx >> 32 | v->registers.rdx >> 32, 0);
    return (struct cpuid){(uint32_t)v->vmcb->rax, (uint32_t)v->registers.rbx, (uint32_t)v->registers.rcx,
                          (uint32_t)v->registers.rdx};
}

static bool bit(uint32_t word, unsigned n)
{
    return word >> n & 1;
}

Test(exits, cpuid, .init = rig_start)
{
    struct cpuid r = cpuid(1, 0);
    cr_expect(bit(r.c, 21) && bit(r.c, 24) && bit(r.c, 31));                   /* x2APIC, TSC deadline, hypervisor */
    cr_expect_not(bit(r.c, 3) || bit(r.c, 5) || bit(r.c, 17) || bit(r.c, 27)); /* MONITOR, VMX, PCID, OSXSAVE */
    cr_expect_not(bit(r.d, 7) || bit(r.d, 12) || bit(r.d, 14));                /* MCE, MTRR, MCA */
    cr_expect(bit(r.d, 28) && (r.b >> 16 & 0xff) == 2 && r.b >> 24 == 0);
    v->vmcb->cr4 |= 1 << 18;
    cr_expect(bit(cpuid(1, 0).c, 27));
    r = cpuid(7, 0);
    cr_expect_not(bit(r.b, 14) || bit(r.b, 16) || bit(r.c, 3) || bit(r.c, 16)); /* MPX, AVX-512, PKU, LA57 */
    r = cpuid(0x80000001, 0);
    cr_expect_not(bit(r.c, 2) || bit(r.c, 10) || bit(r.c, 22)); /* SVM, IBS, topology extensions */
    cr_expect(bit(r.c, 1));
    cr_expect(bit(cpuid(0x80000007, 0).d, 8) && bit(cpuid(6, 0).a, 2)); /* invariant TSC, ARAT */
    r = cpuid(0x40000000, 0);
    cr_expect_eq(r.a, 0x40000001);
    cr_expect(!memcmp(&r.b, "KVMK", 4) && !memcmp(&r.c, "VMKV", 4) && !memcmp(&r.d, "M\0\0", 4));
    cr_expect_eq(cpuid(0x40000001, 0).a, 1 << 1 | 1 << 3 | 1 << 6 | 1 << 24);
    cr_expect_eq(cpuid(0x8000000a, 0).a, 0);
    r = cpuid(0x80000008, 0);
    cr_expect((r.a & 0xff) >= 36 && (r.a & 0xff) <= 48 && r.a >> 8 == 48); /* without LA57 */
    cr_expect_eq(cpuid(0x12345678, 0).b, 0);
    r = cpuid(0xb, 1);
    cr_expect(r.a == 1 && r.b == 2 && r.c == (2 << 8 | 1) && r.d == 0);
}

Test(exits, xsave_sizes, .init = rig_start)
{
    struct cpuid r = cpuid(0xd, 0);
    cr_expect_not(r.a & ~7u);
    cr_expect_eq(r.b, 576); /* CR4.OSXSAVE is off: x87 and SSE only */
    cr_expect_eq(r.c, r.a & 4 ? 832 : 576);
    cr_expect_not(cpuid(0xd, 1).a & ~5u); /* no XSAVEC, no XSAVES */
}

/* A port's exit: EXITINFO1 as in the manual's figure 15-2; the next instruction is at 0x1002. */
static void port(bool in, unsigned size, uint32_t more)
{
    v->vmcb->rip = 0x1000;
    rig_run(SVM_EXIT_IOIO, 0x3f8u << 16 | size << 4 | 4u << 7 | in | more, 0x1002);
}
enum { STRING = 4, REPEAT = 8 };

Test(exits, ports, .init = rig_start)
{
    v->vmcb->rax = 0x1122334455667788;
    port(false, 1, 0);
    cr_expect(rig.log[0].write && rig.log[0].address == 0x3f8 && rig.log[0].size == 1 && rig.log[0].value == 0x88);
    port(false, 4, 0);
    cr_expect_eq(rig.log[1].value, 0x55667788);
    rig.answer = 0xaabbccdd;
    port(true, 1, 0);
    cr_expect_eq(v->vmcb->rax, 0x11223344556677dd);
    port(true, 2, 0);
    cr_expect_eq(v->vmcb->rax, 0x112233445566ccdd);
    port(true, 4, 0);
    cr_expect_eq(v->vmcb->rax, 0xaabbccdd); /* clears the upper half */
    cr_expect_eq(v->vmcb->rip, 0x1002);
    cr_expect_eq(v->exits[EXIT_PORT], 5);
}

Test(exits, string_ports, .init = rig_start)
{
    port(false, 1, STRING | REPEAT);
    cr_expect_eq(v->vmcb->event, GP);
    cr_expect_eq(v->vmcb->rip, 0x1000);
    v->vmcb->event = 0;
    port(true, 2, STRING);
    cr_expect_eq(v->vmcb->event, GP);
    cr_expect_eq(rig.logged, 0);
}

static void device(uint64_t info)
{
    v->vmcb->event = 0;
    v->vmcb->rip = 0x1000;
    rig_run(SVM_EXIT_NPF, info, RIG_DEVICE + 0x10);
}

Test(exits, device_memory, .init = rig_start)
{
    rig.answer = 0x8877665544332211;
    rig_code("\x8b\x01", 2); /* mov (%rcx),%eax */
    v->vmcb->rax = UINT64_MAX;
    device(4);
    cr_expect_eq(v->vmcb->rax, 0x44332211);
    cr_expect_eq(v->vmcb->rip, 0x1002);
    cr_expect(!rig.log[0].write && rig.log[0].address == RIG_DEVICE + 0x10 && rig.log[0].size == 4);
    rig_code("\x66\x89\x59\x10", 4); /* mov %bx,0x10(%rcx) */
    v->registers.rbx = 0xabcdef;
    device(6);
    cr_expect(rig.log[1].write && rig.log[1].size == 2 && rig.log[1].value == 0xcdef);
    cr_expect_eq(v->vmcb->rip, 0x1004);
    rig_code("\x0f\xb6\x11", 3); /* movzbl (%rcx),%edx */
    v->registers.rdx = UINT64_MAX;
    device(4);
    cr_expect_eq(v->registers.rdx, 0x11);
    rig_code("\xc7\x01\x00\x00\x01\x00", 6); /* movl $0x10000,(%rcx) */
    device(6);
    cr_expect(rig.log[3].write && rig.log[3].value == 0x10000 && rig.log[3].size == 4);
    cr_expect_eq(v->exits[EXIT_MMIO], 4);
    rig_code("\x66\x89\x59\x10", 4);
    rig.again = true;
    device(6);
    cr_expect_eq(v->vmcb->rip, 0x1000, "the device has more to do than one exit may take");
    device(6);
    cr_expect_eq(v->vmcb->rip, 0x1004);
}

/* The instruction lies on two pages, and the second one goes. */
Test(exits, device_instruction_across_pages, .init = rig_start)
{
    memcpy(rig.memory + 0x1ffe, "\x8b\x05\x11\x22\x33\x44", 6);
    v->vmcb->rip = 0x1ffe;
    rig_run(SVM_EXIT_NPF, 4, RIG_DEVICE);
    cr_expect_eq(v->vmcb->rip, 0x2004);
    rig_map(0x2000, 0);
    v->vmcb->rip = 0x1ffe;
    rig_run(SVM_EXIT_NPF, 4, RIG_DEVICE);
    cr_expect_eq(v->vmcb->rip, 0x1ffe);
    cr_expect_eq(rig.vm.state, VM_RUNNING);
    cr_expect_eq(rig.logged, 1);
}

Test(exits, device_forbidden)
{
    rig_start();
    rig_code("\x0f\x6f\x01", 3); /* movq (%rcx),%mm0 */
    device(4);
    cr_expect(rig.vm.state == VM_ENDED && rig.vm.end == VM_CRASHED);
    cr_expect_not_null(strstr(rig.vm.why, "rip 1000"));
    rig_start();
    rig_code("\x8b\x01", 2);
    v->vmcb->cs.attributes = 0xc9b; /* 32-bit code */
    device(4);
    cr_expect_eq(rig.vm.state, VM_ENDED);
    rig_start();
    device(4 | 1 << 4); /* a fetch */
    cr_expect_eq(rig.vm.state, VM_ENDED);
    rig_start();
    device(4 | UINT64_C(1) << 33); /* a page table */
    cr_expect_eq(rig.vm.state, VM_ENDED);
    rig_start();
    rig_run(SVM_EXIT_NPF, 4, UINT64_C(1) << 33); /* no frame in the machine */
    cr_expect_eq(rig.vm.end, VM_OUT_OF_MEMORY);
    rig_start();
    v->vmcb->cr3 = UINT64_C(0x7fffff000); /* tables nowhere: the instruction cannot be fetched, nothing happens */
    device(4);
    cr_expect_eq(rig.vm.state, VM_RUNNING);
}

Test(exits, refused, .init = rig_start)
{
    static const struct {
        unsigned code;
        uint64_t event;
    } all[] = {{SVM_EXIT_VMRUN, UD},
               {SVM_EXIT_VMLOAD, UD},
               {0x83, UD},
               {0x84, UD},
               {0x85, UD},
               {SVM_EXIT_SKINIT, UD},
               {SVM_EXIT_INVLPGA, UD},
               {SVM_EXIT_MONITOR, UD},
               {0x8b, UD},
               {SVM_EXIT_RDPRU, UD},
               {SVM_EXIT_RDPMC, GP}};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        rig_run(all[i].code, 0, 0);
        cr_expect_eq(v->vmcb->event, all[i].event, "%x", all[i].code);
        cr_expect_eq(v->vmcb->rip, 0x1000);
        v->vmcb->event = 0;
    }
    rig_run(SVM_EXIT_EXCEPTION + 17, 0, 0);
    cr_expect_eq(v->vmcb->event, VALID | 0x800 | 3 << 8 | 17);
    v->vmcb->event = 0;
    rig_run(SVM_EXIT_EXCEPTION + 1, 0, 0);
    cr_expect_eq(v->vmcb->event, VALID | 3 << 8 | 1);
}

Test(exits, carried_out, .init = rig_start)
{
    rig_run(SVM_EXIT_VMMCALL, 0, 0);
    cr_expect_eq(v->vmcb->rax, UINT64_C(0xffffffffffffffda)); /* -38 */
    cr_expect_eq(v->vmcb->rip, 0x1003);
    rig_run(SVM_EXIT_WBINVD, 0, 0);
    cr_expect_eq(v->vmcb->rip, 0x1005);
    v->vmcb->rax = 3;
    v->registers.rcx = v->registers.rdx = 0;
    rig_run(SVM_EXIT_XSETBV, 0, 0);
    cr_expect_eq(v->vmcb->rip, 0x1008);
    cr_expect_eq(rig.answer, 3);
    static const uint64_t bad[] = {0, 2, 5, UINT64_C(0x203)}; /* no x87; AVX without SSE; PKRU is not offered */
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        v->vmcb->event = 0;
        v->vmcb->rax = bad[i];
        rig_run(SVM_EXIT_XSETBV, 0, 0);
        cr_expect_eq(v->vmcb->event, GP);
    }
    cr_expect_eq(rig.answer, 3);
}

Test(exits, the_end)
{
    rig_start();
    cr_expect_eq(rig_run(SVM_EXIT_SHUTDOWN, 0, 0), VCPU_WAITING);
    cr_expect_eq(rig.vm.end, VM_CRASHED);
    cr_expect_not_null(strstr(rig.vm.why, "triple fault at rip 1000"));
    cr_expect_eq(v->exits[EXIT_SHUTDOWN], 1);
    rig_start();
    rig_run(UINT64_MAX, 0, 0);
    cr_expect_not_null(strstr(rig.vm.why, "invalid control block"));
    rig_start();
    rig_run(0x402, 0, 0);
    cr_expect_eq(rig.vm.end, VM_CRASHED);
}

/* The latest 16, the oldest first; of fewer, those there were. */
Test(exits, trail_of_a_crash)
{
    char line[96];
    rig_start();
    rig_run(SVM_EXIT_WBINVD, 0, 0);
    rig_run(SVM_EXIT_SHUTDOWN, 0, 0);
    cr_expect_str_eq(rig.said, "VM rig: virtual CPU 0: exit 89 at rip 1000, event 0\n"
                               "VM rig: virtual CPU 0: exit 7f at rip 1002, event 0\n");
    rig_start();
    for (unsigned i = 0; i < 20; i++)
        rig_run(SVM_EXIT_WBINVD, 0, 0);
    rig_run(SVM_EXIT_SHUTDOWN, 0, 0);
    const char *at = rig.said;
    for (unsigned rip = 0x100a; rip <= 0x1028; rip += 2) {
        snprintf(line, sizeof line, "VM rig: virtual CPU 0: exit %x at rip %x, event 0\n", rip < 0x1028 ? 0x89 : 0x7f,
                 rip);
        cr_assert_eq(strncmp(at, line, strlen(line)), 0, "%.60s, not %s", at, line);
        at += strlen(line);
    }
    cr_expect_eq(*at, 0);
}

Test(exits, clock_page, .init = rig_start)
{
    struct {
        uint32_t version, pad;
        uint64_t tsc, system_time;
        uint32_t multiplier;
        int8_t shift;
        uint8_t flags, pad2[2];
    } page;
    cr_expect(set_msr(0x4b564d01, 0x5000 | 1));
    memcpy(&page, rig.memory + 0x5000, sizeof page);
    cr_expect_eq(page.version, 2);
    cr_expect_eq(page.multiplier, UINT32_C(1) << 31); /* 1 GHz: (ticks << 1) / 2 */
    cr_expect_eq(page.shift, 1);
    cr_expect_eq(page.flags, 1);
    cr_expect_eq(get_msr(0x4b564d01), 0x5001);
    cr_expect_not(set_msr(0x4b564d01, UINT64_C(0x7000000001))); /* no memory there */
    cr_expect_not(set_msr(0x4b564d00, UINT64_C(0x7000000000)));
    cr_expect(set_msr(0x4b564d00, 0x6000));
    cr_expect_eq(rig.memory[0x6000], 2);
}

/* Words of the control block: CR8 writes; #DB, #AC, #MC; the others by the manual's table 15-7. Neither IRET nor VINTR.
 */
Test(exits, asked_for, .init = rig_start)
{
    static const uint32_t words[6] = {1 << 24, 0, 1 << 1 | 1 << 17 | 1 << 18, 0xdd44800f, 0x00007e7f, 0};
    for (unsigned i = 0; i < 6; i++)
        cr_expect_eq(v->vmcb->intercept[i], words[i], "%u: %x", i, v->vmcb->intercept[i]);
}

/* The trap flag: an instruction that the monitor carried out traps like any other. */
Test(exits, single_step, .init = rig_start)
{
    v->vmcb->rflags |= 0x100;
    cpuid(0, 0);
    cr_expect_eq(v->vmcb->event, VALID | 3 << 8 | 1);
    cr_expect(bit((uint32_t)v->vmcb->dr6, 14));
}

/* A CPU that says where the next instruction is knows better: prefixes. */
Test(exits, next_instruction, .init = rig_start)
{
    v->vmcb->next_rip = 0x1004;
    rig_run(SVM_EXIT_WBINVD, 0, 0);
    cr_expect_eq(v->vmcb->rip, 0x1004);
}

/* Translations that hold what these registers said are given up with the address space's identifier. */
Test(exits, translations_end, .init = rig_start)
{
    v->space.generation = 5;
    cr_expect(set_msr(0xc0000080, 0xd01));
    cr_expect_eq(v->space.generation, 0);
    v->space.generation = 5;
    cr_expect(set_msr(0x277, UINT64_C(0x0407050600070106)));
    cr_expect_eq(v->space.generation, 0);
}
