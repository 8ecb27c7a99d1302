/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A whole pager on bare metal that is plain memory: nodes of a few frames, VMs of a few pages, and CPUs that run
 * "guests" by walking the nested tables in software. Each CPU has a translation buffer that keeps what it once loaded
 * until the pager flushes it, however wrong it has become meanwhile: what uses it too long sees poison or old bytes.
 */
#ifndef TESTS_MONITOR_SPACE_RIG_H
#define TESTS_MONITOR_SPACE_RIG_H

#include "monitor-core/x86/metal.h"
#include "tests/core/fixture.h"

enum { RIG_CPUS = 8, RIG_PAGE = 4096, RIG_WORDS = 8 };

struct rig_config {
    const struct policy_class *policy;
    uint32_t nodes, nvms, shared, around;
    uint32_t pages[SPACE_VMS];
    uint64_t frames; /* per node */
    bool unchecked;  /* without the machine that checks the protocol: it has no locks and is slow */
};

struct rig_cpu {
    node_t node;
    uint64_t *leaf[SPACE_VMS]; /* [pages] what the buffer holds; 0: nothing */
    uint64_t seen;             /* number of the last lazy flush that it has made */
};

/* Metal and the machine that checks, in step. */
struct rig_machine {
    struct machine machine;
    struct metal *metal;
    struct machine_check check;
};

struct rig {
    struct rig_config given;
    struct config config;
    struct fixture_shape shape;
    struct memory memory;
    unsigned char *ram;
    void *pager_block, *metal_block;
    struct metal metal;
    struct rig_machine both;
    struct pager pager;
    struct rig_cpu cpu[RIG_CPUS];
    uint64_t flushes, lazy;
    uint64_t seed;      /* of what CPUs do while the pager waits for them */
    uint32_t untouched; /* a VM that they leave alone, because its shadow is behind: SPACE_VMS: none */
    unsigned char *shadow[SPACE_VMS];
    uint64_t start_free[NODE_MAX]; /* of the machine, when the pager began */
    uint64_t faults[EXIT_KINDS];
    uint64_t now, wrong;
    char first[200]; /* the first thing wrong, in words */
};

/* What pager_init answered. rig->both.check.failure may be set afterwards. */
int rig_begin(struct rig *, const struct rig_config *);
void rig_end(struct rig *);

uint64_t rig_gpa(uint32_t page);

/* A random page of the VM; half of the time one of a few. */
uint32_t rig_some_page(struct rig *, uint32_t vm, uint64_t *seed);

/* One 8-byte access of a guest on that CPU to its word `word` of a page, through its buffer, the tables, and the pager
 * where they do not allow it. Reads are compared with the shadow, writes go to both. What the pager answered. */
int rig_access(struct rig *, uint32_t cpu, uint32_t vm, uint32_t page, uint32_t word, bool write, uint64_t value);

/* The CPU leaves its guest and enters again. */
void rig_reenter(struct rig *, uint32_t cpu);

/* Every byte of every VM against the shadow, every frame accounted for, tables as the places say. */
void rig_check(struct rig *);

/* pager_show of one page. */
int rig_show(struct rig *, uint32_t vm, node_t node, uint64_t gpa, page_t shared);

void rig_fail(struct rig *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
