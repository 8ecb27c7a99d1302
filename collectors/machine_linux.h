/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A running Linux as a machine of the engine (monitor-core/machine.h): the pages of one process, moved by move_pages(2)
 * (Linux 6.1, mm/migrate.c). The kernel keeps the truth; a page's first touch here succeeds only on the node where the
 * kernel has it. No replicas and no watch: neither can be had from user space, and the engine refuses such orders by
 * capability.
 *
 *   map    remembers the node that is wanted
 *   sync   moves the pages whose node is another one; the kernel's status of each page becomes its err
 *   fill   nothing (move_pages allocates and copies); drop likewise
 *
 * Without `apply` nothing is moved: sync agrees to everything, so that the engine's truth is the placement that the
 * policy wishes, and `actual` the one that is.
 */
#ifndef COLLECTORS_MACHINE_LINUX_H
#define COLLECTORS_MACHINE_LINUX_H

#include "monitor-core/machine.h"

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
    uint64_t late;           /* moves put off by the rate limit */
    uint64_t failed;         /* pages that the kernel did not move */
    int last_error;          /* errno of the last of those, positive; 0: none */
};

/* `pages` bounds the page numbers; the arrays have that many entries. */
void machine_linux_init(struct machine_linux *, int pid, bool apply, const uint64_t *address, node_t *actual,
                        node_t *wanted, uint32_t page_size);

/* Asks where `n` pages are, from number `first` on: fills `actual`. 0; -EPERM: the process may not be traced by this
 * user; -ESRCH: it is gone; or another -errno. */
int machine_linux_locate(struct machine_linux *, page_t first, uint32_t n);

/* Under a rate limit: is there credit for a whole batch of the engine? Who asks before each access loses no order to
 * the limit. Credit grows with `now_ns`, ascending; a tenth of a second's worth is kept at most, or one batch. */
bool machine_linux_ready(struct machine_linux *, uint64_t now_ns);

#endif
