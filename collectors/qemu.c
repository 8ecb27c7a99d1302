/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/qemu.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collectors/qemu_private.h"
#include "datasets/trace_private.h"

enum { RAW_HEADER = 64 }; /* bytes before the first record: docs/trace-format.md, "Raw captures" */

void qemu_defaults(struct qemu_options *o)
{
    memset(o, 0, sizeof *o);
    o->l1_bytes = 32 << 10;
    o->l2_bytes = 1 << 20;
    o->l1_ways = 8;
    o->l2_ways = 16;
    o->line = 64;
    o->cpus = 8;
    o->quantum = 1000;
    o->nodes = 4;
    o->memory = (uint64_t)2 << 30;
    import_defaults(&o->import);
}

/* --- the run. The first signal is handed on to QEMU, which then has the program or the machine end; the second ends
 * QEMU itself. From a terminal QEMU gets SIGINT of its own; what another process sends is for the recorder alone. One
 * that comes while the trace is made ends that, and the capture stays. ---
 */

enum { ENDS = 3 };
static const int ends[ENDS] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t child, signals;

static void on_signal(int number, siginfo_t *from, void *context)
{
    bool again = signals++ > 0, terminal = number == SIGINT && from->si_code > 0;
    (void)context;
    if (child > 0 && (again || !terminal))
        kill((pid_t)child, again ? SIGKILL : SIGTERM);
}

static void watch_signals(struct sigaction old[ENDS])
{
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigemptyset(&act.sa_mask);
    child = 0;
    signals = 0;
    for (size_t i = 0; i < ENDS; i++) {
        sigaction(ends[i], NULL, &old[i]);
        if (ends[i] != SIGHUP || old[i].sa_handler != SIG_IGN) /* nohup */
            sigaction(ends[i], &act, NULL);
    }
}

static void run_child(char *const *words, bool whole_system)
{
    /* Who is killed leaves no QEMU running. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    /* Addresses are the same in each run. */
    if (!whole_system)
        personality(ADDR_NO_RANDOMIZE);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    execv(words[0], words);
    fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
    _exit(127);
}

static int run(char *const *words, bool whole_system, int *status, struct trace_error *error)
{
    int err = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        run_child(words, whole_system);
    child = pid;
    if (pid < 0)
        err = trace_fail(error, errno, "a process for QEMU: %s", strerror(errno));
    while (!err && waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            err = trace_fail(error, errno, "waiting for QEMU: %s", strerror(errno));
    child = 0;
    return err;
}

/* --- before and after --- */

static int name_raw(const struct qemu_options *o, struct qemu_place *p, struct trace_error *error)
{
    int n = o->raw ? snprintf(p->raw, sizeof p->raw, "%s", o->raw)
                   : snprintf(p->raw, sizeof p->raw, "%s.%d.tr", o->out, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof p->raw)
        return trace_fail(error, ENAMETOOLONG, "%s: the name is too long", o->raw ? o->raw : o->out);
    if (!access(p->raw, F_OK))
        return trace_fail(error, EEXIST, "%s: is there already; remove it or give the capture another name", p->raw);
    return 0;
}

static int make_folder(struct qemu_place *p, struct trace_error *error)
{
    const char *where = getenv("TMPDIR");
    int n = snprintf(p->folder, sizeof p->folder, "%s/mirrorball-qemu-XXXXXX", where && *where ? where : "/tmp");
    if (n < 0 || (size_t)n >= sizeof p->folder || !mkdtemp(p->folder)) {
        p->folder[0] = 0;
        return trace_fail(error, errno, "a folder for the machine's memory: %s; set TMPDIR", strerror(errno));
    }
    return 0;
}

static void remove_folder(const struct qemu_options *o, const struct qemu_place *p)
{
    char name[QEMU_PATH + 32];
    for (uint32_t i = 0; p->folder[0] && i < o->nodes; i++) {
        snprintf(name, sizeof name, "%s/ram%" PRIu32, p->folder, i);
        unlink(name);
    }
    if (p->folder[0])
        rmdir(p->folder);
}

/* The words as one text, for the trace's provenance. */
static void command_text(const struct qemu_options *o, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; o->command[i] && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : "", o->command[i]);
}

static bool asked_again(void *before)
{
    return signals != *(const sig_atomic_t *)before;
}

static int import_capture(const struct qemu_options *o, const struct qemu_place *p, struct qemu_result *result,
                          struct trace_error *error)
{
    struct import_options import = o->import;
    char command[TRACE_TEXT];
    struct trace_error why;
    struct stat raw;
    sig_atomic_t before = signals;
    import.stop = (struct trace_stop){asked_again, &before};
    command_text(o, command, sizeof command);
    import.from = IMPORT_TR;
    import.command = import.command ? import.command : command;
    if (o->whole_system) {
        import.node_shift = (uint32_t)__builtin_ctzll(o->memory / o->nodes);
        import.limit_address = o->memory;
        import.node_shift_given = import.limit_address_given = true;
        import.node_cpus = o->cpus / o->nodes;
    }
    int err = import_run(p->raw, o->out, &import, &result->counts, NULL, NULL, NULL, &why);
    /* Not by what was read: an output that cannot be made ends the import before the first record. */
    if (err && (stat(p->raw, &raw) || raw.st_size <= RAW_HEADER))
        return trace_fail(error, ECHILD, "QEMU ended (%s %d) without a record%s",
                          WIFSIGNALED(result->status) ? "signal" : "exit code",
                          WIFSIGNALED(result->status) ? WTERMSIG(result->status) : WEXITSTATUS(result->status),
                          o->trigger  ? ": the program made no start mark"
                          : o->kernel ? ": no code ran in the upper half of the addresses"
                                      : "; its own message says why");
    return err ? trace_fail(error, -err, "%s holds what was captured, for mirrorball import; no trace: %s", p->raw,
                            why.text)
               : 0;
}

static int record(const struct qemu_options *o, struct qemu_place *p, struct qemu_result *result,
                  struct trace_error *error)
{
    char *words[QEMU_WORDS];
    struct sigaction old[ENDS];
    int err = qemu_command(o, p, words, error);
    if (err)
        return err;
    watch_signals(old);
    err = run(words, o->whole_system, &result->status, error);
    bool ran = !err;
    if (ran)
        err = import_capture(o, p, result, error);
    for (size_t i = 0; i < ENDS; i++)
        sigaction(ends[i], &old[i], NULL);
    qemu_command_free(words);
    if (!ran)
        return err;
    /* A capture that could not be imported is kept: it may be all there is of a long run. */
    if (!o->raw && (!err || err == -ECHILD))
        unlink(p->raw);
    return err;
}

int qemu_record(const struct qemu_options *o, struct qemu_result *result, struct trace_error *error)
{
    struct qemu_place p = {0};
    memset(result, 0, sizeof *result);
    int err = qemu_check(o, error);
    if (!err)
        err = qemu_find(o, &p, error);
    if (!err && !o->whole_system)
        err = qemu_find_program(o->command[0], &p, error);
    if (!err)
        err = name_raw(o, &p, error);
    if (!err && o->whole_system)
        err = make_folder(&p, error);
    if (!err)
        err = record(o, &p, result, error);
    remove_folder(o, &p);
    return err;
}
