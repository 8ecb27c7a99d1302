/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A running Linux as a machine of the engine (monitor-core/machine.h): the pages of one process, moved by move_pages(2)
 * (Linux 6.1, mm/migrate.c). The kernel keeps the truth; a page's first touch here succeeds only on the node where the
 * kernel has it. No replicas and no watch: neither can be had from user space, and the engine refuses such orders by
 * capability.
 *
 *   map    remembers the node that is wanted
 *   sync   moves the pages whose node is another one; the kernel's status of each page becomes its err. What the rate
 *          limit does not allow now waits: it is agreed to, and moved by machine_linux_pump as credit comes
 *   fill   nothing (move_pages allocates and copies); drop likewise
 *
 * Without `apply` nothing is moved: sync agrees to everything, so that the engine's truth is the placement that the
 * policy wishes, and `actual` the one that is.
 */
#ifndef COLLECTORS_MACHINE_LINUX_H
#define COLLECTORS_MACHINE_LINUX_H

#include "monitor-core/engine.h"

/* As move_pages(2): 0 or more, or -1 with errno. Replaced in tests. */
typedef long machine_linux_call(int pid, unsigned long count, void **pages, const int *nodes, int *status, int flags);

struct machine_linux {
    struct machine machine; /* first */
    machine_linux_call *call;
    int pid;
    bool apply;
    uint32_t page_size;
    const uint64_t *address; /* [pages] of the process, by page number; owned by the caller */
    node_t *actual;          /* [pages] where the kernel has it, NODE_NONE unknown; owned by the caller */
    node_t *wanted;          /* [pages]; owned by the caller */
    uint64_t rate_bps;       /* bytes moved per second at most; 0: no limit */
    uint64_t credit;         /* bytes that may be moved now */
    uint64_t credit_at;      /* ns, when credit was last reckoned */
    uint64_t moved;          /* pages */
    page_t *queue;           /* [pages] moves that wait for credit, a ring; owned by the caller; needed with rate_bps */
    bool *queued;            /* [pages] is it in the queue? false at first; owned by the caller */
    uint32_t pages, head;    /* of queue: its size, where the oldest is */
    uint32_t waiting;        /* pages in the queue */
    uint64_t late;           /* moves that had to wait */
    uint64_t failed;         /* pages that the kernel did not move */
    int last_error;          /* errno of the last of those, positive; 0: none */
};

/* `pages` bounds the page numbers; the arrays have that many entries. */
void machine_linux_init(struct machine_linux *, int pid, bool apply, const uint64_t *address, node_t *actual,
                        node_t *wanted, uint32_t page_size);

/* Asks where `n` pages are, from number `first` on: fills `actual`. 0; -EPERM: the process may not be traced by this
 * user; -ESRCH: it is gone; or another -errno. */
int machine_linux_locate(struct machine_linux *, page_t first, uint32_t n);

/* Under a rate limit: credit up to `now_ns`, ascending. A tenth of a second's worth is kept at most, or one batch. */
void machine_linux_refill(struct machine_linux *, uint64_t now_ns);

/* Moves pages that wait, the oldest first, one call of the kernel and no more than there is credit for. How many left
 * the queue; 0: nothing to do, or no credit. Those that the kernel did not move are in stayed[0..*n): `wanted` is where
 * they are, and the engine has to hear of it. */
uint32_t machine_linux_pump(struct machine_linux *, page_t stayed[ENGINE_MOVES_MAX], uint32_t *n);

#endif
