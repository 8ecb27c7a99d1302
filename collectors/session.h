/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Events on a command, a process or the whole system, and the bytes they yield. One ring per CPU, shared by every event
 * on it; besides the sampling events one dummy event per CPU for mappings, names and threads. Threads and children
 * started later are included.
 *
 *     session_open     events are opened, rings mapped; a command exists but does not run yet
 *     session_event    what was opened, for the header of a recording
 *     session_start    counting begins
 *     session_turn     again and again: waits, empties every ring once
 *     session_stop     counting ends, the rings are emptied, the kernel's own counts are read
 *     session_close
 *
 * Nothing is dropped unnoticed: what the kernel counted and what it lost is read from every event at the end, since a
 * ring that ends full never reports its loss in its own records.
 */
#ifndef COLLECTORS_SESSION_H
#define COLLECTORS_SESSION_H

#include <sys/uio.h>

#include "collectors/attr.h"
#include "collectors/child.h"
#include "datasets/trace.h"

enum { SESSION_EVENTS = 2 * ENCODE_MAX };

enum session_whom { SESSION_COMMAND, SESSION_PROCESS, SESSION_SYSTEM };

struct session_options {
    const struct perf_ops *ops; /* null: the kernel */
    const struct encode_event *events;
    uint32_t count;        /* 1..SESSION_EVENTS */
    bool memory;           /* they are memory samples with source and weight, not faults */
    struct attr_wish wish; /* ring_bytes, inherit and enable_on_exec are set by the session */
    enum session_whom whom;
    pid_t pid;            /* SESSION_PROCESS */
    char *const *command; /* SESSION_COMMAND: ends with null */
    const char *cpus;     /* list; null: those that are online */
    uint32_t ring_kib;    /* per CPU, a power of two; 0: 512. Less is taken where the kernel locks no more */
};

/* Receives what the rings hold. Bytes are whole records, valid during the call; pieces[1] may be empty. A call that
 * fails (-errno) ends the turn. */
struct session_sink {
    void *context;
    int (*bytes)(void *, unsigned cpu, const struct iovec pieces[2]);
    int (*aux)(void *, unsigned cpu, const struct iovec pieces[2], uint64_t position); /* may be null */
    int (*round)(void *);                                                              /* every ring was emptied once */
};

/* An event as opened, with the ids of its instances. Valid until session_close. The last one is the dummy. */
struct session_event {
    const char *name;
    const struct encode_event *encoded; /* null: the dummy */
    struct perf_event_attr attr;
    const uint64_t *ids;
    size_t instances;
};

struct session_counts {
    uint64_t received;  /* samples */
    uint64_t lost;      /* samples that found no room, by the kernel's own count; before Linux 6.0: lost_told */
    uint64_t lost_told; /* records of any kind reported lost within the rings */
    uint64_t lost_all;  /* records of any kind that found no room, by the kernel's own count */
    uint64_t counted;   /* events, sampled or not */
    uint64_t due;       /* samples that the counts call for: counted / period, per event */
    uint64_t slack;     /* by which due may be too high: a rest of a period per task and CPU; 0 with period 1 */
    uint64_t throttled; /* times that the kernel stopped an event for coming too often */
    uint64_t skipped;   /* records of corrupt rings that were not read */
    bool checkable;     /* fixed period and counts of lost records: received + lost = due can be asked */
};

struct session;

/* 0, or -errno with a line. What was given up on the way goes to *steps. */
int session_open(const struct session_options *, struct attr_steps *, struct session **out, struct trace_error *);
size_t session_events(const struct session *);
void session_event(const struct session *, size_t i, struct session_event *);

/* The AUX area and the ring's own words on time, of the first ring: for who decodes them. Null: no ring. */
const struct ring *session_ring(const struct session *);

/* 0, or -errno with a line: the command cannot be run. */
int session_start(struct session *, struct trace_error *);

/* Waits up to timeout_ms for a ring to fill to a quarter, or for a signal, then empties all. 1; 0: the command or
 * process has ended; -errno: of the sink. */
int session_turn(struct session *, int timeout_ms, const struct session_sink *);

/* Samples so far. */
uint64_t session_received(const struct session *);

/* Whoever is recorded has ended, as far as is known without waiting. */
bool session_over(struct session *);

/* 0 or -errno of the sink. The counts are complete in either case. */
int session_stop(struct session *, const struct session_sink *, struct session_counts *);

/* The command; null when the session has none. */
struct child *session_child(struct session *);

/* A command that still runs is let go. */
void session_close(struct session *);

/* received + lost = due, as far as the period allows that to be said. */
bool session_counts_agree(const struct session_counts *);

#endif
