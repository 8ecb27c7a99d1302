/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Measures this host as a machine: nodes and CPUs from hwloc, idle latency by chasing pointers through memory bound to
 * each node, bandwidth and loaded latency by streams of reads. Takes some seconds, less than 20 on a machine of one or
 * two nodes.
 */
#ifndef DATASETS_PROBE_H
#define DATASETS_PROBE_H

#include "datasets/machine_file.h"

enum { PROBE_NOTES = 8 };

/* What could not be done and what was put in its place, one line each. */
struct probe_notes {
    uint32_t n;
    char text[PROBE_NOTES][200];
};

/* Fills in the machine; it passes machine_check. Where binding of memory or threads is refused (a container), or pages
 * of 2 MiB are not to be had, it measures as far as it can and says so in *notes. 0 or -errno with a line. */
int probe_host(struct machine_desc *, struct probe_notes *, struct trace_error *);

#endif
