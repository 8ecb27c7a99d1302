/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between opening a session (session_open.c) and running it (session.c).
 */
#ifndef COLLECTORS_SESSION_PRIVATE_H
#define COLLECTORS_SESSION_PRIVATE_H

#include "collectors/ring.h"
#include "collectors/session.h"

/* One opened event: on one CPU, of one thread, or of everybody. */
struct session_fd {
    int fd, leader; /* leader -1: none */
    uint32_t event; /* index; the number of events: the dummy */
    unsigned cpu;
    uint64_t id;
};

/* Of one CPU: the first event opened there owns it. */
struct session_ring {
    struct ring *ring;
    void *base, *aux;
    size_t bytes, aux_bytes;
    unsigned cpu;
    int fd;
    bool corrupt;
};

struct session {
    const struct perf_ops *ops;
    struct encode_event events[SESSION_EVENTS];
    struct perf_event_attr attrs[SESSION_EVENTS + 1]; /* as settled; the dummy is the last */
    uint64_t *ids[SESSION_EVENTS + 1];
    size_t nids[SESSION_EVENTS + 1];
    uint32_t count;
    enum session_whom whom;
    const char *program; /* of SESSION_COMMAND, the caller's */
    struct child child;
    int process; /* pidfd of the command or process; -1 none */
    pid_t pid;
    pid_t *tasks; /* whom events are opened for: -1 alone for everybody */
    size_t ntasks;
    unsigned *cpus;
    size_t ncpus;
    struct session_fd *fds;
    size_t nfds;
    struct session_ring *rings; /* [ncpus], the first nrings in use */
    size_t nrings;
    struct pollfd *polls; /* [nrings + 1]; the last is `process` */
    struct session_counts counts;
};

/* Closes and frees whatever is there. */
void session_free(struct session *);

#endif
