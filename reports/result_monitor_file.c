/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/layout.h"
#include "reports/layout_monitor.h"

/* The rows of one kind, over all runs of a file. */
struct rows {
    struct layout_monitor *monitor;
    struct layout_vm *vm;
    struct layout_vm_traffic *traffic;
    struct layout_vcpu *vcpu;
    struct layout_exits *exits;
    struct layout_memory *memory;
    struct layout_disk *disk;
    uint64_t nmonitor, nvm, ntraffic, nvcpu, nexits, nmemory, ndisk;
};

static void free_rows(struct rows *rows)
{
    free(rows->monitor);
    free(rows->vm);
    free(rows->traffic);
    free(rows->vcpu);
    free(rows->exits);
    free(rows->memory);
    free(rows->disk);
}

static int make_rows(struct rows *rows, uint64_t runs)
{
    memset(rows, 0, sizeof *rows);
    rows->monitor = calloc(runs, sizeof *rows->monitor);
    rows->vm = calloc(runs * RESULT_VMS, sizeof *rows->vm);
    rows->traffic = calloc(runs * RESULT_VMS * RESULT_VM_NODES, sizeof *rows->traffic);
    rows->vcpu = calloc(runs * RESULT_VCPUS, sizeof *rows->vcpu);
    rows->exits = calloc(runs * RESULT_VCPUS * RESULT_EXITS, sizeof *rows->exits);
    rows->memory = calloc(runs * RESULT_VM_NODES, sizeof *rows->memory);
    rows->disk = calloc(runs * RESULT_DISKS, sizeof *rows->disk);
    bool all = rows->monitor && rows->vm && rows->traffic && rows->vcpu && rows->exits && rows->memory && rows->disk;
    if (!all)
        free_rows(rows);
    return all ? 0 : -ENOMEM;
}

static void add_vms(struct rows *rows, uint32_t run, const struct result_monitor *m)
{
    for (uint32_t i = 0; i < m->nvms; i++) {
        const struct result_vm *vm = &m->vm[i];
        uint64_t all = 0;
        for (uint32_t n = 0; n < m->nnodes; n++) {
            all += vm->accesses[n];
            rows->traffic[rows->ntraffic++] = (struct layout_vm_traffic){run, i, n, vm->accesses[n]};
        }
        rows->vm[rows->nvm++] = (struct layout_vm){run, i, all ? (double)vm->local_accesses / (double)all : NAN, *vm};
    }
}

static void add_vcpus(struct rows *rows, uint32_t run, const struct result_monitor *m)
{
    for (uint32_t i = 0; i < m->nvcpus; i++) {
        const struct result_vcpu *v = &m->vcpu[i];
        rows->vcpu[rows->nvcpu++] = (struct layout_vcpu){run, i, *v};
        for (uint32_t k = 0; k < RESULT_EXITS; k++) {
            struct layout_exits *row = &rows->exits[rows->nexits++];
            *row = (struct layout_exits){.run = run, .vm = v->vm, .vcpu = i, .exits = v->exits[k]};
            snprintf(row->kind, sizeof row->kind, "%s", result_exit_names[k]);
            row->per_guest_s = v->guest_ns ? (double)v->exits[k] * 1e9 / (double)v->guest_ns : NAN;
        }
    }
}

static void add_run(struct rows *rows, uint32_t run, const struct machine_desc *machine, const struct result_monitor *m)
{
    rows->monitor[rows->nmonitor++] = (struct layout_monitor){run, *m};
    add_vms(rows, run, m);
    add_vcpus(rows, run, m);
    for (uint32_t n = 0; n < m->nnodes; n++)
        rows->memory[rows->nmemory++] = (struct layout_memory){run, n, machine->node_cpus[n], m->node[n]};
    for (uint32_t d = 0; d < m->ndisks; d++)
        rows->disk[rows->ndisk++] = (struct layout_disk){run, d, m->disk[d]};
}

#define WRITE(name, layout, which) hdf_table_write(file, name, layout, sizeof *rows.which, rows.which, rows.n##which)

int result_monitor_write(hid_t file, const struct result_set *sets, uint32_t nsets)
{
    struct rows rows;
    uint32_t runs = 0, monitors = 0, index = 0;
    for (uint32_t s = 0; s < nsets; s++)
        for (uint32_t r = 0; r < sets[s].nruns; r++, runs++)
            monitors += sets[s].runs[r].monitor != NULL;
    if (!monitors)
        return 0;
    int error = monitors != runs ? -EINVAL : make_rows(&rows, runs);
    if (error)
        return error;
    for (uint32_t s = 0; s < nsets; s++)
        for (uint32_t r = 0; r < sets[s].nruns; r++)
            add_run(&rows, index++, &sets[s].machine, sets[s].runs[r].monitor);
    error = WRITE("monitor", layout_monitor, monitor);
    error = error ? error : WRITE("vms", layout_vm, vm);
    error = error ? error : WRITE("vm_traffic", layout_vm_traffic, traffic);
    error = error ? error : WRITE("vcpus", layout_vcpu, vcpu);
    error = error ? error : WRITE("exits", layout_exits, exits);
    error = error ? error : WRITE("memory", layout_memory, memory);
    error = error ? error : WRITE("disks", layout_disk, disk);
    free_rows(&rows);
    return error;
}

static int wrong(struct hdf_reader *reader, const char *table, const char *what)
{
    snprintf(reader->where, sizeof reader->where, "/%s", table);
    reader->what = what;
    return -EINVAL;
}

/* The run of that number, over all sets; null: there is none. */
static struct result_monitor *of_run(struct result_set *sets, uint32_t nsets, uint32_t run)
{
    for (uint32_t s = 0; s < nsets; s++) {
        if (run < sets[s].nruns)
            return sets[s].runs[run].monitor;
        run -= sets[s].nruns;
    }
    return NULL;
}

/* Rows are in the order of the runs of /summary, which are those of the sets one after the other when we wrote them. */
static int take_monitors(struct hdf_reader *reader, const struct rows *rows, struct result_set *sets, uint32_t nsets)
{
    uint64_t n = 0;
    for (uint32_t s = 0; s < nsets; s++)
        for (uint32_t r = 0; r < sets[s].nruns; r++, n++) {
            struct result_run *run = &sets[s].runs[r];
            if (n >= rows->nmonitor || rows->monitor[n].run != n)
                return wrong(reader, "monitor", "has not one row per run");
            run->monitor = calloc(1, sizeof *run->monitor);
            if (!run->monitor)
                return -ENOMEM;
            *run->monitor = rows->monitor[n].of;
            if (sets[s].machine.nodes > RESULT_VM_NODES)
                return wrong(reader, "monitor", "has more than 16 nodes");
            run->monitor->nnodes = sets[s].machine.nodes;
        }
    return n == rows->nmonitor ? 0 : wrong(reader, "monitor", "has not one row per run");
}

static int take_vms(struct hdf_reader *reader, const struct rows *rows, struct result_set *sets, uint32_t nsets)
{
    for (uint64_t i = 0; i < rows->nvm; i++) {
        struct result_monitor *m = of_run(sets, nsets, rows->vm[i].run);
        if (!m || rows->vm[i].vm != m->nvms || m->nvms == RESULT_VMS)
            return wrong(reader, "vms", "is not in order");
        m->vm[m->nvms++] = rows->vm[i].of;
    }
    for (uint64_t i = 0; i < rows->ntraffic; i++) {
        const struct layout_vm_traffic *t = &rows->traffic[i];
        struct result_monitor *m = of_run(sets, nsets, t->run);
        if (!m || t->vm >= m->nvms || t->node >= m->nnodes)
            return wrong(reader, "vm_traffic", "names a VM or a node that is not there");
        m->vm[t->vm].accesses[t->node] = t->accesses;
    }
    return 0;
}

static int take_vcpus(struct hdf_reader *reader, const struct rows *rows, struct result_set *sets, uint32_t nsets)
{
    for (uint64_t i = 0; i < rows->nvcpu; i++) {
        struct result_monitor *m = of_run(sets, nsets, rows->vcpu[i].run);
        if (!m || rows->vcpu[i].vcpu != m->nvcpus || m->nvcpus == RESULT_VCPUS || rows->vcpu[i].of.vm >= m->nvms)
            return wrong(reader, "vcpus", "is not in order, or names a VM that is not there");
        m->vcpu[m->nvcpus++] = rows->vcpu[i].of;
    }
    for (uint64_t i = 0; i < rows->nexits; i++) {
        const struct layout_exits *e = &rows->exits[i];
        struct result_monitor *m = of_run(sets, nsets, e->run);
        if (!m || e->vcpu >= m->nvcpus)
            return wrong(reader, "exits", "names a virtual CPU that is not there");
        for (unsigned k = 0; k < RESULT_EXITS; k++)
            if (strcmp(e->kind, result_exit_names[k]) == 0)
                m->vcpu[e->vcpu].exits[k] = e->exits;
    }
    return 0;
}

static int take_rest(struct hdf_reader *reader, const struct rows *rows, struct result_set *sets, uint32_t nsets)
{
    for (uint64_t i = 0; i < rows->nmemory; i++) {
        struct result_monitor *m = of_run(sets, nsets, rows->memory[i].run);
        if (!m || rows->memory[i].node >= m->nnodes)
            return wrong(reader, "memory", "names a node that is not there");
        m->node[rows->memory[i].node] = rows->memory[i].of;
    }
    for (uint64_t i = 0; i < rows->ndisk; i++) {
        struct result_monitor *m = of_run(sets, nsets, rows->disk[i].run);
        if (!m || rows->disk[i].disk != m->ndisks || m->ndisks == RESULT_DISKS)
            return wrong(reader, "disks", "is not in order");
        m->disk[m->ndisks++] = rows->disk[i].of;
    }
    return 0;
}

#define READ(name, layout, which, each)                                                                          \
    hdf_table_read(reader, file, name, layout, sizeof *rows.which, runs *(uint64_t)(each), (void **)&rows.which, \
                   &rows.n##which)

int result_monitor_read(struct hdf_reader *reader, hid_t file, struct result_set *sets, uint32_t nsets)
{
    struct rows rows = {0};
    uint64_t runs = 0;
    if (!reader->monitor)
        return 0;
    for (uint32_t s = 0; s < nsets; s++)
        runs += sets[s].nruns;
    int error = READ("monitor", layout_monitor, monitor, 1);
    error = error ? error : READ("vms", layout_vm, vm, RESULT_VMS);
    error = error ? error : READ("vm_traffic", layout_vm_traffic, traffic, RESULT_VMS * RESULT_VM_NODES);
    error = error ? error : READ("vcpus", layout_vcpu, vcpu, RESULT_VCPUS);
    error = error ? error : READ("exits", layout_exits, exits, RESULT_VCPUS * RESULT_EXITS);
    error = error ? error : READ("memory", layout_memory, memory, RESULT_VM_NODES);
    error = error ? error : READ("disks", layout_disk, disk, RESULT_DISKS);
    error = error ? error : take_monitors(reader, &rows, sets, nsets);
    error = error ? error : take_vms(reader, &rows, sets, nsets);
    error = error ? error : take_vcpus(reader, &rows, sets, nsets);
    error = error ? error : take_rest(reader, &rows, sets, nsets);
    free_rows(&rows);
    return error;
}
