/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/player.h"

#include "monitor-core/play.h"
#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/metal.h"
#include "monitor-core/x86/report.h"
#include "monitor-core/x86/vm.h"

static bool is_log(const struct module *m)
{
    return !__builtin_memcmp(m->name, "log", 3);
}

/* The log, its class and parameters. *bytes: what its engine wants. Null, or why it cannot be played. */
static const char *open_log(const struct module *m, struct play *p, uint64_t *bytes)
{
    struct policy_error error;
    const char *why;
    if (play_open(p, memory_at(&machine_x86.memory, m->start), m->size, &why))
        return why;
    if (policy_parse(p->header.policy, &monitor.config.policy, monitor.config.param, &error))
        return error.what;
    if (p->header.nodes > machine_x86.nodes)
        return "the machine has fewer nodes than the log";
    if (play_need(p, monitor.config.policy, monitor.config.param, bytes))
        return "the policy asks for what this log does not hold";
    return NULL;
}

/* One block for all logs, one after the other: the engine's memory, then the frames' records. */
static void *reserve_block(void)
{
    uint64_t most = 1;
    for (uint32_t i = 0; i < machine_x86.nmodules; i++) {
        struct play p;
        uint64_t bytes;
        if (!is_log(&machine_x86.module[i]) || open_log(&machine_x86.module[i], &p, &bytes))
            continue;
        bytes += metal_size(p.header.npages, &machine_x86.memory);
        most = bytes > most ? bytes : most;
    }
    return memory_reserve(&machine_x86.memory, 0, most);
}

static const char *play(const struct module *m, void *block)
{
    static struct metal metal;
    static struct engine engine;
    struct play p;
    uint64_t bytes;
    const char *why = open_log(m, &p, &bytes);
    if (why)
        return why;
    if (!block)
        return "not enough memory";
    __builtin_memset(block, 0, bytes);
    metal_init(&metal, NULL, &machine_x86.memory, NULL, p.header.npages, (unsigned char *)block + bytes);
    if (play_begin(&p, &metal.machine, &engine, block))
        return "the policy's parameters do not fit together";
    int err = play_feed(&p, &engine, 0, p.header.records);
    uint64_t digest = engine_digest(&engine);
    struct engine_stats stats = engine.stats;
    play_end(&p, &engine);
    if (err)
        return "the machine could not do what the log wants";
    if (metal.refused)
        return "the machine has not enough memory";
    print("%s: %s: %lu records, digest %016lx", m->name, p.header.policy, p.header.records, digest);
    report_text("played %s digest=%016lx touches=%lu moves=%lu copies=%lu collapses=%lu", m->name, digest,
                stats.touches, stats.moves, stats.copies, stats.collapses);
    return NULL;
}

void player_run(void)
{
    report_start();
    void *block = reserve_block();
    machine_seal();
    for (uint32_t i = 0; i < machine_x86.nmodules; i++) {
        const struct module *m = &machine_x86.module[i];
        const char *why = is_log(m) ? play(m, block) : NULL;
        if (!why)
            continue;
        print("%s: %s", m->name, why);
        report_text("played %s failed: %s", m->name, why);
    }
    report_end("", false);
    machine_off();
}
