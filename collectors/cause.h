/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Why the kernel refuses an event, in words, and what to type next.
 */
#ifndef COLLECTORS_CAUSE_H
#define COLLECTORS_CAUSE_H

#include <stdbool.h>
#include <stddef.h>

enum { CAUSE_TEXT = 200 };

/* What the answer depends on besides the errno. */
struct cause_facts {
    bool no_perf;       /* the kernel has no performance events at all, or they are hidden */
    int paranoid;       /* kernel.perf_event_paranoid; -2 unknown */
    bool capable;       /* CAP_PERFMON or CAP_SYS_ADMIN is in force */
    bool filtered;      /* a seccomp filter is in force */
    bool container;     /* this looks like a container */
    bool guest;         /* this looks like a virtual machine */
    bool units;         /* sysfs shows a unit of the processor */
    unsigned files;     /* limit of open files */
    unsigned mlock_kib; /* kernel.perf_event_mlock_kb */
};

void cause_facts(struct cause_facts *);

struct cause {
    char why[CAUSE_TEXT];
    char fix[CAUSE_TEXT]; /* a command, or what to ask for; empty: nothing can be done here */
};

/* Fills it; what is too long is cut. */
void cause_say(struct cause *, const char *why, const char *fix);

/* Of a negative errno of perf_event_open, mmap or the encoder. */
void cause_of(int err, const struct cause_facts *, struct cause *);

/* Why, with the errno's own words behind it. */
void cause_reason(int err, char *text, size_t size);

/* "WHAT: why; fix" for an error line. */
void cause_line(int err, char *text, size_t size, const char *what);

#endif
