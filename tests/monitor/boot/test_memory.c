/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/memory.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME = MEMORY_FRAME, FRAMES = 512 };

static struct memory memory;
static unsigned char *ram;
static unsigned char taken[FRAMES];

/* Two nodes in 512 frames of "physical memory", node 1 in two ranges around one of node 0. */
static void make(void)
{
    ram = aligned_alloc(FRAME, FRAMES * FRAME);
    memset(ram, 0xa5, FRAMES * FRAME);
    memory_init(&memory, ram, 2);
    memory_add(&memory, 0, 16 * FRAME, 128 * FRAME);
    memory_add(&memory, 1, 128 * FRAME, 200 * FRAME);
    memory_add(&memory, 0, 200 * FRAME + 1, 300 * FRAME + 5); /* 201 .. 299 */
    memory_add(&memory, 1, 300 * FRAME, 512 * FRAME);
}

static void clean(void)
{
    free(ram);
    memset(taken, 0, sizeof(taken));
}

TestSuite(memory, .init = make, .fini = clean);

static node_t truth(uint64_t physical)
{
    uint64_t f = physical / FRAME;
    if ((f >= 16 && f < 128) || (f >= 201 && f < 300))
        return 0;
    return (f >= 128 && f < 200) || (f >= 300 && f < 512) ? 1 : NODE_NONE;
}

Test(memory, nodes_of_addresses)
{
    for (uint64_t p = 0; p < (FRAMES + 2) * FRAME; p += FRAME / 2)
        cr_assert_eq(memory_node_of(&memory, p), truth(p), "at %lx", p);
}

Test(memory, blocks_are_zeroed_whole_frames_of_their_nodes)
{
    unsigned char *a = memory_reserve(&memory, 1, 100), *b = memory_reserve(&memory, 1, 2 * FRAME + 1);
    cr_assert_eq(memory_physical(&memory, a), 128 * FRAME);
    cr_assert_eq(memory_physical(&memory, b), 129 * FRAME);
    for (size_t i = 0; i < 3 * FRAME; i++)
        cr_assert_eq(b[i], 0);
    cr_assert_eq(a[99], 0);
    cr_assert_eq(ram[132 * FRAME], 0xa5);
    cr_assert_eq(memory.node[1].monitor, 4 * FRAME);
    cr_assert_eq(memory_node_of(&memory, 128 * FRAME), 1, "reserved memory keeps its node");
}

Test(memory, blocks_fall_back_to_other_ranges_and_nodes)
{
    cr_assert_eq(memory_physical(&memory, memory_reserve(&memory, 1, 212 * FRAME)), 300 * FRAME);
    cr_assert_eq(memory_physical(&memory, memory_reserve(&memory, 1, 73 * FRAME)), 16 * FRAME);
    cr_assert_eq(memory_physical(&memory, memory_reserve(&memory, 1, 72 * FRAME)), 128 * FRAME);
    cr_assert_eq(memory_physical(&memory, memory_reserve(&memory, 1, 1)), 89 * FRAME);
    cr_assert_null(memory_reserve(&memory, 0, 100 * FRAME));
    cr_assert_null(memory_reserve(&memory, 0, UINT64_MAX));
}

Test(memory, every_frame_once_on_its_node)
{
    memory_reserve(&memory, 0, 40 * FRAME);
    memory_seal(&memory);
    for (node_t node = 0; node < 2; node++) {
        uint64_t frames = memory_free(&memory, node), p;
        uint64_t expected = node ? 72 + 212 : 112 + 99 - 40;
        cr_assert(frames <= expected && frames >= expected - 2, "a list of up to 212 frames fits into one");
        cr_assert_eq(memory.node[node].monitor / FRAME + frames, node ? 72 + 212 : 112 + 99);
        for (uint64_t i = 0; i < frames; i++) {
            p = memory_take(&memory, node);
            cr_assert_neq(p, FRAMES_NONE);
            cr_assert_eq(truth(p), node);
            cr_assert_eq(taken[p / FRAME]++, 0);
            memset(memory_at(&memory, p), 0xee, FRAME); /* must not hurt the allocator */
        }
        cr_assert_eq(memory_take(&memory, node), FRAMES_NONE);
        cr_assert_eq(memory_free(&memory, node), 0);
    }
    for (uint64_t f = 16; f < 56; f++)
        cr_assert_eq(taken[f], 0, "frame %lu is reserved", f);
    for (uint64_t f = 0; f < FRAMES; f++) {
        if (taken[f])
            memory_give(&memory, f * FRAME);
    }
    cr_assert_eq(memory.refused, 0);
    cr_assert_eq(memory_free(&memory, 0), memory_free(&memory, 0));
    cr_assert_neq(memory_take(&memory, 1), FRAMES_NONE);
}

Test(memory, what_was_not_taken_is_refused)
{
    memory_seal(&memory);
    uint64_t p = memory_take(&memory, 0), before;
    memory_give(&memory, p);
    before = memory_free(&memory, 0);
    memory_give(&memory, p);
    memory_give(&memory, 0);
    memory_give(&memory, 1000 * FRAME);
    memory_give(&memory, 128 * FRAME); /* the list of node 1 */
    cr_assert_eq(memory.refused, 4);
    cr_assert_eq(memory_free(&memory, 0), before);
}

Test(memory, what_does_not_fit_is_left_out)
{
    const uint64_t top = UINT64_C(1) << 43;
    memory_init(&memory, ram, 1);
    memory_add(&memory, 0, 500 * FRAME, 500 * FRAME + FRAME - 1); /* no whole frame */
    memory_add(&memory, 0, 500 * FRAME + 1, 501 * FRAME + 1);
    memory_add(&memory, 0, top, top + FRAME);
    cr_assert_eq(memory.ranges, 0);
    memory_add(&memory, 0, top - FRAME, top + FRAME);
    memory_add(&memory, 0, UINT64_MAX - 5 * FRAME, UINT64_MAX);
    cr_assert_eq(memory_free(&memory, 0), 1);
    cr_assert_eq(memory_node_of(&memory, top - 1), 0);
    cr_assert_eq(memory_node_of(&memory, top), NODE_NONE);
    for (uint64_t i = 0; i < 2 * MEMORY_RANGES; i++)
        memory_add(&memory, 0, 2 * i * FRAME, (2 * i + 1) * FRAME);
    cr_assert_eq(memory_free(&memory, 0), MEMORY_RANGES);
    cr_assert_eq(memory_node_of(&memory, 2 * (MEMORY_RANGES - 2) * FRAME), 0);
    cr_assert_eq(memory_node_of(&memory, 2 * (MEMORY_RANGES - 1) * FRAME), NODE_NONE);
}
