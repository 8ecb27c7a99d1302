/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Descriptions of machines: presets (datasets/machines, compiled in) and own files in the same INI form
 * (docs/machines.md). All that the modelled machine charges comes from here.
 */
#ifndef DATASETS_MACHINE_FILE_H
#define DATASETS_MACHINE_FILE_H

#include "datasets/trace.h"
#include "policy/numa.h"

enum { MACHINE_POINTS = 16 };

/* Loaded latency: piecewise linear through (utilisation, factor), both in millionths; the first point is (0, 1000000);
 * beyond the last the factor stays. */
struct load_curve {
    uint32_t n;
    uint32_t utilisation[MACHINE_POINTS], factor[MACHINE_POINTS];
};

/* What mechanism costs, ns of CPU time (docs/model.md). */
struct machine_costs {
    uint64_t sample_ns;      /* one observed miss, to the CPU that missed; 0 where hardware counts by itself (FLASH) */
    uint64_t hint_ns;        /* one hint fault, to the CPU that faulted */
    uint64_t fault_ns;       /* the protection fault of a collapse, to the writer */
    uint64_t scan_ps;        /* one page table entry looked at in a harvest, ps */
    uint64_t fill_ns;        /* one page allocated, copied and entered, to the CPU that triggered */
    uint64_t sync_ns;        /* one shootdown, fixed part, to the CPU that triggered */
    uint64_t sync_page_ns;   /* and per page in it */
    uint64_t sync_target_ns; /* one shootdown, to every other CPU */
    uint64_t drop_ns;        /* one frame given back */
};

struct machine_desc {
    char name[64];
    char summary[TRACE_TEXT], source[4 * TRACE_TEXT];
    uint32_t nodes;
    uint32_t line_size;           /* bytes moved per miss */
    uint16_t node_cpus[NODE_MAX]; /* 0: memory only */
    uint8_t tier[NODE_MAX];
    uint32_t latency_ps[NODE_MAX * NODE_MAX]; /* [from * nodes + to] */
    uint64_t memory_bps[NODE_MAX];            /* bytes per second of a node's memory; 0: unlimited */
    uint64_t link_bps[NODE_MAX * NODE_MAX];   /* [from * nodes + to], from != to; 0: unlimited */
    struct load_curve memory_curve, link_curve;
    uint64_t mlp_ppm;  /* memory-level parallelism, millionths: stall = latency / mlp */
    uint32_t sampling; /* 1 miss in n is observed unless the run says otherwise */
    struct machine_costs costs;
};

/* A preset by name, or a file when the name holds a '/' or ends in .ini. 0, or -errno with a line that names file and
 * line number. */
int machine_load(const char *name, struct machine_desc *, struct trace_error *);

/* Names of the presets, ends with null. */
const char *const *machine_presets(void);

/* The preset that stands in when the user names none: the smallest FLASH with a node for every CPU of the trace. */
const char *machine_default(uint32_t trace_cpus);

#endif
