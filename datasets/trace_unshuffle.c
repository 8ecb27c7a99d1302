/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_unshuffle.h"
#include <features.h>

/* Address and thread sanitisers run before the loader has settled which copy to call. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(MIRRORBALL_ONE_COPY)
#if !defined(__clang__)
#define COPIES __attribute__((target_clones("default", "avx2")))
#endif
#endif
#ifndef COPIES
#define COPIES
#endif

COPIES void trace_unshuffle2(const unsigned char *planes, size_t total, size_t n, uint16_t *restrict out)
{
    const unsigned char *restrict low = planes, *restrict high = planes + total;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint16_t)(low[i] | high[i] << 8);
}

COPIES void trace_unshuffle4(const unsigned char *planes, size_t total, size_t n, uint32_t *restrict out)
{
    const unsigned char *restrict b0 = planes, *restrict b1 = b0 + total;
    const unsigned char *restrict b2 = b1 + total, *restrict b3 = b2 + total;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint32_t)b0[i] | (uint32_t)b1[i] << 8 | (uint32_t)b2[i] << 16 | (uint32_t)b3[i] << 24;
}

COPIES void trace_unshuffle_widen(const unsigned char *restrict bytes, size_t n, uint16_t *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = bytes[i];
}

/* Four steps at a time: the chain from one to the next is one addition long instead of four. */
void trace_unshuffle_times(const uint32_t *restrict dt, size_t n, uint64_t now, uint64_t *restrict time)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint64_t a = dt[i], b = a + dt[i + 1], c = b + dt[i + 2], d = c + dt[i + 3];
        time[i] = now + a;
        time[i + 1] = now + b;
        time[i + 2] = now + c;
        time[i + 3] = now + d;
        now += d;
    }
    for (; i < n; i++)
        time[i] = now += dt[i];
}

COPIES void trace_unshuffle_range(const uint32_t *values, size_t n, uint32_t *least, uint32_t *greatest)
{
    uint32_t low = UINT32_MAX, high = 0;
    for (size_t i = 0; i < n; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    *least = low;
    *greatest = high;
}

COPIES uint16_t trace_unshuffle_greatest(const uint16_t *values, size_t n)
{
    uint16_t high = 0;
    for (size_t i = 0; i < n; i++)
        high = values[i] > high ? values[i] : high;
    return high;
}
