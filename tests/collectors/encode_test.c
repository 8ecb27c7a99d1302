/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Encodings without the hardware: expectations are the values of the processor manuals and of the kernel's tables
 * (arch/x86/events/intel/core.c, amd/ibs.c, drivers/perf/arm_spe_pmu.c), written here by hand.
 */
#include "collectors/encode.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/collectors/tree.h"

static struct tree tree;

static void begin(void)
{
    tree_new(&tree);
}

static void end(void)
{
    tree_free(&tree);
}

TestSuite(encode, .init = begin, .fini = end);

static const char *const intel[] = {"format/event",
                                    "config:0-7",
                                    "format/umask",
                                    "config:8-15",
                                    "format/ldlat",
                                    "config1:0-15",
                                    "format/offcore_rsp",
                                    "config1:0-63",
                                    "caps/max_precise",
                                    "3",
                                    NULL};

static int encode(enum encode_source source, const struct encode_options *o, struct encode_event *out)
{
    struct encode_machine m = {.folder = tree.root, .pfm = ""};
    return encode_source(&m, source, o, out);
}

/* --- the kernel's own events --- */

static const struct golden_sysfs {
    const char *loads, *stores, *aux;
    uint64_t load_config, store_config, leader;
} golden_sysfs[] = {
    /* Nehalem, Westmere: no stores */
    {"event=0x0b,umask=0x10,ldlat=3", NULL, NULL, 0x100b, 0, 0},
    /* Sandy Bridge, Ivy Bridge */
    {"event=0xcd,umask=0x1,ldlat=3", "event=0xcd,umask=0x2", NULL, 0x1cd, 0x2cd, 0},
    /* Haswell to Ice Lake */
    {"event=0xcd,umask=0x1,ldlat=3", "event=0xd0,umask=0x82", NULL, 0x1cd, 0x82d0, 0},
    /* Sapphire Rapids and the performance cores of Alder Lake */
    {"event=0xcd,umask=0x1,ldlat=3", "event=0xcd,umask=0x2", "event=0x03,umask=0x82", 0x1cd, 0x2cd, 0x8203},
    /* Gracemont */
    {"event=0xd0,umask=0x5,ldlat=3", "event=0xd0,umask=0x6", NULL, 0x5d0, 0x6d0, 0},
};

Test(encode, kernel_events_of_every_intel_family)
{
    for (size_t i = 0; i < sizeof golden_sysfs / sizeof *golden_sysfs; i++) {
        const struct golden_sysfs *g = &golden_sysfs[i];
        struct encode_event e[ENCODE_MAX];
        struct encode_options o = {.latency = 64};
        end();
        begin();
        tree_unit(&tree, "cpu", "4", intel);
        tree_file(&tree, "cpu/events/mem-loads", g->loads);
        if (g->stores)
            tree_file(&tree, "cpu/events/mem-stores", g->stores);
        if (g->aux)
            tree_file(&tree, "cpu/events/mem-loads-aux", g->aux);
        cr_assert_eq(encode(ENCODE_LOADS, &o, e), 1);
        cr_expect_eq(e[0].code.type, 4);
        cr_expect_eq(e[0].code.config[0], g->load_config, "row %zu: %lx", i, (long)e[0].code.config[0]);
        cr_expect_eq(e[0].code.config[1], 64);
        cr_expect_eq(e[0].leader, g->leader);
        cr_expect_eq(e[0].precise, 3);
        cr_expect_str_eq(e[0].how, "sysfs");
        cr_expect_str_eq(e[0].name, "cpu/mem-loads,ldlat=64/");
        cr_assert_eq(encode(ENCODE_STORES, &o, e), g->stores ? 1 : -ENODEV);
        if (g->stores) {
            cr_expect_eq(e[0].code.config[0], g->store_config, "row %zu: %lx", i, (long)e[0].code.config[0]);
            cr_expect_eq(e[0].code.config[1], 0);
            cr_expect_eq(e[0].leader, 0);
        }
    }
}

Test(encode, both_kinds_of_core_of_a_hybrid_processor)
{
    struct encode_event e[ENCODE_MAX];
    struct encode_options o = {0};
    tree_unit(&tree, "cpu_core", "4", intel);
    tree_file(&tree, "cpu_core/cpus", "0-15");
    tree_file(&tree, "cpu_core/events/mem-loads", "event=0xcd,umask=0x1,ldlat=3");
    tree_file(&tree, "cpu_core/events/mem-loads-aux", "event=0x03,umask=0x82");
    tree_unit(&tree, "cpu_atom", "10", intel);
    tree_file(&tree, "cpu_atom/cpus", "16-23");
    tree_file(&tree, "cpu_atom/caps/max_precise", "2");
    tree_file(&tree, "cpu_atom/events/mem-loads", "event=0xd0,umask=0x5,ldlat=3");
    cr_assert_eq(encode(ENCODE_LOADS, &o, e), 2);
    cr_expect_eq(e[0].code.config[0], 0x1cd);
    cr_expect_eq(e[0].leader, 0x8203);
    cr_expect_str_eq(e[0].cpus, "0-15");
    cr_expect_eq(e[1].code.type, 10);
    cr_expect_eq(e[1].code.config[0], 0x5d0);
    cr_expect_eq(e[1].leader, 0);
    cr_expect_eq(e[1].precise, 2);
    cr_expect_str_eq(e[1].cpus, "16-23");
}

Test(encode, latency_that_does_not_fit_is_refused)
{
    struct encode_event e[ENCODE_MAX];
    struct encode_options o = {.latency = 65536};
    tree_unit(&tree, "cpu", "4", intel);
    tree_file(&tree, "cpu/events/mem-loads", "event=0xcd,umask=0x1,ldlat=3");
    cr_expect_eq(encode(ENCODE_LOADS, &o, e), -ERANGE);
}

/* --- libpfm4 --- */

static const struct golden_pfm {
    const char *unit, *event;
    uint32_t type;
    uint64_t config, config1;
} golden_pfm[] = {
    {"nhm", "MEM_INST_RETIRED:LATENCY_ABOVE_THRESHOLD:ldlat=30", 4, 0x100b, 0x1e},
    {"snb_ep", "MEM_TRANS_RETIRED:LATENCY_ABOVE_THRESHOLD:ldlat=30", 4, 0x1cd, 0x1e},
    {"ivb_ep", "MEM_TRANS_RETIRED:LATENCY_ABOVE_THRESHOLD:ldlat=30", 4, 0x1cd, 0x1e},
    {"ivb_ep", "MEM_TRANS_RETIRED:PRECISE_STORE", 4, 0x2cd, 0},
    {"hsw_ep", "MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=3", 4, 0x1cd, 3},
    {"bdw_ep", "MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=30", 4, 0x1cd, 0x1e},
    {"skx", "MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=64", 4, 0x1cd, 0x40},
    {"clx", "MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=30", 4, 0x1cd, 0x1e},
    {"icx", "MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=65535", 4, 0x1cd, 0xffff},
    {"spr", "MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=30", 4, 0x1cd, 0x1e},
    {"hsw_ep", "MEM_UOPS_RETIRED:ALL_STORES", 4, 0x82d0, 0},
    {"skx", "MEM_INST_RETIRED:ALL_STORES", 4, 0x82d0, 0},
    {"icx", "MEM_INST_RETIRED:ALL_STORES", 4, 0x82d0, 0},
    /* libpfm4 4.13 says 0x3cd; the kernel's mem-stores is umask 2 of event 0xcd */
    {"spr", "MEM_TRANS_RETIRED:STORE_SAMPLE", 4, 0x2cd, 0},
    {"skx", "MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", 4, 0x1d3, 0},
    {"icx", "MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM", 4, 0x2d3, 0},
    {"spr", "MEM_LOAD_L3_MISS_RETIRED:REMOTE_HITM", 4, 0x4d3, 0},
    {"spr", "MEM_LOAD_L3_MISS_RETIRED:REMOTE_FWD", 4, 0x8d3, 0},
    {"skx", "MEM_LOAD_RETIRED:L3_MISS", 4, 0x20d1, 0},
    {"clx", "OFFCORE_RESPONSE_0:DMND_DATA_RD:L3_MISS_REMOTE_HOP1_DRAM", 4, 0x1b7, 0x3f90000001},
    {"icx", "OCR:DEMAND_DATA_RD_LOCAL_DRAM", 4, 0x1b7, 0x104000001},
    {"icx", "OCR:DEMAND_DATA_RD_REMOTE_DRAM", 4, 0x1b7, 0x730000001},
    {"spr", "OCR:DEMAND_DATA_RD_DRAM", 4, 0x12a, 0x73c000001},
    {"amd64_fam19h_zen4", "ANY_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_FAR", 4, 0x4044, 0},
    {"perf", "PERF_COUNT_HW_CACHE_LL:READ:MISS", 3, 0x10002, 0},
    {"perf", "PERF_COUNT_HW_CACHE_NODE:READ:MISS", 3, 0x10006, 0},
    {"perf", "PAGE-FAULTS", 1, 2, 0},
    {"perf", "MINOR-FAULTS", 1, 5, 0},
};

Test(encode, libpfm_events_of_processors_that_are_not_here)
{
    for (size_t i = 0; i < sizeof golden_pfm / sizeof *golden_pfm; i++) {
        const struct golden_pfm *g = &golden_pfm[i];
        struct pmu_code code;
        cr_assert_eq(encode_pfm(g->unit, g->event, &code), 0, "%s::%s", g->unit, g->event);
        cr_expect_eq(code.type, g->type, "%s::%s", g->unit, g->event);
        cr_expect_eq(code.config[0], g->config, "%s::%s: %lx", g->unit, g->event, (long)code.config[0]);
        cr_expect_eq(code.config[1], g->config1, "%s::%s: %lx", g->unit, g->event, (long)code.config[1]);
    }
    struct pmu_code code;
    cr_expect_eq(encode_pfm("skx", "NO_SUCH_EVENT", &code), -ENOENT);
}

static const struct golden_unit {
    const char *unit;
    unsigned model;
    uint64_t loads, stores, leader;
} golden_units[] = {
    {"nhm", 0x1a, 0x100b, 0, 0},         {"wsm", 0x25, 0x100b, 0, 0},        {"snb", 0x2a, 0x1cd, 0x2cd, 0},
    {"ivb_ep", 0x3e, 0x1cd, 0x2cd, 0},   {"hsw_ep", 0x3f, 0x1cd, 0x82d0, 0}, {"bdw_ep", 0x4f, 0x1cd, 0x82d0, 0},
    {"skx", 0x55, 0x1cd, 0x82d0, 0},     {"clx", 0x55, 0x1cd, 0x82d0, 0},    {"icx", 0x6a, 0x1cd, 0x82d0, 0},
    {"spr", 0x8f, 0x1cd, 0x2cd, 0x8203},
};

/* Once by libpfm4, once by the table alone: they must say the same. */
Test(encode, sources_of_intel_without_sysfs)
{
    for (size_t i = 0; i < sizeof golden_units / sizeof *golden_units; i++)
        for (int table = 0; table < 2; table++) {
            const struct golden_unit *g = &golden_units[i];
            struct encode_machine m = {
                .folder = tree.root, .pfm = table ? "" : g->unit, .cpu = {ENCODE_INTEL, 6, g->model}};
            struct encode_event e[ENCODE_MAX];
            struct encode_options o = {0};
            cr_assert_eq(encode_source(&m, ENCODE_LOADS, &o, e), 1, "%s", g->unit);
            cr_expect_str_eq(e[0].how, table ? "table" : "libpfm4");
            cr_expect_eq(e[0].code.type, 4);
            cr_expect_eq(e[0].code.config[0], g->loads, "%s: %lx", g->unit, (long)e[0].code.config[0]);
            cr_expect_eq(e[0].code.config[1], 30);
            cr_expect_eq(e[0].leader, g->leader, "%s: %lx", g->unit, (long)e[0].leader);
            cr_assert_eq(encode_source(&m, ENCODE_STORES, &o, e), g->stores ? 1 : -ENODEV, "%s", g->unit);
            if (g->stores)
                cr_expect_eq(e[0].code.config[0], g->stores, "%s: %lx", g->unit, (long)e[0].code.config[0]);
        }
}

static const struct {
    unsigned model;
    uint64_t loads, stores, leader;
} golden_models[] = {
    {0xcf, 0x1cd, 0x2cd, 0x8203}, /* Emerald Rapids */
    {0x97, 0x1cd, 0x2cd, 0x8203}, /* Alder Lake */
    {0xb7, 0x1cd, 0x2cd, 0x8203}, /* Raptor Lake */
    {0xaa, 0x1cd, 0x2cd, 0x8203}, /* Meteor Lake */
    {0xad, 0x1cd, 0x2cd, 0},      /* Granite Rapids: the kernel does not ask for the leader */
    {0xbe, 0x5d0, 0x6d0, 0},      /* Alder Lake N: Gracemont alone */
};

Test(encode, models_that_libpfm_does_not_know)
{
    for (size_t i = 0; i < sizeof golden_models / sizeof *golden_models; i++) {
        struct encode_machine m = {.folder = tree.root, .pfm = "", .cpu = {ENCODE_INTEL, 6, golden_models[i].model}};
        struct encode_event e[ENCODE_MAX];
        struct encode_options o = {0};
        cr_assert_eq(encode_source(&m, ENCODE_LOADS, &o, e), 1);
        cr_expect_eq(e[0].code.config[0], golden_models[i].loads);
        cr_expect_eq(e[0].leader, golden_models[i].leader);
        cr_assert_eq(encode_source(&m, ENCODE_STORES, &o, e), 1);
        cr_expect_eq(e[0].code.config[0], golden_models[i].stores);
    }
    struct encode_machine unknown = {.folder = tree.root, .pfm = "", .cpu = {ENCODE_INTEL, 6, 0x01}};
    struct encode_event e[ENCODE_MAX];
    cr_expect_eq(encode_source(&unknown, ENCODE_LOADS, &(struct encode_options){0}, e), -ENODEV);
}

/* --- AMD --- */

static const char *const zen3[] = {"format/cnt_ctl", "config:19", "format/swfilt", "config2:0", NULL};
static const char *const zen4[] = {
    "format/cnt_ctl", "config:19", "format/l3missonly", "config:16", "caps/zen4_ibs_extensions", "1", "format/swfilt",
    "config2:0",      NULL};

Test(encode, ibs_counts_operations_and_takes_periods_of_16)
{
    struct encode_event e[ENCODE_MAX];
    struct encode_options o = {.period = 10007};
    tree_unit(&tree, "ibs_op", "11", zen3);
    cr_assert_eq(encode(ENCODE_IBS, &o, e), 1);
    cr_expect_eq(e[0].code.type, 11);
    cr_expect_eq(e[0].code.config[0], 1u << 19);
    cr_expect_eq(e[0].code.config[2], 0);
    cr_expect_eq(e[0].period, 10000);
    cr_expect_eq(e[0].precise, 0);
    cr_expect(e[0].flags & ENCODE_KEEP_KERNEL);
    o.period = 3;
    cr_assert_eq(encode(ENCODE_IBS, &o, e), 1);
    cr_expect_eq(e[0].period, 16);
}

Test(encode, ibs_drops_hits_where_it_can_and_the_kernel_where_asked)
{
    struct encode_event e[ENCODE_MAX];
    struct encode_options o = {.user_only = true};
    tree_unit(&tree, "ibs_op", "11", zen4);
    cr_assert_eq(encode(ENCODE_IBS, &o, e), 1);
    cr_expect_eq(e[0].code.config[0], 1u << 19 | 1u << 16);
    cr_expect_eq(e[0].code.config[2], 1);
    cr_expect_eq(e[0].flags, ENCODE_MISSES_ONLY);
    o.all_levels = true;
    cr_assert_eq(encode(ENCODE_IBS, &o, e), 1);
    cr_expect_eq(e[0].code.config[0], 1u << 19);
}

/* A guest has sysfs but no unit; where sysfs itself is hidden the kernel turns a precise event into IBS. */
Test(encode, ibs_without_its_unit)
{
    struct encode_machine m = {.folder = tree.root, .pfm = "", .cpu = {ENCODE_AMD, 0x19, 0x11}};
    struct encode_event e[ENCODE_MAX];
    struct encode_options o = {0};
    cr_assert_eq(encode_source(&m, ENCODE_IBS, &o, e), 1);
    cr_expect_eq(e[0].code.type, 4);
    cr_expect_eq(e[0].code.config[0], 0xc1);
    cr_expect_eq(e[0].precise, 2);
    tree_unit(&tree, "software", "1", NULL);
    cr_expect_eq(encode_source(&m, ENCODE_IBS, &o, e), -ENODEV);
    cr_expect_eq(encode_source(&m, ENCODE_LOADS, &o, e), -ENODEV);
}

/* --- Arm --- */

static const char *const spe[] = {"format/ts_enable",
                                  "config:0",
                                  "format/pa_enable",
                                  "config:1",
                                  "format/jitter",
                                  "config:16",
                                  "format/load_filter",
                                  "config:33",
                                  "format/store_filter",
                                  "config:34",
                                  "format/min_latency",
                                  "config2:0-11",
                                  "cpumask",
                                  "0-3",
                                  "caps/min_interval",
                                  "8192",
                                  NULL};

Test(encode, spe_units_of_both_kinds_of_core)
{
    struct encode_event e[ENCODE_MAX];
    struct encode_options o = {.latency = 100};
    tree_unit(&tree, "arm_spe_0", "8", spe);
    tree_unit(&tree, "arm_spe_1", "9", spe);
    tree_file(&tree, "arm_spe_1/cpumask", "4-7");
    cr_assert_eq(encode(ENCODE_SPE, &o, e), 2);
    cr_expect_eq(e[0].code.type, 8);
    cr_expect_eq(e[0].code.config[0], UINT64_C(0x200010003));
    cr_expect_eq(e[0].code.config[2], 100);
    cr_expect_eq(e[0].optional, 2);
    cr_expect_eq(e[0].period, 8192);
    cr_expect(e[0].flags & ENCODE_AUX_AREA);
    cr_expect_str_eq(e[1].cpus, "4-7");
    o.stores = true;
    cr_assert_eq(encode(ENCODE_SPE, &o, e), 2);
    cr_expect_eq(e[0].code.config[0], UINT64_C(0x600010003));
    o.latency = 4096;
    cr_expect_eq(encode(ENCODE_SPE, &o, e), -ERANGE);
}

/* --- descriptions --- */

Test(encode, split_fields_hostile_formats_and_lists)
{
    static const char *const files[] = {"format/split",
                                        "config:0-3,32-35",
                                        "format/whole",
                                        "config1:0-63",
                                        "format/back",
                                        "config:7-0",
                                        "format/far",
                                        "config:60-64",
                                        "format/nowhere",
                                        "confog:0-7",
                                        "format/huge",
                                        "config:0-99999999999999999999",
                                        "events/e",
                                        "split=0xab,whole=5",
                                        "events/bad",
                                        "split=0xzz",
                                        NULL};
    struct pmu_code code = {0};
    tree_unit(&tree, "u", "7", files);
    cr_assert_eq(pmu_event(tree.root, "u", "e", &code), 0);
    cr_expect_eq(code.config[0], UINT64_C(0xa0000000b));
    cr_expect_eq(code.config[1], 5);
    cr_expect_eq(pmu_set(tree.root, "u", "split", 0x100, &code), -ERANGE);
    cr_expect_eq(pmu_set(tree.root, "u", "whole", UINT64_MAX, &code), 0);
    cr_expect_eq(pmu_bits(tree.root, "u", "split"), UINT64_C(0xf0000000f));
    static const char *const wrong[] = {"back", "far", "nowhere", "huge"};
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(pmu_set(tree.root, "u", wrong[i], 1, &code), -EINVAL, "%s", wrong[i]);
    cr_expect_eq(pmu_set(tree.root, "u", "../type", 1, &code), -ENOENT);
    cr_expect_eq(pmu_event(tree.root, "u", "bad", &code), -EINVAL);
    cr_expect(pmu_in_list("0-3,8,10-11", 10) && pmu_in_list("0-3,8,10-11", 8) && pmu_in_list("", 5));
    cr_expect(!pmu_in_list("0-3,8,10-11", 9) && !pmu_in_list("x", 0));
}
