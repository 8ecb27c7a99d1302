/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/bench_table.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bench_row *bench_table_add(struct bench_table *t, const char *name, uint32_t pages, uint32_t threads,
                                  uint32_t runs, uint64_t records)
{
    static struct bench_row dummy;
    t->failed |= t->n == BENCH_ROWS_MAX;
    struct bench_row *row = t->failed ? &dummy : &t->rows[t->n++];
    *row = (struct bench_row){.pages = pages, .threads = threads, .runs = runs, .records = records};
    snprintf(row->name, sizeof(row->name), "%s", name);
    return row;
}

static double now(bool cpu)
{
    struct timespec t;
    clock_gettime(cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int time_once(struct bench_row *row, bool cpu, unsigned round, struct trace_error *error)
{
    double start = now(cpu);
    int err = row->run(row->context, row, error);
    row->seconds[round] = (now(cpu) - start) / (cpu ? row->threads : 1);
    return err;
}

int bench_table_time(struct bench_table *t, uint32_t first, unsigned rounds, bool warm, struct trace_error *error)
{
    int err = 0;
    for (unsigned round = 0; !err && round < rounds + warm; round++)
        for (uint32_t i = first; !err && i < t->n; i++)
            if (t->rows[i].run)
                err = time_once(&t->rows[i], t->cpu, round < warm ? 0 : round - warm, error);
    for (uint32_t i = first; !err && i < t->n; i++)
        if (t->rows[i].run) {
            qsort(t->rows[i].seconds, rounds, sizeof(double), compare_doubles);
            t->rows[i].median = (t->rows[i].seconds[(rounds - 1) / 2] + t->rows[i].seconds[rounds / 2]) / 2;
        }
    return err;
}

double bench_table_rate(const struct bench_row *row)
{
    return row->median > 0 ? (double)row->records / row->median : 0;
}

const struct bench_row *bench_table_find(const struct bench_table *t, const char *name, uint32_t pages,
                                         uint32_t threads)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const struct bench_row *row = &t->rows[i];
        if (row->pages == pages && row->threads == threads && row->median > 0 && !strcmp(row->name, name))
            return row;
    }
    return NULL;
}

void bench_table_show(const struct bench_table *t, uint32_t first, FILE *out)
{
    if (first == 0)
        fprintf(out, "%-28s %9s %8s %5s %12s %9s\n", "what", "pages", "threads", "runs", "M records/s", "of bound");
    for (uint32_t i = first; i < t->n; i++) {
        const struct bench_row *row = &t->rows[i];
        fprintf(out, "%-28s %9u %8u %5u %12.1f ", row->name, row->pages, row->threads, row->runs,
                bench_table_rate(row) / 1e6);
        if (row->of_bound > 0)
            fprintf(out, "%9.2f\n", row->of_bound);
        else
            fprintf(out, "%9s\n", "-");
    }
    fflush(out);
}

int bench_table_json(const struct bench_table *t, const char *path, struct trace_error *error)
{
    json_t *array = json_array();
    bool ok = array != NULL;
    for (uint32_t i = 0; ok && i < t->n; i++) {
        const struct bench_row *row = &t->rows[i];
        json_t *o = json_object();
        ok = o && !json_object_set_new(o, "name", json_string(row->name)) &&
             !json_object_set_new(o, "pages", json_integer(row->pages)) &&
             !json_object_set_new(o, "threads", json_integer(row->threads)) &&
             !json_object_set_new(o, "runs", json_integer(row->runs)) &&
             !json_object_set_new(o, "records_per_s", json_real(bench_table_rate(row))) &&
             !json_object_set_new(o, "of_bound", row->of_bound > 0 ? json_real(row->of_bound) : json_null()) &&
             !json_array_append(array, o);
        json_decref(o);
    }
    ok = ok && !json_dump_file(array, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(array);
    if (!ok)
        snprintf(error->text, sizeof(error->text), "bench: cannot write '%s': %s", path,
                 errno ? strerror(errno) : "out of memory");
    return ok ? 0 : -EIO;
}
