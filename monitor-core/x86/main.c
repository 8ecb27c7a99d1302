/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/affinity.h"
#include "monitor-core/x86/console.h"
#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/module.h"
#include "monitor-core/x86/nvme.h"
#include "monitor-core/x86/player.h"
#include "monitor-core/x86/report.h"
#include "monitor-core/x86/run.h"
#include "monitor-core/x86/shootdown.h"

struct monitor monitor;

/* Blocks taken before memory_seal, used after it. */
struct blocks {
    uint32_t pages[CONFIG_VMS];
    uint32_t shared, total; /* shared pages; all pages */
    void *pager, *metal;
    struct drive drive[CONFIG_DISKS];
    uint32_t users[CONFIG_DISKS]; /* VMs of each disk */
    void *disk[CONFIG_DISKS];
};

static uint32_t ready; /* other CPUs may begin */

static void *take(node_t node, uint64_t bytes, const char *what)
{
    void *block = memory_reserve(&machine_x86.memory, node, bytes, MEMORY_FRAME);
    if (!block)
        panic("no %lu KiB of memory for %s; give the machine more or the VMs less", bytes >> 10, what);
    return block;
}

static uint64_t physical(const void *block)
{
    return (uint64_t)((const unsigned char *)block - machine_x86.memory.base);
}

static void read_config(const struct module *m)
{
    struct config_error error = {0};
    const char *text = memory_at(&machine_x86.memory, m->start);
    int err = config_parse(&monitor.config, text, m->size, &error);
    if (err && !error.line)
        panic("configuration: %s '%s'", error.what, error.word);
    if (err)
        panic("configuration, line %u: %s '%s'", error.line, error.what, error.word);
    report_start(text, m->size);
    if (monitor.config.cpus && monitor.config.cpus < machine_x86.cpus)
        machine_x86.cpus = machine_x86.topology.cpus = monitor.config.cpus;
}

static void find_drives(struct blocks *b)
{
    const struct config *c = &monitor.config;
    nvme_start(&machine_x86);
    for (uint32_t i = 0; i < c->ndisks; i++) {
        const struct config_disk *d = &c->disk[i];
        if (d->module[0] ? !module_drive(d->module, &b->drive[i]) : !nvme_drive(d->drive, &b->drive[i]))
            panic("disk %s: the machine has no such %s", d->name, d->module[0] ? "module" : "drive");
        for (uint32_t v = 0; v < c->nvms; v++)
            for (uint32_t k = 0; k < c->vm[v].ndisks; k++)
                b->users[i] += c->vm[v].disk[k] == i;
    }
}

/* As many as the disks can have blocks in memory; not more than a quarter of the machine's. */
static uint32_t count_shared(const struct blocks *b)
{
    uint64_t blocks = 0, frames = 0;
    for (uint32_t i = 0; i < monitor.config.ndisks; i++)
        blocks += disk_blocks(&monitor.config.disk[i], b->drive[i].sectors, b->users[i]);
    for (uint32_t n = 0; n < machine_x86.memory.nodes; n++)
        frames += machine_x86.memory.node[n].total / MEMORY_FRAME;
    return (uint32_t)(blocks < frames / 4 ? blocks : frames / 4);
}

static void take_blocks(struct blocks *b)
{
    const struct config *c = &monitor.config;
    uint64_t bytes;
    b->shared = b->total = count_shared(b);
    for (uint32_t i = 0; i < c->nvms; i++) {
        b->pages[i] = c->vm[i].memory_mb << 8;
        b->total += b->pages[i];
    }
    if (pager_need(c, &machine_x86.topology, b->pages, b->shared, &bytes))
        panic("policy %s cannot run here", c->spec);
    b->pager = take(0, bytes, "the pages' records");
    b->metal = take(0, metal_size(b->total, &machine_x86.memory), "the frames' records");
    for (uint32_t i = 0; i < c->ndisks; i++)
        b->disk[i] = take(0, disk_size(&c->disk[i], b->drive[i].sectors, b->shared, b->users[i]), "a disk's index");
}

static void make_vcpu(struct vm *vm, uint32_t index)
{
    uint32_t number = monitor.nvcpus++;
    node_t node = machine_x86.cpu_node[vm->id % machine_x86.cpus];
    struct vcpu *v = take(node, sizeof *v, "a virtual CPU");
    void *block = take(node, vcpu_block(), "a virtual CPU");
    vcpu_init(v, vm, index, number, block, physical(block));
    vm->vcpu[index] = monitor.vcpu[number] = v;
}

static void make_vm(uint32_t id)
{
    struct vm *vm = take(machine_x86.cpu_node[id % machine_x86.cpus], sizeof *vm, "a VM");
    vm->id = id;
    vm->config = &monitor.config.vm[id];
    vm->nvcpus = vm->config->vcpus;
    vm->first_vcpu = monitor.nvcpus;
    vm->loader = NODE_NONE;
    if (monitor.nvcpus + vm->nvcpus > SCHED_VCPUS)
        panic("VM %s: more than %u virtual CPUs in all", vm->config->name, SCHED_VCPUS);
    for (uint32_t i = 0; i < vm->nvcpus; i++)
        make_vcpu(vm, i);
    monitor.vm[monitor.nvms++] = vm;
}

static void make_memory(const struct blocks *b)
{
    struct pager_machine below = {0};
    metal_init(&monitor.metal, &monitor.pager, &machine_x86.memory, shootdown, b->total, b->metal);
    monitor.metal.poison = monitor.config.poison;
    metal_below(&monitor.metal, &below);
    if (pager_init(&monitor.pager, &monitor.config, &machine_x86.topology, b->pages, b->shared, &below, b->pager))
        panic("policy %s: these parameters do not fit together, or not this machine", monitor.config.spec);
    for (uint32_t i = 0; i < monitor.config.ndisks; i++)
        disk_init(&monitor.disk[i], &monitor.config.disk[i], &b->drive[i], &monitor.pager, b->shared, b->users[i],
                  b->disk[i]);
    monitor.ndisks = monitor.config.ndisks;
}

static void start_vms(void)
{
    affinity_spread();
    for (uint32_t i = 0; i < monitor.nvms; i++) {
        const char *why = vm_load(monitor.vm[i]);
        if (why)
            panic("VM %s: cannot be loaded: %s", monitor.vm[i]->config->name, why);
    }
    monitor.vms_running = monitor.nvms;
    for (uint32_t i = 0; i < monitor.nvms; i++)
        vm_begin(monitor.vm[i]);
}

static void other_cpu(void)
{
    while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
        cpu_idle();
    vcpu_cpu_init();
    run_cpu();
}

static void tell_panic(const char *why)
{
    report_end(why, true);
}

static void show_node(uint32_t n)
{
    const struct memory_node *m = &machine_x86.memory.node[n];
    print("node %u: %lu MiB, %lu KiB of them the monitor's, %lu frames free", n, m->total >> 20, m->monitor >> 10,
          machine_x86.frames[n]);
    for (uint32_t to = 0; to < machine_x86.nodes; to++)
        print("node %u to node %u: %u ns", n, to, machine_x86.latency_ps[n * machine_x86.nodes + to] / 1000);
}

static void show_machine(void)
{
    print("%u CPUs, %u nodes, TSC %lu kHz", machine_x86.cpus, machine_x86.nodes, machine_x86.tsc_khz);
    for (uint32_t i = 0; i < machine_x86.cpus; i++) {
        const struct cpu *c = machine_x86.cpu[i];
        print("cpu %u: APIC %u, node %u, text at %lx of node %u", i, c->apic_id, c->node, c->text,
              memory_node_of(&machine_x86.memory, c->text));
    }
    for (uint32_t n = 0; n < machine_x86.nodes; n++)
        show_node(n);
    for (uint32_t i = 0; i < machine_x86.nmodules; i++)
        print("module %s: %lu bytes: %s", machine_x86.module[i].name, machine_x86.module[i].size,
              machine_x86.module[i].text);
}

/* Nothing to run: what the machine is, and off. */
_Noreturn static void only_show(void)
{
    cpu_start_others(other_cpu);
    machine_seal();
    show_machine();
    print("no module with a configuration: nothing to run");
    print("off");
    machine_off();
}

void monitor_main(void)
{
    static struct blocks blocks;
    const struct module *config = module_find("config");
    if (!config && player_wanted())
        player_run();
    if (!config)
        only_show();
    panic_tell(tell_panic);
    read_config(config);
    find_drives(&blocks);
    take_blocks(&blocks);
    vcpu_cpu_init();
    for (uint32_t i = 0; i < monitor.config.nvms; i++)
        make_vm(i);
    cpu_start_others(other_cpu);
    machine_seal();
    console_start();
    make_memory(&blocks);
    sched_init(&monitor.sched, machine_x86.cpus, machine_x86.cpu_node, monitor.config.slice_ms * UINT64_C(1000000));
    report_hello();
    print("%u CPUs on %u nodes, %u VMs, policy %s", machine_x86.cpus, machine_x86.nodes, monitor.nvms,
          monitor.config.spec);
    start_vms();
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 1; i < machine_x86.cpus; i++)
        cpu_kick(i);
    run_cpu();
}
