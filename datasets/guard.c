/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BASE_SECONDS = 3, BYTES_PER_SECOND = 16 << 20, PATIENCE = 10, DONE = 42 };
static const rlim_t memory_max = (rlim_t)4 << 30;

static void limit(int resource, rlim_t value)
{
    struct rlimit now;
    if (!getrlimit(resource, &now) && (now.rlim_max == RLIM_INFINITY || value < now.rlim_max))
        setrlimit(resource, &(struct rlimit){value, value});
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUARD_SANITIZED
#endif
#endif

/* A child begins with all that its parent has mapped. A sanitizer's shadow needs terabytes of addresses. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(GUARD_SANITIZED)
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%lu", &pages) == 1)
        limit(RLIMIT_AS, (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + memory_max);
    if (file)
        fclose(file);
#else
    (void)memory_max;
#endif
}

static void be_silent(void)
{
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
    }
}

/* SIGALRM: a child that sleeps for ever uses no CPU time. */
static void child(void (*work)(void *), void *context, rlim_t seconds)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    be_silent();
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, seconds);
    limit_memory();
    signal(SIGALRM, SIG_DFL);
    alarm((unsigned)(PATIENCE * seconds));
    work(context);
    _exit(DONE);
}

bool guard(void (*work)(void *), void *context, uint64_t bytes)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return true;
    if (pid == 0)
        child(work, context, BASE_SECONDS + bytes / BYTES_PER_SECOND);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return true;
    return WIFEXITED(status) && WEXITSTATUS(status) == DONE;
}
