/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Arm SPE: byte strings put together by the packet rules of the Architecture Reference Manual.
 */
#include "collectors/spe.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A load: PC 0xffff000008081000 at EL1, VA 0x0000ffff12345678 tagged 0x3c, PA 0x8812345678, 300 cycles in all, retired
 * and L1 refill, data source `source`, at timestamp 1000. */
static const unsigned char load_record[] = {
    0xb0, 0x00, 0x10, 0x08, 0x08, 0x00, 0x00, 0xff, 0x20, /* address 0: PC; EL1 in bits 61-62 of the last byte */
    0x65, 0x39, 0x30, 0x00, 0x00,                         /* context 0x3039 */
    0x49, 0x00,                                           /* load */
    0x52, 0x0e, 0x00,                                     /* events, two bytes: retired, L1 access, L1 refill */
    0xb2, 0x78, 0x56, 0x34, 0x12, 0xff, 0xff, 0x00, 0x3c, /* address 2: data VA */
    0xb3, 0x78, 0x56, 0x34, 0x12, 0x88, 0x00, 0x00, 0x80, /* address 3: data PA, non-secure */
    0x9a, 0x05, 0x00,                                     /* counter 2: translation latency */
    0x98, 0x2c, 0x01,                                     /* counter 0: total latency */
    0x43, 0x0e,                                           /* data source */
    0x71, 0xe8, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* timestamp 1000 */
};
enum { SOURCE_AT = 44, OPERATION_AT = 15, EVENTS_AT = 17 };
enum { NEOVERSE_N1 = 0x410fd0c0, HISILICON = 0x480fd060 };
#define AMPEREONE UINT64_C(0xc00fac30)

static struct sample decode(uint64_t midr, const unsigned char *bytes, size_t n, int want)
{
    struct spe_setup setup = {.midr = midr, .cpu = 3, .clock = {.zero = 50, .mult = 10, .shift = 0}};
    struct sample s;
    uint64_t bad = 0;
    size_t used = 0;
    memset(&s, 0, sizeof s);
    cr_assert_eq(spe_next(&setup, bytes, n, &used, &bad, &s), want);
    cr_expect_eq(used, want ? n : 0);
    cr_expect_eq(bad, 0);
    return s;
}

Test(spe, a_load)
{
    struct sample s = decode(NEOVERSE_N1, load_record, sizeof load_record, 1);
    cr_expect_eq(s.ip, UINT64_C(0xffff000008081000), "%llx", (unsigned long long)s.ip);
    cr_expect(s.kernel);
    cr_expect_eq(s.va, UINT64_C(0x0000ffff12345678), "the tag goes: %llx", (unsigned long long)s.va);
    cr_expect_eq(s.pa, UINT64_C(0x8812345678));
    cr_expect_eq(s.latency, 300);
    cr_expect_eq(s.tid, 0x3039);
    cr_expect_eq(s.cpu, 3);
    cr_expect_eq(s.time, 50 + 10 * 1000);
    cr_expect_eq(s.op, OP_READ);
    cr_expect_eq(s.level, LEVEL_LOCAL_DRAM);
    unsigned all = SAMPLE_IP | SAMPLE_VA | SAMPLE_PA | SAMPLE_LATENCY | SAMPLE_TASK | SAMPLE_CPU | SAMPLE_TIME;
    cr_expect_eq(s.has & all, all);
}

/* Codes of each CPU, by its manual. */
Test(spe, data_sources)
{
    static const struct {
        uint64_t midr;
        unsigned char source;
        enum sample_level level;
        bool dirty;
    } cases[] = {
        {NEOVERSE_N1, 0, LEVEL_L1, false},
        {NEOVERSE_N1, 8, LEVEL_L2, false},
        {NEOVERSE_N1, 9, LEVEL_PEER_CACHE, false},
        {NEOVERSE_N1, 10, LEVEL_PEER_CACHE, false},
        {NEOVERSE_N1, 11, LEVEL_L3, false},
        {NEOVERSE_N1, 12, LEVEL_PEER_CACHE, false},
        {NEOVERSE_N1, 13, LEVEL_REMOTE_UNKNOWN, false},
        {NEOVERSE_N1, 14, LEVEL_LOCAL_DRAM, false},
        {NEOVERSE_N1, 15, LEVEL_UNKNOWN, false},
        {AMPEREONE, 3, LEVEL_L3, false},
        {AMPEREONE, 5, LEVEL_REMOTE_UNKNOWN, false},
        {AMPEREONE, 7, LEVEL_LOCAL_DRAM, false},
        {AMPEREONE, 8, LEVEL_L1, false},
        {AMPEREONE, 9, LEVEL_L2, false},
        {HISILICON, 2, LEVEL_L3, false},
        {HISILICON, 3, LEVEL_PEER_CACHE, true},
        {HISILICON, 6, LEVEL_REMOTE_UNKNOWN, false},
        {HISILICON, 7, LEVEL_REMOTE_CACHE, true},
        {HISILICON, 8, LEVEL_LOCAL_DRAM, false},
        {HISILICON, 9, LEVEL_REMOTE_DRAM, false},
        /* A CPU that nobody knows: the event bits, here a refill of the L1. */
        {0, 14, LEVEL_L1_MISS, false},
        {0x410fd030, 14, LEVEL_L1_MISS, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char bytes[sizeof load_record];
        memcpy(bytes, load_record, sizeof bytes);
        bytes[SOURCE_AT] = cases[i].source;
        struct sample s = decode(cases[i].midr, bytes, sizeof bytes, 1);
        cr_expect_eq(s.level, cases[i].level, "%llx code %u: %s", (unsigned long long)cases[i].midr, cases[i].source,
                     sample_level_name(s.level));
        cr_expect_eq(s.dirty, cases[i].dirty, "%llx code %u", (unsigned long long)cases[i].midr, cases[i].source);
    }
}

Test(spe, event_bits_and_stores)
{
    unsigned char bytes[sizeof load_record];
    memcpy(bytes, load_record, sizeof bytes);
    bytes[EVENTS_AT + 1] = 0x02; /* bit 9: last level miss */
    cr_expect_eq(decode(0, bytes, sizeof bytes, 1).level, LEVEL_L3_MISS);
    bytes[EVENTS_AT + 1] = 0x06; /* and bit 10: remote */
    cr_expect_eq(decode(0, bytes, sizeof bytes, 1).level, LEVEL_REMOTE_UNKNOWN);
    bytes[EVENTS_AT + 1] = 0x01; /* bit 8: last level access */
    cr_expect_eq(decode(0, bytes, sizeof bytes, 1).level, LEVEL_L3);
    bytes[OPERATION_AT] = 0x01; /* a store: its data source says nothing */
    struct sample s = decode(NEOVERSE_N1, bytes, sizeof bytes, 1);
    cr_expect_eq(s.op, OP_WRITE);
    cr_expect_eq(s.level, LEVEL_L3);
}

/* Branches and records without a data address are no samples; padding and alignment are passed over. */
Test(spe, others)
{
    unsigned char bytes[3 * sizeof load_record + 16];
    size_t n = 0, used;
    struct spe_setup setup = {.cpu = UINT32_MAX};
    struct sample s;
    memcpy(bytes, load_record, sizeof load_record);
    bytes[14] = 0x4a; /* a branch */
    n += sizeof load_record;
    memset(bytes + n, 0, 5); /* padding */
    n += 5;
    bytes[n++] = 0x20; /* alignment */
    bytes[n++] = 0x00;
    memcpy(bytes + n, load_record, sizeof load_record);
    n += sizeof load_record;
    uint64_t bad = 0;
    cr_assert_eq(spe_next(&setup, bytes, n, &used, &bad, &s), 1);
    cr_expect_eq(used, n);
    cr_expect_eq(bad, 0);
    cr_expect_eq(s.has & (SAMPLE_TIME | SAMPLE_CPU), 0, "neither clock nor CPU is known");
    /* An END packet closes a record that has no timestamp. */
    bytes[0] = 0xb2;
    memset(bytes + 1, 1, 8);
    bytes[9] = 0x49;
    bytes[10] = 0x01;
    bytes[11] = 0x01;
    cr_assert_eq(spe_next(&setup, bytes, 12, &used, &bad, &s), 1);
    cr_expect_eq(s.op, OP_WRITE);
}

/* Cut anywhere, nothing comes, and the place to go on from is the record's beginning. */
Test(spe, cut)
{
    for (size_t n = 0; n < sizeof load_record; n++) {
        unsigned char *part = malloc(n + 1);
        memcpy(part, load_record, n);
        decode(NEOVERSE_N1, part, n, 0);
        free(part);
    }
}

Test(spe, what_is_no_packet)
{
    unsigned char bytes[sizeof load_record + 2] = {0xff, 0x07};
    struct spe_setup setup = {.cpu = 0};
    struct sample s;
    uint64_t bad = 0;
    size_t used;
    memcpy(bytes + 2, load_record, sizeof load_record);
    cr_assert_eq(spe_next(&setup, bytes, sizeof bytes, &used, &bad, &s), 1);
    cr_expect_eq(bad, 2);
}

Test(spe, clock)
{
    struct ring_clock c = {.zero = 1000, .mult = 0x80000000, .shift = 31};
    cr_expect_eq(ring_clock_ns(&c, 5), 1005);
    cr_expect_eq(ring_clock_ns(&c, UINT64_C(1) << 50), 1000 + (UINT64_C(1) << 50), "no overflow on the way");
}
