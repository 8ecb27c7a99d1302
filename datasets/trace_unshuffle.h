/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The loops over decoded columns that cost time: HDF5's shuffle filter undone (byte k of every element lies in plane
 * k), sums of steps, ranges. Without branches, so that the compiler makes vector code of them; on x86-64 a second copy
 * for AVX2 is chosen when the program starts.
 */
#ifndef DATASETS_TRACE_UNSHUFFLE_H
#define DATASETS_TRACE_UNSHUFFLE_H

#include <stddef.h>
#include <stdint.h>

/* `total` elements are in the chunk, the first n are wanted. */
void trace_unshuffle2(const unsigned char *planes, size_t total, size_t n, uint16_t *out);
void trace_unshuffle4(const unsigned char *planes, size_t total, size_t n, uint32_t *out);
void trace_unshuffle_widen(const unsigned char *bytes, size_t n, uint16_t *out);

/* time[i] = now + dt[0] + ... + dt[i] */
void trace_unshuffle_times(const uint32_t *dt, size_t n, uint64_t now, uint64_t *time);

void trace_unshuffle_range(const uint32_t *values, size_t n, uint32_t *least, uint32_t *greatest);
uint16_t trace_unshuffle_greatest(const uint16_t *values, size_t n);

#endif
