/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads as CPUs, woken through pipes as CPUs are by interrupts; virtual CPUs that pass a token round. Each step runs
 * only on one thread, none gets stuck. Ends after a while: spin locks crawl where threads outnumber the cores. Meant
 * for the thread sanitizer too.
 */
#include "monitor-core/sched.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { CPUS = 3, VCPUS = 7, TOKENS = 4, STEPS = 20000 };

static struct sched sched;
static int pipes[CPUS][2];
static struct {
    long work;  /* plain: only the CPU that holds it touches it */
    int tokens; /* atomic: interrupts pending */
} vcpu[VCPUS];
static long steps; /* atomic */

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void kick(uint16_t cpu)
{
    if (cpu != SCHED_NONE)
        cr_assert_eq(write(pipes[cpu][1], "", 1), 1);
}

static void wait_for_kick(uint16_t cpu, uint64_t until)
{
    struct pollfd p = {pipes[cpu][0], POLLIN, 0};
    uint64_t time = now();
    int ms = until == UINT64_MAX ? 50 : until <= time ? 0 : (int)((until - time) / 1000000 + 1);
    char c[16];
    if (poll(&p, 1, ms > 50 ? 50 : ms) > 0)
        cr_assert_gt(read(pipes[cpu][0], c, sizeof c), 0);
}

static void run(uint16_t cpu, uint16_t n)
{
    sched_enter(&sched, n);
    if (__atomic_load_n(&vcpu[n].tokens, __ATOMIC_SEQ_CST) == 0) {
        sched_halt(&sched, cpu, now(), n == 0 ? now() + 100000 : UINT64_MAX);
        return;
    }
    vcpu[n].work++;
    __atomic_sub_fetch(&vcpu[n].tokens, 1, __ATOMIC_SEQ_CST);
    uint16_t next = (uint16_t)((n + 1 + vcpu[n].work % 3) % VCPUS);
    __atomic_add_fetch(&vcpu[next].tokens, 1, __ATOMIC_SEQ_CST);
    kick(sched_wake(&sched, next, now()));
    __atomic_add_fetch(&steps, 1, __ATOMIC_RELAXED);
}

static void *cpu_main(void *argument)
{
    uint16_t cpu = (uint16_t)(uintptr_t)argument, held = SCHED_NONE;
    uint64_t end = now() + 2000000000u;
    while (__atomic_load_n(&steps, __ATOMIC_RELAXED) < STEPS && now() < end) {
        if (now() >= sched_due(&sched, cpu)) {
            uint16_t also;
            uint16_t next = sched_pick(&sched, cpu, now(), &also);
            kick(also);
            if (next != held && held != SCHED_NONE)
                kick(sched_release(&sched, held, now()));
            held = next;
        }
        if (held == SCHED_NONE)
            wait_for_kick(cpu, sched_due(&sched, cpu));
        else
            run(cpu, held);
    }
    return NULL;
}

Test(monitor_sched_threads, tokens_go_round, .timeout = 60)
{
    static const node_t nodes[CPUS] = {0, 0, 1};
    pthread_t thread[CPUS];
    sched_init(&sched, CPUS, nodes, 1000000);
    for (uint16_t n = 0; n < VCPUS; n++) {
        sched_add(&sched, n);
        sched_prefer(&sched, n, n % 2);
    }
    for (int i = 0; i < CPUS; i++)
        cr_assert_eq(pipe(pipes[i]), 0);
    for (uint16_t n = 0; n < TOKENS; n++) {
        vcpu[n].tokens = 1;
        kick(sched_wake(&sched, n, now()));
    }
    for (uintptr_t i = 0; i < CPUS; i++)
        pthread_create(&thread[i], NULL, cpu_main, (void *)i);
    for (int i = 0; i < CPUS; i++)
        pthread_join(thread[i], NULL);
    long work = 0;
    int tokens = 0;
    for (int n = 0; n < VCPUS; n++) {
        work += vcpu[n].work;
        tokens += vcpu[n].tokens;
    }
    cr_assert_eq(work, steps);
    cr_assert_gt(work, 10 * VCPUS, "only %ld steps in two seconds", work);
    cr_assert_eq(tokens, TOKENS);
}
