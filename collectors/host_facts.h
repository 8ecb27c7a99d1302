/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a recording has to say about its machine: names, CPUs, nodes, which memory lies on which, units, clocks.
 */
#ifndef COLLECTORS_HOST_FACTS_H
#define COLLECTORS_HOST_FACTS_H

#include "collectors/perfdata_write.h"

/* `sys`: "/sys" or a description of another machine. What cannot be read is left out. */
void host_facts(struct perfdata_buffer *, const char *sys);

#endif
