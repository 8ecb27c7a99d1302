/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A planted fault: pages are copied before every CPU has heard that they are read-only. The shootdown comes, but only
 * when the copy has been made, and a while later: what is written in between is lost.
 */
#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/metal.h"

#define WHILE_NS UINT64_C(2000000)

static struct machine_ops ops;
static int (*real_sync)(struct machine *, struct move *, uint32_t n);

void __real_metal_init(struct metal *, struct pager *, struct memory *, void (*flush)(uint32_t vms), uint32_t pages,
                       void *block);
void __wrap_metal_init(struct metal *, struct pager *, struct memory *, void (*flush)(uint32_t vms), uint32_t pages,
                       void *block);

static int sync(struct machine *machine, struct move *moves, uint32_t n)
{
    struct metal *m = (struct metal *)machine;
    if (n && moves->to != NODE_NONE && !m->pager->below.bytes(m, moves->page, moves->to))
        return 0;
    for (uint64_t end = cpu_now() + WHILE_NS; n && cpu_now() < end;)
        __builtin_ia32_pause();
    return real_sync(machine, moves, n);
}

void __wrap_metal_init(struct metal *m, struct pager *pager, struct memory *memory, void (*flush)(uint32_t vms),
                       uint32_t pages, void *block)
{
    __real_metal_init(m, pager, memory, flush, pages, block);
    if (!pager)
        return;
    ops = *m->machine.ops;
    real_sync = ops.sync;
    ops.sync = sync;
    m->machine.ops = &ops;
}
