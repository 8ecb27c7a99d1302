/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A machine that trusts nobody. It keeps a table of its own of what every view reaches, the set of mappings that some
 * CPU may still hold because nothing was synced since, the copies that exist and what they contain, and it reports each
 * breach of the protocol in monitor-core/machine.h: a fill under a live writable mapping, a drop of a copy that can be
 * reached, a mapping to a copy that is gone, two copies while one of them is writable, a frame lost, stale data.
 *
 * It fails on demand: the k-th fill, the k-th sync, the k-th item of a sync; once or from then on.
 */
#ifndef TESTS_CORE_MACHINE_CHECK_H
#define TESTS_CORE_MACHINE_CHECK_H

#include "monitor-core/engine.h"

struct machine_failure {
    uint64_t fill, sync, item; /* number of the one that fails, from 1; 0: none */
    bool lasting;              /* and all later ones */
};

struct machine_check {
    struct machine machine;
    struct machine_ops ops;
    uint32_t nodes, npages;
    struct machine_failure failure;
    uint64_t fills, syncs, items; /* so far */
    uint64_t *capacity;           /* [nodes] */
    uint64_t *used;               /* [nodes] */
    nodeset_t *exists;            /* [npages] */
    uint8_t *live;                /* [npages][view][copy] the most that some CPU may do through that mapping */
    uint8_t *access;              /* [npages][view] as last mapped */
    node_t *reaches;              /* [npages][view] */
    uint32_t *contents;           /* [npages][copy] number of the last write that this copy has seen */
    uint32_t *written;            /* [npages] number of the last write */
    bool *dirty;                  /* [npages] mapped since the last sync */
    uint64_t breaches;
    char first[200]; /* the first breach in words */
};

/* Memory from calloc; machine_check_end gives it back. `capacity` is copied. */
void machine_check_begin(struct machine_check *, const struct topology *, uint32_t npages, uint32_t caps);
void machine_check_end(struct machine_check *);

/* An access as a CPU of node would make it: through the table. Reports one that is not allowed or sees old data. */
void machine_check_access(struct machine_check *, page_t, node_t node, bool write);

/* Is the engine's truth the table's? Copies, views, rights, frames, replicas. */
void machine_check_compare(struct machine_check *, const struct engine *);

#endif
