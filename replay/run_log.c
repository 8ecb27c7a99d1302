/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/run_log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

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

/* The class and every parameter that is not the default, as one would type it. False: too long. */
static bool describe(const struct engine_config *c, char *text, size_t size)
{
    const struct policy_class *class = c->policy;
    size_t used = (size_t)snprintf(text, size, "%s", class->name);
    char before = ':';
    for (unsigned i = 0; i < policy_param_count(class) && used < size; i++) {
        if (c->param[i] == class->params[i].preset)
            continue;
        used += (size_t)snprintf(text + used, size - used, "%c%s=%" PRIu64, before, class->params[i].name, c->param[i]);
        before = ',';
    }
    return used < size;
}

int run_log_begin(struct run_log *l, const struct engine_config *c, struct trace_error *why)
{
    const struct topology *t = c->topology;
    l->header = (struct play_header){.magic = PLAY_MAGIC,
                                     .nodes = t->nodes,
                                     .cpus = t->cpus,
                                     .npages = c->npages,
                                     .batch = c->batch,
                                     .sampling = c->sampling,
                                     .budget = c->budget,
                                     .advice = c->advice != NULL,
                                     .known = (t->bandwidth ? PLAY_BANDWIDTHS : 0) | (t->costs ? PLAY_COSTS : 0)};
    if (c->policy->signals & (SIGNAL_ACCESSED | SIGNAL_LOAD))
        snprintf(why->text, sizeof why->text, "policy %s looks at accessed bits or load, which a log does not hold",
                 c->policy->name);
    else if (!describe(c, l->header.policy, sizeof l->header.policy) || c->npages > PLAY_PAGES_MAX)
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

int run_log_end(struct run_log *l)
{
    errno = 0;
    if (fseek(l->file, 0, SEEK_SET) == 0)
        put(l, &l->header, sizeof l->header);
    if (fflush(l->file) || ferror(l->file))
        return errno ? -errno : -EIO;
    return 0;
}
