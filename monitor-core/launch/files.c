/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct trace_error *why, const char *path, const char *what)
{
    snprintf(why->text, sizeof why->text, "%.300s: %s", path, what);
    return -EINVAL;
}

int files_check(const char *path, bool write, char *real, uint64_t *bytes, struct trace_error *why)
{
    struct stat status;
    char *resolved = realpath(path, NULL);
    if (!resolved || stat(resolved, &status) != 0 || access(resolved, write ? R_OK | W_OK : R_OK) != 0) {
        int error = errno;
        free(resolved);
        fail(why, path, strerror(error));
        return -error;
    }
    bool fits = snprintf(real, PLAN_PATH, "%s", resolved) < PLAN_PATH;
    free(resolved);
    if (!fits)
        return fail(why, path, "the path is too long");
    if (!S_ISREG(status.st_mode))
        return fail(why, path, "is no regular file");
    *bytes = (uint64_t)status.st_size;
    return 0;
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

static int add_link(const struct files *f, const char *target, const char *name, struct trace_error *why)
{
    char path[PLAN_PATH + CONFIG_NAME + 2];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    if (symlink(target, path) == 0)
        return 0;
    int error = errno;
    fail(why, path, strerror(error));
    return -error;
}

static int add_config(const struct files *f, const struct plan *p, struct trace_error *why)
{
    char path[PLAN_PATH + CONFIG_NAME + 2];
    snprintf(path, sizeof path, "%s/config", f->folder);
    FILE *file = fopen(path, "wx");
    if (file)
        plan_write_config(file, p);
    if (file && !ferror(file) && fclose(file) == 0)
        return 0;
    int error = errno;
    fail(why, path, strerror(error));
    return -error;
}

int files_make(struct files *f, const struct plan *p, bool config, struct trace_error *why)
{
    const char *base = getenv("TMPDIR");
    snprintf(f->folder, sizeof f->folder, "%s/mirrorball-XXXXXX", base && base[0] == '/' ? base : "/tmp");
    if (!mkdtemp(f->folder)) {
        int error = errno;
        fail(why, f->folder, strerror(error));
        f->folder[0] = 0;
        return -error;
    }
    int error = add_link(f, p->image, "monitor.elf", why);
    for (uint32_t i = 0; !error && i < p->nmodules; i++)
        error = add_link(f, p->module[i].path, p->module[i].name, why);
    for (uint32_t i = 0; !error && i < p->ndrives; i++)
        error = add_link(f, p->drive[i].path, p->drive[i].name, why);
    if (!error && config)
        error = add_config(f, p, why);
    if (error)
        files_remove(f);
    return error;
}

void files_remove(struct files *f)
{
    char path[PLAN_PATH + NAME_MAX + 2];
    DIR *folder = f->folder[0] ? opendir(f->folder) : NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", f->folder, entry->d_name);
        unlink(path);
    }
    if (folder)
        closedir(folder);
    if (f->folder[0])
        rmdir(f->folder);
    f->folder[0] = 0;
}
