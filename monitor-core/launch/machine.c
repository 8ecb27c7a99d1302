/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/machine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR = 10, FAR = 20 }; /* of ACPI's SLIT */

__attribute__((format(printf, 2, 3))) static void add(struct machine_line *l, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (l->n == MACHINE_ARGS || vasprintf(&l->arg[l->n], format, list) < 0) {
        l->failed = true;
        l->arg[l->n] = NULL;
    } else {
        l->arg[++l->n] = NULL;
    }
    va_end(list);
}

/* The emulator's first CPU runs no guests where it is not the only one (monitor-core/x86/percpu.c): the machine has one
 * more, on node 0. */
static uint32_t apart(const struct plan *p)
{
    return p->cpus > 1;
}

/* CPUs fill the nodes in blocks; the first nodes have one more where they do not come out even. */
static uint32_t first_cpu(const struct plan *p, uint32_t node)
{
    uint32_t each = p->cpus / p->nodes, more = p->cpus % p->nodes;
    return node ? node * each + (node < more ? node : more) + apart(p) : 0;
}

static void add_nodes(struct machine_line *l, const struct plan *p)
{
    uint64_t each = p->memory / p->nodes;
    for (uint32_t n = 0; n < p->nodes; n++) {
        add(l, "-object");
        add(l, "memory-backend-ram,id=ram%" PRIu32 ",size=%" PRIu64, n, each);
        add(l, "-numa");
        add(l, "node,nodeid=%" PRIu32 ",cpus=%" PRIu32 "-%" PRIu32 ",memdev=ram%" PRIu32, n, first_cpu(p, n),
            first_cpu(p, n + 1) - 1, n);
    }
    for (uint32_t from = 0; from < p->nodes; from++)
        for (uint32_t to = 0; to < p->nodes; to++) {
            add(l, "-numa");
            add(l, "dist,src=%" PRIu32 ",dst=%" PRIu32 ",val=%d", from, to, from == to ? NEAR : FAR);
        }
}

static void add_serial(struct machine_line *l, const char *name, int fd)
{
    if (fd >= 0) {
        add(l, "-chardev");
        add(l, "socket,id=%s,fd=%d", name, fd);
        add(l, "-serial");
        add(l, "chardev:%s", name);
    } else {
        add(l, "-serial");
        add(l, "%s", strcmp(name, "console") == 0 ? "stdio" : "null");
    }
}

/* A comma in a value is doubled. `out`: twice the room of the text. */
static const char *quote(char *out, const char *text)
{
    char *at = out;
    for (; *text; text++) {
        *at++ = *text;
        if (*text == ',')
            *at++ = ',';
    }
    *at = 0;
    return out;
}

static void add_drives(struct machine_line *l, const struct plan *p)
{
    for (uint32_t i = 0; i < p->ndrives; i++) {
        const struct plan_drive *d = &p->drive[i];
        add(l, "-drive");
        char path[2 * PLAN_PATH];
        add(l, "file=%s,format=%s,if=none,id=%s,readonly=%s", quote(path, d->path), d->qcow2 ? "qcow2" : "raw", d->name,
            d->mode == PLAN_PERSISTENT ? "off" : "on");
        add(l, "-device");
        add(l, "nvme,drive=%s,serial=%s", d->name, d->name);
    }
}

/* A module's string is its file's name and what follows it; the monitor goes by the last word. */
static void add_modules(struct machine_line *l, const struct plan *p, bool inherited)
{
    char *text = NULL, path[2 * PLAN_PATH];
    size_t size;
    FILE *f = open_memstream(&text, &size);
    for (uint32_t i = 0; f && i < p->nmodules; i++) {
        const struct plan_module *m = &p->module[i];
        fputs(i ? "," : "", f);
        if (inherited)
            fprintf(f, "/dev/fd/%d %s", m->fd, m->name);
        else
            fprintf(f, "%s %s", m->path[0] ? quote(path, m->path) : m->name, m->name);
    }
    add(l, "-initrd");
    if (!f || fclose(f) != 0)
        l->failed = true;
    else
        add(l, "%s", text);
    free(text);
}

void machine_line(struct machine_line *l, const struct plan *p, int console, int telemetry)
{
    l->n = 0;
    l->failed = false;
    add(l, "%s", p->qemu);
    add(l, "-machine");
    add(l, "%s", p->machine);
    add(l, "-accel");
    add(l, "tcg,thread=multi");
    add(l, "-cpu");
    add(l, "max,+svm");
    add(l, "-smp");
    add(l, "%" PRIu32, p->cpus + apart(p));
    add(l, "-m");
    add(l, "%" PRIu64 "M", p->memory >> 20);
    add_nodes(l, p);
    add(l, "-nodefaults");
    add(l, "-no-user-config");
    add(l, "-no-reboot");
    add(l, "-display");
    add(l, "none");
    add_serial(l, "console", console);
    add_serial(l, "telemetry", telemetry);
    add_drives(l, p);
    add(l, "-kernel");
    add(l, "%s", p->image);
    add_modules(l, p, console >= 0);
}

void machine_line_free(struct machine_line *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        free(l->arg[i]);
    l->n = 0;
}

static void print_quoted(FILE *f, const char *word)
{
    if (word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=,.:/")] == 0 && *word) {
        fputs(word, f);
        return;
    }
    fputc('\'', f);
    for (const char *c = word; *c; c++)
        fputs(*c == '\'' ? "'\\''" : (char[]){*c, 0}, f);
    fputc('\'', f);
}

void machine_line_print(FILE *f, const struct machine_line *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (i)
            fputs(l->arg[i][0] == '-' && l->arg[i][1] ? " \\\n    " : " ", f);
        print_quoted(f, l->arg[i]);
    }
    fputc('\n', f);
}
