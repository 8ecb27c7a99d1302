/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/cause.h"
#include "collectors/counters_private.h"

const char *const counters_default[] = {
    "perf::CYCLES",       "perf::INSTRUCTIONS",     "perf::CACHE-MISSES",   "perf::PAGE-FAULTS",
    "perf::MAJOR-FAULTS", "perf::CONTEXT-SWITCHES", "perf::CPU-MIGRATIONS", NULL};

int counters_add(struct counters *c, const char *name, const char *unit, int cpu)
{
    if ((c->nseries & (c->nseries - 1)) == 0) {
        struct perfdata_series *more = realloc(c->series, (c->nseries ? 2 * c->nseries : 1) * sizeof *more);
        if (!more)
            return -ENOMEM;
        c->series = more;
    }
    struct perfdata_series *s = &c->series[c->nseries];
    *s = (struct perfdata_series){.index = (uint32_t)c->nseries, .cpu = cpu};
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(s->unit, sizeof s->unit, "%s", unit);
    return (int)c->nseries++;
}

/* One name of the list. Names with a '/' are the kernel's units, all others PAPI's. */
static void one(struct counters *c, const char *name, struct attr_steps *steps)
{
    const char *slash = strchr(name, '/');
    if (!slash) {
        c->wanted[c->nwanted] = strdup(name);
        c->nwanted += c->wanted[c->nwanted] != NULL;
        return;
    }
    char unit[PMU_NAME], event[PMU_TEXT];
    snprintf(unit, sizeof unit, "%.*s", (int)(slash - name), name);
    snprintf(event, sizeof event, "%.*s", (int)strcspn(slash + 1, "/"), slash + 1);
    int err = counters_unit(c, unit, event);
    if (err)
        attr_step(steps, "counter %s left out: %s", name, strerror(-err));
}

static void listed(struct counters *c, const struct counters_options *o, struct attr_steps *steps)
{
    const char *at = o->names;
    while (*at && c->nwanted < COUNTERS_WANTED) {
        char name[PMU_TEXT];
        size_t n = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        if (n && strcmp(name, "none"))
            one(c, name, steps);
        at += n + (at[n] == ',');
    }
}

/* Reads and writes of every memory controller; where the first is refused the others would be as well. */
static void controllers(struct counters *c, struct attr_steps *steps)
{
    static const char *const events[] = {"cas_count_read", "cas_count_write"};
    char units[COUNTERS_UNITS][PMU_NAME];
    size_t n = pmu_list(PMU_FOLDER, "uncore_imc", units, COUNTERS_UNITS);
    for (size_t i = 0; i < n; i++)
        for (size_t e = 0; e < 2; e++) {
            int err = counters_unit(c, units[i], events[e]);
            if (!err || err == -ENOENT)
                continue;
            attr_step(steps, "traffic of the memory controllers left out: %s", strerror(-err));
            return;
        }
}

/* --- whom --- */

static int add_target(struct counters *c, pid_t tid, int cpu)
{
    if (c->ntargets == COUNTERS_TARGETS)
        return -E2BIG;
    if (!c->targets)
        c->targets = calloc(COUNTERS_TARGETS, sizeof *c->targets);
    if (!c->targets)
        return -ENOMEM;
    c->targets[c->ntargets++] = (struct counters_target){tid, cpu};
    return 0;
}

static void every_cpu(struct counters *c)
{
    char online[PMU_TEXT] = "0";
    pmu_line("/sys/devices/system", "cpu", "online", online, sizeof online);
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
        if (pmu_in_list(online, cpu))
            add_target(c, -1, (int)cpu);
}

static void every_thread(struct counters *c, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            add_target(c, (pid_t)strtol(entry->d_name, NULL, 10), -1);
    if (dir)
        closedir(dir);
}

/* --- --- */

/* Counters that go for the same reason are told in one line. */
struct left_out {
    char names[192];
    int err;
};

static void tell_left_out(struct left_out *gone, struct attr_steps *steps)
{
    char reason[CAUSE_TEXT + 64];
    if (gone->err) {
        cause_reason(gone->err, reason, sizeof reason);
        attr_step(steps, "counters left out: %s: %s", gone->names, reason);
    }
    *gone = (struct left_out){0};
}

static void leave_out(struct left_out *gone, const char *name, int err, struct attr_steps *steps)
{
    size_t used = strlen(gone->names);
    if (gone->err && (gone->err != err || used + strlen(name) + 2 >= sizeof gone->names)) {
        tell_left_out(gone, steps);
        used = 0;
    }
    gone->err = err;
    snprintf(gone->names + used, sizeof gone->names - used, "%s%s", used ? ", " : "", name);
}

static void open_wanted(struct counters *c, struct attr_steps *steps)
{
    int err = counters_papi_open(c, steps);
    struct left_out gone = {0};
    for (size_t i = 0; err && i < c->nwanted; i++) {
        int now = counters_plain(c, c->wanted[i]);
        if (now)
            leave_out(&gone, c->wanted[i], now, steps);
    }
    tell_left_out(&gone, steps);
}

int counters_open(const struct counters_options *o, struct attr_steps *steps, struct counters **out)
{
    struct counters *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return -ENOMEM;
    if (o->names)
        listed(c, o, steps);
    else {
        for (const char *const *name = counters_default; *name; name++)
            one(c, *name, steps);
        controllers(c, steps);
    }
    if (o->whom == SESSION_SYSTEM)
        every_cpu(c);
    else
        every_thread(c, o->pid);
    if (c->nwanted && c->ntargets)
        open_wanted(c, steps);
    c->totals = calloc(c->nseries + 1, sizeof *c->totals);
    if (c->nseries && c->totals)
        *out = c;
    else
        counters_close(c);
    return 0;
}

size_t counters_count(const struct counters *c)
{
    return c->nseries;
}

const struct perfdata_series *counters_series(const struct counters *c, size_t i)
{
    return &c->series[i];
}

void counters_read(struct counters *c, uint64_t now, counters_put *put, void *context)
{
    memset(c->totals, 0, c->nseries * sizeof *c->totals);
    for (size_t i = 0; i < c->nevents; i++) {
        uint64_t value;
        if (read(c->events[i].fd, &value, sizeof value) == sizeof value)
            c->totals[c->events[i].series] += (double)value * c->events[i].scale;
    }
    counters_papi_read(c);
    for (size_t i = 0; i < c->nseries; i++) {
        struct perfdata_value v = {.time = now, .series = (uint32_t)i, .value = c->totals[i]};
        put(context, &v);
    }
}

void counters_close(struct counters *c)
{
    if (!c)
        return;
    counters_papi_close(c);
    for (size_t i = 0; i < c->nevents; i++)
        close(c->events[i].fd);
    for (size_t i = 0; i < c->nwanted; i++)
        free(c->wanted[i]);
    free(c->events);
    free(c->targets);
    free(c->totals);
    free(c->series);
    free(c);
}
