/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The bare-metal machine: struct machine_ops and struct pager_machine over nested page tables (one root per VM and
 * node) and page frames. Reaches memory only through struct memory and waits only through `flush`, so it runs under
 * host tests as well.
 *
 * A page's copies: an array over pages gives the first copy's frame, an array over frames the next copy's frame or, in
 * the last one, the page: so a frame names its page too (IBS samples name frames).
 */
#ifndef MONITOR_CORE_X86_METAL_H
#define MONITOR_CORE_X86_METAL_H

#include "monitor-core/pager.h"
#include "monitor-core/x86/memory.h"

struct metal {
    struct machine machine; /* first */
    struct pager *pager;
    struct memory *memory;
    void (*flush)(uint32_t vms); /* shootdown */
    uint32_t nodes;
    uint64_t frames;                    /* numbers of frames are below */
    uint64_t root[SPACE_VMS][NODE_MAX]; /* physical; 0: no CPU of that node has run the VM */
    uint32_t *frame_of;                 /* [pages] first copy, as frame number of the whole machine */
    uint32_t *next_copy;                /* [frames of the machine] */
    uint32_t dirty;                     /* VMs of which something was restricted since the last flush, a bit each */
    bool poison;                        /* fill freed frames with a pattern */
    uint64_t tables;                    /* frames used for nested tables */
    uint64_t refused;                   /* fills that found no frame: 0 as long as the engine's account is right */
};

/* Bytes of the 4-byte aligned block for so many pages; its contents do not matter. */
size_t metal_size(uint32_t pages, const struct memory *);
/* Without a pager (null) pages have frames but are mapped nowhere, and nothing is flushed: for playing logs. */
void metal_init(struct metal *, struct pager *, struct memory *, void (*flush)(uint32_t vms), uint32_t pages,
                void *memory);
void metal_below(struct metal *, struct pager_machine *); /* what the pager needs */

/* The nested root for a CPU of `node`; 0: no frame for it. Takes the pager's lock where it is not there yet.
 * Tables stay when a VM is emptied: it may start again. */
uint64_t metal_root(struct metal *, uint32_t vm, node_t node);

/* The page that a frame holds a copy of; PAGE_NONE. Takes no lock: a hint. */
page_t metal_page(const struct metal *, uint64_t physical);

#endif
