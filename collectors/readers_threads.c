/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/readers_threads.h"

#include <errno.h>
#include <stdlib.h>

/* 1970 in microseconds since 1601. */
#define UNIX_EPOCH UINT64_C(11644473600000000)
#define US_MAX ((UINT64_C(1) << 62) / 1000)

enum { THREADS_MAX = 1 << 16, CPU_BITS = 12 };

struct readers_thread *readers_threads_of(struct readers_threads *t, uint32_t tid)
{
    if (t->last < t->numbers.n && t->thread[t->last].tid == tid)
        return &t->thread[t->last];
    uint32_t before = t->numbers.n;
    if (before == t->room) { /* room for one that may turn out to be new */
        uint32_t room = t->room ? 2 * t->room : 16;
        struct readers_thread *grown = room <= THREADS_MAX ? realloc(t->thread, room * sizeof *grown) : NULL;
        if (!grown)
            return NULL;
        t->thread = grown;
        t->room = room;
    }
    uint32_t number = numbers_of(&t->numbers, tid);
    if (number == UINT32_MAX)
        return NULL;
    if (number == before)
        t->thread[number] = (struct readers_thread){.tid = tid, .pid = 1, .cpu = UINT32_MAX};
    t->last = number;
    return &t->thread[number];
}

void readers_threads_free(struct readers_threads *t)
{
    numbers_free(&t->numbers);
    free(t->thread);
}

void readers_threads_stamp(struct readers_thread *t, uint64_t us_since_1601)
{
    uint64_t us = us_since_1601 - UNIX_EPOCH;
    if (us_since_1601 >= UNIX_EPOCH && us < US_MAX && us * 1000 > t->time)
        t->time = us * 1000;
}

void readers_threads_cpu(struct readers_thread *t, uint64_t mark)
{
    t->cpu = mark == UINT64_MAX ? UINT32_MAX : (uint32_t)mark & ((1u << CPU_BITS) - 1);
}

int readers_threads_put(struct readers_thread *t, uint64_t step, enum sample_op op, uint64_t address,
                        struct text_samples *to, struct trace_error *error)
{
    t->time += step;
    struct sample s = {.time = t->time,
                       .va = address,
                       .pid = t->pid,
                       .tid = t->tid,
                       .op = (uint8_t)op,
                       .has = SAMPLE_TASK | SAMPLE_TIME | (address ? SAMPLE_VA : 0)};
    if (t->cpu != UINT32_MAX) {
        s.cpu = t->cpu;
        s.has |= SAMPLE_CPU;
    }
    return text_put(to, &s, error);
}
