/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "datasets/plural.h"
#include "reports/columns.h"
#include "reports/result_monitor.h"
#include "reports/show.h"
#include "reports/text.h"

enum { PAGE = 4096 };

static void finish(FILE *f, struct columns *t, bool colour)
{
    if (!columns_print(f, t, columns_width(f), colour))
        fputs("no memory for the table\n", f);
    columns_free(t);
    fputc('\n', f);
}

static void count_cell(struct columns *t, uint64_t n)
{
    char cell[TEXT_FIGURE];
    columns_cell(t, text_count(cell, sizeof cell, n));
}

static void bytes_cell(struct columns *t, uint64_t n)
{
    char cell[TEXT_FIGURE];
    columns_cell(t, text_bytes(cell, sizeof cell, n));
}

static void part_cell(struct columns *t, uint64_t part, uint64_t whole)
{
    char cell[TEXT_FIGURE];
    columns_cell(t, text_part(cell, sizeof cell, part, whole));
}

/* Events per second that the guest ran. */
static void rate_cell(struct columns *t, uint64_t events, uint64_t guest_ns)
{
    char cell[TEXT_FIGURE];
    double rate = guest_ns ? (double)events * 1e9 / (double)guest_ns : 0;
    if (!guest_ns)
        snprintf(cell, sizeof cell, "-");
    else if (rate >= 100)
        text_count(cell, sizeof cell, (uint64_t)(rate + .5));
    else
        snprintf(cell, sizeof cell, "%.1f", rate);
    columns_cell(t, cell);
}

static void print_moved(FILE *f, const struct result_run *run, bool colour)
{
    static const struct column column[] = {{{"", "touches"}, false, 2},       {{"", "moves"}, false, 0},
                                           {{"", "copies"}, false, 0},        {{"", "collapses"}, false, 0},
                                           {{"", "drops"}, false, 3},         {{"", "hints"}, false, 4},
                                           {{"orders", "refused"}, false, 3}, {{"replicas", "at peak"}, false, 1},
                                           {{"accesses", "seen"}, false, 1},  {{"", "local %"}, false, 0}};
    struct columns *t = columns_new(column, sizeof column / sizeof column[0]);
    uint64_t refused = 0;
    for (int i = 0; i < RESULT_REFUSALS; i++)
        refused += run->refused_by[i];
    const uint64_t counts[] = {run->touches, run->moves, run->copies, run->collapses, run->drops, run->hints, refused};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        count_cell(t, counts[i]);
    bytes_cell(t, run->replica_bytes_peak);
    count_cell(t, run->misses);
    part_cell(t, run->local_misses, run->misses);
    finish(f, t, colour);
}

static void print_vms(FILE *f, const struct result_monitor *m, bool colour)
{
    static const struct column column[] = {{{"", "VM"}, true, 0},
                                           {{"", "end"}, true, 0},
                                           {{"", "vCPUs"}, false, 6},
                                           {{"", "memory"}, false, 5},
                                           {{"", "private"}, false, 2},
                                           {{"", "shared"}, false, 2},
                                           {{"copies", "on write"}, false, 4},
                                           {{"guest", "time"}, false, 3},
                                           {{"monitor", "time %"}, false, 3},
                                           {{"accesses", "seen"}, false, 1},
                                           {{"", "local %"}, false, 0}};
    char cell[96];
    struct columns *t = columns_new(column, sizeof column / sizeof column[0]);
    for (uint32_t i = 0; i < m->nvms; i++) {
        const struct result_vm *vm = &m->vm[i];
        uint64_t seen = 0, guest = result_guest_ns(m, i), inside = result_monitor_ns(m, i);
        for (uint32_t n = 0; n < m->nnodes; n++)
            seen += vm->accesses[n];
        columns_cell(t, text_clean(cell, sizeof cell, vm->name));
        columns_cell(t, text_clean(cell, sizeof cell, vm->end));
        count_cell(t, vm->vcpus);
        bytes_cell(t, vm->memory_pages * PAGE);
        bytes_cell(t, vm->private_pages * PAGE);
        bytes_cell(t, vm->shared_pages * PAGE);
        count_cell(t, vm->copies_on_write);
        columns_cell(t, text_duration(cell, sizeof cell, guest));
        part_cell(t, inside, guest + inside);
        count_cell(t, seen);
        part_cell(t, vm->local_accesses, seen);
    }
    finish(f, t, colour);
}

static void print_exits(FILE *f, const struct result_monitor *m, bool colour)
{
    struct column column[RESULT_VMS + 3] = {{{"exits per", "guest second"}, true, 0}, {{"", "all"}, false, 0}};
    char head[RESULT_VMS][32];
    uint32_t vms = m->nvms > 1 ? m->nvms : 0;
    for (uint32_t i = 0; i < vms; i++) {
        text_clean(head[i], sizeof head[i], m->vm[i].name);
        column[i + 2] = (struct column){{"", head[i]}, false, i + 1};
    }
    column[vms + 2] = (struct column){{"", "exits"}, false, 0};
    struct columns *t = columns_new(column, vms + 3);
    uint64_t sum[RESULT_VMS + 1] = {0};
    for (unsigned k = 0; k <= RESULT_EXITS; k++) {
        uint64_t all = k < RESULT_EXITS ? result_exits(m, RESULT_VMS, k) : sum[RESULT_VMS];
        if (!all)
            continue;
        if (k == RESULT_EXITS)
            columns_rule(t);
        columns_cell(t, k < RESULT_EXITS ? result_exit_names[k] : "all");
        rate_cell(t, all, result_guest_ns(m, RESULT_VMS));
        for (uint32_t i = 0; i < vms; i++) {
            uint64_t n = k < RESULT_EXITS ? result_exits(m, i, k) : sum[i];
            rate_cell(t, n, result_guest_ns(m, i));
            sum[i] += n;
        }
        count_cell(t, all);
        sum[RESULT_VMS] += all;
    }
    finish(f, t, colour);
}

static void print_memory(FILE *f, const struct result_set *set, const struct result_run *run, bool colour)
{
    static const struct column column[] = {{{"", "node"}, false, 0},          {{"", "CPUs"}, false, 3},
                                           {{"", "memory"}, false, 0},        {{"least", "free"}, false, 1},
                                           {{"monitor", "itself"}, false, 0}, {{"accesses", "served"}, false, 2},
                                           {{"% by own", "CPUs"}, false, 2}};
    const struct result_monitor *m = run->monitor;
    char cell[TEXT_FIGURE];
    struct columns *t = columns_new(column, sizeof column / sizeof column[0]);
    for (uint32_t n = 0; n < m->nnodes; n++) {
        uint64_t all = 0, own = 0;
        for (uint32_t from = 0; run->traffic && from < m->nnodes; from++) {
            const uint64_t *c = run->traffic + ((size_t)from * m->nnodes + n) * 2;
            all += c[0] + c[1];
            own += from == n ? c[0] + c[1] : 0;
        }
        snprintf(cell, sizeof cell, "%" PRIu32, n);
        columns_cell(t, cell);
        count_cell(t, set->machine.node_cpus[n]);
        bytes_cell(t, m->node[n].total_bytes);
        bytes_cell(t, m->node[n].free_bytes);
        bytes_cell(t, m->node[n].monitor_bytes);
        count_cell(t, all);
        part_cell(t, own, all);
    }
    finish(f, t, colour);
}

static void print_disks(FILE *f, const struct result_monitor *m, bool colour)
{
    static const struct column column[] = {{{"", "disk"}, true, 0},
                                           {{"drive", "reads"}, false, 1},
                                           {{"blocks", "read"}, false, 0},
                                           {{"found in", "memory"}, false, 0},
                                           {{"", "mapped"}, false, 0},
                                           {{"", "copied"}, false, 0},
                                           {{"VMs' own", "blocks"}, false, 2},
                                           {{"in", "memory"}, false, 1}};
    char cell[64];
    if (!m->ndisks)
        return;
    struct columns *t = columns_new(column, sizeof column / sizeof column[0]);
    for (uint32_t i = 0; i < m->ndisks; i++) {
        const struct result_disk *d = &m->disk[i];
        columns_cell(t, text_clean(cell, sizeof cell, d->name));
        const uint64_t counts[] = {d->drive_reads, d->drive_blocks, d->hits, d->maps, d->copies, d->private_blocks};
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
            count_cell(t, counts[k]);
        bytes_cell(t, d->resident_blocks * PAGE);
    }
    finish(f, t, colour);
}

static void print_facts(FILE *f, const struct result_monitor *m)
{
    char own[TEXT_FIGURE], all[TEXT_FIGURE], part[TEXT_FIGURE], wait[TEXT_FIGURE], rounds[TEXT_FIGURE];
    uint64_t bytes = result_monitor_bytes(m);
    fprintf(f, "the monitor itself takes %s of %s, %s %%; %s shootdown%s, which waited %s in all\n",
            text_bytes(own, sizeof own, bytes), text_bytes(all, sizeof all, m->memory_bytes),
            text_part(part, sizeof part, bytes, m->memory_bytes), text_count(rounds, sizeof rounds, m->shootdowns),
            plural(m->shootdowns), text_duration(wait, sizeof wait, m->shootdown_wait_ns));
    if (m->observations_lost)
        fprintf(f, "of the observations %s were lost: they came faster than the serial line takes them\n",
                text_count(own, sizeof own, m->observations_lost));
    if (m->lost_frames || m->bad_bytes)
        fprintf(f, "telemetry: frames lost: %" PRIu64 ", bytes damaged: %" PRIu64 "\n", m->lost_frames, m->bad_bytes);
}

static void print_ends(FILE *f, const struct result_monitor *m)
{
    char why[256];
    for (uint32_t i = 0; i < m->nvms; i++)
        if (m->vm[i].why[0])
            fprintf(f, "%s: %s\n", text_clean(why, 48, m->vm[i].name),
                    text_clean(why + 64, sizeof why - 64, m->vm[i].why));
    if (m->why[0])
        fprintf(f, "%s\n", text_clean(why, sizeof why, m->why));
}

void show_monitor(FILE *f, const struct result_set *set, bool colour)
{
    const struct result_run *run = &set->runs[0];
    const struct result_monitor *m = run->monitor;
    char answer[800], name[sizeof run->spec], clean[800], harvests[TEXT_FIGURE];
    fprintf(f,
            "%s on %s: %" PRIu32 " node%s, %" PRIu32 " CPU%s; accessed bits harvested %s time%s, due every %" PRIu32
            " ms, one stands for %" PRIu32 " access%s\n\n",
            text_clean(name, sizeof name, run->spec), text_clean(clean, sizeof clean, set->machine.name),
            set->machine.nodes, plural(set->machine.nodes), set->trace.cpus, plural(set->trace.cpus),
            text_count(harvests, sizeof harvests, m->harvests), plural(m->harvests), m->harvest_ms, m->weight,
            m->weight == 1 ? "" : "es");
    print_vms(f, m, colour);
    print_moved(f, run, colour);
    print_exits(f, m, colour);
    print_memory(f, set, run, colour);
    print_disks(f, m, colour);
    print_facts(f, m);
    print_ends(f, m);
    result_answer(set, answer, sizeof answer);
    fprintf(f, "\n%s%s%s\n", colour ? "\033[1m" : "", text_clean(clean, sizeof clean, answer), colour ? "\033[0m" : "");
}
