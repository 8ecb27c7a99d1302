/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/machine_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "datasets/machine_number.h"

/* Limits that no machine comes near: they keep every product of the model inside 64 bits. */
static const uint64_t LATENCY_MAX_PS = 1000000000;      /* 1 ms */
static const uint64_t BANDWIDTH_MAX = 1000000000000000; /* 1 PB/s */
static const uint64_t COST_MAX_NS = 1000000000;         /* 1 s */

bool machine_keys_fail(struct machine_keys *p, unsigned line, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (!p->failed)
        snprintf(p->error->text, sizeof p->error->text, "%.90s:%u: %s", p->where, line, what);
    p->failed = true;
    return false;
}

static bool bad(struct machine_keys *p, const char *wanted)
{
    return machine_keys_fail(p, p->line, "[%s] %s: want %s", p->section, p->key, wanted);
}

/* --- one setter per kind of value --- */

struct key;
typedef bool setter(struct machine_keys *, const struct key *);
struct key {
    const char *section, *name;
    setter *set;
    size_t offset;
    uint64_t max;
};

static void *member(struct machine_keys *p, const struct key *k)
{
    return (char *)p->machine + k->offset;
}

/* Runs of blanks become one: how the text was laid out over lines does not matter. */
static bool set_text(struct machine_keys *p, const struct key *k)
{
    char *out = member(p, k);
    size_t length = 0;
    if (strlen(p->value) >= k->max)
        return bad(p, "a shorter text");
    for (const char *at = p->value; *at; at++) {
        bool blank = *at == ' ' || *at == '\t' || *at == '\r';
        if (!blank || (length && out[length - 1] != ' '))
            out[length++] = blank ? ' ' : *at;
    }
    if (length && out[length - 1] == ' ')
        length--;
    out[length] = 0;
    return true;
}

static bool set_name(struct machine_keys *p, const struct key *k)
{
    if (p->value[strspn(p->value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")])
        return bad(p, "letters, digits, '-', '_' and '.' only");
    return set_text(p, k);
}

static bool one_number(struct machine_keys *p, uint64_t scale, uint64_t max, uint64_t *out)
{
    return machine_numbers(p->value, scale, max, out, 1) == 1;
}

static bool set_nodes(struct machine_keys *p, const struct key *k)
{
    uint64_t value;
    if (!one_number(p, 1, k->max, &value) || !value)
        return bad(p, "a number of nodes from 1 to 64");
    p->machine->nodes = (uint32_t)value;
    return true;
}

static bool have_nodes(struct machine_keys *p)
{
    return p->machine->nodes ||
           machine_keys_fail(p, p->line, "[%s] %s: nodes has to be given first, in [machine]", p->section, p->key);
}

/* One value for all nodes, or one for each. */
static bool node_values(struct machine_keys *p, uint64_t scale, uint64_t max, uint64_t *out)
{
    uint32_t nodes = p->machine->nodes;
    int n = machine_numbers(p->value, scale, max, out, (int)nodes);
    for (uint32_t i = 1; n == 1 && i < nodes; i++)
        out[i] = out[0];
    return n == 1 || n == (int)nodes;
}

static bool set_cpus(struct machine_keys *p, const struct key *k)
{
    uint64_t value[NODE_MAX];
    if (!have_nodes(p) || !node_values(p, 1, k->max, value))
        return bad(p, "one number of CPUs for all nodes or one for each, together at most 1024");
    for (uint32_t i = 0; i < p->machine->nodes; i++)
        p->machine->node_cpus[i] = (uint16_t)value[i];
    p->has_cpus = true;
    return true;
}

static bool set_tier(struct machine_keys *p, const struct key *k)
{
    uint64_t value[NODE_MAX];
    if (!have_nodes(p) || !node_values(p, 1, k->max, value))
        return bad(p, "one tier from 0 to 7 for each node");
    for (uint32_t i = 0; i < p->machine->nodes; i++)
        p->machine->tier[i] = (uint8_t)value[i];
    return true;
}

static bool set_power(struct machine_keys *p, const struct key *k)
{
    uint64_t value;
    if (!one_number(p, 1, k->max, &value) || !value || (value & (value - 1)))
        return machine_keys_fail(p, p->line, "[%s] %s: want a power of two up to %u", p->section, p->key,
                                 (unsigned)k->max);
    *(uint32_t *)member(p, k) = (uint32_t)value;
    return true;
}

static bool set_mlp(struct machine_keys *p, const struct key *k)
{
    if (!one_number(p, 1000000, k->max, member(p, k)) || p->machine->mlp_ppm < 100000)
        return bad(p, "a number from 0.1 to 64");
    return true;
}

static bool set_cost(struct machine_keys *p, const struct key *k)
{
    return one_number(p, 1, k->max, member(p, k)) || bad(p, "a whole number, no more than a second");
}

/* Latencies: local and remote, or whole rows. */
static bool set_latency(struct machine_keys *p, const struct key *k)
{
    uint64_t value;
    uint32_t nodes = p->machine->nodes;
    bool local = strcmp(k->name, "local") == 0;
    if (!have_nodes(p) || !one_number(p, 1000, k->max, &value) || !value)
        return bad(p, "ns above 0, at most 1000000");
    for (uint32_t i = 0; i < nodes * nodes; i++)
        if (local == (i / nodes == i % nodes))
            p->machine->latency_ps[i] = (uint32_t)value;
    *(local ? &p->has_local : &p->has_remote) = true;
    return true;
}

/* The node that "from12" names, or -1. */
static int row_of(const struct machine_keys *p, const char *key, const char *prefix)
{
    size_t length = strlen(prefix);
    uint64_t row;
    if (strncmp(key, prefix, length) || !key[length])
        return -1;
    const char *at = key + length;
    if ((at[0] == '0' && at[1]) || !machine_number(&at, 1, NODE_MAX - 1, &row) || *at || row >= p->machine->nodes)
        return -1;
    return (int)row;
}

static bool row_values(struct machine_keys *p, int row, uint64_t scale, uint64_t max, uint64_t *out)
{
    int n;
    if (row < 0)
        return machine_keys_fail(p, p->line, "[%s] %s: no such node; nodes are 0 to %u", p->section, p->key,
                                 p->machine->nodes - 1);
    n = machine_numbers(p->value, scale, max, out, (int)p->machine->nodes);
    if (n != (int)p->machine->nodes)
        return machine_keys_fail(p, p->line, "[%s] %s: want %u numbers, one for each node, of at most %llu", p->section,
                                 p->key, p->machine->nodes, (unsigned long long)(max / scale));
    return true;
}

static bool set_latency_row(struct machine_keys *p, const struct key *k)
{
    uint64_t value[NODE_MAX];
    int row = have_nodes(p) ? row_of(p, p->key, "from") : -1;
    if (p->failed || !row_values(p, row, 1000, k->max, value))
        return false;
    for (uint32_t to = 0; to < p->machine->nodes; to++) {
        if (!value[to])
            return machine_keys_fail(p, p->line, "[latency] %s: a latency of 0 ns makes no sense", p->key);
        p->machine->latency_ps[(uint32_t)row * p->machine->nodes + to] = (uint32_t)value[to];
    }
    p->rows |= nodeset_of((node_t)row);
    return true;
}

static bool set_bandwidth(struct machine_keys *p, const struct key *k)
{
    uint64_t value[NODE_MAX];
    if (!have_nodes(p) || !node_values(p, 1000000000, k->max, value))
        return bad(p, "GB/s, one for all nodes or one for each (0: unlimited)");
    memcpy(p->machine->memory_bps, value, p->machine->nodes * sizeof value[0]);
    return true;
}

static bool set_link(struct machine_keys *p, const struct key *k)
{
    uint64_t value;
    uint32_t nodes = p->machine->nodes;
    if (!have_nodes(p) || !one_number(p, 1000000000, k->max, &value))
        return bad(p, "GB/s of each link in each direction (0: unlimited)");
    for (uint32_t i = 0; i < nodes * nodes; i++)
        p->machine->link_bps[i] = i / nodes == i % nodes ? 0 : value;
    return true;
}

static bool set_link_row(struct machine_keys *p, const struct key *k)
{
    uint64_t value[NODE_MAX];
    int row = have_nodes(p) ? row_of(p, p->key, "link_from") : -1;
    if (p->failed || !row_values(p, row, 1000000000, k->max, value))
        return false;
    value[row] = 0;
    memcpy(&p->machine->link_bps[(uint32_t)row * p->machine->nodes], value, p->machine->nodes * sizeof value[0]);
    return true;
}

static bool set_curve(struct machine_keys *p, const struct key *k)
{
    struct load_curve curve = {0};
    const char *at = p->value;
    while (*at) {
        uint64_t utilisation, factor;
        if (curve.n == MACHINE_POINTS || !machine_number(&at, 1000000, 10000000, &utilisation) || *at++ != ':' ||
            !machine_number(&at, 1000000, k->max, &factor))
            return bad(p, "up to 16 points utilisation:factor, as in 0:1 0.5:1.2 0.9:2");
        curve.utilisation[curve.n] = (uint32_t)utilisation;
        curve.factor[curve.n++] = (uint32_t)factor;
        at += strspn(at, " \t\n");
    }
    *(struct load_curve *)member(p, k) = curve;
    return true;
}

#define AT(name) offsetof(struct machine_desc, name)
#define COST(name)                                                                       \
    {                                                                                    \
        "costs", #name, set_cost, offsetof(struct machine_desc, costs.name), COST_MAX_NS \
    }

static const struct key *key_find(const char *section, const char *name)
{
    static const struct key keys[] = {
        {"machine", "name", set_name, AT(name), 64},
        {"machine", "summary", set_text, AT(summary), TRACE_TEXT},
        {"machine", "source", set_text, AT(source), 4 * TRACE_TEXT},
        {"machine", "nodes", set_nodes, 0, NODE_MAX},
        {"machine", "cpus", set_cpus, 0, CPU_MAX},
        {"machine", "tier", set_tier, 0, 7},
        {"machine", "line_size", set_power, AT(line_size), 4096},
        {"machine", "sampling", set_power, AT(sampling), 32768},
        {"machine", "mlp", set_mlp, AT(mlp_ppm), 64000000},
        {"latency", "local", set_latency, 0, LATENCY_MAX_PS},
        {"latency", "remote", set_latency, 0, LATENCY_MAX_PS},
        {"latency", "from", set_latency_row, 0, LATENCY_MAX_PS},
        {"bandwidth", "memory", set_bandwidth, 0, BANDWIDTH_MAX},
        {"bandwidth", "link", set_link, 0, BANDWIDTH_MAX},
        {"bandwidth", "link_from", set_link_row, 0, BANDWIDTH_MAX},
        {"load", "memory", set_curve, AT(memory_curve), 1000000000},
        {"load", "link", set_curve, AT(link_curve), 1000000000},
        COST(sample_ns),
        COST(hint_ns),
        COST(fault_ns),
        COST(scan_ps),
        COST(fill_ns),
        COST(sync_ns),
        COST(sync_page_ns),
        COST(sync_target_ns),
        COST(drop_ns),
    };
    size_t stem = strcspn(name, "0123456789");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        bool row = keys[i].set == set_latency_row || keys[i].set == set_link_row;
        size_t length = strlen(keys[i].name);
        if (strcmp(keys[i].section, section) == 0 && strncmp(keys[i].name, name, length) == 0 &&
            (row ? stem == length && name[stem] : name[length] == 0))
            return &keys[i];
    }
    return NULL;
}

bool machine_keys_set(struct machine_keys *p)
{
    const struct key *k = key_find(p->section, p->key);
    if (!k)
        return machine_keys_fail(p, p->line, "unknown key '%s' in section [%s]", p->key, p->section);
    if (!p->value[0])
        return machine_keys_fail(p, p->line, "[%s] %s: the value is missing", p->section, p->key);
    return k->set(p, k);
}
