/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/perfdata.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "collectors/perfdata_private.h"

int perfdata_stop(struct perfdata *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->facts.stopped, sizeof p->facts.stopped, format, args);
    va_end(args);
    p->ended = true;
    return 0;
}

int perfdata_open(struct import_input *in, struct perfdata **out, struct trace_error *error)
{
    struct perfdata *p = calloc(1, sizeof *p);
    *out = NULL;
    if (p)
        p->decoder = decoder_new();
    if (!p || !p->decoder) {
        perfdata_close(p);
        return trace_fail(error, ENOMEM, "%s: out of memory", import_input_path(in));
    }
    p->in = in;
    p->path = import_input_path(in);
    p->left = UINT64_MAX;
    memset(p->facts.cpu_node, NODE_NONE, sizeof p->facts.cpu_node);
    int err = perfdata_header(p, error);
    if (err)
        perfdata_close(p);
    else
        *out = p;
    return err;
}

void perfdata_close(struct perfdata *p)
{
    if (!p)
        return;
    if (p->unpack)
        ZSTD_freeDStream(p->unpack->stream);
    free(p->unpack);
    perfdata_aux_free(p);
    decoder_free(p->decoder);
    free(p->facts.memory);
    free(p);
}

const struct perfdata_facts *perfdata_facts(const struct perfdata *p)
{
    return &p->facts;
}

struct decoder *perfdata_decoder(struct perfdata *p)
{
    return p->decoder;
}

void perfdata_settle(struct perfdata *p)
{
    size_t n = p->window_at;
    p->window_at = p->window_n = 0;
    perfdata_take(p, n);
}

int perfdata_peek(struct perfdata *p, size_t n, const unsigned char **bytes, size_t *got, struct trace_error *error)
{
    perfdata_settle(p);
    if (n > p->left)
        n = (size_t)p->left;
    return import_input_peek(p->in, n, bytes, got, error);
}

void perfdata_take(struct perfdata *p, size_t n)
{
    import_input_take(p->in, n);
    if (p->left != UINT64_MAX)
        p->left -= n;
}

/* At least `want` bytes into the window, or what is left of the file. */
static int look(struct perfdata *p, size_t want, size_t *got, struct trace_error *error)
{
    int err = 0;
    if (p->window_n - p->window_at < want) {
        size_t n = 0;
        err = perfdata_peek(p, DECODE_RECORD_MAX, &p->window, &n, error);
        p->window_n = n;
    }
    *got = p->window_n - p->window_at;
    return err;
}

/* The next record as it stands in the file: 1, 0 the end, or -errno. */
static int plain_record(struct perfdata *p, const unsigned char **bytes, size_t *n, struct trace_error *error)
{
    struct abi_header header;
    size_t got;
    int err = look(p, sizeof header, &got, error);
    if (err)
        return err;
    p->facts.truncated |= (got && got < sizeof header) || (!got && p->left && p->left != UINT64_MAX);
    if (got < sizeof header)
        return 0;
    memcpy(&header, p->window + p->window_at, sizeof header);
    if (header.size < sizeof header)
        return perfdata_stop(p, "a record (type %u, the %lluth) claims %u bytes; the data are damaged from there on",
                             header.type, (unsigned long long)p->facts.records, header.size);
    err = look(p, header.size, &got, error);
    if (err)
        return err;
    p->facts.truncated |= got < header.size;
    if (got < header.size)
        return 0;
    *bytes = p->window + p->window_at;
    p->window_at += header.size;
    *n = header.size;
    return 1;
}

/* A compressed record: its slice waits to be unpacked. */
static int add_slice(struct perfdata *p, const unsigned char *bytes, size_t n, struct trace_error *error)
{
    struct perfdata_unpack *u = p->unpack;
    struct abi_header header;
    memcpy(&header, bytes, sizeof header);
    struct cursor c = {.at = bytes + sizeof header, .end = bytes + n};
    uint64_t size = header.type == ABI_RECORD_COMPRESSED2 ? cursor_u64(&c) : (uint64_t)(c.end - c.at);
    const unsigned char *slice = cursor_skip(&c, size);
    if (c.bad)
        return perfdata_stop(p, "a compressed record is shorter than its data");
    if (!u) {
        u = p->unpack = calloc(1, sizeof *u);
        if (u)
            u->stream = ZSTD_createDStream();
        if (!u || !u->stream)
            return trace_fail(error, ENOMEM, "%s: out of memory to unpack it", p->path);
    }
    memcpy(u->slice, slice, (size_t)size);
    u->at = 0;
    u->n = (size_t)size;
    p->facts.compressed = true;
    return 0;
}

/* Unpacks as much as there is room for. True when bytes came. */
static bool unpack(struct perfdata *p)
{
    struct perfdata_unpack *u = p->unpack;
    if (u->at == u->n && !u->more)
        return false;
    memmove(u->bytes, u->bytes + u->out, u->ready - u->out);
    u->ready -= u->out;
    u->out = 0;
    ZSTD_inBuffer from = {u->slice, u->n, u->at};
    ZSTD_outBuffer to = {u->bytes, sizeof u->bytes, u->ready};
    size_t result = ZSTD_decompressStream(u->stream, &to, &from);
    if (ZSTD_isError(result)) {
        perfdata_stop(p, "a compressed record cannot be unpacked: %s", ZSTD_getErrorName(result));
        return false;
    }
    bool came = to.pos > u->ready;
    u->more = to.pos == to.size;
    u->at = from.pos;
    u->ready = to.pos;
    return came;
}

/* A whole record out of what was unpacked: 1, 0 none (yet). */
static int unpacked_record(struct perfdata *p, const unsigned char **bytes, size_t *n)
{
    struct perfdata_unpack *u = p->unpack;
    struct abi_header header;
    do {
        size_t left = u->ready - u->out;
        if (left < sizeof header)
            continue;
        memcpy(&header, u->bytes + u->out, sizeof header);
        if (header.size < sizeof header)
            return perfdata_stop(p, "a compressed record (type %u) claims %u bytes; the data are damaged from there on",
                                 header.type, header.size);
        if (left < header.size)
            continue;
        *bytes = u->bytes + u->out;
        *n = header.size;
        u->out += header.size;
        return 1;
    } while (unpack(p));
    return 0;
}

static bool is_compressed(const unsigned char *bytes)
{
    struct abi_header header;
    memcpy(&header, bytes, sizeof header);
    return header.type == ABI_RECORD_COMPRESSED || header.type == ABI_RECORD_COMPRESSED2;
}

static int next_record(struct perfdata *p, const unsigned char **bytes, size_t *n, struct trace_error *error)
{
    while (!p->ended) {
        if (p->unpack && unpacked_record(p, bytes, n))
            return 1;
        if (p->ended)
            break;
        int got = plain_record(p, bytes, n, error);
        if (got <= 0)
            return got;
        if (!is_compressed(*bytes))
            return 1;
        int err = add_slice(p, *bytes, *n, error);
        if (err)
            return err;
    }
    return 0;
}

static void note_task(struct perfdata *p, const struct decoded *d)
{
    uint32_t cpu = d->sample.cpu;
    if (d->kind == DECODED_ITRACE_START && (d->sample.has & SAMPLE_CPU) && cpu < CPU_MAX)
        p->task[cpu] = d->comm.pid;
}

/* One of our own notes, or false. */
static bool own_note(const unsigned char *bytes, size_t n, struct perfdata_item *item)
{
    struct cursor c = {.at = bytes + sizeof(struct abi_header), .end = bytes + n};
    uint64_t type = cursor_u64(&c);
    cursor_u64(&c);
    if (c.bad || (type & ~UINT64_C(0xff)) != ABI_OWN)
        return false;
    item->kind = ITEM_NOTE;
    item->note = (enum perfdata_note)(type & 0xff);
    item->bytes = c.at;
    item->n = (size_t)(c.end - c.at);
    return true;
}

/* True when the caller gets it. */
static bool kernel_record(struct perfdata *p, const unsigned char *bytes, size_t n, struct perfdata_item *item)
{
    const char *why;
    int err = decode_record(p->decoder, bytes, n, &item->record, &why);
    p->facts.orphans += err == -ENOENT;
    p->facts.bad += err == -EBADMSG;
    if (err)
        return false;
    p->facts.samples += item->record.kind == DECODED_SAMPLE;
    note_task(p, &item->record);
    return true;
}

static bool is_round(struct perfdata *p, uint32_t type, struct perfdata_item *item)
{
    if (type != ABI_RECORD_FINISHED_ROUND)
        return false;
    p->facts.rounds++;
    memset(&item->record, 0, sizeof item->record);
    item->record.kind = DECODED_ROUND;
    item->record.type = type;
    return true;
}

int perfdata_next(struct perfdata *p, struct perfdata_item *item, struct trace_error *error)
{
    const unsigned char *bytes = NULL;
    size_t n = 0;
    item->kind = ITEM_RECORD;
    for (;;) {
        struct abi_header header;
        if (perfdata_aux_open(p)) {
            memset(&item->record, 0, sizeof item->record);
            int found = perfdata_aux_next(p, &item->record.sample, error);
            p->facts.samples += found == 1;
            if (found)
                return found;
        }
        int got = next_record(p, &bytes, &n, error);
        if (got <= 0)
            return got;
        memcpy(&header, bytes, sizeof header);
        p->facts.records++;
        if (header.type < ABI_RECORD_USER) {
            if (kernel_record(p, bytes, n, item))
                return 1;
            continue;
        }
        if (is_round(p, header.type, item) || (header.type == ABI_RECORD_EVENT_UPDATE && own_note(bytes, n, item)))
            return 1;
        int err = perfdata_user_record(p, bytes, n, error);
        if (err)
            return err;
    }
}
