/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/sorter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOLD = 1 << 21, READ_AHEAD = 1 << 14, ROOM_LEAST = 1 << 12 };

/* A sorted run in the temporary file, and the piece of it in memory. */
struct run {
    uint64_t at, end;     /* records, in the file */
    size_t next, n, room; /* in `ahead` */
    struct trace_record *ahead;
};

struct sorter {
    sorter_emit *emit;
    void *context;
    struct trace_record *held, *other; /* [room] */
    size_t n, room, hold;
    uint64_t newest, limit; /* greatest time seen; the same at the end of the round before */
    uint64_t emitted, late;
    FILE *file;
    struct run *run;
    size_t runs, runs_room;
    uint64_t written;
};

struct sorter *sorter_new(sorter_emit *emit, void *context, size_t hold)
{
    struct sorter *o = calloc(1, sizeof *o);
    if (o) {
        o->emit = emit;
        o->context = context;
        o->hold = hold ? hold : HOLD;
    }
    return o;
}

void sorter_free(struct sorter *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->runs; i++)
        free(o->run[i].ahead);
    free(o->run);
    free(o->held);
    free(o->other);
    if (o->file)
        fclose(o->file);
    free(o);
}

uint64_t sorter_late(const struct sorter *o)
{
    return o->late;
}

/* Where the ascending run that begins at `at` ends. */
static size_t run_end(const struct trace_record *r, size_t at, size_t n)
{
    while (++at < n && r[at].time >= r[at - 1].time)
        ;
    return at;
}

/* Two neighbouring runs into one; the first wins ties: records of one time stay as they came. */
static void merge(const struct trace_record *a, size_t na, const struct trace_record *b, size_t nb,
                  struct trace_record *to)
{
    while (na && nb) {
        bool second = b->time < a->time;
        *to++ = second ? *b : *a;
        b += second;
        nb -= second;
        a += !second;
        na -= !second;
    }
    memcpy(to, a, na * sizeof *a);
    memcpy(to + na, b, nb * sizeof *b);
}

/* Natural merge sort: as many passes as the logarithm of the number of rings. */
static void sort(struct sorter *o)
{
    for (;;) {
        size_t at = 0, passes = 0;
        while (at < o->n) {
            size_t middle = run_end(o->held, at, o->n);
            size_t end = middle < o->n ? run_end(o->held, middle, o->n) : middle;
            if (middle == end && at == 0)
                return; /* one run: sorted */
            merge(o->held + at, middle - at, o->held + middle, end - middle, o->other + at);
            at = end;
            passes++;
        }
        struct trace_record *swap = o->held;
        o->held = o->other;
        o->other = swap;
        if (passes <= 1)
            return;
    }
}

static int emit(struct sorter *o, const struct trace_record *r, size_t n)
{
    const struct trace_record *next = r + 1;
    struct trace_record raised;
    if (r->time < o->emitted) {
        raised = *r;
        raised.time = o->emitted;
        r = &raised;
        o->late++;
    }
    o->emitted = r->time;
    return o->emit(o->context, r, next, n);
}

static int spill(struct sorter *o)
{
    if (!o->file)
        o->file = tmpfile();
    if (o->runs == o->runs_room) {
        size_t room = o->runs_room ? 2 * o->runs_room : 16;
        struct run *grown = realloc(o->run, room * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        o->run = grown;
        o->runs_room = room;
    }
    sort(o);
    if (!o->file || fwrite(o->held, sizeof *o->held, o->n, o->file) != o->n)
        return errno ? -errno : -EIO;
    o->run[o->runs++] = (struct run){.at = o->written, .end = o->written + o->n};
    o->written += o->n;
    o->n = 0;
    return 0;
}

static int grow(struct sorter *o)
{
    size_t room = o->room ? 2 * o->room : ROOM_LEAST;
    struct trace_record *held = realloc(o->held, room * sizeof *held);
    if (held)
        o->held = held;
    struct trace_record *other = realloc(o->other, room * sizeof *other);
    if (other)
        o->other = other;
    if (!held || !other)
        return -ENOMEM;
    o->room = room;
    return 0;
}

int sorter_add(struct sorter *o, const struct trace_record *r)
{
    int err = 0;
    if (o->n == o->hold)
        err = spill(o);
    if (!err && o->n == o->room)
        err = grow(o);
    if (err)
        return err;
    o->held[o->n++] = *r;
    o->newest = r->time > o->newest ? r->time : o->newest;
    return 0;
}

int sorter_round(struct sorter *o)
{
    size_t out = 0;
    int err = 0;
    uint64_t limit = o->limit;
    o->limit = o->newest;
    if (o->runs || !limit)
        return 0;
    sort(o);
    while (!err && out < o->n && o->held[out].time <= limit) {
        err = emit(o, &o->held[out], o->n - out - 1);
        out++;
    }
    memmove(o->held, o->held + out, (o->n - out) * sizeof *o->held);
    o->n -= out;
    return err;
}

static int refill(struct sorter *o, struct run *run)
{
    uint64_t left = run->end - run->at;
    if (!run->ahead) { /* of all runs together no more than was held */
        run->room = o->hold / o->runs + 1 < READ_AHEAD ? o->hold / o->runs + 1 : READ_AHEAD;
        run->ahead = malloc(run->room * sizeof *run->ahead);
    }
    if (!run->ahead)
        return -ENOMEM;
    run->n = left < run->room ? (size_t)left : run->room;
    run->next = 0;
    if (run->n && (fseeko(o->file, (off_t)(run->at * sizeof *run->ahead), SEEK_SET) ||
                   fread(run->ahead, sizeof *run->ahead, run->n, o->file) != run->n))
        return -EIO;
    run->at += run->n;
    return 0;
}

/* The earlier run wins ties. */
static bool before(const struct run *a, const struct run *b)
{
    uint64_t one = a->ahead[a->next].time, other = b->ahead[b->next].time;
    return one < other || (one == other && a < b);
}

/* Of a heap of n runs, the oldest record's at the top: the run at `at` goes down to its place. */
static void sift(struct run **heap, size_t n, size_t at)
{
    struct run *run = heap[at];
    for (size_t below; (below = 2 * at + 1) < n; at = below) {
        below += below + 1 < n && before(heap[below + 1], heap[below]);
        if (before(run, heap[below]))
            break;
        heap[at] = heap[below];
    }
    heap[at] = run;
}

static int emit_runs(struct sorter *o, struct run **heap, size_t n)
{
    int err = 0;
    for (size_t i = n / 2; i-- > 0;)
        sift(heap, n, i);
    while (!err && n) {
        struct run *run = heap[0];
        err = emit(o, &run->ahead[run->next++], 0);
        if (!err && run->next == run->n)
            err = refill(o, run);
        if (!run->n)
            heap[0] = heap[--n];
        if (!err && n)
            sift(heap, n, 0);
    }
    return err;
}

static int merge_runs(struct sorter *o)
{
    int err = o->n ? spill(o) : 0;
    free(o->held);
    free(o->other);
    o->held = o->other = NULL;
    o->room = 0;
    if (!err && fflush(o->file))
        err = -errno;
    struct run **heap = malloc(o->runs * sizeof *heap);
    if (!heap)
        return -ENOMEM;
    for (size_t i = 0; !err && i < o->runs; i++) {
        heap[i] = &o->run[i];
        err = refill(o, heap[i]);
    }
    if (!err)
        err = emit_runs(o, heap, o->runs);
    free(heap);
    return err;
}

int sorter_end(struct sorter *o)
{
    int err = 0;
    if (o->runs)
        return merge_runs(o);
    sort(o);
    for (size_t i = 0; !err && i < o->n; i++)
        err = emit(o, &o->held[i], o->n - i - 1);
    o->n = 0;
    return err;
}
