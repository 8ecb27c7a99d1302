/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A log of everything an engine was told (accesses that needed it, events, ticks, windows, frees), and playing it into
 * another engine on any machine: below the observation layer, so the decision digest must come out the same. The same
 * object file plays in the program and in the monitor image (module "log").
 *
 * Format, little-endian: struct play_header, latencies (u32 x nodes x nodes, ps), tiers (u8 x nodes), cpu nodes
 * (u8 x cpus), frames (u64 x nodes) at the next multiple of 8, then records of 24 bytes.
 */
#ifndef MONITOR_CORE_PLAY_H
#define MONITOR_CORE_PLAY_H

#include "monitor-core/engine.h"

#define PLAY_MAGIC UINT64_C(0x31474f4c4c4c4142) /* "BALLLOG1" */

struct play_header {
    uint64_t magic;
    uint32_t nodes, cpus, npages, batch, sampling, budget;
    uint64_t records;
    char policy[256]; /* configuration as typed: "migrep:trigger=64" */
};

enum play_kind { PLAY_ACCESS, PLAY_EVENT, PLAY_TICK, PLAY_WINDOW, PLAY_FREE, PLAY_FLUSH };

struct play_record {
    uint64_t time;
    page_t page;
    uint16_t task;
    node_t node;
    uint8_t what; /* of an event; of an access: is it a write */
    uint8_t kind; /* enum play_kind */
    uint8_t reserved[7];
};

struct play {
    struct play_header header; /* copied */
    struct topology topology;  /* points into the text and into `frames`, `latency` */
    const struct play_record *records;
    const uint64_t *frames;
};

/* Checks a log of `size` bytes, 8-byte aligned (hostile). 0 or ERR_INVAL. */
int play_open(struct play *, const void *bytes, size_t size);

/* Feeds records [from, to) to the engine. 0, or the first error of an access (a full machine is no error of the log: it
 * is part of the decisions and stays). */
int play_feed(const struct play *, struct engine *, uint64_t from, uint64_t to);

#endif
