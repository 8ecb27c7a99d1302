/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "collectors/check.h"
#include "collectors/command.h"
#include "collectors/host_nodes.h"
#include "collectors/live_feed.h"
#include "collectors/live_show.h"
#include "collectors/sources.h"
#include "replay/driver.h"

enum { TURN_MS = 100, RESYNC_SECONDS = 5, SECOND_NS = 1000000000 };

struct job {
    const struct cli *cli;
    const char *policy;
    struct replay_spec spec;
    uint64_t rate_bps, pages, seconds, period; /* seconds 0: until it ends */
    enum source_id source;
    bool apply, command;
    int pid;
    struct host_nodes host;
    struct encode_event events[SESSION_EVENTS];
    int count;
    struct attr_steps steps;
    struct session *session;
    struct live *live;
    struct live_feed feed;
    struct live_show show;
    char what[128];
};

static volatile sig_atomic_t stopped;

static void on_end(int number)
{
    (void)number;
    stopped = 1;
}

static void watch_signals(void)
{
    struct sigaction mine = {.sa_handler = on_end}, before;
    sigemptyset(&mine.sa_mask);
    sigaction(SIGINT, &mine, NULL);
    sigaction(SIGTERM, &mine, NULL);
    sigaction(SIGHUP, NULL, &before);
    if (before.sa_handler != SIG_IGN) /* nohup */
        sigaction(SIGHUP, &mine, NULL);
}

/* --- what is asked --- */

static int read_whom(struct job *j)
{
    uint64_t pid = 0;
    if (!cli_u64(j->cli, "pid", 1, INT32_MAX, &pid))
        return CLI_USAGE;
    j->pid = (int)pid;
    j->command = cli_args(j->cli) > 0;
    if (!pid && !j->command)
        return cli_usage(j->cli, "whose pages? -p PID, or a command behind --");
    if (pid && j->command)
        return cli_usage(j->cli, "-p and a command: only one of them");
    return CLI_DONE;
}

static int read_options(struct job *j)
{
    uint64_t rate = UINT64_C(64) << 20;
    struct trace_error error = {""};
    j->pages = LIVE_PAGES;
    if (!cli_u64(j->cli, "rate", 0, UINT64_MAX / 2, &rate) || !cli_u64(j->cli, "pages", 1, 1 << 28, &j->pages) ||
        !cli_u64(j->cli, "duration", 1, 1 << 30, &j->seconds) || !cli_u64(j->cli, "period", 1, 1 << 30, &j->period))
        return CLI_USAGE;
    j->rate_bps = rate;
    j->apply = cli_has(j->cli, "apply");
    j->policy = cli_value(j->cli, "policy");
    const char *source = cli_value(j->cli, "source");
    if (j->period && source && !strcmp(source, "faults"))
        return cli_usage(j->cli, "--period is not for --source faults, only for ibs, pebs");
    if (!j->policy)
        return cli_usage(j->cli, "--policy is missing; mirrorball policies lists them");
    if (replay_parse_spec(j->policy, &j->spec, &error))
        return cli_usage(j->cli, "%s", error.text);
    return read_whom(j);
}

/* --- where the samples come from --- */

static struct encode_options live_options(const struct job *j)
{
    return (struct encode_options){.user_only = true, .stores = true, .period = j->period};
}

static int find_events(struct job *j, enum source_id id)
{
    struct encode_machine machine;
    const struct encode_options options = live_options(j);
    source_machine(&machine);
    int n = source_events(id, &machine, &options, j->events, &j->steps);
    /* The AUX area's packets are decoded from recordings only. */
    if (n > 0 && (j->events[0].flags & ENCODE_AUX_AREA))
        return -ENOTSUP;
    j->source = id;
    j->count = n;
    return n > 0 ? 0 : n ? n : -ENODEV;
}

static int open_source(struct job *j, enum source_id id, struct trace_error *error)
{
    size_t n = cli_args(j->cli);
    char **argv = calloc(n + 1, sizeof *argv);
    if (!argv)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        argv[i] = (char *)cli_arg(j->cli, i);
    enum session_whom whom = j->command ? SESSION_COMMAND : SESSION_PROCESS;
    int err = find_events(j, id), found = !err;
    struct session_options options = {.events = j->events,
                                      .count = (uint32_t)j->count,
                                      .memory = sources[id].memory,
                                      /* The fault's tracepoint fires in the kernel. */
                                      .wish = {.kernel = !sources[id].memory},
                                      .whom = whom,
                                      .pid = j->pid,
                                      .command = argv};
    if (!err)
        err = session_open(&options, &j->steps, &j->session, error);
    if (!found && err == -ENOTSUP)
        snprintf(error->text, sizeof error->text, "%s can be recorded, but not followed live; see mirrorball record",
                 sources[id].name);
    else if (err)
        source_explain(id, found ? j->events[0].name : NULL, whom, j->pid, err, error);
    free(argv);
    return err;
}

/* The first that gives samples: counters before page faults. */
static int open_any(struct job *j, struct trace_error *error)
{
    const struct encode_options options = live_options(j);
    for (enum source_id id = 0; id < SOURCE_FAULTS; id++)
        if (check_source(id, &options, false, &j->steps) && !open_source(j, id, error))
            return 0;
    return open_source(j, SOURCE_FAULTS, error);
}

static int open_wanted(struct job *j)
{
    struct trace_error error = {""};
    const char *name = cli_value(j->cli, "source");
    bool any = !name || !strcmp(name, "auto");
    int id = any ? 0 : source_named(name);
    if (id < 0)
        return cli_usage(j->cli, "--source %s: auto, ibs, pebs or faults", name);
    int err = any ? open_any(j, &error) : open_source(j, (enum source_id)id, &error);
    return err ? cli_error(j->cli, "%s", error.text) : CLI_DONE;
}

/* --- the run --- */

static int begin_live(struct job *j)
{
    struct trace_error error = {""};
    if (j->command)
        j->pid = session_child(j->session)->pid;
    struct live_config config = {.policy = j->spec.policy,
                                 .topology = &j->host.topology,
                                 .pages_max = (uint32_t)j->pages,
                                 .pid = j->pid,
                                 .apply = j->apply,
                                 .rate_bps = j->rate_bps};
    memcpy(config.param, j->spec.param, sizeof config.param);
    if (live_new(&config, &j->live, &error))
        return cli_error(j->cli, "%s", error.text);
    if (live_feed_begin(&j->feed, j->live, j->session, (uint32_t)j->pid, sources[j->source].memory))
        return cli_error(j->cli, "out of memory");
    return CLI_DONE;
}

static void name_process(struct job *j)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", j->pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = 0;
    if (file)
        fclose(file);
    for (char *c = name; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    snprintf(j->what, sizeof j->what, "process %d (%s)", j->pid, j->command ? cli_arg(j->cli, 0) : name);
}

static void begin_show(struct job *j)
{
    name_process(j);
    j->show = (struct live_show){.what = j->what,
                                 .policy = j->policy,
                                 .source = sources[j->source].name,
                                 .apply = j->apply,
                                 .command = j->command,
                                 .touches = !sources[j->source].memory,
                                 .one_node = j->host.nodes < 2,
                                 .screen = isatty(STDOUT_FILENO) && !cli_dumb() && !cli_has(j->cli, "lines"),
                                 .colour = cli_colour()};
}

static unsigned columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

/* One second of it. Answers session_turn's last. */
static int one_second(struct job *j, const struct session_sink *sink)
{
    uint64_t end = live_feed_now() + SECOND_NS;
    int more = 1;
    while (more == 1 && !stopped && live_feed_now() < end)
        more = session_turn(j->session, TURN_MS, sink);
    live_advance(j->live, live_feed_now());
    j->show.lost = j->feed.lost;
    j->show.over = j->feed.over;
    j->show.columns = columns();
    if (more == 1 && j->show.seconds % RESYNC_SECONDS == RESYNC_SECONDS - 1)
        live_resync(j->live);
    live_show(&j->show, j->live, stdout);
    return more;
}

/* Only of a run that has begun: what is refused is refused in one line. */
static void warn(const struct job *j)
{
    if (j->host.nodes < 2)
        cli_warn(j->cli, "this machine has one node: every page is where it can be");
    if (j->period && j->source == SOURCE_FAULTS)
        cli_warn(j->cli, "--period means nothing to faults, which was chosen here");
}

static int run_session(struct job *j)
{
    struct trace_error error = {""};
    struct session_sink sink = live_feed_sink(&j->feed);
    struct session_counts counts;
    int more = 1;
    if (session_start(j->session, &error))
        return cli_error(j->cli, "%s", error.text);
    warn(j);
    begin_show(j);
    while (more == 1 && !stopped && (!j->seconds || j->show.seconds < j->seconds))
        more = one_second(j, &sink);
    /* The process may be gone by now: what is still in the rings cannot be placed. */
    session_stop(j->session, &sink, &counts);
    if (!cli_has(j->cli, "quiet"))
        attr_steps_print(stderr, &j->steps);
    if (counts.lost > j->show.lost) /* a ring that ended full did not say so itself */
        j->show.lost = counts.lost;
    live_show_end(&j->show, j->live, &counts, stdout);
    if (more < 0 && more != -ESRCH)
        return cli_error(j->cli, "process %d: %s", j->pid, strerror(-more));
    return CLI_DONE;
}

static int prepare(struct job *j)
{
    struct trace_error error = {""};
    int code = read_options(j);
    if (code)
        return code;
    if (host_nodes_read(&j->host, "/sys/devices/system/node", (uint32_t)sysconf(_SC_PAGESIZE), &error))
        return cli_error(j->cli, "%s", error.text);
    code = open_wanted(j);
    return code ? code : begin_live(j);
}

static int run(const struct cli *cli)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return cli_error(cli, "out of memory");
    j->cli = cli;
    watch_signals();
    int code = prepare(j);
    if (!code)
        code = run_session(j);
    live_feed_end(&j->feed);
    live_free(j->live);
    session_close(j->session);
    free(j);
    return code;
}

static const struct cli_option options[] = {
    {"pid", 'p', "PID", "the process; or a command behind --"},
    {"policy", 'P', "SPEC", "the policy, as in migrep:trigger=64; needed"},
    {"source", 's', "S", "auto (default), ibs, pebs, or faults: first touches only"},
    {"apply", 0, NULL, "move the pages; else it is only said what would be moved"},
    {"rate", 0, "BYTES", "moved per second at most, as in 64Mi (the default); 0: no limit"},
    {"pages", 0, "N", "pages looked after at most; default 262144"},
    {"period", 'c', "N", "one sample in N events; default: the source's"},
    {"duration", 'd', "SECONDS", "end after so many seconds; else with the process, or by Ctrl-C"},
    {"lines", 0, NULL, "a line per second even on a terminal"},
    {NULL, 0, NULL, NULL},
};

static const struct cli_example examples[] = {
    {"mirrorball live --policy migrep -p 4711", "what migrep would move of process 4711, and what that would save"},
    {"mirrorball live --policy migrate_only --apply --rate 16Mi -- ./app",
     "run it and move its pages, 16 MiB/s at most"},
    {NULL, NULL},
};

const struct cli_command command_live = {
    .name = "live",
    .arguments = "[-- COMMAND...]",
    .summary = "a policy at work on a running process: what it would move, or moves",
    .description =
        "Streams samples of a running process into the engine that replay uses, with the process's memory as the "
        "machine. By default nothing is touched: each second it says which share of the misses is local, how much "
        "memory time the pages' present places save against where they were first seen, and how much the policy's "
        "would. With --apply it moves pages (move_pages), within the rate; Ctrl-C ends it at any time and the process "
        "runs on (a command behind -- gets SIGTERM). A process that this user may not trace is refused. Linux has no "
        "replicas of a process's pages: "
        "orders to copy are refused and counted. Latencies are the kernel's node distances at 10 ns a unit.",
    .options = options,
    .examples = examples,
    .min_args = 0,
    .max_args = -1,
    .run = run,
};
