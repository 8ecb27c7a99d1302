/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GUARD_SECONDS = 60, GUARD_DONE = 42 };

static void limit(int resource, rlim_t value)
{
    setrlimit(resource, &(struct rlimit){value, value});
}

/* A sanitizer's shadow needs terabytes of addresses. */
static void limit_memory(void)
{
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUARD_SANITIZED
#endif
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(GUARD_SANITIZED)
    limit(RLIMIT_AS, (rlim_t)4 << 30);
#endif
}

static void child(void (*work)(void *), void *context)
{
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
    }
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, GUARD_SECONDS);
    limit_memory();
    alarm(2 * GUARD_SECONDS);
    work(context);
    _exit(GUARD_DONE);
}

bool guard(void (*work)(void *), void *context)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return true;
    if (pid == 0)
        child(work, context);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return true;
    return WIFEXITED(status) && WEXITSTATUS(status) == GUARD_DONE;
}
