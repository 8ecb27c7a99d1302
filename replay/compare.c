/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/compare.h"

#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/bounds.h"

/* Page records of the runs that are made in one pass over the trace. A sweep of thousands of runs takes several passes
 * instead of all memory. */
#define PASS_BYTES ((uint64_t)1 << 30)

/* The yardsticks, the runs and each further pass read the trace: a short one is decoded once. */
#define HOLD_BYTES ((uint64_t)96 << 20)
enum { PAGE_BYTES = 48, RUN_BYTES = 1 << 20, KEPT_RUNS = 8 };

static int fail(struct trace_error *error, int err, const char *path, const char *what)
{
    snprintf(error->text, sizeof error->text, "%.200s: %s", path, what);
    return err;
}

static uint32_t threads_here(void)
{
    return (uint32_t)omp_get_max_threads();
}

/* --- opening --- */

static bool recorded_nodes_fit(const struct trace *trace, const struct topology *topology)
{
    const node_t *nodes = trace_page_nodes(trace);

    if (!nodes)
        return false;
    for (uint32_t i = 0; i < trace_meta(trace)->pages; i++)
        if (nodes[i] != NODE_NONE && nodes[i] >= topology->nodes)
            return false;
    return true;
}

static int check_recorded(const struct compare_job *job, struct trace_error *error)
{
    for (uint32_t i = 0; i < job->select.n; i++)
        if (select_is_recorded(job->select.specs[i].policy) && !job->select.with_recorded)
            return fail(error, -EINVAL, job->path,
                        trace_page_nodes(job->trace)
                            ? "pages were recorded on nodes that this machine lacks; leave as_recorded out or choose a "
                              "larger --machine"
                            : "does not say on which node each page was recorded; leave as_recorded out");
    return 0;
}

static int choose_runs(struct compare_job *job, struct trace_error *error)
{
    const struct compare_request *request = job->request;
    int err = 0;

    job->select.with_recorded = recorded_nodes_fit(job->trace, &job->machine.topology);
    if (request->npolicies == 0)
        return select_all(&job->select, error);
    for (size_t i = 0; i < request->npolicies && !err; i++)
        err = select_add(&job->select, request->policies[i], error);
    return err ? err : check_recorded(job, error);
}

static int choose_machine(struct compare_job *job, struct trace_error *error)
{
    const struct trace_meta *meta = trace_meta(job->trace);
    const char *name = job->request->machine ? job->request->machine : machine_default(meta->cpus);
    struct machine_desc desc;

    int err = machine_load(name, &desc, error);
    return err ? err : replay_machine_init(&job->machine, &desc, meta, &job->request->options, error);
}

int compare_open(struct compare_job *job, const struct compare_request *request, const char *path,
                 struct trace_error *error)
{
    memset(job, 0, sizeof *job);
    job->request = request;
    job->path = path;
    int err = trace_open(path, &job->trace, error);
    if (err)
        return err;
    if (trace_meta(job->trace)->records == 0)
        err = fail(error, -EINVAL, path, "holds no records: there is nothing to replay");
    if (!err)
        err = choose_machine(job, error);
    if (!err)
        err = choose_runs(job, error);
    if (err)
        compare_close(job);
    return err;
}

void compare_close(struct compare_job *job)
{
    select_free(&job->select);
    free(job->advice);
    job->advice = NULL;
    if (job->trace)
        trace_close(job->trace);
    job->trace = NULL;
}

/* --- yardsticks and advice --- */

static bool wants_post_facto(const struct select *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if ((s->specs[i].policy->signals & SIGNAL_ADVICE) && !select_is_recorded(s->specs[i].policy))
            return true;
    return false;
}

static int measure(struct compare_job *job, struct result_set *out, struct trace_error *error)
{
    const struct compare_request *request = job->request;
    bool advice = wants_post_facto(&job->select);

    if (!request->bounds && !advice)
        return 0;
    if (advice) {
        job->advice = calloc(trace_meta(job->trace)->pages, sizeof *job->advice);
        if (!job->advice)
            return fail(error, -ENOMEM, job->path, "out of memory for the placement of its pages");
    }
    if (request->phase)
        request->phase(request->context, request->bounds ? "yardsticks" : "advice");
    return bounds_compute(job->trace, &job->machine, &request->options, request->bounds ? &out->bounds : NULL,
                          job->advice, request->progress, request->context, error);
}

static void advise(struct compare_job *job)
{
    for (uint32_t i = 0; i < job->select.n; i++) {
        struct replay_spec *spec = &job->select.specs[i];
        if (spec->policy->signals & SIGNAL_ADVICE)
            spec->advice = select_is_recorded(spec->policy) ? trace_page_nodes(job->trace) : job->advice;
    }
}

int64_t compare_to_optimum(const struct result_bounds *bounds, uint64_t memory_flat_ns)
{
    if (!bounds->present || bounds->first_touch_ns <= bounds->optimum_ns)
        return RESULT_NONE;
    uint64_t gap = bounds->first_touch_ns - bounds->optimum_ns;
    if (gap < bounds->first_touch_ns / 100)
        return RESULT_NONE;
    __int128 share = ((__int128)bounds->first_touch_ns - memory_flat_ns) * 1000000 / gap;
    return share > -INT64_MAX ? (int64_t)share : -INT64_MAX;
}

/* --- runs --- */

/* Several passes shown as one: what is done before this pass counts. */
struct passes {
    const struct compare_request *request;
    uint64_t number, count;
};

static void pass_progress(void *context, uint64_t done, uint64_t total)
{
    const struct passes *passes = context;

    if (passes->request->progress)
        passes->request->progress(passes->request->context, passes->number * total + done, passes->count * total);
}

/* Passes of a sweep that can be resumed are short: what is lost with a killed program is one of them. */
static uint32_t runs_per_pass(const struct compare_job *job, uint32_t n)
{
    uint64_t each = (uint64_t)trace_meta(job->trace)->pages * PAGE_BYTES + RUN_BYTES;
    uint64_t most = PASS_BYTES / each;
    uint32_t threads = job->request->options.threads, kept = KEPT_RUNS * (threads ? threads : threads_here());

    if (job->resume && most > kept)
        most = kept;
    return most >= n ? n : most ? (uint32_t)most : 1;
}

/* The runs that are not made yet, `count` of them, which lie anywhere. */
struct pass {
    uint32_t *at; /* their places among all runs */
    struct replay_spec *specs;
    struct result_run *runs;
};

static void free_pass(struct pass *pass)
{
    free(pass->at);
    free(pass->specs);
    free(pass->runs);
}

static int new_pass(struct pass *pass, uint32_t step)
{
    pass->at = calloc(step, sizeof *pass->at);
    pass->specs = calloc(step, sizeof *pass->specs);
    pass->runs = calloc(step, sizeof *pass->runs);
    return pass->at && pass->specs && pass->runs ? 0 : -ENOMEM;
}

static int make_pass(struct compare_job *job, struct result_set *out, struct pass *pass, uint32_t count,
                     struct passes *passes, struct trace_error *error)
{
    const struct compare_request *request = job->request;
    int err = replay_run(job->trace, &job->machine, &request->options, pass->specs, count, pass->runs,
                         &out->exec_capped_ppm, pass_progress, passes, error);
    /* On failure too, so that what some runs have is freed with the set. */
    for (uint32_t i = 0; i < count; i++) {
        struct result_run *run = &pass->runs[i];
        run->to_optimum_ppm = compare_to_optimum(&out->bounds, run->memory_flat_ns);
        out->runs[pass->at[i]] = *run;
    }
    return !err && job->resume ? resume_save(job->resume, out, pass->runs, count, error) : err;
}

static int make_passes(struct compare_job *job, struct result_set *out, const bool *done, struct trace_error *error)
{
    uint32_t n = job->select.n, left = n - job->resumed, step = runs_per_pass(job, left), count = 0;
    struct passes passes = {.request = job->request, .count = (left + step - 1) / step};
    struct pass pass;
    int err =
        new_pass(&pass, step) ? fail(error, -ENOMEM, job->path, "out of memory for a pass; ask for fewer runs") : 0;

    for (uint32_t i = 0; i < n && !err; i++) {
        if (!done[i]) {
            pass.at[count] = i;
            pass.specs[count++] = job->select.specs[i];
        }
        if (count && (count == step || i + 1 == n)) {
            err = make_pass(job, out, &pass, count, &passes, error);
            passes.number++;
            count = 0;
        }
    }
    free_pass(&pass);
    return err;
}

static int make_runs(struct compare_job *job, struct result_set *out, struct trace_error *error)
{
    const struct compare_request *request = job->request;
    bool *done = calloc(job->select.n, sizeof *done);
    int err = done ? 0 : fail(error, -ENOMEM, job->path, "out of memory; ask for fewer runs");

    if (!err && job->resume)
        err = resume_load(job->resume, job->select.specs, job->select.n, out, done, &job->resumed, error);
    if (!err && job->resumed < job->select.n) {
        if (request->phase)
            request->phase(request->context, "replay");
        err = make_passes(job, out, done, error);
    }
    free(done);
    return err;
}

/* --- the inputs, so that the run can be repeated --- */

/* "0-3:0,4-7:1"; a map that does not fit ends in "...". */
static void describe_map(const struct replay_machine *machine, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (uint32_t first = 0, end; first < machine->cpus; first = end) {
        char piece[48];
        for (end = first + 1; end < machine->cpus && machine->cpu_node[end] == machine->cpu_node[first]; end++)
            ;
        int length = end - first == 1
                         ? snprintf(piece, sizeof piece, "%s%u:%u", used ? "," : "", first, machine->cpu_node[first])
                         : snprintf(piece, sizeof piece, "%s%u-%u:%u", used ? "," : "", first, end - 1,
                                    machine->cpu_node[first]);
        if (used + (size_t)length + sizeof ",..." > size) {
            memcpy(text + used, ",...", sizeof ",...");
            return;
        }
        memcpy(text + used, piece, (size_t)length + 1);
        used += (size_t)length;
    }
}

static void describe_date(char *text, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void describe(const struct compare_job *job, struct result_set *out)
{
    const struct replay_options *options = &job->request->options;

    snprintf(out->program, sizeof out->program, "mirrorball %s", MIRRORBALL_VERSION);
    snprintf(out->command, sizeof out->command, "%s", job->request->command ? job->request->command : "");
    snprintf(out->trace_path, sizeof out->trace_path, "%s", job->path);
    describe_date(out->date, sizeof out->date);
    describe_map(&job->machine, out->cpu_map, sizeof out->cpu_map);
    out->trace = *trace_meta(job->trace);
    out->machine = job->machine.desc;
    out->contention = options->contention;
    out->repeat = options->repeat;
    out->intensity = options->intensity;
    out->time_scale_ppm = options->time_scale_ppm;
    out->capacity_ppm = options->capacity_ppm;
    memcpy(out->frames, job->machine.frames, sizeof out->frames);
    out->threads = options->threads ? options->threads : threads_here();
}

int compare_run(struct compare_job *job, struct result_set *out, struct trace_error *error)
{
    memset(out, 0, sizeof *out);
    describe(job, out);
    out->runs = calloc(job->select.n, sizeof *out->runs);
    if (!out->runs)
        return fail(error, -ENOMEM, job->path, "out of memory for the results; ask for fewer runs");
    out->nruns = job->select.n;
    int err = trace_hold(&job->trace, HOLD_BYTES, job->request->options.threads, error);
    if (!err)
        err = measure(job, out, error);
    if (!err) {
        advise(job);
        err = make_runs(job, out, error);
    }
    if (err)
        result_free(out);
    return err;
}
