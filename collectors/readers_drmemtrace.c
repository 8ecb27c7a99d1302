/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/readers_drmemtrace.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { ENTRY = 12, BATCH = 4096, ALONE = 1 << 20, ROUND = 1 << 16 };

/* Types of entries: what is done with them. */
enum { PASSED, LOAD, STORE, AHEAD, FETCH, BUNDLE, THREAD, PROCESS, END, MARK };
enum { TYPE_THREAD = 22, TYPE_HEADER = 25, TYPE_MARKER = 28, TYPES = 50 };
static const uint8_t meaning[TYPES] = {
    [0] = LOAD,     [1] = STORE,  [2 ... 9] = AHEAD,    [10 ... 16] = FETCH, [17] = BUNDLE, [TYPE_THREAD] = THREAD,
    [24] = PROCESS, [26] = END,   [TYPE_MARKER] = MARK, [30] = FETCH,        [31] = FETCH,  [32 ... 46] = AHEAD,
    [48] = FETCH,   [49] = FETCH,
    /* passed over: flushes 18-21, a thread's exit 23, the header 25, what a simulator added 27, instructions that are
     * not fetched again 29, their encodings 47 */
};

enum { MARK_TIME = 2, MARK_CPU = 3, MARK_FILE_TYPE = 9, MARK_VERSION = 12, FILTERED = 1 | 0x80 | 0x100 };

struct entry {
    uint16_t type, size;
    uint64_t value;
};

static struct entry entry_at(const unsigned char *bytes)
{
    struct entry e;
    memcpy(&e.type, bytes, sizeof e.type);
    memcpy(&e.size, bytes + 2, sizeof e.size);
    memcpy(&e.value, bytes + 4, sizeof e.value);
    return e;
}

/* A raw recording: words of 8 bytes, of which the first is its header (in the top bits: type 6, kind 4 or, older, 0).
 */
static bool looks_raw(const unsigned char *bytes, size_t n)
{
    if (n < 16 || (bytes[7] != 0xc4 && bytes[7] != 0xc0))
        return false;
    unsigned version = bytes[7] == 0xc4 ? bytes[6] : bytes[0], next = bytes[15] >> 5;
    return version >= 2 && version < 64 && (next == 6 || (next >= 2 && next <= 4));
}

/* Entries of a 32-bit program have 8 bytes: the value of the first reads as two of them. */
static bool looks_narrow(const unsigned char *bytes, size_t n)
{
    struct entry second;
    if (n < 24)
        return false;
    memcpy(&second, bytes + 8, 4);
    return !memcmp(bytes, "\x19\0\0\0", 4) && bytes[4] && !bytes[5] &&
           ((second.type == TYPE_MARKER && second.size == MARK_VERSION) || second.type == TYPE_THREAD);
}

static bool looks_whole(const unsigned char *bytes, size_t n)
{
    if (n < 2 * ENTRY)
        return false;
    struct entry first = entry_at(bytes), second = entry_at(bytes + ENTRY);
    return first.type == TYPE_HEADER && !first.size && first.value < 256 &&
           (second.type == TYPE_MARKER || second.type == TYPE_THREAD);
}

bool readers_drmemtrace_looks(const unsigned char *bytes, size_t n)
{
    return looks_whole(bytes, n) || looks_narrow(bytes, n) || looks_raw(bytes, n);
}

static int refuse(const struct readers_drmemtrace *r, const unsigned char *bytes, size_t n, struct trace_error *error)
{
    if (looks_raw(bytes, n))
        return trace_fail(
            error, ENOTSUP,
            "%s: a raw recording of drmemtrace; 'drrun -t drmemtrace -indir FOLDER' makes the trace of it "
            "(in FOLDER/trace), import that",
            r->path);
    if (looks_narrow(bytes, n))
        return trace_fail(error, ENOTSUP,
                          "%s: a drmemtrace trace of a 32-bit program; print it with 'drrun -t drmemtrace -tool view "
                          "-indir FOLDER' and import the text",
                          r->path);
    return trace_fail(error, EINVAL, "%s: no header of a drmemtrace trace", r->path);
}

static int bad_entry(const struct readers_drmemtrace *r, struct entry e, const char *why, struct trace_error *error)
{
    return trace_fail(error, EINVAL, "%s: entry %" PRIu64 " (type %u, size %u): %s", r->path, r->entry, e.type, e.size,
                      why);
}

static int put(struct readers_drmemtrace *r, struct entry e, enum sample_op op, uint64_t address,
               struct trace_error *error)
{
    if (!r->thread)
        return bad_entry(r, e, "an access before any thread is named; the file is damaged", error);
    if (r->event < 0)
        r->event = text_event(&r->text, r->filtered ? "accesses that passed a filter while recording" : "every access");
    if (r->event < 0)
        return trace_fail(error, ENOMEM, "%s: out of memory", r->path);
    r->accesses += address != 0;
    return readers_threads_put(r->thread, r->step, op, address, &r->text, error);
}

/* Up to eight instructions that follow the one before: their lengths. */
static int bundle(struct readers_drmemtrace *r, struct entry e, struct trace_error *error)
{
    int err = 0;
    if (e.size > sizeof e.value)
        return bad_entry(r, e, "more instructions than it has room for; the file is damaged", error);
    for (unsigned i = 0; !err && i < e.size; i++) {
        err = put(r, e, OP_FETCH, r->pc, error);
        r->pc += e.value >> 8 * i & 0xff;
    }
    return err;
}

static void mark(struct readers_drmemtrace *r, struct entry e)
{
    if (e.size == MARK_FILE_TYPE)
        r->filtered |= e.value & FILTERED;
    else if (e.size == MARK_TIME && r->thread)
        readers_threads_stamp(r->thread, e.value);
    else if (e.size == MARK_CPU && r->thread)
        readers_threads_cpu(r->thread, e.value);
}

static int change_thread(struct readers_drmemtrace *r, struct entry e, struct trace_error *error)
{
    struct readers_thread *before = r->thread;
    uint32_t tid = before ? before->tid : 0;
    r->thread = readers_threads_of(&r->threads, (uint32_t)e.value);
    if (!r->thread)
        return bad_entry(r, e, "more threads than there is room for", error);
    r->other_threads |= before && r->thread->tid != tid;
    return 0;
}

static int take(struct readers_drmemtrace *r, struct entry e, struct trace_error *error)
{
    static const uint8_t ops[] = {[LOAD] = OP_READ, [STORE] = OP_WRITE, [AHEAD] = OP_PREFETCH, [FETCH] = OP_FETCH};
    if (e.type >= TYPES)
        return bad_entry(r, e, "an unknown type; the file is damaged, or newer than this reader", error);
    switch (meaning[e.type]) {
    case FETCH:
        r->pc = e.value + e.size;
        return put(r, e, OP_FETCH, e.value, error);
    case LOAD:
    case STORE:
    case AHEAD:
        return put(r, e, (enum sample_op)ops[meaning[e.type]], e.value, error);
    case BUNDLE:
        return bundle(r, e, error);
    case THREAD:
        return change_thread(r, e, error);
    case MARK:
        mark(r, e);
        return 0;
    case PROCESS:
        if (r->thread)
            r->thread->pid = (uint32_t)e.value;
        return 0;
    default:
        r->ended |= meaning[e.type] == END;
        return 0;
    }
}

static int take_batch(struct readers_drmemtrace *r, struct import_input *in, size_t *n, struct trace_error *error)
{
    const unsigned char *bytes;
    int err = import_input_peek(in, (size_t)BATCH * ENTRY, &bytes, n, error);
    if (err)
        return err;
    for (size_t at = 0; !err && at + ENTRY <= *n; at += ENTRY, r->entry++)
        err = take(r, entry_at(bytes + at), error);
    import_input_take(in, *n);
    return err;
}

/* A stream that has told of one thread alone for so long is that thread's: its times ascend, none need be kept back. */
static int end_round(struct readers_drmemtrace *r, uint64_t *next, struct trace_error *error)
{
    const struct decoded round = {.kind = DECODED_ROUND};
    if (r->other_threads || r->threads.numbers.n != 1 || r->accesses < *next)
        return 0;
    *next = r->accesses + ROUND;
    return to_trace_record(r->text.to, &round, error);
}

static bool enough(const struct readers_drmemtrace *r)
{
    return r->text.sink->full || (r->enough && !r->other_threads && r->accesses >= r->enough);
}

int readers_drmemtrace_file(struct readers_drmemtrace *r, struct import_input *in, struct trace_error *error)
{
    const unsigned char *bytes;
    uint64_t next = r->single ? ALONE : UINT64_MAX;
    size_t n;
    r->text.in = in;
    r->thread = NULL;
    r->entry = r->accesses = 0;
    r->ended = r->other_threads = false;
    int err = import_input_peek(in, 64, &bytes, &n, error);
    if (!err && !looks_whole(bytes, n))
        err = refuse(r, bytes, n, error);
    while (!err && n && !enough(r)) {
        err = take_batch(r, in, &n, error);
        if (!err)
            err = end_round(r, &next, error);
    }
    r->text.readers->facts.truncated |= !err && !enough(r) && !r->ended;
    return err;
}

int readers_drmemtrace_begin(struct readers_drmemtrace *r, struct readers *readers, const char *path,
                             struct import_sink *sink, struct trace_error *error)
{
    const struct import_options *o = sink->options;
    uint64_t enough = o->limit + o->skip < o->limit ? 0 : o->limit + o->skip;
    bool all = !o->limit || sink->options->limit_address || readers->options.event;
    *r = (struct readers_drmemtrace){.path = path, .step = o->step_ns, .event = -1, .enough = all ? 0 : enough};
    readers->options.levels = LEVELS_ALL;
    return text_start(&r->text, readers, NULL, path, sink, "drmemtrace", TRACE_ALL_ACCESSES, ABI_TID | ABI_ADDR, error);
}

int readers_drmemtrace_end(struct readers_drmemtrace *r, int err, struct trace_error *error)
{
    readers_threads_free(&r->threads);
    return text_end(&r->text, err, error);
}

int readers_drmemtrace(void *context, struct import_input *in, struct import_sink *sink, struct trace_error *error)
{
    struct readers_drmemtrace r;
    int err = readers_drmemtrace_begin(&r, context, import_input_path(in), sink, error);
    r.single = true;
    if (!err)
        err = readers_drmemtrace_file(&r, in, error);
    return readers_drmemtrace_end(&r, err, error);
}
