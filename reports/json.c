/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "reports/text.h"

json_t *json_of_u64(uint64_t n)
{
    if (n == UINT64_MAX)
        return json_null();
    return n > INT64_MAX ? json_real((double)n) : json_integer((json_int_t)n);
}

json_t *json_of_text(const char *text)
{
    char clean[2048];
    return json_string(text_clean(clean, sizeof clean, text));
}

/* json_object_set_new takes the value over even when it fails, and refuses null: one result tells of every failure. */
static int put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value);
}

static json_t *digest_text(uint64_t digest)
{
    char text[20];
    snprintf(text, sizeof text, "%016" PRIx64, digest);
    return json_string(text);
}

static json_t *share(uint64_t part, uint64_t whole)
{
    return whole ? json_real((double)part / (double)whole) : json_null();
}

static json_t *params(const struct result_run *run)
{
    json_t *object = json_object();
    for (uint32_t i = 0; object && i < run->nparams; i++)
        if (put(object, run->param_name[i], json_of_u64(run->param[i]))) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static json_t *labels(const struct result_run *run)
{
    json_t *array = json_array();
    for (uint32_t i = 0; array && i < run->nlabels; i++)
        if (json_array_append_new(array, json_of_text(run->labels[i]))) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *named(const char *const *names, const uint64_t *values, int n)
{
    json_t *object = json_object();
    for (int i = 0; object && i < n; i++)
        if (put(object, names[i], json_of_u64(values[i]))) {
            json_decref(object);
            return NULL;
        }
    return object;
}

/* A run of the monitor has none. */
static int put_no_times(json_t *o)
{
    static const char *const names[] = {"elapsed_ns",      "makespan_ns", "exec_ns",   "local_stall_ns",
                                        "remote_stall_ns", "overhead_ns", "memory_ns", "memory_flat_ns",
                                        "overhead_by_ns",  "samples"};
    int failed = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        failed |= put(o, names[i], json_null());
    return failed;
}

static int put_times(json_t *o, const struct result_run *r)
{
    if (r->monitor)
        return put_no_times(o);
    return put(o, "elapsed_ns", json_of_u64(r->elapsed_ns)) | put(o, "makespan_ns", json_of_u64(r->makespan_ns)) |
           put(o, "exec_ns", json_of_u64(r->exec_ns)) | put(o, "local_stall_ns", json_of_u64(r->local_stall_ns)) |
           put(o, "remote_stall_ns", json_of_u64(r->remote_stall_ns)) |
           put(o, "overhead_ns", json_of_u64(r->overhead_ns)) | put(o, "memory_ns", json_of_u64(r->memory_ns)) |
           put(o, "memory_flat_ns", json_of_u64(r->memory_flat_ns)) |
           put(o, "overhead_by_ns", named(result_overhead_names, r->overhead_by, OVERHEAD_CAUSES));
}

static int put_counts(json_t *o, const struct result_run *r)
{
    uint64_t refused = 0;
    for (int i = 0; i < RESULT_REFUSALS; i++)
        refused += r->refused_by[i];
    return put(o, "misses", json_of_u64(r->misses)) | put(o, "local_misses", json_of_u64(r->local_misses)) |
           put(o, "local_share", share(r->local_misses, r->misses)) | put(o, "moves", json_of_u64(r->moves)) |
           put(o, "copies", json_of_u64(r->copies)) | put(o, "collapses", json_of_u64(r->collapses)) |
           put(o, "drops", json_of_u64(r->drops)) | put(o, "hints", json_of_u64(r->hints)) |
           put(o, "samples", r->monitor ? json_null() : json_of_u64(r->samples)) |
           put(o, "touches", json_of_u64(r->touches)) | put(o, "fallbacks", json_of_u64(r->fallbacks)) |
           put(o, "refused", json_of_u64(refused)) |
           put(o, "refused_by", named(result_refusal_names, r->refused_by, RESULT_REFUSALS)) |
           put(o, "moved_bytes", json_of_u64(r->moved_bytes)) | put(o, "copied_bytes", json_of_u64(r->copied_bytes)) |
           put(o, "replica_bytes_peak", json_of_u64(r->replica_bytes_peak)) |
           put(o, "replica_bytes_mean", json_of_u64(r->replica_bytes_mean));
}

json_t *json_of_run(const struct result_run *r)
{
    json_t *o = json_object();
    bool none = r->to_optimum_ppm == RESULT_NONE;
    int failed = !o || put(o, "policy", json_of_text(r->policy)) | put(o, "spec", json_of_text(r->spec)) |
                           put(o, "params", params(r)) | put(o, "batch", json_of_u64(r->batch)) |
                           put(o, "sampling", json_of_u64(r->sampling)) | put_times(o, r) | put_counts(o, r) |
                           put(o, "digest", digest_text(r->digest)) |
                           put(o, "to_optimum", none ? json_null() : json_real((double)r->to_optimum_ppm / 1e6)) |
                           put(o, "inactive", json_boolean(r->inactive)) |
                           put(o, "static", json_boolean(r->is_static)) | put(o, "labels", labels(r));
    if (failed)
        json_decref(o);
    return failed ? NULL : o;
}

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_of_check(const struct result_check *c)
{
    json_t *o = json_object();
    int failed = !o || put(o, "workload", json_of_text(c->workload)) | put(o, "quantity", json_of_text(c->quantity)) |
                           put(o, "unit", json_of_text(c->unit)) | put(o, "paper", real(c->paper)) |
                           put(o, "here", real(c->here)) | put(o, "low", real(c->low)) | put(o, "high", real(c->high)) |
                           put(o, "within", c->judged ? json_boolean(c->within) : json_null()) |
                           put(o, "origin", json_of_text(c->origin));
    if (failed)
        json_decref(o);
    return failed ? NULL : o;
}

/* Runs from best to worst, as the table shows them. */
static json_t *runs(const struct result_set *set)
{
    uint32_t *order = malloc((set->nruns ? set->nruns : 1) * sizeof *order);
    json_t *array = json_array();
    bool failed = !order || !array;
    if (!failed)
        result_rank(set, order);
    for (uint32_t i = 0; !failed && i < set->nruns; i++)
        failed = json_array_append_new(array, json_of_run(&set->runs[order[i]])) != 0;
    free(order);
    if (failed)
        json_decref(array);
    return failed ? NULL : array;
}

static json_t *bounds(const struct result_bounds *b)
{
    if (!b->present)
        return json_null();
    json_t *o = json_object();
    int failed =
        !o || put(o, "uma_ns", json_of_u64(b->uma_ns)) | put(o, "first_touch_ns", json_of_u64(b->first_touch_ns)) |
                  put(o, "round_robin_ns", json_of_u64(b->round_robin_ns)) |
                  put(o, "post_facto_ns", json_of_u64(b->post_facto_ns)) |
                  put(o, "optimum_ns", json_of_u64(b->optimum_ns)) |
                  put(o, "lagrangian_ns", b->lagrangian_ns ? json_of_u64(b->lagrangian_ns) : json_null()) |
                  put(o, "optimum_exact", json_boolean(b->optimum_exact)) | put(o, "label", json_of_text(b->label));
    if (failed)
        json_decref(o);
    return failed ? NULL : o;
}

static json_t *options(const struct result_set *s)
{
    if (result_of_monitor(s))
        return json_null();
    json_t *o = json_object();
    json_t *capacity = s->capacity_ppm ? json_real((double)s->capacity_ppm / 1e6) : json_null();
    int failed = !o || put(o, "contention", json_boolean(s->contention)) | put(o, "repeat", json_of_u64(s->repeat)) |
                           put(o, "intensity", json_of_u64(s->intensity)) |
                           put(o, "time_scale", json_real((double)s->time_scale_ppm / 1e6)) |
                           put(o, "capacity", capacity) | put(o, "cpu_map", json_of_text(s->cpu_map));
    if (failed)
        json_decref(o);
    return failed ? NULL : o;
}

json_t *json_of_set(const struct result_set *s)
{
    char answer[1600];
    json_t *o = json_object();
    bool monitor = result_of_monitor(s);
    result_answer(s, answer, sizeof answer);
    int failed = !o || put(o, "trace", json_of_text(s->trace.name)) |
                           put(o, "trace_digest", monitor ? json_null() : digest_text(s->trace.digest)) |
                           put(o, "machine", json_of_text(s->machine.name)) |
                           put(o, "program", json_of_text(s->program)) |
                           put(o, "records", monitor ? json_null() : json_of_u64(s->trace.records)) |
                           put(o, "misses", json_of_u64(s->trace.misses)) | put(o, "options", options(s)) |
                           put(o, "exec_capped", monitor ? json_null() : json_real((double)s->exec_capped_ppm / 1e6)) |
                           put(o, "monitor", json_of_monitor(s)) | put(o, "runs", runs(s)) |
                           put(o, "bounds", bounds(&s->bounds)) | put(o, "answer", json_of_text(answer));
    if (failed)
        json_decref(o);
    return failed ? NULL : o;
}
