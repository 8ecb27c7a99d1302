/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/guests/work.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

struct relay {
    const struct work *work;
    uint64_t rounds, worst, sum;
    uint64_t answers; /* atomic */
    int pipe[2];
};

/* Each on a CPU of its own, so that a byte wakes another one. */
static int stay_on(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/* It goes on computing until the other one has answered: only an interrupt wakes that one. */
static int call(struct relay *r)
{
    enum { PAUSE_US = 5000 }; /* the other one's CPU halts meanwhile */
    for (uint64_t i = 1; i <= r->rounds; i++) {
        usleep(PAUSE_US);
        uint64_t start = work_now();
        if (write(r->pipe[1], "", 1) != 1)
            return work_fail(r->work, "the pipe broke");
        while (__atomic_load_n(&r->answers, __ATOMIC_ACQUIRE) < i)
            ;
        uint64_t took = work_now() - start;
        r->sum += took;
        r->worst = took > r->worst ? took : r->worst;
    }
    return 0;
}

static int answer(struct relay *r)
{
    char byte;
    for (uint64_t i = 1; i <= r->rounds; i++) {
        if (read(r->pipe[0], &byte, 1) != 1)
            return work_fail(r->work, "the pipe broke");
        __atomic_store_n(&r->answers, i, __ATOMIC_RELEASE);
    }
    return 0;
}

static int thread(void *context, unsigned number)
{
    struct relay *r = context;
    if (stay_on(number))
        return work_fail(r->work, "no CPU %u", number);
    return number ? answer(r) : call(r);
}

int relay_run(const struct work *w, uint64_t rounds, uint64_t b, uint64_t c)
{
    (void)b, (void)c;
    struct relay r = {.work = w, .rounds = rounds};
    if (pipe(r.pipe))
        return work_fail(w, "no pipe");
    if (work_parallel(2, thread, &r))
        return 1;
    work_say(w, "ok %lu rounds, mean %lu us, worst %lu us", rounds, r.sum / rounds / 1000, r.worst / 1000);
    return 0;
}
