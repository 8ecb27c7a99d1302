/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/target.h"

static int write_whole(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static int write_file(const char *path, int flags, const void *bytes, size_t size)
{
    int fd = open(path, flags | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    int error = write_whole(fd, bytes, size);
    if (!error && fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
        error = -errno;
    if (close(fd) != 0 && !error)
        error = -errno;
    return error;
}

static int replace(const char *final, const void *bytes, size_t size)
{
    char *temporary = NULL;
    int error = asprintf(&temporary, "%s.%ld.tmp", final, (long)getpid()) < 0 ? -ENOMEM : 0;
    if (error)
        temporary = NULL;
    else
        error = write_file(temporary, O_CREAT | O_EXCL, bytes, size);
    if (!error && rename(temporary, final) != 0)
        error = -errno;
    if (temporary && error && error != -EEXIST)
        unlink(temporary);
    free(temporary);
    return error;
}

static const char *advice(int error)
{
    switch (-error) {
    case ENOENT:
        return "; make its folder first";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return "; make room or choose another place";
    case EACCES:
    case EROFS:
    case EPERM:
        return "; choose a place where you may write";
    default:
        return "";
    }
}

int publish(const char *path, const void *bytes, size_t size, struct trace_error *why)
{
    sigset_t ends, before;
    char *target = target_of(path);
    bool special = !target;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    /* A pipe may block for ever: only the short write of a file may hold signals back. */
    if (!special)
        pthread_sigmask(SIG_BLOCK, &ends, &before);
    int error = special ? write_file(path, 0, bytes, size) : replace(target, bytes, size);
    free(target);
    if (!special)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        snprintf(why->text, sizeof why->text, "%.300s: cannot write: %s%s", path, strerror(-error), advice(error));
    return error;
}
