/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/player.h"

#include "monitor-core/play.h"
#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/metal.h"
#include "monitor-core/x86/report.h"
#include "monitor-core/x86/vm.h"

enum { BLOCK_ALIGN = 4096, LOGS = 16 };

struct session {
    const struct module *module;
    struct play play;
    struct engine engine;
    void *block, *frames; /* the engine's memory, the frames' records */
    uint64_t block_bytes;
    const char *why; /* not null: it cannot be played */
};

static struct session sessions[LOGS];
static uint32_t nsessions;

static bool is_log(const struct module *m)
{
    return !__builtin_memcmp(m->name, "log", 3);
}

bool player_wanted(void)
{
    for (uint32_t i = 0; i < machine_x86.nmodules; i++)
        if (is_log(&machine_x86.module[i]))
            return true;
    return false;
}

/* The class and parameters, by the configuration's parser. */
static const char *parse_policy(const char *policy)
{
    struct config_error error;
    return config_parse_policy(&monitor.config, policy, &error) ? error.what : NULL;
}

static const char *prepare(struct session *s)
{
    const char *why;
    const struct module *m = s->module;
    if (play_open(&s->play, memory_at(&machine_x86.memory, m->start), m->size, &why))
        return why;
    why = parse_policy(s->play.header.policy);
    if (why)
        return why;
    if (s->play.header.nodes > machine_x86.nodes)
        return "the machine has fewer nodes than the log";
    if (play_need(&s->play, monitor.config.policy, monitor.config.param, &s->block_bytes))
        return "the policy asks for what a log does not hold";
    s->block = memory_reserve(&machine_x86.memory, 0, s->block_bytes, BLOCK_ALIGN);
    s->frames = memory_reserve(&machine_x86.memory, 0, metal_size(s->play.header.npages, &machine_x86.memory),
                               BLOCK_ALIGN);
    return s->block && s->frames ? NULL : "not enough memory";
}

/* One CPU and no guest: what is mapped holds at once. */
static void flush(uint32_t vms)
{
    (void)vms;
}

static const char *play(struct session *s)
{
    static struct metal metal;
    const char *why = parse_policy(s->play.header.policy);
    if (why)
        return why;
    metal_init(&metal, NULL, &machine_x86.memory, flush, s->play.header.npages, s->frames);
    if (play_begin(&s->play, monitor.config.policy, monitor.config.param, &metal.machine, &s->engine, s->block))
        return "the policy's parameters do not fit together";
    if (play_feed(&s->play, &s->engine, 0, s->play.header.records))
        return "the machine could not do what the log wants";
    return metal.refused ? "the machine has not enough memory" : NULL;
}

static void tell(struct session *s)
{
    const struct engine_stats *stats = &s->engine.stats;
    const char *name = s->module->name;
    if (s->why) {
        print("%s: %s", name, s->why);
        report_text("played %s failed: %s", name, s->why);
        return;
    }
    uint64_t digest = engine_digest(&s->engine);
    print("%s: %s: %lu records, digest %016lx", name, s->play.header.policy, s->play.header.records, digest);
    report_text("played %s digest=%016lx touches=%lu moves=%lu copies=%lu collapses=%lu", name, digest, stats->touches,
                stats->moves, stats->copies, stats->collapses);
}

void player_run(void)
{
    report_start("", 0);
    for (uint32_t i = 0; i < machine_x86.nmodules && nsessions < LOGS; i++)
        if (is_log(&machine_x86.module[i]))
            sessions[nsessions++].module = &machine_x86.module[i];
    for (uint32_t i = 0; i < nsessions; i++)
        sessions[i].why = prepare(&sessions[i]);
    machine_seal();
    for (uint32_t i = 0; i < nsessions; i++) {
        struct session *s = &sessions[i];
        if (!s->why) {
            s->why = play(s);
            tell(s);
            if (!s->why)
                play_end(&s->play, &s->engine);
        } else {
            tell(s);
        }
    }
    report_end("", false);
    machine_off();
}
