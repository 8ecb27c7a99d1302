/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/ram.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t ram_from_qemu(const struct ram *r, uint64_t address)
{
    if (r->nodes == 1)
        return address < r->node_bytes ? address : RAM_NONE;
    uint64_t node = address / (2 * r->node_bytes), within = address % (2 * r->node_bytes);
    return node < r->nodes && within < r->node_bytes ? node * r->node_bytes + within : RAM_NONE;
}

uint64_t ram_from_host(const struct ram *r, const void *host)
{
    uint64_t at = (uint64_t)(uintptr_t)host;
    for (uint32_t i = 0; i < r->nodes; i++)
        if (r->host[i] && at >= r->host[i] && at - r->host[i] < r->node_bytes)
            return i * r->node_bytes + (at - r->host[i]);
    return RAM_NONE;
}

/* A line of the map names one of the files: its number, else -1. A file that was removed has " (deleted)" behind. */
static int number_of(const char *line, const char *prefix)
{
    const char *name = strstr(line, prefix);
    char *end;
    if (!name)
        return -1;
    unsigned long n = strtoul(name + strlen(prefix), &end, 10);
    bool whole = end != name + strlen(prefix) && (*end == '\n' || *end == ' ' || !*end);
    return whole && n < RAM_NODES_MAX ? (int)n : -1;
}

bool ram_find(struct ram *r, const char *maps, const char *prefix)
{
    char line[4096 + 256];
    uint64_t start, offset;
    FILE *f = fopen(maps, "r");
    if (!f)
        return false;
    while (fgets(line, sizeof line, f)) {
        int n = number_of(line, prefix);
        if (n < 0 || sscanf(line, "%" SCNx64 "-%*x %*s %" SCNx64, &start, &offset) != 2)
            continue;
        /* The back end may be mapped in pieces: its start follows from any of them. */
        r->host[n] = start - offset;
    }
    fclose(f);
    r->found = true;
    for (uint32_t i = 0; i < r->nodes; i++)
        r->found = r->found && r->host[i];
    return r->found;
}
