/* SPDX-License-Identifier: BSD-2-Clause
 *
 * On which node a page of a living process is, by its virtual address: for recordings whose samples lack physical
 * addresses. The kernel is asked once for each page, and what it says is kept: the answer is of the time of asking.
 */
#ifndef COLLECTORS_HOMES_H
#define COLLECTORS_HOMES_H

#include <sys/types.h>

#include "policy/numa.h"

struct homes;

/* Null: out of memory. */
struct homes *homes_new(pid_t pid);
void homes_free(struct homes *); /* null is fine */

/* NODE_NONE: another process, a page that is not in memory, no right to ask, or the process has ended. `homes` is the
 * struct; the type is that of a to_trace option. */
node_t homes_node(void *homes, uint32_t pid, uint64_t address);

#endif
