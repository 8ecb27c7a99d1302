/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/layout.h"

#include <stdio.h>
#include <string.h>

#define ROW(field, kind, name) HDF_MEMBER(struct layout_summary, field, kind, name)
#define RUN(field) HDF_MEMBER(struct layout_summary, run.field, HDF_U64, #field)

const struct hdf_member layout_summary[] = {
    ROW(set, HDF_U32, "set"),
    HDF_STRING(struct layout_summary, group, "group"),
    HDF_STRING(struct layout_summary, trace, "trace"),
    HDF_STRING(struct layout_summary, trace_digest, "trace_digest"),
    HDF_STRING(struct layout_summary, machine, "machine"),
    HDF_STRING(struct layout_summary, run.policy, "policy"),
    HDF_STRING(struct layout_summary, run.spec, "spec"),
    ROW(run.batch, HDF_U32, "batch"),
    ROW(run.sampling, HDF_U32, "sampling"),
    RUN(elapsed_ns),
    RUN(makespan_ns),
    RUN(exec_ns),
    RUN(local_stall_ns),
    RUN(remote_stall_ns),
    RUN(overhead_ns),
    RUN(memory_ns),
    RUN(memory_flat_ns),
    ROW(run.overhead_by[OVERHEAD_SAMPLE], HDF_U64, "overhead_sample_ns"),
    ROW(run.overhead_by[OVERHEAD_HINT], HDF_U64, "overhead_hint_ns"),
    ROW(run.overhead_by[OVERHEAD_SCAN], HDF_U64, "overhead_scan_ns"),
    ROW(run.overhead_by[OVERHEAD_MOVE], HDF_U64, "overhead_move_ns"),
    ROW(run.overhead_by[OVERHEAD_COPY], HDF_U64, "overhead_copy_ns"),
    ROW(run.overhead_by[OVERHEAD_COLLAPSE], HDF_U64, "overhead_collapse_ns"),
    ROW(run.overhead_by[OVERHEAD_SHOOTDOWN], HDF_U64, "overhead_shootdown_ns"),
    RUN(misses),
    RUN(local_misses),
    ROW(local_share, HDF_F64, "local_share"),
    RUN(moves),
    RUN(copies),
    RUN(collapses),
    RUN(drops),
    RUN(hints),
    RUN(samples),
    RUN(touches),
    RUN(fallbacks),
    ROW(refused, HDF_U64, "refused"),
    ROW(run.refused_by[0], HDF_U64, "refused_invalid"),
    ROW(run.refused_by[1], HDF_U64, "refused_there"),
    ROW(run.refused_by[2], HDF_U64, "refused_busy"),
    ROW(run.refused_by[3], HDF_U64, "refused_budget"),
    ROW(run.refused_by[4], HDF_U64, "refused_memory"),
    ROW(run.refused_by[5], HDF_U64, "refused_nosup"),
    ROW(run.refused_by[6], HDF_U64, "refused_room"),
    RUN(moved_bytes),
    RUN(copied_bytes),
    RUN(replica_bytes_peak),
    RUN(replica_bytes_mean),
    RUN(digest),
    ROW(inactive, HDF_U8, "inactive"),
    ROW(is_static, HDF_U8, "static"),
    ROW(to_optimum, HDF_F64, "to_optimum"),
    ROW(run.to_optimum_ppm, HDF_I64, "to_optimum_ppm"),
    ROW(run.link_utilisation_peak, HDF_U32, "link_utilisation_peak_ppm"),
    ROW(run.link_from, HDF_U8, "link_from"),
    ROW(run.link_to, HDF_U8, "link_to"),
    ROW(run.slice_windows, HDF_U32, "slice_windows"),
    HDF_STRING(struct layout_summary, labels, "labels"),
    {0},
};

#define SET(field, kind, name) HDF_MEMBER(struct layout_inputs, field, kind, name)
#define TEXT(field, name) HDF_STRING(struct layout_inputs, set.field, name)
#define COST(field) SET(set.machine.costs.field, HDF_U64, "machine_" #field)

const struct hdf_member layout_inputs[] = {
    TEXT(program, "program"),
    TEXT(command, "command"),
    TEXT(date, "date"),
    SET(set.threads, HDF_U32, "threads"),
    TEXT(trace_path, "trace_path"),
    TEXT(trace.name, "trace_name"),
    SET(set.trace.digest, HDF_U64, "trace_digest"),
    SET(set.trace.records, HDF_U64, "trace_records"),
    SET(set.trace.misses, HDF_U64, "trace_misses"),
    SET(set.trace.first_time, HDF_U64, "trace_first_time_ns"),
    SET(set.trace.last_time, HDF_U64, "trace_last_time_ns"),
    SET(set.trace.period, HDF_U64, "trace_period"),
    SET(set.trace.lost, HDF_U64, "trace_lost"),
    SET(set.trace.pages, HDF_U32, "trace_pages"),
    SET(set.trace.chunks, HDF_U32, "trace_chunks"),
    SET(set.trace.cpus, HDF_U32, "trace_cpus"),
    SET(set.trace.nodes, HDF_U32, "trace_nodes"),
    SET(set.trace.page_size, HDF_U32, "trace_page_bytes"),
    SET(set.trace.line_size, HDF_U32, "trace_line_bytes"),
    SET(trace_columns, HDF_U32, "trace_columns"),
    SET(trace_labels, HDF_U32, "trace_labels"),
    TEXT(trace.source, "trace_source"),
    TEXT(trace.event, "trace_event"),
    TEXT(trace.host, "trace_host"),
    TEXT(trace.kernel, "trace_kernel"),
    TEXT(trace.command, "trace_command"),
    TEXT(trace.date, "trace_date"),
    TEXT(trace.note, "trace_note"),
    TEXT(machine.name, "machine"),
    TEXT(machine.summary, "machine_summary"),
    TEXT(machine.source, "machine_source"),
    SET(set.machine.nodes, HDF_U32, "machine_nodes"),
    SET(set.machine.line_size, HDF_U32, "machine_line_bytes"),
    SET(set.machine.mlp_ppm, HDF_U64, "machine_mlp_ppm"),
    SET(set.machine.sampling, HDF_U32, "machine_sampling"),
    COST(sample_ns),
    COST(hint_ns),
    COST(fault_ns),
    COST(scan_ps),
    COST(fill_ns),
    COST(sync_ns),
    COST(sync_page_ns),
    COST(sync_target_ns),
    COST(drop_ns),
    SET(contention, HDF_U8, "contention"),
    SET(set.repeat, HDF_U64, "repeat"),
    SET(set.intensity, HDF_U64, "intensity"),
    SET(set.time_scale_ppm, HDF_U64, "time_scale_ppm"),
    SET(set.capacity_ppm, HDF_U64, "capacity_ppm"),
    TEXT(cpu_map, "cpu_map"),
    SET(set.exec_capped_ppm, HDF_U64, "exec_capped_ppm"),
    {0},
};

#define BOUND(field) HDF_MEMBER(struct layout_bounds, bounds.field, HDF_U64, #field)

const struct hdf_member layout_bounds[] = {
    HDF_MEMBER(struct layout_bounds, set, HDF_U32, "set"),
    BOUND(uma_ns),
    BOUND(first_touch_ns),
    BOUND(round_robin_ns),
    BOUND(post_facto_ns),
    BOUND(optimum_ns),
    BOUND(lagrangian_ns),
    HDF_MEMBER(struct layout_bounds, optimum_exact, HDF_U8, "optimum_exact"),
    HDF_STRING(struct layout_bounds, bounds.label, "label"),
    {0},
};

const struct hdf_member layout_node[] = {
    HDF_MEMBER(struct layout_node, node, HDF_U32, "node"),
    HDF_MEMBER(struct layout_node, cpus, HDF_U32, "cpus"),
    HDF_MEMBER(struct layout_node, tier, HDF_U32, "tier"),
    HDF_MEMBER(struct layout_node, bytes_per_second, HDF_U64, "memory_bytes_per_s"),
    HDF_MEMBER(struct layout_node, frames, HDF_U64, "frames"),
    {0},
};

const struct hdf_member layout_link[] = {
    HDF_MEMBER(struct layout_link, from, HDF_U32, "from"),
    HDF_MEMBER(struct layout_link, to, HDF_U32, "to"),
    HDF_MEMBER(struct layout_link, latency_ps, HDF_U32, "latency_ps"),
    HDF_MEMBER(struct layout_link, bytes_per_second, HDF_U64, "link_bytes_per_s"),
    {0},
};

const struct hdf_member layout_point[] = {
    HDF_MEMBER(struct layout_point, utilisation_ppm, HDF_U32, "utilisation_ppm"),
    HDF_MEMBER(struct layout_point, factor_ppm, HDF_U32, "factor_ppm"),
    {0},
};

const struct hdf_member layout_cpu[] = {
    HDF_MEMBER(struct layout_cpu, cpu, HDF_U32, "cpu"),
    HDF_MEMBER(struct layout_cpu, node, HDF_U32, "node"),
    {0},
};

#define NAMED(name_column, value_column)                                        \
    {                                                                           \
        HDF_STRING(struct layout_named, name, name_column),                     \
            HDF_MEMBER(struct layout_named, value, HDF_U64, value_column), {0}, \
    }

const struct hdf_member layout_parameter[] = NAMED("parameter", "value");
const struct hdf_member layout_overhead[] = NAMED("cause", "overhead_ns");
const struct hdf_member layout_refused[] = NAMED("reason", "orders");

const struct hdf_member layout_use[] = {
    HDF_MEMBER(struct layout_use, node, HDF_U32, "node"),
    HDF_MEMBER(struct layout_use, mean_ppm, HDF_U32, "memory_utilisation_mean_ppm"),
    HDF_MEMBER(struct layout_use, peak_ppm, HDF_U32, "memory_utilisation_peak_ppm"),
    {0},
};

const struct hdf_member layout_traffic[] = {
    HDF_MEMBER(struct layout_traffic, from, HDF_U32, "from"),
    HDF_MEMBER(struct layout_traffic, to, HDF_U32, "to"),
    HDF_MEMBER(struct layout_traffic, reads, HDF_U64, "read_misses"),
    HDF_MEMBER(struct layout_traffic, writes, HDF_U64, "write_misses"),
    {0},
};

const struct hdf_member layout_execution[] = {
    HDF_MEMBER(struct layout_execution, run, HDF_U32, "run"),
    HDF_MEMBER(struct layout_execution, threads_group, HDF_U32, "threads_group"),
    {0},
};

#define CHECK_TEXT(field) HDF_STRING(struct layout_check, check.field, #field)
#define CHECK_VALUE(field) HDF_MEMBER(struct layout_check, check.field, HDF_F64, #field)

const struct hdf_member layout_check[] = {
    HDF_MEMBER(struct layout_check, set, HDF_U32, "set"),
    CHECK_TEXT(workload),
    CHECK_TEXT(quantity),
    CHECK_TEXT(unit),
    CHECK_VALUE(paper),
    CHECK_VALUE(here),
    CHECK_VALUE(low),
    CHECK_VALUE(high),
    HDF_MEMBER(struct layout_check, judged, HDF_U8, "judged"),
    HDF_MEMBER(struct layout_check, within, HDF_U8, "within"),
    CHECK_TEXT(origin),
    {0},
};

/* Attributes of /runs/NNN: its inputs. */
const struct hdf_member layout_run[] = {
    HDF_STRING(struct layout_summary, trace, "trace"),
    HDF_STRING(struct layout_summary, trace_digest, "trace_digest"),
    HDF_STRING(struct layout_summary, machine, "machine"),
    HDF_STRING(struct layout_summary, run.policy, "policy"),
    HDF_STRING(struct layout_summary, run.spec, "spec"),
    ROW(set, HDF_U32, "set"),
    ROW(run.batch, HDF_U32, "batch"),
    ROW(run.sampling, HDF_U32, "sampling"),
    {0},
};

#define SLICE(field) HDF_MEMBER(struct result_slice, field, HDF_U64, #field)

static const struct hdf_member slice[LAYOUT_SERIES_FIXED] = {
    SLICE(time_ns), SLICE(misses), SLICE(local_misses), SLICE(stall_ns),      SLICE(overhead_ns),
    SLICE(moves),   SLICE(copies), SLICE(collapses),    SLICE(replica_pages),
};

void layout_series(struct layout_series *s, uint32_t nodes)
{
    memcpy(s->member, slice, sizeof slice);
    for (uint32_t n = 0; n < nodes; n++) {
        snprintf(s->names[n], sizeof s->names[n], "memory_utilisation_node%u_ppm", (unsigned)n);
        s->member[LAYOUT_SERIES_FIXED + n] = (struct hdf_member){
            s->names[n], HDF_U32, offsetof(struct result_slice, memory_utilisation) + n * sizeof(uint32_t), 0};
    }
    s->member[LAYOUT_SERIES_FIXED + nodes] = (struct hdf_member){0};
}
