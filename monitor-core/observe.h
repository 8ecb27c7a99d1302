/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The observation layer: what of the full stream of misses a policy gets to see. Equal terms: a class sees only what
 * its mechanism would see (sampled misses, hint faults, harvested accessed bits), and the driver charges for each by
 * the counts here.
 *
 *   MISSES    1 in `view.sampling` misses per CPU, as a PMU counter that reloads would sample
 *   HINTS     given by the engine (engine_access) after WATCH
 *   ACCESSED  a bit per (node, page) set by any miss, harvested and cleared before each tick
 *   LOAD      window counters that the driver puts into the view
 */
#ifndef MONITOR_CORE_OBSERVE_H
#define MONITOR_CORE_OBSERVE_H

#include "monitor-core/engine.h"

struct observe {
    struct engine *engine;
    uint32_t *left;                 /* [cpus] misses until the next sample of that CPU */
    uint64_t *samples;              /* [cpus] samples taken so far: what the driver charges */
    uint64_t *bits;                 /* being set: [nodes][words], null unless the class asks for ACCESSED */
    uint64_t *harvest;              /* last harvest: [nodes][words] */
    const uint64_t *rows[NODE_MAX]; /* view.accessed points here */
    uint32_t cpus, words;           /* words: 64-bit words per node's bitmap */
    uint64_t harvests;              /* harvests so far: each scans npages pages */
};

/* Bytes of the block that observe_init wants for this class (16-byte aligned, zeroed). */
size_t observe_size(const struct engine_config *, uint32_t cpus);

/* The engine must be initialised already. */
void observe_init(struct observe *, struct engine *, uint32_t cpus, void *memory);

/* A miss by `cpu`, after it has been served. `event` is as the source gave it: its weight without the sampling
 * multiplier. */
static inline void observe_miss(struct observe *o, uint32_t cpu, const struct event *event)
{
    uint32_t period = o->engine->view.sampling;
    if (period == 1) {
        o->samples[cpu]++;
        engine_queue(o->engine, event);
        return;
    }
    if (o->left[cpu] > 1 && o->left[cpu] <= period) {
        o->left[cpu]--;
        return;
    }
    o->left[cpu] = period;
    o->samples[cpu]++;
    struct event scaled = *event;
    unsigned log2_weight = (unsigned)(event->what >> 4) + (unsigned)__builtin_ctz(period);
    scaled.what = event_what(event_kind(event), log2_weight > 15 ? 15 : log2_weight);
    engine_queue(o->engine, &scaled);
}

/* For classes with ACCESSED: any access by a CPU of `node`. */
static inline void observe_accessed(struct observe *o, node_t node, page_t page)
{
    o->bits[(size_t)node * o->words + page / 64] |= (uint64_t)1 << (page % 64);
}

/* Before a tick of a class with ACCESSED: the bits become the harvest, and start again from zero. */
void observe_harvest(struct observe *);

#endif
