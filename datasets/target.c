/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/target.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nothing is at the end of path, which may be a link. No circle: stat would have met it. */
static char *not_there(const char *path)
{
    char link[PATH_MAX], *next = NULL;
    ssize_t n = readlink(path, link, sizeof link - 1);
    if (n < 0)
        return strdup(path);
    link[n] = 0;
    const char *slash = strrchr(path, '/');
    int folder = slash && link[0] != '/' ? (int)(slash - path) + 1 : 0;
    if (asprintf(&next, "%.*s%s", folder, path, link) < 0)
        return NULL;
    char *target = not_there(next);
    free(next);
    return target;
}

char *target_of(const char *path)
{
    struct stat st;
    if (stat(path, &st)) {
        if (!*path || errno == ELOOP)
            return NULL;
        return not_there(path);
    }
    char *real = S_ISREG(st.st_mode) ? realpath(path, NULL) : NULL;
    if (!real)
        errno = S_ISDIR(st.st_mode) ? EISDIR : ENOTSUP;
    return real;
}
