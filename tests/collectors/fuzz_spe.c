/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Any bytes as an AUX area of Arm SPE, in one piece and byte after byte.
 */
#include <stdlib.h>

#include "collectors/spe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct spe_setup *setup, const uint8_t *data, size_t size)
{
    struct sample s;
    size_t at = 0, used, n = 0;
    uint64_t bad = 0;
    while (spe_next(setup, data + at, size - at, &used, &bad, &s)) {
        if (!used || used > size - at || s.level >= LEVEL_COUNT || !(s.has & SAMPLE_VA))
            abort();
        at += used;
        n++;
    }
    if (used > size - at)
        abort();
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t midrs[] = {0, 0x410fd0c0, 0xc00fac30, 0x480fd060};
    for (unsigned i = 0; i < 4; i++) {
        struct spe_setup setup = {.midr = midrs[i], .cpu = i, .clock = {.mult = 3, .shift = 1}};
        size_t whole = walk(&setup, data, size);
        if (size && walk(&setup, data, size - 1) > whole)
            abort();
    }
    return 0;
}
