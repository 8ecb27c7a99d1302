/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert((int)PLAN_PATH >= PATH_MAX, "realpath writes so much");

static void fail(struct trace_error *why, const char *path, const char *what)
{
    snprintf(why->text, sizeof why->text, "%.300s: %s", path, what);
}

int files_open(const char *path, bool write, char *real, uint64_t *bytes, struct trace_error *why)
{
    struct stat status;
    /* O_NONBLOCK: a named pipe without a writer is refused, not waited for. */
    int fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0 || !realpath(path, real))
        fail(why, path, strerror(errno));
    else if (!S_ISREG(status.st_mode) || status.st_size == 0)
        fail(why, path, S_ISREG(status.st_mode) ? "is empty" : "is no regular file");
    else {
        *bytes = (uint64_t)status.st_size;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -EINVAL;
}

int files_of_memory(const char *name, const void *bytes, size_t size, struct trace_error *why)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    ssize_t wrote = 0;
    for (size_t done = 0; fd >= 0 && done < size && wrote >= 0; done += (size_t)wrote)
        wrote = write(fd, (const char *)bytes + done, size - done);
    if (fd >= 0 && wrote >= 0)
        return fd;
    fail(why, name, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -EIO;
}

bool files_find(const char *folder, const char *name, char *path)
{
    static const char *const places[] = {"%s/%s%s%s", "%s/../libexec/mirrorball/%s%s%s",
                                         "%s/../share/mirrorball/%s%s%s"};
    char program[PLAN_PATH];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = 0;
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    *slash = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int length = snprintf(path, PLAN_PATH, places[i], program, folder, *folder ? "/" : "", name);
#pragma GCC diagnostic pop
        if (length < PLAN_PATH && access(path, R_OK) == 0)
            return true;
    }
    return false;
}
