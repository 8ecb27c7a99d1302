/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The monitor's telemetry (telemetry.h) as it arrives: frames out of a stream of bytes, observations out of a frame.
 */
#ifndef MONITOR_CORE_LAUNCH_TELEMETRY_READER_H
#define MONITOR_CORE_LAUNCH_TELEMETRY_READER_H

#include "monitor-core/telemetry.h"

/* Feed bytes as they come; whole good frames are handed out one by one. Noise between frames is skipped and
 * counted. */
struct telemetry_reader {
    uint8_t frame[TELEMETRY_BODY_MAX + TELEMETRY_OVERHEAD];
    uint32_t have, handed; /* bytes buffered; of these the frame handed out last */
    uint64_t frames, bad_bytes, lost_frames;
    int32_t expected; /* next sequence number; -1: none yet */
};
struct telemetry_frame {
    enum telemetry_type type;
    const void *body;
    size_t size;
};
void telemetry_reader_init(struct telemetry_reader *);
/* Takes up to n bytes, answers how many it took; *frame has a body when a frame is complete (valid until the next
 * call), else a null one. */
size_t telemetry_reader_feed(struct telemetry_reader *, const uint8_t *bytes, size_t n, struct telemetry_frame *frame);

/* Walks over the observations of an OBSERVED body: start with *at = 0 and zeroed state; false at the end or where the
 * body makes no sense. */
struct telemetry_observation {
    uint64_t time;
    uint32_t slot;
    node_t node;
    uint8_t what;
};
bool telemetry_reader_next(const void *body, size_t size, size_t *at, struct telemetry_observation *);

#endif
