/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a finished run reports.
 */
#include "replay/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/run_counts.h"

static void add_label(struct result_run *out, const char *label)
{
    if (out->nlabels < RESULT_LABELS)
        snprintf(out->labels[out->nlabels++], sizeof out->labels[0], "%s", label);
}

static void add_labels(const struct run *r, unsigned trace_labels, struct result_run *out)
{
    unsigned signals = r->spec->policy->signals;
    if ((trace_labels & TRACE_WRITES_UNDER_SEEN) && out->copies)
        add_label(out, "writes under-seen");
    if (trace_labels & TRACE_SIMULATED_CACHE)
        add_label(out, "simulated-cache");
    if (trace_labels & TRACE_PAGE_TOUCH)
        add_label(out, "page-touch");
    if (trace_labels & TRACE_SYNTHETIC)
        add_label(out, "synthetic");
    if (trace_labels & TRACE_ALL_ACCESSES)
        add_label(out, "all accesses, not misses");
    if (!out->is_static && !out->inactive && out->moves + out->copies + out->drops == 0)
        add_label(out, "moved nothing");
    if (signals & SIGNAL_ACCESSED)
        add_label(out, "A-bit-fed");
    if (trace_labels & TRACE_ALL_ACCESSES)
        return;
    if ((signals & (SIGNAL_HINTS | SIGNAL_ACCESSED)) || (r->spec->policy->wants & WANT_ACCESSES))
        add_label(out, "miss-fed");
    if (r->spec->policy->wants & WANT_STORES)
        add_label(out, "miss-store variant");
}

static void add_counts(const struct run *r, struct result_run *out)
{
    run_counts_policy(out, r->spec->policy, r->spec->param);
    run_counts_fill(out, &r->engine.stats, r->engine.view.topology->page_size);
    for (uint32_t cpu = 0; cpu < r->account.cpus; cpu++)
        out->samples += r->observe.samples[cpu];
    out->digest = engine_digest(&r->engine);
    out->batch = r->batch;
    out->sampling = r->sampling;
}

static int explain(int err, const struct run *r, struct trace_error *error)
{
    snprintf(error->text, sizeof error->text, "policy %s: %s", r->spec->policy->name,
             err == -EOVERFLOW
                 ? "its times or misses pass 2^63 (292 years of CPU time); lower --repeat, --time-scale or "
                   "the weights of the trace"
                 : "not enough memory for its result; replay fewer at once");
    return err;
}

int run_result(struct run *r, const unsigned __int128 *compute_ns, unsigned trace_labels, struct result_run *out,
               struct trace_error *error)
{
    memset(out, 0, sizeof *out);
    if (r->err) {
        snprintf(error->text, sizeof error->text,
                 "policy %s: no node has a free frame for page %" PRIu32 " (first touch); give more with --capacity",
                 r->spec->policy->name, r->failed);
        return -ENOMEM;
    }
    if (r->log)
        run_log_time(r->log, PLAY_FLUSH, 0);
    engine_flush(&r->engine);
    account_window(&r->account, r->window, &r->engine.stats);
    add_counts(r, out);
    int err = account_result(&r->account, compute_ns, out);
    if (!err)
        add_labels(r, trace_labels, out);
    return err ? explain(err, r, error) : 0;
}
