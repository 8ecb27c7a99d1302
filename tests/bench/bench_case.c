/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/bench_case.h"

#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "replay/bounds.h"

static void options_of(const struct bench_case *c, const struct bench_row *row, struct replay_options *o)
{
    replay_defaults(o);
    o->repeat = c->repeat;
    o->threads = row->threads;
}

static const char *const fused[BENCH_FUSED] = {"first_touch", "interleave",   "post_facto",     "as_recorded",
                                               "migrep",      "migrate_only", "replicate_only", "competitive"};

static int add_class(struct bench_case *c, const char *name, struct trace_error *error)
{
    for (uint32_t i = 0; i < c->nspecs; i++)
        if (!strcmp(c->specs[i].policy->name, name))
            return 0;
    if (c->nspecs == BENCH_CLASSES_MAX)
        return 0;
    struct replay_spec *spec = &c->specs[c->nspecs++];
    int err = replay_parse_spec(name, spec, error);
    spec->advice = c->advice;
    return err;
}

static int add_classes(struct bench_case *c, struct trace_error *error)
{
    int err = 0;
    for (uint32_t i = 0; !err && i < BENCH_FUSED; i++)
        err = add_class(c, fused[i], error);
    for (uint32_t i = 0; !err && policy_classes[i]; i++)
        err = add_class(c, policy_classes[i]->name, error);
    return err;
}

int bench_case_init(struct bench_case *c, const struct trace *trace, uint64_t repeat, struct trace_error *error)
{
    struct machine_desc *desc = malloc(sizeof(*desc));
    struct replay_options options;
    const struct trace_meta *meta = trace_meta(trace);
    memset(c, 0, sizeof(*c));
    c->trace = trace;
    c->repeat = repeat;
    c->advice = malloc(meta->pages ? meta->pages : 1);
    replay_defaults(&options);
    int err = desc && c->advice ? 0 : -ENOMEM;
    if (err)
        snprintf(error->text, sizeof(error->text), "bench: out of memory");
    err = err ? err : machine_load("flash-8", desc, error);
    err = err ? err : replay_machine_init(&c->machine, desc, meta, &options, error);
    free(desc);
    err = err ? err : add_classes(c, error);
    for (uint32_t p = 0; !err && p < meta->pages; p++)
        c->advice[p] = (node_t)(p % c->machine.desc.nodes);
    return err;
}

void bench_case_free(struct bench_case *c)
{
    free(c->advice);
    bench_bound_free(&c->bound);
}

int bench_case_bound(void *context, const struct bench_row *row, struct trace_error *error)
{
    struct bench_case *c = context;
    static volatile uint64_t sink; /* keeps the loop from being removed */
    (void)error;
    sink = bench_bound_run(&c->bound, (unsigned)c->repeat, row->threads);
    (void)sink;
    return 0;
}

static int replay(struct bench_case *c, const struct trace *trace, const struct bench_row *row, uint32_t first,
                  uint32_t n, struct trace_error *error)
{
    struct replay_options options;
    struct result_run *runs = calloc(n, sizeof(*runs));
    uint64_t capped;
    options_of(c, row, &options);
    int err = runs ? replay_run(trace, &c->machine, &options, c->specs + first, n, runs, &capped, NULL, NULL, error)
                   : -ENOMEM;
    for (uint32_t i = 0; runs && i < n; i++) {
        free(runs[i].traffic);
        free(runs[i].series);
    }
    free(runs);
    return err;
}

int bench_case_alone(void *context, const struct bench_row *row, struct trace_error *error)
{
    struct bench_case *c = context;
    return replay(c, c->trace, row, row->tag, 1, error);
}

int bench_case_fused(void *context, const struct bench_row *row, struct trace_error *error)
{
    struct bench_case *c = context;
    return replay(c, c->trace, row, 0, BENCH_FUSED, error);
}

static int yardsticks(struct bench_case *c, const struct trace *trace, const struct bench_row *row,
                      struct trace_error *error)
{
    struct replay_options options;
    struct result_bounds bounds;
    options_of(c, row, &options);
    return bounds_compute(trace, &c->machine, &options, &bounds, NULL, NULL, NULL, error);
}

int bench_case_yardsticks(void *context, const struct bench_row *row, struct trace_error *error)
{
    struct bench_case *c = context;
    return yardsticks(c, c->trace, row, error);
}

int bench_case_ingest(void *context, const struct bench_row *row, struct trace_error *error)
{
    struct bench_case *c = context;
    int chunks = (int)trace_meta(c->file)->chunks, failed = 0;
#pragma omp parallel num_threads(row->threads)
    {
        struct trace_block *block = trace_block_new(c->file);
        struct trace_error mine;
        int err = block ? 0 : -ENOMEM;
        mine.text[0] = '\0';
#pragma omp for schedule(dynamic, 1)
        for (int chunk = 0; chunk < chunks; chunk++)
            if (!err)
                err = trace_decode(c->file, (uint32_t)chunk, block, &mine);
        trace_block_free(block);
#pragma omp critical
        if (err) {
            failed = err;
            *error = mine;
        }
    }
    return failed;
}

int bench_case_compare(void *context, const struct bench_row *row, struct trace_error *error)
{
    struct bench_case *c = context;
    const struct trace *trace = row->tag ? c->file : c->trace;
    int err = yardsticks(c, trace, row, error);
    return err ? err : replay(c, trace, row, 0, BENCH_FUSED, error);
}
