/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policy.h"

/* One line per policy; the order is that of the list shown to the user. */
#define POLICIES(X)        \
    X(first_touch)         \
    X(interleave)          \
    X(weighted_interleave) \
    X(post_facto)          \
    X(as_recorded)         \
    X(migrep)              \
    X(migrate_only)        \
    X(replicate_only)      \
    X(competitive)         \
    X(autonuma)            \
    X(nbt)                 \
    X(tpp)                 \
    X(pghot)               \
    X(numad)               \
    X(ace)                 \
    X(platinum)            \
    X(irix)                \
    X(carrefour)           \
    X(asymsched)           \
    X(autotiering)         \
    X(tmts)                \
    X(colloid)             \
    X(colloid_tpp)         \
    X(nomad)               \
    X(hemem)               \
    X(memtis)              \
    X(multiclock)          \
    X(damon_migrate)       \
    X(thermostat)          \
    X(hybridtier)          \
    X(thrift)

#define DECLARE(name) extern const struct policy_class policy_##name;
#define ENTER(name) &policy_##name,

POLICIES(DECLARE)

const struct policy_class *const policy_classes[] = {POLICIES(ENTER) NULL};

static bool same(const char *name, const char *other, size_t len)
{
    size_t i = 0;
    while (i < len && name[i] && name[i] == other[i])
        i++;
    return i == len && !name[i];
}

static size_t length(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

const struct policy_class *policy_find(const char *name)
{
    for (size_t i = 0; policy_classes[i]; i++)
        if (same(policy_classes[i]->name, name, length(name)))
            return policy_classes[i];
    return NULL;
}

unsigned policy_param_count(const struct policy_class *c)
{
    unsigned n = 0;
    while (c->params && n < POLICY_PARAMS_MAX && c->params[n].name)
        n++;
    return n;
}

int policy_param_index(const struct policy_class *c, const char *name, size_t len)
{
    for (unsigned i = 0; i < policy_param_count(c); i++)
        if (same(c->params[i].name, name, len))
            return (int)i;
    return -1;
}

void policy_defaults(const struct policy_class *c, uint64_t *param)
{
    for (unsigned i = 0; i < policy_param_count(c); i++)
        param[i] = c->params[i].preset;
}

uint64_t policy_tick_ns(const struct policy_class *c, const uint64_t *param)
{
    int i = policy_param_index(c, "tick_ns", 7);
    return i < 0 ? c->tick_ns : param[i];
}
