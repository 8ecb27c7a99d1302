/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/run_log.h"

#include <errno.h>
#include <string.h>

#include "replay/run_counts.h"

static void put(struct run_log *l, const void *bytes, size_t n)
{
    fwrite(bytes, 1, n, l->file);
}

static void align(struct run_log *l)
{
    static const char zero[8];
    long at = ftell(l->file);
    if (at > 0 && at % 8)
        put(l, zero, 8 - (size_t)(at % 8));
}

static struct play_header header_of(const struct engine_config *c)
{
    const struct topology *t = c->topology;
    uint32_t machine = (t->bandwidth ? PLAY_BANDWIDTHS : 0) | (t->costs ? PLAY_COSTS : 0);
    uint32_t policy =
        (c->policy->signals & SIGNAL_ACCESSED ? PLAY_ACCESSED : 0) | (c->policy->signals & SIGNAL_LOAD ? PLAY_LOAD : 0);
    return (struct play_header){.magic = PLAY_MAGIC,
                                .nodes = t->nodes,
                                .cpus = t->cpus,
                                .npages = c->npages,
                                .batch = c->batch,
                                .sampling = c->sampling,
                                .budget = c->budget,
                                .advice = c->advice != NULL,
                                .known = machine | policy};
}

size_t run_log_size(const struct engine_config *c)
{
    struct play_header header = header_of(c);
    return play_seen_words(&header) * sizeof(uint64_t);
}

int run_log_begin(struct run_log *l, const struct engine_config *c, void *memory, struct trace_error *why)
{
    const struct topology *t = c->topology;
    l->header = header_of(c);
    l->shown = memory;
    if (!run_counts_spec(c->policy, c->param, l->header.policy, sizeof l->header.policy) || c->npages > PLAY_PAGES_MAX)
        snprintf(why->text, sizeof why->text, "a log takes at most %d pages and a policy of 255 characters",
                 PLAY_PAGES_MAX);
    else {
        put(l, &l->header, sizeof l->header);
        put(l, t->latency_ps, (size_t)t->nodes * t->nodes * sizeof *t->latency_ps);
        put(l, t->tier, t->nodes);
        put(l, t->cpu_node, t->cpus);
        align(l);
        put(l, t->frames, t->nodes * sizeof *t->frames);
        if (t->bandwidth)
            put(l, t->bandwidth, t->nodes * sizeof *t->bandwidth);
        if (t->costs)
            put(l, t->costs, sizeof *t->costs);
        if (c->advice)
            put(l, c->advice, c->npages);
        align(l);
        return 0;
    }
    return -EINVAL;
}

void run_log_add(struct run_log *l, enum play_kind kind, const struct event *e)
{
    struct play_record record = {
        .time = e->time, .page = e->page, .task = e->task, .node = e->node, .what = e->what, .kind = (uint8_t)kind};
    put(l, &record, sizeof record);
    l->header.records++;
}

/* The words that changed, those that are alike in one record. */
static uint64_t see(struct run_log *l, uint64_t at, const uint64_t *now, uint64_t n)
{
    for (uint64_t i = 0, end; i < n; i = end) {
        end = i + 1;
        if (now[i] == l->shown[at + i])
            continue;
        while (end < n && now[end] == now[i] && end - i < UINT16_MAX)
            end++;
        run_log_add(l, PLAY_SEEN, &(struct event){now[i], (page_t)(at + i), (uint16_t)(end - i), 0, 0});
    }
    memcpy(l->shown + at, now, n * sizeof *now);
    return at + n;
}

void run_log_see(struct run_log *l, const struct view *v)
{
    uint64_t nodes = l->header.nodes, row = play_row_words(&l->header), at = 0;
    for (uint64_t node = 0; l->header.known & PLAY_ACCESSED && node < nodes; node++)
        at = see(l, at, v->accessed[node], row);
    if (l->header.known & PLAY_LOAD) {
        at = see(l, at, v->traffic, 2 * nodes * nodes);
        see(l, at, v->latency_ps, nodes);
    }
}

int run_log_end(struct run_log *l)
{
    errno = 0;
    if (fseek(l->file, 0, SEEK_SET) == 0)
        put(l, &l->header, sizeof l->header);
    if (fflush(l->file) || ferror(l->file))
        return errno ? -errno : -EIO;
    return 0;
}
