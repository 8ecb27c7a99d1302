/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/config_build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor-core/launch/guest_acpi.h"
#include "monitor-core/launch/linux_boot.h"
#include "monitor-core/telemetry.h"

_Static_assert((int)CONFIG_TEXT_CMDLINE <= 4096 && (int)CONFIG_VCPUS <= (int)GUEST_ACPI_VCPUS, "what a guest is given");

/* A VM in the making: what is written into its memory becomes its parts. */
struct build {
    struct config *config; /* in the file's head */
    struct config_vm *vm;
    const struct config_build_module *kernel, *initrd; /* of the VM; initrd may be null */
    unsigned char *bytes;                              /* of the file, behind the head */
    size_t size;
};

static bool lies_in(const struct config_build_module *m, const unsigned char *bytes)
{
    return m && bytes >= m->bytes && bytes < m->bytes + m->size;
}

/* Bytes of no module are the file's own. */
static int keep(struct build *b, struct config_part *part, const void *bytes, size_t size)
{
    unsigned char *more = realloc(b->bytes, b->size + size);
    if (!more)
        return ERR_NOMEM;
    memcpy(more + b->size, bytes, size);
    snprintf(part->module, sizeof part->module, "config");
    part->offset = CONFIG_HEAD + b->size;
    b->bytes = more;
    b->size += size;
    return 0;
}

/* As a device's host writes guest memory. */
static int add_part(void *context, uint64_t gpa, const void *bytes, size_t size)
{
    struct build *b = context;
    const unsigned char *at = bytes;
    if (b->vm->nparts == CONFIG_PARTS)
        return ERR_INVAL;
    struct config_part *part = &b->vm->part[b->vm->nparts++];
    const struct config_build_module *m = lies_in(b->kernel, at) ? b->kernel : b->initrd;
    part->gpa = gpa;
    part->size = size;
    part->sum = config_sum(bytes, size);
    if (!lies_in(m, at))
        return keep(b, part, bytes, size);
    snprintf(part->module, sizeof part->module, "%s", m->name);
    part->offset = (uint64_t)(at - m->bytes);
    return 0;
}

static const struct config_build_module *find(const struct config_build_module *module, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(module[i].name, name) == 0)
            return &module[i];
    return NULL;
}

/* Null, or why the VM cannot begin. */
static const char *load(struct build *b, const struct config_text_vm *vm)
{
    const struct device_host host = {.context = b, .write = add_part};
    const struct linux_boot boot = {.kernel = b->kernel->bytes,
                                    .kernel_size = b->kernel->size,
                                    .initrd = b->initrd ? b->initrd->bytes : NULL,
                                    .initrd_size = b->initrd ? b->initrd->size : 0,
                                    .command_line = vm->cmdline,
                                    .memory = (uint64_t)vm->memory_mb << 20,
                                    .rsdp = GUEST_ACPI_BASE,
                                    .rsdp_size = GUEST_ACPI_SIZE};
    unsigned char tables[GUEST_ACPI_SIZE] = {0};
    struct linux_entry entry;
    const char *why = linux_boot_load(&boot, &host, &entry);
    if (why)
        return why;
    guest_acpi_build(tables, vm->vcpus, vm->ndisks);
    if (add_part(b, GUEST_ACPI_BASE, tables, sizeof tables))
        return "out of memory";
    b->vm->rip = entry.rip;
    b->vm->rsi = entry.rsi;
    b->vm->cr3 = entry.cr3;
    b->vm->gdt = entry.gdt;
    return NULL;
}

static int build_vm(struct build *b, const struct config_text_vm *from, const struct config_build_module *module,
                    size_t n, struct trace_error *why)
{
    struct config_vm *vm = b->vm;
    snprintf(vm->name, sizeof vm->name, "%s", from->name);
    vm->vcpus = from->vcpus;
    vm->memory_mb = from->memory_mb;
    vm->ndisks = from->ndisks;
    memcpy(vm->disk, from->disk, sizeof vm->disk);
    b->kernel = find(module, n, from->kernel);
    b->initrd = *from->initrd ? find(module, n, from->initrd) : NULL;
    if (!b->kernel || (*from->initrd && !b->initrd)) {
        const char *name = b->kernel ? from->initrd : from->kernel;
        snprintf(why->text, sizeof why->text, "VM %s: there is no module %s; name its file: %s=FILE", from->name, name,
                 name);
        return -ENOENT;
    }
    const char *bad = load(b, from);
    if (bad)
        snprintf(why->text, sizeof why->text, "VM %s: cannot be loaded: %s", from->name, bad);
    return bad ? -EINVAL : 0;
}

/* Head and bytes in one piece, sealed. */
static unsigned char *join(const struct build *b)
{
    unsigned char *file = malloc(CONFIG_HEAD + b->size);
    if (!file)
        return NULL;
    memcpy(file, b->config, CONFIG_HEAD);
    if (b->size)
        memcpy(file + CONFIG_HEAD, b->bytes, b->size);
    snprintf(((struct config *)file)->digest, sizeof b->config->digest, "%016llx",
             (unsigned long long)config_sum(file, CONFIG_HEAD + b->size));
    uint32_t crc = telemetry_crc(0, file + CONFIG_CRC_FROM, CONFIG_HEAD - CONFIG_CRC_FROM + b->size);
    memcpy(file + offsetof(struct config, crc), &crc, sizeof crc);
    return file;
}

int config_build(const struct config_text *t, const struct config_build_module *module, size_t n, unsigned char **file,
                 size_t *size, struct trace_error *why)
{
    struct build b = {.config = calloc(1, sizeof *b.config)};
    int error = b.config ? 0 : -ENOMEM;
    *file = NULL;
    if (b.config)
        memcpy(b.config, &t->config, sizeof *b.config); /* between members too */
    for (uint32_t i = 0; !error && i < t->config.nvms; i++) {
        b.vm = &b.config->vm[i];
        error = build_vm(&b, &t->vm[i], module, n, why);
    }
    if (!error) {
        b.config->magic = CONFIG_MAGIC;
        *file = join(&b);
        *size = CONFIG_HEAD + b.size;
    }
    if (!error && !*file)
        error = -ENOMEM;
    if (error == -ENOMEM)
        snprintf(why->text, sizeof why->text, "out of memory");
    free(b.bytes);
    free(b.config);
    return error;
}
