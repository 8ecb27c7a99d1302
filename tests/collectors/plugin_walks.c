/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usage: plugin_walks PATTERN KIB ACCESSES
 *
 * So many reads of one word each from a buffer of so many KiB, a power of two up to 64 Mi: "words", one after the
 * other; "lines", one of each 64 bytes; "random", each anywhere. For measuring how many accesses the plugin follows.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 << 20, WORDS_PER_LINE = 8 };

static _Alignas(4096) volatile uint64_t buffer[MOST / sizeof(uint64_t)];

static void walk(size_t words, size_t step, size_t accesses)
{
    for (size_t i = 0, at = 0; i < accesses; i++, at = (at + step) & (words - 1))
        (void)buffer[at];
}

/* Knuth's MMIX generator; its upper bits are the good ones. */
static void jump(size_t words, size_t accesses)
{
    uint64_t x = 1;
    for (size_t i = 0; i < accesses; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        (void)buffer[x >> 33 & (words - 1)];
    }
}

int main(int argc, char **argv)
{
    size_t words = argc == 4 ? strtoul(argv[2], NULL, 10) * 1024 / sizeof *buffer : 0;
    if (!words || words > MOST / sizeof *buffer || words & (words - 1))
        return 2;
    size_t accesses = strtoul(argv[3], NULL, 10);
    if (!strcmp(argv[1], "random"))
        jump(words, accesses);
    else
        walk(words, strcmp(argv[1], "lines") ? 1 : WORDS_PER_LINE, accesses);
    return 0;
}
