/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/layout_monitor.h"

#include <string.h>

/* Whole names; a final '*' stands for any rest. */
static const char *const replay_only[] = {"elapsed_ns",
                                          "makespan_ns",
                                          "exec_ns",
                                          "local_stall_ns",
                                          "remote_stall_ns",
                                          "overhead_*",
                                          "memory_ns",
                                          "memory_flat_ns",
                                          "samples",
                                          "to_optimum*",
                                          "link_*",
                                          "stall_ns",
                                          "memory_utilisation_*",
                                          "memory_bytes_per_s",
                                          "machine_line_bytes",
                                          "machine_mlp_ppm",
                                          "machine_sampling",
                                          "machine_sample_ns",
                                          "machine_hint_ns",
                                          "machine_fault_ns",
                                          "machine_scan_ps",
                                          "machine_fill_ns",
                                          "machine_sync_ns",
                                          "machine_sync_page_ns",
                                          "machine_sync_target_ns",
                                          "machine_drop_ns",
                                          "contention",
                                          "repeat",
                                          "intensity",
                                          "time_scale_ppm",
                                          "capacity_ppm",
                                          "cpu_map",
                                          "exec_capped_ppm",
                                          "threads",
                                          "trace_digest",
                                          "trace_records",
                                          "trace_line_bytes",
                                          "trace_chunks",
                                          "trace_lost",
                                          "trace_path",
                                          "trace_columns",
                                          "trace_labels"};

static bool only_replayed(const char *name)
{
    for (size_t i = 0; i < sizeof replay_only / sizeof *replay_only; i++) {
        size_t n = strlen(replay_only[i]);
        bool open = replay_only[i][n - 1] == '*';
        if (open ? strncmp(name, replay_only[i], n - 1) == 0 : strcmp(name, replay_only[i]) == 0)
            return true;
    }
    return false;
}

const struct hdf_member *layout_known(const struct hdf_member *all, bool monitor, struct hdf_member *room)
{
    size_t n = 0;
    if (!monitor)
        return all;
    for (; all->name && n + 1 < LAYOUT_MEMBERS; all++)
        if (!only_replayed(all->name))
            room[n++] = *all;
    room[n] = (struct hdf_member){0};
    return room;
}

#define COUNT(type, field) HDF_MEMBER(type, of.field, HDF_U64, #field)
#define SMALL(type, field) HDF_MEMBER(type, of.field, HDF_U32, #field)
#define TEXT(type, field) HDF_STRING(type, of.field, #field)
#define RUN(type) HDF_MEMBER(type, run, HDF_U32, "run")

const struct hdf_member layout_monitor[] = {
    RUN(struct layout_monitor),
    TEXT(struct layout_monitor, end),
    TEXT(struct layout_monitor, why),
    TEXT(struct layout_monitor, config_digest),
    COUNT(struct layout_monitor, duration_ns),
    COUNT(struct layout_monitor, memory_bytes),
    COUNT(struct layout_monitor, tsc_khz),
    SMALL(struct layout_monitor, harvest_ms),
    SMALL(struct layout_monitor, weight),
    SMALL(struct layout_monitor, around),
    SMALL(struct layout_monitor, record),
    COUNT(struct layout_monitor, pages),
    COUNT(struct layout_monitor, shootdowns),
    COUNT(struct layout_monitor, kicks),
    COUNT(struct layout_monitor, shootdown_wait_ns),
    COUNT(struct layout_monitor, nested_tables),
    COUNT(struct layout_monitor, harvests),
    COUNT(struct layout_monitor, shared_pages),
    COUNT(struct layout_monitor, switches),
    COUNT(struct layout_monitor, vcpu_migrations),
    COUNT(struct layout_monitor, idle_ns),
    COUNT(struct layout_monitor, frames),
    COUNT(struct layout_monitor, lost_frames),
    COUNT(struct layout_monitor, bad_bytes),
    COUNT(struct layout_monitor, observations_lost),
    {0},
};

const struct hdf_member layout_vm[] = {
    RUN(struct layout_vm),
    HDF_MEMBER(struct layout_vm, vm, HDF_U32, "vm"),
    TEXT(struct layout_vm, name),
    SMALL(struct layout_vm, vcpus),
    TEXT(struct layout_vm, end),
    TEXT(struct layout_vm, why),
    COUNT(struct layout_vm, memory_pages),
    COUNT(struct layout_vm, private_pages),
    COUNT(struct layout_vm, shared_pages),
    COUNT(struct layout_vm, touches),
    COUNT(struct layout_vm, copies_on_write),
    COUNT(struct layout_vm, resets),
    COUNT(struct layout_vm, local_accesses),
    HDF_MEMBER(struct layout_vm, local_share, HDF_F64, "local_share"),
    {0},
};

const struct hdf_member layout_vm_traffic[] = {
    RUN(struct layout_vm_traffic),
    HDF_MEMBER(struct layout_vm_traffic, vm, HDF_U32, "vm"),
    HDF_MEMBER(struct layout_vm_traffic, node, HDF_U32, "node"),
    HDF_MEMBER(struct layout_vm_traffic, accesses, HDF_U64, "accesses"),
    {0},
};

const struct hdf_member layout_vcpu[] = {
    RUN(struct layout_vcpu),
    HDF_MEMBER(struct layout_vcpu, vcpu, HDF_U32, "vcpu"),
    SMALL(struct layout_vcpu, vm),
    SMALL(struct layout_vcpu, index),
    COUNT(struct layout_vcpu, guest_ns),
    COUNT(struct layout_vcpu, monitor_ns),
    COUNT(struct layout_vcpu, used_ns),
    {0},
};

const struct hdf_member layout_exits[] = {
    RUN(struct layout_exits),
    HDF_MEMBER(struct layout_exits, vm, HDF_U32, "vm"),
    HDF_MEMBER(struct layout_exits, vcpu, HDF_U32, "vcpu"),
    HDF_STRING(struct layout_exits, kind, "kind"),
    HDF_MEMBER(struct layout_exits, exits, HDF_U64, "exits"),
    HDF_MEMBER(struct layout_exits, per_guest_s, HDF_F64, "per_guest_s"),
    {0},
};

const struct hdf_member layout_memory[] = {
    RUN(struct layout_memory),
    HDF_MEMBER(struct layout_memory, node, HDF_U32, "node"),
    HDF_MEMBER(struct layout_memory, cpus, HDF_U32, "cpus"),
    COUNT(struct layout_memory, total_bytes),
    COUNT(struct layout_memory, free_bytes),
    COUNT(struct layout_memory, monitor_bytes),
    {0},
};

const struct hdf_member layout_disk[] = {
    RUN(struct layout_disk),
    HDF_MEMBER(struct layout_disk, disk, HDF_U32, "disk"),
    TEXT(struct layout_disk, name),
    SMALL(struct layout_disk, persistent),
    COUNT(struct layout_disk, drive_reads),
    COUNT(struct layout_disk, drive_blocks),
    COUNT(struct layout_disk, hits),
    COUNT(struct layout_disk, maps),
    COUNT(struct layout_disk, copies),
    COUNT(struct layout_disk, private_blocks),
    COUNT(struct layout_disk, let_go),
    COUNT(struct layout_disk, resident_blocks),
    {0},
};
