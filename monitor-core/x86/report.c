/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/report.h"

#include "monitor-core/telemetry.h"
#include "monitor-core/x86/affinity.h"
#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/shootdown.h"
#include "monitor-core/x86/vm.h"

enum { PERIOD_NS = 500000000, RING = 1 << 15, TEXT = 200, RECORD_NS = 50000000, NODES = MACHINE_NODES };
_Static_assert(CPUS_MAX == 64 && MACHINE_NODES == 16, "the arrays of telemetry.h");

static struct {
    struct telemetry telemetry;
    uint64_t next;
    bool ended;
    /* Filled under the pager's lock, emptied by whoever sends: neither waits for the other. */
    struct pager_observation *ring;
    uint64_t head, tail, lost;
} report;

static void put(void *context, const void *bytes, size_t n)
{
    (void)context;
    serial_put(1, bytes, n);
}

static void record(void *context, const struct pager_observation *o)
{
    (void)context;
    uint64_t head = report.head;
    if (head - __atomic_load_n(&report.tail, __ATOMIC_ACQUIRE) >= RING) {
        __atomic_add_fetch(&report.lost, 1, __ATOMIC_RELAXED);
        return;
    }
    report.ring[head % RING] = *o;
    __atomic_store_n(&report.head, head + 1, __ATOMIC_RELEASE);
}

void report_start(void)
{
    telemetry_init(&report.telemetry, put, NULL);
    if (monitor.config.record)
        report.ring = cpu_reserve(cpu_self()->node, RING * sizeof *report.ring, "the record of observations");
}

static uint64_t total_memory(void)
{
    uint64_t bytes = 0;
    for (uint32_t n = 0; n < machine_x86.memory.nodes; n++)
        bytes += machine_x86.memory.node[n].total;
    return bytes;
}

void report_hello(void)
{
    const struct machine_x86 *m = &machine_x86;
    const struct pager *p = &monitor.pager;
    struct telemetry_hello hello = {.version = TELEMETRY_VERSION,
                                    .nodes = m->nodes,
                                    .cpus = m->cpus,
                                    .vms = monitor.nvms,
                                    .tsc_khz = m->tsc_khz,
                                    .memory_bytes = total_memory(),
                                    .npages = p->space.slots + p->space.shared,
                                    .slots = p->space.slots,
                                    .harvest_ms = monitor.config.harvest_ms,
                                    .weight = monitor.config.weight,
                                    .around = monitor.config.around,
                                    .batch = p->engine.batch,
                                    .sampling = p->engine.view.sampling,
                                    .record = monitor.config.record};
    for (uint32_t c = 0; c < m->cpus; c++)
        hello.cpu_node[c] = m->cpu_node[c];
    for (uint32_t i = 0; i < m->nodes; i++)
        for (uint32_t j = 0; j < m->nodes; j++)
            hello.latency_ps[i * NODES + j] = m->latency_ps[i * m->nodes + j];
    __builtin_memcpy(hello.policy, monitor.config.spec, sizeof hello.policy);
    __builtin_memcpy(hello.config_digest, monitor.config.digest, sizeof hello.config_digest);
    telemetry_send(&report.telemetry, TELEMETRY_HELLO, &hello, sizeof hello);
    if (report.ring)
        monitor.pager.record = record;
}

static void take_node(struct telemetry_node *frame, uint32_t n)
{
    const struct memory *memory = &machine_x86.memory;
    *frame = (struct telemetry_node){.node = n,
                                     .cpus = affinity_cpus(n),
                                     .total_bytes = memory->node[n].total,
                                     .free_bytes = memory_free(memory, (node_t)n) * MEMORY_FRAME,
                                     .monitor_bytes = memory->node[n].monitor};
    for (uint32_t to = 0; to < machine_x86.nodes; to++) {
        frame->seen[to][0] = monitor.pager.seen[n][to][0];
        frame->seen[to][1] = monitor.pager.seen[n][to][1];
    }
}

static void take_vm(struct telemetry_vm *frame, const struct vm *vm)
{
    const struct pager_vm_counts *counts = &monitor.pager.vm[vm->id];
    *frame = (struct telemetry_vm){.vm = vm->id,
                                   .vcpus = vm->nvcpus,
                                   .state = vm->state,
                                   .end = vm->end,
                                   .first_slot = monitor.pager.space.first[vm->id],
                                   .pages = monitor.pager.space.count[vm->id],
                                   .private_pages = counts->private_pages,
                                   .shared_pages = counts->shared_pages,
                                   .touches = counts->touches,
                                   .copies_on_write = counts->copies_on_write,
                                   .resets = vm->resets,
                                   .local = monitor.pager.vm_local[vm->id]};
    for (uint32_t n = 0; n < machine_x86.nodes; n++)
        frame->to_node[n] = monitor.pager.vm_node[vm->id][n];
    __builtin_memcpy(frame->name, vm->config->name, sizeof frame->name);
    __builtin_memcpy(frame->why, vm->why, sizeof frame->why);
}

static void send_vcpu(const struct vcpu *v)
{
    const struct sched_vcpu *s = &monitor.sched.vcpu[v->number];
    struct telemetry_vcpu frame = {.number = v->number,
                                   .vm = v->vm->id,
                                   .index = v->index,
                                   .cpu = s->cpu,
                                   .guest_ns = v->guest_ns,
                                   .monitor_ns = v->monitor_ns,
                                   .used_ns = sched_used(&monitor.sched, (uint16_t)v->number, cpu_now())};
    __builtin_memcpy(frame.exits, v->exits, sizeof frame.exits);
    telemetry_send(&report.telemetry, TELEMETRY_VCPU, &frame, sizeof frame);
}

static void send_engine(void)
{
    struct shootdown_counts flushes = shootdown_counts();
    struct telemetry_engine frame = {.time_ns = cpu_now(),
                                     .observations_lost = __atomic_load_n(&report.lost, __ATOMIC_RELAXED),
                                     .shootdowns = flushes.rounds,
                                     .kicks = flushes.kicks,
                                     .shootdown_wait_ns = flushes.wait_ns,
                                     .nested_tables = monitor.metal.tables,
                                     .harvests = monitor.pager.harvests,
                                     .switches = monitor.sched.switches,
                                     .vcpu_migrations = monitor.sched.migrations};
    lock_take(&monitor.pager.lock);
    frame.digest = engine_digest(&monitor.pager.engine);
    frame.stats = monitor.pager.engine.stats;
    frame.shared_pages = monitor.pager.space.shared_used;
    lock_give(&monitor.pager.lock);
    for (uint32_t c = 0; c < monitor.sched.cpus; c++)
        frame.idle_ns += monitor.sched.idle[c];
    telemetry_send(&report.telemetry, TELEMETRY_ENGINE, &frame, sizeof frame);
}

static void send_disk(uint32_t i)
{
    const struct disk *d = &monitor.disk[i];
    struct telemetry_disk frame = {.disk = i,
                                   .persistent = d->config->persistent,
                                   .drive_reads = d->drive_reads,
                                   .drive_blocks = d->drive_blocks,
                                   .hits = d->hits,
                                   .maps = d->maps,
                                   .copies = d->copies,
                                   .private_blocks = d->private_blocks,
                                   .let_go = d->let_go,
                                   .resident = disk_resident(d)};
    __builtin_memcpy(frame.name, d->config->name, sizeof frame.name);
    telemetry_send(&report.telemetry, TELEMETRY_DISK, &frame, sizeof frame);
}

static void send_all(void)
{
    static struct telemetry_node node[NODES];
    static struct telemetry_vm vm[CONFIG_VMS];
    /* The line is slow: nodes and VMs tell of the same accesses only if both are of one moment. */
    lock_take(&monitor.pager.lock);
    for (uint32_t n = 0; n < machine_x86.nodes; n++)
        take_node(&node[n], n);
    for (uint32_t i = 0; i < monitor.nvms; i++)
        take_vm(&vm[i], monitor.vm[i]);
    lock_give(&monitor.pager.lock);
    for (uint32_t n = 0; n < machine_x86.nodes; n++)
        telemetry_send(&report.telemetry, TELEMETRY_NODE, &node[n], sizeof node[n]);
    send_engine();
    for (uint32_t i = 0; i < monitor.nvms; i++)
        telemetry_send(&report.telemetry, TELEMETRY_VM, &vm[i], sizeof vm[i]);
    for (uint32_t i = 0; i < monitor.nvcpus; i++)
        send_vcpu(monitor.vcpu[i]);
    for (uint32_t i = 0; i < monitor.ndisks; i++)
        send_disk(i);
}

/* Until that time: what does not fit through the line is counted as lost. */
static void send_observed(uint64_t until)
{
    uint64_t head = __atomic_load_n(&report.head, __ATOMIC_ACQUIRE);
    while (report.tail != head && cpu_now() < until) {
        const struct pager_observation *o = &report.ring[report.tail % RING];
        telemetry_observed(&report.telemetry, o->time, o->slot, o->node, o->what);
        __atomic_store_n(&report.tail, report.tail + 1, __ATOMIC_RELEASE);
    }
    telemetry_flush(&report.telemetry);
}

void report_run(uint64_t now)
{
    if (report.ring)
        send_observed(now + RECORD_NS);
    if (now < report.next)
        return;
    send_all();
    /* A slow line takes no more than a tenth of a CPU. */
    uint64_t took = cpu_now() - now;
    report.next = now + (10 * took > PERIOD_NS ? 10 * took : PERIOD_NS);
}

void report_text(const char *format, ...)
{
    char text[TEXT];
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    size_t n = print_into(text, sizeof text, format, arguments);
    __builtin_va_end(arguments);
    telemetry_send(&report.telemetry, TELEMETRY_TEXT, text, n);
}

void report_end(const char *why, bool panicked)
{
    if (report.ended || !report.telemetry.put)
        return;
    report.ended = true;
    /* After a panic locks may be held by CPUs that stand still. */
    if (!panicked && monitor.pager.engine.policy) {
        if (report.ring)
            send_observed(UINT64_MAX);
        send_all();
    }
    struct telemetry_end frame = {.time_ns = cpu_now(), .panicked = panicked};
    for (size_t i = 0; i + 1 < sizeof frame.why && why[i]; i++)
        frame.why[i] = why[i];
    telemetry_send(&report.telemetry, TELEMETRY_END, &frame, sizeof frame);
}
