/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers given in order of appearance, from 0 on: to processes, to threads. All zero is an empty table.
 */
#ifndef DATASETS_NUMBERS_H
#define DATASETS_NUMBERS_H

#include <stdint.h>

struct numbers {
    uint32_t *key, *value; /* hash table; value + 1, 0 empty */
    uint32_t n, slots;
};

enum { NUMBERS_MAX = 1 << 22 }; /* Linux gives no more ids to processes and threads (PID_MAX_LIMIT) */

/* The number of the key, a new one if need be; UINT32_MAX: out of memory, or the key would be one more than
 * NUMBERS_MAX, which only a damaged trace has. */
uint32_t numbers_of(struct numbers *, uint32_t key);
void numbers_free(struct numbers *);

#endif
