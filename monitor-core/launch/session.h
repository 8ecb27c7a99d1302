/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The time between the machine's start and its end: consoles to standard output, keys to the consoles, telemetry to
 * whoever takes it, a status line where the terminal has room for one.
 */
#ifndef MONITOR_CORE_LAUNCH_SESSION_H
#define MONITOR_CORE_LAUNCH_SESSION_H

#include "monitor-core/launch/emulator.h"
#include "monitor-core/launch/telemetry_reader.h"
#include "replay/cli.h"

enum session_end {
    SESSION_ENDED,   /* the machine went by itself */
    SESSION_TIMEOUT, /* it was ended after `timeout_s` */
    SESSION_STOPPED, /* by Ctrl-C or a signal */
    SESSION_OUTPUT,  /* standard output takes no more */
};

struct session {
    const struct cli *cli;
    struct emulator *emulator;
    struct telemetry_reader reader;
    uint64_t timeout_s; /* 0: none */
    void (*frame)(void *context, const struct telemetry_frame *);
    void (*status)(void *context, char *text, size_t size); /* what the status line shall say */
    bool (*finished)(void *context);                        /* the last frame has come */
    void *context;
    bool quiet;          /* no status line */
    bool texts;          /* TEXT frames go to `frame`; else to standard error */
    bool no_console;     /* what the consoles say is not shown, what is typed not taken */
    char complaint[256]; /* the emulator's last line on standard error; shown as it comes once the monitor has spoken */

    enum session_end end;
    uint64_t started_ns, drawn_ns, finished_ns, asked_ns;
    bool drawn, line_start; /* the status line stands; the console is at the start of a line */
    char keys[512];
    size_t nkeys;
    bool keys_end, output_failed, over;
    size_t complaint_used;
};

/* Until the machine has gone; its process has ended afterwards. The caller has filled in the members up to
 * `no_console`. */
enum session_end session_run(struct session *);

#endif
