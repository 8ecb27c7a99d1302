/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/report_counters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/trace_collect.h"

/* Totals of one name at the readings, thinned out. */
struct curve {
    const char *name;
    uint64_t time[REPORT_COUNTER_POINTS + 2];
    double total[REPORT_COUNTER_POINTS + 2];
    uint32_t n;
};

static bool is_of(const struct trace_collect *c, const struct collect_value *v, const char *name)
{
    return v->series < c->nseries && !strcmp(c->series[v->series].name, name);
}

/* The series of a reading carry one time. */
static uint64_t readings(const struct trace_collect *c, const char *name)
{
    uint64_t n = 0, last = UINT64_MAX;
    for (uint64_t i = 0; i < c->nvalues; i++)
        if (is_of(c, &c->values[i], name) && c->values[i].time != last) {
            last = c->values[i].time;
            n++;
        }
    return n;
}

static void keep(struct curve *curve, uint64_t time, double total)
{
    curve->time[curve->n] = time;
    curve->total[curve->n++] = total;
}

static void follow(const struct trace_collect *c, struct curve *curve)
{
    uint64_t all = readings(c, curve->name), step = all / REPORT_COUNTER_POINTS + 1, reading = 0, time = UINT64_MAX;
    double total = 0;
    for (uint64_t i = 0; i < c->nvalues; i++) {
        if (!is_of(c, &c->values[i], curve->name))
            continue;
        if (c->values[i].time != time) {
            if (reading && (reading - 1) % step == 0)
                keep(curve, time, total);
            reading++;
            total = 0;
        }
        time = c->values[i].time;
        total += c->values[i].value;
    }
    if (reading)
        keep(curve, time, total);
}

/* Per second, between two points. Time that stands still or a total that falls (a damaged file) gives 0. */
static double rate(const struct curve *curve, uint32_t i)
{
    double passed = (double)curve->time[i] - (double)curve->time[i - 1];
    double counted = curve->total[i] - curve->total[i - 1];
    return passed > 0 && counted > 0 ? counted / passed * 1e9 : 0;
}

/* "9.66 k", "2.1 G": three digits. */
static void short_form(char *text, size_t size, double value)
{
    static const char *const prefixes[] = {"", " k", " M", " G", " T"};
    size_t i = 0;
    for (; value >= 999.5 && i + 1 < sizeof prefixes / sizeof *prefixes; i++)
        value /= 1000;
    snprintf(text, size, "%.3g%s", value, prefixes[i]);
}

static json_t *drawn(const struct curve *curve, uint64_t began, const char *unit)
{
    double peak = 0;
    char spec[128], most[24];
    json_t *time = json_array(), *share = json_array();
    for (uint32_t i = 1; i < curve->n; i++)
        peak = rate(curve, i) > peak ? rate(curve, i) : peak;
    for (uint32_t i = 1; peak > 0 && i < curve->n; i++) {
        json_array_append_new(time, json_real(((double)curve->time[i] - (double)began) / 1e6));
        json_array_append_new(share, json_real(rate(curve, i) / peak));
    }
    short_form(most, sizeof most, peak);
    snprintf(spec, sizeof spec, "%.60s, %s%s%.15s/s", curve->name, most, *unit ? " " : "", unit);
    json_t *o = json_pack("{s:s, s:{s:o, s:o}}", "spec", spec, "series", "time_ms", time, "share", share);
    return o;
}

static bool seen(const struct trace_collect *c, uint64_t i)
{
    for (uint64_t before = 0; before < i; before++)
        if (!strcmp(c->series[before].name, c->series[i].name))
            return true;
    return false;
}

static void add_curves(const struct trace *trace, json_t *array)
{
    const struct trace_collect *c = trace_collect_of(trace);
    struct curve *curve = malloc(sizeof *curve);
    for (uint64_t i = 0; curve && i < c->nseries && i < CPU_MAX && json_array_size(array) < REPORT_COUNTERS; i++) {
        if (seen(c, i))
            continue;
        curve->name = c->series[i].name;
        curve->n = 0;
        follow(c, curve);
        if (curve->n > 2 && curve->total[curve->n - 1] > curve->total[0])
            json_array_append_new(array, drawn(curve, trace_meta(trace)->first_time, c->series[i].unit));
    }
    free(curve);
}

json_t *report_counters(const struct result_set *set)
{
    struct trace *trace;
    struct trace_error unused;
    json_t *array = json_array();
    if (!array || !set->trace_path[0] || trace_open(set->trace_path, &trace, &unused))
        return array;
    if (trace_meta(trace)->digest == set->trace.digest)
        add_curves(trace, array);
    trace_close(trace);
    return array;
}
