/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdlib.h>

#include "reports/columns.h"
#include "reports/show.h"
#include "reports/text.h"

enum { MATRIX_NODES = 16 }; /* a wider traffic matrix does not fit a terminal: the result file has it */

static const struct column two[] = {{{"", "events"}, true, 0}, {{"", "count"}, false, 0}};

static void finish(FILE *f, struct columns *t, bool colour)
{
    if (!columns_print(f, t, columns_width(f), colour))
        fputs("no memory for the table\n", f);
    columns_free(t);
    fputc('\n', f);
}

static void time_row(struct columns *t, const struct result_run *run, const char *name, uint64_t ns)
{
    char cell[TEXT_FIGURE];
    columns_cell(t, name);
    columns_cell(t, text_duration(cell, sizeof cell, ns));
    columns_cell(t, text_part(cell, sizeof cell, ns, run->elapsed_ns));
    if (run->misses)
        snprintf(cell, sizeof cell, "%.1f", (double)ns / (double)run->misses);
    else
        snprintf(cell, sizeof cell, "-");
    columns_cell(t, cell);
}

static void print_time(FILE *f, const struct result_run *run, bool colour)
{
    static const struct column column[] = {{{"", "CPU time"}, true, 0},
                                           {{"sum over", "CPUs"}, false, 0},
                                           {{"% of", "elapsed"}, false, 0},
                                           {{"ns per", "miss"}, false, 0}};
    char cause[TEXT_FIGURE * 2];
    struct columns *t = columns_new(column, 4);
    time_row(t, run, "exec", run->exec_ns);
    time_row(t, run, "local stall", run->local_stall_ns);
    time_row(t, run, "remote stall", run->remote_stall_ns);
    time_row(t, run, "overhead", run->overhead_ns);
    for (int i = 0; i < OVERHEAD_CAUSES; i++)
        if (run->overhead_by[i]) {
            snprintf(cause, sizeof cause, "  %s", result_overhead_names[i]);
            time_row(t, run, cause, run->overhead_by[i]);
        }
    columns_rule(t);
    columns_emphasis(t);
    time_row(t, run, "elapsed", run->elapsed_ns);
    time_row(t, run, "memory (stalls and overhead)", run->memory_ns);
    time_row(t, run, "memory at constant latencies", run->memory_flat_ns);
    time_row(t, run, "makespan (longest CPU)", run->makespan_ns);
    finish(f, t, colour);
}

static void count_row(struct columns *t, const char *name, uint64_t n)
{
    char cell[TEXT_FIGURE];
    columns_cell(t, name);
    columns_cell(t, text_count(cell, sizeof cell, n));
}

static void bytes_row(struct columns *t, const char *name, uint64_t n)
{
    char cell[TEXT_FIGURE];
    columns_cell(t, name);
    columns_cell(t, text_bytes(cell, sizeof cell, n));
}

static void print_counts(FILE *f, const struct result_run *run, bool colour)
{
    char cell[TEXT_FIGURE * 2];
    struct columns *t = columns_new(two, 2);
    count_row(t, "misses", run->misses);
    count_row(t, "  local", run->local_misses);
    columns_cell(t, "  local share, %");
    columns_cell(t, text_part(cell, sizeof cell, run->local_misses, run->misses));
    count_row(t, "first touches", run->touches);
    count_row(t, "  placed elsewhere", run->fallbacks);
    count_row(t, "samples", run->samples);
    count_row(t, "hints", run->hints);
    count_row(t, "moves", run->moves);
    bytes_row(t, "  moved", run->moved_bytes);
    count_row(t, "copies", run->copies);
    bytes_row(t, "  copied", run->copied_bytes);
    count_row(t, "collapses", run->collapses);
    count_row(t, "drops", run->drops);
    bytes_row(t, "replica memory, peak", run->replica_bytes_peak);
    bytes_row(t, "replica memory, mean", run->replica_bytes_mean);
    for (int i = 0; i < RESULT_REFUSALS; i++)
        if (run->refused_by[i]) {
            snprintf(cell, sizeof cell, "refused: %s", result_refusal_names[i]);
            count_row(t, cell, run->refused_by[i]);
        }
    finish(f, t, colour);
}

/* Misses served by a node's memory, and those of its own CPUs among them. */
static void served(const struct result_run *run, uint32_t nodes, uint32_t node, uint64_t *all, uint64_t *own)
{
    *all = *own = 0;
    for (uint32_t from = 0; run->traffic && from < nodes; from++) {
        const uint64_t *cell = run->traffic + ((size_t)from * nodes + node) * 2;
        *all += cell[0] + cell[1];
        *own += from == node ? cell[0] + cell[1] : 0;
    }
}

static void print_nodes(FILE *f, const struct result_set *set, const struct result_run *run, bool colour)
{
    static const struct column column[] = {{{"", "node"}, false, 0},
                                           {{"misses", "served"}, false, 0},
                                           {{"% by own", "CPUs"}, false, 0},
                                           {{"utilisation", "mean %"}, false, 0},
                                           {{"utilisation", "peak %"}, false, 0}};
    char cell[TEXT_FIGURE];
    struct columns *t = columns_new(column, 5);
    for (uint32_t n = 0; n < set->machine.nodes; n++) {
        uint64_t all, own;
        served(run, set->machine.nodes, n, &all, &own);
        snprintf(cell, sizeof cell, "%" PRIu32, n);
        columns_cell(t, cell);
        columns_cell(t, text_count(cell, sizeof cell, all));
        columns_cell(t, text_part(cell, sizeof cell, own, all));
        columns_cell(t, text_percent(cell, sizeof cell, run->memory_utilisation_mean[n]));
        columns_cell(t, text_percent(cell, sizeof cell, run->memory_utilisation_peak[n]));
    }
    finish(f, t, colour);
    if (run->link_utilisation_peak)
        fprintf(f, "busiest link: node %u to node %u, %s %% at its peak\n\n", run->link_from, run->link_to,
                text_percent(cell, sizeof cell, run->link_utilisation_peak));
}

static void print_traffic(FILE *f, const struct result_set *set, const struct result_run *run, bool colour)
{
    uint32_t nodes = set->machine.nodes;
    struct column column[MATRIX_NODES + 1] = {{{"% of misses", "from \\ to"}, false, 0}};
    char head[MATRIX_NODES][8], cell[TEXT_FIGURE];
    if (!run->traffic || nodes > MATRIX_NODES)
        return;
    for (uint32_t n = 0; n < nodes; n++) {
        snprintf(head[n], sizeof head[n], "%" PRIu32, n);
        column[n + 1] = (struct column){{"", head[n]}, false, 0};
    }
    struct columns *t = columns_new(column, nodes + 1);
    for (uint32_t from = 0; from < nodes; from++) {
        columns_cell(t, head[from]);
        for (uint32_t to = 0; to < nodes; to++) {
            const uint64_t *c = run->traffic + ((size_t)from * nodes + to) * 2;
            columns_cell(t, text_part(cell, sizeof cell, c[0] + c[1], run->misses));
        }
    }
    finish(f, t, colour);
}

void show_run(FILE *f, const struct result_set *set, uint32_t index, bool colour)
{
    const struct result_run *run = &set->runs[index];
    char name[sizeof run->spec], cell[TEXT_FIGURE];
    if (run->monitor) {
        show_monitor(f, set, colour);
        return;
    }
    fprintf(f, "%s%s%s%s\n", colour ? "\033[1m" : "", text_clean(name, sizeof name, run->spec), colour ? "\033[0m" : "",
            run->inactive ? " (inactive: ordered nothing)" : "");
    for (uint32_t i = 0; i < run->nlabels; i++)
        fprintf(f, "label: %s\n", text_clean(name, sizeof name, run->labels[i]));
    fputc('\n', f);
    print_time(f, run, colour);
    print_counts(f, run, colour);
    print_nodes(f, set, run, colour);
    print_traffic(f, set, run, colour);
    if (run->to_optimum_ppm != RESULT_NONE)
        fprintf(f, "way from first touch to the optimum: %s %%\n",
                text_percent(cell, sizeof cell, run->to_optimum_ppm));
    fprintf(f, "digest of decisions: %016" PRIx64 "\n", run->digest);
}
