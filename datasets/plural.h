/* SPDX-License-Identifier: BSD-2-Clause
 *
 * "1 page", "2 pages": what stands behind the word.
 */
#ifndef DATASETS_PLURAL_H
#define DATASETS_PLURAL_H

#include <stdint.h>

static inline const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

#endif
