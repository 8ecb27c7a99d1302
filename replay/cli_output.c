/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/target.h"
#include "replay/cli_private.h"

enum { TEMPORARIES_MAX = 32 };

/* Lock-free, because a signal handler reads it: a slot is either null or a whole name. */
static _Atomic(char *) temporaries[TEMPORARIES_MAX];
static atomic_uint serial;

static void remove_all(void)
{
    for (size_t i = 0; i < TEMPORARIES_MAX; i++) {
        char *name = atomic_load(&temporaries[i]);
        if (name)
            unlink(name);
    }
}

/* SA_RESETHAND has put the default action back: the second raise ends the program as the signal meant to. */
static void on_signal(int number)
{
    remove_all();
    raise(number);
}

/* A signal that is ignored (nohup) or already handled (a sanitizer's report) stays so. */
static void watch_signals(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGABRT, SIGSEGV,
                                  SIGBUS, SIGFPE, SIGILL,  SIGUSR1, SIGUSR2, SIGALRM};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction old, mine = {.sa_handler = on_signal, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
        sigemptyset(&mine.sa_mask);
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(numbers[i], &mine, NULL);
    }
}

static bool remember(char *name)
{
    static atomic_flag watching = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&watching)) {
        atexit(remove_all);
        watch_signals();
    }
    for (size_t i = 0; i < TEMPORARIES_MAX; i++) {
        char *empty = NULL;
        if (atomic_compare_exchange_strong(&temporaries[i], &empty, name))
            return true;
    }
    errno = EMFILE;
    return false;
}

static void forget(char *name)
{
    for (size_t i = 0; i < TEMPORARIES_MAX; i++) {
        char *mine = name;
        if (atomic_compare_exchange_strong(&temporaries[i], &mine, NULL))
            break;
    }
    free(name);
}

static bool creatable(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    close(fd);
    return unlink(name) == 0;
}

char *cli_temporary(const char *path)
{
    char *final = target_of(path), *name = NULL;
    bool good = final && asprintf(&name, "%s.%ld-%u.tmp", final, (long)getpid(), atomic_fetch_add(&serial, 1)) >= 0 &&
                creatable(name) && remember(name);
    int error = errno;
    free(final);
    if (good)
        return name;
    free(name);
    errno = error;
    return NULL;
}

int cli_publish(char *temporary, const char *path)
{
    char *final = target_of(path);
    int error = final && rename(temporary, final) == 0 ? 0 : -errno;
    if (error)
        unlink(temporary);
    free(final);
    forget(temporary);
    return error;
}

bool cli_same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

void cli_discard(char *temporary)
{
    unlink(temporary);
    forget(temporary);
}
