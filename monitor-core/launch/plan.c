/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "monitor-core/launch/files.h"

#define MIB (UINT64_C(1) << 20)

enum { NODE_STEP_MB = 2, LEAST_MB = 1024, OWN_MB = 64 };

bool plan_parse_memory(const char *text, uint64_t *bytes)
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (end == text || text[0] == '-' || errno)
        return false;
    unsigned unit = *end ? 0 : 2;
    for (unsigned i = 1; *end && i < 5; i++)
        if (strncasecmp(end, units[i], 1) == 0 && (!end[1] || strcasecmp(end + 1, "iB") == 0 || !strcmp(end + 1, "i")))
            unit = i;
    if (!unit || n > UINT64_MAX >> 10 * unit)
        return false;
    *bytes = n << 10 * unit;
    return true;
}

static int add_module(struct plan *p, struct plan_module *m, const char *name, struct trace_error *why)
{
    if (p->nmodules == PLAN_MODULES) {
        snprintf(why->text, sizeof why->text, "%.300s: too many files", name ? name : m->path);
        close(m->fd);
        return -EINVAL;
    }
    if (name)
        snprintf(m->name, sizeof m->name, "%s", name);
    else
        snprintf(m->name, sizeof m->name, "module%u", (unsigned)p->nmodules);
    p->module[p->nmodules] = *m;
    return (int)p->nmodules++;
}

int plan_module(struct plan *p, const char *path, struct trace_error *why)
{
    struct plan_module m;
    m.fd = files_open(path, false, m.path, &m.bytes, why);
    if (m.fd < 0)
        return m.fd;
    for (uint32_t i = 0; i < p->nmodules; i++)
        if (strcmp(p->module[i].path, m.path) == 0) {
            close(m.fd);
            return (int)i;
        }
    return add_module(p, &m, NULL, why);
}

int plan_module_of_memory(struct plan *p, const char *name, const void *bytes, size_t size, struct trace_error *why)
{
    struct plan_module m = {.fd = files_of_memory(name, bytes, size, why), .bytes = size};
    return m.fd < 0 ? m.fd : add_module(p, &m, name, why);
}

void plan_close(struct plan *p)
{
    for (uint32_t i = 0; i < p->nmodules; i++)
        close(p->module[i].fd);
    p->nmodules = 0;
}

int plan_image(struct plan *p, const char *given, struct trace_error *why)
{
    uint64_t bytes;
    int fd = given ? files_open(given, false, p->image, &bytes, why) : -1;
    if (fd >= 0)
        close(fd);
    if (given)
        return fd < 0 ? fd : 0;
    if (files_find("", "monitor.elf", p->image))
        return 0;
    snprintf(why->text, sizeof why->text,
             "monitor.elf: not beside this program; build it (cmake --build build), or name it with --image");
    return -ENOENT;
}

static uint64_t asked_mb(const struct plan *p)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < p->nvms; i++)
        sum += p->vm[i].memory_mb;
    return sum;
}

static uint64_t modules_mb(const struct plan *p)
{
    uint64_t sum = MIB - 1;
    for (uint32_t i = 0; i < p->nmodules; i++)
        sum += p->module[i].bytes;
    return sum / MIB;
}

/* Twice what the VMs ask for leaves room for copies of their pages. */
static int check_memory(struct plan *p, struct trace_error *why)
{
    uint64_t asked = asked_mb(p), least = asked + modules_mb(p) + OWN_MB, step = (uint64_t)NODE_STEP_MB * p->nodes;
    uint64_t chosen = asked * 2 + modules_mb(p) + OWN_MB, mb = p->memory / MIB;
    uint64_t host = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGE_SIZE) / MIB;
    if (!p->memory)
        mb = chosen < LEAST_MB ? LEAST_MB : chosen;
    mb = (mb + step - 1) / step * step;
    p->memory = mb * MIB;
    if (mb < least)
        snprintf(why->text, sizeof why->text,
                 "the VMs and their files need %" PRIu64 " MiB, the machine has %" PRIu64 ": give it --memory %" PRIu64
                 "M or the VMs less",
                 least, mb, (least + step - 1) / step * step);
    else if (mb > host)
        snprintf(why->text, sizeof why->text,
                 "a machine of %" PRIu64 " MiB does not fit into this host's %" PRIu64 " MiB: give less --memory", mb,
                 host);
    else
        return 0;
    return -EINVAL;
}

int plan_check(struct plan *p, struct trace_error *why)
{
    if (p->cpus < p->nodes) {
        snprintf(why->text, sizeof why->text,
                 "%" PRIu32 " CPUs are too few for %" PRIu32 " nodes: give --cpus %" PRIu32, p->cpus, p->nodes,
                 p->nodes);
        return -EINVAL;
    }
    int error = check_memory(p, why);
    return error ? error : plan_add_config(p, why);
}
