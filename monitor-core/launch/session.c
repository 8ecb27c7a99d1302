/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "monitor-core/launch/terminal.h"

enum { CONSOLE, TELEMETRY, COMPLAINTS, KEYS, SOURCES };
enum { WAIT_MS = 100, GRACE_S = 10, BUFFER = 65536, REDRAW_MS = 200, DRAIN_MS = 2000 };

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void write_out(struct session *s, const char *bytes, size_t n)
{
    while (n && !s->output_failed) {
        ssize_t wrote = write(STDOUT_FILENO, bytes, n);
        if (wrote > 0) {
            bytes += wrote;
            n -= (size_t)wrote;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){STDOUT_FILENO, POLLOUT, 0}, 1, WAIT_MS);
        } else if (errno != EINTR || terminal_stopped()) {
            s->output_failed = true;
        }
    }
}

static void wipe(struct session *s)
{
    if (s->drawn)
        write_out(s, "\r\033[K", 4);
    s->drawn = false;
}

/* Only where the console's last line is complete, so that no prompt is disturbed. */
static void draw(struct session *s)
{
    char text[128] = "", line[192];
    uint64_t now = now_ns();
    if (s->quiet || !s->line_start || now - s->drawn_ns < REDRAW_MS * UINT64_C(1000000))
        return;
    s->status(s->context, text, sizeof text);
    int n = snprintf(line, sizeof line, "\r\033[K\033[7m %s \033[0m", text);
    write_out(s, line, (size_t)n);
    s->drawn = true;
    s->drawn_ns = now;
}

/* Null when nothing more can come from there. */
static bool read_some(int *fd, char *buffer, size_t size, size_t *n)
{
    ssize_t got = read(*fd, buffer, size);
    *n = got > 0 ? (size_t)got : 0;
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return true;
    close(*fd);
    *fd = -1;
    return false;
}

static void take_console(struct session *s)
{
    char buffer[BUFFER];
    size_t n;
    if (!read_some(&s->emulator->console, buffer, sizeof buffer, &n) || !n)
        return;
    if (s->no_console)
        return;
    wipe(s);
    write_out(s, buffer, n);
    s->line_start = buffer[n - 1] == '\n';
}

static void show_text(struct session *s, const struct telemetry_frame *f)
{
    char text[512];
    size_t n = f->size < sizeof text - 1 ? f->size : sizeof text - 1;
    for (size_t i = 0; i < n; i++) {
        char c = ((const char *)f->body)[i];
        text[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    text[n] = 0;
    wipe(s);
    cli_warn(s->cli, "monitor: %s", text);
}

static void take_telemetry(struct session *s)
{
    char buffer[BUFFER];
    struct telemetry_frame frame;
    size_t n;
    if (!read_some(&s->emulator->telemetry, buffer, sizeof buffer, &n))
        return;
    size_t took = 0;
    do {
        took += telemetry_reader_feed(&s->reader, (const uint8_t *)buffer + took, n - took, &frame);
        if (frame.body && frame.type == TELEMETRY_TEXT && !s->texts)
            show_text(s, &frame);
        else if (frame.body)
            s->frame(s->context, &frame);
    } while (frame.body || took < n);
}

static void end_complaint(struct session *s)
{
    if (!s->complaint_used)
        return;
    s->complaint[s->complaint_used] = 0;
    s->complaint_used = 0;
    /* Before the monitor's first word it says why there will be none; after the end it only says that it was ended. */
    if (!s->reader.frames || s->over)
        return;
    wipe(s);
    cli_warn(s->cli, "%s", s->complaint);
}

static void take_complaints(struct session *s)
{
    char buffer[1024];
    size_t n;
    bool open = read_some(&s->emulator->complaints, buffer, sizeof buffer, &n);
    for (size_t i = 0; i < n; i++) {
        if (buffer[i] == '\n')
            end_complaint(s);
        else if (s->complaint_used + 1 < sizeof s->complaint)
            s->complaint[s->complaint_used++] = buffer[i];
    }
    if (!open)
        end_complaint(s);
}

static void take_keys(struct session *s)
{
    ssize_t got = read(STDIN_FILENO, s->keys, sizeof s->keys);
    if (got > 0)
        s->nkeys = (size_t)got;
    else if (got == 0 || errno != EINTR)
        s->keys_end = true;
}

static void give_keys(struct session *s)
{
    ssize_t wrote = write(s->emulator->console, s->keys, s->nkeys);
    if (wrote > 0) {
        s->nkeys -= (size_t)wrote;
        memmove(s->keys, s->keys + wrote, s->nkeys);
    }
}

static void wait_and_serve(struct session *s)
{
    struct emulator *e = s->emulator;
    struct pollfd f[SOURCES] = {[CONSOLE] = {e->console, (short)(s->nkeys ? POLLIN | POLLOUT : POLLIN), 0},
                                [TELEMETRY] = {e->telemetry, POLLIN, 0},
                                [COMPLAINTS] = {e->complaints, POLLIN, 0},
                                [KEYS] = {s->keys_end || s->nkeys ? -1 : STDIN_FILENO, POLLIN, 0}};
    if (poll(f, SOURCES, WAIT_MS) <= 0)
        return;
    if (f[TELEMETRY].revents)
        take_telemetry(s);
    if (f[COMPLAINTS].revents)
        take_complaints(s);
    if (f[CONSOLE].revents & POLLOUT)
        give_keys(s);
    if (f[CONSOLE].revents & ~POLLOUT)
        take_console(s);
    if (f[KEYS].revents)
        take_keys(s);
}

static bool drained(const struct session *s)
{
    const struct emulator *e = s->emulator;
    return e->console < 0 && e->telemetry < 0 && e->complaints < 0;
}

/* The monitor has said its last word but the machine is still there. */
static bool overdue(struct session *s)
{
    uint64_t now = now_ns();
    if (!s->finished_ns && s->finished(s->context))
        s->finished_ns = now;
    return s->finished_ns && now - s->finished_ns > GRACE_S * UINT64_C(1000000000);
}

/* The monitor is asked once to end everything, so that its last totals arrive; false: it is time to be rude. */
static bool ask_to_end(struct session *s, enum session_end why)
{
    static const char keys[] = "\001x";
    if (!s->asked_ns)
        s->end = why;
    if (!s->asked_ns && s->emulator->console >= 0 && write(s->emulator->console, keys, 2) == 2) {
        s->asked_ns = now_ns();
        return true;
    }
    return s->asked_ns && terminal_stopped() < 2 && now_ns() - s->asked_ns < GRACE_S * UINT64_C(1000000000);
}

static enum session_end serve(struct session *s)
{
    while (!drained(s)) {
        if (terminal_stopped() && !ask_to_end(s, SESSION_STOPPED))
            break;
        if (s->output_failed)
            return SESSION_OUTPUT;
        if (s->timeout_s && now_ns() - s->started_ns > s->timeout_s * UINT64_C(1000000000) &&
            !ask_to_end(s, SESSION_TIMEOUT))
            break;
        if (overdue(s))
            break;
        wait_and_serve(s);
        draw(s);
    }
    return s->end;
}

enum session_end session_run(struct session *s)
{
    s->started_ns = now_ns();
    s->line_start = true;
    telemetry_reader_init(&s->reader);
    terminal_watch();
    s->keys_end = s->no_console;
    if (!s->no_console)
        terminal_open();
    enum session_end end = serve(s);
    s->over = true;
    emulator_stop(s->emulator);
    /* What was on its way. */
    for (uint64_t until = now_ns() + DRAIN_MS * UINT64_C(1000000); now_ns() < until && !drained(s);)
        wait_and_serve(s);
    wipe(s);
    if (!s->line_start)
        write_out(s, "\n", 1);
    terminal_close();
    terminal_unwatch();
    return end;
}
