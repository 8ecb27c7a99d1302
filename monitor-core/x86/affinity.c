/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/affinity.h"

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/vm.h"

/* A virtual CPU moves when another node served FACTOR times as many of its VM's accesses in one period, and at least
 * LEAST of them in the unit of the pager's counts. */
enum { PERIOD_NS = 1000000000, FACTOR = 2, LEAST = 4096 };

static struct {
    uint64_t next;
    uint64_t last[CONFIG_VMS][NODE_MAX];
} affinity;

static uint32_t cpus_of(uint32_t node)
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

/* The next node after `node`, inclusive, that has a CPU for one more virtual CPU of the VM; when all are taken, any. */
static node_t free_node(const struct vm *vm, uint32_t node)
{
    for (uint32_t i = 0; i < machine_x86.nodes; i++) {
        uint32_t n = (node + i) % machine_x86.nodes;
        if (users_of(vm, n) < cpus_of(n))
            return (node_t)n;
    }
    return NODE_NONE;
}

static void spread_vm(const struct vm *vm, uint32_t first)
{
    for (uint32_t i = 0; i < vm->nvcpus; i++)
        sched_prefer(&monitor.sched, (uint16_t)(vm->first_vcpu + i), free_node(vm, first));
}

void affinity_spread(void)
{
    uint32_t node = machine_x86.nodes - 1;
    for (uint32_t i = 0; i < monitor.nvms; i++) {
        do
            node = (node + 1) % machine_x86.nodes;
        while (!cpus_of(node));
        spread_vm(monitor.vm[i], node);
    }
}

/* The node with the most accesses that still has a CPU for the VM. */
static node_t best_node(const struct vm *vm, const uint64_t *accesses)
{
    node_t best = NODE_NONE;
    for (uint32_t n = 0; n < machine_x86.nodes; n++)
        if (users_of(vm, n) < cpus_of(n) && (best == NODE_NONE || accesses[n] > accesses[best]))
            best = (node_t)n;
    return best;
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
        sched_prefer(&monitor.sched, number, best);
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
