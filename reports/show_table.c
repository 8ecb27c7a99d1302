/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reports/columns.h"
#include "reports/text.h"

/* Column order is the order in which people read; `rank` says which go first when the terminal is narrow. */
static const struct column figures[] = {
    {{"time", "%"}, false, 0},       {{"exec", "%"}, false, 5},           {{"local", "stall"}, false, 4},
    {{"remote", "stall"}, false, 3}, {{"over-", "head"}, false, 2},       {{"misses", "local %"}, false, 1},
    {{"", "moves"}, false, 6},       {{"", "copies"}, false, 7},          {{"", "collapses"}, false, 9},
    {{"", "refused"}, false, 10},    {{"replicas", "at peak"}, false, 8}, {{"to opti-", "mum %"}, false, 1},
};
enum { FIGURES = sizeof figures / sizeof figures[0] };

/* The time that is 100 %: first touch where it ran, else the best run. */
static const struct result_run *base_run(const struct result_set *set, const uint32_t *order)
{
    const struct result_run *first = result_first_touch(set);
    return first ? first : set->nruns ? &set->runs[order[0]] : NULL;
}

static uint64_t refused(const struct result_run *run)
{
    uint64_t sum = 0;
    for (int i = 0; i < RESULT_REFUSALS; i++)
        sum += run->refused_by[i];
    return sum;
}

static void figure_cells(struct columns *t, const struct result_run *run, uint64_t base)
{
    char cell[TEXT_FIGURE];
    const uint64_t parts[] = {run->elapsed_ns, run->exec_ns, run->local_stall_ns, run->remote_stall_ns,
                              run->overhead_ns};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        columns_cell(t, text_part(cell, sizeof cell, parts[i], base));
    columns_cell(t, text_part(cell, sizeof cell, run->local_misses, run->misses));
    const uint64_t counts[] = {run->moves, run->copies, run->collapses, refused(run)};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        columns_cell(t, text_count(cell, sizeof cell, counts[i]));
    columns_cell(t, text_bytes(cell, sizeof cell, run->replica_bytes_peak));
    columns_cell(t, text_percent(cell, sizeof cell, run->to_optimum_ppm));
}

/* "64" or "-" when the run has no such parameter. */
static void param_cell(struct columns *t, const struct result_run *run, const char *name)
{
    char cell[TEXT_FIGURE] = "-";
    for (uint32_t i = 0; i < run->nparams; i++)
        if (strcmp(run->param_name[i], name) == 0) {
            if (run->param[i] == UINT64_MAX)
                snprintf(cell, sizeof cell, "unbounded");
            else
                snprintf(cell, sizeof cell, "%" PRIu64, run->param[i]);
        }
    columns_cell(t, cell);
}

/* Of many classes most have nothing to do on one machine: where some did, the others are named below the table instead
 * of shown row by row. A sweep's table keeps them: the row says which values they had. */
static bool only_named(const struct result_set *set, const struct result_run *run, unsigned nvaried)
{
    bool acted = false;
    for (uint32_t i = 0; i < set->nruns; i++)
        acted |= !set->runs[i].inactive;
    return run->inactive && acted && !nvaried;
}

/* One row per run from best to worst; `varied` parameters first when n > 0, else the spec. */
static void fill(struct columns *t, const struct result_set *set, const uint32_t *order, const char *const *varied,
                 unsigned n)
{
    const struct result_run *base = base_run(set, order);
    bool ruled = false;
    for (uint32_t i = 0; i < set->nruns; i++) {
        const struct result_run *run = &set->runs[order[i]];
        char name[COLUMNS_CELL];
        if (only_named(set, run, n))
            continue;
        if (run->inactive && !ruled)
            columns_rule(t);
        ruled |= run->inactive;
        if (i == 0 && !run->inactive)
            columns_emphasis(t);
        for (unsigned v = 0; v < n; v++)
            param_cell(t, run, varied[v]);
        columns_cell(t, text_clean(name, sizeof name, n ? run->policy : run->spec));
        figure_cells(t, run, base ? base->elapsed_ns : 0);
    }
}

static void print_base(FILE *f, const struct result_set *set, const uint32_t *order)
{
    const struct result_run *base = base_run(set, order);
    char time[TEXT_FIGURE], name[COLUMNS_CELL];
    if (base)
        fprintf(f, "time and its parts in %% of %s's elapsed CPU time, %s\n", text_clean(name, sizeof name, base->spec),
                text_duration(time, sizeof time, base->elapsed_ns));
}

/* "heading: name, name", in lines that fit. */
struct list {
    FILE *f;
    size_t column;
    const char *heading; /* null once it is out */
};

static void list_add(struct list *l, const char *text)
{
    enum { WIDTH = 118 };
    char name[COLUMNS_CELL];
    size_t length = strlen(text_clean(name, sizeof name, text));
    if (l->heading) {
        l->column = (size_t)fprintf(l->f, "%s: %s", l->heading, name);
        l->heading = NULL;
    } else if (l->column + 2 + length > WIDTH) {
        l->column = (size_t)fprintf(l->f, ",\n    %s", name);
    } else {
        l->column += (size_t)fprintf(l->f, ", %s", name);
    }
}

static void list_end(const struct list *l)
{
    if (!l->heading)
        fputc('\n', l->f);
}

static void print_inactive(FILE *f, const struct result_set *set, unsigned nvaried)
{
    struct list list = {.f = f, .heading = "ordered nothing in this run, not ranked"};
    uint32_t n = 0;
    for (uint32_t i = 0; i < set->nruns; i++) {
        bool named = only_named(set, &set->runs[i], nvaried);
        n += set->runs[i].inactive && !named;
        if (named)
            list_add(&list, set->runs[i].spec);
    }
    list_end(&list);
    if (n)
        fprintf(f, "%s below the rule: ordered nothing in this run, not ranked\n", n == 1 ? "the policy" : "policies");
}

/* Is this the first run that bears the label? */
static bool label_is_new(const struct result_set *set, uint32_t run, const char *label)
{
    for (uint32_t i = 0; i < run; i++)
        for (uint32_t l = 0; l < set->runs[i].nlabels; l++)
            if (strcmp(set->runs[i].labels[l], label) == 0)
                return false;
    return true;
}

static bool bears(const struct result_run *run, const char *label)
{
    for (uint32_t l = 0; l < run->nlabels; l++)
        if (strcmp(run->labels[l], label) == 0)
            return true;
    return false;
}

/* "label: policy, policy" or "label: every policy"; of those that did nothing the caveat says nothing. */
static void print_label(FILE *f, const struct result_set *set, const char *label)
{
    char name[COLUMNS_CELL];
    struct list list = {.f = f, .heading = text_clean(name, sizeof name, label)};
    uint32_t bearers = 0;
    for (uint32_t i = 0; i < set->nruns; i++)
        bearers += bears(&set->runs[i], label);
    if (bearers == set->nruns)
        list_add(&list, "every policy");
    for (uint32_t i = 0; bearers < set->nruns && i < set->nruns; i++)
        if (bears(&set->runs[i], label) && !set->runs[i].inactive)
            list_add(&list, set->runs[i].spec);
    list_end(&list);
}

static void print_labels(FILE *f, const struct result_set *set)
{
    for (uint32_t i = 0; i < set->nruns; i++)
        for (uint32_t l = 0; l < set->runs[i].nlabels; l++)
            if (label_is_new(set, i, set->runs[i].labels[l]))
                print_label(f, set, set->runs[i].labels[l]);
}

static void yardstick(struct columns *t, const struct result_bounds *b, const char *name, uint64_t ns)
{
    char cell[TEXT_FIGURE];
    columns_cell(t, name);
    columns_cell(t, text_duration(cell, sizeof cell, ns));
    columns_cell(t, text_part(cell, sizeof cell, ns, b->first_touch_ns));
}

static void print_yardsticks(FILE *f, const struct result_set *set, unsigned width)
{
    static const struct column column[] = {
        {{"", "yardstick"}, true, 0},
        {{"memory", "time"}, false, 0},
        {{"% of first", "touch"}, false, 0},
    };
    const struct result_bounds *b = &set->bounds;
    char label[COLUMNS_CELL];
    if (!b->present)
        return;
    struct columns *t = columns_new(column, 3);
    yardstick(t, b, "UMA, every miss local", b->uma_ns);
    yardstick(t, b, b->optimum_exact ? "optimum, offline" : "optimum, a lower bound", b->optimum_ns);
    if (b->lagrangian_ns)
        yardstick(t, b, "optimum within capacity, a lower bound", b->lagrangian_ns);
    yardstick(t, b, "post facto, best fixed placement", b->post_facto_ns);
    yardstick(t, b, "first touch", b->first_touch_ns);
    yardstick(t, b, "round robin", b->round_robin_ns);
    fputc('\n', f);
    columns_print(f, t, width, false);
    if (b->label[0])
        fprintf(f, "constant latencies; optimum: %s\n", text_clean(label, sizeof label, b->label));
    columns_free(t);
}

static void print_answer(FILE *f, const struct result_set *set, bool colour)
{
    char answer[1600], clean[1600];
    result_answer(set, answer, sizeof answer);
    text_clean(clean, sizeof clean, answer);
    fprintf(f, "\n%s%s%s\n", colour ? "\033[1m" : "", clean, colour ? "\033[0m" : "");
}

void show_sweep(FILE *f, const struct result_set *set, const char *const *varied, unsigned n, bool colour)
{
    struct column column[COLUMNS_MAX];
    uint32_t *order = malloc((set->nruns ? set->nruns : 1) * sizeof *order);
    if (n > COLUMNS_MAX - FIGURES - 1)
        n = COLUMNS_MAX - FIGURES - 1;
    for (unsigned v = 0; v < n; v++)
        column[v] = (struct column){{"", varied[v]}, false, 0};
    column[n] = (struct column){{"", "policy"}, true, n ? 7 : 0};
    memcpy(column + n + 1, figures, sizeof figures);
    struct columns *t = columns_new(column, n + 1 + FIGURES);
    if (order && t) {
        result_rank(set, order);
        fill(t, set, order, varied, n);
        print_base(f, set, order);
    }
    unsigned width = columns_width(f);
    if (!columns_print(f, t, width, colour))
        fputs("no memory for the table\n", f);
    print_inactive(f, set, n);
    print_labels(f, set);
    print_yardsticks(f, set, width);
    print_answer(f, set, colour);
    columns_free(t);
    free(order);
}

void show_table(FILE *f, const struct result_set *set, bool colour)
{
    if (result_of_monitor(set))
        show_monitor(f, set, colour);
    else
        show_sweep(f, set, NULL, 0, colour);
}
