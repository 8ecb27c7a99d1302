/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/load.h"

#define MILLION 1000000ull
#define PS_PER_S 1000000000000ull

enum { UTILISATION_MAX = 1000000000, DAMPING = 8 };

/* x * factor / 10^6. The 64-bit path is the usual one: a 128-bit division is a call. */
static uint64_t times(uint64_t x, uint64_t factor)
{
    if (((x | factor) >> 32) == 0)
        return x * factor / MILLION;
    unsigned __int128 product = (unsigned __int128)x * factor / MILLION;
    return product < UINT64_MAX ? (uint64_t)product : UINT64_MAX;
}

static uint64_t over_mlp(uint64_t latency, uint64_t mlp_ppm)
{
    if (mlp_ppm == MILLION)
        return latency;
    if (latency >> 43 == 0)
        return latency * MILLION / mlp_ppm;
    unsigned __int128 stall = (unsigned __int128)latency * MILLION / mlp_ppm;
    return stall < UINT64_MAX ? (uint64_t)stall : UINT64_MAX;
}

uint64_t load_flat(const struct machine_desc *d, node_t from, node_t to)
{
    return over_mlp(d->latency_ps[(size_t)from * d->nodes + to], d->mlp_ppm);
}

uint32_t load_factor(const struct load_curve *c, uint32_t utilisation)
{
    if (c->n == 0)
        return MILLION;
    uint32_t i = 0;
    while (i < c->n && c->utilisation[i] <= utilisation)
        i++;
    if (i == 0 || i == c->n)
        return c->factor[i ? i - 1 : 0];
    int64_t rise = (int64_t)c->factor[i] - c->factor[i - 1], run = (int64_t)c->utilisation[i] - c->utilisation[i - 1];
    return (uint32_t)(c->factor[i - 1] + rise * (int64_t)(utilisation - c->utilisation[i - 1]) / run);
}

static void set_latencies(struct account *a)
{
    const struct machine_desc *d = &a->machine->desc;
    const uint32_t idle = load_factor(&d->link_curve, 0);
    for (uint32_t to = 0; to < a->nodes; to++) {
        uint32_t memory = load_factor(&d->memory_curve, a->memory_damped[to]);
        for (uint32_t from = 0; from < a->nodes; from++) {
            size_t at = (size_t)from * a->nodes + to;
            uint64_t latency = times(d->latency_ps[at], memory);
            if (from != to)
                latency = times(latency, a->link_damped[at] ? load_factor(&d->link_curve, a->link_damped[at]) : idle);
            a->latency[at] = latency;
            a->stall[at] = over_mlp(latency, d->mlp_ppm);
        }
    }
}

/* Mean latency of the window's accesses to each memory; of one that nobody reached, the least latency to it now. */
static void set_view(struct account *a)
{
    for (uint32_t to = 0; to < a->nodes; to++) {
        unsigned __int128 sum = 0;
        uint64_t misses = 0, least = UINT64_MAX;
        for (uint32_t from = 0; from < a->nodes; from++) {
            size_t at = (size_t)from * a->nodes + to;
            uint64_t n = a->traffic[at * 2] + a->traffic[at * 2 + 1];
            misses += n;
            sum += (unsigned __int128)n * a->latency[at];
            if (a->machine->desc.node_cpus[from] && a->latency[at] < least)
                least = a->latency[at];
        }
        a->seen_latency[to] = misses ? (uint64_t)(sum / misses) : least;
    }
}

void load_start(struct account *a)
{
    set_latencies(a);
    set_view(a);
}

/* What a bandwidth moves in `ps`, at least one byte. One value kept: most nodes and links of a machine are alike. */
struct capacity {
    uint64_t ps, bps, bytes;
};

static uint64_t capacity_of(struct capacity *c, uint64_t bps)
{
    if (c->bps != bps) {
        unsigned __int128 bytes = (unsigned __int128)c->ps * bps / PS_PER_S;
        c->bps = bps;
        c->bytes = bytes > UINT64_MAX ? UINT64_MAX : bytes ? (uint64_t)bytes : 1;
    }
    return c->bytes;
}

static uint32_t utilisation_of(struct capacity *c, uint64_t bps, uint64_t bytes)
{
    if (bps == 0 || bytes == 0)
        return 0;
    uint64_t capacity = capacity_of(c, bps);
    if (bytes >> 44 == 0) {
        uint64_t u = bytes * MILLION / capacity;
        return u < UTILISATION_MAX ? (uint32_t)u : UTILISATION_MAX;
    }
    unsigned __int128 u = (unsigned __int128)bytes * MILLION / capacity;
    return u < UTILISATION_MAX ? (uint32_t)u : UTILISATION_MAX;
}

static uint64_t sum_bytes(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static void damp(struct account *a, uint32_t *damped, uint32_t now)
{
    *damped = (uint32_t)(((uint64_t)*damped * (DAMPING - 1) + now) / DAMPING);
    a->damped_any |= *damped != 0;
}

static uint64_t close_links(struct account *a, struct capacity *c, uint32_t to)
{
    const struct machine_desc *d = &a->machine->desc;
    uint64_t bytes = a->write_bytes[to];
    for (uint32_t from = 0; from < a->nodes; from++) {
        size_t at = (size_t)from * a->nodes + to;
        uint64_t moved = sum_bytes(a->line_bytes[at], a->copy_bytes[at]);
        a->line_bytes[at] = a->copy_bytes[at] = 0;
        bytes = sum_bytes(bytes, moved);
        if (from == to || (moved == 0 && a->link_damped[at] == 0))
            continue;
        uint32_t now = utilisation_of(c, d->link_bps[at], moved);
        damp(a, &a->link_damped[at], now);
        if (now > a->link_peak) {
            a->link_peak = now;
            a->link_from = (node_t)from;
            a->link_to = (node_t)to;
        }
    }
    a->write_bytes[to] = 0;
    return bytes;
}

void load_window(struct account *a, unsigned __int128 cpus_ps, uint64_t *sums)
{
    unsigned __int128 mean_ps = cpus_ps / a->cpus;
    struct capacity c = {.ps = mean_ps < UINT64_MAX ? (uint64_t)mean_ps : UINT64_MAX};
    a->damped_any = false;
    if (a->loads)
        set_view(a);
    for (uint32_t to = 0; to < a->nodes; to++) {
        uint64_t bytes = close_links(a, &c, to);
        uint32_t now = utilisation_of(&c, a->machine->desc.memory_bps[to], bytes);
        damp(a, &a->memory_damped[to], now);
        sums[to] += now;
        a->utilisation_sum[to] += now;
        if (now > a->utilisation_peak[to])
            a->utilisation_peak[to] = now;
    }
    if (a->contention)
        set_latencies(a);
}

/* The value after `n` windows without traffic: 0 within some hundred and fifty, however many there are. */
static uint32_t sunk(uint32_t damped, uint64_t n)
{
    for (; n && damped; n--)
        damped = (uint32_t)((uint64_t)damped * (DAMPING - 1) / DAMPING);
    return damped;
}

/* One look at each value, and steps only for those that are not 0 yet: a machine of many nodes has many links, and few
 * that moved anything. */
static void decay(struct account *a, uint64_t n)
{
    uint32_t any = 0;
    for (uint32_t node = 0; node < a->nodes; node++)
        any |= a->memory_damped[node] = sunk(a->memory_damped[node], n);
    for (size_t at = 0; at < (size_t)a->nodes * a->nodes; at++)
        any |= a->link_damped[at] = sunk(a->link_damped[at], n);
    a->damped_any = any != 0;
}

void load_idle(struct account *a, uint64_t n)
{
    if (a->damped_any) {
        decay(a, n);
        if (a->contention)
            set_latencies(a);
    }
    if (a->loads)
        set_view(a);
}
