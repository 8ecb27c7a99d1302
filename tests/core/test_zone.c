/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Watermarks and first touch by the zone list (policy/zone.h) against values worked out by hand.
 */
#include <criterion/criterion.h>

#include "policy/zone.h"

/* Of a node with so many frames: min, low, high, promo. */
struct marks {
    uint64_t frames, min, low, high, promo;
};

static void expect(const struct marks *m, uint32_t nodes)
{
    uint64_t frames[NODE_MAX];
    for (uint32_t i = 0; i < nodes; i++)
        frames[i] = m[i].frames;
    const struct topology topology = {.nodes = nodes, .page_size = 4096, .frames = frames};
    struct zone z = {0};
    zone_init(&z, &topology);
    for (uint32_t i = 0; i < nodes; i++) {
        cr_expect_eq(z.min[i], m[i].min, "node %u: min %lu", i, z.min[i]);
        cr_expect_eq(z.low[i], m[i].low, "node %u: low %lu", i, z.low[i]);
        cr_expect_eq(z.high[i], m[i].high, "node %u: high %lu", i, z.high[i]);
        cr_expect_eq(z.promo[i], m[i].promo, "node %u: promo %lu", i, z.promo[i]);
    }
}

/* 16 GiB with a limit: 4 x sqrt(2^24 KiB) = 16 MiB are 4096 pages, a quarter and three quarters of them. The gap is a
 * 1000th of the node, more than a quarter of min. */
Test(zone, the_reserve_is_dealt_by_size)
{
    expect((struct marks[]){{1 << 20, 1024, 1024 + 1048, 1024 + 2 * 1048, 1024 + 3 * 1048},
                            {3 << 20, 3072, 3072 + 3145, 3072 + 2 * 3145, 3072 + 3 * 3145},
                            {FRAMES_UNBOUNDED, 0, 0, 0, 0}},
           3);
}

/* sqrt(3,600,000) is 1897.4, rounded down: 7588 KiB are 1897 pages. */
Test(zone, the_root_is_rounded_down)
{
    expect((struct marks[]){{900000, 1897, 2797, 3697, 4597}}, 1);
}

/* 64 MiB: 4 x 256 KiB are 256 pages, cut to 1 % of the node, 163; a quarter of that is more than a 1000th, 16. 256 KiB:
 * the least reserve, 32 pages, cut to none; gaps are a page at least, even of a node without frames. 8 TiB: the
 * greatest reserve, 65536 pages. */
Test(zone, the_reserve_has_bounds)
{
    expect((struct marks[]){{16384, 163, 203, 243, 283}}, 1);
    expect((struct marks[]){{64, 0, 1, 2, 3}}, 1);
    expect((struct marks[]){{5000, 50, 62, 74, 86}, {0, 0, 1, 2, 3}}, 2);
    expect((struct marks[]){{UINT64_C(1) << 31, 65536, 65536 + 2147483, 65536 + 2 * 2147483, 65536 + 3 * 2147483}}, 1);
}

/* Node 1 is full to its low mark: the nearest other node, node 0. With that full as well, node 2; then its own. */
Test(zone, first_touch_goes_to_the_nearest_node_above_its_low_mark)
{
    const uint64_t frames[] = {64, 64, 64};
    const uint32_t latency_ps[] = {100, 200, 300, 200, 100, 300, 300, 300, 100};
    uint64_t free[] = {2, 2, 2};
    const struct topology topology = {.nodes = 3, .page_size = 4096, .frames = frames, .latency_ps = latency_ps};
    const struct view view = {.topology = &topology, .free = free};
    const node_t expected[] = {1, 0, 2, 1};
    struct zone z = {0};
    zone_init(&z, &topology);
    for (unsigned i = 0; i < 4; i++) {
        cr_expect_eq(zone_place(&z, &view, 1), expected[i], "step %u", i);
        if (i < 3)
            free[expected[i]] = 1;
    }
}
