/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What runs under the plugin in its tests: accesses whose misses can be counted by hand, between a start and an end
 * mark. The buffer's address goes to standard output. usage: plugin_guest WHAT [LINES OR TURNS]
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collectors/plugin/mark.h"

enum { LINE = 64, MOST = 1 << 16 };

static _Alignas(1 << 22) volatile unsigned char buffer[MOST * LINE];

static void walk(size_t lines, int write)
{
    for (size_t i = 0; i < lines; i++)
        if (write)
            buffer[i * LINE] = 1;
        else
            (void)buffer[i * LINE];
}

static size_t each; /* lines, or turns, of a thread */

/* The turn and what its owner writes are in one line. */
static void *player(void *number)
{
    unsigned me = (unsigned)(uintptr_t)number;
    _Atomic unsigned *shared = (_Atomic unsigned *)(uintptr_t)buffer;
    for (size_t i = 0; i < each; i++) {
        while (atomic_load(shared) != me)
            ;
        atomic_fetch_add(shared + 1, 1);
        atomic_store(shared, !me);
    }
    return NULL;
}

static void play(size_t turns)
{
    pthread_t thread[2];
    each = turns;
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, player, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
}

/* On each of two CPUs a thread reads and then writes lines of its own half of the buffer, whose pages it has touched
 * before the start mark. */
static pthread_barrier_t barrier;

static void *stay(void *number)
{
    unsigned me = (unsigned)(uintptr_t)number;
    volatile unsigned char *own = buffer + me * (sizeof buffer / 2);
    cpu_set_t cpu;
    CPU_ZERO(&cpu);
    CPU_SET(me, &cpu);
    sched_setaffinity(0, sizeof cpu, &cpu);
    for (size_t i = 0; i < 2 * each; i++)
        own[i % each * LINE] = 1;
    pthread_barrier_wait(&barrier);
    if (!me)
        MARK_START();
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < each; i++)
        (void)own[i * LINE];
    for (size_t i = 0; i < each; i++)
        own[i * LINE] = 2;
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void stay_on_cpus(size_t lines)
{
    pthread_t thread[2];
    each = lines;
    pthread_barrier_init(&barrier, NULL, 2);
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, stay, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
}

/* The child's accesses are not the program's. */
static void spawn(size_t lines)
{
    pid_t child = fork();
    if (child == 0) {
        walk(lines, 1);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "read";
    size_t lines = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000;
    printf("%p\n", (void *)(uintptr_t)buffer);
    fflush(stdout);
    if (lines > MOST / 2)
        return 2;
    if (!strcmp(what, "cpus")) {
        stay_on_cpus(lines);
        MARK_END();
        pause();
    }
    MARK_START();
    if (!strcmp(what, "play"))
        play(lines);
    else if (!strcmp(what, "fork"))
        spawn(lines);
    else if (!strcmp(what, "forever"))
        for (;;)
            walk(lines, 0);
    else
        for (const char *c = what; *c; c++)
            walk(lines, *c == 'w');
    MARK_END();
    walk(MOST, 1);
    return 7;
}
