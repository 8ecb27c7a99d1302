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

static uint32_t ready, begun; /* other CPUs may begin; have */

static void read_config(const struct module *m)
{
    struct policy_error error;
    if (config_open(&monitor.config, memory_at(&machine_x86.memory, m->start), m->size, &error))
        panic("configuration: %s %s", error.what, error.word);
    report_start();
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
            panic("disk %s: the machine has no such %s", d->name,
                  d->module[0] ? "module" : "drive, or it was left out, or another disk has it");
        b->users[i] = config_disk_users(c, i);
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
    b->pager = cpu_reserve(0, bytes, "the pages' records");
    b->metal = cpu_reserve(0, metal_size(b->total, &machine_x86.memory), "the frames' records");
    for (uint32_t i = 0; i < c->ndisks; i++)
        b->disk[i] =
            cpu_reserve(0, disk_size(&c->disk[i], b->drive[i].sectors, b->shared, b->users[i]), "a disk's index");
}

static void make_vcpu(struct vm *vm, uint32_t index)
{
    uint32_t number = monitor.nvcpus++;
    node_t node = machine_x86.cpu_node[vm->id % machine_x86.cpus];
    struct vcpu *v = cpu_reserve(node, sizeof *v, "a virtual CPU");
    void *block = cpu_reserve(node, vcpu_block(), "a virtual CPU");
    vcpu_init(v, vm, index, number, block, memory_physical(&machine_x86.memory, block));
    vm->vcpu[index] = monitor.vcpu[number] = v;
}

static void make_vm(uint32_t id)
{
    struct vm *vm = cpu_reserve(machine_x86.cpu_node[id % machine_x86.cpus], sizeof *vm, "a VM");
    vm->id = id;
    vm->config = &monitor.config.vm[id];
    vm->nvcpus = vm->config->vcpus;
    vm->first_vcpu = monitor.nvcpus;
    vm->loader = NODE_NONE;
    for (uint32_t i = 0; i < vm->nvcpus; i++)
        make_vcpu(vm, i);
    monitor.vm[monitor.nvms++] = vm;
}

/* The one whose exit this CPU deals with; for what nobody's exit asks for, the VM's first. */
static uint16_t served(uint32_t vm)
{
    const struct vcpu *v = cpu_self()->running;
    return (uint16_t)(v && v->vm->id == vm ? v->number : monitor.vm[vm]->first_vcpu);
}

static void make_memory(const struct blocks *b)
{
    struct pager_machine below = {0};
    metal_init(&monitor.metal, &monitor.pager, &machine_x86.memory, shootdown, b->total, b->metal);
    monitor.metal.poison = monitor.config.poison;
    metal_below(&monitor.metal, &below);
    if (pager_init(&monitor.pager, &monitor.config, &machine_x86.topology, b->pages, b->shared, &below, b->pager))
        panic("policy %s: these parameters do not fit together, or not this machine", monitor.config.spec);
    monitor.pager.task = served;
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
    __atomic_fetch_add(&begun, 1, __ATOMIC_RELEASE);
    vcpu_cpu_init();
    run_cpu();
}

/* Whoever passes sends lost kicks again: the first ones, while nobody does, only this CPU can. */
_Noreturn static void stand_apart(void)
{
    while (__atomic_load_n(&begun, __ATOMIC_ACQUIRE) < machine_x86.cpus) {
        cpu_timer(kick_again(cpu_now()));
        cpu_idle();
    }
    cpu_timer(UINT64_MAX);
    for (;;)
        cpu_idle();
}

static void tell_panic(const char *why)
{
    report_end(why, true);
}

/* Nothing to run: where the memory is, and off. */
_Noreturn static void only_show(void)
{
    machine_seal();
    for (uint32_t n = 0; n < machine_x86.nodes; n++)
        print("node %u: %lu frames free", n, machine_x86.frames[n]);
    print("no module with a configuration: nothing to run");
    machine_off();
}

void monitor_main(void)
{
    static struct blocks blocks;
    const struct module *config = module_find("config");
    if (config)
        read_config(config);
    else if (module_find("log0"))
        player_run();
    else
        only_show();
    panic_tell(tell_panic);
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
    print("CPUs: %u; nodes: %u; VMs: %u; policy %s", machine_x86.cpus, machine_x86.nodes, monitor.nvms,
          monitor.config.spec);
    start_vms();
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < machine_x86.cpus; i++)
        kick_send(i);
    if (cpu_self()->id == CPU_APART)
        stand_apart();
    run_cpu();
}
