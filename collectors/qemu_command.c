/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/plugin/model.h"
#include "collectors/qemu_private.h"
#include "datasets/trace_private.h"

struct words {
    char **word;
    size_t n;
    bool failed;
};

static void add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One word is kept free for the null at the end. */
static void add(struct words *w, const char *format, ...)
{
    va_list list;
    char *text = NULL;
    va_start(list, format);
    if (w->n + 1 >= QEMU_WORDS || vasprintf(&text, format, list) < 0)
        w->failed = true;
    else
        w->word[w->n++] = text;
    va_end(list);
}

/* QEMU's option syntax: a comma within a value is doubled. Null when there is no memory. */
static char *escaped(const char *text)
{
    char *out = malloc(2 * strlen(text) + 1), *to = out;
    for (; out && *text; text++) {
        *to++ = *text;
        if (*text == ',')
            *to++ = ',';
    }
    if (out)
        *to = 0;
    return out;
}

static void add_plugin(struct words *w, const struct qemu_options *o, const struct qemu_place *p)
{
    char more[2 * QEMU_PATH + 128] = "";
    char *plugin = escaped(p->plugin), *raw = escaped(p->raw), *folder = escaped(p->folder);
    if (o->whole_system && folder)
        snprintf(more, sizeof more, ",single=%s,kernel=%s,ram=%s/ram,nodes=%" PRIu32 ",memory=%" PRIu64,
                 o->host_time ? "off" : "on", o->kernel ? "on" : "off", folder, o->nodes, o->memory);
    add(w, "-plugin");
    if (plugin && raw && folder)
        add(w,
            "%s,out=%s,l1=%" PRIu64 ",l1ways=%" PRIu32 ",l2=%" PRIu64 ",l2ways=%" PRIu32 ",line=%" PRIu32
            ",cpus=%" PRIu32 ",quantum=%" PRIu32 ",records=%" PRIu64 ",mark=%s%s",
            plugin, raw, o->l1_bytes, o->l1_ways, o->l2_bytes, o->l2_ways, o->line, o->cpus, o->quantum, o->records,
            o->trigger ? "on" : "off", more);
    else
        w->failed = true;
    free(plugin);
    free(raw);
    free(folder);
}

/* Each node's memory is a file, so that the plugin finds it in QEMU's memory map; private, so that nothing is written.
 */
static void add_machine(struct words *w, const struct qemu_options *o, const struct qemu_place *p)
{
    uint32_t each = o->cpus / o->nodes;
    char *folder = escaped(p->folder);
    add(w, "-accel");
    add(w, o->host_time ? "tcg,thread=multi" : "tcg,thread=single");
    if (!o->host_time) {
        /* The guest's time is the number of instructions, in ns; what it waits for comes at once. */
        add(w, "-icount");
        add(w, "shift=0,sleep=off");
        add(w, "-rtc");
        add(w, "base=2024-01-01,clock=vm");
        add(w, "-seed");
        add(w, "1");
    }
    add(w, "-smp");
    add(w, "%" PRIu32, o->cpus);
    add(w, "-m");
    add(w, "%" PRIu64 "M", o->memory >> 20);
    for (uint32_t i = 0; folder && i < o->nodes; i++) {
        add(w, "-object");
        add(w, "memory-backend-file,id=ram%" PRIu32 ",size=%" PRIu64 ",mem-path=%s/ram%" PRIu32 ",share=off", i,
            o->memory / o->nodes, folder, i);
        add(w, "-numa");
        add(w, "node,nodeid=%" PRIu32 ",cpus=%" PRIu32 "-%" PRIu32 ",memdev=ram%" PRIu32, i, i * each,
            (i + 1) * each - 1, i);
    }
    add(w, "-display");
    add(w, "none");
    add(w, "-no-reboot");
    w->failed |= !folder;
    free(folder);
}

int qemu_command(const struct qemu_options *o, const struct qemu_place *p, char *words[QEMU_WORDS],
                 struct trace_error *error)
{
    struct words w = {.word = words};
    add(&w, "%s", p->qemu);
    if (o->whole_system) {
        add_machine(&w, o, p);
        add_plugin(&w, o, p);
    } else {
        /* The same random bytes for the program each time. */
        add(&w, "-seed");
        add(&w, "1");
        add_plugin(&w, o, p);
        add(&w, "-0");
        add(&w, "%s", o->command[0]);
        add(&w, "%s", p->program);
    }
    for (size_t i = o->whole_system ? 0 : 1; o->command[i]; i++)
        add(&w, "%s", o->command[i]);
    words[w.n] = NULL;
    if (!w.failed)
        return 0;
    qemu_command_free(words);
    return trace_fail(error, E2BIG, "QEMU's command line would be longer than %d words, or there is no memory",
                      QEMU_WORDS);
}

void qemu_command_free(char *words[QEMU_WORDS])
{
    for (size_t i = 0; words[i]; i++)
        free(words[i]);
}

static int check_machine(const struct qemu_options *o, struct trace_error *error)
{
    uint64_t each = o->nodes ? o->memory / o->nodes : 0;
    if (!o->nodes || o->nodes > NODE_MAX || o->cpus % o->nodes)
        return trace_fail(error, EINVAL,
                          "%" PRIu32 " CPUs on %" PRIu32 " nodes: each node must have as many as the others", o->cpus,
                          o->nodes);
    if (o->memory > (uint64_t)2 << 30 || each < 1u << 20 || (each & (each - 1)) || each * o->nodes != o->memory)
        return trace_fail(error, EINVAL,
                          "%" PRIu64 " bytes of memory on %" PRIu32 " nodes: at most 2 GiB in all, and on each node a "
                          "power of two of at least 1 MiB",
                          o->memory, o->nodes);
    return 0;
}

int qemu_check(const struct qemu_options *o, struct trace_error *error)
{
    if (!o->command || (!o->whole_system && !o->command[0]))
        return trace_fail(error, EINVAL, "no program to run is given");
    if (!o->cpus || o->cpus > DIRECTORY_CPUS_MAX)
        return trace_fail(error, EINVAL, "%" PRIu32 " CPUs: 1 to %d are possible", o->cpus, DIRECTORY_CPUS_MAX);
    if (o->line < 64 || o->line > 256 || (o->line & (o->line - 1)))
        return trace_fail(error, EINVAL, "lines of %" PRIu32 " bytes: it must be 64, 128 or 256", o->line);
    if (!cache_sets(o->l1_bytes, o->l1_ways, o->line))
        return trace_fail(error, EINVAL,
                          "a first level of %" PRIu64 " bytes in %" PRIu32 " ways: the sets must be a power of two",
                          o->l1_bytes, o->l1_ways);
    if (!cache_sets(o->l2_bytes, o->l2_ways, o->line) || o->l2_bytes < 2 * o->l1_bytes)
        return trace_fail(error, EINVAL,
                          "a second level of %" PRIu64 " bytes in %" PRIu32
                          " ways: the sets must be a power of two, and "
                          "it holds both first-level caches",
                          o->l2_bytes, o->l2_ways);
    if (o->kernel && o->trigger)
        return trace_fail(error, EINVAL, "a capture starts at the program's mark or with the kernel: choose one");
    return o->whole_system ? check_machine(o, error) : 0;
}
