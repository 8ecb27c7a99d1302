/* SPDX-License-Identifier: BSD-2-Clause
 *
 * HDF5's shuffle filter: byte k of every element lies in plane k. Loops without branches, so that the compiler makes
 * vector code of them.
 */
#ifndef DATASETS_TRACE_UNSHUFFLE_H
#define DATASETS_TRACE_UNSHUFFLE_H

#include <stddef.h>
#include <stdint.h>

/* `total` elements are in the chunk, the first n are wanted. */
void trace_unshuffle2(const unsigned char *planes, size_t total, size_t n, uint16_t *out);
void trace_unshuffle4(const unsigned char *planes, size_t total, size_t n, uint32_t *out);

#endif
