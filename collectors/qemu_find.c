/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/qemu_private.h"
#include "datasets/trace_private.h"

#define PLUGIN "mirrorball-qemu.so"

static bool is_file(const char *path, int mode)
{
    struct stat s;
    return !stat(path, &s) && S_ISREG(s.st_mode) && !access(path, mode);
}

/* The first file of that name in the folders of PATH. */
static bool along_path(const char *name, char *out, size_t size)
{
    const char *folder = getenv("PATH");
    if (!folder || !*folder)
        folder = "/usr/local/bin:/usr/bin:/bin";
    while (*folder) {
        size_t length = strcspn(folder, ":");
        int n = length ? snprintf(out, size, "%.*s/%s", (int)length, folder, name) : snprintf(out, size, "./%s", name);
        if (n > 0 && (size_t)n < size && is_file(out, X_OK))
            return true;
        folder += length + (folder[length] == ':');
    }
    return false;
}

/* The plugin lies beside the program, or where `install` puts it as seen from the program, or at all. */
static bool find_plugin(char *out, size_t size)
{
    static const char *const places[] = {"", "../lib/mirrorball/", "../" MIRRORBALL_LIBDIR "/mirrorball/"};
    char self[QEMU_PATH];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        int length = snprintf(out, size, "%.*s/%s" PLUGIN, (int)(slash - self), self, places[i]);
        if (length > 0 && (size_t)length < size && is_file(out, R_OK))
            return true;
    }
    return false;
}

int qemu_find(const struct qemu_options *o, struct qemu_place *p, struct trace_error *error)
{
    const char *name = o->whole_system ? "qemu-system-x86_64" : "qemu-x86_64";
    const char *package = o->whole_system ? "qemu-system-x86" : "qemu-user";
    if (o->qemu)
        snprintf(p->qemu, sizeof p->qemu, "%s", o->qemu);
    else if (!along_path(name, p->qemu, sizeof p->qemu))
        return trace_fail(error, ENOENT, "%s is not installed; apt-get install %s", name, package);
    if (o->plugin)
        snprintf(p->plugin, sizeof p->plugin, "%s", o->plugin);
    else if (!find_plugin(p->plugin, sizeof p->plugin))
        return trace_fail(error, ENOENT,
                          "%s is neither beside the program nor in ../lib/mirrorball; build the target qemu_plugin",
                          PLUGIN);
    return 0;
}

/* First bytes: a script, a 64-bit x86 program, or neither. */
static int check_program(const char *path, struct trace_error *error)
{
    unsigned char head[20] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return trace_fail(error, errno, "%s: %s", path, strerror(errno));
    ssize_t n = read(fd, head, sizeof head);
    close(fd);
    if (n >= 2 && head[0] == '#' && head[1] == '!')
        return trace_fail(error, ENOEXEC,
                          "%s: is a script, and QEMU runs programs only: record its interpreter ('sh %s')", path, path);
    if (n < (ssize_t)sizeof head ||
        memcmp(head,
               "\x7f"
               "ELF\2",
               5) ||
        head[18] != 62)
        return trace_fail(error, ENOEXEC, "%s: is not a program for x86-64", path);
    return 0;
}

int qemu_find_program(const char *name, struct qemu_place *p, struct trace_error *error)
{
    int n = 0;
    bool found;
    if (strchr(name, '/')) {
        n = snprintf(p->program, sizeof p->program, "%s", name);
        found = n > 0 && (size_t)n < sizeof p->program && is_file(p->program, X_OK);
    } else {
        found = along_path(name, p->program, sizeof p->program);
    }
    if (!found)
        return trace_fail(error, ENOENT, "%s: no such program%s", name, strchr(name, '/') ? "" : " along PATH");
    return check_program(p->program, error);
}

int qemu_probe(bool whole_system, struct trace_error *error)
{
    struct qemu_options o;
    struct qemu_place p;
    qemu_defaults(&o);
    o.whole_system = whole_system;
    return qemu_find(&o, &p, error);
}
