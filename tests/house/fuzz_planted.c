/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader with the faults that tests/house/fuzz_main.c has to find. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *volatile kept;
    if (size == 4 && !memcmp(data, "big\n", 4)) {
        kept = malloc((size_t)1 << 30);
        free(kept);
    }
    if (size > 4 && !memcmp(data, "flip", 4) && (data[4] & 1))
        _exit(5);
    return 0;
}
