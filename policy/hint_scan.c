/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/hint_scan.h"

enum { SLOTS = 10, THRESHOLD = 7, VIRTUAL = 8, WAIT = 32, LOOKS = 65536 };

void hint_scan_init(struct hint_scan *s, const uint64_t *param)
{
    s->limits = (struct hint_scan_limits){param[0], param[1], param[2], param[3], param[4], param[5], param[6]};
    s->due = s->limits.delay_ns;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t window_pages(const struct hint_scan *s, const struct topology *t)
{
    return larger(s->limits.size / t->page_size, 1);
}

uint64_t hint_scan_windows(const struct hint_scan *s, const struct topology *t)
{
    uint64_t size = window_pages(s, t);
    return larger((s->resident + size - 1) / size, 1);
}

static uint64_t of_group(const struct hint_scan *s, uint64_t period)
{
    const struct hint_scan_group *g = &s->group;
    unsigned __int128 scaled = (unsigned __int128)period * g->tasks * (g->shared + 1) / (g->private + g->shared + 1);
    return g->tasks ? larger(period, scaled < HINT_SCAN_LONGEST ? (uint64_t)scaled : HINT_SCAN_LONGEST) : period;
}

uint64_t hint_scan_least(const struct hint_scan *s, const struct topology *t)
{
    return larger(s->limits.floor_ns, s->limits.min_ns / hint_scan_windows(s, t));
}

uint64_t hint_scan_start(const struct hint_scan *s, const struct topology *t)
{
    return of_group(s, hint_scan_least(s, t));
}

uint64_t hint_scan_greatest(const struct hint_scan *s, const struct topology *t)
{
    return larger(hint_scan_least(s, t), of_group(s, s->limits.max_ns / hint_scan_windows(s, t)));
}

/* Slots by which the period changes, and whether it gets longer. */
static uint64_t change(const struct hint_scan_faults *f, bool *longer)
{
    uint64_t all = f->local + f->remote, known = f->private + f->shared;
    uint64_t local = all ? f->local * SLOTS / all : 0, private = known ? f->private * SLOTS / known : 0;
    uint64_t most = larger(local, private), deciding = private >= THRESHOLD ? private : most;
    *longer = most >= THRESHOLD;
    return *longer ? larger(1, deciding - THRESHOLD) : THRESHOLD - most;
}

void hint_scan_adapt(struct hint_scan *s, const struct topology *t)
{
    const struct hint_scan_faults f = s->faults;
    uint64_t least = hint_scan_least(s, t), greatest = hint_scan_greatest(s, t), slot = (s->period + SLOTS - 1) / SLOTS;
    s->faults = (struct hint_scan_faults){0};
    if (f.failed || !(f.local + f.shared)) {
        s->period = s->period * 2 < greatest ? s->period * 2 : greatest;
        s->due = s->clock + s->period;
        return;
    }
    bool longer;
    uint64_t by = change(&f, &longer) * slot;
    uint64_t period = longer ? s->period + by : s->period - (by < s->period ? by : s->period);
    s->period = period < least ? least : period > greatest ? greatest : period;
}

void hint_scan_promoted(struct hint_scan *s, const struct topology *t)
{
    if (s->adapted != s->sequence)
        hint_scan_adapt(s, t);
    s->adapted = s->sequence;
    s->faults.remote++;
    s->faults.private ++;
}

static bool ran(const struct hint_scan *s, const struct view *v)
{
    size_t cells = (size_t)v->topology->nodes * v->topology->nodes * 2;
    if (s->stirred || s->active > s->ticked || !v->traffic)
        return true;
    for (size_t i = 0; i < cells; i++)
        if (v->traffic[i])
            return true;
    return false;
}

/* The time from one tick to the next counts or does not. A tick that finds the clock stopped only starts it: ticks of a
 * long idle stretch may have been left out. */
static void advance(struct hint_scan *s, const struct view *v, uint64_t now)
{
    bool run = ran(s, v);
    s->active = run ? now : s->active;
    bool stop = now > s->active && now - s->active > s->limits.idle_ns;
    if (!s->stopped && !stop)
        s->clock += now - s->ticked;
    s->stopped = stop;
    s->stirred = false;
    s->ticked = now;
}

static void begin_window(struct hint_scan *s, const struct topology *t)
{
    if (!s->period)
        s->period = hint_scan_start(s, t);
    s->due = s->clock + s->period;
    s->left = window_pages(s, t);
    s->left_virtual = VIRTUAL * s->left;
    s->marked = 0;
}

static void end_window(struct hint_scan *s)
{
    s->left = 0;
    s->due = larger(s->due, s->clock + WAIT * s->marked * s->limits.mark_ns);
}

static bool wanted(const struct view *v, page_t page, nodeset_t homes)
{
    const struct place *p = view_place(v, page);
    return (p->flags & PLACE_PRESENT) && !(p->flags & PLACE_WATCHED) && nodeset_has(homes, p->home);
}

uint32_t hint_scan_tick(struct hint_scan *s, const struct view *v, uint64_t now, nodeset_t homes, struct orders *orders)
{
    uint32_t before = orders->n;
    advance(s, v, now);
    if (!s->left && s->clock >= s->due && v->npages)
        begin_window(s, v->topology);
    for (uint32_t looks = 0; s->left && looks < LOOKS && orders->n < orders->max; looks++) {
        if (wanted(v, s->at, homes)) {
            order_push(orders, ORDER_WATCH, s->at, NODE_NONE, 0);
            s->marked++;
            s->left--;
        } else {
            s->left_virtual--;
        }
        bool last = ++s->at >= v->npages;
        s->at = last ? 0 : s->at;
        s->sequence += last;
        if (last || !s->left || !s->left_virtual)
            end_window(s);
    }
    return orders->n - before;
}
