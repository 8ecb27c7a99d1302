/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collectors/cause.h"
#include "collectors/check.h"
#include "collectors/child.h"
#include "collectors/decode.h"
#include "collectors/spe.h"

enum { LINE = 64, LINES = CHECK_BYTES / LINE };

/* --- the child --- */

struct range {
    uintptr_t chase, fresh;
};

struct walker {
    pid_t pid;
    int go, ready;
    struct range at;
};

/* A full period through all lines: multiplier 1 mod 4, increment odd. */
static void link_lines(unsigned char *base)
{
    for (uint32_t i = 0; i < LINES; i++) {
        uint32_t next = (i * 1664525u + 1013904223u) % LINES;
        void *to = base + (size_t)next * LINE;
        memcpy(base + (size_t)i * LINE, &to, sizeof to);
    }
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void walk(const unsigned char *base, unsigned char *fresh)
{
    long page = sysconf(_SC_PAGESIZE);
    for (long i = 0; i < CHECK_FRESH_PAGES; i++)
        ((volatile unsigned char *)fresh)[i * page] = 1;
    const void *volatile keep;
    const void *at = base;
    for (uint64_t end = now_ns() + (uint64_t)CHECK_MS * 1000000; now_ns() < end;)
        for (int i = 0; i < 4096; i++)
            at = *(const void *const *)at;
    keep = at;
    (void)keep;
}

static void *pages(size_t bytes)
{
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        _exit(1);
    madvise(base, bytes, MADV_NOHUGEPAGE);
    return base;
}

static void run(int go, int ready)
{
    unsigned char *chase = pages(CHECK_BYTES);
    unsigned char *fresh = pages((size_t)CHECK_FRESH_PAGES * (size_t)sysconf(_SC_PAGESIZE));
    struct range range = {(uintptr_t)chase, (uintptr_t)fresh};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    link_lines(chase);
    if (write(ready, &range, sizeof range) != sizeof range || !child_wait(go))
        _exit(1);
    walk(chase, fresh);
    _exit(0);
}

static int start(struct walker *w)
{
    int go[2], ready[2];
    int err = child_gate(go);
    if (err)
        return err;
    if (pipe2(ready, O_CLOEXEC)) {
        close(go[0]);
        close(go[1]);
        return -EMFILE;
    }
    w->pid = fork();
    if (w->pid == 0) {
        close(go[1]);
        run(go[0], ready[1]);
    }
    close(go[0]);
    close(ready[1]);
    w->go = go[1];
    w->ready = ready[0];
    ssize_t n = -1;
    do
        n = w->pid > 0 ? read(w->ready, &w->at, sizeof w->at) : 0;
    while (n < 0 && errno == EINTR);
    return n == sizeof w->at ? 0 : -ENOMEM;
}

static void end(struct walker *w)
{
    close(w->go);
    close(w->ready);
    if (w->pid <= 0)
        return;
    kill(w->pid, SIGKILL);
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

/* --- its samples --- */

struct listener {
    struct decoder *decoder;
    struct check_result *result;
    struct range at;
    unsigned char joined[DECODE_RECORD_MAX];
};

static bool within(uint64_t address, uintptr_t base, size_t bytes)
{
    return address >= base && address - base < bytes;
}

static void judge(struct listener *l, const struct sample *sample)
{
    l->result->samples++;
    if (!(sample->has & SAMPLE_VA) ||
        (!within(sample->va, l->at.chase, CHECK_BYTES) &&
         !within(sample->va, l->at.fresh, (size_t)CHECK_FRESH_PAGES * (size_t)sysconf(_SC_PAGESIZE))))
        return;
    l->result->in_range++;
    l->result->misses += sample_level_miss(sample->level) == MISS_YES;
}

static void listen(struct listener *l, const void *bytes, size_t n)
{
    struct decoded d;
    const char *why;
    if (!decode_record(l->decoder, bytes, n, &d, &why) && d.kind == DECODED_SAMPLE)
        judge(l, &d.sample);
}

/* A record across two pieces is let go: this is a trial. */
static int take_aux(void *context, unsigned cpu, const struct iovec pieces[2], uint64_t position)
{
    struct listener *l = context;
    struct spe_setup setup = {.cpu = cpu};
    (void)position;
    for (int i = 0; i < 2; i++) {
        const unsigned char *bytes = pieces[i].iov_base;
        struct sample sample;
        for (size_t at = 0, used; at < pieces[i].iov_len; at += used)
            if (spe_next(&setup, bytes + at, pieces[i].iov_len - at, &used, NULL, &sample) != 1)
                break;
            else
                judge(l, &sample);
    }
    return 0;
}

/* Records one by one; one that lies across the border of the pieces is joined first. */
static int take(void *context, unsigned cpu, const struct iovec pieces[2])
{
    struct listener *l = context;
    size_t first = pieces[0].iov_len, all = first + pieces[1].iov_len;
    (void)cpu;
    for (size_t at = 0, n; at < all; at += n) {
        const unsigned char *bytes =
            at < first ? (unsigned char *)pieces[0].iov_base + at : (unsigned char *)pieces[1].iov_base + (at - first);
        struct abi_header header;
        memcpy(&header, bytes, sizeof header);
        n = header.size;
        if (at < first && at + n > first) {
            memcpy(l->joined, bytes, first - at);
            memcpy(l->joined + (first - at), pieces[1].iov_base, n - (first - at));
            bytes = l->joined;
        }
        listen(l, bytes, n);
    }
    return 0;
}

static int nothing(void *context)
{
    (void)context;
    return 0;
}

static int teach(struct listener *l, const struct session *session)
{
    struct session_event event;
    for (size_t i = 0; i < session_events(session); i++) {
        session_event(session, i, &event);
        int index = decoder_add(l->decoder, &event.attr, sizeof event.attr, event.ids, event.instances);
        if (index < 0)
            return index;
        if (event.encoded && !strcmp(event.encoded->how, "tracefs"))
            decoder_event(l->decoder, (uint32_t)index)->kind = DECODE_FAULT_TRACE;
    }
    return 0;
}

static int record(struct walker *w, struct listener *l, const struct session_options *o, struct attr_steps *steps,
                  struct trace_error *error)
{
    struct session *session;
    struct session_sink sink = {.context = l, .bytes = take, .aux = take_aux, .round = nothing};
    int err = session_open(o, steps, &session, error), turn = 1;
    if (err)
        return err;
    err = teach(l, session);
    if (!err)
        err = session_start(session, error);
    if (!err)
        err = child_open(w->go);
    for (uint64_t until = now_ns() + 2 * (uint64_t)CHECK_MS * 1000000; !err && turn > 0 && now_ns() < until;) {
        turn = session_turn(session, CHECK_MS / 4, &sink);
        if (waitpid(w->pid, NULL, WNOHANG) == w->pid) {
            w->pid = 0;
            break;
        }
    }
    session_stop(session, &sink, &l->result->counts);
    session_close(session);
    return err ? err : turn < 0 ? turn : 0;
}

int check_events(const struct perf_ops *ops, const struct encode_event *events, uint32_t count, bool memory,
                 bool everybody, struct attr_steps *steps, struct check_result *result, struct trace_error *error)
{
    struct walker w = {.go = -1, .ready = -1};
    struct listener *l = calloc(1, sizeof *l);
    *result = (struct check_result){0};
    snprintf(error->text, sizeof error->text, "the check cannot run: %s", strerror(ENOMEM));
    int err = l && (l->decoder = decoder_new()) ? start(&w) : -ENOMEM;
    if (!err) {
        struct session_options o = {.ops = ops,
                                    .events = events,
                                    .count = count,
                                    .memory = memory,
                                    .wish = {.kernel = false, .physical = true},
                                    .whom = everybody ? SESSION_SYSTEM : SESSION_PROCESS,
                                    .pid = w.pid};
        l->result = result;
        l->at = w.at;
        err = record(&w, l, &o, steps, error);
    }
    end(&w);
    if (l && l->decoder)
        decoder_free(l->decoder);
    free(l);
    return err;
}

bool check_source_on(const struct encode_machine *machine, const struct perf_ops *ops, enum source_id id,
                     const struct encode_options *options, bool everybody, struct attr_steps *why)
{
    struct encode_event events[SESSION_EVENTS];
    struct check_result found;
    struct attr_steps steps = {""};
    struct trace_error error = {""};
    int n = source_events(id, machine, options, events, &steps);
    if (n < 0)
        return false;
    int err = check_events(ops, events, (uint32_t)n, sources[id].memory, everybody, &steps, &found, &error);
    char reason[CAUSE_TEXT + 64] = "opens, but gives no samples";
    bool good = !err && found.in_range;
    if (err)
        cause_reason(err, reason, sizeof reason);
    if (!good)
        attr_step(why, "%s passed over: %s", sources[id].name, reason);
    return good;
}

bool check_source(enum source_id id, const struct encode_options *options, bool everybody, struct attr_steps *why)
{
    struct encode_machine machine;
    source_machine(&machine);
    return check_source_on(&machine, NULL, id, options, everybody, why);
}
