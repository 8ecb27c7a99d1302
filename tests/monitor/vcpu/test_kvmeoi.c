/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The paravirtual end of an interrupt: a word of guest memory.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/monitor/vcpu/rig.h"

#define IF UINT64_C(0x200)

static struct vcpu *const v = &rig.vcpu[0];

enum { WORD = 0x7000, MSR_KVM_EOI_EN = 0x4b564d04 };

static uint32_t word(void)
{
    uint32_t value;
    memcpy(&value, rig.memory + WORD, sizeof value);
    return value;
}

static struct {
    uint32_t found; /* the word as the guest found it */
    bool ends;      /* it ends what it is in, as Linux does: by the word where that says so */
} eoi;

static void end_by_word(struct rig *r, struct vcpu *guest)
{
    (void)guest;
    eoi.found = word();
    if (eoi.ends)
        r->memory[WORD] &= 0xfe;
}

static void give_word(uint64_t value)
{
    v->registers = (struct svm_registers){.rcx = MSR_KVM_EOI_EN, .rdx = value >> 32};
    v->vmcb->rax = (uint32_t)value;
    rig_run(SVM_EXIT_MSR, 1, 0);
    eoi.ends = false;
    rig.guest = end_by_word;
}

static void guest_with_word(void)
{
    rig_open();
    rig.memory[WORD] = 0xee;
    give_word(WORD | 1);
    cr_assert_eq(word(), 0);
}

Test(end_by_word, of_one_alone, .init = guest_with_word)
{
    lapic_post(&v->lapic, 0x31, false);
    vcpu_run(v);
    cr_expect(rig.taken == 0x31 && eoi.found == 1);
    cr_expect(rig_in(v->lapic.isr, 0x31)); /* the handler has not come so far */
    eoi.ends = true;
    vcpu_run(v);
    cr_expect_eq(eoi.found, 1);
    cr_expect_not(rig_in(v->lapic.isr, 0x31));
    vcpu_run(v);
    cr_expect_eq(eoi.found, 0);
    lapic_post(&v->lapic, 0x31, false); /* taken and ended in one go */
    vcpu_run(v);
    cr_expect(rig.taken == 0x31 && eoi.found == 1);
    cr_expect_not(rig_in(v->lapic.isr, 0x31) || rig_in(v->lapic.irr, 0x31));
}

Test(end_by_word, taken_back_when_another_comes, .init = guest_with_word)
{
    for (unsigned other = 0x21; other <= 0x41; other += 0x10) { /* below, the same, above */
        guest_with_word();
        lapic_post(&v->lapic, 0x31, false);
        vcpu_run(v);
        cr_expect(rig_in(v->lapic.isr, 0x31) && eoi.found == 1);
        lapic_post(&v->lapic, (uint8_t)other, false);
        vcpu_run(v);
        cr_expect_eq(eoi.found, 0, "%x", other);
        cr_expect(rig_in(v->lapic.isr, 0x31));
    }
}

Test(end_by_word, not_of_one_by_level_or_of_two, .init = guest_with_word)
{
    lapic_post(&v->lapic, 0x31, true);
    vcpu_run(v);
    cr_expect(rig.taken == 0x31 && eoi.found == 0);
    guest_with_word();
    lapic_post(&v->lapic, 0x31, false);
    lapic_post(&v->lapic, 0x35, false);
    vcpu_run(v);
    cr_expect(rig.taken == 0x35 && eoi.found == 0);
}

/* A sample of the monitor's own access would be one more miss of the guest. */
Test(end_by_word, not_sampled, .init = guest_with_word)
{
    lapic_post(&v->lapic, 0x31, false);
    eoi.ends = true;
    vcpu_run(v);
    cr_expect(eoi.found == 1 && !v->eoi_spared); /* the word was written before and read after */
    cr_expect_eq(rig.sampled, 0);
}

/* Until it is taken, nothing has ended: whatever the guest does to its word. */
Test(end_by_word, not_before_it_is_taken, .init = guest_with_word)
{
    v->vmcb->rflags &= ~IF;
    lapic_post(&v->lapic, 0x31, false);
    eoi.ends = true;
    vcpu_run(v);
    cr_expect(rig.taken == -1 && rig_in(v->lapic.irr, 0x31));
    v->vmcb->rflags |= IF;
    eoi.ends = false;
    vcpu_run(v);
    cr_expect(rig.taken == 0x31 && eoi.found == 1 && rig_in(v->lapic.isr, 0x31));
}

static void ends_and_gets_the_same(struct rig *r, struct vcpu *guest)
{
    end_by_word(r, guest);
    lapic_post(&guest->lapic, 0x31, false);
}

Test(end_by_word, the_same_again_after_it, .init = guest_with_word)
{
    eoi.ends = true;
    rig.guest = ends_and_gets_the_same;
    lapic_post(&v->lapic, 0x31, false);
    vcpu_run(v);
    cr_expect_eq(rig.taken, 0x31);
    cr_expect(!rig_in(v->lapic.isr, 0x31) && rig_in(v->lapic.irr, 0x31));
    vcpu_run(v);
    cr_expect_eq(rig.taken, 0x31);
}

Test(end_by_word, off, .init = guest_with_word)
{
    lapic_post(&v->lapic, 0x31, false);
    vcpu_run(v);
    cr_expect_eq(word(), 1);
    give_word(0);
    cr_expect_eq(word(), 0); /* its handler ends it by the register */
    vcpu_run(v);
    cr_expect(eoi.found == 0 && rig_in(v->lapic.isr, 0x31));
}

/* No memory there; not on a multiple of four, where it could end on another page. */
Test(end_by_word, refused, .init = guest_with_word)
{
    static const uint64_t bad[] = {UINT64_C(0x700000000001), RIG_MEMORY | 1, WORD | 3};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t before = v->vmcb->rip;
        v->vmcb->event = 0;
        give_word(bad[i]);
        cr_expect(v->vmcb->rip == before && v->vmcb->event >> 31 & 1, "case %u", i);
    }
    v->vmcb->event = 0;
    lapic_post(&v->lapic, 0x31, false);
    vcpu_run(v);
    cr_expect_eq(eoi.found, 1); /* the one it had still serves */
}

/* What begins anew has not asked for it: its memory is its own. */
Test(end_by_word, forgotten_at_init, .init = guest_with_word)
{
    lapic_post(&v->lapic, 0x31, false);
    vcpu_run(v);
    cr_expect_eq(word(), 1);
    vcpu_begin(v);
    v->vmcb->rflags |= IF;
    v->lapic.svr = 0x1ff;
    rig.memory[0] = 0x77;
    for (unsigned old = 0; old <= 1; old++) {
        rig.memory[WORD] = (unsigned char)old;
        lapic_post(&v->lapic, 0x31 + (old << 4), false);
        vcpu_run(v);
        cr_expect_eq(eoi.found, old);
    }
    cr_expect(rig_in(v->lapic.isr, 0x31) && rig_in(v->lapic.isr, 0x41));
    cr_expect_eq(rig.memory[0], 0x77);
}
