/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Performance monitoring units as sysfs describes them: a folder per unit under /sys/bus/event_source/devices with
 * `type`, `format/TERM` ("config1:0-15": where a term's bits go), `events/NAME` ("event=0xcd,umask=0x1,ldlat=3"),
 * `caps/NAME`, and `cpumask` or `cpus`. Bit positions are read, never assumed. The folder is an argument, so that a
 * description of any machine can stand in. (Linux: Documentation/ABI/testing/sysfs-bus-event_source-devices-*)
 */
#ifndef COLLECTORS_PMU_H
#define COLLECTORS_PMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PMU_FOLDER "/sys/bus/event_source/devices"

enum { PMU_NAME = 32, PMU_TEXT = 256, PMU_WORDS = 4 };

/* type and config, config1, config2, config3 of struct perf_event_attr */
struct pmu_code {
    uint32_t type;
    uint64_t config[PMU_WORDS];
};

/* First line of FOLDER/PMU/FILE without its end. 0, -ENOENT, or another -errno. */
int pmu_line(const char *folder, const char *pmu, const char *file, char *text, size_t size);

/* The file holds a number: 0, or -errno (-EINVAL: not a number). */
int pmu_number(const char *folder, const char *pmu, const char *file, uint64_t *value);

bool pmu_has(const char *folder, const char *pmu, const char *file);

/* Names of the units that begin with `prefix`, in ascending order; how many there are, at most `max`. */
size_t pmu_list(const char *folder, const char *prefix, char (*names)[PMU_NAME], size_t max);

/* Puts a term's value at its bits (config, config1, ... are terms as well). -ENOENT: the unit has no such term;
 * -ERANGE: the value does not fit; -EINVAL: the description cannot be read. */
int pmu_set(const char *folder, const char *pmu, const char *term, uint64_t value, struct pmu_code *);

/* The bits of a term within its first word, 0 when the unit has no such term. */
uint64_t pmu_bits(const char *folder, const char *pmu, const char *term);

/* Terms as in events/: "event=0xcd,umask=0x1,ldlat=3"; a term without value is 1. Errors of pmu_set. */
int pmu_terms(const char *folder, const char *pmu, const char *terms, struct pmu_code *);

/* Type and terms of FOLDER/PMU/events/EVENT. -ENOENT: no such unit or event. */
int pmu_event(const char *folder, const char *pmu, const char *event, struct pmu_code *);

/* Is `number` in a list such as "0-3,8,10-11"? An empty list holds every number. */
bool pmu_in_list(const char *list, unsigned number);

#endif
