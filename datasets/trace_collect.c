/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/trace_private.h"

enum { ROOM_LEAST = 16 };

/* Rooms are powers of two: a full one is told from the number of rows alone. */
static int append(void **rows, uint64_t *n, size_t size, const void *row)
{
    if (*n >= COLLECT_ROWS_MAX)
        return -E2BIG;
    if (*n == 0 || (*n >= ROOM_LEAST && !(*n & (*n - 1)))) {
        void *grown = realloc(*rows, (*n ? 2 * *n : ROOM_LEAST) * size);
        if (!grown)
            return -ENOMEM;
        *rows = grown;
    }
    memcpy((char *)*rows + *n * size, row, size);
    ++*n;
    return 0;
}

int trace_collect_gap(struct trace_collect *c, const struct collect_gap *gap)
{
    void *rows = c->gaps;
    int err = append(&rows, &c->ngaps, sizeof *gap, gap);
    c->gaps = rows;
    return err;
}

int trace_collect_level(struct trace_collect *c, const struct collect_level *level)
{
    void *rows = c->levels;
    int err = append(&rows, &c->nlevels, sizeof *level, level);
    c->levels = rows;
    return err;
}

int trace_collect_step(struct trace_collect *c, const char *text)
{
    struct collect_step step = {{0}};
    void *rows = c->steps;
    memcpy(step.text, text, strnlen(text, sizeof step.text - 1));
    int err = append(&rows, &c->nsteps, sizeof step, &step);
    c->steps = rows;
    return err;
}

int trace_collect_series(struct trace_collect *c, const struct collect_series *series)
{
    void *rows = c->series;
    int err = append(&rows, &c->nseries, sizeof *series, series);
    c->series = rows;
    return err ? err : (int)(c->nseries - 1);
}

int trace_collect_value(struct trace_collect *c, const struct collect_value *value)
{
    void *rows = c->values;
    int err = append(&rows, &c->nvalues, sizeof *value, value);
    c->values = rows;
    return err;
}

void trace_collect_free(struct trace_collect *c)
{
    free(c->gaps);
    free(c->levels);
    free(c->steps);
    free(c->series);
    free(c->values);
    memset(c, 0, sizeof *c);
}

int trace_collect_copy(struct trace_collect *to, const struct trace_collect *from)
{
    int err = 0;
    for (uint64_t i = 0; !err && i < from->ngaps; i++)
        err = trace_collect_gap(to, &from->gaps[i]);
    for (uint64_t i = 0; !err && i < from->nlevels; i++)
        err = trace_collect_level(to, &from->levels[i]);
    for (uint64_t i = 0; !err && i < from->nsteps; i++)
        err = trace_collect_step(to, from->steps[i].text);
    for (uint64_t i = 0; !err && i < from->nseries; i++) {
        int number = trace_collect_series(to, &from->series[i]);
        err = number < 0 ? number : 0;
    }
    for (uint64_t i = 0; !err && i < from->nvalues; i++)
        err = trace_collect_value(to, &from->values[i]);
    return err;
}

static uint64_t since(uint64_t time, uint64_t zero)
{
    return time > zero ? time - zero : 0;
}

void trace_collect_rebase(struct trace_collect *c, uint64_t zero)
{
    for (uint64_t i = 0; i < c->ngaps; i++) {
        c->gaps[i].from = since(c->gaps[i].from, zero);
        c->gaps[i].to = since(c->gaps[i].to, zero);
    }
    for (uint64_t i = 0; i < c->nvalues; i++)
        c->values[i].time = since(c->values[i].time, zero);
}

const char *trace_collect_cause(uint32_t cause)
{
    static const char *const words[COLLECT_CAUSES] = {"lost",     "throttled", "hardware",
                                                      "filtered", "truncated", "collision"};
    return cause < COLLECT_CAUSES ? words[cause] : "unknown";
}

const struct trace_collect *trace_collect_of(const struct trace *trace)
{
    return &trace->collect;
}
