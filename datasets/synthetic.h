/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Two made-up workloads after the description of Disco's locality experiments (SOSP'97 sections 5.1 and 5.5), which
 * no trace of is public: `engineering` (8 CPUs, six Verilog and six memory-system simulations, multiprogrammed) and
 * `raytrace` (16 CPUs, one scene read by all). docs/paper.md says which number comes from the paper and which is
 * chosen.
 *
 * A workload is a set of regions. Each owner of a region (a process, a program, or all together) has a working set of
 * `window` pages, drawn from evenly or by Zipf's law; `turnover` times a second of recorded time one page of it makes
 * room for the next of the region's pages. Deterministic: the same workload, length and seed give the same records.
 */
#ifndef DATASETS_SYNTHETIC_H
#define DATASETS_SYNTHETIC_H

#include "datasets/trace.h"

enum { SYNTHETIC_REGIONS = 5, SYNTHETIC_WINDOW = 64 };

enum synthetic_owner { OWNER_PROCESS, OWNER_PROGRAM, OWNER_ALL };

struct synthetic_region {
    const char *name;
    enum synthetic_owner owner;
    uint32_t share_ppm; /* of the misses; the regions' shares add up to a million */
    uint32_t write_ppm; /* of its misses that write */
    uint32_t pages;     /* of each owner */
    uint32_t window;    /* pages in use at a time, at most SYNTHETIC_WINDOW */
    uint32_t turnover;  /* pages a second that leave the window; 0: none */
    bool zipf;          /* within the window, by Zipf's law with exponent 1; else evenly */
    bool text;          /* instruction fetches */
    uint32_t homes;     /* read first by this many CPUs in turn; 0: by all */
};

struct synthetic {
    const char *name, *summary, *machine; /* machine: the preset of the paper's experiment */
    uint32_t cpus, processes, programs;
    uint32_t weight;     /* misses per record: neighbouring lines of one page */
    uint32_t compute_ns; /* between two misses of a CPU, without the stall */
    uint32_t latency_ns; /* of each miss on the machine it is recorded on: UMA */
    uint64_t slice_ns;   /* three processes share two CPUs, and every slice one gives way; 0: process i on CPU i */
    uint64_t records;    /* of the workload at full length */
    bool packed; /* a variant whose pages do not lie about evenly: an explanation, no prediction (docs/paper.md) */
    struct synthetic_region region[SYNTHETIC_REGIONS];
};

/* Ends with a null pointer. */
extern const struct synthetic *const synthetic_workloads[];

/* Null when there is none of that name. */
const struct synthetic *synthetic_find(const char *name);

/* The process that runs on a CPU at a time. */
uint32_t synthetic_process(const struct synthetic *, uint32_t cpu, uint64_t time);

/* Pages in all; page ids ascend by region, then owner. */
uint32_t synthetic_pages(const struct synthetic *);

/* What to open a trace_writer with. */
void synthetic_meta(const struct synthetic *, struct trace_meta *);

/* Adds one read of every page, from the CPUs in turn (the state that the paper's baseline starts from: pages lie about
 * as another program left them), then `records` records (0: full length). 0, or -errno with a line. */
int synthetic_write(const struct synthetic *, uint64_t records, uint64_t seed, struct trace_writer *,
                    struct trace_error *);

/* The same as a trace in memory. */
int synthetic_trace(const struct synthetic *, uint64_t records, uint64_t seed, struct trace **out,
                    struct trace_error *);

/* A single page, for the two rules of the paper that are not statistics, in 300000 records over three seconds, every
 * fourth a write: all CPUs in turn; or CPUs 0 and 1 in bursts of 120 ms each, so that it looks private to either for
 * longer than a reset interval. A trace in memory. */
enum synthetic_page { SYNTHETIC_WRITE_SHARED, SYNTHETIC_PING_PONG };
int synthetic_page(enum synthetic_page, uint32_t cpus, struct trace **out, struct trace_error *);

#endif
