/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The accounts of one run: what its misses cost, window by window. Latencies are constant within a window: idle latency
 * x factor of the memory x factor of the link at the utilisation as damped up to the window before. So a run counts
 * misses per lane and serving node, and the accounts multiply. All sums are ps in 128 bits. docs/model.md sections
 * 3, 4.
 *
 *   utilisation of a window = bytes / (mean CPU time of the window x bandwidth), millionths
 *   damped                  = (7 x damped + utilisation) / 8, rounded down
 */
#ifndef REPLAY_ACCOUNT_H
#define REPLAY_ACCOUNT_H

#include "monitor-core/engine.h"
#include "replay/machine_model.h"
#include "replay/prepare.h"

/* Matrices are [from * nodes + to]: from the CPU's node, to the memory's. */
struct account {
    const struct replay_machine *machine;
    const struct machine_model *model;
    uint32_t nodes, cpus;
    bool contention, loads; /* loads: the class reads view.traffic and view.latency_ps */
    bool damped_any;        /* some damped utilisation is above 0 */
    uint64_t intensity, time_scale_ppm;

    uint64_t *stall;              /* ps that one miss stalls its CPU, in this window (after mlp) */
    uint64_t *latency;            /* the same before mlp */
    uint64_t *line_bytes;         /* bytes per miss x intensity moved in this window */
    uint64_t *copy_bytes;         /* pages copied: [dst * nodes + src], by the machine model */
    uint64_t *write_bytes;        /* [nodes] */
    uint64_t *traffic, *seen;     /* [.. * 2 + is_write] misses of this window, of the last */
    uint64_t *total;              /* [.. * 2 + is_write] misses of the whole run */
    uint64_t *seen_latency;       /* [nodes] */
    uint32_t *link_damped;        /* millionths */
    unsigned __int128 *cpu_stall; /* [cpus] */
    uint32_t memory_damped[NODE_MAX];

    unsigned __int128 local, remote;                    /* stalls so far */
    unsigned __int128 misses;                           /* so far, of all lanes */
    unsigned __int128 window_stall, window_recorded_ns; /* of this window */
    unsigned __int128 overhead_before;                  /* model.total when this window began */
    nodeset_t from_seen;                                /* nodes whose CPUs missed in this window */
    bool seen_any;

    struct result_slice *series;
    uint64_t *slice_utilisation;   /* [slice * nodes + node], sums over windows */
    struct engine_stats at_window; /* the engine's when the last window ended */
    uint64_t slice_windows, windows, nslices;
    uint64_t last_slice;
    unsigned __int128 utilisation_sum[NODE_MAX], replica_windows;
    uint32_t utilisation_peak[NODE_MAX], link_peak;
    node_t link_from, link_to;
};

/* Bytes of the block, zeroed and 16-byte aligned, that account_init wants; the series is allocated apart. */
size_t account_size(const struct replay_machine *);

/* `windows`: length of the whole run. 0 or -ENOMEM. */
int account_init(struct account *, const struct replay_machine *, const struct replay_options *, uint64_t windows,
                 bool loads, const struct machine_model *, void *memory);
void account_free(struct account *);

/* Takes up the counts of a segment, [lane << shift | serving node], and zeroes them. */
void account_segment(struct account *, const struct prepared *, const struct segment *, uint64_t *count,
                     unsigned shift);

/* The window ends; latencies of the next one are set. `stats` are the engine's by now. */
void account_window(struct account *, uint64_t window, const struct engine_stats *stats);

/* `n` windows, from number `window` on, in which nothing happened; no loop over them. */
void account_idle(struct account *, uint64_t window, uint64_t n, const struct engine_stats *stats);

/* Nothing has happened since the last window ended. */
bool account_quiet(const struct account *, const struct engine_stats *stats);

/* The machine's part of the result. The series and the traffic matrix change owner. 0; -ENOMEM; -EOVERFLOW: a time in
 * ns or the misses pass INT64_MAX. */
int account_result(struct account *, const unsigned __int128 *compute_ns, struct result_run *);

#endif
