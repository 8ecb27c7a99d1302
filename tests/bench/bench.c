/* SPDX-License-Identifier: BSD-2-Clause
 *
 * bench [--quick] [--cpu] [--json FILE]: how fast this program replays on this machine, against a bound measured in the
 * same process (docs/performance.md). A benchmark, not a test: it prints figures and never fails over them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench_case.h"
#include "tests/bench/bench_trace.h"

enum { CLASSES_PAGES = 1000000 }; /* where every class is timed, not only those that are timed fused */

struct bench {
    struct bench_table table;
    bool quick;
    unsigned rounds;
    uint32_t pages; /* only this many; 0: all */
};

/* --- one trace in memory --- */

/* Two tries of each; the best of all. */
static int choose_distance(const struct bench *b, struct bench_case *c, struct trace_error *error)
{
    double best = 0;
    unsigned distance = bench_distances[0];
    for (unsigned d = 0; d < BENCH_DISTANCES; d++) {
        struct bench_table one = {.cpu = b->table.cpu};
        struct bench_row *row = bench_table_add(&one, "try", c->bound.pages, 1, 1, c->bound.n);
        row->run = bench_case_bound;
        row->context = c;
        c->bound.distance = bench_distances[d];
        int err = bench_table_time(&one, 0, 2, false, error);
        if (err)
            return err;
        if (best == 0 || one.rows[0].seconds[0] < best) {
            best = one.rows[0].seconds[0];
            distance = bench_distances[d];
        }
    }
    c->bound.distance = distance;
    return 0;
}

static struct bench_row *add(struct bench *b, struct bench_case *c, const char *name, uint32_t threads, uint32_t runs,
                             int (*run)(void *, const struct bench_row *, struct trace_error *))
{
    const struct trace_meta *meta = trace_meta(c->trace);
    struct bench_row *row =
        bench_table_add(&b->table, name, meta->pages, threads, runs, meta->records * c->repeat * runs);
    row->run = run;
    row->context = c;
    return row;
}

static void compare_with_bound(struct bench *b, uint32_t first, uint32_t pages)
{
    for (uint32_t i = first; i < b->table.n; i++) {
        struct bench_row *row = &b->table.rows[i];
        const struct bench_row *bound = bench_table_find(&b->table, "bound", pages, row->threads);
        if (bound && row->of_bound == 0)
            row->of_bound = bench_table_rate(row) / bench_table_rate(bound);
    }
}

/* The eight one after another: the sum of the times that each took alone. */
static void add_apart(struct bench *b, struct bench_case *c, uint32_t first_alone)
{
    double seconds = 0;
    for (uint32_t i = 0; i < BENCH_FUSED; i++)
        seconds += b->table.rows[first_alone + i].median;
    struct bench_row *row = add(b, c, "eight, one after another", 1, BENCH_FUSED, NULL);
    row->median = seconds;
}

static int time_replays(struct bench *b, struct bench_case *c, struct trace_error *error)
{
    uint32_t first = b->table.n;
    struct bench_row *bound = add(b, c, "bound", 1, 1, bench_case_bound);
    struct bench_row *bound2 = add(b, c, "bound", 2, 1, bench_case_bound);
    bound2->records = 2 * bound->records;
    uint32_t alone = b->table.n, classes = b->quick || bound->pages == CLASSES_PAGES ? c->nspecs : BENCH_FUSED;
    for (uint32_t i = 0; i < classes; i++)
        add(b, c, c->specs[i].policy->name, 1, 1, bench_case_alone)->tag = i;
    add(b, c, "eight, fused", 1, BENCH_FUSED, bench_case_fused);
    add(b, c, "eight, fused", 2, BENCH_FUSED, bench_case_fused);
    add(b, c, "yardsticks", 1, 1, bench_case_yardsticks);
    add(b, c, "yardsticks", 2, 1, bench_case_yardsticks);
    int err = choose_distance(b, c, error);
    err = err ? err : bench_table_time(&b->table, first, b->rounds, !b->quick, error);
    if (err)
        return err;
    add_apart(b, c, alone);
    compare_with_bound(b, first, bound->pages);
    bench_table_show(&b->table, first, stdout);
    return 0;
}

static int bench_pages(struct bench *b, uint32_t pages, struct trace_error *error)
{
    struct trace *trace = NULL;
    struct bench_case *c = calloc(1, sizeof(*c));
    int err = c ? bench_trace_make(pages, bench_trace_records(pages, b->quick), NULL, &trace, error) : -ENOMEM;
    if (!err)
        err = bench_case_init(c, trace, b->quick ? 1 : pages > 1000000 ? 3 : 2, error);
    err = err ? err : bench_bound_init(&c->bound, trace, error);
    err = err ? err : time_replays(b, c, error);
    if (c)
        bench_case_free(c);
    free(c);
    trace_close(trace);
    return err;
}

/* --- a compressed file against memory --- */

static int time_file(struct bench *b, struct bench_case *c, struct trace_error *error)
{
    uint32_t first = b->table.n;
    for (uint32_t threads = 1; threads <= 2; threads++) {
        add(b, c, "ingest of a file", threads, 1, bench_case_ingest);
        add(b, c, "compare from memory", threads, BENCH_FUSED, bench_case_compare);
        add(b, c, "compare from a file", threads, BENCH_FUSED, bench_case_compare)->tag = 1;
    }
    int err = bench_table_time(&b->table, first, b->rounds, !b->quick, error);
    if (!err)
        bench_table_show(&b->table, first, stdout);
    return err;
}

static int bench_file(struct bench *b, uint32_t pages, struct trace_error *error)
{
    char folder[] = "/tmp/mirrorball-bench-XXXXXX", path[sizeof(folder) + 16];
    struct trace *file = NULL, *memory = NULL, *none;
    struct bench_case *c = calloc(1, sizeof(*c));
    if (!c || !mkdtemp(folder)) {
        snprintf(error->text, sizeof(error->text), "bench: cannot make a folder in /tmp: %s", strerror(errno));
        free(c);
        return -errno;
    }
    snprintf(path, sizeof(path), "%s/trace.h5", folder);
    int err = bench_trace_make(pages, bench_trace_records(pages, b->quick), path, &none, error);
    err = err ? err : trace_open(path, &file, error);
    err = err ? err : trace_load(file, &memory, error);
    err = err ? err : bench_case_init(c, memory, 1, error);
    c->file = file;
    err = err ? err : time_file(b, c, error);
    bench_case_free(c);
    free(c);
    trace_close(memory);
    trace_close(file);
    unlink(path);
    rmdir(folder);
    return err;
}

/* --- the aims --- */

static double ratio(const struct bench *b, const char *over, uint32_t over_threads, const char *under,
                    uint32_t under_threads, uint32_t pages)
{
    const struct bench_row *x = bench_table_find(&b->table, over, pages, over_threads);
    const struct bench_row *y = bench_table_find(&b->table, under, pages, under_threads);
    return x && y ? bench_table_rate(x) / bench_table_rate(y) : 0;
}

static void aim(const char *what, uint32_t pages, double got, double wanted)
{
    if (got > 0)
        printf("%-44s %9u %8.2f  aim %5.2f  %s\n", what, pages, got, wanted, got >= wanted ? "reached" : "missed");
}

/* Below a tenth of the bound a class owes a reason, in its header. */
static void aim_of_slowest(const struct bench *b)
{
    const char *slowest = NULL;
    double least = 0;
    for (uint32_t i = 0; policy_classes[i]; i++) {
        double got = ratio(b, policy_classes[i]->name, 1, "bound", 1, CLASSES_PAGES);
        if (got <= 0 || (slowest && got >= least))
            continue;
        slowest = policy_classes[i]->name;
        least = got;
    }
    char what[64];
    snprintf(what, sizeof(what), "slowest class, %s / bound", slowest ? slowest : "-");
    aim(what, CLASSES_PAGES, least, 0.1);
}

static void show_aims(const struct bench *b)
{
    printf("\n%-44s %9s %8s\n", "ratio", "pages", "");
    for (uint32_t pages = 10000; pages <= 10000000; pages *= 10) {
        if (pages == 100000 || pages == 1000000) {
            aim("first_touch / bound", pages, ratio(b, "first_touch", 1, "bound", 1, pages), 0.5);
            aim("migrep / bound", pages, ratio(b, "migrep", 1, "bound", 1, pages), 0.3);
        }
        if (pages >= 1000000)
            aim("eight fused / one after another", pages,
                ratio(b, "eight, fused", 1, "eight, one after another", 1, pages), 1.5);
        const struct bench_row *ingest = bench_table_find(&b->table, "ingest of a file", pages, 1);
        aim("ingest, M records/s per core", pages, ingest ? bench_table_rate(ingest) / 1e6 : 0, 60);
        aim("ingest, two threads / one", pages, ratio(b, "ingest of a file", 2, "ingest of a file", 1, pages), 1.8);
        for (uint32_t t = 1; t <= 2; t++)
            aim(t == 1 ? "compare from a file / memory, one thread" : "compare from a file / memory, two threads",
                pages, ratio(b, "compare from a file", t, "compare from memory", t, pages), 0.8);
    }
    aim_of_slowest(b);
}

/* 64 bytes a page and run, the bounds, and the trace in three forms. */
static bool memory_for(uint32_t pages)
{
    uint64_t have = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return have / 2 > (uint64_t)pages * 64 * BENCH_FUSED + (uint64_t)bench_trace_records(pages, false) * 64;
}

static int bench_all(struct bench *b, struct trace_error *error)
{
    int err = 0;
    printf("trace: zipf 0.8, 8 CPUs; machine: flash-8; medians of %u, taken in turn, by %s time\n\n", b->rounds,
           b->table.cpu ? "processor" : "wall-clock");
    for (uint32_t pages = 10000; !err && pages <= (b->quick ? 10000u : 10000000u); pages *= 10) {
        if (b->pages && b->pages != pages)
            continue;
        if (!memory_for(pages))
            printf("%u pages: left out, too little memory is free\n", pages);
        else
            err = bench_pages(b, pages, error);
    }
    return err ? err : bench_file(b, b->quick ? 10000 : b->pages ? b->pages : 1000000, error);
}

static int usage(void)
{
    fprintf(stderr, "usage: bench [--quick] [--cpu] [--rounds 1..%d] [--pages N] [--json FILE]\n",
            BENCH_ROUNDS_MAX - 1);
    return 2;
}

/* One option with a value. False: not understood. */
static bool option(struct bench *b, const char *name, const char *value, const char **json)
{
    unsigned long number = strtoul(value, NULL, 10);
    if (!strcmp(name, "--json"))
        *json = value;
    else if (!strcmp(name, "--rounds") && number >= 1 && number < BENCH_ROUNDS_MAX)
        b->rounds = (unsigned)number;
    else if (!strcmp(name, "--pages") && number >= 10000 && number <= 10000000)
        b->pages = (uint32_t)number;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct bench b = {.rounds = 5};
    const char *json = NULL;
    struct trace_error error = {""};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick"))
            b.quick = true;
        else if (!strcmp(argv[i], "--cpu"))
            b.table.cpu = true;
        else if (i + 1 == argc || !option(&b, argv[i], argv[i + 1], &json))
            return usage();
        else
            i++;
    }
    b.rounds = b.quick ? 1 : b.rounds;
    int err = bench_all(&b, &error);
    if (!err)
        show_aims(&b);
    if (!err && json)
        err = bench_table_json(&b.table, json, &error);
    if (err)
        fprintf(stderr, "bench: %s\n", error.text);
    return err ? 1 : 0;
}
