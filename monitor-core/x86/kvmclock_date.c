/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/kvmclock.h"

void kvmclock_scale(uint64_t tsc_khz, uint32_t *multiplier, int8_t *shift)
{
    /* The fraction ns per tick, brought into [1/2, 1) by the shift. */
    uint64_t above = 1000000, below = tsc_khz;
    *shift = 0;
    for (; above >= below; below *= 2)
        ++*shift;
    for (; above * 2 < below; above *= 2)
        --*shift;
    *multiplier = (uint32_t)((above << 32) / below);
}

uint64_t kvmclock_seconds(uint32_t year, uint32_t month, uint32_t day, uint32_t hour, uint32_t minute, uint32_t second)
{
    /* Years that begin in March: the leap day is their last one. */
    uint64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    uint64_t days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1;
    return ((days - 719468) * 24 + hour) * 3600 + minute * 60 + second;
}
