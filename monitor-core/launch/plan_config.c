/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "monitor-core/launch/config_build.h"
#include "monitor-core/launch/plan.h"

void plan_write_config(FILE *f, const struct plan *p)
{
    static const char *const modes[] = {"shared", "persistent", "private"};
    fprintf(f, "policy = %s\n", p->policy);
    if (p->record)
        fputs("record = 1\n", f);
    for (uint32_t i = 0; i < p->nsettings; i++) {
        const char *equals = strchr(p->setting[i], '=');
        fprintf(f, "%.*s = %s\n", (int)(equals - p->setting[i]), p->setting[i], equals + 1);
    }
    for (uint32_t i = 0; i < p->ndrives; i++)
        fprintf(f, "[disk %s]\ndrive = %" PRIu32 "\nmode = %s\n", p->drive[i].name, i, modes[p->drive[i].mode]);
    for (uint32_t i = 0; i < p->nvms; i++) {
        const struct plan_vm *vm = &p->vm[i];
        fprintf(f, "[vm %s]\nkernel = %s\n", vm->name, p->module[vm->kernel].name);
        if (vm->initrd < PLAN_MODULES)
            fprintf(f, "initrd = %s\n", p->module[vm->initrd].name);
        fprintf(f, "vcpus = %" PRIu32 "\nmemory_mb = %" PRIu32 "\n", vm->vcpus, vm->memory_mb);
        for (uint32_t d = 0; d < vm->ndisks; d++)
            fprintf(f, "%s%s%s", d ? "," : "disks = ", p->drive[vm->disk[d]].name, d + 1 == vm->ndisks ? "\n" : "");
        fprintf(f, "cmdline = %s\n", vm->cmdline);
    }
}

static int parse(struct config_text *t, const char *text, size_t size, bool any_policy, struct trace_error *why)
{
    struct config_error found;
    char line[32] = "";
    int error = config_text_parse(t, text, size, any_policy, &found);
    if (!error)
        return 0;
    if (found.line)
        snprintf(line, sizeof line, "line %" PRIu32 ": ", found.line);
    snprintf(why->text, sizeof why->text, "%s%s%s%.31s%s", line, found.what, found.word[0] ? ": " : "", found.word,
             strstr(found.what, "policy") ? "; mirrorball policies lists them" : "");
    return error;
}

/* How many of the plan's modules could be mapped; they are in front. */
static uint32_t map_modules(const struct plan *p, struct config_build_module *module)
{
    for (uint32_t i = 0; i < p->nmodules; i++) {
        const struct plan_module *m = &p->module[i];
        void *bytes = mmap(NULL, m->bytes, PROT_READ, MAP_PRIVATE, m->fd, 0);
        if (bytes == MAP_FAILED)
            return i;
        module[i] = (struct config_build_module){m->name, bytes, m->bytes};
    }
    return p->nmodules;
}

static int build(const struct plan *p, const struct config_text *t, unsigned char **file, size_t *bytes,
                 struct trace_error *why)
{
    struct config_build_module module[PLAN_MODULES];
    uint32_t mapped = map_modules(p, module);
    int error = 0;
    if (mapped < p->nmodules) {
        error = -errno;
        snprintf(why->text, sizeof why->text, "%.300s: %s", p->module[mapped].path, strerror(errno));
    } else {
        error = config_build(t, module, mapped, file, bytes, why);
    }
    for (uint32_t i = 0; i < mapped; i++)
        munmap((void *)(uintptr_t)module[i].bytes, module[i].size);
    return error;
}

int plan_build_config(const struct plan *p, const char *text, size_t size, bool any_policy, unsigned char **file,
                      size_t *bytes, struct trace_error *why)
{
    struct config_text *t = malloc(sizeof *t);
    snprintf(why->text, sizeof why->text, "out of memory");
    int error = t ? parse(t, text, size, any_policy, why) : -ENOMEM;
    if (!error)
        error = build(p, t, file, bytes, why);
    free(t);
    return error;
}

/* The text is of this program's making: what is wrong in one of its lines came from an option. */
static void name_option(const struct plan *p, struct trace_error *why)
{
    struct trace_error told = *why;
    uint32_t line, settings = p->record ? 3 : 2;
    int skip = 0;
    if (sscanf(told.text, "line %" SCNu32 ": %n", &line, &skip) != 1 || !skip)
        return;
    if (line == 1)
        snprintf(why->text, sizeof why->text, "--policy %.100s: %.300s", p->policy, told.text + skip);
    else if (line >= settings && line - settings < p->nsettings)
        snprintf(why->text, sizeof why->text, "--set %.100s: %.300s", p->setting[line - settings], told.text + skip);
}

int plan_add_config(struct plan *p, struct trace_error *why)
{
    char *text = NULL;
    unsigned char *file = NULL;
    size_t size = 0, bytes = 0;
    FILE *f = open_memstream(&text, &size);
    int error = f ? 0 : -ENOMEM;
    snprintf(why->text, sizeof why->text, "out of memory");
    if (f) {
        plan_write_config(f, p);
        error = fclose(f) ? -ENOMEM : 0;
    }
    if (!error)
        error = plan_build_config(p, text, size, false, &file, &bytes, why);
    if (error)
        name_option(p, why);
    if (!error)
        error = plan_module_of_memory(p, "config", file, bytes, why);
    free(file);
    free(text);
    return error < 0 ? error : 0;
}
