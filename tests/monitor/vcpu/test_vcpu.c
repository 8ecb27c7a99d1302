/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Interrupts into a virtual CPU, halts, and what virtual CPUs send each other, with VMRUN played by the test.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "monitor-core/x86/linear.h"
#include "tests/monitor/vcpu/rig.h"

#define IF UINT64_C(0x200)
#define VALID UINT64_C(0x80000000)

static struct vcpu *const v = &rig.vcpu[0];

static void send(uint64_t mode, uint64_t vector, uint64_t shorthand)
{
    vcpu_send(&rig.vm, v, UINT64_C(1) << 32 | shorthand << 18 | mode << 8 | vector);
}

Test(interrupt, taken, .init = rig_open)
{
    lapic_post(&v->lapic, 0x31, false);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.event, 0);
    cr_expect_eq(rig.taken, 0x31);
    cr_expect(rig_in(v->lapic.isr, 0x31) && !rig_in(v->lapic.irr, 0x31));
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.taken, -1); /* once */
    cr_expect_not(rig.interrupt >> 8 & 1);
    cr_expect_eq(v->exits[EXIT_INTERRUPT], 2);
}

static void post_the_same(struct rig *r, struct vcpu *guest)
{
    (void)r;
    lapic_post(&guest->lapic, 0x31, false);
}

Test(interrupt, the_same_again_while_its_handler_runs, .init = rig_open)
{
    lapic_post(&v->lapic, 0x31, false);
    rig.guest = post_the_same;
    vcpu_run(v);
    cr_expect_eq(rig.taken, 0x31);
    cr_expect(rig_in(v->lapic.isr, 0x31) && rig_in(v->lapic.irr, 0x31));
    rig_start(); /* not taken: one is pending, whatever has come */
    lapic_post(&v->lapic, 0x31, false);
    rig.guest = post_the_same;
    vcpu_run(v);
    cr_expect_eq(rig.taken, -1);
    cr_expect(!rig_in(v->lapic.isr, 0x31) && rig_in(v->lapic.irr, 0x31));
}

Test(interrupt, waits_until_the_guest_is_open, .init = rig_start)
{
    lapic_post(&v->lapic, 0x55, false);
    for (unsigned i = 0; i < 2; i++) {
        rig_run(SVM_EXIT_INTR, 0, 0);
        cr_expect(rig_offers(0x55));
        cr_expect(!rig_in(v->lapic.isr, 0x55) && rig_in(v->lapic.irr, 0x55));
        v->vmcb->rflags |= IF;
        v->vmcb->shadow = 1; /* behind STI */
    }
    v->vmcb->shadow = 0;
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.taken, 0x55);
    cr_expect(rig_in(v->lapic.isr, 0x55));
}

static void post_another(struct rig *r, struct vcpu *guest)
{
    (void)r;
    lapic_post(&guest->lapic, 0x91, false); /* from another CPU, while this one is in the guest */
}

Test(interrupt, a_higher_one_takes_the_place, .init = rig_start)
{
    lapic_post(&v->lapic, 0x31, false);
    rig.guest = post_another;
    vcpu_run(v);
    cr_expect(rig_offers(0x31));
    v->vmcb->rflags |= IF;
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.taken, 0x91);
    cr_expect(rig_in(v->lapic.isr, 0x91) && !rig_in(v->lapic.isr, 0x31) && rig_in(v->lapic.irr, 0x31));
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_not(rig.interrupt >> 8 & 1); /* 0x31 waits for the end of 0x91 */
}

Test(interrupt, a_higher_one_comes_too_late, .init = rig_open)
{
    lapic_post(&v->lapic, 0x31, false);
    rig.guest = post_another;
    vcpu_run(v);
    cr_expect_eq(rig.taken, 0x31);
    cr_expect(rig_in(v->lapic.isr, 0x31) && !rig_in(v->lapic.isr, 0x91) && rig_in(v->lapic.irr, 0x91));
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.taken, 0x91);
    cr_expect(rig_in(v->lapic.isr, 0x31) && rig_in(v->lapic.isr, 0x91));
}

/* The interrupt's handler ends it before anything else leaves the guest. */
Test(interrupt, its_end_is_the_exit, .init = rig_open)
{
    enum { X2APIC_EOI = 0x80b };
    lapic_post(&v->lapic, 0x31, true);
    lapic_post(&v->lapic, 0x32, false);
    v->registers = (struct svm_registers){.rcx = X2APIC_EOI};
    for (int vector = 0x32; vector >= 0x31; vector--) {
        rig_run(SVM_EXIT_MSR, 1, 0);
        cr_expect_eq(rig.taken, vector);
        cr_expect(!rig_in(v->lapic.isr, (unsigned)vector) && !rig_in(v->lapic.irr, (unsigned)vector));
        cr_expect_eq(rig.ended_interrupt, vector == 0x31 ? 0x31 : -1); /* the one by level is told to the IOAPIC */
    }
}

Test(interrupt, task_priority, .init = rig_open)
{
    v->lapic.tpr = 0x40;
    lapic_post(&v->lapic, 0x31, false);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.interrupt & 0xff, 4); /* CR8 reads so */
    cr_expect_not(rig.interrupt >> 8 & 1); /* and is written by an exit: nothing is offered */
    rig_code("\x44\x0f\x22\xc3", 4);       /* mov %rbx,%cr8 */
    v->registers.rbx = 2;
    rig_run(SVM_EXIT_WRITE_CR8, 0, 0);
    cr_expect_eq(v->lapic.tpr, 0x20);
    cr_expect_eq(v->vmcb->rip, 0x1004);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.taken, 0x31);
    v->lapic.tpr = 0x3f; /* below its class only in the low bits, which do not count */
    lapic_post(&v->lapic, 0x41, false);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.taken, 0x41);
}

Test(interrupt, cr8_from_any_register, .init = rig_start)
{
    rig_code("\x45\x0f\x22\xc7", 4); /* mov %r15,%cr8 */
    v->registers.r15 = 9;
    rig_run(SVM_EXIT_WRITE_CR8, 0, 0);
    cr_expect_eq(v->lapic.tpr, 0x90);
    v->vmcb->rip = 0x1000;
    rig_code("\xf0\x0f\x22\xc0", 4); /* lock mov %rax,%cr0 */
    v->vmcb->rax = 3;
    rig_run(SVM_EXIT_WRITE_CR8, 0, 0);
    cr_expect_eq(v->lapic.tpr, 0x30);
    v->vmcb->rip = 0x1000;
    v->vmcb->rax = 16;
    rig_run(SVM_EXIT_WRITE_CR8, 0, 0);
    cr_expect_eq(v->vmcb->event, VALID | 0x800 | 3 << 8 | 13);
    cr_expect_eq(v->vmcb->rip, 0x1000);
    cr_expect_eq(v->lapic.tpr, 0x30);
}

static uint64_t broken_off;
static bool still_requested;

static void breaks_off(struct rig *r, struct vcpu *guest)
{
    (void)r;
    if (still_requested)
        guest->vmcb->interrupt |= UINT64_C(0x100);
    guest->vmcb->exit_code = SVM_EXIT_NPF;
    guest->vmcb->exit_event = broken_off;
}

Test(interrupt, broken_off, .init = rig_open)
{
    static const struct {
        uint64_t event, again;
    } cases[] = {
        {VALID | 2 << 8 | 2, VALID | 2 << 8 | 2},
        {UINT64_C(0x1500000000) | VALID | 0x800 | 3 << 8 | 14, UINT64_C(0x1500000000) | VALID | 0x800 | 3 << 8 | 14},
        {VALID | 4 << 8 | 0x80, 0}, /* INT 80h: executed again */
        {VALID | 3 << 8 | 3, 0},    /* INT3 */
        {VALID | 3 << 8 | 4, 0},    /* INTO */
        {VALID | 3 << 8 | 0xfe, 0}, /* no exception has this number */
        {0x31, 0}};                 /* not valid */
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        broken_off = cases[i].event;
        rig.guest = breaks_off;
        vcpu_run(v);
        rig_run(SVM_EXIT_INTR, 0, 0);
        cr_expect_eq(rig.event, cases[i].again, "case %u", i);
    }
    cr_expect_eq(v->exits[EXIT_TOUCH], 7);
}

/* The interrupt's frame cannot be written, say: it has not been taken, and comes again. */
Test(interrupt, its_own_delivery_broken_off, .init = rig_open)
{
    static const struct {
        unsigned vector;
        uint64_t event;
        bool request; /* as an emulated CPU leaves it */
    } cases[] = {{0x31, VALID | 0x31, false}, {0x31, VALID | 3 << 8 | 0x31, true}, {0x13, VALID | 3 << 8 | 0x13, true}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig_open();
        lapic_post(&v->lapic, (uint8_t)cases[i].vector, false);
        broken_off = cases[i].event;
        still_requested = cases[i].request;
        rig.guest = breaks_off;
        vcpu_run(v);
        cr_expect(!rig_in(v->lapic.isr, cases[i].vector) && rig_in(v->lapic.irr, cases[i].vector), "case %u", i);
        rig_run(SVM_EXIT_INTR, 0, 0);
        cr_expect_eq(rig.event, 0, "case %u", i);
        cr_expect_eq(rig.taken, (int)cases[i].vector, "case %u", i);
        cr_expect(rig_in(v->lapic.isr, cases[i].vector));
    }
}

Test(interrupt, broken_off_and_then_a_higher_one, .init = rig_open)
{
    lapic_post(&v->lapic, 0x31, false);
    broken_off = VALID | 0x31;
    rig.guest = breaks_off;
    vcpu_run(v);
    lapic_post(&v->lapic, 0x99, false);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.event, 0);
    cr_expect_eq(rig.taken, 0x99);
    cr_expect(!rig_in(v->lapic.isr, 0x31) && rig_in(v->lapic.irr, 0x31));
}

/* The handler's first access faults and that delivery is broken off: the interrupt was taken all the same. */
Test(interrupt, taken_and_then_an_exception_broken_off, .init = rig_open)
{
    lapic_post(&v->lapic, 0x31, false);
    broken_off = VALID | 0x800 | 3 << 8 | 14;
    rig.guest = breaks_off;
    vcpu_run(v);
    cr_expect(rig_in(v->lapic.isr, 0x31) && !rig_in(v->lapic.irr, 0x31));
    lapic_post(&v->lapic, 0x41, false);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.event, broken_off);
    cr_expect(rig_offers(0x41)); /* behind the exception */
    cr_expect_eq(rig.taken, -1);
    cr_expect(rig_in(v->lapic.irr, 0x41));
}

Test(nmi, masked_until_iret, .init = rig_start)
{
    send(4, 0, 1);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.event, VALID | 2 << 8 | 2);
    send(4, 0, 1);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.event, 0);
    cr_expect(v->vmcb->intercept[3] >> 20 & 1);
    rig_run(SVM_EXIT_IRET, 0, 0);
    cr_expect_not(v->vmcb->intercept[3] >> 20 & 1);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.event, 0); /* IRET has not run: an NMI now would lie upon the first one's frame */
    v->vmcb->rip = 0x2000;
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.event, VALID | 2 << 8 | 2);
    cr_expect_eq(v->lapic.nmi, 0);
}

Test(halt, until_an_interrupt, .init = rig_open)
{
    cr_expect_eq(rig_run(SVM_EXIT_HLT, 0, 0), VCPU_HALTED);
    cr_expect_eq(v->vmcb->rip, 0x1001);
    cr_expect_eq(vcpu_run(v), VCPU_HALTED);
    cr_expect_eq(rig.entries, 1);
    lapic_post(&v->lapic, 0x31, false);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.entries, 2);
    cr_expect_eq(rig.taken, 0x31);
    cr_expect_eq(rig.rip, 0x1001);
}

Test(halt, not_with_one_pending, .init = rig_open)
{
    v->vmcb->rflags &= ~IF;
    lapic_post(&v->lapic, 0x31, false);
    rig_exit(SVM_EXIT_HLT, 0, 0);
    v->vmcb->rflags |= IF;
    v->vmcb->shadow = 1; /* STI; HLT: the shadow ends with the HLT */
    cr_expect_eq(vcpu_run(v), VCPU_AGAIN);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.taken, 0x31);
}

Test(halt, by_its_timer, .init = rig_open)
{
    v->lapic.lvt[0] = 0x40;
    v->lapic.deadline_ns = 5000;
    cr_expect_eq(rig_run(SVM_EXIT_HLT, 0, 0), VCPU_HALTED);
    lapic_expire(&v->lapic, 4999);
    cr_expect_eq(vcpu_run(v), VCPU_HALTED);
    lapic_expire(&v->lapic, 5000);
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.taken, 0x40);
}

static void leaves_in_shadow(struct rig *r, struct vcpu *guest)
{
    (void)r;
    guest->vmcb->shadow = 1;
    guest->vmcb->exit_code = SVM_EXIT_INTR;
}

Test(halt, between_sti_and_hlt, .init = rig_open)
{
    rig_code("\xf4", 1);
    rig.guest = leaves_in_shadow;
    cr_expect_eq(vcpu_run(v), VCPU_HALTED);
    cr_expect_eq(v->vmcb->rip, 0x1001);
    cr_expect_eq(v->vmcb->shadow, 0);
    cr_expect_eq(v->exits[EXIT_HALT], 1);
    lapic_post(&v->lapic, 0x31, false);
    rig_run(SVM_EXIT_INTR, 0, 0);
    rig_start();
    rig_code("\xf4", 1);
    v->vmcb->cpl = 3; /* a program's MOV SS: its HLT is forbidden */
    rig.guest = leaves_in_shadow;
    cr_expect_eq(vcpu_run(v), VCPU_AGAIN);
    rig_start();
    rig_code("\x90", 1); /* another instruction: it stays in the shadow */
    rig.guest = leaves_in_shadow;
    cr_expect_eq(vcpu_run(v), VCPU_AGAIN);
    cr_expect_eq(v->vmcb->rip, 0x1000);
}

Test(halt, under_the_trap_flag, .init = rig_start)
{
    v->vmcb->rflags |= 0x100;
    cr_expect_eq(rig_run(SVM_EXIT_HLT, 0, 0), VCPU_AGAIN);
    cr_expect_eq(rig.vm.state, VM_RUNNING); /* interrupts are off, but a trap is on its way */
    rig_run(SVM_EXIT_INTR, 0, 0);
    cr_expect_eq(rig.event, VALID | 3 << 8 | 1);
}

Test(halt, for_good, .init = rig_start)
{
    rig.vcpu[1].start = VCPU_RUNS; /* its sibling still runs */
    cr_expect_eq(rig_run(SVM_EXIT_HLT, 0, 0), VCPU_HALTED);
    cr_expect_eq(rig.vm.state, VM_RUNNING);
    cr_expect_eq(vcpu_run(v), VCPU_HALTED);
    lapic_post(&v->lapic, 0x31, false);
    cr_expect_eq(vcpu_run(v), VCPU_HALTED); /* interrupts are off */
    rig_start();
    rig_run(SVM_EXIT_HLT, 0, 0); /* the only one that was started */
    cr_expect_eq(rig.vm.state, VM_ENDED);
    cr_expect_eq(rig.vm.end, VM_POWERED_OFF);
}

Test(start_up, init_and_twice_start, .init = rig_start)
{
    struct vcpu *second = &rig.vcpu[1];
    cr_expect_eq(vcpu_run(second), VCPU_WAITING);
    send(5, 0, 0);
    send(6, 0x9a, 0);
    send(6, 0x33, 0); /* the second start-up of the usual sequence does nothing */
    cr_expect_eq(vcpu_run(second), VCPU_AGAIN);
    cr_expect_eq(rig.rip, 0);
    cr_expect_eq(second->vmcb->cs.selector, 0x9a00);
    cr_expect_eq(second->vmcb->cs.base, 0x9a000);
    send(6, 0x44, 0);
    cr_expect_eq(vcpu_run(second), VCPU_AGAIN);
    cr_expect_eq(second->vmcb->cs.base, 0x9a000);
    second->space.generation = 5;
    send(5, 0, 0); /* back to waiting, with its registers reset and its translations gone */
    second->vmcb->cr0 = UINT64_C(0x80000011);
    cr_expect_eq(vcpu_run(second), VCPU_WAITING);
    cr_expect_eq(second->vmcb->cr0, 0x10);
    cr_expect_eq(second->space.generation, 0);
    send(6, 0x55, 0);
    vcpu_run(second);
    cr_expect_eq(second->vmcb->cs.base, 0x55000);
    cr_expect_eq(rig.vm.state, VM_RUNNING);
}

Test(start_up, init_and_start_before_it_looks, .init = rig_start)
{
    struct vcpu *second = &rig.vcpu[1];
    second->vmcb->cr0 = 1;
    send(5, 0, 0);
    send(6, 0x12, 0);
    cr_expect_eq(vcpu_run(second), VCPU_AGAIN);
    cr_expect_eq(second->vmcb->cr0, 0x10);
    cr_expect_eq(second->vmcb->cs.base, 0x12000);
    send(5, 0, 0);
    send(6, 0x13, 0);
    send(5, 0, 0); /* the last word */
    cr_expect_eq(vcpu_run(second), VCPU_WAITING);
}

Test(start_up, init_of_all_ends_the_vm, .init = rig_start)
{
    send(5, 0, 2);
    cr_expect_eq(vcpu_run(v), VCPU_WAITING);
    cr_expect_eq(rig.vm.state, VM_ENDED);
}

Test(start_up, messages, .init = rig_start)
{
    struct vcpu *second = &rig.vcpu[1];
    send(0, 0x41, 3); /* all but self */
    cr_expect_eq(lapic_pending(&second->lapic), 0x41);
    cr_expect_eq(lapic_pending(&v->lapic), -1);
    send(0, 0x42, 1); /* self */
    cr_expect_eq(lapic_pending(&v->lapic), 0x42);
    cr_expect_eq(lapic_pending(&second->lapic), 0x41);
    send(0, 0x43, 2);
    cr_expect_eq(lapic_pending(&v->lapic), 0x43);
    cr_expect_eq(lapic_pending(&second->lapic), 0x43);
    send(4, 0, 0);
    cr_expect_eq(second->lapic.nmi, 1);
    cr_expect_eq(v->lapic.nmi, 0);
    vcpu_send(&rig.vm, NULL, UINT64_C(0x100008051)); /* the IOAPIC, by level */
    cr_expect(second->lapic.irr[2] >> 0x11 & 1);
    cr_expect_eq(second->lapic.tmr[2], 1 << 0x11);
    cr_expect_eq(v->lapic.irr[2], 1 << 2 | 1 << 3);
    send(1, 0x99, 2); /* lowest priority: one of them */
    cr_expect_neq(lapic_pending(&v->lapic) == 0x99, lapic_pending(&second->lapic) == 0x99);
}

Test(ended, runs_no_more, .init = rig_start)
{
    rig.vm.state = VM_ENDED;
    cr_expect_eq(vcpu_run(v), VCPU_WAITING);
    cr_expect_eq(rig.entries, 0);
}

/* Code on pages of 2 MiB and 1 GiB; at a page's end. */
Test(linear, fetch, .init = rig_start)
{
    uint8_t bytes[4] = {0};
    uint64_t entry;
    rig_code("\x11\x22\x33\x44", 4);
    cr_expect_eq(linear_fetch(v, bytes, 4), 4);
    cr_expect_eq(bytes[3], 0x44);
    entry = 0x1083; /* bit 12 of a large page is PAT */
    memcpy(rig.memory + RIG_TABLES + 0x2008, &entry, 8);
    v->vmcb->rip = 0x201001;
    cr_expect_eq(linear_fetch(v, bytes, 3), 3);
    cr_expect(bytes[0] == 0x22 && bytes[2] == 0x44);
    entry = 0x83;
    memcpy(rig.memory + RIG_TABLES + 0x1008, &entry, 8);
    v->vmcb->rip = 0x40001002;
    cr_expect_eq(linear_fetch(v, bytes, 1), 1);
    cr_expect_eq(bytes[0], 0x33);
    v->vmcb->rip = 0x1ffe;
    rig_map(0x2000, 0);
    cr_expect_eq(linear_fetch(v, bytes, 4), 2);
    v->vmcb->rip = RIG_MEMORY - 1;
    cr_expect_eq(linear_fetch(v, bytes, 4), 1);
}

Test(linear, other_modes, .init = rig_start)
{
    uint8_t byte = 0;
    rig_code("\x11", 1);
    v->vmcb->cr4 |= 0x1000; /* five levels */
    cr_expect_eq(linear_fetch(v, &byte, 1), 0);
    v->vmcb->efer = 0x1000; /* two or three */
    cr_expect_eq(linear_fetch(v, &byte, 1), 0);
    v->vmcb->cr0 = 0x10;
    v->vmcb->cs.base = 0xff0;
    v->vmcb->rip = 0x10;
    cr_expect_eq(linear_fetch(v, &byte, 1), 1);
    cr_expect_eq(byte, 0x11);
    rig_start();
    v->vmcb->cr3 = UINT64_C(0x7fffff000);
    cr_expect_eq(linear_fetch(v, &byte, 1), 0);
}
