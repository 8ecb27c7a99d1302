/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which node each virtual CPU should run on: at first the VMs are spread over the nodes; later each virtual CPU goes to
 * where the accesses of its VM go, with hysteresis (Disco, SOSP'97 section 4.1: affinity to the node of its memory).
 */
#ifndef MONITOR_CORE_X86_AFFINITY_H
#define MONITOR_CORE_X86_AFFINITY_H

#include "policy/numa.h"

/* CPUs of a node. */
uint32_t affinity_cpus(uint32_t node);

/* Each VM gets nodes with a CPU for each of its virtual CPUs, from the first one after the VM before it. */
void affinity_spread(void);

/* About every second, by one CPU at a time. */
void affinity_run(uint64_t now);

#endif
