/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/model.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Messages from other CPUs. A line in this CPU's second level is downgraded at most once and lost at most once before
 * the CPU has to ask for it again, which drains the inbox: twice the lines is room enough. */
struct model_inbox {
    atomic_flag lock;
    uint32_t size, n;
    uint64_t message[]; /* line << 1 | lose it */
};

static void lock(atomic_flag *flag)
{
    for (unsigned tries = 0; atomic_flag_test_and_set_explicit(flag, memory_order_acquire); tries++)
        if (tries > 100)
            sched_yield();
}

static void unlock(atomic_flag *flag)
{
    atomic_flag_clear_explicit(flag, memory_order_release);
}

static void post(struct model_cpu *to, uint64_t line, bool lose)
{
    struct model_inbox *in = to->inbox;
    lock(&in->lock);
    if (in->n < in->size)
        in->message[in->n++] = line << 1 | lose;
    atomic_store_explicit(&to->waiting, in->n, memory_order_release);
    unlock(&in->lock);
}

static void post_all(struct model *m, uint64_t cpus, uint64_t line, bool lose)
{
    for (; cpus; cpus &= cpus - 1)
        post(&m->cpu[__builtin_ctzll(cpus)], line, lose);
}

static void set_state(struct cache *c, uint64_t line, enum cache_state state)
{
    uint64_t *at = cache_peek(c, line);
    if (at)
        *at = cache_word(line, state);
}

/* The line is not known to be its set's latest any more; the next access looks into the cache. */
static void unlearn(struct model_cpu *c, uint64_t line)
{
    uint64_t *data = &c->data_latest[line & c->latest_mask], *fetch = &c->fetch_latest[line & c->latest_mask];
    if (*data >> 1 == line)
        *data = MODEL_NO_LINE;
    if (*fetch == line)
        *fetch = MODEL_NO_LINE;
}

/* Who is its set's latest is in the first level. */
static inline void forget(struct model_cpu *c, uint64_t line)
{
    if (cache_drop(&c->l1i, line) | cache_drop(&c->l1d, line))
        unlearn(c, line);
}

void model_drain(struct model_cpu *c)
{
    struct model_inbox *in = c->inbox;
    lock(&in->lock);
    for (uint32_t i = 0; i < in->n; i++) {
        uint64_t line = in->message[i] >> 1;
        if (in->message[i] & 1) {
            cache_drop(&c->l2, line);
            forget(c, line);
        } else {
            set_state(&c->l2, line, CACHE_SHARED);
            set_state(&c->l1d, line, CACHE_SHARED);
            unlearn(c, line);
        }
    }
    in->n = 0;
    atomic_store_explicit(&c->waiting, 0, memory_order_relaxed);
    unlock(&in->lock);
}

static void tell(struct model_cpu *c, uint64_t line, enum model_kind kind, unsigned cause, bool elsewhere)
{
    struct model_record r = {c->clock, line, (uint8_t)kind, (uint8_t)cause, elsewhere};
    c->model->sink(c->model->context, c, &r);
}

/* --- one CPU alone. Of the directory it needs to know only whether it had the line before, and that only for the
 * record: the caches go on while the entry is on its way. --- */

static void tell_oldest(struct model_cpu *c)
{
    struct model_pending *p = &c->pending[c->done++ % MODEL_PENDING];
    if (p->entry && directory_had(&c->model->directory, p->entry, c->id))
        p->record.cause = DIRECTORY_REPLACEMENT;
    c->model->sink(c->model->context, c, &p->record);
}

static void tell_later(struct model_cpu *c, uint64_t line, enum model_kind kind, unsigned cause, void *entry)
{
    if (c->pushed - c->done == MODEL_PENDING)
        tell_oldest(c);
    __builtin_prefetch(entry, 1);
    c->pending[c->pushed++ % MODEL_PENDING] =
        (struct model_pending){{c->clock, line, (uint8_t)kind, (uint8_t)cause, false}, entry};
}

/* Nobody else holds any line: what it holds is exclusive or modified. */
static enum cache_state miss_alone(struct model_cpu *c, struct cache_row *set, uint64_t line, enum model_kind kind)
{
    void *entry = directory_at(&c->model->directory, line);
    if (!entry) {
        atomic_store_explicit(&c->model->no_memory, true, memory_order_relaxed);
        return CACHE_SHARED;
    }
    enum cache_state state = kind == MODEL_WRITE ? CACHE_MODIFIED : CACHE_EXCLUSIVE;
    tell_later(c, line, kind, DIRECTORY_COLD, entry);
    c->clock += MODEL_MISS;
    uint64_t gone = cache_take(&c->l2, set, line, state);
    if (gone)
        forget(c, cache_line_of(gone));
    return state;
}

void model_alone(struct model *m)
{
    m->alone = &m->cpu[0];
}

void model_settle(struct model *m)
{
    struct model_cpu *c = &m->cpu[0];
    while (c->done != c->pushed)
        tell_oldest(c);
}

static void enter(struct model_cpu *c, uint64_t word)
{
    struct directory *d = &c->model->directory;
    void *at = word ? directory_at(d, cache_line_of(word)) : NULL;
    if (!at)
        return;
    struct directory_line l = directory_take(d, at);
    directory_write(&l, c->id);
    directory_give(d, at, &l);
}

/* The directory is told what the one CPU holds, as if it had asked for each line. */
void model_share(struct model *m)
{
    struct model_cpu *c = m->alone;
    model_settle(m);
    m->alone = NULL;
    for (uint32_t set = 0; c && set < m->geometry.l2_sets; set++)
        for (uint32_t way = 0; way < m->geometry.l2_ways; way++)
            enter(c, cache_words(&c->l2, cache_rows(&c->l2, set))[way]);
    directory_share(&m->directory);
}

/* --- one of several --- */

static void give_up(struct model_cpu *c, uint64_t line)
{
    struct directory *d = &c->model->directory;
    void *at = directory_at(d, line);
    if (!at)
        return;
    struct directory_line l = directory_take(d, at);
    directory_leave(&l, c->id);
    directory_give(d, at, &l);
}

/* Room in the second level: who goes leaves the first level as well. */
static void put_l2(struct model_cpu *c, uint64_t line, enum cache_state state)
{
    uint64_t gone = cache_put(&c->l2, line, state);
    if (gone) {
        forget(c, cache_line_of(gone));
        give_up(c, cache_line_of(gone));
    }
}

/* Asks the directory. Messages about a line are sent under its entry's lock, so one look into the inbox with the lock
 * held leaves none about an earlier stay of the line here that could hit the coming one. */
static bool request(struct model_cpu *c, uint64_t line, bool write, struct directory_answer *a)
{
    struct model *m = c->model;
    void *at = directory_at(&m->directory, line);
    if (!at) {
        atomic_store_explicit(&m->no_memory, true, memory_order_relaxed);
        return false;
    }
    struct directory_line l = directory_take(&m->directory, at);
    if (atomic_load_explicit(&c->waiting, memory_order_acquire))
        model_drain(c);
    *a = write ? directory_write(&l, c->id) : directory_read(&l, c->id);
    post_all(m, a->downgrade, line, false);
    post_all(m, a->invalidate, line, true);
    directory_give(&m->directory, at, &l);
    return true;
}

/* Who is going to leave: its entry comes from the host's memory while the new line's does. */
static void foresee_leaver(struct model_cpu *c, struct cache_row *set)
{
    uint64_t oldest = cache_words(&c->l2, set)[cache_oldest(&c->l2, set)];
    if (oldest)
        __builtin_prefetch(directory_at(&c->model->directory, cache_line_of(oldest)), 1);
}

/* The line is not in the second level. */
static enum cache_state miss(struct model_cpu *c, struct cache_row *set, uint64_t line, enum model_kind kind)
{
    struct directory_answer a;
    if (c->model->alone)
        return miss_alone(c, set, line, kind);
    foresee_leaver(c, set);
    if (!request(c, line, kind == MODEL_WRITE, &a))
        return CACHE_SHARED;
    enum cache_state state = kind == MODEL_WRITE ? CACHE_MODIFIED : a.alone ? CACHE_EXCLUSIVE : CACHE_SHARED;
    tell(c, line, kind, a.cause, a.elsewhere);
    c->clock += MODEL_MISS;
    put_l2(c, line, state);
    return state;
}

/* A write finds the line in the second level but not modified. */
static void own(struct model_cpu *c, uint64_t line, enum cache_state held)
{
    struct directory_answer a;
    if (c->model->alone) {
        tell_later(c, line, MODEL_UPGRADE, MODEL_FIRST_WRITE, NULL);
        c->clock += MODEL_MISS;
    } else if (held == CACHE_EXCLUSIVE) {
        tell(c, line, MODEL_UPGRADE, MODEL_FIRST_WRITE, false);
        c->clock += MODEL_MISS;
    } else if (request(c, line, true, &a)) {
        /* Another CPU's write may have come first: then the line is gone and this is a miss. */
        tell(c, line, a.held ? MODEL_UPGRADE : MODEL_WRITE, a.held ? DIRECTORY_COHERENCE : a.cause, a.elsewhere);
        c->clock += MODEL_MISS;
        if (!cache_peek(&c->l2, line))
            put_l2(c, line, CACHE_MODIFIED);
    }
    set_state(&c->l2, line, CACHE_MODIFIED);
}

/* State of the line in the second level after a look there, with what it costs. */
static enum cache_state second_level(struct model_cpu *c, uint64_t line, enum model_kind kind)
{
    struct cache_row *set = cache_rows(&c->l2, line);
    uint32_t way = cache_way(&c->l2, set, line);
    if (way == CACHE_NO_WAY)
        return miss(c, set, line, kind);
    cache_touch(&c->l2, set, way);
    enum cache_state state = cache_state_of(cache_words(&c->l2, set)[way]);
    c->clock += MODEL_L2_HIT;
    if (kind == MODEL_WRITE && state != CACHE_MODIFIED) {
        own(c, line, state);
        state = CACHE_MODIFIED;
    }
    return state;
}

void model_data_slow(struct model_cpu *c, uint64_t line, bool write)
{
    if (atomic_load_explicit(&c->waiting, memory_order_relaxed))
        model_drain(c);
    struct cache_row *set = cache_rows(&c->l1d, line);
    uint32_t way = cache_way(&c->l1d, set, line);
    enum cache_state state;
    if (way == CACHE_NO_WAY) {
        state = second_level(c, line, write ? MODEL_WRITE : MODEL_READ);
        cache_take(&c->l1d, set, line, state);
        c->data_latest[line & c->latest_mask] = line << 1 | (state == CACHE_MODIFIED);
        return;
    }
    cache_touch(&c->l1d, set, way);
    state = cache_state_of(cache_words(&c->l1d, set)[way]);
    if (write && state != CACHE_MODIFIED) {
        own(c, line, state);
        state = CACHE_MODIFIED;
        if (!cache_peek(&c->l1d, line))
            cache_put(&c->l1d, line, state);
        set_state(&c->l1d, line, state);
    }
    c->data_latest[line & c->latest_mask] = line << 1 | (state == CACHE_MODIFIED);
}

void model_fetch_slow(struct model_cpu *c, uint64_t line)
{
    if (!cache_find(&c->l1i, line)) {
        second_level(c, line, MODEL_FETCH);
        cache_put(&c->l1i, line, CACHE_SHARED);
    }
    c->fetch_latest[line & c->latest_mask] = line;
}

static uint64_t *new_latest(uint32_t sets)
{
    uint64_t *latest = malloc(sets * sizeof *latest);
    for (uint32_t i = 0; latest && i < sets; i++)
        latest[i] = MODEL_NO_LINE;
    return latest;
}

static int init_cpu(struct model *m, unsigned id)
{
    const struct model_geometry *g = &m->geometry;
    struct model_cpu *c = &m->cpu[id];
    uint32_t messages = 2 * g->l2_sets * g->l2_ways;
    c->id = id;
    c->model = m;
    c->latest_mask = g->l1_sets - 1;
    c->data_latest = new_latest(g->l1_sets);
    c->fetch_latest = new_latest(g->l1_sets);
    c->inbox = calloc(1, sizeof *c->inbox + messages * sizeof *c->inbox->message);
    if (!c->inbox || !c->data_latest || !c->fetch_latest || cache_init(&c->l1i, g->l1_sets, g->l1_ways) ||
        cache_init(&c->l1d, g->l1_sets, g->l1_ways) || cache_init(&c->l2, g->l2_sets, g->l2_ways))
        return -ENOMEM;
    c->inbox->size = messages;
    return 0;
}

int model_init(struct model *m, const struct model_geometry *g, model_sink *sink, void *context)
{
    memset(m, 0, sizeof *m);
    if (!g->cpus || g->cpus > DIRECTORY_CPUS_MAX || g->line_size < 64 || g->line_size > 4096 ||
        (g->line_size & (g->line_size - 1)) || !g->l1_sets || !g->l2_sets || g->l1_ways < 1 || g->l2_ways < 1)
        return -EINVAL;
    m->geometry = *g;
    m->line_shift = (uint32_t)__builtin_ctz(g->line_size);
    m->sink = sink;
    m->context = context;
    m->cpu = aligned_alloc(_Alignof(struct model_cpu), g->cpus * sizeof *m->cpu);
    if (m->cpu)
        memset(m->cpu, 0, g->cpus * sizeof *m->cpu);
    int err = m->cpu ? directory_init(&m->directory, g->cpus, g->line_size) : -ENOMEM;
    for (unsigned i = 0; !err && i < g->cpus; i++)
        err = init_cpu(m, i);
    if (err)
        model_free(m);
    return err;
}

void model_free(struct model *m)
{
    for (unsigned i = 0; m->cpu && i < m->geometry.cpus; i++) {
        cache_free(&m->cpu[i].l1i);
        cache_free(&m->cpu[i].l1d);
        cache_free(&m->cpu[i].l2);
        free(m->cpu[i].inbox);
        free(m->cpu[i].data_latest);
        free(m->cpu[i].fetch_latest);
    }
    free(m->cpu);
    directory_free(&m->directory);
    memset(m, 0, sizeof *m);
}
