/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory of the running VMs: nested faults in, placements out. Owns the one engine of the machine, the space, and the
 * lock that serialises both; turns accessed and dirty bits of the per-node nested tables into READ and WRITE events
 * ("A-bit-fed"), runs the policy's ticks, and is the only way in which the monitor itself touches guest memory.
 *
 * The engine's batch is the largest there is: the orders of one batch share their shootdowns. Whoever wants the lock
 * waits for 64 pages of a harvest and the orders that they lead to at the most, or for the orders of one tick.
 *
 * Copying and collapsing come to an end: a write to a replicated page (a hardware walk through a guest's page table is
 * one) collapses it in its own fault and goes on; orders come from harvests and ticks only, so that a page is copied
 * again after a period at the earliest, and a policy that counts writes has seen this one.
 *
 * Every function takes the lock itself. A caller must not run guest code meanwhile (it is a CPU inside the monitor), so
 * a page on the move is never seen half-way: a faulter waits for the lock and looks again.
 *
 * Portable: what needs the CPU is behind struct pager_ops (x86/metal.c on the machine, a fake in the tests).
 */
#ifndef MONITOR_CORE_PAGER_H
#define MONITOR_CORE_PAGER_H

#include "monitor-core/config.h"
#include "monitor-core/exits.h"
#include "monitor-core/lock.h"
#include "monitor-core/observe.h"
#include "monitor-core/space.h"

struct pager;

/* The machine below, besides the four operations of machine.h. All called with the lock held. */
struct pager_machine {
    struct machine *machine;
    void *context;
    /* The bytes of a page's copy on that node, for the monitor's own use. */
    void *(*bytes)(void *context, page_t, node_t copy);
    /* Makes the leaf of one slot in `node`'s nested table of its VM as the place says (read-only for shared pages), and
     * the table around it when it is not there yet (all leaves of a new table are made so). 0, or ERR_NOMEM: no frame
     * for a table. NODE_ALL: in every node's table that is there. */
    int (*show)(void *context, uint32_t slot, node_t node);
    /* Takes one slot's leaves away in every node's table. In force after settle. */
    void (*hide)(void *context, uint32_t slot);
    /* Shootdown: what was hidden or restricted since the last time holds on every CPU. */
    void (*settle)(void *context);
    /* Visits every leaf of every nested table whose accessed bit is set, clears accessed and dirty (in force lazily:
     * each CPU flushes before it enters a guest next), and calls pager_saw for each. */
    void (*harvest)(void *context, struct pager *);
    /* Frames of the node that pages may use: what is free, without what nested tables may still need. Called once, by
     * pager_init, when the pager's space is there. */
    uint64_t (*frames)(void *context, node_t node);
};

/* One observation as it leaves the machine (telemetry.h): what was seen, by the bits or by a fault. */
struct pager_observation {
    uint64_t time;
    uint32_t slot; /* not the page: a trace names guest addresses */
    node_t node;
    uint8_t what; /* as struct event */
};

struct pager_vm_counts {
    uint64_t touches, copies_on_write;
    uint32_t private_pages, shared_pages; /* shown now: own frames, and read-only views of shared pages */
};

struct pager {
    struct lock lock;
    struct engine engine;
    struct observe observe;
    struct space space;
    struct pager_machine below;
    const struct config *config;
    uint64_t now; /* of the latest entry */
    uint64_t next_tick, next_harvest, last_harvest, tick_ns;
    uint64_t next_run; /* the earliest of these; read without the lock */
    uint32_t running;  /* a CPU is in pager_run */
    uint32_t log2_weight;
    struct topology topology; /* with the frames that pages may use */
    uint64_t frames[NODE_MAX];
    uint64_t harvests;
    bool sampled; /* misses come from the CPU's own samples */
    /* Of the last harvest interval, for the view: traffic, mean latency, and what was seen before it. */
    uint64_t traffic[NODE_MAX * NODE_MAX * 2], latency[NODE_MAX], last[NODE_MAX * NODE_MAX * 2];
    uint64_t seen[NODE_MAX][NODE_MAX][2]; /* harvested accesses x weight: [from node][copy's node][is write] */
    struct pager_vm_counts vm[SPACE_VMS];
    uint64_t vm_node[SPACE_VMS][NODE_MAX]; /* harvested accesses of a VM to each node's memory */
    uint64_t vm_local[SPACE_VMS];          /* of these by CPUs of the same node */
    void (*record)(void *context, const struct pager_observation *); /* null: nobody listens */
    void *record_context;
    /* The virtual CPU for whose sake the monitor itself uses memory of the VM just now; null: number 0. */
    uint16_t (*task)(uint32_t vm);
};

/* `pages`: guest pages of each VM; `shared`: how many shared pages can exist. *bytes: of one block, 4096-byte aligned
 * and zeroed; depends on the number of CPUs and nodes only. pager_init wants the frames counted (after memory_seal).
 * ERR_INVAL: a policy that cannot run here (it wants placements known beforehand), or parameters that do not fit
 * together. */
int pager_need(const struct config *, const struct topology *, const uint32_t *pages, uint32_t shared, uint64_t *bytes);
int pager_init(struct pager *, const struct config *, const struct topology *, const uint32_t *pages, uint32_t shared,
               const struct pager_machine *, void *memory);

/* A nested fault of `vm` on a CPU of `node`. 0: the guest can go on, *kind says what it was; ERR_NOENT: no memory at
 * that address (MMIO); ERR_NOMEM: no frame in the whole machine, the VM cannot go on. `task`: number of the virtual
 * CPU. */
int pager_fault(struct pager *, uint32_t vm, node_t node, uint16_t task, uint64_t gpa, bool write, uint64_t now,
                enum exit_kind *kind);

/* The monitor reads or writes guest memory as a CPU of `node` would; writes wait for moves, collapse replicas, break
 * copy-on-write. May cross pages. 0, ERR_INVAL when a byte is not memory (nothing is written then), ERR_NOMEM. */
int pager_read(struct pager *, uint32_t vm, node_t node, uint64_t gpa, void *buffer, size_t size);
int pager_write(struct pager *, uint32_t vm, node_t node, uint64_t gpa, const void *buffer, size_t size);

/* A shared page with these 4096 bytes, held by the caller (the disk index), near `node`. PAGE_NONE: no id or no frame
 * left; the caller may release some and try again. */
page_t pager_share(struct pager *, node_t node, const void *bytes);

/* The slots of these whole pages of one VM show shared pages read-only from now on, in order and with one shootdown for
 * all; what was there is freed. Of a page that has SPACE_USERS users the slot gets a copy. Stops at the first that
 * fails: 0, ERR_INVAL when there is no memory at gpa, ERR_NOMEM. */
struct pager_showing {
    uint64_t gpa;
    page_t shared;
};
int pager_show(struct pager *, uint32_t vm, node_t node, const struct pager_showing *, uint32_t n);

/* Copies the bytes of a shared page out. */
void pager_shared_read(struct pager *, node_t node, page_t shared, void *buffer, size_t offset, size_t size);

/* The index lets go; the page's frames are freed when no slot shows it any more. */
void pager_release(struct pager *, page_t shared);

/* How many slots show it. */
uint32_t pager_users(struct pager *, page_t shared);

/* A VM has ended or is about to start again: all its memory is freed; shared pages stay. None of its virtual CPUs runs.
 * Takes the lock several times, so that others get on meanwhile. */
void pager_empty(struct pager *, uint32_t vm);

/* Called by any CPU: harvest, windows, ticks, as far as they are due. Answers the time at which
 * to call again. Only one CPU at a time does the work, the others return at once. */
uint64_t pager_run(struct pager *, uint64_t now);

/* For harvest: a set bit was found. */
void pager_saw(struct pager *, uint32_t slot, node_t node, bool write);

/* For harvest, every few entries: gives the lock away for a moment to whoever waits for it. */
void pager_pause(struct pager *);

/* A miss that a CPU of `node` sampled (x86/ibs.h), standing for 2^log2 of them. From the first one on harvested bits
 * are no misses any more. Takes the lock. */
void pager_sampled(struct pager *, page_t, node_t node, bool write, unsigned log2, uint64_t now);

#endif
