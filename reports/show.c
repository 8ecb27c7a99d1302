/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/show.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "reports/json.h"
#include "reports/text.h"

int show_json(FILE *f, const struct result_set *sets, uint32_t nsets)
{
    json_t *all = nsets == 1 ? json_of_set(sets) : json_array();
    bool failed = !all;
    for (uint32_t i = 0; nsets != 1 && !failed && i < nsets; i++)
        failed = json_array_append_new(all, json_of_set(&sets[i])) != 0;
    if (!failed && json_dumpf(all, f, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) == 0)
        fputc('\n', f);
    json_decref(all);
    return failed ? -ENOMEM : 0;
}

/* RFC 4180: quoted when it holds a separator, quotes doubled. */
static void csv_text(FILE *f, const char *text)
{
    char clean[2048];
    text_clean(clean, sizeof clean, text);
    if (!strpbrk(clean, ",\"")) {
        fputs(clean, f);
        return;
    }
    fputc('"', f);
    for (const char *c = clean; *c; c++)
        fputs(*c == '"' ? "\"\"" : (char[]){*c, 0}, f);
    fputc('"', f);
}

static void csv_head(FILE *f)
{
    fputs("trace,trace_digest,machine,policy,spec,params,elapsed_ns,makespan_ns,exec_ns,local_stall_ns,"
          "remote_stall_ns,overhead_ns,memory_ns,memory_flat_ns,misses,local_share,moves,copies,collapses,drops,hints,"
          "samples,touches,fallbacks,refused,replica_bytes_peak,replica_bytes_mean,digest,to_optimum,inactive,labels",
          f);
    for (int i = 0; i < OVERHEAD_CAUSES; i++)
        fprintf(f, ",overhead_%s_ns", result_overhead_names[i]);
    for (int i = 0; i < RESULT_REFUSALS; i++)
        fprintf(f, ",refused_%s", result_refusal_names[i]);
    fputc('\n', f);
}

static void csv_params(FILE *f, const struct result_run *run)
{
    char text[RESULT_PARAMS * 56] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < run->nparams; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s=%" PRIu64, i ? ";" : "", run->param_name[i],
                                 run->param[i]);
    csv_text(f, text);
}

static void csv_labels(FILE *f, const struct result_run *run)
{
    char text[RESULT_LABELS * 52] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < run->nlabels; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? ";" : "", run->labels[i]);
    csv_text(f, text);
}

static void csv_numbers(FILE *f, const uint64_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(f, ",%" PRIu64, numbers[i]);
}

static void csv_identity(FILE *f, const struct result_set *set, const struct result_run *run)
{
    csv_text(f, set->trace.name);
    fprintf(f, ",%016" PRIx64 ",", set->trace.digest);
    csv_text(f, set->machine.name);
    fputc(',', f);
    csv_text(f, run->policy);
    fputc(',', f);
    csv_text(f, run->spec);
    fputc(',', f);
    csv_params(f, run);
}

static void csv_run(FILE *f, const struct result_set *set, const struct result_run *r)
{
    uint64_t refused = 0;
    for (int i = 0; i < RESULT_REFUSALS; i++)
        refused += r->refused_by[i];
    const uint64_t times[] = {r->elapsed_ns,      r->makespan_ns, r->exec_ns,   r->local_stall_ns,
                              r->remote_stall_ns, r->overhead_ns, r->memory_ns, r->memory_flat_ns};
    const uint64_t counts[] = {r->moves,
                               r->copies,
                               r->collapses,
                               r->drops,
                               r->hints,
                               r->samples,
                               r->touches,
                               r->fallbacks,
                               refused,
                               r->replica_bytes_peak,
                               r->replica_bytes_mean};
    csv_identity(f, set, r);
    csv_numbers(f, times, sizeof times / sizeof times[0]);
    fprintf(f, ",%" PRIu64 ",", r->misses);
    if (r->misses)
        fprintf(f, "%.6f", (double)r->local_misses / (double)r->misses);
    csv_numbers(f, counts, sizeof counts / sizeof counts[0]);
    fprintf(f, ",%016" PRIx64 ",", r->digest);
    if (r->to_optimum_ppm != RESULT_NONE)
        fprintf(f, "%.6f", (double)r->to_optimum_ppm / 1e6);
    fprintf(f, ",%d,", r->inactive);
    csv_labels(f, r);
    csv_numbers(f, r->overhead_by, OVERHEAD_CAUSES);
    csv_numbers(f, r->refused_by, RESULT_REFUSALS);
    fputc('\n', f);
}

void show_csv(FILE *f, const struct result_set *sets, uint32_t nsets)
{
    csv_head(f);
    for (uint32_t s = 0; s < nsets; s++)
        for (uint32_t i = 0; i < sets[s].nruns; i++)
            csv_run(f, &sets[s], &sets[s].runs[i]);
}
