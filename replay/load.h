/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Latency under load: utilisation of memories and links in a window, damped, turned into the latencies of the next one
 * by the machine's two curves. Part of the accounts of a run (replay/account.h); docs/model.md section 4.
 */
#ifndef REPLAY_LOAD_H
#define REPLAY_LOAD_H

#include "replay/account.h"

/* The latencies before the first window: idle. */
void load_start(struct account *);

/* A window ends in which all CPUs together spent `cpus_ps`: adds each memory's utilisation (millionths) to sums[node],
 * sets what the view shows of the window, then the latencies of the next, and zeroes the byte counts. */
void load_window(struct account *, unsigned __int128 cpus_ps, uint64_t *sums);

/* `n` windows without any traffic. */
void load_idle(struct account *, uint64_t n);

/* What one miss stalls its CPU with constant latencies, ps: idle latency / mlp, rounded down. */
uint64_t load_flat(const struct machine_desc *, node_t from, node_t to);

/* Latency factor at a utilisation, both in millionths; linear between the points, rounded down; constant beyond. */
uint32_t load_factor(const struct load_curve *, uint32_t utilisation);

#endif
