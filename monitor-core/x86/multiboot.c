/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Multiboot specification 0.6.96, chapter 3.3. Everything is copied: what the loader left lies in free RAM.
 */
#include "monitor-core/x86/start.h"

enum { HAS_COMMAND_LINE = 1 << 2, HAS_MODULES = 1 << 3, HAS_MAP = 1 << 6 };
enum { MAP_RAM = 1, TEXTS = 16384 };

struct information {
    uint32_t flags, lower, upper, device, command_line, nmodules, modules, symbols[4], map_bytes, map;
};

struct loaded {
    uint32_t start, end, text, reserved;
};

struct map_entry {
    uint32_t size; /* of what follows */
    uint64_t start, bytes;
    uint32_t type;
} __attribute__((packed));

static const void *early(uint64_t physical)
{
    return memory_at(&machine_x86.memory, physical);
}

/* A copy that ends after `most` bytes at the latest; of what does not fit nothing. */
static const char *keep(const char *text, size_t most)
{
    static char texts[TEXTS];
    static size_t used;
    char *kept = texts + used;
    size_t n = 0;
    while (n < most && text[n] && used + n + 1 < TEXTS)
        n++;
    __builtin_memcpy(kept, text, n);
    kept[n] = 0;
    used += used + n + 1 < TEXTS ? n + 1 : 0;
    return kept;
}

static void take(struct start_facts *f, uint64_t start, uint64_t end)
{
    f->taken[f->ntaken++] = (struct start_range){start, end};
}

static void read_modules(const struct information *i, struct start_facts *f)
{
    const struct loaded *l = early(i->modules);
    if (i->nmodules > START_MODULES)
        panic("the boot loader brought %u modules; at most %d fit: leave some out", i->nmodules, START_MODULES);
    for (uint32_t n = 0; n < i->nmodules; n++) {
        struct module *m = &machine_x86.module[n];
        const char *text = l[n].text ? early(l[n].text) : "";
        size_t word = 0;
        while (text[word] && text[word] != ' ')
            word++;
        *m = (struct module){keep(text, word), keep(text, 2048), l[n].start, l[n].end - l[n].start};
        take(f, l[n].start, l[n].end);
    }
    machine_x86.nmodules = i->nmodules;
}

/* Where an entry that is not RAM overlaps one that is, it counts. */
static void read_map(const struct information *i, struct start_facts *f)
{
    for (uint32_t at = 0; at + sizeof(struct map_entry) <= i->map_bytes;) {
        const struct map_entry *e = early(i->map + at);
        at += e->size + 4;
        if (e->start + e->bytes <= e->start || f->nram + f->ntaken >= START_RANGES)
            continue;
        if (e->type == MAP_RAM)
            f->ram[f->nram++] = (struct start_range){e->start, e->start + e->bytes};
        else
            take(f, e->start, e->start + e->bytes);
    }
}

void multiboot_read(uint32_t information, struct start_facts *f)
{
    const struct information *i = early(information);
    machine_x86.command_line = i->flags & HAS_COMMAND_LINE ? keep(early(i->command_line), 2048) : "";
    take(f, 0, 0x100000);
    take(f, 0x100000, (uint64_t)image_end - START_IMAGE);
    if (i->flags & HAS_MODULES)
        read_modules(i, f);
    if (!(i->flags & HAS_MAP))
        panic("the boot loader gives no memory map; use one that does (GRUB, QEMU)");
    read_map(i, f);
}
