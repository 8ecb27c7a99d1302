/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/core/script.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { REASONS_MAX = 4096 };

/* The class as it is, but that every order is noted on its way to it. */
static struct {
    struct policy_class class;
    const struct policy_class *original;
    uint16_t reason[REASONS_MAX], sampling;
} noted;

static void note(void *state, const struct order *o, int err)
{
    if (o->op == ORDER_SAMPLE)
        noted.sampling = o->reason;
    else if (o->page < REASONS_MAX)
        noted.reason[o->page] = o->reason;
    if (noted.original->outcome)
        noted.original->outcome(state, o, err);
}

static const struct policy_class *noting(const struct policy_class *class)
{
    memset(&noted, 0, sizeof noted);
    noted.original = class;
    noted.class = *class;
    noted.class.outcome = note;
    return &noted.class;
}

static uint64_t time_of(const char *word, char **end)
{
    static const struct {
        const char *unit;
        uint64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    uint64_t number = strtoull(word, end, 10);
    for (unsigned i = 0; i < 4; i++)
        if (!strncmp(*end, units[i].unit, strlen(units[i].unit))) {
            *end += strlen(units[i].unit);
            return number * units[i].ns;
        }
    cr_assert_eq(number, 0, "%s: a time without a unit", word);
    return number;
}

static void tick(const char *word)
{
    char *rest;
    policy_rig.now = time_of(word + 1, &rest);
    fixture_window(&policy_rig);
    for (uint32_t node = 0; *rest == '/'; node++)
        policy_rig.latency_ps[node] = strtoull(rest + 1, &rest, 10) * 1000;
    if (policy_rig.config.policy->signals & SIGNAL_ACCESSED)
        observe_harvest(&policy_rig.observe);
    engine_tick(policy_rig.engine, policy_rig.now);
}

/* Flushed after each, so that a page that is watched again misses no access. */
static void misses(node_t node, page_t page, bool write, uint64_t count)
{
    for (; count; count--) {
        fixture_misses(&policy_rig, node, page, write, 1);
        engine_flush(policy_rig.engine);
    }
}

static void miss(const char *word)
{
    char *rest;
    uint64_t node = strtoull(word + 1, &rest, 10);
    cr_assert_eq(*rest, '.', "%s: no page", word);
    uint64_t first = strtoull(rest + 1, &rest, 10), last = *rest == '-' ? strtoull(rest + 1, &rest, 10) : first;
    uint64_t count = *rest == '*' ? strtoull(rest + 1, &rest, 10) : 1;
    uint64_t task = *rest == '/' ? strtoull(rest + 1, &rest, 10) : 0;
    cr_assert_eq(*rest, 0, "%s: not understood", word);
    for (uint64_t page = first; page <= last; page++)
        if (*word == 'p')
            cr_assert_eq(
                engine_access(policy_rig.engine, (page_t)page, (node_t)node, (uint16_t)task, false, policy_rig.now), 0);
        else
            misses((node_t)node, (page_t)page, *word == 'w', count);
}

static uint64_t found(const char *what, size_t len)
{
    const struct engine_stats *s = &policy_rig.engine->stats;
    uint64_t refused = 0;
    engine_flush(policy_rig.engine);
    if (!strncmp(what, "moves", len))
        return s->moves;
    if (!strncmp(what, "copies", len))
        return s->copies;
    if (!strncmp(what, "watches", len))
        return s->watches;
    if (!strncmp(what, "sampling", len))
        return policy_rig.engine->view.sampling;
    for (unsigned i = 0; i < REFUSED_REASONS; i++)
        refused += s->refused[i];
    if (!strncmp(what, "refused", len))
        return refused;
    return view_copies(&policy_rig.engine->view, (page_t)strtoul(what, NULL, 10));
}

static unsigned reason(const char *word)
{
    engine_flush(policy_rig.engine);
    if (!strncmp(word, "sampling", 8))
        return noted.sampling;
    unsigned long page = strtoul(word, NULL, 10);
    cr_assert_lt(page, REASONS_MAX, "%s: no reason is noted of such a page", word);
    return noted.reason[page];
}

static void step(const struct script *s, const char *word)
{
    const char *equal = strchr(word, '='), *mark = strchr(word, '!');
    char *end;
    if (mark) {
        unsigned is = reason(word);
        cr_assert_eq(is, strtoul(mark + 1, NULL, 0), "%s, %s: %#x", s->policy, word, is);
    } else if (equal) {
        uint64_t is = found(word, (size_t)(equal - word));
        cr_assert_eq(is, strtoull(equal + 1, NULL, 0), "%s, %s: %#llx", s->policy, word, (unsigned long long)is);
    } else if (*word == '@') {
        policy_rig.now = time_of(word + 1, &end);
    } else if (*word == 't') {
        tick(word);
    } else if (*word == 'f') {
        cr_assert_eq(engine_free(policy_rig.engine, (page_t)strtoul(word + 1, NULL, 10), policy_rig.now), 0);
    } else {
        cr_assert(strchr("rwp", *word), "%s: not understood", word);
        miss(word);
    }
}

static int begin(const struct script *s)
{
    uint64_t frames = s->frames ? s->frames : FRAMES_UNBOUNDED;
    uint64_t param[POLICY_PARAMS_MAX];
    const struct policy_class *class;
    struct policy_error error;
    cr_assert_eq(policy_parse(s->policy, &class, param, &error), 0, "%s", s->policy);
    fixture_shape(&policy_rig_shape, s->nodes, s->nodes, frames);
    if (s->slow)
        fixture_tiers(&policy_rig_shape, s->slow, s->slow_frames ? s->slow_frames : FRAMES_UNBOUNDED);
    if (s->page_size)
        policy_rig_shape.topology.page_size = s->page_size;
    if (s->costs.page_ns)
        policy_rig_shape.topology.costs = &s->costs;
    struct engine_config config = fixture_config(noting(class), &policy_rig_shape, s->npages ? s->npages : 16);
    config.batch = 1;
    config.budget = s->budget;
    config.sampling = s->sampling ? s->sampling : 1;
    memcpy(config.param, param, sizeof param);
    return fixture_begin(&policy_rig, &config, POLICY_RIG_CAPS);
}

void script_is_invalid(const char *policy)
{
    cr_assert_eq(begin(&(const struct script){.policy = policy, .nodes = 2}), ERR_INVAL, "%s", policy);
    fixture_end(&policy_rig);
}

void script_run(const struct script *s)
{
    char words[1024];
    cr_assert_lt(strlen(s->words), sizeof words);
    strcpy(words, s->words);
    cr_assert_eq(begin(s), 0, "%s", s->policy);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        step(s, word);
    policy_rig_end();
}

void script_run_all(const struct script *list)
{
    for (; list->policy; list++)
        script_run(list);
}
