/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The plugin as QEMU sees it: its callbacks feed the model (model.h), which feeds the capture (log.h), in step
 * (pace.h).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collectors/plugin/block.h"
#include "collectors/plugin/log.h"
#include "collectors/plugin/mark.h"
#include "collectors/plugin/model.h"
#include "collectors/plugin/options.h"
#include "collectors/plugin/pace.h"
#include "collectors/plugin/qemu_plugin.h"
#include "collectors/plugin/ram.h"
#include "collectors/plugin/seat.h"
#include "collectors/plugin/strays.h"
#include "collectors/plugin/turns.h"
#include "collectors/plugin/yield.h"

int qemu_plugin_version = 1;

enum { VCPUS = 8192, PAGE = 4096, ACCESS_MAX = 16 };
enum { UNSEEN_TURN = 20000 }; /* instructions of a turn while nothing is captured */

/* A virtual CPU of QEMU's; in user mode a thread. */
struct vcpu {
    struct model_cpu *cpu;
    uint64_t unseen;    /* instructions since its last turn ended, while nothing was captured */
    bool running;       /* as pace.h has it */
    uint64_t tag;       /* user mode: the thread's number, as a record holds it */
    uint64_t page_line; /* whole machine: the virtual line of the last access, and where in RAM it is */
    uint64_t ram_line;
};

static struct {
    atomic_bool on;     /* capturing */
    atomic_bool awaits; /* the kernel's first code */
    bool child;         /* this process is a fork of the program that is captured */
    bool whole_system;
    atomic_uint threads;
    struct strays strays; /* while capturing */
    struct options options;
    struct model model;
    struct pace pace;
    struct turns turns; /* in place of pace, with options.single */
    struct log log;
    struct ram ram;
    struct seat seat[DIRECTORY_CPUS_MAX];
    struct vcpu vcpu[VCPUS];
} plugin;

/* Where in a record's words the parts are (docs/trace-format.md). */
enum { A_CPU = 42, A_KIND = 48, A_CAUSE = 50, A_ELSEWHERE = 52, A_KERNEL = 53, B_THREAD = 48 };
#define TAG_KERNEL UINT64_MAX

static void stop_capture(void)
{
    /* A whole machine has nothing more to do; SIGTERM is how QEMU is asked to end in good order. */
    if (atomic_exchange(&plugin.on, false) && plugin.whole_system)
        kill(getpid(), SIGTERM);
}

static void sink(void *context, struct model_cpu *c, const struct model_record *r)
{
    (void)context;
    bool kernel = c->tag == TAG_KERNEL;
    unsigned up = plugin.model.line_shift - 6;
    struct log_record out = {
        .a = (r->line << up & (((uint64_t)1 << A_CPU) - 1)) | (uint64_t)c->id << A_CPU | (uint64_t)r->kind << A_KIND |
             (uint64_t)r->cause << A_CAUSE | (uint64_t)r->elsewhere << A_ELSEWHERE | (uint64_t)kernel << A_KERNEL,
        .b = (r->time & LOG_TIME_MASK) | (kernel ? 0 : c->tag << B_THREAD),
    };
    log_put(&plugin.log, c->id, out);
    if (atomic_load_explicit(&plugin.log.full, memory_order_relaxed))
        stop_capture();
}

static void forward(struct model_cpu *c, uint64_t clock)
{
    struct seat *seat = &plugin.seat[c->id];
    bool locked = seat_take(seat);
    if (clock > c->clock)
        c->clock = clock;
    seat_leave(seat, locked);
}

static void run(struct vcpu *v)
{
    if (v->cpu && !v->running) {
        v->running = true;
        forward(v->cpu, pace_enter(&plugin.pace, v->cpu->id, v->cpu->clock));
    }
}

static void rest(struct vcpu *v)
{
    if (v->cpu && v->running) {
        v->running = false;
        pace_leave(&plugin.pace, v->cpu->id, v->cpu->clock);
    }
}

static void unseen(unsigned index, uint64_t instructions)
{
    struct vcpu *v = &plugin.vcpu[index % VCPUS];
    if (plugin.options.single && (v->unseen += instructions) >= UNSEEN_TURN) {
        v->unseen = 0;
        yield_turn(index);
    }
}

static uint64_t limit(const struct model_cpu *c)
{
    return plugin.options.single ? plugin.turns.cpu[c->id].limit : plugin.pace.cpu[c->id].limit;
}

/* Before the first access of a turn. */
static void enter(struct vcpu *v)
{
    if (!plugin.options.single)
        run(v);
    else if (plugin.turns.last != v->cpu->id)
        v->cpu->clock = turns_begin(&plugin.turns, v->cpu->id, v->cpu->clock);
}

static void step(struct model_cpu *c)
{
    uint64_t horizon;
    if (plugin.options.single) {
        if (turns_step(&plugin.turns, c->id, c->clock, &horizon))
            yield_turn(c->id);
        log_advance(&plugin.log, c->id, horizon);
        return;
    }
    forward(c, pace_step(&plugin.pace, c->id, c->clock, &horizon));
    log_advance(&plugin.log, c->id, horizon);
}

/* --- blocks of code --- */

/* `step` waits, so it is outside the seat. */
static void on_block(unsigned index, void *userdata)
{
    struct block b = block_unpack(userdata);
    struct vcpu *v = &plugin.vcpu[index % VCPUS];
    struct model_cpu *c = v->cpu;
    if (!atomic_load_explicit(&plugin.on, memory_order_relaxed) || !c) {
        unseen(index, b.instructions);
        return;
    }
    if (!v->running)
        enter(v);
    struct seat *seat = &plugin.seat[c->id];
    bool locked = seat_take(seat);
    c->tag = b.kernel ? TAG_KERNEL : v->tag;
    for (uint64_t i = 0; i <= b.more; i++)
        model_fetch(c, b.line + i);
    c->clock += b.instructions;
    seat_leave(seat, locked);
    if (c->clock >= limit(c))
        step(c);
}

/* A block outside RAM, or its second page's part. */
static void on_instructions(unsigned index, void *userdata)
{
    struct vcpu *v = &plugin.vcpu[index % VCPUS];
    struct model_cpu *c = v->cpu;
    if (!atomic_load_explicit(&plugin.on, memory_order_relaxed) || !c) {
        unseen(index, (uint64_t)(uintptr_t)userdata);
        return;
    }
    if (!v->running)
        enter(v);
    c->clock += (uint64_t)(uintptr_t)userdata;
    if (c->clock >= limit(c))
        step(c);
}

/* --- accesses to data --- */

/* The virtual line of the last access still is where it was: between two accesses of one virtual CPU to one line
 * nothing can have changed the mapping without touching another line. */
static uint64_t ram_line(struct vcpu *v, uint32_t info, uint64_t address, uint64_t virtual_line)
{
    if (virtual_line == v->page_line)
        return v->ram_line;
    struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, address);
    if (!where || qemu_plugin_hwaddr_is_io(where))
        return RAM_NONE;
    uint64_t at = ram_from_qemu(&plugin.ram, qemu_plugin_hwaddr_phys_addr(where));
    if (at == RAM_NONE)
        return RAM_NONE;
    v->page_line = virtual_line;
    return v->ram_line = at >> plugin.model.line_shift;
}

static bool two_lines(uint32_t info, uint64_t address)
{
    uint64_t size = plugin.model.geometry.line_size, within = address & (size - 1);
    return within > size - ACCESS_MAX && within + ((uint64_t)1 << qemu_plugin_mem_size_shift(info)) > size;
}

static void on_access(unsigned index, uint32_t info, uint64_t address, void *userdata)
{
    (void)userdata;
    struct vcpu *v = &plugin.vcpu[index % VCPUS];
    struct model_cpu *c = v->cpu;
    if (!atomic_load_explicit(&plugin.on, memory_order_relaxed) || !c)
        return;
    bool write = qemu_plugin_mem_is_store(info);
    uint64_t line = address >> plugin.model.line_shift;
    struct seat *seat = &plugin.seat[c->id];
    bool locked = seat_take(seat);
    c->tag = v->tag;
    model_data(c, line, write);
    if (two_lines(info, address))
        model_data(c, line + 1, write);
    seat_leave(seat, locked);
}

static void on_system_access(unsigned index, uint32_t info, uint64_t address, void *userdata)
{
    (void)userdata;
    struct vcpu *v = &plugin.vcpu[index % VCPUS];
    struct model_cpu *c = v->cpu;
    if (!atomic_load_explicit(&plugin.on, memory_order_relaxed) || !c)
        return;
    uint64_t line = ram_line(v, info, address, address >> plugin.model.line_shift);
    if (line == RAM_NONE)
        return;
    bool write = qemu_plugin_mem_is_store(info);
    c->tag = address >> 63 ? TAG_KERNEL : 0;
    model_data(c, line, write);
    /* Where the next page is, QEMU does not say. */
    if (two_lines(info, address) && (address & (PAGE - 1)) < PAGE - ACCESS_MAX)
        model_data(c, line + 1, write);
}

/* --- translation --- */

static void on_mark(unsigned index, void *userdata)
{
    (void)index;
    if (plugin.child || !plugin.options.mark)
        return;
    if (userdata)
        atomic_store(&plugin.on, true);
    else
        stop_capture();
}

static void look_for_mark(struct qemu_plugin_insn *insn)
{
    if (qemu_plugin_insn_size(insn) != MARK_BYTES)
        return;
    const void *bytes = qemu_plugin_insn_data(insn);
    bool start = !memcmp(bytes, MARK_BYTES_START, MARK_BYTES);
    if (start || !memcmp(bytes, MARK_BYTES_END, MARK_BYTES))
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, start ? &plugin : NULL);
}

/* Firmware and a kernel that unpacks itself run in the lower half of the addresses. */
static void look_for_kernel(uint64_t address)
{
    if (address >> 63 && atomic_load_explicit(&plugin.awaits, memory_order_relaxed) &&
        atomic_exchange(&plugin.awaits, false))
        atomic_store(&plugin.on, true);
}

/* Address of an instruction in the space that records are in; RAM_NONE: not in RAM. */
static uint64_t place_of(const struct qemu_plugin_insn *insn)
{
    if (!plugin.whole_system)
        return qemu_plugin_insn_vaddr(insn);
    if (!plugin.ram.found && !ram_find(&plugin.ram, "/proc/self/maps", plugin.options.ram))
        return RAM_NONE;
    void *host = qemu_plugin_insn_haddr(insn);
    return host ? ram_from_host(&plugin.ram, host) : RAM_NONE;
}

/* The instructions from `from` to before `to`, which lie in one page. */
static void watch_part(struct qemu_plugin_tb *tb, size_t from, size_t to, uint64_t first)
{
    struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, to - 1), *start = qemu_plugin_tb_get_insn(tb, from);
    uint64_t start_at = qemu_plugin_insn_vaddr(start);
    uint64_t bytes = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last) - start_at;
    unsigned shift = plugin.model.line_shift;
    if (first == RAM_NONE) {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, on_instructions, QEMU_PLUGIN_CB_NO_REGS,
                                             (void *)(uintptr_t)(to - from));
        return;
    }
    if (plugin.whole_system && (first & (PAGE - 1)) + bytes > PAGE)
        bytes = PAGE - (first & (PAGE - 1));
    uint64_t more = ((first + bytes - 1) >> shift) - (first >> shift);
    bool kernel = plugin.whole_system && start_at >> 63;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS,
                                         block_pack((struct block){first >> shift, more, to - from, kernel}));
}

/* A block lies in one page or in two, which need not be neighbours in RAM. */
static void on_translate(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    size_t n = qemu_plugin_tb_n_insns(tb), split = n;
    uint64_t page = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0)) / PAGE;
    if (plugin.child)
        return;
    look_for_kernel(page * PAGE);
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        if (split == n && qemu_plugin_insn_vaddr(insn) / PAGE != page)
            split = i;
        look_for_mark(insn);
        qemu_plugin_register_vcpu_mem_cb(insn, plugin.whole_system ? on_system_access : on_access,
                                         QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
    }
    watch_part(tb, 0, split, place_of(qemu_plugin_tb_get_insn(tb, 0)));
    if (split < n)
        watch_part(tb, split, n, place_of(qemu_plugin_tb_get_insn(tb, split)));
}

/* --- virtual CPUs come, wait and go --- */

/* The first thread may be running: it waits at its seat meanwhile. */
static void more_threads(void)
{
    struct seat *first = &plugin.seat[0];
    seat_join(first);
    seat_lock(first);
    model_share(&plugin.model);
    seat_leave(first, true);
    seat_quit(first);
}

static void on_init(uint64_t id, unsigned index)
{
    (void)id;
    struct vcpu *v = &plugin.vcpu[index % VCPUS];
    unsigned number = plugin.whole_system ? index : atomic_fetch_add(&plugin.threads, 1);
    if (plugin.child)
        return;
    if (!plugin.whole_system && number == 1)
        more_threads();
    v->cpu = &plugin.model.cpu[number % plugin.model.geometry.cpus];
    v->tag = plugin.whole_system ? 0 : number & 0xffff;
    v->page_line = RAM_NONE;
    v->running = false;
    seat_join(&plugin.seat[v->cpu->id]);
    if (!plugin.options.single)
        run(v);
}

static void on_exit_vcpu(uint64_t id, unsigned index)
{
    (void)id;
    struct vcpu *v = &plugin.vcpu[index % VCPUS];
    if (plugin.child || !v->cpu)
        return;
    rest(v);
    seat_quit(&plugin.seat[v->cpu->id]);
    v->cpu = NULL;
}

static void on_rest(uint64_t id, unsigned index)
{
    (void)id;
    if (!plugin.child)
        rest(&plugin.vcpu[index % VCPUS]);
}

static void on_run(uint64_t id, unsigned index)
{
    (void)id;
    if (!plugin.child)
        run(&plugin.vcpu[index % VCPUS]);
}

/* A program of one thread is in that thread here. */
static void write_all(void)
{
    if (plugin.model.alone)
        model_settle(&plugin.model);
    log_flush(&plugin.log);
}

static void on_syscall(uint64_t id, unsigned index, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                       uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    if (strays_exec(number) && !plugin.child && atomic_load(&plugin.on)) {
        write_all();
        strays_leave(&plugin.strays);
    }
    on_rest(id, index);
}

static void on_syscall_ret(uint64_t id, unsigned index, int64_t number, int64_t result)
{
    (void)number, (void)result;
    on_run(id, index);
}

static void on_end(uint64_t id, void *userdata)
{
    (void)id, (void)userdata;
    if (plugin.child)
        return;
    atomic_store(&plugin.on, false);
    write_all();
    log_close(&plugin.log);
    if (atomic_load(&plugin.model.no_memory))
        fprintf(stderr, "mirrorball: out of memory in the cache model: misses are missing from the capture\n");
    strays_tell(&plugin.strays);
}

/* Of processes that start while capturing. */
static void on_fork(void)
{
    atomic_fetch_add(&plugin.strays.started, atomic_load(&plugin.on));
}

/* A child of fork goes on without a model: its lines are not this process's. */
static void on_fork_child(void)
{
    plugin.child = true;
    atomic_store(&plugin.on, false);
    log_abandon(&plugin.log);
}

static int start(const struct qemu_plugin_info *info, char *error, size_t size)
{
    struct options *o = &plugin.options;
    struct model_geometry g;
    seat_prepare();
    if (plugin.whole_system)
        o->cpus = (uint64_t)info->max_vcpus;
    int err = options_geometry(o, &g, error, size);
    if (!err && (err = model_init(&plugin.model, &g, sink, NULL)))
        snprintf(error, size, "the cache model: %s", strerror(-err));
    if (!err && !plugin.whole_system)
        model_alone(&plugin.model);
    else if (!err && !o->single)
        model_share(&plugin.model);
    if (!err && o->single)
        err = yield_find(error, size);
    turns_init(&plugin.turns, g.cpus, o->quantum);
    if (!err && (err = pace_init(&plugin.pace, g.cpus, o->quantum)))
        snprintf(error, size, "locks: %s", strerror(-err));
    struct log_header h = {g.line_size, PAGE,      plugin.whole_system, o->quantum,
                           g.l1_sets,   g.l1_ways, g.l2_sets,           g.l2_ways};
    if (!err && (err = log_open(&plugin.log, o->out, &h, g.cpus, o->records)))
        snprintf(error, size, "%s: %s", o->out, strerror(-err));
    plugin.ram.nodes = (uint32_t)o->nodes;
    plugin.ram.node_bytes = o->memory / o->nodes;
    atomic_store(&plugin.awaits, plugin.whole_system && o->kernel);
    atomic_store(&plugin.on, !o->mark && !o->kernel);
    return err;
}

static void subscribe(uint64_t id)
{
    qemu_plugin_register_vcpu_init_cb(id, on_init);
    qemu_plugin_register_vcpu_exit_cb(id, on_exit_vcpu);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    if (plugin.whole_system) {
        if (!plugin.options.single) {
            qemu_plugin_register_vcpu_idle_cb(id, on_rest);
            qemu_plugin_register_vcpu_resume_cb(id, on_run);
        }
    } else {
        qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
        qemu_plugin_register_vcpu_syscall_ret_cb(id, on_syscall_ret);
        pthread_atfork(on_fork, NULL, on_fork_child);
    }
}

int qemu_plugin_install(uint64_t id, const struct qemu_plugin_info *info, int argc, char **argv)
{
    char error[512] = "";
    plugin.whole_system = info->system_emulation;
    int err = options_parse(&plugin.options, argc, argv, error, sizeof error);
    if (!err)
        err = options_fit(&plugin.options, info->target_name, plugin.whole_system, error, sizeof error);
    if (!err)
        err = start(info, error, sizeof error);
    if (err)
        fprintf(stderr, "mirrorball: %s\n", error);
    else
        subscribe(id);
    return err;
}
