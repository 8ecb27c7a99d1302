/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a source of memory samples to what the kernel must be asked for. Encodings are taken, in this order, from the
 * kernel (sysfs: events/mem-loads and the format of each unit), from libpfm4 (core events of Intel processors), and
 * from a table by processor family and model. No hardware is needed to encode: the sysfs folder, the processor and
 * libpfm4's unit are arguments.
 *
 * Sources: Linux arch/x86/events/intel/core.c (mem-loads, mem-stores, mem-loads-aux by model),
 * arch/x86/events/amd/ibs.c, drivers/perf/arm_spe_pmu.c; libpfm4 4.13.
 */
#ifndef COLLECTORS_ENCODE_H
#define COLLECTORS_ENCODE_H

#include "collectors/pmu.h"

enum { ENCODE_MAX = 8 }; /* events of one source: units of a hybrid processor, SPE units */

enum encode_source { ENCODE_LOADS, ENCODE_STORES, ENCODE_IBS, ENCODE_SPE };

enum encode_vendor { ENCODE_OTHER, ENCODE_INTEL, ENCODE_AMD, ENCODE_ARM };

enum {
    ENCODE_KEEP_KERNEL = 1, /* every exclude_* bit is refused (IBS without its software filter) */
    ENCODE_AUX_AREA = 2,    /* samples arrive in the AUX area (SPE) */
    ENCODE_MISSES_ONLY = 4, /* the hardware keeps only what missed the last-level cache; its period restarts then */
};

struct encode_cpu {
    enum encode_vendor vendor;
    unsigned family, model;
};

struct encode_machine {
    const char *folder; /* PMU_FOLDER, or a description of another machine */
    const char *pfm;    /* libpfm4's unit ("skx"); null: whichever it finds here; "": libpfm4 is not asked */
    struct encode_cpu cpu;
};

struct encode_options {
    uint64_t period;  /* 0: a default that suits the source */
    unsigned latency; /* loads: only those that take at least so many cycles (Intel, SPE); 0: a default */
    bool user_only;   /* leave the kernel out: IBS needs its software filter for that */
    bool all_levels;  /* IBS: do not let the hardware drop what hit a cache, even where it can */
    bool stores;      /* SPE: stores besides loads */
};

struct encode_event {
    char name[96]; /* "cpu/mem-loads,ldlat=30/": for people and for the file */
    char pmu[PMU_NAME];
    char cpus[PMU_TEXT]; /* CPUs it counts on, as a list; empty: all */
    const char *how;     /* "sysfs", "libpfm4", "table" */
    struct pmu_code code;
    uint64_t leader;   /* config of an event of the same unit that must lead the group (mem-loads-aux); 0: none */
    uint64_t optional; /* bits of config that may be given up when the kernel refuses them (SPE: pa_enable) */
    uint64_t period;
    uint64_t step;    /* the period must be a multiple of it */
    unsigned precise; /* precise_ip to begin with; may be lowered to 1. 0: none is asked for */
    unsigned flags;   /* ENCODE_* */
};

/* The processor as /proc/cpuinfo (or another file) describes it. ENCODE_OTHER when it cannot be told. */
void encode_cpu(const char *path, struct encode_cpu *);

/* The events of a source on this machine: how many, at most ENCODE_MAX; or -ENODEV: it has no such source, -EINVAL: its
 * description cannot be used, -ERANGE: a term does not take the value that was asked for (latency). */
int encode_source(const struct encode_machine *, enum encode_source, const struct encode_options *,
                  struct encode_event out[ENCODE_MAX]);

/* A core event by libpfm4's name ("MEM_LOAD_L3_MISS_RETIRED:REMOTE_DRAM"), on its unit `pmu` (null: whichever it finds
 * here). 0 or -ENOENT. Encodings that libpfm4 4.13 has wrong are corrected. Must not run in two threads at once. */
int encode_pfm(const char *pmu, const char *name, struct pmu_code *);

#endif
