/* SPDX-License-Identifier: BSD-2-Clause */
#include "pmap/frames.h"

/* In `link` of a taken frame; never a link, since those are at most `count`. */
#define TAKEN UINT32_MAX

size_t frames_size(uint32_t count)
{
    return count * sizeof(uint32_t);
}

void frames_init(struct frames *f, uint64_t base, uint32_t count, void *memory)
{
    *f = (struct frames){.base = base, .count = count, .free = count, .link = memory};
}

uint64_t frames_take(struct frames *f)
{
    uint32_t i;
    if (f->head) {
        i = f->head - 1;
        f->head = f->link[i];
    } else if (f->fresh < f->count) {
        i = f->fresh++;
    } else {
        return FRAMES_NONE;
    }
    f->link[i] = TAKEN;
    f->free--;
    return f->base + i;
}

int frames_give(struct frames *f, uint64_t frame)
{
    if (frame < f->base || frame - f->base >= f->count)
        return ERR_INVAL;
    uint32_t i = (uint32_t)(frame - f->base);
    if (i >= f->fresh || f->link[i] != TAKEN)
        return ERR_EXIST;
    f->link[i] = f->head;
    f->head = i + 1;
    f->free++;
    return 0;
}
