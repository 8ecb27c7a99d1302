/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs as a user writes them: "class:param=value,...".
 */
#include "replay/driver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "monitor-core/engine.h"

void replay_defaults(struct replay_options *o)
{
    *o = (struct replay_options){
        .contention = true, .repeat = 1, .time_scale_ppm = 1000000, .intensity = 1, .batch = ENGINE_BATCH};
}

static void append(char *text, size_t size, const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s", more);
}

static int unknown_class(const char *name, int length, struct trace_error *error)
{
    char list[320] = "";
    for (const struct policy_class *const *c = policy_classes; *c; c++) {
        append(list, sizeof list, c == policy_classes ? "" : ", ");
        append(list, sizeof list, (*c)->name);
    }
    snprintf(error->text, sizeof error->text, "no policy is called '%.*s'; there are: %s", length < 64 ? length : 64,
             name, list);
    return -ENOENT;
}

static int unknown_param(const struct policy_class *class, const char *name, int length, struct trace_error *error)
{
    char list[320] = "";
    for (const struct policy_param *p = class->params; p && p->name; p++) {
        append(list, sizeof list, p == class->params ? "" : ", ");
        append(list, sizeof list, p->name);
    }
    snprintf(error->text, sizeof error->text, "policy %s has no parameter '%.*s'; %s%s", class->name,
             length < 64 ? length : 64, name, *list ? "it has: " : "it has none", list);
    return -EINVAL;
}

/* What a number of this parameter may bear besides. */
static const char *units_of(const struct policy_param *p)
{
    if (p->unit && strcmp(p->unit, "bytes") == 0)
        return ", or a size with B, kB, MB, GB, KiB, MiB, GiB, TiB or PiB";
    return p->unit && strcmp(p->unit, "ns") == 0 ? ", or a time with ns, us, ms or s" : "";
}

static int parse_value(const struct policy_class *class, const struct policy_param *p, const char *text, size_t length,
                       uint64_t *out, struct trace_error *error)
{
    uint64_t value;
    if (!policy_value(p, text, length, &value)) {
        snprintf(error->text, sizeof error->text,
                 "policy %s: %s=%.*s is not a number; write digits with k, M, G, Ki, Mi or Gi%s", class->name, p->name,
                 length < 64 ? (int)length : 64, text, units_of(p));
        return -EINVAL;
    }
    if (value < p->min || value > p->max) {
        snprintf(error->text, sizeof error->text, "policy %s: %s=%.*s is outside %" PRIu64 "..%" PRIu64 "%s%s",
                 class->name, p->name, length < 64 ? (int)length : 64, text, p->min, p->max,
                 p->unit && *p->unit ? " " : "", p->unit ? p->unit : "");
        return -EINVAL;
    }
    *out = value;
    return 0;
}

/* One "name=value" of `length` characters. */
static int parse_param(struct replay_spec *spec, const char *item, size_t length, uint32_t *given,
                       struct trace_error *error)
{
    const struct policy_class *class = spec->policy;
    const char *equals = memchr(item, '=', length);
    size_t name = equals ? (size_t)(equals - item) : length;
    int index = name ? policy_param_index(class, item, name) : -1;
    if (index < 0)
        return unknown_param(class, item, (int)(name < 64 ? name : 64), error);
    const struct policy_param *p = &class->params[index];
    if (!equals || *given >> index & 1) {
        snprintf(error->text, sizeof error->text, "policy %s: parameter %s %s", class->name, p->name,
                 equals ? "is given twice; give it once" : "has no value; write it as name=value");
        return -EINVAL;
    }
    *given |= (uint32_t)1 << index;
    return parse_value(class, p, equals + 1, length - name - 1, &spec->param[index], error);
}

int replay_parse_spec(const char *text, struct replay_spec *spec, struct trace_error *error)
{
    size_t length = strcspn(text, ":");
    char name[64] = "";
    memset(spec, 0, sizeof *spec);
    if (length < sizeof name) {
        memcpy(name, text, length);
        spec->policy = policy_find(name);
    }
    if (!spec->policy)
        return unknown_class(text, (int)(length < 64 ? length : 64), error);
    policy_defaults(spec->policy, spec->param);
    uint32_t given = 0;
    for (text += length; *text; text += length) {
        length = strcspn(++text, ",");
        int err = parse_param(spec, text, length, &given, error);
        if (err)
            return err;
    }
    return 0;
}
