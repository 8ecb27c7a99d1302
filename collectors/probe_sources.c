/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/check.h"
#include "collectors/faults.h"
#include "collectors/probe_private.h"
#include "collectors/qemu.h"

const char *probe_state_name(enum probe_state state)
{
    static const char *const names[] = {"works", "refused", "absent"};
    return names[state];
}

struct probe_row *probe_add(struct probe *p, const char *name, const char *what)
{
    struct probe_row *row = &p->row[p->n++];
    *row = (struct probe_row){.name = name, .what = what};
    return row;
}

void probe_fail(const struct probe *p, struct probe_row *row, int err)
{
    row->err = err;
    row->state = err == -ENOENT || err == -ENODEV || err == -EOPNOTSUPP ? PROBE_ABSENT : PROBE_REFUSED;
    cause_of(err, &p->facts, &row->cause);
}

void probe_say(struct probe_row *row, enum probe_state state, const char *why, const char *fix)
{
    row->state = state;
    snprintf(row->cause.why, sizeof row->cause.why, "%.*s", CAUSE_TEXT - 1, why);
    snprintf(row->cause.fix, sizeof row->cause.fix, "%s", fix);
}

/* --- samplers --- */

/* Opened: did samples of the child's own memory come? */
static void judge(struct probe_row *row, const struct encode_event *e, const struct check_result *r)
{
    snprintf(row->found, sizeof row->found, "%s: %" PRIu64 " samples, %" PRIu64 " at the trial's addresses", e->name,
             r->samples, r->in_range);
    if (r->in_range)
        return;
    probe_say(row, PROBE_REFUSED,
              r->samples ? "samples come, but none at the addresses that were touched"
                         : "it opens and stays silent, as some virtual machines have it",
              "use another source");
}

static void try(struct probe *p, struct probe_row *row, const struct encode_event *events, int n, bool memory)
{
    struct attr_steps steps = {""};
    struct check_result result;
    struct trace_error error = {""};
    int err = n < 0 ? n : check_events(NULL, events, (uint32_t)n, memory, false, &steps, &result, &error);
    if (err)
        probe_fail(p, row, err);
    else
        judge(row, &events[0], &result);
}

static void hardware(struct probe *p, enum source_id id)
{
    struct encode_machine machine;
    struct encode_event events[SESSION_EVENTS];
    struct encode_options o = {0};
    struct attr_steps steps = {""};
    struct probe_row *row = probe_add(p, sources[id].name, sources[id].what);
    row->source = true;
    source_machine(&machine);
    if (source_elsewhere(id, &machine)) {
        probe_say(row, PROBE_ABSENT, source_elsewhere(id, &machine), "");
        row->err = -ENODEV;
        return;
    }
    try(p, row, events, source_events(id, &machine, &o, events, &steps), true);
}

static void faults(struct probe *p)
{
    struct encode_event e;
    struct attr_steps steps = {""};
    struct faults_tracepoint tracepoint;
    struct probe_row *row = probe_add(p, "faults", sources[SOURCE_FAULTS].what);
    row->source = true;
    faults_software(&e);
    try(p, row, &e, 1, false);
    row = probe_add(p, "fault kinds", "faults with read or write told apart");
    int err = faults_tracepoint(&tracepoint);
    struct cause c;
    faults_cause(err, &c);
    if (err)
        probe_say(row, PROBE_REFUSED, c.why, c.fix);
    row->err = err;
    if (err)
        return;
    faults_event(&perf_ops_kernel, &e, &steps);
    if (!strcmp(e.how, "tracefs"))
        try(p, row, &e, 1, false);
    else
        probe_fail(p, row, -EACCES);
}

/* A program of no consequence, in a folder of our own. */
static void emulate(struct probe_row *row)
{
    static const char *const command[] = {"true", NULL};
    const char *temporary = getenv("TMPDIR");
    char folder[PATH_MAX], out[PATH_MAX];
    struct qemu_options o;
    struct qemu_result result;
    struct trace_error error;
    snprintf(folder, sizeof folder, "%s/mirrorball-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(folder))
        return; /* what was found is enough */
    snprintf(out, sizeof out, "%.*s/true.h5", (int)sizeof out - 16, folder);
    qemu_defaults(&o);
    o.command = command;
    o.out = out;
    row->err = qemu_record(&o, &result, &error);
    unlink(out);
    rmdir(folder);
    if (row->err)
        probe_say(row, PROBE_REFUSED, error.text, "look at what QEMU says: mirrorball record --source qemu -- true");
    else
        snprintf(row->found, sizeof row->found, "'true' under it: %" PRIu64 " misses", result.counts.taken);
}

/* The line of qemu_probe says what is missing, then what to install. */
static void emulator(struct probe *p, const char *name, const char *what, bool whole)
{
    struct trace_error error = {""};
    struct probe_row *row = probe_add(p, name, what);
    row->source = !whole;
    row->err = qemu_probe(whole, &error);
    if (!row->err) {
        if (!whole)
            emulate(row);
        return;
    }
    char *fix = strstr(error.text, "; ");
    if (fix)
        *fix = 0;
    probe_say(row, PROBE_ABSENT, error.text, fix ? fix + 2 : "");
}

void probe_all(struct probe *p)
{
    *p = (struct probe){0};
    cause_facts(&p->facts);
    hardware(p, SOURCE_IBS);
    hardware(p, SOURCE_PEBS);
    hardware(p, SOURCE_SPE);
    for (size_t i = 0; i < p->n && !p->best; i++)
        if (p->row[i].state == PROBE_WORKS)
            p->best = p->row[i].name;
    faults(p);
    emulator(p, "qemu", "emulation of a program: every miss of modelled caches", false);
    emulator(p, "qemu -a", "emulation of a whole machine", true);
    probe_extras(p);
    for (size_t i = 0; i < p->n && !p->best; i++)
        if (p->row[i].source && p->row[i].state == PROBE_WORKS)
            p->best = p->row[i].name;
}
