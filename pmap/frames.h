/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The page frames of one node: taken and given back one at a time, each in constant time, over memory of the caller.
 * Giving back a frame that is not taken is found out. Used by the monitor; one owner, no locks.
 */
#ifndef PMAP_FRAMES_H
#define PMAP_FRAMES_H

#include "policy/numa.h"

#define FRAMES_NONE UINT64_MAX

struct frames {
    uint64_t base;  /* number of the node's first frame */
    uint32_t count; /* frames in all */
    uint32_t free;  /* frames not taken */
    uint32_t fresh; /* frames below were taken at least once: no list has to be built at the start */
    uint32_t head;  /* 1 + index of the first on the list of those given back; 0: empty */
    uint32_t *link; /* [count] */
};

/* Bytes of the block that frames_init wants for so many frames (4-byte aligned; its contents do not matter). */
size_t frames_size(uint32_t count);

/* Frames base .. base + count - 1, count < UINT32_MAX, all free. */
void frames_init(struct frames *, uint64_t base, uint32_t count, void *memory);

/* A free frame, the one given back last first (it is warm in the cache); FRAMES_NONE when there is none. */
uint64_t frames_take(struct frames *);

/* 0; ERR_INVAL: not a frame of this node; ERR_EXIST: it is free already. */
int frames_give(struct frames *, uint64_t frame);

#endif
