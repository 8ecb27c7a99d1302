/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the monitor has told so far: the latest totals of everything, and a curve over time made of the periodic ones.
 * Memory is given back when a VM ends: of a node's free memory the least is kept, of the monitor's own the most, of a
 * VM's pages what it had last.
 * Frames are hostile: what makes no sense is counted and ignored.
 */
#ifndef MONITOR_CORE_LAUNCH_GATHER_H
#define MONITOR_CORE_LAUNCH_GATHER_H

#include "monitor-core/config.h"
#include "monitor-core/launch/telemetry_reader.h"
#include "monitor-core/sched.h"

enum { GATHER_NODES = 16, GATHER_CPUS = 64, GATHER_SAMPLES = 1024 };

/* Totals at one time. */
struct gather_sample {
    uint64_t time_ns, seen, seen_local, moves, copies, collapses, replicas;
};

struct gather {
    bool greeted, ended;
    struct telemetry_hello hello;
    struct telemetry_end end;
    struct telemetry_engine engine; /* time_ns 0: none came */
    uint32_t nnodes, nvms, nvcpus, ndisks;
    struct telemetry_node node[GATHER_NODES];
    struct telemetry_vm vm[CONFIG_VMS];
    struct telemetry_vcpu vcpu[SCHED_VCPUS];
    struct telemetry_disk disk[CONFIG_DISKS];
    uint64_t strange;                   /* frames that made no sense */
    uint32_t nsamples, stride, skipped; /* one sample in `stride` is kept; `skipped` since the last one kept */
    struct gather_sample sample[GATHER_SAMPLES];
};

void gather_init(struct gather *);

/* False when the frame made no sense. TEXT and OBSERVED frames are not for here: true, and nothing happens. */
bool gather_frame(struct gather *, const struct telemetry_frame *);

/* Accesses seen so far, and those of them that their own node served. */
void gather_seen(const struct gather *, uint64_t *all, uint64_t *local);

/* Has every VM powered itself off? */
bool gather_all_off(const struct gather *);

/* "powered off", "crashed", ... ; "running" for one that has not ended. */
const char *gather_vm_end(const struct telemetry_vm *);

#endif
