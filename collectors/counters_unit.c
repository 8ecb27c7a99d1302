/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collectors/counters_private.h"
#include "policy/numa.h"

/* events/NAME.scale and NAME.unit: "6.103515625e-5" and "MiB". */
static double scale_of(const char *unit, const char *event, char *text, size_t size)
{
    char file[PMU_TEXT], line[PMU_TEXT];
    snprintf(file, sizeof file, "events/%s.unit", event);
    if (pmu_line(PMU_FOLDER, unit, file, text, size))
        text[0] = 0;
    snprintf(file, sizeof file, "events/%s.scale", event);
    double scale = pmu_line(PMU_FOLDER, unit, file, line, sizeof line) ? 1 : strtod(line, NULL);
    return scale > 0 ? scale : 1;
}

int counters_event(struct counters *c, const struct pmu_code *code, struct counters_target on, uint32_t series,
                   double scale)
{
    struct perf_event_attr attr = {.type = code->type,
                                   .size = sizeof attr,
                                   .config = code->config[0],
                                   .config1 = code->config[1],
                                   .config2 = code->config[2],
                                   .inherit = on.tid > 0};
    if ((c->nevents & (c->nevents - 1)) == 0) {
        struct counters_event *more = realloc(c->events, (c->nevents ? 2 * c->nevents : 1) * sizeof *more);
        if (!more)
            return -ENOMEM;
        c->events = more;
    }
    int fd = perf_ops_kernel.open(NULL, &attr, on.tid, on.cpu, -1);
    if (fd == -EACCES) {
        attr.exclude_kernel = 1;
        fd = perf_ops_kernel.open(NULL, &attr, on.tid, on.cpu, -1);
    }
    if (fd < 0)
        return fd;
    c->events[c->nevents++] = (struct counters_event){.fd = fd, .series = series, .scale = scale};
    return 0;
}

static int open_on(struct counters *c, const char *name, const char *text, double scale, const struct pmu_code *code,
                   int cpu)
{
    size_t before = c->nseries;
    int series = counters_add(c, name, text, cpu);
    int err = series < 0 ? series : counters_event(c, code, (struct counters_target){-1, cpu}, (uint32_t)series, scale);
    if (err)
        c->nseries = before;
    return err;
}

/* A unit outside the cores names one CPU per package in its cpumask, and counts for everybody. */
int counters_unit(struct counters *c, const char *unit, const char *event)
{
    struct pmu_code code = {0};
    char mask[PMU_TEXT], text[PMU_TEXT], name[2 * PMU_TEXT];
    int err = pmu_event(PMU_FOLDER, unit, event, &code);
    if (!err)
        err = pmu_line(PMU_FOLDER, unit, "cpumask", mask, sizeof mask);
    if (err)
        return err;
    double scale = scale_of(unit, event, text, sizeof text);
    snprintf(name, sizeof name, "%s/%s/", unit, event);
    for (unsigned cpu = 0; !err && cpu < CPU_MAX; cpu++)
        if (pmu_in_list(mask, cpu))
            err = open_on(c, name, text, scale, &code, (int)cpu);
    return err;
}

int counters_plain(struct counters *c, const char *name)
{
    struct pmu_code code;
    size_t before = c->nseries, opened = c->nevents;
    int series = -1, err = encode_pfm(NULL, name, &code);
    for (size_t i = 0; !err && i < c->ntargets; i++) {
        if (series < 0 || c->targets[i].cpu >= 0)
            series = counters_add(c, name, "", c->targets[i].cpu);
        err = series < 0 ? series : counters_event(c, &code, c->targets[i], (uint32_t)series, 1);
        if (err == -ESRCH)
            err = 0; /* a thread that ended meanwhile */
    }
    if (!err && c->nevents > opened)
        return 0;
    while (c->nevents > opened)
        close(c->events[--c->nevents].fd);
    c->nseries = before;
    return err ? err : -ESRCH;
}
