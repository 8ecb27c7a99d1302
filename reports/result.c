/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/result_monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTABLE 1.01 /* times faster: less is no reason to change anything */

const char *const result_overhead_names[OVERHEAD_CAUSES] = {
    [OVERHEAD_SAMPLE] = "sample",      [OVERHEAD_HINT] = "hint", [OVERHEAD_SCAN] = "scan",
    [OVERHEAD_MOVE] = "move",          [OVERHEAD_COPY] = "copy", [OVERHEAD_COLLAPSE] = "collapse",
    [OVERHEAD_SHOOTDOWN] = "shootdown"};

const char *const result_refusal_names[RESULT_REFUSALS] = {"invalid", "there", "busy", "budget",
                                                           "memory",  "nosup", "room"};

void result_free(struct result_set *set)
{
    for (uint32_t i = 0; set->runs && i < set->nruns; i++) {
        free(set->runs[i].traffic);
        free(set->runs[i].series);
        free(set->runs[i].monitor);
    }
    free(set->runs);
    free(set->checks);
    set->runs = NULL;
    set->checks = NULL;
    set->nruns = set->nchecks = 0;
}

static bool better(const struct result_set *set, uint32_t a, uint32_t b)
{
    const struct result_run *x = &set->runs[a], *y = &set->runs[b];
    if (x->inactive != y->inactive)
        return y->inactive;
    if (x->elapsed_ns != y->elapsed_ns)
        return x->elapsed_ns < y->elapsed_ns;
    return a < b;
}

/* Merges the sorted halves [from, middle) and [middle, to) of order through spare. */
static void merge(const struct result_set *set, uint32_t *order, uint32_t *spare, uint32_t from, uint32_t middle,
                  uint32_t to)
{
    uint32_t a = from, b = middle;
    for (uint32_t i = from; i < to; i++) {
        bool left = b == to || (a < middle && better(set, order[a], order[b]));
        spare[i] = left ? order[a++] : order[b++];
    }
    memcpy(order + from, spare + from, (to - from) * sizeof *order);
}

static void insert(const struct result_set *set, uint32_t *order, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint32_t run = order[i], at = i;
        for (; at > 0 && better(set, run, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = run;
    }
}

/* Without memory for the merge, insertion gives the same order, only slower. */
void result_rank(const struct result_set *set, uint32_t *order)
{
    uint32_t n = set->nruns;
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    uint32_t *spare = malloc((n ? n : 1) * sizeof *spare);
    if (!spare) {
        insert(set, order, n);
        return;
    }
    for (uint64_t width = 1; width < n; width *= 2)
        for (uint64_t from = 0; from + width < n; from += 2 * width) {
            uint64_t to = from + 2 * width < n ? from + 2 * width : n;
            merge(set, order, spare, (uint32_t)from, (uint32_t)(from + width), (uint32_t)to);
        }
    free(spare);
}

bool result_of_monitor(const struct result_set *set)
{
    return set->nruns > 0 && set->runs[0].monitor;
}

bool result_foreseen(const struct result_run *run)
{
    return strcmp(run->policy, "post_facto") == 0 || strcmp(run->policy, "as_recorded") == 0;
}

const struct result_run *result_first_touch(const struct result_set *set)
{
    for (uint32_t i = 0; i < set->nruns; i++)
        if (strcmp(set->runs[i].policy, "first_touch") == 0)
            return &set->runs[i];
    return NULL;
}

bool result_speedup(const struct result_set *set, const struct result_run *run, double *speedup)
{
    const struct result_run *first = result_first_touch(set);
    double base, time;
    if (first) {
        base = (double)first->elapsed_ns;
        time = (double)run->elapsed_ns;
    } else {
        base = (double)run->exec_ns + (double)set->bounds.first_touch_ns;
        time = (double)run->exec_ns + (double)run->memory_flat_ns;
    }
    *speedup = time > 0 ? base / time : 0;
    return time > 0 && base > 0 && (first || set->bounds.present);
}

/* The best ranked run, of those that do without the recording when `online`; null: none. */
static const struct result_run *best(const struct result_set *set, const uint32_t *order, bool online)
{
    for (uint32_t i = 0; i < set->nruns; i++) {
        const struct result_run *run = &set->runs[order[i]];
        if (!run->inactive && !(online && result_foreseen(run)))
            return run;
    }
    return NULL;
}

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list list;
    va_start(list, format);
    vsnprintf(text + used, size - used, format, list);
    va_end(list);
}

/* "81 % of the way to the optimum", which is measured at constant latencies: a run may be faster than first touch and
 * yet be no closer, when all it does is to spread the traffic. */
static void describe_way(const struct result_run *run, double speedup, char *text, size_t size)
{
    if (run->to_optimum_ppm == RESULT_NONE)
        return;
    if (run->to_optimum_ppm >= 5000)
        append(text, size, ", %.0f %% of the way to the optimum", (double)run->to_optimum_ppm / 1e4);
    else if (speedup >= NOTABLE)
        append(text, size, ", by less queueing alone: no closer to the optimum at constant latencies");
    else
        append(text, size, ", no closer to the optimum");
}

/* "migrep, 1.38x faster than first_touch, 81 % of the way to the optimum" */
static void describe(const struct result_set *set, const struct result_run *run, char *text, size_t size)
{
    double speedup;
    bool known = result_speedup(set, run, &speedup);
    append(text, size, "%s", run->spec);
    if (!known)
        append(text, size, ", no first_touch to compare it with");
    else if (speedup >= NOTABLE)
        append(text, size, ", %.2fx faster than first_touch", speedup);
    else if (speedup * NOTABLE <= 1)
        append(text, size, ", yet %.2fx slower than first_touch", 1 / speedup);
    else
        append(text, size, ", within 1 %% of first_touch");
    if (known && !result_first_touch(set))
        append(text, size, " at constant latencies");
    describe_way(run, known ? speedup : 1, text, size);
}

/* Is first touch, which did run, as good as this run for all that matters? */
static bool first_touch_will_do(const struct result_set *set, const struct result_run *run)
{
    double speedup;
    return run != result_first_touch(set) && result_first_touch(set) && result_speedup(set, run, &speedup) &&
           speedup < NOTABLE;
}

/* What stands behind a first touch that nothing beats. */
static void describe_next(const struct result_set *set, const uint32_t *order, const struct result_run *winner,
                          char *text, size_t size)
{
    append(text, size, "first_touch itself");
    for (uint32_t i = 0; i < set->nruns; i++) {
        const struct result_run *run = &set->runs[order[i]];
        if (run == winner || run->inactive || !winner->elapsed_ns)
            continue;
        double slower = (double)run->elapsed_ns / (double)winner->elapsed_ns;
        append(text, size, ", no policy beats it; next is %s, ", run->spec);
        if (slower < NOTABLE)
            append(text, size, "less than 1 %% slower");
        else
            append(text, size, "%.2fx slower", slower);
        return;
    }
}

static void answer(const struct result_set *set, const uint32_t *order, char *text, size_t size)
{
    const struct result_run *first = best(set, order, false), *online = best(set, order, true);
    append(text, size, "best here: ");
    if (first == result_first_touch(set)) {
        describe_next(set, order, first, text, size);
        return;
    }
    if (first_touch_will_do(set, first)) {
        append(text, size, "first_touch will do, no policy is 1 %% faster; least time: %s", first->spec);
        return;
    }
    describe(set, first, text, size);
    if (first == online || !online)
        return;
    append(text, size, " (decided from the recording); best that decides while it runs: ");
    if (online == result_first_touch(set))
        append(text, size, "first_touch itself");
    else if (first_touch_will_do(set, online))
        append(text, size, "first_touch will do, none is 1 %% faster");
    else
        describe(set, online, text, size);
}

void result_answer(const struct result_set *set, char *text, size_t size)
{
    if (result_of_monitor(set)) {
        result_monitor_answer(set, text, size);
        return;
    }
    uint32_t *order = malloc((set->nruns ? set->nruns : 1) * sizeof *order);
    text[0] = 0;
    if (!order) {
        append(text, size, "best here: unknown, out of memory");
        return;
    }
    result_rank(set, order);
    if (best(set, order, false))
        answer(set, order, text, size);
    else
        append(text, size, "no policy to rank: %s", set->nruns ? "none of them ordered anything" : "there are no runs");
    free(order);
}
