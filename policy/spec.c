/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A class with its parameters, as a user writes it.
 */
#include "policy/policy.h"
#include "policy/text.h"

static int fail(struct policy_error *e, const char *what, struct text word)
{
    *e = (struct policy_error){.what = what};
    for (size_t i = 0; i < word.n && i + 1 < sizeof e->word; i++)
        e->word[i] = word.at[i] >= ' ' && word.at[i] <= '~' ? word.at[i] : '?';
    return ERR_INVAL;
}

static const struct policy_class *find(struct text name)
{
    char copy[POLICY_NAME_MAX] = "";
    if (name.n >= sizeof copy)
        return NULL;
    __builtin_memcpy(copy, name.at, name.n);
    return policy_find(copy);
}

/* One "name=value". */
static int set(const struct policy_class *class, uint64_t *param, struct text item, struct policy_error *e)
{
    struct text value = item, name = text_until(&value, '=');
    uint64_t v;
    int index = name.n ? policy_param_index(class, name.at, name.n) : -1;
    if (index < 0)
        return fail(e, "the policy has no such parameter", name);
    const struct policy_param *p = &class->params[index];
    if (!policy_value(p, value.at, value.n, &v))
        return fail(e, "not a number in the parameter's unit", item);
    if (v < p->min || v > p->max)
        return fail(e, "the parameter is out of its range", item);
    param[index] = v;
    return 0;
}

int policy_parse(const char *spec, const struct policy_class **class, uint64_t *param, struct policy_error *e)
{
    struct text rest = text_of(spec);
    struct text name = text_until(&rest, ':');
    *e = (struct policy_error){.what = ""};
    *class = find(name);
    if (!*class)
        return fail(e, "unknown policy", name);
    policy_defaults(*class, param);
    int err = 0;
    while (rest.n && !err)
        err = set(*class, param, text_until(&rest, ','), e);
    return err;
}
