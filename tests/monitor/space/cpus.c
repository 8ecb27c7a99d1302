/* SPDX-License-Identifier: BSD-2-Clause */

#include "tests/monitor/space/cpus.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct machine_x86 machine_x86;
static struct cpu cpus[CPUS_THREADS];
static uint32_t kicked[CPUS_THREADS], to_lose, sent;

struct start {
    struct cpu *cpu;
    void (*body)(struct cpu *, void *);
    void *context;
};

uint64_t cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void cpus_lose(uint32_t kicks)
{
    __atomic_store_n(&to_lose, kicks, __ATOMIC_RELAXED);
}

void cpu_kick(uint32_t cpu)
{
    __atomic_add_fetch(&sent, 1, __ATOMIC_RELAXED);
    uint32_t left = __atomic_load_n(&to_lose, __ATOMIC_RELAXED);
    if (left)
        __atomic_store_n(&to_lose, left - 1, __ATOMIC_RELAXED);
    else
        __atomic_store_n(&kicked[cpu], 1, __ATOMIC_RELEASE);
}

uint32_t cpus_sent(void)
{
    return __atomic_load_n(&sent, __ATOMIC_RELAXED);
}

bool cpus_kicked(const struct cpu *c)
{
    return __atomic_load_n(&kicked[c->id], __ATOMIC_ACQUIRE);
}

bool cpus_enter(struct cpu *c, uint32_t vm)
{
    __atomic_store_n(&c->vm, vm, __ATOMIC_RELAXED);
    __atomic_store_n(&kicked[c->id], 0, __ATOMIC_RELAXED);
    return shootdown_enter(c);
}

void cpus_leave(struct cpu *c)
{
    shootdown_leave(c);
    kick_answered();
}

static void *run(void *argument)
{
    struct start *s = argument;
    syscall(SYS_arch_prctl, ARCH_SET_GS, s->cpu);
    s->body(s->cpu, s->context);
    return NULL;
}

void cpus_run(uint32_t nodes, void (*body)(struct cpu *, void *), void *context)
{
    pthread_t thread[CPUS_THREADS];
    struct start start[CPUS_THREADS];
    memset(cpus, 0, sizeof cpus);
    machine_x86.cpus = CPUS_THREADS;
    for (uint32_t i = 0; i < CPUS_THREADS; i++) {
        cpus[i] = (struct cpu){.self = &cpus[i], .id = i, .node = (node_t)(i % nodes)};
        machine_x86.cpu[i] = &cpus[i];
        start[i] = (struct start){.cpu = &cpus[i], .body = body, .context = context};
    }
    for (uint32_t i = 0; i < CPUS_THREADS; i++)
        pthread_create(&thread[i], NULL, run, &start[i]);
    for (uint32_t i = 0; i < CPUS_THREADS; i++)
        pthread_join(thread[i], NULL);
}
