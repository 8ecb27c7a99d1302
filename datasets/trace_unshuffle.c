/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_unshuffle.h"

void trace_unshuffle2(const unsigned char *planes, size_t total, size_t n, uint16_t *restrict out)
{
    const unsigned char *restrict low = planes, *restrict high = planes + total;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint16_t)(low[i] | high[i] << 8);
}

void trace_unshuffle4(const unsigned char *planes, size_t total, size_t n, uint32_t *restrict out)
{
    const unsigned char *restrict b0 = planes, *restrict b1 = b0 + total;
    const unsigned char *restrict b2 = b1 + total, *restrict b3 = b2 + total;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint32_t)b0[i] | (uint32_t)b1[i] << 8 | (uint32_t)b2[i] << 16 | (uint32_t)b3[i] << 24;
}
