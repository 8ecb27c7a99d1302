/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a recorder noted besides the misses, as the info command shows it.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/info_show.h"

enum { SHOWN = 10, COUNTERS_SHOWN = 40 };

/* Intervals and records by cause. Throttled time of several CPUs adds up. */
struct sum {
    uint64_t gaps, ns, lost;
};

static void sum_gaps(const struct trace_collect *c, struct sum sum[COLLECT_CAUSES + 1])
{
    memset(sum, 0, (COLLECT_CAUSES + 1) * sizeof *sum);
    for (uint64_t i = 0; i < c->ngaps; i++) {
        const struct collect_gap *gap = &c->gaps[i];
        struct sum *s = &sum[gap->cause < COLLECT_CAUSES ? gap->cause : COLLECT_CAUSES];
        s->gaps++;
        s->ns += gap->to > gap->from ? gap->to - gap->from : 0;
        s->lost += gap->lost;
    }
}

static void show_gaps(FILE *out, const struct trace_collect *c)
{
    struct sum sum[COLLECT_CAUSES + 1];
    sum_gaps(c, sum);
    fprintf(out, "\n  blind            intervals      ms (all CPUs)   records lost\n");
    for (uint32_t i = 0; i <= COLLECT_CAUSES; i++)
        if (sum[i].gaps)
            fprintf(out, "  %-16s %9" PRIu64 " %18.3f %14" PRIu64 "\n", trace_collect_cause(i), sum[i].gaps,
                    (double)sum[i].ns / 1e6, sum[i].lost);
}

static void show_levels(FILE *out, const struct trace_collect *c)
{
    fprintf(out, "\n  samples by level      reads       writes       others     in trace\n");
    for (uint64_t i = 0; i < c->nlevels; i++) {
        const struct collect_level *l = &c->levels[i];
        fprintf(out, "  %-16.16s %10" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", l->name, l->reads,
                l->writes, l->others, l->taken);
    }
}

static void show_counter(FILE *out, const struct collect_series *series, uint64_t readings, double last)
{
    fprintf(out, "  %-40.40s %14.6g %.16s at the end of %" PRIu64 " reading%s", series->name, last, series->unit,
            readings, readings == 1 ? "" : "s");
    if (series->cpu >= 0)
        fprintf(out, ", CPU %d", series->cpu);
    fputc('\n', out);
}

static void show_counters(FILE *out, const struct trace_collect *c)
{
    double *last = calloc(c->nseries, sizeof *last);
    uint64_t *readings = calloc(c->nseries, sizeof *readings);
    for (uint64_t i = 0; last && readings && i < c->nvalues; i++) {
        last[c->values[i].series] = c->values[i].value;
        readings[c->values[i].series]++;
    }
    fprintf(out, "\n  counters\n");
    for (uint64_t s = 0; last && readings && s < c->nseries && s < COUNTERS_SHOWN; s++)
        show_counter(out, &c->series[s], readings[s], last[s]);
    if (c->nseries > COUNTERS_SHOWN)
        fprintf(out, "  and %" PRIu64 " more (--format json)\n", c->nseries - COUNTERS_SHOWN);
    free(last);
    free(readings);
}

void info_collect_table(FILE *out, const struct trace_collect *c)
{
    if (c->ngaps)
        show_gaps(out, c);
    if (c->nlevels)
        show_levels(out, c);
    if (c->nsteps)
        fprintf(out, "\n  what the recorder did\n");
    for (uint64_t i = 0; i < c->nsteps && i < SHOWN; i++)
        fprintf(out, "  - %s\n", c->steps[i].text);
    if (c->nsteps > SHOWN)
        fprintf(out, "  - and %" PRIu64 " more (--format json)\n", c->nsteps - SHOWN);
    if (c->nseries)
        show_counters(out, c);
}

json_t *info_json_text(const char *value)
{
    /* Names from files need not be UTF-8. */
    json_t *string = json_string(value);
    return string ? string : json_string("(not UTF-8)");
}

json_t *info_json_number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *gaps(const struct trace_collect *c)
{
    struct sum sum[COLLECT_CAUSES + 1];
    json_t *o = json_object();
    sum_gaps(c, sum);
    for (uint32_t i = 0; i <= COLLECT_CAUSES; i++)
        if (sum[i].gaps)
            json_object_set_new(o, trace_collect_cause(i),
                                json_pack("{s:o, s:o, s:o}", "intervals", info_json_number(sum[i].gaps), "ns",
                                          info_json_number(sum[i].ns), "records_lost", info_json_number(sum[i].lost)));
    return o;
}

static json_t *levels(const struct trace_collect *c)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < c->nlevels; i++) {
        const struct collect_level *l = &c->levels[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o, s:o, s:o}", "level", info_json_text(l->name), "reads",
                                        info_json_number(l->reads), "writes", info_json_number(l->writes), "others",
                                        info_json_number(l->others), "in_trace", info_json_number(l->taken)));
    }
    return list;
}

static json_t *steps(const struct trace_collect *c)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < c->nsteps; i++)
        json_array_append_new(list, info_json_text(c->steps[i].text));
    return list;
}

static json_t *counters(const struct trace_collect *c)
{
    json_t *list = json_array();
    for (uint64_t s = 0; s < c->nseries; s++)
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:i, s:[]}", "name", info_json_text(c->series[s].name), "unit",
                                        info_json_text(c->series[s].unit), "cpu", (int)c->series[s].cpu, "values"));
    for (uint64_t i = 0; i < c->nvalues; i++) {
        json_t *values = json_object_get(json_array_get(list, c->values[i].series), "values");
        json_array_append_new(values, json_pack("[o, f]", info_json_number(c->values[i].time), c->values[i].value));
    }
    return list;
}

void info_collect_json(json_t *object, const struct trace_collect *c)
{
    if (c->ngaps)
        json_object_set_new(object, "gaps", gaps(c));
    if (c->nlevels)
        json_object_set_new(object, "levels", levels(c));
    if (c->nsteps)
        json_object_set_new(object, "steps", steps(c));
    if (c->nseries)
        json_object_set_new(object, "counters", counters(c));
}
