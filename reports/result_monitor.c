/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/result_monitor.h"
#include "datasets/plural.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reports/text.h"

const char *const result_exit_names[RESULT_EXITS] = {
    "interrupt", "halt", "cpuid",    "msr_read", "msr_write", "port",      "mmio",     "touch",
    "map",       "copy", "collapse", "hint",     "exception", "hypercall", "shutdown", "other"};

uint64_t result_exits(const struct result_monitor *m, uint32_t vm, unsigned kind)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->nvcpus; i++)
        if (vm == RESULT_VMS || m->vcpu[i].vm == vm)
            sum += m->vcpu[i].exits[kind];
    return sum;
}

uint64_t result_guest_ns(const struct result_monitor *m, uint32_t vm)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->nvcpus; i++)
        if (vm == RESULT_VMS || m->vcpu[i].vm == vm)
            sum += m->vcpu[i].guest_ns;
    return sum;
}

uint64_t result_monitor_ns(const struct result_monitor *m, uint32_t vm)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->nvcpus; i++) {
        const struct result_vcpu *v = &m->vcpu[i];
        uint64_t own = v->guest_ns + v->monitor_ns;
        /* The scheduler's clock may stand a little behind. */
        if (vm == RESULT_VMS || v->vm == vm)
            sum += (v->used_ns > own ? v->used_ns : own) - v->guest_ns;
    }
    return sum;
}

uint64_t result_monitor_bytes(const struct result_monitor *m)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->nnodes; i++)
        sum += m->node[i].monitor_bytes;
    return sum;
}

void result_monitor_answer(const struct result_set *set, char *text, size_t size)
{
    const struct result_run *r = &set->runs[0];
    const struct result_monitor *m = r->monitor;
    char local[96] = "", moves[TEXT_FIGURE], copies[TEXT_FIGURE], back[TEXT_FIGURE];
    if (r->misses)
        snprintf(local, sizeof local, "; %.0f %% of the accesses seen were local",
                 100.0 * (double)r->local_misses / (double)r->misses);
    if (r->moves + r->copies == 0)
        snprintf(text, size, "under %s, no page moved in %.1f s of %" PRIu32 " VM%s%s", r->spec,
                 (double)m->duration_ns / 1e9, m->nvms, plural(m->nvms), local);
    else
        snprintf(text, size,
                 "under %s, %s page%s moved and %s copies were made in %.1f s of %" PRIu32
                 " VM%s; %s write%s took copies back%s",
                 r->spec, text_count(moves, sizeof moves, r->moves), plural(r->moves),
                 text_count(copies, sizeof copies, r->copies), (double)m->duration_ns / 1e9, m->nvms, plural(m->nvms),
                 text_count(back, sizeof back, r->collapses), plural(r->collapses), local);
}
