/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/guests/work.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void say(const struct work *w, const char *verdict, const char *format, va_list arguments)
{
    char line[256];
    size_t n = (size_t)snprintf(line, sizeof line, "guest: %s %s", w->name, verdict);
    int more = vsnprintf(line + n, sizeof line - n - 1, format, arguments);
    n += more < 0 ? 0 : (size_t)more;
    if (n > sizeof line - 2)
        n = sizeof line - 2;
    line[n++] = '\n';
    if (write(STDOUT_FILENO, line, n) < 0)
        _exit(1);
}

void work_say(const struct work *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(w, "", format, arguments);
    va_end(arguments);
}

int work_fail(const struct work *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(w, "FAILED: ", format, arguments);
    va_end(arguments);
    return 1;
}

uint64_t work_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

unsigned work_threads(uint64_t threads)
{
    if (!threads)
        threads = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    return threads > WORK_THREADS ? WORK_THREADS : (unsigned)threads;
}

struct thread {
    pthread_t id;
    int (*run)(void *, unsigned);
    void *context;
    unsigned number;
    bool failed;
};

static void *thread_main(void *argument)
{
    struct thread *t = argument;
    t->failed = t->run(t->context, t->number) != 0;
    return NULL;
}

int work_parallel(unsigned threads, int (*run)(void *, unsigned), void *context)
{
    struct thread t[WORK_THREADS];
    int failed = 0;
    for (unsigned i = 0; i < threads; i++) {
        t[i] = (struct thread){.run = run, .context = context, .number = i};
        if (pthread_create(&t[i].id, NULL, thread_main, &t[i]))
            t[i].run = NULL;
    }
    for (unsigned i = 0; i < threads; i++)
        failed |= !t[i].run || pthread_join(t[i].id, NULL) || t[i].failed;
    return failed;
}
