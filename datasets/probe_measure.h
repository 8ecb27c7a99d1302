/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The measurements of the probe (datasets/probe.h): one buffer on one node, read by threads on given CPUs.
 */
#ifndef DATASETS_PROBE_MEASURE_H
#define DATASETS_PROBE_MEASURE_H

#include <hwloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROBE_LINE = 128
}; /* bytes between the elements of a chain: two lines, so that a neighbour fetched is no help */

/* Memory on one node, all of it touched, with a random cyclic chain of pointers through it. */
struct probe_buffer {
    void **chain;
    size_t bytes;
    bool bound, huge; /* whether binding and pages of 2 MiB were granted */
};

/* 0 or -ENOMEM. `node` null: wherever the system puts it. */
int probe_buffer_new(struct probe_buffer *, hwloc_topology_t, hwloc_const_nodeset_t node, size_t bytes);
void probe_buffer_free(struct probe_buffer *);

/* Pins the calling thread to one CPU of the set (the n-th, counted round). False: refused. */
bool probe_pin(hwloc_topology_t, hwloc_const_cpuset_t, unsigned n);

/* Time of one dependent load, ps, least of three rounds of `steps`; by the calling thread. */
uint64_t probe_chase(const struct probe_buffer *, size_t steps);

/* `threads` readers on the CPUs of the set stream through the buffer. Between start and stop the caller may measure
 * something else; stop returns bytes per second. start: null when no thread could be made. */
struct probe_stream;
struct probe_stream *probe_stream_start(const struct probe_buffer *, hwloc_topology_t, hwloc_const_cpuset_t,
                                        unsigned first, unsigned threads);
uint64_t probe_stream_stop(struct probe_stream *);

#endif
