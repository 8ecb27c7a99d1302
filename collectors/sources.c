/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "collectors/faults.h"
#include "collectors/sources.h"

const struct source sources[SOURCE_COUNT] = {
    [SOURCE_IBS] = {"ibs", "AMD instruction-based sampling: loads and stores with address, level and latency", true},
    [SOURCE_PEBS] = {"pebs", "Intel load latency (and stores): address, level and latency of slow loads", true},
    [SOURCE_SPE] = {"spe", "Arm statistical profiling: loads and stores with address, level and latency", true},
    [SOURCE_FAULTS] = {"faults", "page faults: the first touch of each page, no cache misses", false},
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
