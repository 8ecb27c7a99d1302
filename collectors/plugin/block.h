/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a block of code is, in the one word that QEMU hands to a callback: its first line, how many more lines it
 * touches, its number of instructions, and whether it lies in the kernel's half.
 */
#ifndef COLLECTORS_PLUGIN_BLOCK_H
#define COLLECTORS_PLUGIN_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct block {
    uint64_t line, more, instructions;
    bool kernel;
};

enum {
    BLOCK_LINE = 42,
    BLOCK_MORE = 7,
    BLOCK_INSNS = 10,
    BLOCK_MORE_AT = 42,
    BLOCK_INSNS_AT = 49,
    BLOCK_KERNEL_AT = 59
};

/* Of the line the lower 42 bits are kept; more below 128, instructions below 1024. */
static inline void *block_pack(struct block b)
{
    uint64_t line = b.line & (((uint64_t)1 << BLOCK_LINE) - 1);
    return (void *)(uintptr_t)(line | b.more << BLOCK_MORE_AT | b.instructions << BLOCK_INSNS_AT |
                               (uint64_t)b.kernel << BLOCK_KERNEL_AT);
}

static inline struct block block_unpack(const void *word)
{
    uint64_t w = (uint64_t)(uintptr_t)word;
    return (struct block){.line = w & (((uint64_t)1 << BLOCK_LINE) - 1),
                          .more = w >> BLOCK_MORE_AT & ((1u << BLOCK_MORE) - 1),
                          .instructions = w >> BLOCK_INSNS_AT & ((1u << BLOCK_INSNS) - 1),
                          .kernel = w >> BLOCK_KERNEL_AT & 1};
}

#endif
