/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "datasets/synthetic.h"

/* Compute time per miss: Figure 8's execution over its UMA stall at 300 ns, 31.4 / 17.0 x 300. */
static const struct synthetic engineering = {
    .name = "engineering",
    .summary = "six Verilog and six memory-system simulations on 8 CPUs, multiprogrammed",
    .machine = "flash-8",
    .cpus = 8,
    .processes = 12,
    .programs = 2,
    .weight = 4,
    .compute_ns = 554,
    .latency_ns = 300,
    .slice_ns = 200000000,
    .records = 4000000,
    .region =
        {
            {"private data", OWNER_PROCESS, 630000, 300000, 600, 40, 230, false, false, 0},
            {"program text", OWNER_PROGRAM, 200000, 0, 1000, 30, 500, true, true, 0},
            {"data seldom used", OWNER_PROCESS, 50000, 300000, 2000, 8, 3000, false, false, 0},
            {"kernel data, written by all", OWNER_ALL, 120000, 300000, 40, 40, 0, false, false, 0},
        },
};

/* 42.0 / 7.4 x 300. */
#define RAYTRACE(homes)                                                                                  \
    .machine = "flash-16", .cpus = 16, .processes = 16, .programs = 1, .weight = 4, .compute_ns = 1703,  \
    .latency_ns = 300, .records = 3000000,                                                               \
    .region = {                                                                                          \
        {"scene", OWNER_ALL, 620000, 0, 256, 40, 200, true, false, homes},                               \
        {"rays and own part of the scene", OWNER_PROCESS, 180000, 300000, 120, 12, 70, false, false, 0}, \
        {"image and data seldom used", OWNER_PROCESS, 80000, 300000, 400, 8, 1500, false, false, 0},     \
        {"queues, written by all", OWNER_ALL, 120000, 300000, 20, 20, 0, false, false, 0},               \
    }

static const struct synthetic raytrace = {
    .name = "raytrace",
    .summary = "ray tracing of one scene on 16 CPUs",
    RAYTRACE(0),
};

static const struct synthetic raytrace_packed = {
    .name = "raytrace-packed",
    .summary = "ray tracing of one scene that lies on 4 of 16 nodes",
    .packed = true,
    RAYTRACE(4),
};

const struct synthetic *const synthetic_workloads[] = {&engineering, &raytrace, &raytrace_packed, NULL};

const struct synthetic *synthetic_find(const char *name)
{
    for (const struct synthetic *const *w = synthetic_workloads; *w; w++)
        if (strcmp((*w)->name, name) == 0)
            return *w;
    return NULL;
}
