/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void run_config(struct run *r, const struct replay_spec *spec, const struct replay_machine *machine,
                const struct replay_options *options, uint32_t npages, struct engine_config *config)
{
    uint32_t sampling = spec->sampling      ? spec->sampling
                        : options->sampling ? options->sampling
                                            : machine->desc.sampling;
    *config = (struct engine_config){.policy = spec->policy,
                                     .topology = &machine->topology,
                                     .npages = npages,
                                     .machine = &r->model.machine,
                                     .batch = options->batch,
                                     .sampling = sampling ? sampling : 1,
                                     .budget = options->budget,
                                     .advice = spec->advice};
    memcpy(config->param, spec->param, sizeof config->param);
}

static size_t take(size_t *total, size_t bytes)
{
    size_t at = *total;
    *total += (bytes + 63) & ~(size_t)63;
    return at;
}

/* One block for all that is small; the records of the pages are the group's. */
static int allocate(struct run *r, const struct engine_config *config, const struct replay_machine *machine,
                    const struct run_log *log, size_t at[8])
{
    struct engine_need need;
    if (engine_need(config, &need))
        return -EINVAL;
    size_t total = 0, lanes = (size_t)machine->cpus << LANE_SHIFT;
    r->shift = prepare_node_shift(machine);
    at[0] = take(&total, need.state_bytes);
    at[1] = take(&total, need.orders_max * sizeof(struct order));
    at[2] = take(&total, (lanes << r->shift) * sizeof *r->count);
    at[3] = take(&total, observe_size(config, machine->cpus));
    at[4] = take(&total, machine_model_size(machine));
    at[5] = take(&total, account_size(machine));
    at[6] = take(&total, machine->cpus * sizeof *r->charged);
    at[7] = take(&total, log ? run_log_size(config) : 0);
    r->memory = aligned_alloc(64, total);
    if (!r->memory)
        return -ENOMEM;
    memset(r->memory, 0, total);
    return 0;
}

static int explain(int err, const struct replay_spec *spec, struct trace_error *error)
{
    const char *what = err == -ENOMEM ? "not enough memory for its state; replay fewer policies at once"
                                      : "these parameters or options do not fit together; see 'mirrorball policies'";
    snprintf(error->text, sizeof error->text, "policy %s: %s", spec->policy->name, what);
    return err;
}

int run_init(struct run *r, const struct engine_config *config, const struct replay_spec *spec,
             const struct replay_machine *machine, const struct replay_options *options, uint64_t windows,
             unsigned char *pages, size_t stride, uint32_t ahead, bool weighted, struct trace_error *error)
{
    size_t at[8];
    int err = allocate(r, config, machine, options->log, at);
    if (err)
        return explain(err, spec, error);
    unsigned char *memory = r->memory;
    r->count = (uint64_t *)(void *)(memory + at[2]);
    r->charged = (uint64_t *)(void *)(memory + at[6]);
    bool loads = spec->policy->signals & SIGNAL_LOAD;
    err = account_init(&r->account, machine, options, windows, loads, &r->model, memory + at[5]);
    machine_model_init(&r->model, machine, &r->engine.orders, memory + at[4], r->account.copy_bytes,
                       r->account.write_bytes);
    if (!err)
        err = engine_init(&r->engine, config, memory + at[0], (struct order *)(void *)(memory + at[1]), pages,
                          pages + sizeof(struct place), stride);
    if (err)
        return explain(err, spec, error);
    observe_init(&r->observe, &r->engine, machine->cpus, memory + at[3]);
    r->engine.view.traffic = r->account.seen;
    r->engine.view.latency_ps = r->account.seen_latency;
    r->pages = pages;
    r->stride = stride;
    r->spec = spec;
    r->batch = config->batch;
    r->sampling = config->sampling;
    r->err = 0;
    r->window = r->ticks = 0;
    r->log = options->log;
    r->serve = r->log ? run_serve_logged(weighted) : run_serve_for(spec->policy, weighted);
    r->ahead = ahead;
    if (r->log && run_log_begin(r->log, config, memory + at[7], error))
        return -EINVAL;
    if (r->log)
        run_log_see(r->log, &r->engine.view);
    r->idle_ticks_left = RUN_IDLE_TICKS_ALL;
    uint64_t tick_ns = spec->policy->tick ? policy_tick_ns(spec->policy, config->param) : 0;
    r->tick_windows = tick_ns / REPLAY_WINDOW_NS + (tick_ns % REPLAY_WINDOW_NS != 0);
    r->next_tick = r->tick_windows;
    return 0;
}

void run_free(struct run *r)
{
    account_free(&r->account);
    free(r->memory);
    r->memory = NULL;
}

static void charge_samples(struct run *r, const struct prepared *c, const struct segment *s)
{
    uint64_t each = machine_model_ps(r->model.shape->desc.costs.sample_ns);
    for (uint32_t i = 0; i < s->ncpus; i++) {
        uint32_t cpu = c->cpus[s->cpus + i];
        uint64_t fresh = r->observe.samples[cpu] - r->charged[cpu];
        r->charged[cpu] += fresh;
        machine_model_charge(&r->model, cpu, OVERHEAD_SAMPLE, (unsigned __int128)fresh * each);
    }
}

/* Accessed bits: every page of a harvest, or as many as the class says it looked at. */
static void charge_looks(struct run *r, bool harvested)
{
    const struct policy_class *policy = r->spec->policy;
    uint64_t pages = !harvested ? 0 : policy->looked ? policy->looked(r->engine.state) : r->engine.view.npages;
    if (pages)
        machine_model_charge(&r->model, r->model.cpu, OVERHEAD_SCAN,
                             (unsigned __int128)pages * r->model.shape->desc.costs.scan_ps);
}

static void log_time(struct run *r, enum play_kind kind, uint64_t now)
{
    if (!r->log)
        return;
    run_log_see(r->log, &r->engine.view);
    run_log_time(r->log, kind, now);
}

static void tick(struct run *r, uint64_t now)
{
    uint64_t scans = r->observe.harvests;
    r->model.cpu = (uint32_t)(r->ticks++ % r->account.cpus);
    if (r->spec->policy->signals & SIGNAL_ACCESSED)
        observe_harvest(&r->observe);
    log_time(r, PLAY_TICK, now);
    engine_tick(&r->engine, now);
    charge_looks(r, r->observe.harvests != scans);
}

/* Windows that may be passed in one step: until the next tick that will be delivered, at most up to window `to`. */
static uint64_t idle_windows(const struct run *r, uint64_t to, uint32_t ticks_left)
{
    if (!account_quiet(&r->account, &r->engine.stats))
        return 0;
    bool ticks = r->tick_windows && ticks_left && r->idle_ticks_left;
    uint64_t until = ticks && r->next_tick < to ? r->next_tick : to;
    return until - r->window;
}

/* A window begins. Ticks that an idle stretch left out are not made up for. */
static void begin_window(struct run *r, uint32_t *ticks_left, bool idle)
{
    uint64_t now = r->window * REPLAY_WINDOW_NS;
    r->engine.view.traffic = r->account.seen;
    log_time(r, PLAY_WINDOW, now);
    engine_window(&r->engine, now);
    if (!r->tick_windows || r->window < r->next_tick)
        return;
    r->next_tick += (r->window - r->next_tick) / r->tick_windows * r->tick_windows + r->tick_windows;
    if (r->window % r->tick_windows != 0)
        return;
    if (idle) {
        --*ticks_left;
        r->idle_ticks_left--;
    }
    tick(r, now);
}

static void advance(struct run *r, uint64_t to)
{
    uint32_t ticks_left = RUN_IDLE_TICKS;
    while (r->window < to && !r->err) {
        uint64_t idle = idle_windows(r, to, ticks_left);
        if (idle)
            account_idle(&r->account, r->window, idle, &r->engine.stats);
        else
            account_window(&r->account, r->window, &r->engine.stats);
        r->window += idle ? idle : 1;
        begin_window(r, &ticks_left, idle && r->window < to);
    }
}

void run_enter(struct run *r, const struct segment *s)
{
    r->counted = s->first;
    if (r->window < s->window)
        advance(r, s->window);
}

void run_leave(struct run *r, const struct prepared *c, const struct segment *s)
{
    account_segment(&r->account, c, s, r->count, r->shift);
    /* What the run's last flush does is this CPU's work, whichever way its events were queued. */
    r->model.cpu = c->rows[s->first + s->n - 1] >> (r->shift + LANE_SHIFT);
    if (!(r->spec->policy->signals & SIGNAL_MISSES))
        return;
    run_count_samples(r, c, s);
    if (r->model.shape->desc.costs.sample_ns)
        charge_samples(r, c, s);
}
