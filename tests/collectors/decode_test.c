/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The decoder against an independent writer: every field alone and with all others, several events, records with
 * trailers, cut and contradictory records.
 */
#include "collectors/decode.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/collectors/sample_writer.h"

enum { BITS = 25 };
static const unsigned char some_raw[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static const struct writer_values values = {.ip = 0x401000,
                                            .time = 123456789012345,
                                            .addr = 0x7f1234567890,
                                            .period = 10007,
                                            .weight = UINT64_C(0x0003000200000155),
                                            .source = 0x10468100442,
                                            .phys = 0x142e5a080,
                                            .page_size = 2 << 20,
                                            .pid = 1000,
                                            .tid = 1001,
                                            .cpu = 37,
                                            .raw = some_raw,
                                            .raw_size = 12,
                                            .chain = 3,
                                            .branches = 2,
                                            .registers = 2,
                                            .stack = 2};

static struct decoder *decoder_of(const struct writer_event *e, size_t n)
{
    unsigned char attr[136];
    struct decoder *d = decoder_new();
    for (size_t i = 0; i < n; i++) {
        writer_attr(&e[i], attr);
        cr_assert_eq(decoder_add(d, attr, e[i].size ? e[i].size : sizeof attr, &e[i].id, 1), (int)i);
    }
    return d;
}

/* Field by field, whether it should be there and what it should hold. */
static void expect(const struct writer_event *e, const struct sample *s, const char *what)
{
    const struct {
        unsigned bit, has;
        uint64_t got, want;
    } fields[] = {
        {0, SAMPLE_IP, s->ip, values.ip},
        {1, SAMPLE_TASK, (uint64_t)s->pid << 32 | s->tid, (uint64_t)values.pid << 32 | values.tid},
        {2, SAMPLE_TIME, s->time, values.time},
        {3, SAMPLE_VA, s->va, values.addr},
        {7, SAMPLE_CPU, s->cpu, values.cpu},
        {8, SAMPLE_PERIOD, s->period, values.period},
        {15, SAMPLE_SOURCE, s->data_source, values.source},
        {19, SAMPLE_PA, s->pa, values.phys},
        {22, SAMPLE_PAGE_SIZE, s->page_size, values.page_size},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        bool there = e->sample_type >> fields[i].bit & 1;
        cr_expect_eq(!!(s->has & fields[i].has), there, "%s: field %u", what, fields[i].bit);
        if (there)
            cr_expect_eq(fields[i].got, fields[i].want, "%s: field %u is %llx", what, fields[i].bit,
                         (unsigned long long)fields[i].got);
    }
    if (e->sample_type >> 24 & 1) {
        cr_expect_eq(s->latency, 0x155, "%s", what);
        cr_expect_eq(s->weight2, 2, "%s", what);
        cr_expect_eq(s->weight3, 3, "%s", what);
    } else if (e->sample_type >> 14 & 1)
        cr_expect_eq(s->latency, UINT32_MAX, "%s: a weight over 2^32 is cut", what);
}

static void round_trip(struct writer_event e, const char *what)
{
    static unsigned char record[65536];
    const char *why = "";
    struct decoded out;
    e.id = 4711;
    struct decoder *d = decoder_of(&e, 1);
    size_t n = writer_sample(&e, &values, record);
    int err = decode_record(d, record, n, &out, &why);
    cr_assert_eq(err, 0, "%s: %d %s", what, err, why);
    cr_expect_eq(out.kind, DECODED_SAMPLE);
    expect(&e, &out.sample, what);
    /* Cut anywhere, it is refused or shorter than its fields, and nothing beyond the cut is read. */
    for (size_t cut = 8; cut < n; cut++) {
        static unsigned char part[65536];
        memcpy(part + sizeof part - cut, record, cut);
        err = decode_record(d, part + sizeof part - cut, cut, &out, &why);
        if (err != -EBADMSG)
            cr_assert_fail("%s: cut to %zu of %zu: %d", what, cut, n, err);
    }
    decoder_free(d);
}

Test(decode, each_field_alone_and_all_but_it)
{
    uint64_t all = ((UINT64_C(1) << BITS) - 1) & ~(UINT64_C(1) << 14); /* both kinds of weight exclude each other */
    char what[64];
    for (unsigned bit = 0; bit < BITS; bit++) {
        struct writer_event e = {.sample_type = UINT64_C(1) << bit, .regs_user = 0xff, .regs_intr = 0x70};
        snprintf(what, sizeof what, "only field %u", bit);
        round_trip(e, what);
        e.sample_type = all & ~(UINT64_C(1) << bit);
        snprintf(what, sizeof what, "all but field %u", bit);
        round_trip(e, what);
    }
    round_trip((struct writer_event){.sample_type = all ^ (UINT64_C(1) << 24 | UINT64_C(1) << 14)}, "plain weight");
}

Test(decode, read_formats_branches)
{
    char what[64];
    for (uint64_t format = 0; format < 32; format++) {
        snprintf(what, sizeof what, "read format %llu", (unsigned long long)format);
        round_trip((struct writer_event){.sample_type = 0x801f, .read_format = format}, what);
    }
    for (unsigned i = 0; i < 4; i++)
        round_trip((struct writer_event){.sample_type = 0x8809,
                                         .branch = (i & 1 ? UINT64_C(1) << 17 : 0) | (i & 2 ? UINT64_C(1) << 19 : 0)},
                   "branch stack");
}

Test(decode, attributes_of_every_size)
{
    static const uint32_t sizes[] = {64, 72, 80, 96, 104, 112, 120, 128, 136};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        round_trip((struct writer_event){.sample_type = 0x800f, .size = sizes[i]}, "attribute size");
    struct decoder *d = decoder_new();
    unsigned char attr[136] = {0};
    cr_expect_eq(decoder_add(d, attr, 63, NULL, 0), -EINVAL);
    cr_expect_eq(decoder_add(d, attr, 5000, NULL, 0), -EINVAL);
    cr_expect_eq(decoder_events(d), 0);
    decoder_free(d);
}

static int decode_one(const struct decoder *d, const struct writer_event *e, struct decoded *out)
{
    static unsigned char record[65536];
    const char *why;
    return decode_record(d, record, writer_sample(e, &values, record), out, &why);
}

Test(decode, several_events)
{
    struct writer_event by_identifier[] = {{.sample_type = 0x18009, .id = 5}, {.sample_type = 0x1000f, .id = 900}};
    struct decoder *d = decoder_of(by_identifier, 2);
    struct decoded out;
    for (uint32_t i = 0; i < 2; i++) {
        cr_assert_eq(decode_one(d, &by_identifier[i], &out), 0);
        cr_expect_eq(out.sample.event, i);
        expect(&by_identifier[i], &out.sample, "by identifier");
    }
    by_identifier[0].id = 6;
    cr_expect_eq(decode_one(d, &by_identifier[0], &out), -ENOENT, "an id that nobody has");
    decoder_free(d);
    /* ID instead: its place depends on the fields before it, and must agree. */
    struct writer_event by_id[] = {{.sample_type = 0x8047, .id = 5}, {.sample_type = 0x4047, .id = 6}};
    d = decoder_of(by_id, 2);
    cr_assert_eq(decode_one(d, &by_id[1], &out), 0);
    cr_expect_eq(out.sample.event, 1);
    decoder_free(d);
    struct writer_event apart[] = {{.sample_type = 0x8047, .id = 5}, {.sample_type = 0x804f, .id = 6}};
    d = decoder_of(apart, 2);
    cr_expect_eq(decode_one(d, &apart[0], &out), -ENOENT, "ids in different places");
    decoder_free(d);
    /* Without any id all must look alike. */
    struct writer_event alike[] = {{.sample_type = 0x8007}, {.sample_type = 0x8007}};
    d = decoder_of(alike, 2);
    cr_expect_eq(decode_one(d, &alike[0], &out), 0);
    decoder_free(d);
}

Test(decode, place_from_the_index)
{
    struct writer_event e = {.sample_type = 0x1000c, .id = 42};
    struct decoder *d = decoder_of(&e, 1);
    struct decoded out;
    cr_assert_eq(decode_one(d, &e, &out), 0);
    cr_expect_eq(out.sample.has & (SAMPLE_CPU | SAMPLE_TASK), 0, "unknown is not 0");
    cr_assert_eq(decoder_place_id(d, 42, 6, 77), 0);
    cr_expect_eq(decoder_place_id(d, 43, 6, 77), -ENOENT);
    cr_assert_eq(decode_one(d, &e, &out), 0);
    cr_expect_eq(out.sample.cpu, 6);
    cr_expect_eq(out.sample.tid, 77);
    decoder_free(d);
}

Test(decode, many_ids)
{
    struct writer_event e = {.sample_type = 0x10008, .id = 1};
    struct decoder *d = decoder_of(&e, 1);
    for (uint64_t id = 2; id < 20000; id++)
        cr_assert_eq(decoder_add_id(d, 0, id * UINT64_C(0x100000001)), 0);
    for (uint64_t id = 2; id < 20000; id++)
        cr_assert_eq(decoder_find(d, id * UINT64_C(0x100000001)), 0);
    cr_expect_eq(decoder_find(d, 3), -1);
    cr_expect_eq(decoder_add_id(d, 1, 7), -EINVAL);
    decoder_free(d);
}

static struct decoded record_of(uint32_t type, uint16_t misc, const void *body, size_t n, int want)
{
    static const struct writer_event e = {.sample_type = 0x103c7 & ~UINT64_C(0x100), .id = 8};
    static unsigned char record[4096]; /* text in the result points into it */
    const char *why;
    struct decoded out;
    struct decoder *d = decoder_of(&e, 1);
    size_t size = writer_record(&e, &values, type, misc, body, n, record);
    cr_expect_eq(decode_record(d, record, size, &out, &why), want, "type %u", type);
    if (!want && type != 9) {
        cr_expect_eq(out.sample.time, values.time, "type %u", type);
        cr_expect_eq(out.sample.cpu, values.cpu, "type %u", type);
        cr_expect_eq(out.sample.pid, values.pid, "type %u", type);
        cr_expect_eq(out.sample.tid, values.tid, "type %u", type);
        cr_expect_eq(out.sample.id, 8, "type %u", type);
    }
    decoder_free(d);
    return out;
}

Test(decode, other_records)
{
    uint64_t lost[] = {8, 123};
    struct decoded out = record_of(2, 0, lost, sizeof lost, 0);
    cr_expect_eq(out.kind, DECODED_LOST);
    cr_expect_eq(out.lost.n, 123);
    out = record_of(13, 1 << 15, lost, 8, 0);
    cr_expect_eq(out.kind, DECODED_LOST_SAMPLES);
    cr_expect_eq(out.lost.n, 8);
    cr_expect(out.lost.by_filter);
    uint64_t throttle[] = {555, 8, 9};
    out = record_of(5, 0, throttle, sizeof throttle, 0);
    cr_expect_eq(out.kind, DECODED_THROTTLE);
    cr_expect_eq(out.throttle.time, 555);
    cr_expect_eq(record_of(6, 0, throttle, sizeof throttle, 0).kind, DECODED_UNTHROTTLE);
    uint64_t aux[] = {4096, 512, 9};
    out = record_of(11, 0, aux, sizeof aux, 0);
    cr_expect_eq(out.kind, DECODED_AUX);
    cr_expect_eq(out.aux.size, 512);
    cr_expect_eq(out.aux.flags, ABI_AUX_TRUNCATED | ABI_AUX_COLLISION);
    cr_expect_eq(record_of(14, 1 << 13, "", 0, 0).switched.out, true);
    uint32_t next[] = {11, 12};
    out = record_of(15, 0, next, sizeof next, 0);
    cr_expect_eq(out.kind, DECODED_SWITCH);
    cr_expect_eq(out.switched.tid, 12);
    cr_expect_eq(record_of(12, 0, next, sizeof next, 0).comm.pid, 11);
    cr_expect_eq(record_of(17, 0, lost, sizeof lost, 0).kind, DECODED_OTHER);
    record_of(2, 0, lost, 8, -EBADMSG);
    record_of(5, 0, lost, 8, -EBADMSG);
    record_of(11, 0, lost, 16, -EBADMSG);
}

Test(decode, records_with_text)
{
    struct {
        uint32_t pid, tid;
        char name[16];
    } comm = {20, 21, "worker"};
    struct decoded out = record_of(3, 0, &comm, sizeof comm, 0);
    cr_expect_eq(out.kind, DECODED_COMM);
    cr_expect_eq(out.comm.tid, 21);
    cr_expect_str_eq(out.comm.name, "worker");
    memset(comm.name, 'x', sizeof comm.name);
    record_of(3, 0, &comm, sizeof comm, -EBADMSG);
    struct {
        uint32_t pid, tid;
        uint64_t start, length, offset;
        unsigned char inode[24];
        uint32_t protection, flags;
        char name[16];
    } map = {20, 21, 0x1000, 0x2000, 0, {0}, 5, 2, "/bin/true"};
    out = record_of(10, 0, &map, sizeof map, 0);
    cr_expect_eq(out.kind, DECODED_MMAP);
    cr_expect_eq(out.map.length, 0x2000);
    cr_expect_str_eq(out.map.name, "/bin/true");
    struct {
        uint32_t pid, parent, tid, parent_tid;
        uint64_t time;
    } fork = {30, 20, 31, 21, 999};
    out = record_of(7, 0, &fork, sizeof fork, 0);
    cr_expect_eq(out.kind, DECODED_FORK);
    cr_expect_eq(out.fork.tid, 31);
    cr_expect_eq(record_of(4, 0, &fork, sizeof fork, 0).kind, DECODED_EXIT);
}

/* Page faults: the software event's kind is told by its attribute; the tracepoint's RAW holds address and error code.
 */
Test(decode, page_faults)
{
    struct writer_event soft = {.sample_type = 0x8f, .type = 1, .config = 2};
    struct decoder *d = decoder_of(&soft, 1);
    cr_expect_eq(decoder_event(d, 0)->kind, DECODE_PAGE_FAULT);
    decoder_free(d);
    static const struct {
        uint64_t code;
        enum sample_op op;
    } codes[] = {{4, OP_READ}, {6, OP_WRITE}, {7, OP_WRITE}, {0x14, OP_FETCH}};
    struct writer_event trace = {.sample_type = 0x487, .type = 2};
    d = decoder_of(&trace, 1);
    decoder_event(d, 0)->kind = DECODE_FAULT_TRACE;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        unsigned char raw[36] = {0}, record[512];
        uint64_t words[] = {0x7fff0000, 0x400123, codes[i].code};
        memcpy(raw + 8, words, sizeof words);
        struct writer_values v = values;
        struct decoded out;
        const char *why;
        v.raw = raw;
        v.raw_size = sizeof raw;
        cr_assert_eq(decode_record(d, record, writer_sample(&trace, &v, record), &out, &why), 0);
        cr_expect_eq(out.sample.va, 0x7fff0000);
        cr_expect_eq(out.sample.ip, 0x400123);
        cr_expect_eq(out.sample.error_code, codes[i].code);
        cr_expect_eq(out.sample.op, codes[i].op);
    }
    decoder_free(d);
}

/* AMD, kernels before 6.1: registers only. Bits by the processor manual. */
static struct sample ibs(uint32_t caps, uint64_t data2, uint64_t data3)
{
    static const struct writer_event e = {.sample_type = 0x487};
    unsigned char raw[4 + 7 * 8], record[512];
    uint64_t words[7] = {0, 0x401111, 0, data2, data3, 0x7f0000005008, 0x12345008};
    struct writer_values v = values;
    struct decoded out;
    const char *why;
    memcpy(raw, &caps, 4);
    memcpy(raw + 4, words, sizeof words);
    v.raw = raw;
    v.raw_size = sizeof raw;
    struct decoder *d = decoder_of(&e, 1);
    decoder_event(d, 0)->kind = DECODE_IBS_OP;
    cr_assert_eq(decode_record(d, record, writer_sample(&e, &v, record), &out, &why), 0);
    decoder_free(d);
    return out.sample;
}

Test(decode, ibs_registers)
{
    enum { ZEN4 = 1 << 11 };
    const uint64_t load = 1, store = 2, miss = 1 << 7, l2miss = 1 << 20, valid = 3 << 17, wait = UINT64_C(345) << 32;
    struct sample s = ibs(0, 3, load | miss | l2miss | valid | wait);
    cr_expect_eq(s.level, LEVEL_LOCAL_DRAM);
    cr_expect_eq(s.op, OP_READ);
    cr_expect_eq(s.latency, 345);
    cr_expect_eq(s.va, 0x7f0000005008);
    cr_expect_eq(s.pa, 0x12345008);
    s = ibs(0, 3 | 1 << 4, load | miss | l2miss | valid);
    cr_expect_eq(s.level, LEVEL_REMOTE_DRAM);
    cr_expect_eq(ibs(0, 2, load | miss | l2miss | valid).level, LEVEL_L3_OR_PEER);
    cr_expect_eq(ibs(0, 4, load | miss | l2miss | valid).level, LEVEL_REMOTE_CACHE);
    cr_expect_eq(ibs(0, 7, load | miss | l2miss | valid).level, LEVEL_IO);
    cr_expect_eq(ibs(ZEN4, 1, load | miss | l2miss | valid).level, LEVEL_L3);
    cr_expect_eq(ibs(ZEN4, 2, load | miss | l2miss | valid).level, LEVEL_PEER_CACHE);
    cr_expect_eq(ibs(ZEN4, 5, load | miss | l2miss | valid).level, LEVEL_REMOTE_CACHE);
    cr_expect_eq(ibs(ZEN4, 1 << 6, load | miss | l2miss | valid).level, LEVEL_CXL);
    cr_expect_eq(ibs(0, 0, load | valid).level, LEVEL_L1);
    cr_expect_eq(ibs(0, 0, load | miss | valid).level, LEVEL_L2);
    s = ibs(0, 3, store | miss | l2miss | valid | wait);
    cr_expect_eq(s.level, LEVEL_UNKNOWN, "the data source is not valid for stores");
    cr_expect_eq(s.op, OP_WRITE);
    cr_expect_eq(s.has & SAMPLE_LATENCY, 0);
    cr_expect_eq(ibs(0, 0, load | 1 << 14 | valid).level, LEVEL_UNCACHED);
    cr_expect_eq(ibs(0, 3, load | miss | l2miss).has & (SAMPLE_VA | SAMPLE_PA), 0, "no valid address");
    s = ibs(0, 3, miss | valid);
    cr_expect_eq(s.has & SAMPLE_VA, 0, "neither load nor store");
}
