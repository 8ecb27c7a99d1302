/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/leftover.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/target.h"

enum rank { NONE, USELESS, READABLE };

struct found {
    enum rank rank; /* of the best */
    unsigned n;
    char name[NAME_MAX + 1];
};

static bool runs(long pid)
{
    return !kill((pid_t)pid, 0) || errno != ESRCH;
}

/* `rest`: a name in the folder, behind that of the output. */
static enum rank rank_of(const char *rest)
{
    char *end = NULL;
    if (rest[0] != '.' || !isdigit((unsigned char)rest[1]))
        return NONE;
    long pid = strtol(rest + 1, &end, 10);
    bool work = !strcmp(end, ".recording") || !strcmp(end, ".tr");
    if ((!work && strcmp(end, ".finishing") != 0) || pid <= 0 || pid > INT_MAX || runs(pid))
        return NONE;
    return work ? READABLE : USELESS;
}

/* The same one each time, in whatever order the folder has them. */
static void take(struct found *f, const char *name, enum rank rank)
{
    f->n += rank != NONE;
    if (rank > f->rank || (rank != NONE && rank == f->rank && strcmp(name, f->name) < 0)) {
        f->rank = rank;
        snprintf(f->name, sizeof f->name, "%s", name);
    }
}

static void look(const char *folder, const char *base, const char *in, struct found *f)
{
    size_t n = strlen(base);
    DIR *d = opendir(folder);
    if (!d)
        return;
    for (const struct dirent *e; (e = readdir(d));)
        if (!strncmp(e->d_name, base, n) && strcmp(e->d_name, in) != 0)
            take(f, e->d_name, rank_of(e->d_name + n));
    closedir(d);
}

static void say(const struct found *f, const char *folder, int n, char *text, size_t size)
{
    char more[32] = "";
    if (f->n > 1)
        snprintf(more, sizeof more, " and %u more", f->n - 1);
    snprintf(text, size, "%.*s%s%s: left by a run that did not end; %sremove %s", n, folder, f->name, more,
             f->rank == READABLE ? "mirrorball import reads what it holds, or " : "", f->n > 1 ? "them" : "it");
}

bool leftover_line(const char *out, const char *in, char *text, size_t size)
{
    struct found f = {.rank = NONE};
    char *real = target_of(out);
    const char *path = real ? real : out, *slash = strrchr(path, '/'), *last = in ? strrchr(in, '/') : NULL;
    int n = slash ? (int)(slash - path) + 1 : 0;
    char *folder = n ? strndup(path, (size_t)n) : strdup(".");
    if (folder && path[n])
        look(folder, path + n, last ? last + 1 : in ? in : "", &f);
    if (f.rank != NONE)
        say(&f, path, n, text, size);
    free(folder);
    free(real);
    return f.rank != NONE;
}
