/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "collectors/host_facts.h"
#include "collectors/pmu.h"

enum { UNITS_MAX = 256, BITMAP_MOST = 60000 }; /* bytes of all bitmaps: a record has less than 64 KiB */

static void names(struct perfdata_buffer *b)
{
    struct utsname u;
    if (uname(&u))
        return;
    perfdata_text(b, ABI_FEATURE_HOSTNAME, u.nodename);
    perfdata_text(b, ABI_FEATURE_OSRELEASE, u.release);
    perfdata_text(b, ABI_FEATURE_VERSION, MIRRORBALL_VERSION);
    perfdata_text(b, ABI_FEATURE_ARCH, u.machine);
}

static void processor(struct perfdata_buffer *b)
{
    char line[512];
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && fgets(line, sizeof line, f)) {
        char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !value)
            continue;
        value[strcspn(value, "\n")] = 0;
        perfdata_text(b, ABI_FEATURE_CPUDESC, value + (value[1] == ' ' ? 2 : 1));
        break;
    }
    if (f)
        fclose(f);
    perfdata_cpus(b, (uint32_t)sysconf(_SC_NPROCESSORS_CONF), (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
}

/* Arm's main ID register, by which the meaning of its samples is told. */
static void identity(struct perfdata_buffer *b, const char *sys)
{
    char folder[PATH_MAX], text[PMU_TEXT];
    snprintf(folder, sizeof folder, "%s/devices/system/cpu", sys);
    if (!pmu_line(folder, "cpu0/regs/identification", "midr_el1", text, sizeof text))
        perfdata_text(b, ABI_FEATURE_CPUID, text);
}

static void units(struct perfdata_buffer *b, const char *sys)
{
    char folder[PATH_MAX], (*unit)[PMU_NAME] = malloc(UNITS_MAX * sizeof *unit);
    uint32_t types[UNITS_MAX], n = 0;
    const char *known[UNITS_MAX];
    snprintf(folder, sizeof folder, "%s/bus/event_source/devices", sys);
    size_t found = unit ? pmu_list(folder, "", unit, UNITS_MAX) : 0;
    for (size_t i = 0; i < found; i++) {
        uint64_t type;
        if (pmu_number(folder, unit[i], "type", &type))
            continue;
        types[n] = (uint32_t)type;
        known[n++] = unit[i];
    }
    if (n)
        perfdata_pmus(b, types, known, n);
    free(unit);
}

static void clocks(struct perfdata_buffer *b)
{
    struct timespec wall, clock;
    clock_gettime(CLOCK_MONOTONIC, &clock);
    clock_gettime(CLOCK_REALTIME, &wall);
    perfdata_clock(b, CLOCK_MONOTONIC, (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec,
                   (uint64_t)clock.tv_sec * 1000000000 + (uint64_t)clock.tv_nsec);
}

/* --- nodes and their memory --- */

struct node_text {
    char cpus[PMU_TEXT];
    uint64_t *blocks;
};

static uint64_t meminfo(const char *folder, const char *node, const char *what)
{
    char path[PATH_MAX], line[256];
    uint64_t kib = 0;
    snprintf(path, sizeof path, "%s/%s/meminfo", folder, node);
    FILE *f = fopen(path, "re");
    while (f && !kib && fgets(line, sizeof line, f)) {
        const char *at = strstr(line, what);
        if (at)
            kib = strtoull(at + strlen(what), NULL, 10);
    }
    if (f)
        fclose(f);
    return kib;
}

/* Numbers of the memory blocks in a node's folder: into the bitmap, or the greatest + 1 where that is null. */
static size_t memory_blocks(const char *folder, const char *node, uint64_t *bitmap, size_t most)
{
    char path[PATH_MAX];
    size_t count = 0;
    int used = snprintf(path, sizeof path, "%s/%s", folder, node);
    DIR *dir = used > 0 && (size_t)used < sizeof path ? opendir(path) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char *end;
        if (strncmp(entry->d_name, "memory", 6) || entry->d_name[6] < '0' || entry->d_name[6] > '9')
            continue;
        size_t block = strtoull(entry->d_name + 6, &end, 10);
        if (*end || block >= most)
            continue;
        if (bitmap)
            bitmap[block / 64] |= (uint64_t)1 << block % 64;
        count = block >= count ? block + 1 : count;
    }
    if (dir)
        closedir(dir);
    return count;
}

static uint64_t block_bytes(const char *sys)
{
    char folder[PATH_MAX], text[PMU_TEXT];
    snprintf(folder, sizeof folder, "%s/devices/system", sys);
    return pmu_line(folder, "memory", "block_size_bytes", text, sizeof text) ? 0 : strtoull(text, NULL, 16);
}

static size_t read_nodes(const char *folder, char (*name)[PMU_NAME], size_t n, struct perfdata_node_info *info,
                         struct node_text *text)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        char *end;
        unsigned long node = strtoul(name[i] + 4, &end, 10);
        if (end == name[i] + 4 || *end || node >= NODE_MAX)
            continue;
        if (pmu_line(folder, name[i], "cpulist", text[kept].cpus, PMU_TEXT))
            text[kept].cpus[0] = 0; /* a node of memory alone */
        info[kept] = (struct perfdata_node_info){.node = (uint32_t)node,
                                                 .total_kib = meminfo(folder, name[i], "MemTotal:"),
                                                 .free_kib = meminfo(folder, name[i], "MemFree:"),
                                                 .cpus = text[kept].cpus};
        kept++;
    }
    return kept;
}

static void read_blocks(struct perfdata_buffer *b, const char *folder, const char *sys, struct perfdata_node_info *info,
                        struct node_text *text, size_t n)
{
    size_t most = BITMAP_MOST * 8 / n, blocks = 0;
    char name[PMU_NAME];
    uint64_t size = block_bytes(sys);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "node%u", info[i].node);
        size_t here = memory_blocks(folder, name, NULL, SIZE_MAX);
        blocks = here > blocks ? here : blocks;
    }
    if (!size || !blocks || blocks > most)
        return;
    for (size_t i = 0; i < n; i++) {
        info[i].words = (blocks + 63) / 64;
        text[i].blocks = calloc(info[i].words, sizeof *text[i].blocks);
        info[i].blocks = text[i].blocks;
        snprintf(name, sizeof name, "node%u", info[i].node);
        if (text[i].blocks)
            memory_blocks(folder, name, text[i].blocks, blocks);
    }
    perfdata_memory_blocks(b, size, info, (uint32_t)n);
}

static void nodes(struct perfdata_buffer *b, const char *sys)
{
    char folder[PATH_MAX], name[NODE_MAX + 8][PMU_NAME];
    struct perfdata_node_info *info = calloc(NODE_MAX, sizeof *info);
    struct node_text *text = calloc(NODE_MAX, sizeof *text);
    snprintf(folder, sizeof folder, "%s/devices/system/node", sys);
    size_t found = pmu_list(folder, "node", name, NODE_MAX);
    size_t n = info && text ? read_nodes(folder, name, found, info, text) : 0;
    if (n) {
        perfdata_nodes(b, info, (uint32_t)n);
        read_blocks(b, folder, sys, info, text, n);
    }
    for (size_t i = 0; i < n; i++)
        free(text[i].blocks);
    free(info);
    free(text);
}

void host_facts(struct perfdata_buffer *b, const char *sys)
{
    names(b);
    processor(b);
    identity(b, sys);
    units(b, sys);
    nodes(b, sys);
    clocks(b);
}
