/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "datasets/machine_text.h"

__attribute__((format(printf, 3, 4))) static int bad(struct trace_error *error, const char *where, const char *format,
                                                     ...)
{
    char what[300];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(error->text, sizeof error->text, "%.90s: %s", where, what);
    return -EINVAL;
}

static int check_curve(const struct load_curve *c, const char *name, const char *where, struct trace_error *error)
{
    if (c->n == 0 || c->n > MACHINE_POINTS || c->utilisation[0] != 0 || c->factor[0] != 1000000)
        return bad(error, where, "[load] %s: the first point has to be 0:1", name);
    for (uint32_t i = 1; i < c->n; i++)
        if (c->utilisation[i] <= c->utilisation[i - 1] || c->factor[i] < c->factor[i - 1])
            return bad(error, where, "[load] %s: point %u: utilisation has to rise and the factor must not fall", name,
                       i + 1);
    return 0;
}

static int check_cpus(const struct machine_desc *m, const char *where, struct trace_error *error)
{
    uint32_t cpus = 0;
    for (uint32_t i = 0; i < m->nodes; i++)
        cpus += m->node_cpus[i];
    if (cpus == 0 || cpus > CPU_MAX)
        return bad(error, where, "[machine] cpus: %u in all; want 1 to %d", cpus, CPU_MAX);
    return 0;
}

int machine_check(const struct machine_desc *m, const char *where, struct trace_error *error)
{
    int err;
    if (m->nodes == 0 || m->nodes > NODE_MAX)
        return bad(error, where, "[machine] nodes: %u; want 1 to %d", m->nodes, NODE_MAX);
    err = check_cpus(m, where, error);
    for (uint32_t i = 0; !err && i < m->nodes * m->nodes; i++)
        if (m->latency_ps[i] == 0)
            err = bad(error, where, "[latency] from node %u to node %u is missing", i / m->nodes, i % m->nodes);
    if (!err)
        err = check_curve(&m->memory_curve, "memory", where, error);
    if (!err)
        err = check_curve(&m->link_curve, "link", where, error);
    if (!err && m->line_size < 8)
        err = bad(error, where, "[machine] line_size: want 8 to 4096 bytes");
    return err;
}
