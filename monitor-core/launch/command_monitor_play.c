/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor-core/launch/command.h"
#include "monitor-core/launch/player.h"
#include "monitor-core/launch/session.h"

enum { LOGS = 48, TIMEOUT_S = 300, LEAST_MB = 512 };

struct played {
    struct player_log log;
    uint64_t here, there; /* digests */
    bool came;            /* from the monitor */
    char failure[128];    /* of the monitor */
    struct engine_stats stats;
};

struct job {
    const struct cli *cli;
    const char *policy;
    uint32_t n;
    bool ended, panicked;
    char why[240];
    struct played played[LOGS];
    struct plan plan;
    struct emulator emulator;
    struct session session;
};

static struct played *find(struct job *job, const char *name)
{
    char expected[16];
    for (uint32_t i = 0; i < job->n; i++) {
        snprintf(expected, sizeof expected, "log%u", (unsigned)i);
        if (strcmp(expected, name) == 0)
            return &job->played[i];
    }
    return NULL;
}

/* "played log0 digest=0123456789abcdef ..." or "played log0 failed: why". */
static void on_frame(void *context, const struct telemetry_frame *f)
{
    struct job *job = context;
    char text[256], name[16], why[128] = "";
    uint64_t digest;
    if (f->type == TELEMETRY_END && f->size == sizeof(struct telemetry_end)) {
        const struct telemetry_end *end = f->body;
        job->ended = true;
        job->panicked = end->panicked;
        snprintf(job->why, sizeof job->why, "%.*s", (int)sizeof end->why - 1, end->why);
    }
    if (f->type != TELEMETRY_TEXT)
        return;
    snprintf(text, sizeof text, "%.*s", (int)f->size, (const char *)f->body);
    struct played *p = NULL;
    if (sscanf(text, "played %15s digest=%" SCNx64, name, &digest) == 2 && (p = find(job, name))) {
        p->there = digest;
        p->came = true;
    } else if (sscanf(text, "played %15s failed: %127[^\n]", name, why) == 2 && (p = find(job, name))) {
        snprintf(p->failure, sizeof p->failure, "%s", why);
    }
}

static void on_status(void *context, char *text, size_t size)
{
    (void)context;
    snprintf(text, size, "mirrorball: the monitor plays");
}

static bool on_finished(void *context)
{
    return ((struct job *)context)->ended;
}

/* Twice what the logs' pages could fill. */
static void size_machine(struct job *job, uint64_t bytes)
{
    struct plan *p = &job->plan;
    uint64_t step = (uint64_t)2 * p->nodes, mb = LEAST_MB + bytes * 2 / (1 << 20);
    for (uint32_t i = 0; i < job->n; i++) {
        const struct play_header *h = &job->played[i].log.play.header;
        uint64_t pages = (uint64_t)h->npages * (h->nodes < 4 ? h->nodes : 4);
        mb += pages / 256;
        if (h->nodes > p->nodes)
            p->nodes = h->nodes;
    }
    p->cpus = p->nodes;
    p->memory = ((mb + step - 1) / step * step) << 20;
}

static int plan(struct job *job, struct trace_error *why)
{
    struct plan *p = &job->plan;
    uint64_t bytes = 0;
    *p = (struct plan){.policy = "", .machine = "q35", .nodes = 1};
    p->qemu = cli_value(job->cli, "qemu") ? cli_value(job->cli, "qemu") : "qemu-system-x86_64";
    int error = plan_image(p, cli_value(job->cli, "image"), why);
    for (uint32_t i = 0; !error && i < job->n; i++) {
        struct played *played = &job->played[i];
        char name[16];
        snprintf(name, sizeof name, "log%u", (unsigned)i);
        int index = plan_module_of_memory(p, name, played->log.bytes, played->log.size, why);
        error = index < 0 ? index : 0;
        bytes += played->log.size;
    }
    size_machine(job, bytes);
    if (!error && p->nodes > PLAN_NODES) {
        snprintf(why->text, sizeof why->text, "a log of %" PRIu32 " nodes: the emulated machine has at most %d",
                 p->nodes, PLAN_NODES);
        error = -EINVAL;
    }
    return error;
}

static int play_metal(struct job *job)
{
    struct trace_error why;
    if (plan(job, &why) || emulator_start(&job->emulator, &job->plan, &why))
        return cli_error(job->cli, "%s", why.text);
    uint64_t timeout = TIMEOUT_S;
    cli_u64(job->cli, "timeout", 1, 1000000, &timeout);
    job->session = (struct session){.cli = job->cli,
                                    .emulator = &job->emulator,
                                    .timeout_s = timeout,
                                    .frame = on_frame,
                                    .texts = true,
                                    .no_console = true,
                                    .status = on_status,
                                    .finished = on_finished,
                                    .context = job,
                                    .quiet = cli_has(job->cli, "quiet") || !isatty(STDOUT_FILENO)};
    session_run(&job->session);
    emulator_close(&job->emulator);
    if (job->panicked)
        return cli_error(job->cli, "the monitor gave up: %s", job->why);
    if (job->ended)
        return CLI_DONE;
    const char *complaint = job->session.reader.frames ? "" : job->session.complaint;
    return cli_error(job->cli, "the machine ended before the monitor had played everything%s%s", *complaint ? ": " : "",
                     complaint);
}

static int open_and_play(struct job *job)
{
    struct trace_error why;
    uint64_t timeout = TIMEOUT_S;
    if (!cli_u64(job->cli, "timeout", 1, 1000000, &timeout))
        return CLI_USAGE;
    if (cli_args(job->cli) > LOGS)
        return cli_usage(job->cli, "at most %d logs at once", LOGS);
    job->policy = cli_value(job->cli, "policy");
    for (; job->n < cli_args(job->cli); job->n++) {
        struct played *p = &job->played[job->n];
        if (player_open(&p->log, cli_arg(job->cli, job->n), job->policy, &why))
            return cli_error(job->cli, "%s", why.text);
        if (player_play(&p->log, &p->here, &p->stats, &why)) {
            job->n++;
            return cli_error(job->cli, "%s: %s", cli_arg(job->cli, job->n - 1), why.text);
        }
    }
    return CLI_DONE;
}

static int print_one(const struct job *job, uint32_t i, bool metal)
{
    const struct played *p = &job->played[i];
    const struct engine_stats *s = &p->stats;
    printf("%s: %s: %" PRIu64 " records, %" PRIu64 " moves, %" PRIu64 " copies, %" PRIu64
           " collapses, digest %016" PRIx64,
           cli_arg(job->cli, i), p->log.play.header.policy, p->log.play.header.records, s->moves, s->copies,
           s->collapses, p->here);
    if (!metal)
        putchar('\n');
    else if (p->came && p->here == p->there)
        printf(", the same in the monitor\n");
    else if (p->came)
        printf(", in the monitor %016" PRIx64 ": NOT THE SAME\n", p->there);
    else
        printf(", not played by the monitor%s%s\n", p->failure[0] ? ": " : "", p->failure);
    return metal && (!p->came || p->here != p->there);
}

static int play_all(struct job *job)
{
    bool metal = cli_has(job->cli, "metal");
    int code = open_and_play(job), differ = 0;
    if (code)
        return code;
    if (metal)
        code = play_metal(job);
    for (uint32_t i = 0; i < job->n; i++)
        differ += print_one(job, i, metal);
    if (!code && differ)
        code = cli_error(job->cli, "%d of %" PRIu32 " logs did not lead to the same decisions in the monitor", differ,
                         job->n);
    return code;
}

static int run(const struct cli *cli)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return cli_error(cli, "out of memory");
    job->cli = cli;
    int code = play_all(job);
    for (uint32_t i = 0; i < job->n; i++)
        player_close(&job->played[i].log);
    plan_close(&job->plan);
    free(job);
    return code;
}

static const struct cli_option options[] = {
    {"policy", 'P', "SPEC", "play under this policy instead of the one that the log was written under"},
    {"metal", 0, NULL, "play in the monitor as well, on an emulated machine, and compare"},
    {"image", 0, "FILE", "the monitor; default: monitor.elf beside this program"},
    {"qemu", 0, "PROGRAM", "the emulator; default: qemu-system-x86_64"},
    {"timeout", 0, "S", "end the machine after so many seconds; default 300"},
    {NULL, 0, NULL, NULL},
};

static const struct cli_example examples[] = {
    {"mirrorball monitor play pmake.log --metal", "the same decisions in the bare-metal monitor?"},
    {"mirrorball replay datasets/traces/pmake.h5 --policy migrep --write-log pmake.log", "writes such a log"},
    {NULL, NULL},
};

const struct cli_command command_monitor_play = {
    .name = "monitor play",
    .arguments = "LOG...",
    .summary = "play what a replay told its engine, here and in the monitor: the same decisions?",
    .description =
        "A log holds what an engine was told below the observation layer: accesses that needed it, events, windows, "
        "ticks, and the accessed bits and load that its policy saw. Played into another engine on another machine it "
        "must lead to the same decisions; the digest is a hash "
        "over all of them. With --metal the monitor plays the log too, moving pages of the emulated machine's memory.",
    .options = options,
    .examples = examples,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
