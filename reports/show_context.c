/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "datasets/plural.h"
#include "reports/show.h"
#include "reports/text.h"

/* The map that stands when none is given: CPUs fill the nodes with CPUs in blocks, one each where there are enough. */
static bool default_map(const struct result_set *set)
{
    char map[sizeof set->cpu_map] = "";
    node_t node[NODE_MAX];
    uint32_t nodes = 0, cpus = set->trace.cpus, first = 0;
    for (uint32_t n = 0; n < set->machine.nodes; n++)
        if (set->machine.node_cpus[n])
            node[nodes++] = (node_t)n;
    for (uint32_t c = 0; nodes && c < cpus; c++) {
        uint32_t i = cpus <= nodes ? c : c * nodes / cpus, next = cpus <= nodes ? c + 1 : (c + 1) * nodes / cpus;
        if (c + 1 < cpus && i == next)
            continue;
        size_t used = strlen(map);
        if (first == c)
            snprintf(map + used, sizeof map - used, "%s%" PRIu32 ":%u", used ? "," : "", c, node[i]);
        else
            snprintf(map + used, sizeof map - used, "%s%" PRIu32 "-%" PRIu32 ":%u", used ? "," : "", first, c, node[i]);
        first = c + 1;
    }
    return strcmp(map, set->cpu_map) == 0;
}

static void print_options(FILE *f, const struct result_set *set)
{
    char map[TRACE_TEXT];
    if (!set->contention)
        fputs(", no contention", f);
    if (set->repeat != 1)
        fprintf(f, ", repeated %" PRIu64 " times", set->repeat);
    if (set->intensity != 1)
        fprintf(f, ", intensity %" PRIu64, set->intensity);
    if (set->time_scale_ppm != 1000000)
        fprintf(f, ", time scaled by %.3g", (double)set->time_scale_ppm / 1e6);
    if (set->capacity_ppm)
        fprintf(f, ", capacity %.3g of the footprint per node", (double)set->capacity_ppm / 1e6);
    if (set->cpu_map[0] && !default_map(set))
        fprintf(f, ", CPUs %s", text_clean(map, sizeof map, set->cpu_map));
}

static void print_trace_labels(FILE *f, unsigned labels)
{
    if (labels & TRACE_WRITES_UNDER_SEEN)
        fputs(", writes under-seen", f);
    if (labels & TRACE_PAGE_TOUCH)
        fputs(", page touches", f);
    if (labels & TRACE_SIMULATED_CACHE)
        fputs(", simulated cache", f);
    if (labels & TRACE_SYNTHETIC)
        fputs(", synthetic", f);
    if (labels & TRACE_ALL_ACCESSES)
        fputs(", all accesses, not misses", f);
}

void show_context(FILE *f, const struct result_set *set)
{
    char name[TRACE_TEXT], records[TEXT_FIGURE], misses[TEXT_FIGURE], pages[TEXT_FIGURE];
    const struct trace_meta *t = &set->trace;
    fprintf(f, "%s: %s record%s, %s miss%s, %s page%s, %" PRIu32 " CPU%s", text_clean(name, sizeof name, t->name),
            text_count(records, sizeof records, t->records), plural(t->records),
            text_count(misses, sizeof misses, t->misses), t->misses == 1 ? "" : "es",
            text_count(pages, sizeof pages, t->pages), plural(t->pages), t->cpus, plural(t->cpus));
    print_trace_labels(f, t->labels);
    fprintf(f, "\non %s, %" PRIu32 " node%s", text_clean(name, sizeof name, set->machine.name), set->machine.nodes,
            plural(set->machine.nodes));
    print_options(f, set);
    if (set->exec_capped_ppm >= 500)
        fprintf(f, "; %.1f %% of the recorded stall cut at the gaps", (double)set->exec_capped_ppm / 1e4);
    fputc('\n', f);
}
