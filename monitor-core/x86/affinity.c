/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/affinity.h"

#include "monitor-core/x86/kick.h"
#include "monitor-core/x86/vm.h"

/* A virtual CPU moves when another node served FACTOR times as many of its VM's accesses in one period, and at least
 * LEAST of them in the unit of the pager's counts. */
enum { PERIOD_NS = 1000000000, FACTOR = 2, LEAST = 4096 };

static struct {
    uint64_t next;
    uint64_t last[CONFIG_VMS][NODE_MAX];
} affinity;

uint32_t affinity_cpus(uint32_t node)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < monitor.sched.cpus; c++)
        n += monitor.sched.cpu_node[c] == node;
    return n;
}

static uint32_t users_of(const struct vm *vm, uint32_t node)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < vm->nvcpus; i++)
        n += monitor.sched.vcpu[vm->first_vcpu + i].node == node;
    return n;
}

/* The node with the most of something that still has a CPU for one more of the VM's virtual CPUs. */
static node_t best_node(const struct vm *vm, const uint64_t *most)
{
    node_t best = NODE_NONE;
    for (uint32_t n = 0; n < machine_x86.nodes; n++)
        if (users_of(vm, n) < affinity_cpus(n) && (best == NODE_NONE || most[n] > most[best]))
            best = (node_t)n;
    return best;
}

/* Each VM's nodes begin after those of the VM before. */
void affinity_spread(void)
{
    uint32_t nodes = machine_x86.nodes, first = 0;
    for (uint32_t i = 0; i < monitor.nvcpus; i++) {
        const struct vm *vm = monitor.vcpu[i]->vm;
        uint64_t rank[NODE_MAX];
        for (uint32_t n = 0; n < nodes; n++)
            rank[n] = nodes - (n + nodes - first % nodes) % nodes;
        node_t node = best_node(vm, rank);
        sched_prefer(&monitor.sched, (uint16_t)i, node);
        if (i + 1 == vm->first_vcpu + vm->nvcpus)
            first = node == NODE_NONE ? first + 1 : node + 1u;
    }
}

/* At most one virtual CPU of a VM moves in a period: the one whose node serves the least. */
static void follow(const struct vm *vm, const uint64_t *accesses)
{
    uint32_t worst = UINT32_MAX;
    for (uint32_t i = 0; i < vm->nvcpus; i++) {
        node_t node = monitor.sched.vcpu[vm->first_vcpu + i].node;
        if (node != NODE_NONE &&
            (worst == UINT32_MAX || accesses[node] < accesses[monitor.sched.vcpu[vm->first_vcpu + worst].node]))
            worst = i;
    }
    node_t best = best_node(vm, accesses);
    if (worst == UINT32_MAX || best == NODE_NONE || accesses[best] < LEAST)
        return;
    uint16_t number = (uint16_t)(vm->first_vcpu + worst);
    if (accesses[best] > FACTOR * accesses[monitor.sched.vcpu[number].node])
        kick_send(sched_prefer(&monitor.sched, number, best));
}

void affinity_run(uint64_t now)
{
    if (now < affinity.next)
        return;
    affinity.next = now + PERIOD_NS;
    for (uint32_t i = 0; i < monitor.nvms; i++) {
        uint64_t accesses[NODE_MAX];
        for (uint32_t n = 0; n < machine_x86.nodes; n++) {
            uint64_t total = monitor.pager.vm_node[i][n];
            accesses[n] = total - affinity.last[i][n];
            affinity.last[i][n] = total;
        }
        follow(monitor.vm[i], accesses);
    }
}
