/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct number {
    const char *name;
    size_t at;
    uint64_t min, max;
} numbers[] = {
    {"l1", offsetof(struct options, l1), 1024, 1u << 30},
    {"l2", offsetof(struct options, l2), 1024, 1u << 30},
    {"l1ways", offsetof(struct options, l1_ways), 1, CACHE_WAYS_MAX},
    {"l2ways", offsetof(struct options, l2_ways), 1, CACHE_WAYS_MAX},
    {"line", offsetof(struct options, line), 64, 256},
    {"cpus", offsetof(struct options, cpus), 1, DIRECTORY_CPUS_MAX},
    {"quantum", offsetof(struct options, quantum), 0, UINT32_MAX},
    {"records", offsetof(struct options, records), 0, UINT64_MAX},
    {"nodes", offsetof(struct options, nodes), 1, 64},
    {"memory", offsetof(struct options, memory), 1u << 20, (uint64_t)1 << 31},
};

static int number(struct options *o, const struct number *n, const char *text, char *error, unsigned long size)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno || end == text || *end || *text == '-' || value < n->min || value > n->max) {
        snprintf(error, size, "%s=%s: it must be a number from %" PRIu64 " to %" PRIu64, n->name, text, n->min, n->max);
        return -EINVAL;
    }
    memcpy((char *)o + n->at, &value, sizeof value);
    return 0;
}

static int option(struct options *o, char *text, char *error, unsigned long size)
{
    char *value = strchr(text, '=');
    size_t length = value ? (size_t)(value++ - text) : 0;
    for (size_t i = 0; value && i < sizeof numbers / sizeof *numbers; i++)
        if (!strncmp(numbers[i].name, text, length) && !numbers[i].name[length])
            return number(o, &numbers[i], value, error, size);
    if (length == 3 && !strncmp(text, "out", 3)) {
        o->out = value;
    } else if (length == 3 && !strncmp(text, "ram", 3)) {
        o->ram = value;
    } else if (length == 4 && !strncmp(text, "mark", 4)) {
        o->mark = !strcmp(value, "on");
    } else if (length == 6 && !strncmp(text, "kernel", 6)) {
        o->kernel = !strcmp(value, "on");
    } else if (length == 6 && !strncmp(text, "single", 6)) {
        o->single = !strcmp(value, "on");
    } else {
        snprintf(error, size, "%s: no such option (collectors/plugin/options.h lists them)", text);
        return -EINVAL;
    }
    return 0;
}

int options_parse(struct options *o, int argc, char **argv, char *error, unsigned long size)
{
    *o = (struct options){
        .l1 = 32 << 10, .l2 = 1 << 20, .l1_ways = 8, .l2_ways = 16, .line = 64, .cpus = 8, .quantum = 1000, .nodes = 1};
    int err = 0;
    for (int i = 0; !err && i < argc; i++)
        err = option(o, argv[i], error, size);
    if (!err && !o->out) {
        snprintf(error, size, "out=FILE is missing: where the capture goes");
        err = -EINVAL;
    }
    return err;
}

int options_fit(const struct options *o, const char *target, bool whole_system, char *error, unsigned long size)
{
    enum { PAGE = 4096 };
    if (strcmp(target, "x86_64")) {
        snprintf(error, size, "guests of %s are not known: x86_64 is", target);
        return -EINVAL;
    }
    if (whole_system && (!o->ram || o->memory < PAGE)) {
        snprintf(error, size, "a whole machine needs ram=PREFIX, nodes= and memory=");
        return -EINVAL;
    }
    return 0;
}

int options_geometry(const struct options *o, struct model_geometry *g, char *error, unsigned long size)
{
    *g = (struct model_geometry){
        .cpus = (uint32_t)o->cpus,
        .line_size = (uint32_t)o->line,
        .l1_sets = cache_sets(o->l1, (uint32_t)o->l1_ways, (uint32_t)o->line),
        .l1_ways = (uint32_t)o->l1_ways,
        .l2_sets = cache_sets(o->l2, (uint32_t)o->l2_ways, (uint32_t)o->line),
        .l2_ways = (uint32_t)o->l2_ways,
    };
    const char *wrong = NULL;
    if (o->line & (o->line - 1))
        wrong = "line is not a power of two";
    else if (!g->l1_sets)
        wrong = "l1 / l1ways / line is not a power of two of at most 32768 sets";
    else if (!g->l2_sets)
        wrong = "l2 / l2ways / line is not a power of two of at most 32768 sets";
    else if (o->l2 < 2 * o->l1)
        wrong = "l2 includes both first-level caches and must be at least twice l1";
    if (wrong)
        snprintf(error, size, "%s", wrong);
    return wrong ? -EINVAL : 0;
}
