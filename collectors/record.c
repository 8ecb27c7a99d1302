/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "collectors/check.h"
#include "collectors/counters.h"
#include "collectors/homes.h"
#include "collectors/record.h"
#include "collectors/spool.h"

enum { TURN_MS = 100, RELEASE_MS = 2000, COUNTERS_MS = 100, LEAST_MS = 10 };
enum {
    STAGE_VALUES = 1 << 19,
    VALUES_MAX = 7 << 19
}; /* of all counters; after each stage they are read half as often */

struct recording {
    const struct record_options *o;
    struct record_result *result;
    struct session *session;
    struct counters *counters; /* null: none */
    struct spool spool;
    struct encode_event events[SESSION_EVENTS];
    int count;
    int stopped; /* what *o->stop was when the trace was begun */
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* CPU time of this process beyond what is accounted for. */
static uint64_t spent_ns(const struct record_cost *cost)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cost->before - cost->during - cost->after;
}

/* Kernels before 6.1 give the raw registers of IBS and decode nothing. */
static bool kernel_before(unsigned major, unsigned minor)
{
    struct utsname u;
    unsigned a = 0, b = 0;
    return !uname(&u) && sscanf(u.release, "%u.%u", &a, &b) == 2 && (a < major || (a == major && b < minor));
}

/* --- which source --- */

static int open_source(struct recording *r, enum source_id id, struct trace_error *error)
{
    struct encode_machine machine;
    struct session_options o = {
        .events = r->events,
        .memory = sources[id].memory,
        .wish = {.rate = r->o->rate,
                 .kernel = !r->o->encode.user_only,
                 .physical = sources[id].memory,
                 .registers = id == SOURCE_IBS && kernel_before(6, 1)},
        .whom = r->o->whom,
        .pid = r->o->pid,
        .command = r->o->command,
        .ring_kib = r->o->ring_kib,
    };
    source_machine(&machine);
    r->count = source_events(id, &machine, &r->o->encode, r->events, &r->result->steps);
    if (r->count < 0) {
        source_explain(id, NULL, r->o->whom, r->o->pid, r->count, error);
        return r->count;
    }
    o.count = (uint32_t)r->count;
    int err = session_open(&o, &r->result->steps, &r->session, error);
    if (err)
        source_explain(id, r->events[0].name, r->o->whom, r->o->pid, err, error);
    r->result->source = id;
    return err;
}

static int open_best(struct recording *r, struct trace_error *error)
{
    for (enum source_id id = 0; id < SOURCE_FAULTS; id++)
        if (check_source(id, &r->o->encode, r->o->whom == SESSION_SYSTEM, &r->result->steps) &&
            !open_source(r, id, error))
            return 0;
    return open_source(r, SOURCE_FAULTS, error);
}

/* --- counters beside it --- */

struct beat {
    uint64_t last, next, every; /* ns */
    uint64_t values, stage;
    struct perfdata_value *held; /* the last reading, not written yet; null: no counters */
    size_t n;
};

static void hold_value(void *context, const struct perfdata_value *value)
{
    struct beat *b = context;
    b->held[b->n++] = *value;
}

static void write_held(struct recording *r, struct beat *b)
{
    for (size_t i = 0; i < b->n; i++)
        spool_note(&r->spool, NOTE_VALUE, &b->held[i], sizeof b->held[i]);
    b->n = 0;
}

static void begin_counters(struct recording *r)
{
    struct child *child = session_child(r->session);
    struct counters_options o = {.names = r->o->counters, .whom = r->o->whom, .pid = child ? child->pid : r->o->pid};
    counters_open(&o, &r->result->steps, &r->counters);
}

static void write_series(struct recording *r)
{
    for (size_t i = 0; r->counters && i < counters_count(r->counters); i++)
        spool_note(&r->spool, NOTE_SERIES, counters_series(r->counters, i), sizeof(struct perfdata_series));
}

/* A long recording shall not drown in its counters. */
static void read_counters(struct recording *r, struct beat *b)
{
    uint64_t now = now_ns();
    if (!b->held || b->values >= VALUES_MAX || now < b->next)
        return;
    write_held(r, b);
    counters_read(r->counters, now, hold_value, b);
    b->values += counters_count(r->counters);
    b->stage += counters_count(r->counters);
    if (b->stage >= STAGE_VALUES) {
        b->stage = 0;
        b->every *= 2;
    }
    b->last = now;
    b->next = now + b->every;
}

/* The totals of the end are always told. A reading of a moment before gives way: no rate can be had of so short a
 * stretch. */
static void read_last(struct recording *r, struct beat *b)
{
    uint64_t now = now_ns();
    if (!b->held)
        return;
    if (now < b->last + LEAST_MS * UINT64_C(1000000))
        b->n = 0;
    write_held(r, b);
    counters_read(r->counters, now, hold_value, b);
    write_held(r, b);
    free(b->held);
}

/* --- the loop --- */

static bool wanted(const struct record_options *o, uint64_t started)
{
    return !(o->stop && *o->stop) && (!o->duration_ns || now_ns() - started < o->duration_ns);
}

static int turn_ms(const struct record_options *o, uint64_t started)
{
    uint64_t left = o->duration_ns ? o->duration_ns - (now_ns() - started) : UINT64_MAX;
    return left / 1000000 < TURN_MS ? (int)(left / 1000000) + 1 : TURN_MS;
}

static int loop(struct recording *r, struct trace_error *error)
{
    struct session_sink sink = spool_sink(&r->spool);
    struct record_cost *cost = &r->result->cost;
    cost->before = spent_ns(cost);
    int err = session_start(r->session, error);
    if (err)
        return err;
    uint64_t started = now_ns();
    struct beat beat = {.next = started, .every = (uint64_t)COUNTERS_MS * 1000000};
    beat.held = r->counters ? calloc(counters_count(r->counters), sizeof *beat.held) : NULL;
    int turn = 1;
    while (turn > 0 && wanted(r->o, started)) {
        turn = session_turn(r->session, turn_ms(r->o, started), &sink);
        read_counters(r, &beat);
        if (r->o->progress)
            r->o->progress(r->o->context, session_received(r->session));
    }
    read_last(r, &beat);
    err = session_stop(r->session, &sink, &r->result->counts);
    cost->during = spent_ns(cost);
    cost->recorded = now_ns() - started;
    if (turn < 0 || err)
        snprintf(error->text, sizeof error->text, "%s: %s", r->spool.path, strerror(turn < 0 ? -turn : -err));
    return turn < 0 ? turn : err;
}

/* The command is given the time to end; if it does not, it goes on without us. */
static void let_go(struct recording *r)
{
    struct child *child = session_child(r->session);
    if (!child)
        return;
    r->result->ended = child_ended(child);
    if (!r->result->ended)
        child_release(child, SIGTERM, RELEASE_MS);
    r->result->status = child->ended ? child->status : 0;
}

static bool asked_again(void *context)
{
    const struct recording *r = context;
    return r->o->stop && *r->o->stop != r->stopped;
}

/* The signal that ended the recording is over; one more ends this as well. */
static int make_trace(struct recording *r, struct trace_error *error)
{
    /* A process that goes on can be asked where its pages are; of a command that has ended only the samples tell. */
    struct homes *homes = r->o->whom == SESSION_PROCESS ? homes_new(r->o->pid) : NULL;
    struct to_trace_options how = {.home = homes ? homes_node : NULL, .home_context = homes};
    struct import_options import = r->o->import;
    r->stopped = r->o->stop ? *r->o->stop : 0;
    import.stop = (struct trace_stop){asked_again, r};
    int err = spool_finish(&r->spool, r->o->out, &import, &how, &r->result->import, &r->result->samples, error);
    homes_free(homes);
    r->result->cost.after = spent_ns(&r->result->cost);
    return err;
}

static int record(struct recording *r, struct trace_error *error)
{
    int err = spool_open(&r->spool, r->o->out, error);
    begin_counters(r);
    if (!err)
        err = spool_header(&r->spool, r->session, sources[r->result->source].name, &r->result->steps, r->o->argc,
                           r->o->argv, error);
    write_series(r);
    if (!err)
        err = loop(r, error);
    let_go(r);
    if (err)
        return err;
    spool_note(&r->spool, NOTE_LOST, &r->result->counts.lost, sizeof r->result->counts.lost);
    return make_trace(r, error);
}

int record_run(const struct record_options *o, struct record_result *result, struct trace_error *error)
{
    struct recording *r = calloc(1, sizeof *r);
    *result = (struct record_result){0};
    if (!r) {
        snprintf(error->text, sizeof error->text, "%s", strerror(ENOMEM));
        return -ENOMEM;
    }
    r->o = o;
    r->result = result;
    r->spool.fd = -1;
    int err = o->source < 0 ? open_best(r, error) : open_source(r, (enum source_id)o->source, error);
    if (!err)
        err = record(r, error);
    result->spooled = err && result->counts.received;
    spool_close(&r->spool, result->spooled);
    counters_close(r->counters);
    session_close(r->session);
    free(r);
    return err;
}
