/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/encode.h"
#include "collectors/encode_model.h"

/* Primes, so that loops of even length are not seen at one place only; IBS takes multiples of 16. */
enum { LOADS_PERIOD = 2003, STORES_PERIOD = 20011, IBS_PERIOD = 16 * 16411, SPE_PERIOD = 4099, LATENCY = 30 };

static enum encode_vendor vendor_of(const char *name)
{
    if (strstr(name, "GenuineIntel"))
        return ENCODE_INTEL;
    return strstr(name, "AuthenticAMD") || strstr(name, "HygonGenuine") ? ENCODE_AMD : ENCODE_OTHER;
}

void encode_cpu(const char *path, struct encode_cpu *cpu)
{
    FILE *f = fopen(path, "re");
    char line[512];
    *cpu = (struct encode_cpu){0};
    while (f && fgets(line, sizeof line, f) && line[0] != '\n') {
        const char *value = strchr(line, ':');
        if (!value)
            continue;
        if (!strncmp(line, "vendor_id", 9))
            cpu->vendor = vendor_of(value);
        else if (!strncmp(line, "CPU implementer", 15))
            cpu->vendor = ENCODE_ARM;
        else if (!strncmp(line, "cpu family", 10))
            cpu->family = (unsigned)strtoul(value + 1, NULL, 10);
        else if (!strncmp(line, "model\t", 6))
            cpu->model = (unsigned)strtoul(value + 1, NULL, 10);
    }
    if (f)
        fclose(f);
}

static void name_event(struct encode_event *e, const char *text, unsigned latency)
{
    if (latency)
        snprintf(e->name, sizeof e->name, "%s/%s,ldlat=%u/", e->pmu, text, latency);
    else
        snprintf(e->name, sizeof e->name, "%s/%s/", e->pmu, text);
}

/* A unit lists its CPUs in `cpumask` (units outside the cores, SPE) or `cpus` (one kind of core). */
static void read_cpus(const char *folder, struct encode_event *e)
{
    if (pmu_line(folder, e->pmu, "cpus", e->cpus, sizeof e->cpus) &&
        pmu_line(folder, e->pmu, "cpumask", e->cpus, sizeof e->cpus))
        e->cpus[0] = 0;
}

/* caps/max_precise is 3 where the precise distribution exists; where the file is missing the kernel is asked. */
static unsigned precise_of(const char *folder, const char *pmu)
{
    uint64_t most = 3;
    return pmu_number(folder, pmu, "caps/max_precise", &most) || most > 3 ? 3 : (unsigned)most;
}

/* --- Intel: load latency and precise stores --- */

static int sysfs_memory(const struct encode_machine *m, const char *pmu, bool stores, const struct encode_options *o,
                        struct encode_event *e)
{
    struct pmu_code aux = {0};
    const char *name = stores ? "mem-stores" : "mem-loads";
    unsigned latency = stores ? 0 : o->latency ? o->latency : LATENCY;
    *e = (struct encode_event){.how = "sysfs", .period = stores ? STORES_PERIOD : LOADS_PERIOD, .step = 1};
    snprintf(e->pmu, sizeof e->pmu, "%s", pmu);
    int err = pmu_event(m->folder, pmu, name, &e->code);
    if (!err && latency)
        err = pmu_set(m->folder, pmu, "ldlat", latency, &e->code);
    if (err)
        return err;
    if (!stores && !pmu_event(m->folder, pmu, "mem-loads-aux", &aux))
        e->leader = aux.config[0];
    e->precise = precise_of(m->folder, pmu);
    read_cpus(m->folder, e);
    name_event(e, name, latency);
    return 0;
}

static const char *const load_names[] = {"MEM_TRANS_RETIRED:LOAD_LATENCY", "MEM_TRANS_RETIRED:LATENCY_ABOVE_THRESHOLD",
                                         "MEM_INST_RETIRED:LATENCY_ABOVE_THRESHOLD", NULL};
static const char *const store_names[] = {"MEM_TRANS_RETIRED:STORE_SAMPLE", "MEM_TRANS_RETIRED:PRECISE_STORE",
                                          "MEM_INST_RETIRED:ALL_STORES", "MEM_UOPS_RETIRED:ALL_STORES", NULL};

static int pfm_memory(const struct encode_machine *m, bool stores, const struct encode_options *o,
                      struct encode_event *e)
{
    unsigned latency = stores ? 0 : o->latency ? o->latency : LATENCY;
    *e = (struct encode_event){
        .how = "libpfm4", .pmu = "cpu", .period = stores ? STORES_PERIOD : LOADS_PERIOD, .step = 1, .precise = 3};
    if (m->pfm && !*m->pfm)
        return -ENOENT;
    for (const char *const *name = stores ? store_names : load_names; *name; name++) {
        char text[96];
        snprintf(text, sizeof text, latency ? "%s:ldlat=%u" : "%s", *name, latency);
        if (encode_pfm(m->pfm, text, &e->code))
            continue;
        const struct encode_model *model = encode_model(&m->cpu);
        e->leader = model && !stores ? model->leader : 0;
        snprintf(e->name, sizeof e->name, "%s", text);
        return 0;
    }
    return -ENOENT;
}

static int table_memory(const struct encode_machine *m, bool stores, const struct encode_options *o,
                        struct encode_event *e)
{
    const struct encode_model *model = encode_model(&m->cpu);
    unsigned latency = stores ? 0 : o->latency ? o->latency : LATENCY;
    if (!model || !(stores ? model->stores : model->loads))
        return -ENOENT;
    *e = (struct encode_event){.how = "table",
                               .pmu = "cpu",
                               .code = {PERF_TYPE_RAW, {stores ? model->stores : model->loads, latency}},
                               .leader = stores ? 0 : model->leader,
                               .period = stores ? STORES_PERIOD : LOADS_PERIOD,
                               .step = 1,
                               .precise = 3};
    snprintf(e->name, sizeof e->name, "r%llx", (unsigned long long)e->code.config[0]);
    return 0;
}

/* A hybrid processor has a unit for each kind of core; both are needed to see the whole program. */
static int memory(const struct encode_machine *m, bool stores, const struct encode_options *o, struct encode_event *out)
{
    static const char *const units[] = {"cpu", "cpu_core", "cpu_atom"};
    int n = 0, err = -ENOENT;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int now = sysfs_memory(m, units[i], stores, o, &out[n]);
        n += !now;
        if (now && now != -ENOENT)
            err = now;
    }
    if (n || err != -ENOENT)
        return n ? n : err;
    if (m->cpu.vendor != ENCODE_INTEL)
        return -ENODEV;
    if (pfm_memory(m, stores, o, out) && table_memory(m, stores, o, out))
        return -ENODEV;
    return 1;
}

/* --- AMD: instruction-based sampling of micro-operations --- */

/* A term that only some kernels and processors know: set where it is there. */
static bool set_if_known(const struct encode_machine *m, const char *term, uint64_t value, struct encode_event *e)
{
    return !pmu_set(m->folder, e->pmu, term, value, &e->code);
}

static int sysfs_ibs(const struct encode_machine *m, const struct encode_options *o, struct encode_event *e)
{
    uint64_t type, zen4 = 0;
    *e = (struct encode_event){
        .how = "sysfs", .pmu = "ibs_op", .period = IBS_PERIOD, .step = 16, .flags = ENCODE_KEEP_KERNEL};
    int err = pmu_number(m->folder, e->pmu, "type", &type);
    if (err)
        return err;
    e->code.type = (uint32_t)type;
    bool ops = set_if_known(m, "cnt_ctl", 1, e), misses = false;
    if (!o->all_levels && !pmu_number(m->folder, e->pmu, "caps/zen4_ibs_extensions", &zen4) && zen4)
        misses = set_if_known(m, "l3missonly", 1, e);
    if (o->user_only && set_if_known(m, "swfilt", 1, e))
        e->flags &= ~(unsigned)ENCODE_KEEP_KERNEL;
    if (misses)
        e->flags |= ENCODE_MISSES_ONLY;
    snprintf(e->name, sizeof e->name, "ibs_op/%s%s%s/", ops ? "cnt_ctl=1" : "", ops && misses ? "," : "",
             misses ? "l3missonly=1" : "");
    return 0;
}

/* Without sysfs the unit's number is unknown, but the kernel turns a precise event of retired micro-operations into
 * IBS (forward_event_to_ibs). */
static void table_ibs(struct encode_event *e)
{
    *e = (struct encode_event){.name = "r0c1:pp",
                               .how = "table",
                               .pmu = "cpu",
                               .code = {PERF_TYPE_RAW, {0xc1}},
                               .period = IBS_PERIOD,
                               .step = 16,
                               .precise = 2,
                               .flags = ENCODE_KEEP_KERNEL};
}

static int ibs(const struct encode_machine *m, const struct encode_options *o, struct encode_event *e)
{
    int err = sysfs_ibs(m, o, e);
    if (err != -ENOENT)
        return err ? err : 1;
    /* A guest has sysfs but no unit: only where the folder itself is missing may the unit be hidden. */
    if (m->cpu.vendor != ENCODE_AMD || m->cpu.family < 0x10 || pmu_has(m->folder, "software", "type"))
        return -ENODEV;
    table_ibs(e);
    return 1;
}

/* --- Arm: statistical profiling extension --- */

static int spe_unit(const struct encode_machine *m, const struct encode_options *o, struct encode_event *e)
{
    static const char *const switches[] = {"ts_enable", "pa_enable", "jitter", "load_filter"};
    uint64_t type, least = 0;
    int err = pmu_number(m->folder, e->pmu, "type", &type);
    e->code.type = (uint32_t)type;
    for (size_t i = 0; !err && i < sizeof switches / sizeof *switches; i++)
        err = pmu_set(m->folder, e->pmu, switches[i], 1, &e->code);
    if (!err)
        err = pmu_set(m->folder, e->pmu, "store_filter", o->stores, &e->code);
    if (!err)
        err = pmu_set(m->folder, e->pmu, "min_latency", o->latency, &e->code);
    if (err)
        return err;
    if (!pmu_number(m->folder, e->pmu, "caps/min_interval", &least) && least > e->period)
        e->period = least;
    e->optional = pmu_bits(m->folder, e->pmu, "pa_enable");
    read_cpus(m->folder, e);
    snprintf(e->name, sizeof e->name, "%s/load_filter=1,store_filter=%d,min_latency=%u/", e->pmu, o->stores,
             o->latency);
    return 0;
}

static int spe(const struct encode_machine *m, const struct encode_options *o, struct encode_event *out)
{
    char units[ENCODE_MAX][PMU_NAME];
    size_t n = pmu_list(m->folder, "arm_spe_", units, ENCODE_MAX);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct encode_event){.how = "sysfs", .period = SPE_PERIOD, .step = 1, .flags = ENCODE_AUX_AREA};
        memcpy(out[i].pmu, units[i], PMU_NAME);
        int err = spe_unit(m, o, &out[i]);
        if (err)
            return err == -ENOENT ? -EINVAL : err;
    }
    return n ? (int)n : -ENODEV;
}

int encode_source(const struct encode_machine *m, enum encode_source source, const struct encode_options *o,
                  struct encode_event out[ENCODE_MAX])
{
    int n;
    switch (source) {
    case ENCODE_LOADS:
    case ENCODE_STORES:
        n = memory(m, source == ENCODE_STORES, o, out);
        break;
    case ENCODE_IBS:
        n = ibs(m, o, out);
        break;
    default:
        n = spe(m, o, out);
    }
    for (int i = 0; i < n; i++) {
        uint64_t period = o->period ? o->period : out[i].period, step = out[i].step;
        out[i].period = period < step ? step : period / step * step;
    }
    return n;
}
