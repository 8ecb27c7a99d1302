/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Intervals in which the source was blind. A full ring tells its loss with the next record that fits: the gap is from
 * the last record of that CPU to that one. A throttled event is silent up to its UNTHROTTLE.
 */
#include <string.h>

#include "collectors/to_trace_private.h"

static void put(struct to_trace *t, const struct decoded *d, uint64_t from, enum collect_cause cause, uint64_t lost)
{
    const struct sample *s = &d->sample;
    struct collect_gap gap = {.from = from, .to = s->has & SAMPLE_TIME ? s->time : t->last_time, .lost = lost};
    gap.cpu = s->has & SAMPLE_CPU ? s->cpu : COLLECT_ALL_CPUS;
    gap.cause = cause;
    if (gap.from > gap.to)
        gap.from = gap.to;
    trace_collect_gap(&t->collect, &gap); /* the table is bounded; counts go on */
}

static bool known_cpu(const struct sample *s)
{
    return (s->has & SAMPLE_CPU) && s->cpu < CPU_MAX;
}

static uint64_t since(const struct to_trace *t, const struct sample *s)
{
    return known_cpu(s) ? t->cpu_time[s->cpu] : t->last_time;
}

static void lost(struct to_trace *t, const struct decoded *d)
{
    bool ring = d->kind == DECODED_LOST;
    if (ring)
        t->in_band += d->lost.n;
    else if (!d->lost.by_filter)
        t->hardware += d->lost.n;
    put(t, d, since(t, &d->sample),
        ring                ? COLLECT_LOST
        : d->lost.by_filter ? COLLECT_FILTERED
                            : COLLECT_HARDWARE,
        d->lost.n);
}

static void unthrottled(struct to_trace *t, const struct decoded *d)
{
    uint64_t from = known_cpu(&d->sample) ? t->throttled[d->sample.cpu] : since(t, &d->sample);
    if (from)
        put(t, d, from, COLLECT_THROTTLED, 0);
    if (known_cpu(&d->sample))
        t->throttled[d->sample.cpu] = 0;
}

void to_trace_gap(struct to_trace *t, const struct decoded *d)
{
    if (d->kind == DECODED_LOST || d->kind == DECODED_LOST_SAMPLES)
        lost(t, d);
    else if (d->kind == DECODED_THROTTLE && known_cpu(&d->sample))
        t->throttled[d->sample.cpu] = d->throttle.time ? d->throttle.time : t->last_time;
    else if (d->kind == DECODED_UNTHROTTLE)
        unthrottled(t, d);
    else if (d->kind == DECODED_AUX && (d->aux.flags & ABI_AUX_TRUNCATED))
        put(t, d, since(t, &d->sample), COLLECT_TRUNCATED, 0);
    else if (d->kind == DECODED_AUX && (d->aux.flags & ABI_AUX_COLLISION))
        put(t, d, since(t, &d->sample), COLLECT_COLLISION, 0);
}

/* Still throttled when the recording ended. Then times become those of the trace. */
void to_trace_gaps_end(struct to_trace *t)
{
    for (uint32_t cpu = 0; cpu < CPU_MAX; cpu++)
        if (t->throttled[cpu]) {
            struct collect_gap gap = {
                .from = t->throttled[cpu], .to = t->last_time, .cpu = cpu, .cause = COLLECT_THROTTLED};
            if (gap.to < gap.from)
                gap.to = gap.from;
            trace_collect_gap(&t->collect, &gap);
        }
    if (t->sink->options->rebase)
        trace_collect_rebase(&t->collect, t->sink->first_time);
}
