/* SPDX-License-Identifier: BSD-2-Clause
 *
 * AUX bytes in a perf.data file -> samples. Pieces of an area may end within a record: its beginning is kept until the
 * piece comes that goes on where this one ended.
 */
#include <errno.h>
#include <stdlib.h>

#include "collectors/perfdata_private.h"

/* Where the rest of an area is kept; null: none is. */
static struct perfdata_rest *rest_of(struct perfdata_aux *a, bool create)
{
    if (a->area >= CPU_MAX || !a->rest)
        return NULL;
    if (!a->rest[a->area] && create)
        a->rest[a->area] = calloc(1, sizeof **a->rest);
    return a->rest[a->area];
}

/* What the piece before left, if this one follows it. */
static void take_up(struct perfdata *p)
{
    struct perfdata_aux *a = &p->aux;
    struct perfdata_rest *rest = rest_of(a, false);
    a->at = a->n = 0;
    if (!rest)
        return;
    if (rest->position == a->position) {
        memcpy(a->stage, rest->bytes, rest->n);
        a->n = rest->n;
    } else {
        p->facts.bad += rest->n > 0; /* bytes between them were lost, and with them the record's end */
    }
    rest->n = 0;
}

int perfdata_aux_begin(struct perfdata *p, uint64_t size, uint64_t position, uint32_t area, struct trace_error *error)
{
    struct perfdata_aux *a = &p->aux;
    a->left = size;
    a->position = position;
    a->area = area;
    if (p->spe && !a->stage) {
        a->stage = malloc(AUX_STAGE);
        a->rest = calloc(CPU_MAX, sizeof *a->rest);
        if (!a->stage || !a->rest)
            return trace_fail(error, ENOMEM, "%s: out of memory for its AUX areas", p->path);
    }
    if (p->spe)
        take_up(p);
    return 0;
}

bool perfdata_aux_open(const struct perfdata *p)
{
    return p->aux.left || p->aux.at < p->aux.n;
}

/* Nothing more of this piece: what is staged is the beginning of a record, or of none. */
static void put_by(struct perfdata *p)
{
    struct perfdata_aux *a = &p->aux;
    size_t n = a->n - a->at;
    struct perfdata_rest *rest = n && n <= AUX_RECORD_MAX ? rest_of(a, true) : NULL;
    p->facts.bad += n && !rest;
    if (rest) {
        memcpy(rest->bytes, a->stage + a->at, n);
        rest->n = n;
        rest->position = a->position;
    }
    a->at = a->n = 0;
}

/* 1 more is staged, 0 the piece is at its end, or -errno. */
static int stage_more(struct perfdata *p, struct trace_error *error)
{
    struct perfdata_aux *a = &p->aux;
    const unsigned char *bytes;
    size_t kept = a->n - a->at, got;
    if (kept > AUX_RECORD_MAX) { /* no record is that long */
        p->facts.bad++;
        kept = 0;
    }
    size_t want = a->left < AUX_STAGE - kept ? (size_t)a->left : AUX_STAGE - kept;
    int err = perfdata_peek(p, want, &bytes, &got, error);
    if (err)
        return err;
    if (!got) {
        p->facts.truncated |= a->left != 0;
        a->left = 0;
        return 0;
    }
    memmove(a->stage, a->stage + a->n - kept, kept);
    memcpy(a->stage + kept, bytes, got);
    a->at = 0;
    a->n = kept + got;
    a->left -= got;
    a->position += got;
    perfdata_take(p, got);
    return 1;
}

/* The bytes of an area that nobody here reads. */
static int pass_over(struct perfdata *p, struct trace_error *error)
{
    const unsigned char *bytes;
    size_t got = 1;
    while (p->aux.left && got) {
        int err = perfdata_peek(p, p->aux.left < AUX_STAGE ? (size_t)p->aux.left : AUX_STAGE, &bytes, &got, error);
        if (err)
            return err;
        perfdata_take(p, got);
        p->aux.left -= got;
    }
    p->facts.truncated |= p->aux.left != 0;
    p->aux.left = 0;
    return 0;
}

int perfdata_aux_next(struct perfdata *p, struct sample *out, struct trace_error *error)
{
    struct perfdata_aux *a = &p->aux;
    int more = 1;
    if (!a->stage || !p->spe)
        return pass_over(p, error);
    while (more > 0) {
        size_t used = 0;
        if (spe_next(&a->setup, a->stage + a->at, a->n - a->at, &used, &p->facts.bad, out)) {
            a->at += used;
            return 1;
        }
        a->at += used;
        more = stage_more(p, error);
    }
    if (!more)
        put_by(p);
    return more;
}

void perfdata_aux_free(struct perfdata *p)
{
    for (uint32_t i = 0; p->aux.rest && i < CPU_MAX; i++)
        free(p->aux.rest[i]);
    free(p->aux.rest);
    free(p->aux.stage);
}
