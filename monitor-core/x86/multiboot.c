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

/* Loaders put the file's name first, or leave it out. */
static const char *last_word(const char *text)
{
    size_t end = 0, start;
    while (text[end])
        end++;
    while (end && text[end - 1] == ' ')
        end--;
    for (start = end; start && text[start - 1] != ' '; start--)
        ;
    return keep(text + start, end - start);
}

/* Nothing may be left out: what is taken would be given away, what is RAM may be a node's all. */
static void add(uint32_t *n, struct start_range *range, uint64_t start, uint64_t end)
{
    if (*n == START_RANGES)
        panic("the firmware's memory map has more than %u entries; start the machine by its BIOS", START_RANGES);
    range[(*n)++] = (struct start_range){start, end};
}

static void read_modules(const struct information *i, struct start_facts *f)
{
    const struct loaded *l = early(i->modules);
    if (i->nmodules > MACHINE_MODULES)
        panic("the boot loader brought %u modules; at most %u fit: leave some out", i->nmodules, MACHINE_MODULES);
    for (uint32_t n = 0; n < i->nmodules; n++) {
        const char *text = l[n].text ? early(l[n].text) : "";
        machine_x86.module[n] = (struct module){last_word(text), keep(text, 2048), l[n].start, l[n].end - l[n].start};
        add(&f->ntaken, f->taken, l[n].start, l[n].end);
    }
    machine_x86.nmodules = i->nmodules;
}

/* Where an entry that is not RAM overlaps one that is, it counts. */
static void read_map(const struct information *i, struct start_facts *f)
{
    for (uint32_t at = 0; at + sizeof(struct map_entry) <= i->map_bytes;) {
        const struct map_entry *e = early(i->map + at);
        at += e->size + 4;
        if (e->start + e->bytes <= e->start)
            continue;
        if (e->type == MAP_RAM)
            add(&f->nram, f->ram, e->start, e->start + e->bytes);
        else
            add(&f->ntaken, f->taken, e->start, e->start + e->bytes);
    }
}

void multiboot_read(uint32_t information, struct start_facts *f)
{
    const struct information *i = early(information);
    if (!(i->flags & HAS_MAP))
        panic("the boot loader gives no memory map; use one that does (GRUB, QEMU)");
    machine_x86.command_line = i->flags & HAS_COMMAND_LINE ? keep(early(i->command_line), 2048) : "";
    add(&f->ntaken, f->taken, 0, (uint64_t)image_end - START_IMAGE);
    if (i->flags & HAS_MODULES)
        read_modules(i, f);
    read_map(i, f);
}
