/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "replay/cli_private.h"

enum { REDRAW_NS = 100000000, SECOND_NS = 1000000000, WIDTH_DEFAULT = 80, BAR = 24, LINE = 256 };

static struct cli_progress *drawn; /* whose bar stands on the terminal's last line */

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 2)
        return WIDTH_DEFAULT;
    return size.ws_col;
}

static double scaled(double value, const char **prefix)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    size_t i = 0;
    for (; value >= 1000 && i < 4; i++)
        value /= 1000;
    *prefix = prefixes[i];
    return value;
}

static void bar(char *out, const struct cli_progress *p)
{
    uint64_t full = p->done >= p->total ? BAR : (uint64_t)((double)p->done / (double)p->total * BAR);
    memset(out, '#', full);
    memset(out + full, '.', BAR - full);
    out[BAR] = 0;
}

/* "replaying [######..................]  25 %  41.0 M records/s  0:07 left" */
static void compose(char *line, const struct cli_progress *p, uint64_t now)
{
    const char *prefix;
    double seconds = (double)(now - p->started_ns) / SECOND_NS, rate = seconds > 0 ? (double)p->done / seconds : 0;
    double shown = scaled(rate, &prefix);
    if (!p->total) {
        const char *many;
        double done = scaled((double)p->done, &many);
        snprintf(line, LINE, "%s  %.1f %s%s%s  %.1f %s%s%s/s", p->what, done, many, *many ? " " : "", p->unit, shown,
                 prefix, *prefix ? " " : "", p->unit);
        return;
    }
    char hashes[BAR + 1];
    uint64_t done = p->done < p->total ? p->done : p->total;
    uint64_t left = rate > 0 ? (uint64_t)((double)(p->total - done) / rate) : 0;
    bar(hashes, p);
    snprintf(line, LINE, "%s [%s] %3.0f %%  %.1f %s%s%s/s  %" PRIu64 ":%02" PRIu64 " left", p->what, hashes,
             100.0 * (double)done / (double)p->total, shown, prefix, *prefix ? " " : "", p->unit, left / 60, left % 60);
}

static void draw(struct cli_progress *p, uint64_t now)
{
    char line[LINE];
    compose(line, p, now);
    fprintf(stderr, "\r\033[K%.*s", (int)(terminal_width() - 1), line);
    fflush(stderr);
    p->drawn_ns = now;
    drawn = p;
}

void cli_progress_start(struct cli_progress *p, const struct cli *cli, const char *what, const char *unit,
                        uint64_t total)
{
    uint64_t now = clock_ns();
    *p = (struct cli_progress){.what = what, .unit = unit, .total = total, .started_ns = now, .drawn_ns = now};
    p->active = isatty(STDERR_FILENO) && !cli_dumb() && !(cli && cli_has(cli, "quiet"));
}

void cli_progress_set(struct cli_progress *p, uint64_t done)
{
    p->done = done;
    if (!p->active)
        return;
    uint64_t now = clock_ns();
    if (now - p->drawn_ns >= REDRAW_NS)
        draw(p, now);
}

void cli_progress_wipe(void)
{
    if (!drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    drawn = NULL;
}

void cli_progress_end(struct cli_progress *p)
{
    if (drawn == p)
        cli_progress_wipe();
    p->active = false;
}
