/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The local APIC against cases worked out by hand from the manual (Intel SDM volume 3, chapter 10).
 */
#include <criterion/criterion.h>
#include <pthread.h>

#include "monitor-core/devices/lapic.h"

enum { TPR = 0x808, PPR = 0x80a, EOI = 0x80b, SVR = 0x80f, ISR = 0x810, TMR = 0x818, IRR = 0x820, ESR = 0x828 };
enum { ICR = 0x830, TIMER = 0x832, LINT0 = 0x835, INITIAL = 0x838, CURRENT = 0x839, DIVIDE = 0x83e, SELF = 0x83f };
enum { DEADLINE = 0x6e0, MASKED = 0x10000, PERIODIC = 0x20000, BY_DEADLINE = 0x40000, BY_1 = 0xb };

static struct lapic l;
static uint64_t message;
static int ended;

static int put(uint32_t msr, uint64_t value)
{
    return lapic_write(&l, msr, value, 1000, 5000, &message, &ended);
}

static uint64_t get(uint32_t msr)
{
    uint64_t value = 0xdead;
    cr_assert_eq(lapic_read(&l, msr, 1000, &value), 0, "%x", msr);
    return value;
}

/* Enabled, 2 GHz. */
static void start(void)
{
    lapic_init(&l, 5, 2000000);
    cr_assert_eq(put(SVR, 0x1ff), 0);
}

Test(lapic, identity, .init = start)
{
    cr_expect_eq(get(0x802), 5);
    cr_expect_eq(get(0x803) & 0xff, 0x14);
    cr_expect_eq(get(0x80d), 1 << 5);
    lapic_init(&l, 0x23, 1000);
    cr_expect_eq(get(0x80d), 0x20008); /* cluster 2, member 3 */
    const uint64_t all = UINT64_C(0xffffffff) << 32, id = UINT64_C(0x23) << 32, next = UINT64_C(0x24) << 32;
    cr_expect(lapic_addressed(&l, id, false));
    cr_expect_not(lapic_addressed(&l, next, false));
    cr_expect(lapic_addressed(&l, UINT64_C(0x2000c00000800), false));
    cr_expect_not(lapic_addressed(&l, UINT64_C(0x2000400000800), false));
    cr_expect_not(lapic_addressed(&l, UINT64_C(0x1000800000800), false));
    cr_expect(lapic_addressed(&l, all | 0x800, false));
    cr_expect(lapic_addressed(&l, all, false));
    cr_expect(lapic_addressed(&l, UINT64_C(0xff) << 32, false), "all, in an IOAPIC's eight bits");
    cr_expect(lapic_addressed(&l, next | 1 << 18, true), "itself, wherever it is sent");
    cr_expect_not(lapic_addressed(&l, id | 1 << 18, false));
    cr_expect(lapic_addressed(&l, next | 2 << 18, false) && lapic_addressed(&l, next | 2 << 18, true));
    cr_expect(lapic_addressed(&l, next | 3 << 18, false));
    cr_expect_not(lapic_addressed(&l, id | 3 << 18, true));
}

Test(lapic, priorities, .init = start)
{
    cr_expect_eq(lapic_pending(&l), -1);
    lapic_post(&l, 0x31, false);
    lapic_post(&l, 0x35, false);
    lapic_post(&l, 0xef, false);
    cr_expect_eq(get(IRR + 1), 1 << 0x11 | 1 << 0x15);
    cr_expect_eq(get(IRR + 7), 1 << 15);
    cr_expect_eq(lapic_pending(&l), 0xef);
    lapic_accept(&l, 0xef);
    cr_expect_eq(lapic_pending(&l), -1); /* 0x3x is below the class in service */
    cr_expect_eq(get(PPR), 0xe0);
    lapic_post(&l, 0xe1, false);
    cr_expect_eq(lapic_pending(&l), -1); /* the same class */
    lapic_post(&l, 0xf2, false);
    cr_expect_eq(lapic_pending(&l), 0xf2);
    lapic_accept(&l, 0xf2);
    cr_assert_eq(put(EOI, 0), 0); /* ends the highest in service */
    cr_expect_eq(ended, -1);
    cr_expect_eq(get(ISR + 7), 1 << 15);
    cr_assert_eq(put(EOI, 0), 0);
    cr_expect_eq(lapic_pending(&l), 0xe1);
    lapic_accept(&l, 0xe1);
    cr_assert_eq(put(EOI, 0), 0);
    cr_expect_eq(lapic_pending(&l), 0x35); /* the higher of one class first */
}

Test(lapic, task_priority, .init = start)
{
    lapic_post(&l, 0x41, false);
    cr_assert_eq(put(TPR, 0x4f), 0);
    cr_expect_eq(lapic_pending(&l), -1);
    cr_expect_eq(get(PPR), 0x4f);
    cr_assert_eq(put(TPR, 0x3f), 0);
    cr_expect_eq(lapic_pending(&l), 0x41);
    lapic_accept(&l, 0x41);
    cr_expect_eq(get(PPR), 0x40);
    lapic_post(&l, 0x42, false);
    cr_expect_eq(put(TPR, 0x100), ERR_INVAL);
}

Test(lapic, level, .init = start)
{
    lapic_post(&l, 0x51, true);
    cr_expect_eq(get(TMR + 2), 1 << 0x11);
    lapic_accept(&l, 0x51);
    cr_assert_eq(put(EOI, 0), 0);
    cr_expect_eq(ended, 0x51);
    lapic_post(&l, 0x51, false);
    cr_expect_eq(get(TMR + 2), 0);
    lapic_accept(&l, 0x51);
    cr_assert_eq(put(EOI, 0), 0);
    cr_expect_eq(ended, -1);
    cr_assert_eq(put(EOI, 0), 0); /* nothing in service */
    cr_expect_eq(ended, -1);
}

Test(lapic, disabled)
{
    lapic_init(&l, 0, 1000);
    lapic_post(&l, 0x40, false);
    cr_expect_eq(lapic_pending(&l), -1);
    cr_assert_eq(put(TIMER, 0x40), 0);
    cr_expect_eq(get(TIMER), MASKED | 0x40); /* masks stay set while it is off */
    cr_assert_eq(put(SVR, 0x1ff), 0);
    lapic_post(&l, 0x0f, false); /* vectors below 16 are none */
    cr_expect_eq(lapic_pending(&l), -1);
    cr_assert_eq(put(TIMER, 0x40), 0);
    cr_expect_eq(get(TIMER), 0x40);
    cr_assert_eq(put(SVR, 0xff), 0); /* and are set when it goes off */
    cr_expect_eq(get(TIMER), MASKED | 0x40);
}

Test(lapic, count_down, .init = start)
{
    cr_assert_eq(put(TIMER, 0x40), 0);
    cr_assert_eq(put(DIVIDE, 0x3), 0); /* by 16 */
    cr_assert_eq(put(INITIAL, 1000), 0);
    cr_expect_eq(l.deadline_ns, 1000 + 16000);
    uint64_t value;
    lapic_read(&l, CURRENT, 1000 + 8000, &value);
    cr_expect_eq(value, 500);
    lapic_expire(&l, 16999);
    cr_expect_eq(lapic_pending(&l), -1);
    lapic_expire(&l, 17000);
    cr_expect_eq(lapic_pending(&l), 0x40);
    cr_expect_eq(l.deadline_ns, UINT64_MAX);
    lapic_read(&l, CURRENT, 17000, &value);
    cr_expect_eq(value, 0);
    cr_assert_eq(put(INITIAL, 10), 0);
    cr_assert_eq(put(INITIAL, 0), 0); /* stops it */
    cr_expect_eq(l.deadline_ns, UINT64_MAX);
}

Test(lapic, dividers, .init = start)
{
    static const struct {
        uint32_t code, by;
    } all[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1}};
    for (unsigned i = 0; i < 8; i++) {
        cr_assert_eq(put(DIVIDE, all[i].code), 0);
        cr_assert_eq(put(INITIAL, 3), 0);
        cr_expect_eq(l.deadline_ns, 1000 + 3 * all[i].by, "%u", all[i].code);
    }
    cr_expect_eq(put(DIVIDE, 4), ERR_INVAL);
}

Test(lapic, periodic, .init = start)
{
    cr_assert_eq(put(TIMER, PERIODIC | 0x40), 0);
    cr_assert_eq(put(DIVIDE, BY_1), 0);
    cr_assert_eq(put(INITIAL, 1000000), 0);
    lapic_expire(&l, 1001000);
    cr_expect_eq(l.deadline_ns, 2001000);
    lapic_expire(&l, 5301000); /* late by more than three periods: one interrupt, and in step again */
    cr_expect_eq(l.deadline_ns, 6001000);
    cr_assert_eq(put(TIMER, PERIODIC | MASKED | 0x41), 0);
    lapic_expire(&l, 6001000);
    cr_expect_eq(lapic_pending(&l), 0x40);
    lapic_accept(&l, 0x40);
    cr_assert_eq(put(EOI, 0), 0);
    cr_expect_eq(lapic_pending(&l), -1); /* masked: counts, posts nothing */
}

/* A period of 1 ns would keep the CPU in the delivery of the timer's interrupts. */
Test(lapic, periodic_without_rest, .init = start)
{
    cr_assert_eq(put(TIMER, PERIODIC | 0x40), 0);
    cr_assert_eq(put(DIVIDE, BY_1), 0);
    cr_assert_eq(put(INITIAL, 1), 0);
    lapic_expire(&l, 1001);
    cr_expect_eq(lapic_pending(&l), 0x40);
    cr_expect_eq(l.deadline_ns, 101001);
}

Test(lapic, deadline, .init = start)
{
    cr_assert_eq(put(DEADLINE, 9000), 0); /* not in that mode: ignored */
    cr_expect_eq(get(DEADLINE), 0);
    cr_assert_eq(put(TIMER, BY_DEADLINE | 0x40), 0);
    cr_assert_eq(put(DEADLINE, 9000), 0); /* 4000 ticks of half a ns from now (1000) */
    cr_expect_eq(get(DEADLINE), 9000);
    cr_expect_eq(l.deadline_ns, 3000);
    cr_assert_eq(put(DEADLINE, 9001), 0);
    cr_expect_eq(l.deadline_ns, 3001); /* never early */
    cr_assert_eq(put(INITIAL, 5), 0);  /* ignored in this mode */
    cr_expect_eq(l.deadline_ns, 3001);
    lapic_expire(&l, 3001);
    cr_expect_eq(lapic_pending(&l), 0x40);
    cr_expect_eq(get(DEADLINE), 0);
    cr_assert_eq(put(DEADLINE, 4999), 0); /* passed already */
    cr_expect_eq(l.deadline_ns, 1000);
    cr_assert_eq(put(DEADLINE, 0), 0);
    cr_expect_eq(l.deadline_ns, UINT64_MAX);
    cr_assert_eq(put(DEADLINE, UINT64_MAX), 0); /* as good as never, and no overflow */
    cr_expect(l.deadline_ns > UINT64_MAX / 2);
    cr_assert_eq(put(TIMER, 0x40), 0); /* another mode disarms */
    cr_expect_eq(l.deadline_ns, UINT64_MAX);
    lapic_init(&l, 0, 2599994); /* an hour at an odd frequency: 3600 s x 2599994 kHz ticks */
    cr_assert_eq(put(SVR, 0x1ff), 0);
    cr_assert_eq(put(TIMER, BY_DEADLINE | 0x40), 0);
    cr_assert_eq(put(DEADLINE, 5000 + UINT64_C(3600000) * 2599994), 0);
    cr_expect_eq(l.deadline_ns, 1000 + UINT64_C(3600000000000));
}

Test(lapic, messages, .init = start)
{
    cr_assert_eq(put(ICR, UINT64_C(7) << 32 | 0x4041), 0);
    cr_expect_eq(message, UINT64_C(7) << 32 | 0x4041);
    cr_assert_eq(put(ICR, 0xc08fe), 0); /* all but self, fixed, logical bit */
    cr_expect_eq(message, 0xc08fe);
    cr_assert_eq(put(ICR, 0xc500), 0); /* INIT, as a level: an edge all the same */
    cr_expect_eq(message, 0x4500);
    cr_expect_eq(lapic_mode(message), 5);
    cr_assert_eq(put(ICR, 0x8500), 0); /* INIT, deasserted: nothing */
    cr_expect_eq(message, 0);
    cr_assert_eq(put(ICR, 0x4699), 0);
    cr_expect_eq(message, 0x4699);
    cr_expect_eq(lapic_mode(message), 6);
    cr_expect_eq(put(ICR, 0x100000), ERR_INVAL);
    cr_assert_eq(put(SELF, 0x77), 0);
    cr_expect_eq(message, 0);
    cr_expect_eq(lapic_pending(&l), 0x77);
    cr_expect_eq(put(SELF, 0x177), ERR_INVAL);
}

Test(lapic, what_is_not_there, .init = start)
{
    uint64_t value;
    static const uint32_t none[] = {0x800, 0x801, 0x804, 0x809, 0x80c, 0x80e, 0x82f, 0x831, 0x83a, 0x83d};
    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++) {
        cr_expect_eq(lapic_read(&l, none[i], 0, &value), ERR_INVAL, "%x", none[i]);
        cr_expect_eq(put(none[i], 0), ERR_INVAL, "%x", none[i]);
    }
    static const uint32_t read_only[] = {0x802, 0x803, PPR, 0x80d, ISR, TMR + 7, IRR + 3, CURRENT};
    for (unsigned i = 0; i < sizeof read_only / sizeof read_only[0]; i++)
        cr_expect_eq(put(read_only[i], 0), ERR_INVAL, "%x", read_only[i]);
    cr_expect_eq(lapic_read(&l, EOI, 0, &value), ERR_INVAL);
    cr_expect_eq(lapic_read(&l, SELF, 0, &value), ERR_INVAL);
    cr_expect_eq(put(EOI, 1), ERR_INVAL);
    cr_expect_eq(put(ESR, 1), ERR_INVAL);
    cr_expect_eq(put(SVR, 0x1000), ERR_INVAL);
    cr_expect_eq(put(TIMER, 0x60040), ERR_INVAL); /* the fourth mode */
    cr_expect_eq(put(LINT0, 0x20000), ERR_INVAL);
    cr_expect_eq(put(TPR, UINT64_C(1) << 32), ERR_INVAL);
    cr_expect_eq(lapic_pending(&l), -1);
}

/* Every register with values of all kinds: nothing crashes, and the timer never fires before now. */
Test(lapic, any_writes, .init = start)
{
    uint64_t seed = 7;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t msr = i % 17 ? 0x800 + (uint32_t)(seed >> 58) : DEADLINE;
        uint64_t value = seed >> (i % 64);
        put(msr, value);
        cr_assert(l.deadline_ns >= 1000);
        lapic_expire(&l, 1000);
        int vector = lapic_pending(&l);
        cr_assert(vector == -1 || vector >= 16);
        if (vector >= 0)
            lapic_accept(&l, (uint8_t)vector);
        uint64_t read;
        lapic_read(&l, msr, 1000, &read);
    }
}

static void *post_all(void *odd)
{
    for (unsigned round = 0; round < 2000; round++)
        for (unsigned v = 16 + (odd != NULL); v < 256; v += 2)
            lapic_post(&l, (uint8_t)v, false);
    return NULL;
}

/* Two threads post, one accepts: in the end every vector was seen and none is left over. */
Test(lapic, posts_from_any_cpu, .init = start)
{
    pthread_t other[2];
    uint32_t seen[8] = {0};
    bool posting = true;
    pthread_create(&other[0], NULL, post_all, NULL);
    pthread_create(&other[1], NULL, post_all, &l);
    for (;;) {
        int vector = lapic_pending(&l);
        if (vector < 0 && !posting)
            break;
        if (vector < 0) {
            pthread_join(other[0], NULL);
            pthread_join(other[1], NULL);
            posting = false;
            continue;
        }
        lapic_accept(&l, (uint8_t)vector);
        seen[vector / 32] |= UINT32_C(1) << vector % 32;
        put(EOI, 0);
    }
    cr_expect_eq(seen[0], 0xffff0000);
    for (unsigned i = 1; i < 8; i++)
        cr_expect_eq(seen[i], UINT32_MAX);
}
