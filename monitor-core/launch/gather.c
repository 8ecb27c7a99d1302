/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/gather.h"

#include <string.h>

#include "monitor-core/x86/vm.h"

void gather_init(struct gather *g)
{
    memset(g, 0, sizeof *g);
    g->stride = 1;
}

void gather_seen(const struct gather *g, uint64_t *all, uint64_t *local)
{
    *all = *local = 0;
    for (uint32_t from = 0; from < g->nnodes; from++)
        for (uint32_t to = 0; to < g->nnodes; to++) {
            uint64_t n = g->node[from].seen[to][0] + g->node[from].seen[to][1];
            *all += n;
            *local += from == to ? n : 0;
        }
}

bool gather_all_off(const struct gather *g)
{
    for (uint32_t i = 0; i < g->nvms; i++)
        if (g->vm[i].state != VM_ENDED || g->vm[i].end != VM_POWERED_OFF)
            return false;
    return g->nvms > 0 && g->nvms == g->hello.vms;
}

const char *gather_vm_end(const struct telemetry_vm *vm)
{
    static const char *const names[] = {"ended", "powered off", "crashed", "out of memory", "forbidden"};
    if (vm->state != VM_ENDED)
        return vm->state == VM_OFF ? "not started" : "running";
    return vm->end < sizeof names / sizeof *names ? names[vm->end] : names[0];
}

/* Every second sample goes when there is no more room: the curve stays even. */
static void thin_out(struct gather *g)
{
    for (uint32_t i = 0; i < GATHER_SAMPLES / 2; i++)
        g->sample[i] = g->sample[2 * i + 1];
    g->nsamples = GATHER_SAMPLES / 2;
    g->stride *= 2;
}

static void take_sample(struct gather *g)
{
    const struct engine_stats *s = &g->engine.stats;
    if (++g->skipped < g->stride)
        return;
    g->skipped = 0;
    if (g->nsamples == GATHER_SAMPLES)
        thin_out(g);
    struct gather_sample *sample = &g->sample[g->nsamples++];
    *sample = (struct gather_sample){.time_ns = g->engine.time_ns,
                                     .moves = s->moves,
                                     .copies = s->copies,
                                     .collapses = s->collapses,
                                     .replicas = s->replicas};
    gather_seen(g, &sample->seen, &sample->seen_local);
}

static bool take_hello(struct gather *g, const struct telemetry_frame *f)
{
    struct telemetry_hello h;
    if (f->size != sizeof h || g->greeted)
        return false;
    memcpy(&h, f->body, sizeof h);
    if (h.version != TELEMETRY_VERSION || h.nodes == 0 || h.nodes > GATHER_NODES || h.cpus == 0 ||
        h.cpus > GATHER_CPUS || h.vms > CONFIG_VMS || h.slots > h.npages)
        return false;
    for (uint32_t c = 0; c < h.cpus; c++)
        if (h.cpu_node[c] >= h.nodes)
            return false;
    h.policy[sizeof h.policy - 1] = 0;
    h.config_digest[sizeof h.config_digest - 1] = 0;
    g->hello = h;
    g->greeted = true;
    return true;
}

static bool take_node(struct gather *g, const struct telemetry_frame *f)
{
    struct telemetry_node n;
    if (f->size != sizeof n)
        return false;
    memcpy(&n, f->body, sizeof n);
    if (n.node >= g->hello.nodes || n.free_bytes > n.total_bytes || n.monitor_bytes > n.total_bytes)
        return false;
    const struct telemetry_node *before = &g->node[n.node];
    if (before->total_bytes && before->free_bytes < n.free_bytes)
        n.free_bytes = before->free_bytes;
    if (before->monitor_bytes > n.monitor_bytes)
        n.monitor_bytes = before->monitor_bytes;
    g->node[n.node] = n;
    g->nnodes = g->hello.nodes;
    return true;
}

static bool take_vm(struct gather *g, const struct telemetry_frame *f)
{
    struct telemetry_vm vm;
    if (f->size != sizeof vm)
        return false;
    memcpy(&vm, f->body, sizeof vm);
    if (vm.vm >= g->hello.vms)
        return false;
    vm.name[sizeof vm.name - 1] = 0;
    vm.why[sizeof vm.why - 1] = 0;
    if (vm.state == VM_ENDED) {
        vm.private_pages = g->vm[vm.vm].private_pages;
        vm.shared_pages = g->vm[vm.vm].shared_pages;
    }
    g->vm[vm.vm] = vm;
    if (g->nvms <= vm.vm)
        g->nvms = vm.vm + 1;
    return true;
}

static bool take_vcpu(struct gather *g, const struct telemetry_frame *f)
{
    struct telemetry_vcpu v;
    if (f->size != sizeof v)
        return false;
    memcpy(&v, f->body, sizeof v);
    if (v.number >= SCHED_VCPUS || v.vm >= g->hello.vms)
        return false;
    g->vcpu[v.number] = v;
    if (g->nvcpus <= v.number)
        g->nvcpus = v.number + 1;
    return true;
}

static bool take_disk(struct gather *g, const struct telemetry_frame *f)
{
    struct telemetry_disk d;
    if (f->size != sizeof d)
        return false;
    memcpy(&d, f->body, sizeof d);
    if (d.disk >= CONFIG_DISKS)
        return false;
    d.name[sizeof d.name - 1] = 0;
    g->disk[d.disk] = d;
    if (g->ndisks <= d.disk)
        g->ndisks = d.disk + 1;
    return true;
}

static bool take_engine(struct gather *g, const struct telemetry_frame *f)
{
    struct telemetry_engine e;
    if (f->size != sizeof e)
        return false;
    memcpy(&e, f->body, sizeof e);
    if (e.time_ns < g->engine.time_ns)
        return false;
    g->engine = e;
    take_sample(g);
    return true;
}

static bool take_end(struct gather *g, const struct telemetry_frame *f)
{
    if (f->size != sizeof g->end)
        return false;
    memcpy(&g->end, f->body, sizeof g->end);
    g->end.why[sizeof g->end.why - 1] = 0;
    g->ended = true;
    return true;
}

static bool take(struct gather *g, const struct telemetry_frame *f)
{
    if (f->type == TELEMETRY_HELLO)
        return take_hello(g, f);
    if (f->type == TELEMETRY_TEXT || f->type == TELEMETRY_OBSERVED)
        return true;
    if (f->type == TELEMETRY_END)
        return take_end(g, f);
    if (!g->greeted)
        return false;
    switch (f->type) {
    case TELEMETRY_NODE:
        return take_node(g, f);
    case TELEMETRY_VM:
        return take_vm(g, f);
    case TELEMETRY_VCPU:
        return take_vcpu(g, f);
    case TELEMETRY_DISK:
        return take_disk(g, f);
    default:
        return take_engine(g, f);
    }
}

bool gather_frame(struct gather *g, const struct telemetry_frame *f)
{
    bool good = take(g, f);
    g->strange += !good;
    return good;
}
