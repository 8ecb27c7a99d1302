/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The modelled machine: counts frames and charges what mechanism costs. It keeps no table of mappings, because the
 * engine's records are the table: `map` costs nothing and changes nothing, and a cost arises where CPUs have to be told
 * (sync), where bytes move (fill) and where a frame is given back (drop). docs/model.md section 5.
 *
 *   fill   fill_ns to the current CPU; one page read from the source's memory over the link, one page written at the
 *          destination. A first touch (no source) takes a frame and is free, for it happens under every policy.
 *   sync   sync_ns + pages x sync_page_ns to the current CPU, sync_target_ns to every other CPU
 *   drop   drop_ns to the current CPU
 *
 * The driver sets `cpu` before each call of the engine: the CPU of the access, and for ticks each CPU in turn.
 */
#ifndef REPLAY_MACHINE_MODEL_H
#define REPLAY_MACHINE_MODEL_H

#include "monitor-core/engine.h"
#include "replay/driver.h"

struct machine_model {
    struct machine machine; /* first */
    const struct replay_machine *shape;
    uint32_t cpu;                          /* the current one */
    uint64_t used[NODE_MAX];               /* frames */
    unsigned __int128 by[OVERHEAD_CAUSES]; /* ps, all CPUs */
    unsigned __int128 total;               /* ps, all CPUs */
    unsigned __int128 *charged;            /* [cpus] ps, without the shares of others' shootdowns */
    uint64_t *syncs_of;                    /* [cpus] shootdowns it sent */
    uint64_t syncs;                        /* shootdowns in all */
    uint64_t *link_bytes;                  /* [from * nodes + to] of this window, owned by the accounts */
    uint64_t *write_bytes;                 /* [nodes] written by copies in this window, likewise */
    const struct orders *orders;           /* the engine's: tell for which order a fill or drop is */
    uint32_t fill_at, drop_at;             /* where in them the last fill and drop were found */
};

/* Bytes of the block, zeroed and 16-byte aligned, that machine_model_init wants. */
size_t machine_model_size(const struct replay_machine *);
void machine_model_init(struct machine_model *, const struct replay_machine *, const struct orders *, void *memory,
                        uint64_t *link_bytes, uint64_t *write_bytes);

/* `ps` of overhead to one CPU. */
void machine_model_charge(struct machine_model *, uint32_t cpu, enum result_overhead, unsigned __int128 ps);

/* All overhead of one CPU so far, ps. */
unsigned __int128 machine_model_overhead(const struct machine_model *, uint32_t cpu);

/* A cost in ns as ps; costs beyond 10^6 s are taken as that. */
uint64_t machine_model_ps(uint64_t ns);

#endif
