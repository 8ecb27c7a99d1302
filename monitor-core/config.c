/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/config.h"

#include "monitor-core/sched.h"
#include "monitor-core/telemetry.h"

static bool within(uint32_t value, uint32_t least, uint32_t most)
{
    return value >= least && value <= most;
}

static bool power_of_two(uint32_t value, uint32_t most)
{
    return within(value, 1, most) && !(value & (value - 1));
}

static bool good_machine(const struct config *c)
{
    return c->harvest_ms <= 1000 && power_of_two(c->weight, 32768) && power_of_two(c->around, 64) &&
           within(c->slice_ms, 1, 1000) && c->cpus <= SCHED_CPUS && c->nvms <= CONFIG_VMS &&
           c->ndisks <= CONFIG_DISKS && !c->spec[CONFIG_SPEC - 1];
}

static bool good_vm(const struct config *c, const struct config_vm *vm)
{
    bool good = !vm->name[CONFIG_NAME - 1] && within(vm->vcpus, 1, CONFIG_VCPUS) && within(vm->memory_mb, 2, 65536) &&
                vm->ndisks <= CONFIG_VM_DISKS && vm->nparts <= CONFIG_PARTS;
    for (uint32_t i = 0; good && i < vm->ndisks; i++)
        good = vm->disk[i] < c->ndisks;
    for (uint32_t i = 0; good && i < vm->nparts; i++)
        good = !vm->part[i].module[CONFIG_NAME - 1];
    return good;
}

static bool good(const struct config *c)
{
    uint32_t vcpus = 0;
    if (!good_machine(c))
        return false;
    for (uint32_t i = 0; i < c->nvms; vcpus += c->vm[i++].vcpus)
        if (!good_vm(c, &c->vm[i]))
            return false;
    for (uint32_t i = 0; i < c->ndisks; i++)
        if (c->disk[i].name[CONFIG_NAME - 1] || c->disk[i].module[CONFIG_NAME - 1])
            return false;
    return vcpus <= SCHED_VCPUS;
}

int config_open(struct config *c, const void *file, size_t size, struct policy_error *error)
{
    __builtin_memset(c, 0, sizeof *c);
    __builtin_memcpy(c, file, size < CONFIG_HEAD ? size : CONFIG_HEAD);
    *error = (struct policy_error){.what = "not of this version; make it again: mirrorball monitor config"};
    if (size < CONFIG_HEAD || c->magic != CONFIG_MAGIC)
        return ERR_INVAL;
    error->what = "damaged; make it again: mirrorball monitor config";
    const uint8_t *bytes = file;
    if (c->crc != telemetry_crc(0, bytes + CONFIG_CRC_FROM, size - CONFIG_CRC_FROM) || !good(c))
        return ERR_INVAL;
    return policy_parse(c->spec, &c->policy, c->param, error);
}

static uint64_t add_word(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 32;
}

uint64_t config_sum(const void *bytes, size_t n)
{
    uint64_t sum = n, word;
    size_t at = 0;
    for (; n - at >= sizeof word; at += sizeof word) {
        __builtin_memcpy(&word, (const uint8_t *)bytes + at, sizeof word);
        sum = add_word(sum, word);
    }
    word = 0;
    __builtin_memcpy(&word, (const uint8_t *)bytes + at, n - at);
    return add_word(sum, word);
}

uint32_t config_disk_users(const struct config *c, uint32_t disk)
{
    uint32_t n = 0;
    for (uint32_t v = 0; v < c->nvms; v++)
        for (uint32_t i = 0; i < c->vm[v].ndisks; i++)
            n += c->vm[v].disk[i] == disk;
    return n;
}
