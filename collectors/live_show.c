/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/live_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/plural.h"

/* Of a span between two looks: shares in tenths of a percent. */
struct span {
    uint64_t misses, local, moves, moved;
    int64_t wish, now; /* memory time saved against where pages were first seen */
};

static uint64_t tenths(uint64_t part, uint64_t whole)
{
    return whole ? (uint64_t)((unsigned __int128)part * 1000 / whole) : 0;
}

static int64_t saved(uint64_t before, uint64_t after)
{
    return before >= after ? (int64_t)tenths(before - after, before) : -(int64_t)tenths(after - before, before);
}

static struct span span_of(const struct live *l, const struct live_stats *from, uint64_t moves, uint64_t moved)
{
    const struct live_stats *s = live_stats(l);
    uint64_t first = s->first_ps - from->first_ps;
    return (struct span){.misses = s->misses - from->misses,
                         .local = tenths(s->local - from->local, s->misses - from->misses),
                         .moves = live_engine(l)->moves - moves,
                         .moved = live_machine(l)->moved - moved,
                         .wish = saved(first, s->wish_ps - from->wish_ps),
                         .now = saved(first, s->now_ps - from->now_ps)};
}

static void percent(FILE *out, int64_t tenths_of, int width)
{
    char text[32];
    int64_t whole = tenths_of / 10, rest = tenths_of % 10;
    snprintf(text, sizeof text, "%s%" PRId64 ".%" PRId64 " %%", tenths_of < 0 ? "-" : "", whole < 0 ? -whole : whole,
             rest < 0 ? -rest : rest);
    fprintf(out, "%*s", width, text);
}

static void heading(const struct live_show *v, FILE *out)
{
    fprintf(out, "%s, %s, by %s: %s\n", v->what, v->policy, v->source,
            v->apply ? "pages are moved" : "nothing is moved (--apply moves)");
    fprintf(out, "%8s %12s %9s %9s %14s %14s %9s\n", "second", "misses", "pages", "local", "time saved",
            v->apply ? "policy wants" : "would save", "moves");
}

/* Local, saved, wished for; of no misses there are no shares. */
static void shares(const struct span *s, FILE *out)
{
    if (!s->misses) {
        fprintf(out, "%10s%15s%15s", "-", "-", "-");
        return;
    }
    percent(out, (int64_t)s->local, 10);
    percent(out, s->now, 15);
    percent(out, s->wish, 15);
}

static void row(const struct live_show *v, const struct live *l, const struct span *s, FILE *out)
{
    fprintf(out, "%8" PRIu64 " %12" PRIu64 " %9" PRIu32, v->seconds, s->misses, live_stats(l)->pages);
    shares(s, out);
    fprintf(out, " %9" PRIu64 "\n", v->apply ? s->moved : s->moves);
}

/* Fifty characters: what of all misses is local. */
static void bar(const struct live_show *v, uint64_t share, FILE *out)
{
    enum { WIDTH = 50 };
    uint64_t full = share * WIDTH / 1000;
    fputs(v->colour ? "\033[32m" : "", out);
    for (uint64_t i = 0; i < WIDTH; i++)
        fputc(i < full ? '#' : '.', out);
    fputs(v->colour ? "\033[0m" : "", out);
}

static void refusals(const struct live_show *v, const struct live *l, FILE *out)
{
    const struct machine_linux *m = live_machine(l);
    const struct engine_stats *e = live_engine(l);
    if (v->lost)
        fprintf(out, "%" PRIu64 " record%s lost by the source\n", v->lost, plural(v->lost));
    if (v->over)
        fprintf(out, "%" PRIu64 " sample%s passed over: too many came at once; raise --period\n", v->over,
                plural(v->over));
    if (live_stats(l)->untracked)
        fprintf(out, "%" PRIu64 " accesses to pages beyond the table: raise --pages\n", live_stats(l)->untracked);
    if (live_stats(l)->homeless)
        fprintf(out, "%" PRIu64 " accesses to addresses without a page (freed, or a device's)\n",
                live_stats(l)->homeless);
    if (e->refused[REFUSED_NOSUP])
        fprintf(out, "%" PRIu64 " orders to replicate or watch refused: Linux offers neither to a process's pages\n",
                e->refused[REFUSED_NOSUP]);
    if (m->late)
        fprintf(out, "%" PRIu64 " moves had to wait for the rate limit (--rate), %" PRIu32 " wait now\n", m->late,
                m->waiting);
    if (m->failed)
        fprintf(out, "%" PRIu64 " pages that the kernel did not move, the last one: %s\n", m->failed,
                strerror(m->last_error));
}

static void draw(const struct live_show *v, const struct live *l, const struct span *s, FILE *out)
{
    static const struct live_stats none;
    struct span all = span_of(l, &none, 0, 0);
    heading(v, out);
    row(v, l, s, out);
    fputs("   total", out);
    fprintf(out, " %12" PRIu64 " %9" PRIu32, all.misses, live_stats(l)->pages);
    shares(&all, out);
    fprintf(out, " %9" PRIu64 "\n\nlocal now  ", v->apply ? all.moved : all.moves);
    if (s->misses)
        bar(v, s->local, out);
    else
        fputs("no access was seen", out);
    fputs(v->one_node ? "\nthis machine has one node: every page is where it can be\n" : "\n", out);
    refusals(v, l, out);
    fputs(v->command ? "Ctrl-C ends it, and the command\n" : "Ctrl-C ends it; the process runs on\n", out);
}

/* A line that wrapped would push the screen's first ones out. Colours take no room. */
static void put_cut(const char *text, unsigned columns, FILE *out)
{
    for (unsigned at = 0; *text; text++) {
        if (*text == '\033') {
            size_t n = strcspn(text, "m");
            fwrite(text, 1, n, out);
            text += n;
            fputc('m', out);
        } else {
            at = *text == '\n' ? 0 : at + (((unsigned char)*text & 0xc0) != 0x80);
            if (!columns || at <= columns)
                fputc(*text, out);
        }
    }
}

static void draw_screen(const struct live_show *v, const struct live *l, const struct span *s, FILE *out)
{
    char *text = NULL;
    size_t size;
    FILE *whole = open_memstream(&text, &size);
    if (!whole)
        return;
    draw(v, l, s, whole);
    fclose(whole);
    fputs("\033[H\033[2J", out);
    put_cut(text ? text : "", v->columns, out);
    free(text);
}

void live_show(struct live_show *v, const struct live *l, FILE *out)
{
    struct span s = span_of(l, &v->at, v->moves_at, v->moved_at);
    v->seconds++;
    if (v->screen) {
        draw_screen(v, l, &s, out);
    } else {
        if (!v->begun)
            heading(v, out);
        row(v, l, &s, out);
    }
    v->begun = true;
    v->at = *live_stats(l);
    v->moves_at = live_engine(l)->moves;
    v->moved_at = live_machine(l)->moved;
    fflush(out);
}

/* Received and lost are all there is where a period cannot be checked against the events counted. */
static void source_counts(const struct session_counts *c, FILE *out)
{
    fprintf(out, "samples: %" PRIu64 " received, %" PRIu64 " lost", c->received, c->lost);
    if (c->checkable)
        fprintf(out, ", %" PRIu64 " counted by the kernel%s", c->due,
                session_counts_agree(c) ? "" : ": some are missing");
    fputc('\n', out);
}

void live_show_end(struct live_show *v, const struct live *l, const struct session_counts *counts, FILE *out)
{
    static const struct live_stats none;
    struct span all = span_of(l, &none, 0, 0);
    if (counts)
        source_counts(counts, out);
    if (!v->screen)
        refusals(v, l, out);
    if (!all.misses) {
        fprintf(out, "%s: no access was seen in %" PRIu64 " s\n", v->what, v->seconds);
        return;
    }
    fprintf(out, "%s: %s %" PRIu64 " page%s, ", v->what, v->apply ? "moved" : "would have moved",
            v->apply ? all.moved : all.moves, plural(v->apply ? all.moved : all.moves));
    fputs(v->apply ? "which saved" : "which would have saved", out);
    fputc(' ', out);
    percent(out, v->apply ? all.now : all.wish, 0);
    fputs(" of the memory time of what was seen (the moves themselves not counted)\n", out);
    if (v->touches)
        fputs("seen were first touches only: what the pages' later accesses gain is not in this figure\n", out);
}
