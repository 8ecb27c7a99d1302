/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between the parts of counters: the kernel's own units (counters_unit.c) and PAPI (counters_papi.c).
 */
#ifndef COLLECTORS_COUNTERS_PRIVATE_H
#define COLLECTORS_COUNTERS_PRIVATE_H

#include "collectors/counters.h"

enum { COUNTERS_WANTED = 64, COUNTERS_UNITS = 256, COUNTERS_TARGETS = 4096 };

/* A counter opened without PAPI. */
struct counters_event {
    int fd;
    uint32_t series;
    double scale; /* of the unit's file: count -> unit */
};

/* One PAPI event set: on one thread, or on one CPU. Sets of several threads add to the same series. */
struct counters_set {
    int set, n;
    uint32_t first; /* series of its events are a run */
    bool running;
};

/* Whom the counters follow: the threads of a process, or CPUs. */
struct counters_target {
    pid_t tid; /* -1: everybody */
    int cpu;   /* -1: any */
};

struct counters {
    struct perfdata_series *series;
    size_t nseries;
    char *wanted[COUNTERS_WANTED]; /* PAPI's names */
    size_t nwanted;
    struct counters_event *events;
    size_t nevents;
    struct counters_target *targets;
    size_t ntargets;
    struct counters_set *sets; /* [ntargets] */
    size_t nsets;
    double *totals; /* [nseries], of one reading */
    bool papi;
};

/* A new series: its number, or -ENOMEM. */
int counters_add(struct counters *, const char *name, const char *unit, int cpu);

/* Opens a counting event and adds it to a series. 0 or -errno. */
int counters_event(struct counters *, const struct pmu_code *, struct counters_target, uint32_t series, double scale);

/* Opens UNIT/EVENT/ on each CPU that its unit names. 0 or -errno. */
int counters_unit(struct counters *, const char *unit, const char *event);

/* Opens one of PAPI's names without PAPI, on every target: 0 or -errno. */
int counters_plain(struct counters *, const char *name);

/* Opens the wanted names on every target. 0, or -ENODEV: PAPI cannot attach here, as on machines without a PMU, where
 * it refuses the kernel's own counters too; then nothing is open. */
int counters_papi_open(struct counters *, struct attr_steps *);
void counters_papi_read(struct counters *); /* adds to the totals */
void counters_papi_close(struct counters *);

#endif
