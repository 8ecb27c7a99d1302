/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/vary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000u

static int fail(struct trace_error *error, int err, const char *text, const char *what)
{
    snprintf(error->text, sizeof error->text, "--vary '%.160s': %s", text, what);
    return err;
}

static int append(struct vary *v, uint64_t value, const char *text, struct trace_error *error)
{
    for (uint32_t i = 0; i < v->n; i++)
        if (v->value[i] == value)
            return 0;
    if (v->n == VARY_RUNS_MAX)
        return fail(error, -E2BIG, text, "more than 4096 values; widen the step");
    if (v->n == v->room) {
        uint32_t room = v->room ? 2 * v->room : 16;
        uint64_t *grown = realloc(v->value, room * sizeof *grown);
        if (!grown)
            return fail(error, -ENOMEM, text, "out of memory");
        v->value = grown;
        v->room = room;
    }
    v->value[v->n++] = value;
    return 0;
}

/* A value is read as a policy's parameter is: same units, same range check, same error line. */
static int read_value(const struct vary *v, const struct policy_class *class, const char *text, size_t length,
                      uint64_t *out, struct trace_error *error)
{
    char spec[256];
    struct replay_spec parsed = {0};

    int n = snprintf(spec, sizeof spec, "%s:%s=%.*s", class->name, v->name, (int)(length < 128 ? length : 128), text);
    if (n < 0 || (size_t)n >= sizeof spec)
        return fail(error, -EINVAL, text, "too long");
    int err = replay_parse_spec(spec, &parsed, error);
    if (!err)
        *out = parsed.param[v->index];
    return err;
}

/* How a range goes on: times factor_ppm / 10^6 when that is not 0, else plus add. */
struct step {
    uint64_t add, factor_ppm;
};

static int read_factor(const char *text, size_t length, struct step *step)
{
    char number[32], *end;

    if (length == 0 || length >= sizeof number || text[0] < '0' || text[0] > '9')
        return -EINVAL;
    memcpy(number, text, length);
    number[length] = '\0';
    double factor = strtod(number, &end);
    if (*end || !(factor > 1.0) || factor > 1e6)
        return -EINVAL;
    *step = (struct step){.factor_ppm = (uint64_t)(factor * MILLION + 0.5)};
    return 0;
}

static int read_step(const struct vary *v, const struct policy_class *class, const char *text, size_t length,
                     struct step *step, struct trace_error *error)
{
    if (length > 1 && (text[0] == 'x' || text[0] == '*'))
        return read_factor(text + 1, length - 1, step)
                   ? fail(error, -EINVAL, text, "a factor is a number above 1, as in 16..512:x2")
                   : 0;
    if (length < 2 || text[0] != '+')
        return fail(error, -EINVAL, text, "a step is :xFACTOR or :+SUMMAND, as in 16..512:x2 or 16..64:+16");
    /* A summand may lie below the parameter's least value, so only its unit is the parameter's. */
    char spec[64];
    struct trace_error ignored;
    *step = (struct step){0};
    if (read_value(v, class, text + 1, length - 1, &step->add, &ignored)) {
        char *end;
        if (text[1] < '0' || text[1] > '9')
            return fail(error, -EINVAL, text, "the summand is not a number");
        snprintf(spec, sizeof spec, "%.*s", (int)(length - 1), text + 1);
        step->add = strtoull(spec, &end, 10);
        if (*end)
            return fail(error, -EINVAL, text, "the summand is not a number");
    }
    return step->add ? 0 : fail(error, -EINVAL, text, "a summand of 0 never ends");
}

static uint64_t next_value(uint64_t value, const struct step *step)
{
    unsigned __int128 next = (unsigned __int128)value + step->add;

    if (step->factor_ppm)
        next = ((unsigned __int128)value * step->factor_ppm + MILLION / 2) / MILLION;
    if (next <= value)
        next = (unsigned __int128)value + 1;
    return next > UINT64_MAX ? UINT64_MAX : (uint64_t)next;
}

static int read_range(struct vary *v, const struct policy_class *class, const char *piece, size_t length,
                      const char *dots, struct trace_error *error)
{
    const char *end = piece + length, *last = dots + 2;
    const char *colon = memchr(last, ':', (size_t)(end - last));
    struct step step = {.add = 1};
    uint64_t from, to;

    int err = read_value(v, class, piece, (size_t)(dots - piece), &from, error);
    if (!err)
        err = read_value(v, class, last, (size_t)((colon ? colon : end) - last), &to, error);
    if (!err && colon)
        err = read_step(v, class, colon + 1, (size_t)(end - colon - 1), &step, error);
    if (!err && from > to)
        err = fail(error, -EINVAL, piece, "the range ends before it starts");
    for (uint64_t value = from; !err; value = next_value(value, &step)) {
        if (value > to)
            break;
        err = append(v, value, piece, error);
        if (value == UINT64_MAX)
            break;
    }
    return err;
}

static int read_piece(struct vary *v, const struct policy_class *class, const char *piece, size_t length,
                      struct trace_error *error)
{
    uint64_t value;
    const char *dots = memmem(piece, length, "..", 2);

    if (dots)
        return read_range(v, class, piece, length, dots, error);
    int err = read_value(v, class, piece, length, &value, error);
    return err ? err : append(v, value, piece, error);
}

static int read_name(struct vary *v, const struct policy_class *class, const char *text, struct trace_error *error)
{
    size_t length = strcspn(text, "=");
    char spec[256];
    struct replay_spec unused;

    if (!text[length] || length == 0 || length >= sizeof v->name)
        return fail(error, -EINVAL, text, "write NAME=VALUES, as in trigger=16..512:x2");
    memcpy(v->name, text, length);
    v->name[length] = '\0';
    v->index = policy_param_index(class, text, length);
    if (v->index >= 0)
        return 0;
    /* The parser of policies has the line that lists what there is. */
    snprintf(spec, sizeof spec, "%s:%s=1", class->name, v->name);
    int err = replay_parse_spec(spec, &unused, error);
    return err ? err : fail(error, -EINVAL, text, "no such parameter");
}

int vary_parse(struct vary *v, const struct policy_class *class, const char *text, struct trace_error *error)
{
    memset(v, 0, sizeof *v);
    int err = read_name(v, class, text, error);
    const char *piece = err ? NULL : text + strlen(v->name) + 1;

    while (!err) {
        size_t length = strcspn(piece, ",");
        err = read_piece(v, class, piece, length, error);
        if (!piece[length])
            break;
        piece += length + 1;
    }
    if (err)
        vary_free(v);
    return err;
}

void vary_free(struct vary *v)
{
    free(v->value);
    v->value = NULL;
    v->n = v->room = 0;
}

int vary_product(const struct vary *v, size_t n, const struct replay_spec *base, struct replay_spec **specs,
                 uint32_t *count, struct trace_error *error)
{
    unsigned __int128 all = 1;

    for (size_t i = 0; i < n && all < UINT64_MAX; i++)
        all *= v[i].n;
    if (all > VARY_RUNS_MAX) {
        snprintf(error->text, sizeof error->text,
                 "--vary: %llu runs, more than the %d that one sweep may have; vary less",
                 all > UINT64_MAX ? (unsigned long long)UINT64_MAX : (unsigned long long)all, VARY_RUNS_MAX);
        return -E2BIG;
    }
    *specs = calloc((size_t)all, sizeof **specs);
    if (!*specs) {
        snprintf(error->text, sizeof error->text, "out of memory for a sweep of %u runs", (unsigned)all);
        return -ENOMEM;
    }
    *count = (uint32_t)all;
    for (uint32_t run = 0; run < *count; run++) {
        uint32_t rest = run;
        (*specs)[run] = *base;
        for (size_t i = n; i-- > 0; rest /= v[i].n)
            (*specs)[run].param[v[i].index] = v[i].value[rest % v[i].n];
    }
    return 0;
}
