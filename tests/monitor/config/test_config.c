/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a text and its modules to what the monitor finds in a VM's memory, which is what the boot protocol's loader
 * would have written itself; and everything that the monitor does not take.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "monitor-core/launch/config_build.h"
#include "monitor-core/launch/guest_acpi.h"
#include "monitor-core/launch/linux_boot.h"
#include "tests/monitor/config/image.h"
#include "tests/monitor/devices/fake.h"

enum { MEMORY = 64 << 20 };

static const char text[] = "policy = migrep:trigger=32\nweight = 128\n"
                           "[vm web]\nkernel = k\ninitrd = i\nvcpus = 3\nmemory_mb = 64\ndisks = root\ncmdline = a b\n"
                           "[vm db]\nkernel = k\nmemory_mb = 64\n"
                           "[disk root]\ndrive = 2\nmode = persistent\n";

static unsigned char image[IMAGE_SIZE], initrd[5000];
static const struct config_build_module modules[] = {{"k", image, sizeof image}, {"i", initrd, sizeof initrd}};
static unsigned char *file;
static size_t size;
static struct config config;
static struct policy_error error;
static struct trace_error why;

static int build(const char *from, size_t n)
{
    static struct config_text parsed;
    struct config_error wrong;
    cr_assert_eq(config_text_parse(&parsed, from, strlen(from), false, &wrong), 0, "%s", wrong.what);
    return config_build(&parsed, modules, n, &file, &size, &why);
}

static void setup(void)
{
    image_make(image);
    for (unsigned i = 0; i < sizeof initrd; i++)
        initrd[i] = (unsigned char)(i * 11 + 5);
    cr_assert_eq(build(text, 2), 0, "%s", why.text);
}

static void teardown(void)
{
    free(file);
}

TestSuite(config, .init = setup, .fini = teardown);

/* An exact copy, so that a sanitizer sees a byte too far. */
static int read_bytes(const void *bytes, size_t n)
{
    unsigned char *exact = malloc(n ? n : 1);
    memcpy(exact, bytes, n);
    int err = config_open(&config, exact, n, &error);
    free(exact);
    return err;
}

Test(config, what_the_text_says)
{
    cr_assert_eq(read_bytes(file, size), 0, "%s %s", error.what, error.word);
    cr_assert_eq(config.policy, policy_find("migrep"));
    cr_assert_eq(config.param[policy_param_index(config.policy, "trigger", 7)], 32);
    cr_assert_eq(config.weight, 128);
    cr_assert_eq(config.nvms, 2);
    cr_assert_eq(config.ndisks, 1);
    cr_assert_str_eq(config.vm[0].name, "web");
    cr_assert_eq(config.vm[0].vcpus, 3);
    cr_assert_eq(config.vm[0].memory_mb, 64);
    cr_assert_eq(config.vm[0].ndisks, 1);
    cr_assert_eq(config.vm[0].disk[0], 0);
    cr_assert_str_eq(config.vm[1].name, "db");
    cr_assert_eq(config.vm[1].ndisks, 0);
    cr_assert_str_eq(config.disk[0].name, "root");
    cr_assert_eq(config.disk[0].drive, 2);
    cr_assert(config.disk[0].persistent && !config.disk[0].private_cache);
    cr_assert_eq(config_disk_users(&config, 0), 1);
    cr_assert_eq(strlen(config.digest), 16);
}

/* As the monitor does it. */
static void load_parts(struct fake *fake, const struct config_vm *vm)
{
    for (uint32_t i = 0; i < vm->nparts; i++) {
        const struct config_part *p = &vm->part[i];
        bool own = strcmp(p->module, "config") == 0, kernel = strcmp(p->module, "k") == 0;
        const unsigned char *from = own ? file : kernel ? image : initrd;
        size_t room = own ? size : kernel ? sizeof image : sizeof initrd;
        cr_assert(own || kernel || strcmp(p->module, "i") == 0, "%s", p->module);
        cr_assert(p->offset <= room && p->size <= room - p->offset, "%s", p->module);
        cr_assert_eq(p->sum, config_sum(from + p->offset, p->size), "%s", p->module);
        cr_assert_eq(fake->host.write(fake->host.context, p->gpa, from + p->offset, p->size), 0);
    }
}

Test(config, memory_is_what_a_loader_would_have_written)
{
    struct fake made, want;
    struct linux_entry entry;
    const struct linux_boot boot = {image, initrd, sizeof image, sizeof initrd, "a b", MEMORY, 0xe0000, 0x4000};
    static unsigned char tables[GUEST_ACPI_SIZE];
    cr_assert_eq(read_bytes(file, size), 0);
    fake_init(&made, MEMORY);
    fake_init(&want, MEMORY);
    load_parts(&made, &config.vm[0]);
    cr_assert_null(linux_boot_load(&boot, &want.host, &entry));
    guest_acpi_build(tables, 3, 1);
    memcpy(want.ram + 0xe0000, tables, sizeof tables);
    cr_assert_eq(memcmp(made.ram, want.ram, MEMORY), 0);
    cr_assert_eq(config.vm[0].rip, entry.rip);
    cr_assert_eq(config.vm[0].rsi, entry.rsi);
    cr_assert_eq(config.vm[0].cr3, entry.cr3);
    cr_assert_eq(config.vm[0].gdt, entry.gdt);
    fake_free(&made);
    fake_free(&want);
}

/* Worked out with another program's integers, from the header's words. */
Test(config, sums)
{
    cr_assert_eq(config_sum("", 0), 0);
    cr_assert_eq(config_sum("abcdefgh", 8), UINT64_C(0x78d79b948a231e6b));
    cr_assert_eq(config_sum("abcdefghi", 9), UINT64_C(0xb59f9daa22c3e03e));
}

/* Its digest tells what the VMs begin with, not the text alone. */
Test(config, another_initrd_has_another_digest)
{
    char before[32];
    cr_assert_eq(read_bytes(file, size), 0);
    memcpy(before, config.digest, sizeof before);
    free(file);
    cr_assert_eq(build(text, 2), 0);
    cr_assert_eq(read_bytes(file, size), 0);
    cr_assert_str_eq(config.digest, before);
    initrd[4000] ^= 1;
    free(file);
    cr_assert_eq(build(text, 2), 0);
    cr_assert_eq(read_bytes(file, size), 0);
    cr_assert_str_neq(config.digest, before);
}

/* Kernel and initrd stay in their modules: a VM takes its page, its command line and its tables only. */
Test(config, the_file_is_small)
{
    cr_assert_lt(size - CONFIG_HEAD, 2 * (GUEST_ACPI_SIZE + 8192));
}

Test(config, what_cannot_be_built_is_said)
{
    free(file);
    cr_assert_eq(build(text, 1), -ENOENT);
    cr_assert(strstr(why.text, "VM web: there is no module i"), "%s", why.text);
    image[0x236] = 0;
    cr_assert_eq(build(text, 2), -EINVAL);
    cr_assert(strstr(why.text, "VM web: cannot be loaded: the kernel has no 64-bit entry point"), "%s", why.text);
    image_make(image);
    cr_assert_eq(build("[vm a]\nkernel=k\ninitrd=i\nmemory_mb=17\n", 2), -EINVAL);
    cr_assert(strstr(why.text, "does not fit"), "%s", why.text);
    cr_assert_null(file);
}

Test(config, sizes)
{
    for (size_t n = 0; n < size; n += n < 64 || n + 64 > size ? 1 : 997) {
        cr_assert_eq(read_bytes(file, n), ERR_INVAL, "%zu bytes", n);
        cr_assert_not_null(strstr(error.what, n < CONFIG_HEAD ? "version" : "damaged"), "%zu bytes: %s", n, error.what);
    }
    cr_assert_eq(read_bytes("policy = migrep\n", 16), ERR_INVAL);
}

Test(config, every_byte_counts)
{
    for (size_t at = 0; at < size; at += at < 400 ? 1 : 1009) {
        file[at] ^= 0x10;
        cr_assert_eq(read_bytes(file, size), ERR_INVAL, "byte %zu", at);
        file[at] ^= 0x10;
    }
    cr_assert_eq(read_bytes(file, size), 0);
}

/* CRC-32 as IEEE 802.3 defines it, bit by bit. */
static uint32_t crc32(const unsigned char *bytes, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < 8 * n; i++) {
        uint32_t bit = (crc ^ (uint32_t)(bytes[i / 8] >> i % 8)) & 1;
        crc = crc >> 1 ^ (bit ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* Changed and sealed again. */
static int read_with(size_t at, const void *bytes, size_t n)
{
    unsigned char kept[CONFIG_NAME];
    memcpy(kept, file + at, n);
    memcpy(file + at, bytes, n);
    uint32_t crc = crc32(file + 12, size - 12), old;
    memcpy(&old, file + 8, sizeof old);
    memcpy(file + 8, &crc, sizeof crc);
    int err = read_bytes(file, size);
    memcpy(file + at, kept, n);
    memcpy(file + 8, &old, sizeof old);
    return err;
}

Test(config, numbers_out_of_range)
{
    static const struct {
        size_t at;
        uint32_t good, bad;
    } lies[] = {
        {offsetof(struct config, harvest_ms), 1000, 1001},
        {offsetof(struct config, weight), 32768, 65536},
        {offsetof(struct config, weight), 1, 0},
        {offsetof(struct config, weight), 2, 3},
        {offsetof(struct config, around), 64, 128},
        {offsetof(struct config, around), 1, 0},
        {offsetof(struct config, slice_ms), 1, 0},
        {offsetof(struct config, slice_ms), 1000, 1001},
        {offsetof(struct config, cpus), 64, 65},
        {offsetof(struct config, nvms), 1, 17},
        {offsetof(struct config, ndisks), 16, 17},
        {offsetof(struct config, ndisks), 1, 0}, /* a VM's disk is none */
        {offsetof(struct config, vm[1].vcpus), 16, 17},
        {offsetof(struct config, vm[1].vcpus), 1, 0},
        {offsetof(struct config, vm[1].memory_mb), 65536, 65537},
        {offsetof(struct config, vm[1].memory_mb), 2, 1},
        {offsetof(struct config, vm[1].ndisks), 4, 5},
        {offsetof(struct config, vm[0].disk), 0, 1},
        {offsetof(struct config, vm[1].nparts), 12, 13},
        {offsetof(struct config, vm[2].vcpus), 99, 99},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        cr_assert_eq(read_with(lies[i].at, &lies[i].good, 4), 0, "lie %zu", i);
        if (lies[i].bad != lies[i].good)
            cr_assert_eq(read_with(lies[i].at, &lies[i].bad, 4), ERR_INVAL, "lie %zu", i);
    }
}

Test(config, names_end)
{
    static const size_t names[] = {offsetof(struct config, vm[1].name), offsetof(struct config, vm[0].part[0].module),
                                   offsetof(struct config, disk[0].name), offsetof(struct config, disk[0].module)};
    char name[CONFIG_NAME];
    memset(name, 'x', sizeof name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_assert_eq(read_with(names[i], name, CONFIG_NAME), ERR_INVAL, "name %zu", i);
        cr_assert_eq(read_with(names[i], name, CONFIG_NAME - 1), 0, "name %zu", i);
    }
    cr_assert_eq(read_with(offsetof(struct config, spec) + CONFIG_SPEC - 1, name, 1), ERR_INVAL);
}

Test(config, more_virtual_cpus_than_the_monitor_schedules)
{
    free(file);
    cr_assert_eq(build("[vm a]\nkernel=k\nvcpus=16\n[vm b]\nkernel=k\nvcpus=16\n[vm c]\nkernel=k\nvcpus=16\n"
                       "[vm d]\nkernel=k\nvcpus=15\n[vm e]\nkernel=k\nvcpus=1\n",
                       1),
                 0);
    uint32_t two = 2;
    cr_assert_eq(read_bytes(file, size), 0);
    cr_assert_eq(read_with(offsetof(struct config, vm[4].vcpus), &two, 4), ERR_INVAL);
}

Test(config, policies)
{
    cr_assert_eq(read_with(offsetof(struct config, spec), "migrap", 7), ERR_INVAL);
    cr_assert_str_eq(error.what, "unknown policy");
    cr_assert_str_eq(error.word, "migrap");
    cr_assert_eq(read_with(offsetof(struct config, spec), "migrep:trigger=0", 17), ERR_INVAL);
    cr_assert(strstr(error.what, "out of its range"));
    cr_assert_eq(read_with(offsetof(struct config, spec), "tpp", 4), 0);
    cr_assert_str_eq(config.policy->name, "tpp");
}
