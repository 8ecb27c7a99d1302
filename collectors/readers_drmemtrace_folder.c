/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A folder of drmemtrace: FOLDER/trace, or that one itself, with a file per thread beside schedules and lists.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collectors/readers_drmemtrace.h"

static bool ends_in(const char *name, const char *const *endings)
{
    size_t n = strlen(name);
    for (; *endings; endings++)
        if (n > strlen(*endings) && !strcmp(name + n - strlen(*endings), *endings))
            return true;
    return false;
}

static int is_trace(const struct dirent *entry)
{
    static const char *const endings[] = {".trace",     ".trace.gz", ".trace.zip", ".trace.zst",
                                          ".trace.lz4", ".trace.sz", NULL};
    return entry->d_name[0] != '.' && ends_in(entry->d_name, endings);
}

static int is_raw(const struct dirent *entry)
{
    static const char *const endings[] = {".raw", ".raw.lz4", ".raw.gz", ".raw.zlib", ".raw.sz", NULL};
    return ends_in(entry->d_name, endings) || (!strcmp(entry->d_name, "raw") && entry->d_type == DT_DIR);
}

static void free_list(struct dirent **list, int n)
{
    for (int i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

static int no_trace(const char *path, struct trace_error *error)
{
    struct dirent **list = NULL;
    int n = scandir(path, &list, is_raw, NULL);
    if (n >= 0)
        free_list(list, n);
    if (n > 0)
        return trace_fail(error, ENOTSUP,
                          "%s: a raw recording of drmemtrace; 'drrun -t drmemtrace -indir %s' makes the trace of it, "
                          "then import the folder again",
                          path, path);
    return trace_fail(error, EINVAL, "%s: a folder without files of drmemtrace (*.trace, *.trace.gz, *.trace.zip)",
                      path);
}

/* The user named the folder, not this: a pipe or terminal among the files would be waited for. */
static int open_file(const char *path, struct import_input **in, struct trace_error *error)
{
    struct stat status;
    *in = NULL;
    if (!stat(path, &status) && !S_ISREG(status.st_mode))
        return trace_fail(error, EINVAL, "%s: is no regular file; move it out of the folder, or import it by its name",
                          path);
    return import_input_open(path, in, error);
}

static int read_file(struct readers_drmemtrace *r, const char *folder, const char *name, struct trace_error *error)
{
    struct import_input *in;
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return trace_fail(error, ENOMEM, "%s: out of memory", folder);
    int err = open_file(path, &in, error);
    r->path = path;
    if (!err)
        err = readers_drmemtrace_file(r, in, error);
    import_input_close(in);
    r->text.in = NULL;
    r->path = r->text.path;
    free(path);
    return err;
}

/* Files in the order of their names: the same folder makes the same trace. */
static int read_files(struct readers_drmemtrace *r, const char *folder, struct dirent **list, int n,
                      struct trace_error *error)
{
    int err = 0;
    r->single = n == 1;
    for (int i = 0; !err && i < n; i++)
        err = read_file(r, folder, list[i]->d_name, error);
    return err;
}

int readers_drmemtrace_folder(void *context, const char *path, struct import_sink *sink, struct trace_error *error)
{
    struct readers_drmemtrace r;
    struct dirent **list = NULL;
    char *inner = NULL;
    if (asprintf(&inner, "%s/trace", path) < 0)
        return trace_fail(error, ENOMEM, "%s: out of memory", path);
    const char *folder = inner;
    int n = scandir(folder, &list, is_trace, alphasort);
    if (n < 0)
        n = scandir(folder = path, &list, is_trace, alphasort);
    int err = n < 0 ? trace_fail(error, errno, "%s: %s", folder, strerror(errno)) : n ? 0 : no_trace(path, error);
    if (!err) {
        err = readers_drmemtrace_begin(&r, context, path, sink, error);
        if (!err)
            err = read_files(&r, folder, list, n, error);
        err = readers_drmemtrace_end(&r, err, error);
    }
    if (n > 0)
        free_list(list, n);
    else
        free(list);
    free(inner);
    return err;
}
