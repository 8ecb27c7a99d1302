/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Raw captures: a header of 8 u64 and records of 2 u64, little-endian (docs/trace-format.md, "Raw captures").
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "datasets/import_private.h"

enum { HEADER = 64, RECORD = 16, BATCH = 4096 };

static uint64_t load_u64(const unsigned char *bytes)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

/* Of a capture, what its records need. */
struct capture {
    bool whole_system;
    bool threads; /* version 2: a program's records name their thread */
};

static int read_header(struct import_input *in, struct trace_meta *meta, struct capture *capture,
                       struct trace_error *error)
{
    const char *path = import_input_path(in);
    const unsigned char *bytes;
    size_t n;
    uint64_t word[8];
    int err = import_input_peek(in, HEADER, &bytes, &n, error);
    if (err)
        return err;
    if (n < HEADER || memcmp(bytes, "MISSTRS1", 8))
        return trace_fail(error, EINVAL, "%s: no header of a raw capture (magic MISSTRS1)", path);
    for (int i = 0; i < 8; i++)
        word[i] = load_u64(bytes + 8 * i);
    if (word[1] < 1 || word[1] > 2 || word[2] != RECORD)
        return trace_fail(error, ENOTSUP,
                          "%s: version %llu with records of %llu bytes; versions 1 and 2 with 16 are known", path,
                          (unsigned long long)word[1], (unsigned long long)word[2]);
    if (word[3] < 64 || word[3] > 4096 || (word[3] & (word[3] - 1)) || word[4] < 64 || word[4] > 1u << 30 ||
        (word[4] & (word[4] - 1)) || word[5] > 1)
        return trace_fail(error, EINVAL, "%s: its header gives lines of %llu, pages of %llu bytes, mode %llu", path,
                          (unsigned long long)word[3], (unsigned long long)word[4], (unsigned long long)word[5]);
    meta->line_size = (uint32_t)word[3];
    meta->page_size = (uint32_t)word[4];
    capture->whole_system = word[5] == 1;
    capture->threads = word[1] == 2 && word[5] == 0;
    if (capture->threads)
        meta->columns |= TRACE_HAS_TID;
    if (word[1] == 1)
        meta->labels |= TRACE_WRITES_UNDER_SEEN;
    uint64_t g = word[7];
    snprintf(meta->event, sizeof meta->event,
             "L2 misses and upgrades; L1 %llu x %llu, L2 %llu x %llu (sets x ways); quantum %llu cycles",
             (unsigned long long)(g >> 48), (unsigned long long)(g >> 32 & 0xffff),
             (unsigned long long)(g >> 16 & 0xffff), (unsigned long long)(g & 0xffff), (unsigned long long)word[6]);
    import_input_take(in, HEADER);
    return 0;
}

static void unpack(const unsigned char *bytes, const struct capture *capture, struct trace_record *r)
{
    uint64_t a = load_u64(bytes), b = load_u64(bytes + 8);
    unsigned kind = a >> 48 & 3, cause = a >> 50 & 3;
    memset(r, 0, sizeof *r);
    r->address = (a & (((uint64_t)1 << 42) - 1)) << 6;
    r->cpu = a >> 42 & 63;
    r->flags = (uint8_t)(kind | cause << TRACE_CAUSE_SHIFT | (a >> 52 & 1 ? TRACE_DIRTY : 0) |
                         (capture->whole_system && (a >> 53 & 1) ? TRACE_KERNEL : 0));
    r->time = b & (((uint64_t)1 << 48) - 1);
    r->tid = capture->threads ? (uint32_t)(b >> 48) : 0;
    r->weight = 1;
    r->node = NODE_NONE;
}

/* A capture that was killed may end within a record: what is whole counts. */
static int read_batch(struct import_input *in, struct import_sink *sink, const struct capture *capture, size_t *n,
                      struct trace_error *error)
{
    const unsigned char *bytes;
    struct trace_record record;
    struct trace_error why;
    int err = import_input_peek(in, BATCH * RECORD, &bytes, n, error);
    if (err)
        return err;
    sink->counts->cut_bytes += *n % RECORD;
    for (size_t at = 0; at + RECORD <= *n && !sink->full; at += RECORD) {
        unpack(bytes + at, capture, &record);
        err = import_put(sink, &record, &why);
        if (err)
            return trace_fail(error, -err, "%s: record %llu: %s", import_input_path(in),
                              (unsigned long long)sink->counts->read - 1, why.text);
    }
    import_input_take(in, *n);
    return 0;
}

int import_tr(struct import_input *in, struct import_sink *sink, struct trace_error *error)
{
    struct trace_meta meta = {.labels = TRACE_SIMULATED_CACHE, .period = 1};
    struct capture capture = {0};
    size_t n = 1;
    memset(meta.cpu_node, NODE_NONE, sizeof meta.cpu_node);
    strcpy(meta.source, "qemu-plugin");
    int err = read_header(in, &meta, &capture, error);
    if (!err)
        err = import_start(sink, &meta, capture.whole_system, error);
    while (!err && n && !sink->full) {
        err = read_batch(in, sink, &capture, &n, error);
        if (!err)
            err = import_pulse(sink, in, error);
    }
    return err;
}
