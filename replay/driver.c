/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Several threads work in rounds: while the groups go through the chunks of this round, the threads that are free
 * decode and prepare those of the next. A round holds ROUND_CHUNKS chunks whatever the number of threads, so memory
 * does not depend on it either. One thread prepares and replays in pieces that stay in its cache.
 */
#include "replay/driver.h"

#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/group.h"
#include "replay/prepare.h"

enum { ROUND_CHUNKS = 4, PIECE = 16384 };

struct driver {
    const struct trace *trace;
    const struct replay_machine *machine;
    const struct replay_options *options;
    const struct trace_meta *meta;
    struct prepare prepare;
    struct prepare_clock clock;
    struct prepared *round[2][ROUND_CHUNKS]; /* being replayed, being made */
    uint32_t filled[2];
    int errs[ROUND_CHUNKS];
    struct trace_error errors[ROUND_CHUNKS];
    struct trace_block *blocks[ROUND_CHUNKS];
    uint32_t threads;
    struct group *groups;
    uint32_t ngroups;
    uint64_t chunk, chunks; /* next to be decoded, of all (repeats included) */
};

static int out_of_memory(struct trace_error *error)
{
    snprintf(error->text, sizeof error->text, "not enough memory to decode the trace; close other programs");
    return -ENOMEM;
}

static int too_many_threads(struct trace_error *error)
{
    snprintf(error->text, sizeof error->text,
             "the trace names more threads than a system has (%d), or there is not enough memory to number them",
             NUMBERS_MAX);
    return -ENOMEM;
}

static int check_options(const struct replay_options *o, struct trace_error *error)
{
    const char *wrong = NULL;
    if (o->repeat == 0)
        wrong = "--repeat must be at least 1";
    else if (o->time_scale_ppm == 0 || o->time_scale_ppm > 1000000000000ull)
        wrong = "--time-scale must be between 0.000001 and 1000000";
    else if (o->intensity == 0 || o->intensity > 1000000)
        wrong = "--intensity must be 1 to 1000000";
    else if (o->batch == 0 || o->batch > ENGINE_BATCH_MAX)
        wrong = "--batch must be 1 to 64 events";
    else if (o->sampling > 32768 || (o->sampling & (o->sampling - 1)))
        wrong = "--sample must be a power of two up to 32768";
    if (wrong)
        snprintf(error->text, sizeof error->text, "%s", wrong);
    return wrong ? -EINVAL : 0;
}

static int make_buffers(struct driver *d, struct trace_error *error)
{
    uint32_t chunks = d->threads == 1 ? 1 : ROUND_CHUNKS;
    for (uint32_t i = 0; i < chunks && i < d->chunks; i++)
        if (!(d->blocks[i] = trace_block_new(d->trace)))
            return out_of_memory(error);
    for (uint32_t i = 0; i < 2 * chunks && i < 2 * d->chunks; i++)
        if (!(d->round[i % 2][i / 2] = prepared_new(&d->prepare)))
            return out_of_memory(error);
    return 0;
}

static int make_groups(struct driver *d, const struct replay_spec *specs, uint32_t n, struct trace_error *error)
{
    d->ngroups = group_count(d->options, n, d->threads);
    d->groups = calloc(d->ngroups, sizeof *d->groups);
    if (!d->groups)
        return out_of_memory(error);
    for (uint32_t i = 0; i < d->ngroups; i++) {
        int err = group_init(&d->groups[i], specs + i, n - i, d->ngroups, d->machine, d->options, d->meta,
                             d->prepare.pass_windows * d->options->repeat, error);
        if (err)
            return err;
    }
    return 0;
}

static void destroy(struct driver *d)
{
    for (uint32_t i = 0; d->groups && i < d->ngroups; i++)
        group_free(&d->groups[i]);
    for (uint32_t i = 0; i < ROUND_CHUNKS; i++)
        if (d->blocks[i])
            trace_block_free(d->blocks[i]);
    for (uint32_t i = 0; i < 2 * ROUND_CHUNKS; i++)
        prepared_free(d->round[i % 2][i / 2]);
    free(d->groups);
    numbers_free(&d->clock.tasks);
}

static void decode(struct driver *d, uint64_t chunk, uint32_t slot)
{
    struct trace_block *block = d->blocks[slot];
    d->errs[slot] = trace_decode(d->trace, (uint32_t)(chunk % d->meta->chunks), block, &d->errors[slot]);
    if (!d->errs[slot])
        prepare_chunk(&d->prepare, block, chunk / d->meta->chunks, d->round[1][slot]);
}

/* The groups over this round's chunks, and the next round's chunks made ready, as the threads become free. Groups come
 * first: they are the longer pieces. */
static void work(struct driver *d)
{
    uint64_t left = d->chunks - d->chunk;
    d->filled[1] = left < ROUND_CHUNKS ? (uint32_t)left : ROUND_CHUNKS;
    uint32_t groups = d->filled[0] ? d->ngroups : 0, items = groups + d->filled[1];
#pragma omp parallel for schedule(dynamic, 1) num_threads(d->threads)
    for (uint32_t i = 0; i < items; i++) {
        if (i >= groups)
            decode(d, d->chunk + i - groups, i - groups);
        else
            for (uint32_t k = 0; k < d->filled[0]; k++)
                group_serve(&d->groups[i], d->round[0][k]);
    }
}

/* The chunks just made become those to be replayed. */
static int turn(struct driver *d, uint64_t *records, struct trace_error *error)
{
    *records = 0;
    for (uint32_t i = 0; i < d->filled[1]; i++) {
        if (d->errs[i]) {
            *error = d->errors[i];
            return d->errs[i];
        }
        if ((d->chunk + i) % d->meta->chunks == 0)
            prepare_pass(&d->prepare, &d->clock);
        if (prepare_join(&d->prepare, &d->clock, d->round[1][i]))
            return too_many_threads(error);
        *records += d->round[1][i]->n;
    }
    d->chunk += d->filled[1];
    d->filled[0] = d->filled[1];
    for (uint32_t i = 0; i < ROUND_CHUNKS; i++) {
        struct prepared *made = d->round[1][i];
        d->round[1][i] = d->round[0][i];
        d->round[0][i] = made;
    }
    return 0;
}

static int replay_rounds(struct driver *d, replay_progress *progress, void *context, struct trace_error *error)
{
    uint64_t done = 0, records = 0, total = d->meta->records * d->options->repeat;
    do {
        work(d);
        done += records;
        if (progress)
            progress(context, done, total);
        int err = turn(d, &records, error);
        if (err)
            return err;
    } while (d->filled[0]);
    return 0;
}

static struct trace_block piece_of(const struct trace_block *b, uint32_t from)
{
    struct trace_block piece = *b;
    piece.n = b->n - from < PIECE ? b->n - from : PIECE;
    piece.time += from;
    piece.page += from;
    piece.cpu += from;
    piece.flags += from;
    piece.weight = b->weight ? b->weight + from : NULL;
    piece.latency_ns = b->latency_ns ? b->latency_ns + from : NULL;
    piece.tid = b->tid ? b->tid + from : NULL;
    return piece;
}

static int replay_block(struct driver *d, uint64_t pass, struct trace_error *error)
{
    struct prepared *c = d->round[0][0];
    for (uint32_t from = 0; from < d->blocks[0]->n; from += PIECE) {
        struct trace_block piece = piece_of(d->blocks[0], from);
        prepare_chunk(&d->prepare, &piece, pass, c);
        if (prepare_join(&d->prepare, &d->clock, c))
            return too_many_threads(error);
        for (uint32_t i = 0; i < d->ngroups; i++)
            group_serve(&d->groups[i], c);
    }
    return 0;
}

static int replay_alone(struct driver *d, replay_progress *progress, void *context, struct trace_error *error)
{
    uint64_t done = 0, total = d->meta->records * d->options->repeat;
    for (; d->chunk < d->chunks; d->chunk++) {
        uint32_t chunk = (uint32_t)(d->chunk % d->meta->chunks);
        if (chunk == 0)
            prepare_pass(&d->prepare, &d->clock);
        int err = trace_decode(d->trace, chunk, d->blocks[0], error);
        if (!err)
            err = replay_block(d, d->chunk / d->meta->chunks, error);
        if (err)
            return err;
        done += d->blocks[0]->n;
        if (progress)
            progress(context, done, total);
    }
    return 0;
}

static int collect(struct driver *d, uint32_t n, struct result_run *out, struct trace_error *error)
{
    for (uint32_t i = 0; i < n; i++) {
        int err = run_result(&d->groups[i % d->ngroups].runs[i / d->ngroups], d->clock.compute_ns, d->meta->labels,
                             &out[i], error);
        if (err)
            return err;
    }
    return 0;
}

static uint64_t capped_ppm(const struct prepare_clock *c)
{
    return c->recorded_ns ? (uint64_t)(c->capped_ns * 1000000 / c->recorded_ns) : 0;
}

int replay_run(const struct trace *trace, const struct replay_machine *machine, const struct replay_options *options,
               const struct replay_spec *specs, uint32_t n, struct result_run *out, uint64_t *exec_capped_ppm,
               replay_progress *progress, void *context, struct trace_error *error)
{
    memset(out, 0, n * sizeof *out);
    int err = check_options(options, error);
    struct driver *d = err ? NULL : calloc(1, sizeof *d);
    if (!d)
        return err ? err : out_of_memory(error);
    d->trace = trace;
    d->machine = machine;
    d->options = options;
    d->meta = trace_meta(trace);
    d->threads = options->threads ? options->threads : (uint32_t)omp_get_max_threads();
    if (d->threads > n + ROUND_CHUNKS) /* more would find no work */
        d->threads = n + ROUND_CHUNKS;
    d->chunks = d->meta->chunks * options->repeat;
    err = prepare_init(&d->prepare, trace, machine, options, error);
    if (!err)
        err = make_buffers(d, error);
    if (!err)
        err = make_groups(d, specs, n, error);
    if (!err)
        err = d->threads == 1 ? replay_alone(d, progress, context, error) : replay_rounds(d, progress, context, error);
    if (!err)
        err = collect(d, n, out, error);
    if (!err && exec_capped_ppm)
        *exec_capped_ppm = capped_ppm(&d->clock);
    destroy(d);
    free(d);
    return err;
}
