/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The classifier: words that real machines wrote, with what perf said of them, and the vendors' tables of the kernel,
 * spelled out field by field.
 */
#include "collectors/data_source.h"

#include <criterion/criterion.h>

struct vector {
    uint64_t raw;
    enum sample_op op;
    enum sample_level level;
    unsigned hops;
    bool dirty, remote;
};

static void check(const struct vector *v)
{
    struct sample s = {.data_source = v->raw};
    data_source_classify(&s);
    cr_expect_eq(s.op, v->op, "0x%llx: op %s", (unsigned long long)v->raw, sample_op_name(s.op));
    cr_expect_eq(s.level, v->level, "0x%llx: level %s, not %s", (unsigned long long)v->raw, sample_level_name(s.level),
                 sample_level_name(v->level));
    cr_expect_eq(s.hops, v->hops, "0x%llx: %u hops", (unsigned long long)v->raw, s.hops);
    cr_expect_eq(s.dirty, v->dirty, "0x%llx: dirty", (unsigned long long)v->raw);
    cr_expect_eq(s.remote, v->remote, "0x%llx: remote", (unsigned long long)v->raw);
}

/* Words seen on machines. */
Test(data_source, recorded)
{
    static const struct vector vectors[] = {
        /* Skylake-SP, kernel 4.15 */
        {0x10268100142, OP_READ, LEVEL_L1, 0, false, false},
        {0x10468100442, OP_READ, LEVEL_L2, 0, false, false},
        {0x10668100842, OP_READ, LEVEL_L3, 0, false, false},
        {0x10650100842, OP_READ, LEVEL_L3, 0, false, false},
        {0x11868100242, OP_READ, LEVEL_LFB, 0, false, false},
        {0x1026a100142, OP_READ, LEVEL_L1, 0, false, false},
        /* Ivy Bridge-EP, kernel 4.4: no level number */
        {0x68100142, OP_READ, LEVEL_L1, 0, false, false},
        {0x6a100142, OP_READ, LEVEL_L1, 0, false, false},
        /* AMD IBS, kernel 6.2 */
        {0x49080142, OP_READ, LEVEL_L1, 0, false, false},
        {0x49080442, OP_READ, LEVEL_L2, 0, false, false},
        {0x51080242, OP_READ, LEVEL_LFB, 0, false, false},
        {0x51088842, OP_READ, LEVEL_L3_OR_PEER, 0, false, false},
        /* Arm SPE: another cluster's cache of the same chip */
        {0x8688000842, OP_READ, LEVEL_PEER_CACHE, 0, false, false},
        /* Alder Lake, blocked by an address */
        {0x40268100142, OP_READ, LEVEL_L1, 0, false, false},
        /* nothing known, three ways */
        {0x1e05080021, OP_UNKNOWN, LEVEL_UNKNOWN, 0, false, false},
        {0x5080021, OP_UNKNOWN, LEVEL_UNKNOWN, 0, false, false},
        {0, OP_UNKNOWN, LEVEL_UNKNOWN, 0, false, false},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        check(&vectors[i]);
}

/* op and level mask, snoop, level number, remote bit, snoopx, hops: bits as the kernel's header numbers them. */
static uint64_t word(uint64_t op, uint64_t lvl, uint64_t snoop, uint64_t num, uint64_t remote, uint64_t snoopx,
                     uint64_t hops)
{
    return op | lvl << 5 | snoop << 19 | num << 33 | remote << 37 | snoopx << 38 | hops << 43;
}

/* arch/x86/events/intel/ds.c: pebs_data_source[], by the low nibble, and what Skylake changed */
Test(data_source, intel_table)
{
    const struct vector vectors[] = {
        {word(2, 4 | 0x40, 1, 3, 0, 0, 0), OP_READ, LEVEL_L3_MISS, 0, false, false},       /* 0: unknown L3 */
        {word(2, 4, 1, 3, 0, 0, 0), OP_READ, LEVEL_L3_MISS, 0, false, false},              /* 0, number only */
        {word(2, 2 | 0x08, 2, 1, 0, 0, 0), OP_READ, LEVEL_L1, 0, false, false},            /* 1 */
        {word(2, 2 | 0x10, 2, 12, 0, 0, 0), OP_READ, LEVEL_LFB, 0, false, false},          /* 2 */
        {word(2, 2 | 0x20, 2, 2, 0, 0, 0), OP_READ, LEVEL_L2, 0, false, false},            /* 3 */
        {word(2, 2 | 0x40, 2, 3, 0, 0, 0), OP_READ, LEVEL_L3, 0, false, false},            /* 4 */
        {word(2, 2 | 0x40, 8, 3, 0, 0, 0), OP_READ, LEVEL_L3, 0, false, false},            /* 5: snoop miss */
        {word(2, 2 | 0x40, 4, 3, 0, 0, 0), OP_READ, LEVEL_PEER_CACHE, 0, false, false},    /* 6: snoop hit */
        {word(2, 2 | 0x40, 16, 3, 0, 0, 0), OP_READ, LEVEL_PEER_CACHE, 0, true, false},    /* 7: modified */
        {word(2, 2 | 0x400, 4, 3, 1, 0, 0), OP_READ, LEVEL_REMOTE_CACHE, 1, false, true},  /* 8 */
        {word(2, 2 | 0x400, 16, 3, 1, 0, 0), OP_READ, LEVEL_REMOTE_CACHE, 1, true, true},  /* 9 */
        {word(2, 2 | 0x80, 4, 13, 0, 0, 0), OP_READ, LEVEL_LOCAL_DRAM, 0, false, false},   /* a */
        {word(2, 2 | 0x100, 4, 3, 1, 0, 0), OP_READ, LEVEL_REMOTE_DRAM, 1, false, true},   /* b: number of the L3 */
        {word(2, 2 | 0x80, 10, 13, 0, 0, 0), OP_READ, LEVEL_LOCAL_DRAM, 0, false, false},  /* c */
        {word(2, 2 | 0x100, 10, 13, 1, 0, 0), OP_READ, LEVEL_REMOTE_DRAM, 1, false, true}, /* d */
        {word(2, 2 | 0x1000, 2, 15, 0, 0, 0), OP_READ, LEVEL_IO, 0, false, false},         /* e */
        {word(2, 2 | 0x2000, 2, 15, 0, 0, 0), OP_READ, LEVEL_UNCACHED, 0, false, false},   /* f */
        {word(2, 2, 0, 11, 1, 1, 0), OP_READ, LEVEL_REMOTE_CACHE, 1, false, true},         /* Skylake c: forwarded */
        {word(2, 2, 16, 11, 1, 0, 0), OP_READ, LEVEL_REMOTE_CACHE, 1, true, true},         /* Skylake d: modified */
        {word(2, 2, 4, 13, 1, 0, 0), OP_READ, LEVEL_REMOTE_DRAM, 1, false, true},          /* no mask at all */
        {word(2, 2, 4, 14, 0, 0, 0), OP_READ, LEVEL_PMEM, 0, false, false},                /* persistent memory */
        {word(2, 2, 4, 14, 1, 0, 0), OP_READ, LEVEL_PMEM, 1, false, true},
        {word(2, 2, 2, 4, 0, 0, 0), OP_READ, LEVEL_L4, 0, false, false},
        {word(2, 2, 2, 5, 0, 0, 0), OP_READ, LEVEL_LFB, 0, false, false}, /* L2 miss handling buffer */
        {word(2, 2, 2, 6, 0, 0, 0), OP_READ, LEVEL_MSC, 0, false, false},
        {word(2, 2, 2, 7, 0, 0, 0), OP_READ, LEVEL_L0, 0, false, false},
        {word(4, 2 | 0x08, 1, 0, 0, 0, 0), OP_WRITE, LEVEL_L1, 0, false, false},      /* Haswell store, L1 hit */
        {word(4, 4 | 0x08, 1, 0, 0, 0, 0), OP_WRITE, LEVEL_L1_MISS, 0, false, false}, /* and miss */
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        check(&vectors[i]);
}

/* arch/x86/events/amd/ibs.c: g_data_src[] and g_zen4_data_src[] */
Test(data_source, amd_table)
{
    const struct vector vectors[] = {
        {word(2, 2 | 0x40 | 0x400, 0, 11, 0, 0, 1), OP_READ, LEVEL_L3_OR_PEER, 0, false, false},
        {word(2, 2 | 0x40 | 0x400, 0, 11, 1, 0, 2), OP_READ, LEVEL_REMOTE_CACHE, 1, false, true},
        {word(2, 2 | 0x80, 0, 13, 0, 0, 0), OP_READ, LEVEL_LOCAL_DRAM, 0, false, false},
        {word(2, 2 | 0x800, 0, 11, 1, 0, 2), OP_READ, LEVEL_REMOTE_CACHE, 1, false, true},
        {word(2, 2 | 0x40, 0, 3, 0, 0, 0), OP_READ, LEVEL_L3, 0, false, false},
        /* near complex: the remote bit is set, and it is this node all the same */
        {word(2, 2 | 0x400, 0, 11, 1, 0, 1), OP_READ, LEVEL_PEER_CACHE, 0, false, false},
        {word(2, 2 | 0x100, 0, 13, 1, 0, 2), OP_READ, LEVEL_REMOTE_DRAM, 1, false, true},
        {word(2, 2 | 0x100, 0, 13, 1, 0, 3), OP_READ, LEVEL_REMOTE_DRAM, 2, false, true},
        {word(2, 2 | 0x200, 0, 0, 0, 0, 0), OP_READ, LEVEL_REMOTE_DRAM, 2, false, true},
        {word(2, 2, 0, 9, 0, 0, 0), OP_READ, LEVEL_CXL, 0, false, false},
        {word(2, 2 | 0x1000, 0, 10, 0, 0, 0), OP_READ, LEVEL_IO, 0, false, false},
        {word(2, 2 | 0x2000, 0, 8, 0, 0, 0), OP_READ, LEVEL_UNCACHED, 0, false, false},
        {word(4, 1, 0, 15, 0, 0, 0), OP_WRITE, LEVEL_UNKNOWN, 0, false, false},
        {word(2, 2, 0, 11, 0, 0, 0), OP_READ, LEVEL_ANY_CACHE, 0, false, false},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        check(&vectors[i]);
}

/* tools/perf/util/arm-spe.c since 2025, and operations */
Test(data_source, arm_and_operations)
{
    const struct vector vectors[] = {
        {word(2, 1, 0, 15, 1, 2, 0), OP_READ, LEVEL_REMOTE_UNKNOWN, 1, false, true},
        {word(8, 2 | 0x80, 0, 13, 0, 0, 0), OP_PREFETCH, LEVEL_LOCAL_DRAM, 0, false, false},
        {word(16, 2 | 0x08, 0, 1, 0, 0, 0), OP_FETCH, LEVEL_L1, 0, false, false},
        {word(2 | 4, 2 | 0x08, 0, 1, 0, 0, 0), OP_READ, LEVEL_L1, 0, false, false},
        /* bits that no kernel has defined yet change nothing */
        {word(2, 2 | 0x80, 4, 13, 0, 0, 0) | UINT64_C(0xfff8) << 48, OP_READ, LEVEL_LOCAL_DRAM, 0, false, false},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        check(&vectors[i]);
}

Test(data_source, fields_and_word)
{
    uint64_t raw = 0x0000a5a5a5a5a5a5;
    struct data_source s = data_source_fields(raw);
    cr_expect_eq(data_source_word(&s), raw & ((UINT64_C(1) << 51) - 1));
    s = data_source_fields(0x10650100842);
    cr_expect_eq(s.op, 2);
    cr_expect_eq(s.lvl, 0x42);
    cr_expect_eq(s.snoop, 2);
    cr_expect_eq(s.lock, 0);
    cr_expect_eq(s.tlb, 0x14);
    cr_expect_eq(s.num, 3);
    cr_expect_eq(s.blk, 1);
}

/* Every word gives some class within range. */
Test(data_source, any_word)
{
    uint64_t state = 1;
    for (int i = 0; i < 1000000; i++) {
        struct sample s = {0};
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        s.data_source = state;
        data_source_classify(&s);
        if (s.op >= OP_COUNT || s.level >= LEVEL_COUNT || s.hops > 6)
            cr_assert_fail("0x%llx", (unsigned long long)state);
    }
}

Test(data_source, names)
{
    for (int i = 0; i < LEVEL_COUNT; i++)
        cr_expect_eq(sample_level_named(sample_level_name((enum sample_level)i)), i);
    cr_expect_eq(sample_level_named("nonsense"), -1);
    cr_expect_str_eq(sample_level_name((enum sample_level)99), "unknown");
    cr_expect_eq(sample_level_miss(LEVEL_LOCAL_DRAM), MISS_YES);
    cr_expect_eq(sample_level_miss(LEVEL_REMOTE_CACHE), MISS_OPTIONAL);
    cr_expect_eq(sample_level_miss(LEVEL_L3), MISS_NO);
}
