/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor-core/launch/files.h"
#include "monitor-core/launch/plan.h"

enum { VALUE = PLAN_PATH + 64 };

static int fail(struct trace_error *why, int error, const char *vm, const char *what, const char *word)
{
    snprintf(why->text, sizeof why->text, "--vm %.200s: %s%s%.200s", vm, what, word ? ": " : "", word ? word : "");
    return error;
}

/* The next part up to a single comma, into `out`; null when it is too long or a quote stays open. */
static const char *next_part(const char *at, char *out, size_t size)
{
    bool quoted = false;
    size_t n = 0;
    for (; *at; at++) {
        if (*at == '"' && (quoted || n == 0 || out[n - 1] == '=')) {
            quoted = !quoted;
            continue;
        }
        if (*at == ',' && !quoted) {
            if (at[1] != ',')
                break;
            at++;
        }
        if (n + 1 >= size)
            return NULL;
        out[n++] = *at;
    }
    out[n] = 0;
    if (quoted)
        return NULL;
    return *at ? at + 1 : at;
}

static bool good_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    return n > 0 && n < CONFIG_NAME && !name[n];
}

static int set_text(char *out, size_t size, const char *value)
{
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c < ' ')
            return -EINVAL;
    return snprintf(out, size, "%s", value) < (int)size ? 0 : -EINVAL;
}

static int set_kernel(struct plan *p, struct plan_vm *vm, const char *path, const char *text, struct trace_error *why)
{
    unsigned char magic[4] = {0};
    int index = plan_module(p, path, why);
    if (index < 0)
        return index;
    if (pread(p->module[index].fd, magic, 4, 0x202) != 4 || memcmp(magic, "HdrS", 4) != 0)
        return fail(why, -EINVAL, text, "the kernel is no Linux bzImage", path);
    vm->kernel = (uint32_t)index;
    return 0;
}

static int set_initrd(struct plan *p, struct plan_vm *vm, const char *path, struct trace_error *why)
{
    int index = plan_module(p, path, why);
    if (index >= 0)
        vm->initrd = (uint32_t)index;
    return index < 0 ? index : 0;
}

/* The value's end may name the mode; a path that itself ends so is given with a mode. */
static enum plan_mode split_mode(char *value)
{
    static const char *const modes[] = {":shared", ":persistent", ":private"};
    size_t length = strlen(value);
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(modes[i]);
        if (length > n && strcmp(value + length - n, modes[i]) == 0) {
            value[length - n] = 0;
            return (enum plan_mode)i;
        }
    }
    return PLAN_SHARED;
}

static int open_drive(struct plan_drive *drive, const char *path, struct trace_error *why)
{
    unsigned char magic[4] = {0};
    uint64_t bytes;
    int fd = files_open(path, drive->mode == PLAN_PERSISTENT, drive->path, &bytes, why);
    if (fd < 0)
        return fd;
    drive->qcow2 = pread(fd, magic, 4, 0) == 4 && memcmp(magic, "QFI\xfb", 4) == 0;
    close(fd);
    if (!drive->qcow2 && bytes % 512) {
        snprintf(why->text, sizeof why->text, "%.300s: a disk image is a whole number of 512-byte sectors", path);
        return -EINVAL;
    }
    return 0;
}

static int set_disk(struct plan *p, struct plan_vm *vm, char *value, const char *text, struct trace_error *why)
{
    struct plan_drive drive = {.mode = split_mode(value)};
    int error = open_drive(&drive, value, why);
    uint32_t i = 0;
    if (error)
        return error;
    while (i < p->ndrives && strcmp(p->drive[i].path, drive.path) != 0)
        i++;
    if (i < p->ndrives && (p->drive[i].mode != drive.mode || drive.mode == PLAN_PERSISTENT))
        return fail(why, -EINVAL, text, "a persistent disk has one VM, a disk one mode", value);
    if (i == PLAN_DRIVES || vm->ndisks == CONFIG_VM_DISKS)
        return fail(why, -EINVAL, text, "too many disks: 4 of a VM, 8 of the machine", NULL);
    if (i == p->ndrives) {
        snprintf(drive.name, sizeof drive.name, "disk%u", (unsigned)i);
        p->drive[p->ndrives++] = drive;
    }
    vm->disk[vm->ndisks++] = i;
    return 0;
}

static int set_guest(struct plan *p, struct plan_vm *vm, const char *word, const char *text, struct trace_error *why)
{
    char kernel[PLAN_PATH], initrd[PLAN_PATH];
    bool generic = strcmp(word, "debian-generic") == 0;
    if (!generic && strcmp(word, "debian") != 0)
        return fail(why, -EINVAL, text, "neither KEY=VALUE nor a guest that is known (debian, debian-generic)", word);
    if (!files_find("guests", generic ? "vmlinuz" : "vmlinuz-cloud", kernel) ||
        !files_find("guests", "initrd.img", initrd))
        return fail(why, -ENOENT, text, "the guest's kernel and initrd are not there; make them: ninja -C build guests",
                    NULL);
    int error = set_kernel(p, vm, kernel, text, why);
    return error ? error : set_initrd(p, vm, initrd, why);
}

static bool set_number(const char *value, uint32_t most, uint32_t *out)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);
    *out = (uint32_t)n;
    return end != value && !*end && value[0] != '-' && n >= 1 && n <= most;
}

static int set_memory(struct plan_vm *vm, const char *value, const char *text, struct trace_error *why)
{
    uint64_t bytes;
    if (!plan_parse_memory(value, &bytes) || bytes >> 20 < 32 || bytes >> 20 > UINT32_MAX / 1024)
        return fail(why, -EINVAL, text, "mem is a size from 32M, as in 512M or 2G, not", value);
    vm->memory_mb = (uint32_t)(bytes >> 20);
    return 0;
}

static int set_key(struct plan *p, struct plan_vm *vm, const char *key, char *value, const char *text,
                   struct trace_error *why)
{
    if (strcmp(key, "kernel") == 0)
        return set_kernel(p, vm, value, text, why);
    if (strcmp(key, "initrd") == 0)
        return set_initrd(p, vm, value, why);
    if (strcmp(key, "disk") == 0)
        return set_disk(p, vm, value, text, why);
    if (strcmp(key, "mem") == 0 || strcmp(key, "memory") == 0)
        return set_memory(vm, value, text, why);
    if (strcmp(key, "vcpus") == 0)
        return set_number(value, 16, &vm->vcpus) ? 0 : fail(why, -EINVAL, text, "vcpus is 1 to 16, not", value);
    if (strcmp(key, "cmdline") == 0)
        return set_text(vm->cmdline, sizeof vm->cmdline, value)
                   ? fail(why, -EINVAL, text, "the command line is one line of up to 1023 characters", NULL)
                   : 0;
    if (strcmp(key, "name") != 0)
        return fail(why, -EINVAL, text, "unknown key; there are kernel, initrd, disk, vcpus, mem, cmdline, name", key);
    if (!good_name(value))
        return fail(why, -EINVAL, text, "a name has up to 31 letters, digits, - and _", value);
    return set_text(vm->name, sizeof vm->name, value);
}

/* A name of its own: "debian", "vm1", ... */
static void default_name(const struct plan *p, struct plan_vm *vm, const char *stem)
{
    for (unsigned n = p->nvms + 1;; n++) {
        bool taken = false;
        snprintf(vm->name, sizeof vm->name, "%.20s%u", stem, n);
        for (uint32_t i = 0; i < p->nvms; i++)
            taken |= strcmp(p->vm[i].name, vm->name) == 0;
        if (!taken)
            return;
    }
}

static int finish(struct plan *p, const struct plan_vm *vm, const char *text, struct trace_error *why)
{
    if (vm->kernel == PLAN_MODULES)
        return fail(why, -EINVAL, text, "no kernel: kernel=FILE, or debian in the first place", NULL);
    for (uint32_t i = 0; i < p->nvms; i++)
        if (strcmp(p->vm[i].name, vm->name) == 0)
            return fail(why, -EINVAL, text, "another VM has that name", vm->name);
    p->vm[p->nvms++] = *vm;
    return 0;
}

int plan_vm(struct plan *p, const char *text, struct trace_error *why)
{
    struct plan_vm vm = {
        .kernel = PLAN_MODULES, .initrd = PLAN_MODULES, .vcpus = 2, .memory_mb = 512, .cmdline = "console=ttyS0"};
    char part[VALUE];
    const char *at = text, *stem = "vm";
    if (p->nvms == CONFIG_VMS)
        return fail(why, -EINVAL, text, "there are at most 16 VMs", NULL);
    while (*at) {
        bool first = at == text;
        at = next_part(at, part, sizeof part);
        if (!at)
            return fail(why, -EINVAL, text, "a value is too long, or its quotes are not closed", NULL);
        char *equals = strchr(part, '=');
        int error;
        if (first && !equals) {
            error = set_guest(p, &vm, part, text, why);
            stem = "debian";
        } else if (equals) {
            *equals = 0;
            error = set_key(p, &vm, part, equals + 1, text, why);
        } else {
            error = fail(why, -EINVAL, text, "a part is no KEY=VALUE (a comma inside a value is doubled)", part);
        }
        if (error)
            return error;
    }
    if (!vm.name[0])
        default_name(p, &vm, stem);
    return finish(p, &vm, text, why);
}
