/* SPDX-License-Identifier: BSD-2-Clause
 *
 * coherence SEED REFERENCES: simulates the memory system of a multiprocessor: caches of 8 CPUs, 128 KiB of 4 ways each,
 * lines of 64 bytes, kept coherent by a directory with an entry per line of 32 MiB. Each CPU walks through a hot part
 * of its own, goes at random through a bigger one, and now and then to data of all. Prints misses and invalidations.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CPUS = 8, SETS = 512, WAYS = 4, LINES = 1 << 19, OWN = LINES / 16, SHARED = LINES / 2, HOT = 1024 };

static struct {
    uint32_t tag[WAYS]; /* line + 1, the latest used first */
} cache[CPUS][SETS];
static struct entry {
    uint32_t used;    /* references so far when it was last looked up */
    uint32_t holders; /* a bit per CPU that has the line, and above them whether one has written it */
} * directory;
static uint32_t references;
static uint64_t misses, invalidations, state;

static uint32_t dice(uint32_t n)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(((state >> 32) * n) >> 32);
}

static void drop(unsigned cpu, uint32_t line)
{
    uint32_t *tag = cache[cpu][line % SETS].tag;
    for (unsigned way = 0; way < WAYS; way++)
        if (tag[way] == line + 1)
            tag[way] = 0;
    invalidations++;
}

/* The way that the line is in, or the last one, which it takes. */
static unsigned look(const uint32_t *tag, uint32_t line)
{
    unsigned way = 0;
    while (way < WAYS - 1 && tag[way] != line + 1)
        way++;
    return way;
}

static void refer(unsigned cpu, uint32_t line, int write)
{
    uint32_t *tag = cache[cpu][line % SETS].tag, bit = 1u << cpu, all = (1u << CPUS) - 1;
    unsigned way = look(tag, line);
    int hit = tag[way] == line + 1;
    if (!hit && tag[way])
        directory[tag[way] - 1].holders &= ~bit;
    for (; way; way--)
        tag[way] = tag[way - 1];
    tag[0] = line + 1;
    references++;
    misses += !hit;
    if (hit && !write)
        return;
    struct entry *entry = &directory[line];
    entry->used = references;
    for (unsigned other = 0; write && other < CPUS; other++)
        if (entry->holders & ~bit & all & 1u << other)
            drop(other, line);
    entry->holders = write ? bit | 1u << CPUS : (entry->holders & all) | bit;
}

static void turn(unsigned cpu, uint64_t i)
{
    uint32_t own = SHARED + cpu * OWN, kind = dice(16), line = own + (uint32_t)(i / CPUS / 4 % HOT);
    if (kind == 14)
        line = own + dice(OWN);
    else if (kind == 15)
        line = dice(SHARED);
    refer(cpu, line, !dice(8));
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    state = strtoull(argv[1], NULL, 10);
    directory = calloc(LINES, sizeof *directory);
    if (!directory)
        return 1;
    uint64_t n = strtoull(argv[2], NULL, 10);
    for (uint64_t i = 0; i < n; i++)
        turn((unsigned)(i % CPUS), i);
    printf("%" PRIu64 " references, %" PRIu64 " misses, %" PRIu64 " invalidations\n", n, misses, invalidations);
    return 0;
}
