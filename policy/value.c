/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers with units, as a user writes them.
 */
#include "policy/policy.h"

static const struct unit {
    const char *name, *of; /* of: the parameter's own unit; null: any */
    uint64_t factor;
} units[] = {{"", NULL, 1},
             {"k", NULL, 1000},
             {"M", NULL, 1000000},
             {"G", NULL, 1000000000},
             {"Ki", NULL, UINT64_C(1) << 10},
             {"Mi", NULL, UINT64_C(1) << 20},
             {"Gi", NULL, UINT64_C(1) << 30},
             {"ns", "ns", 1},
             {"us", "ns", 1000},
             {"ms", "ns", 1000000},
             {"s", "ns", 1000000000},
             {"B", "bytes", 1},
             {"kB", "bytes", 1000},
             {"MB", "bytes", 1000000},
             {"GB", "bytes", 1000000000},
             {"KiB", "bytes", UINT64_C(1) << 10},
             {"MiB", "bytes", UINT64_C(1) << 20},
             {"GiB", "bytes", UINT64_C(1) << 30},
             {"TiB", "bytes", UINT64_C(1) << 40},
             {"PiB", "bytes", UINT64_C(1) << 50},
             {"%", "percent", 1}};

static bool same(const char *text, size_t len, const char *name)
{
    size_t i = 0;
    while (i < len && name[i] && text[i] == name[i])
        i++;
    return i == len && !name[i];
}

static bool measures(const struct unit *u, const char *own)
{
    size_t len = 0;
    while (own && own[len])
        len++;
    return !u->of || same(own, len, u->of);
}

/* What the unit stands for; 0: it is none of this parameter's. */
static uint64_t factor_of(const struct policy_param *p, const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (same(text, len, units[i].name) && measures(&units[i], p->unit))
            return units[i].factor;
    return 0;
}

static unsigned digit_of(char c)
{
    char letter = (char)(c | 32);
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return letter >= 'a' && letter <= 'f' ? (unsigned)(letter - 'a' + 10) : 16;
}

bool policy_value(const struct policy_param *p, const char *text, size_t len, uint64_t *value)
{
    bool hex = len > 2 && text[0] == '0' && (text[1] | 32) == 'x';
    unsigned base = hex ? 16 : 10;
    size_t start = hex ? 2 : 0, i = start;
    *value = 0;
    for (; i < len && digit_of(text[i]) < base; i++)
        if (__builtin_mul_overflow(*value, base, value) || __builtin_add_overflow(*value, digit_of(text[i]), value))
            return false;
    uint64_t factor = i > start ? factor_of(p, text + i, len - i) : 0;
    return factor && !__builtin_mul_overflow(*value, factor, value);
}
