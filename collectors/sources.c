/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "collectors/cause.h"
#include "collectors/faults.h"
#include "collectors/sources.h"

const struct source sources[SOURCE_COUNT] = {
    [SOURCE_IBS] = {"ibs", "AMD instruction-based sampling: loads and stores with address, level and latency", true,
                    ENCODE_AMD},
    [SOURCE_PEBS] = {"pebs", "Intel load latency (and stores): address, level and latency of slow loads", true,
                     ENCODE_INTEL},
    [SOURCE_SPE] = {"spe", "Arm statistical profiling: loads and stores with address, level and latency", true,
                    ENCODE_ARM},
    [SOURCE_FAULTS] = {"faults", "page faults: the first touch of each page, no cache misses", false, ENCODE_OTHER},
};

int source_named(const char *name)
{
    for (int i = 0; i < SOURCE_COUNT; i++)
        if (!strcmp(sources[i].name, name))
            return i;
    return -1;
}

void source_machine(struct encode_machine *m)
{
    *m = (struct encode_machine){.folder = PMU_FOLDER};
    encode_cpu("/proc/cpuinfo", &m->cpu);
}

const char *source_elsewhere(enum source_id id, const struct encode_machine *m)
{
    static const char *const missing[] = {[ENCODE_INTEL] = "not an Intel processor",
                                          [ENCODE_AMD] = "not an AMD processor",
                                          [ENCODE_ARM] = "not an Arm processor"};
    enum encode_vendor wanted = sources[id].vendor;
    bool told = wanted != ENCODE_OTHER && m->cpu.vendor != ENCODE_OTHER;
    return told && m->cpu.vendor != wanted ? missing[wanted] : NULL;
}

/* Loads alone are better than nothing where a processor has no precise stores. */
static int pebs(const struct encode_machine *m, const struct encode_options *o, struct encode_event *out,
                struct attr_steps *steps)
{
    int loads = encode_source(m, ENCODE_LOADS, o, out);
    if (loads < 0 || !o->stores)
        return loads;
    int stores = encode_source(m, ENCODE_STORES, o, out + loads);
    if (stores < 0)
        attr_step(steps, "loads only: this processor has no event of precise stores");
    return loads + (stores > 0 ? stores : 0);
}

int source_events(enum source_id id, const struct encode_machine *m, const struct encode_options *o,
                  struct encode_event out[SESSION_EVENTS], struct attr_steps *steps)
{
    switch (id) {
    case SOURCE_IBS:
        return encode_source(m, ENCODE_IBS, o, out);
    case SOURCE_PEBS:
        return pebs(m, o, out, steps);
    case SOURCE_SPE:
        return encode_source(m, ENCODE_SPE, o, out);
    default:
        faults_event(&perf_ops_kernel, out, steps);
        return 1;
    }
}

static bool denied(int err)
{
    return err == -EACCES || err == -EPERM;
}

void source_explain(enum source_id id, const char *event, enum session_whom whom, pid_t pid, int err,
                    struct trace_error *error)
{
    struct encode_machine machine;
    source_machine(&machine);
    const char *elsewhere = source_elsewhere(id, &machine);
    if (whom == SESSION_PROCESS && err == -ESRCH)
        snprintf(error->text, sizeof error->text, "process %d: there is none of that number", (int)pid);
    else if (!event && elsewhere)
        snprintf(error->text, sizeof error->text, "%s: %s; 'mirrorball probe' says what works here", sources[id].name,
                 elsewhere);
    else if (denied(err) && whom == SESSION_PROCESS && kill(pid, 0) && errno == EPERM)
        snprintf(error->text, sizeof error->text,
                 "process %d belongs to another user (%s); run as that user, or with CAP_PERFMON and CAP_SYS_PTRACE",
                 (int)pid, strerror(-err));
    else if (id == SOURCE_IBS && err == -EINVAL && whom != SESSION_SYSTEM)
        snprintf(error->text, sizeof error->text,
                 "ibs: kernels before 6.2 record it for the whole system only (%s); record with -a", strerror(-err));
    else if (err != -ESRCH && err != -ENOMEM)
        cause_line(err, error->text, sizeof error->text, event ? event : sources[id].name);
}
