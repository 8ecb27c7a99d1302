/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a run of the monitor tells besides what a replay tells: its VMs, their exits, memory, disks
 * (docs/result-format.md). In the file: /monitor, one row per run; /vms, /vm_traffic, /vcpus, /exits, /memory, /disks
 * with a column `run`.
 */
#ifndef REPORTS_RESULT_MONITOR_H
#define REPORTS_RESULT_MONITOR_H

#include "reports/result.h"

enum { RESULT_VMS = 16, RESULT_VCPUS = 64, RESULT_DISKS = 16, RESULT_VM_NODES = 16, RESULT_EXITS = 16 };

/* As enum exit_kind. */
extern const char *const result_exit_names[RESULT_EXITS];

struct result_vm {
    uint32_t vcpus;
    char name[32], end[24], why[96]; /* end: "powered off", "crashed", "running", ... */
    uint64_t memory_pages, private_pages, shared_pages, touches, copies_on_write, resets;
    uint64_t accesses[RESULT_VM_NODES]; /* to each node's memory */
    uint64_t local_accesses;
};

struct result_vcpu {
    uint32_t vm, index;
    uint64_t guest_ns, monitor_ns, used_ns;
    uint64_t exits[RESULT_EXITS];
};

struct result_memory {
    uint64_t total_bytes, free_bytes, monitor_bytes; /* the least that was free, the most that was the monitor's */
};

struct result_disk {
    char name[32];
    uint32_t persistent;
    uint64_t drive_reads, drive_blocks, hits, maps, copies, private_blocks, let_go, resident_blocks;
};

struct result_monitor {
    char end[24]; /* "all off", "crash", "panic", "stopped", "time limit", "cut off" */
    char why[240];
    char config_digest[32];
    uint64_t duration_ns, memory_bytes, tsc_khz;
    uint32_t harvest_ms, weight, around, record;
    uint64_t pages; /* ids: the VMs' own and those of disk blocks */
    uint64_t shootdowns, kicks, shootdown_wait_ns, nested_tables, harvests, shared_pages;
    uint64_t switches, vcpu_migrations, idle_ns;
    uint64_t frames, lost_frames, bad_bytes; /* of the telemetry */
    uint64_t observations_lost;              /* of a recording: they came too fast */
    uint32_t nvms, nvcpus, ndisks, nnodes;
    struct result_vm vm[RESULT_VMS];
    struct result_vcpu vcpu[RESULT_VCPUS];
    struct result_disk disk[RESULT_DISKS];
    struct result_memory node[RESULT_VM_NODES];
};

/* Exits of a kind over all virtual CPUs of a VM (RESULT_VMS: of all). */
uint64_t result_exits(const struct result_monitor *, uint32_t vm, unsigned kind);
uint64_t result_guest_ns(const struct result_monitor *, uint32_t vm);
/* What they had a CPU for and were not in the guest: their exits, and the monitor's own work on that CPU meanwhile
 * (harvests, moves, reports, switches). */
uint64_t result_monitor_ns(const struct result_monitor *, uint32_t vm);
uint64_t result_monitor_bytes(const struct result_monitor *);

/* "migrep moved 12,345 pages and copied 678 ... " */
void result_monitor_answer(const struct result_set *, char *text, size_t size);

#endif
