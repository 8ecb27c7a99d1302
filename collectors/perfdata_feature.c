/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the header's features say of the machine. A feature that contradicts itself is passed over.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "collectors/perfdata_private.h"

/* Length and bytes, padded with zeros; control characters become blanks. False: it runs over the end. */
static bool text(struct cursor *c, char *to, size_t room)
{
    uint32_t length = cursor_u32(c);
    const unsigned char *at = cursor_skip(c, length);
    to[0] = '\0';
    if (!at)
        return false;
    size_t n = strnlen((const char *)at, length);
    snprintf(to, room, "%.*s", (int)(n < room ? n : room), (const char *)at);
    for (char *t = to; *t; t++)
        if ((unsigned char)*t < ' ' || *t == 127)
            *t = ' ';
    return true;
}

static void command_line(struct cursor *c, char *to, size_t room)
{
    char word[PERFDATA_TEXT];
    uint32_t n = cursor_u32(c);
    size_t used = 0;
    to[0] = '\0';
    for (uint32_t i = 0; i < n && used + 1 < room && text(c, word, sizeof word); i++)
        used += (size_t)snprintf(to + used, room - used, "%s%s", i ? " " : "", word);
}

/* "0-3,8": those CPUs are of the node. */
static void cpu_list(const char *list, node_t node, struct perfdata_facts *facts)
{
    while (*list) {
        char *end;
        unsigned long first = strtoul(list, &end, 10), last = first;
        if (end == list)
            return;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (unsigned long cpu = first; cpu <= last && cpu < CPU_MAX; cpu++)
            facts->cpu_node[cpu] = node;
        list = *end == ',' ? end + 1 : "";
    }
}

static void numa(struct cursor *c, struct perfdata_facts *facts)
{
    char cpus[8192];
    uint32_t n = cursor_u32(c);
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        uint32_t node = cursor_u32(c);
        cursor_skip(c, 16); /* total and free KiB */
        if (!text(c, cpus, sizeof cpus) || node >= NODE_MAX)
            continue;
        facts->nodes = node + 1 > facts->nodes ? node + 1 : facts->nodes;
        cpu_list(cpus, (node_t)node, facts);
    }
}

static int by_address(const void *a, const void *b)
{
    const struct perfdata_memory *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static void add_memory(struct perfdata_facts *facts, uint64_t from, uint64_t to, node_t node)
{
    if (!facts->memory)
        facts->memory = calloc(PERFDATA_MEMORY_MAX, sizeof *facts->memory);
    if (!facts->memory || facts->memories == PERFDATA_MEMORY_MAX)
        return;
    struct perfdata_memory *last = facts->memories ? &facts->memory[facts->memories - 1] : NULL;
    if (last && last->node == node && last->to == from)
        last->to = to;
    else
        facts->memory[facts->memories++] = (struct perfdata_memory){from, to, node};
}

static void memory_blocks(struct cursor *c, struct perfdata_facts *facts)
{
    uint64_t version = cursor_u64(c), block = cursor_u64(c), n = cursor_u64(c);
    if (version != 1 || !block)
        return;
    facts->memories = 0;
    for (uint64_t i = 0; i < n && !c->bad; i++) {
        uint64_t node = cursor_u64(c);
        cursor_u64(c);
        uint64_t bits = cursor_u64(c);
        const unsigned char *map =
            bits > 8 * (uint64_t)PERFDATA_PAYLOAD_MAX ? NULL : cursor_skip(c, (bits + 63) / 64 * 8);
        if (!map)
            return;
        for (uint64_t bit = 0; node < NODE_MAX && bit < bits; bit++)
            if (map[bit / 8] >> (bit % 8) & 1)
                add_memory(facts, bit * block, (bit + 1) * block, (node_t)node);
        if (node < NODE_MAX && node >= facts->nodes)
            facts->nodes = (uint32_t)node + 1;
    }
    if (facts->memories)
        qsort(facts->memory, facts->memories, sizeof *facts->memory, by_address);
}

node_t perfdata_node(const struct perfdata_facts *facts, uint64_t physical)
{
    uint32_t low = 0, high = facts->memories;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (facts->memory[middle].to <= physical)
            low = middle + 1;
        else
            high = middle;
    }
    return low < facts->memories && facts->memory[low].from <= physical ? facts->memory[low].node : (node_t)NODE_NONE;
}

static void pmu_mappings(struct cursor *c, struct perfdata *p)
{
    uint32_t n = cursor_u32(c);
    p->pmus = 0;
    for (uint32_t i = 0; i < n && p->pmus < PERFDATA_PMUS; i++) {
        struct perfdata_pmu *pmu = &p->pmu[p->pmus];
        pmu->type = cursor_u32(c);
        if (!text(c, pmu->name, sizeof pmu->name))
            return;
        p->pmus++;
    }
}

/* Events by their ids, or by their order where ids are missing. */
static void event_names(struct cursor *c, struct perfdata *p)
{
    uint32_t n = cursor_u32(c), attr_size = cursor_u32(c), known = decoder_events(p->decoder);
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        char name[DECODE_NAME];
        cursor_skip(c, attr_size);
        uint32_t ids = cursor_u32(c);
        if (!text(c, name, sizeof name))
            return;
        const unsigned char *list = cursor_skip(c, 8 * (uint64_t)ids);
        uint64_t id = 0;
        if (ids && list)
            memcpy(&id, list, sizeof id);
        int event = decoder_find(p->decoder, id);
        if (event < 0 && n == known)
            event = (int)i;
        if (event >= 0)
            decoder_set_name(decoder_event(p->decoder, (uint32_t)event), name, strlen(name));
    }
}

static void clock_data(struct cursor *c, struct perfdata_facts *facts)
{
    uint32_t version = cursor_u32(c);
    cursor_u32(c);
    uint64_t wall = cursor_u64(c), clock = cursor_u64(c);
    if (version == 1 && !c->bad) {
        facts->wall_ns = wall;
        facts->wall_clock_ns = clock;
    }
}

void perfdata_read_feature(struct perfdata *p, unsigned feature, const unsigned char *payload, size_t n)
{
    struct cursor c = {.at = payload, .end = payload + n};
    struct perfdata_facts *f = &p->facts;
    const struct {
        unsigned feature;
        char *to;
    } texts[] = {
        {ABI_FEATURE_HOSTNAME, f->host}, {ABI_FEATURE_OSRELEASE, f->release}, {ABI_FEATURE_VERSION, f->version},
        {ABI_FEATURE_ARCH, f->arch},     {ABI_FEATURE_CPUDESC, f->cpu},       {ABI_FEATURE_CPUID, f->cpuid},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].feature == feature)
            text(&c, texts[i].to, PERFDATA_TEXT);
    if (feature == ABI_FEATURE_CPUID && !strncmp(f->cpuid, "0x", 2))
        f->midr = strtoull(f->cpuid, NULL, 16);
    else if (feature == ABI_FEATURE_NRCPUS)
        f->cpus = cursor_u32(&c);
    else if (feature == ABI_FEATURE_CMDLINE)
        command_line(&c, f->command, sizeof f->command);
    else if (feature == ABI_FEATURE_EVENT_DESC)
        event_names(&c, p);
    else if (feature == ABI_FEATURE_NUMA_TOPOLOGY)
        numa(&c, f);
    else if (feature == ABI_FEATURE_PMU_MAPPINGS)
        pmu_mappings(&c, p);
    else if (feature == ABI_FEATURE_MEM_TOPOLOGY)
        memory_blocks(&c, f);
    else if (feature == ABI_FEATURE_CLOCK_DATA)
        clock_data(&c, f);
    else if (feature == ABI_FEATURE_COMPRESSED)
        f->compressed = true;
}

static const char *pmu_name(const struct perfdata *p, uint32_t type)
{
    for (uint32_t i = 0; i < p->pmus; i++)
        if (p->pmu[i].type == type)
            return p->pmu[i].name;
    return "";
}

void perfdata_name_events(struct perfdata *p)
{
    for (uint32_t i = 0; i < decoder_events(p->decoder); i++) {
        struct decode_event *e = decoder_event(p->decoder, i);
        const char *pmu = pmu_name(p, e->type);
        if (!strncmp(pmu, "ibs_op", 6) || strstr(e->name, "ibs_op"))
            e->kind = DECODE_IBS_OP;
        else if (!strncmp(pmu, "arm_spe", 7) || strstr(e->name, "arm_spe"))
            e->kind = DECODE_SPE;
        else if (e->type == ABI_TYPE_TRACEPOINT && strstr(e->name, "page_fault_user"))
            e->kind = DECODE_FAULT_TRACE;
        p->spe |= e->kind == DECODE_SPE;
        if (!e->name[0] && pmu[0])
            snprintf(e->name, sizeof e->name, "%s/config=0x%llx,config1=0x%llx/", pmu, (unsigned long long)e->config,
                     (unsigned long long)e->config1);
    }
}
