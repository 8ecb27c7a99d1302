/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/numbers.h"

#include <stdbool.h>
#include <stdlib.h>

static uint32_t slot_of(const struct numbers *t, uint32_t key)
{
    uint32_t at = key * UINT32_C(0x9e3779b1) & (t->slots - 1);
    while (t->value[at] && t->key[at] != key)
        at = (at + 1) & (t->slots - 1);
    return at;
}

static bool grow(struct numbers *t)
{
    struct numbers grown = {.n = t->n, .slots = t->slots ? 2 * t->slots : 64};
    grown.key = calloc(grown.slots, sizeof *grown.key);
    grown.value = calloc(grown.slots, sizeof *grown.value);
    if (!grown.key || !grown.value) {
        numbers_free(&grown);
        return false;
    }
    for (uint32_t i = 0; i < t->slots; i++)
        if (t->value[i]) {
            uint32_t at = slot_of(&grown, t->key[i]);
            grown.key[at] = t->key[i];
            grown.value[at] = t->value[i];
        }
    struct numbers old = *t;
    *t = grown;
    numbers_free(&old);
    return true;
}

uint32_t numbers_of(struct numbers *t, uint32_t key)
{
    if (t->n >= t->slots / 2 && t->n < NUMBERS_MAX && !grow(t))
        return UINT32_MAX;
    uint32_t at = slot_of(t, key);
    if (!t->value[at]) {
        if (t->n == NUMBERS_MAX)
            return UINT32_MAX;
        t->key[at] = key;
        t->value[at] = ++t->n;
    }
    return t->value[at] - 1;
}

void numbers_free(struct numbers *t)
{
    free(t->key);
    free(t->value);
}
