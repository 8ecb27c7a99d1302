/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Linked into a monitor with --wrap=policy_find: one that knows the class "stir" as well.
 */
#include "tests/monitor/stir.h"

const struct policy_class *__real_policy_find(const char *name);
const struct policy_class *__wrap_policy_find(const char *name);

const struct policy_class *__wrap_policy_find(const char *name)
{
    size_t i = 0;
    while (name[i] && name[i] == policy_stir.name[i])
        i++;
    return name[i] == policy_stir.name[i] ? &policy_stir : __real_policy_find(name);
}
