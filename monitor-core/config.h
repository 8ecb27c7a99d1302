/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the monitor shall run: a file that the boot loader hands over as the multiboot module whose string's last word
 * is "config". It is made from a text by the program (launch/config_text.h, launch/config_build.h), which knows kernels
 * and guests; the monitor only checks it, and copies what each VM begins with into its memory.
 *
 * The file is struct config up to `policy`, as it lies in memory on x86-64, and then the bytes that its parts name.
 *
 * Portable; no allocation.
 */
#ifndef MONITOR_CORE_CONFIG_H
#define MONITOR_CORE_CONFIG_H

#include "policy/policy.h"

enum { CONFIG_VMS = 16, CONFIG_VCPUS = 16, CONFIG_DISKS = 16, CONFIG_VM_DISKS = 4, CONFIG_PARTS = 12 };
enum { CONFIG_NAME = 32, CONFIG_SPEC = 256 };
#define CONFIG_MAGIC UINT64_C(0x32666e6f436f424d) /* "MBoConf2" */
#define CONFIG_NO_DRIVE UINT32_MAX

struct config_disk {
    char name[CONFIG_NAME];
    char module[CONFIG_NAME]; /* empty: a drive */
    uint32_t drive;           /* CONFIG_NO_DRIVE: a module */
    uint32_t persistent;      /* 0 or 1: written through */
    uint32_t private_cache;   /* 0 or 1: no sharing between VMs, for comparison */
};

/* Bytes of a module that a VM's memory begins with. */
struct config_part {
    char module[CONFIG_NAME]; /* "config": this file */
    uint64_t sum;             /* of these bytes (config_sum): others are refused */
    uint64_t offset, size, gpa;
};

struct config_vm {
    char name[CONFIG_NAME];
    uint32_t vcpus, memory_mb, ndisks, nparts;
    uint32_t disk[CONFIG_VM_DISKS]; /* index into config.disk */
    uint64_t rip, rsi, cr3, gdt;    /* of the boot processor, in 64-bit mode: code at selector 0x10, data at 0x18 */
    struct config_part part[CONFIG_PARTS];
};

struct config {
    uint64_t magic;
    uint32_t crc; /* of all that follows in the file (telemetry_crc) */
    uint32_t harvest_ms, weight, around, slice_ms;
    uint32_t cpus;           /* 0: all */
    uint32_t record, poison; /* 0 or 1 */
    uint32_t nvms, ndisks;
    char spec[CONFIG_SPEC]; /* the policy as written */
    char digest[32];        /* of the text that the file was made from, and of all parts */
    struct config_vm vm[CONFIG_VMS];
    struct config_disk disk[CONFIG_DISKS];
    const struct policy_class *policy; /* from here on not in the file: what spec says */
    uint64_t param[POLICY_PARAMS_MAX];
};

enum { CONFIG_HEAD = offsetof(struct config, policy), CONFIG_CRC_FROM = offsetof(struct config, crc) + 4 };

/* Takes the file (hostile) over. 0, or ERR_INVAL with *error filled: whatever is an index or a length here is in its
 * range, and every name ends; modules and the places of parts are looked at when they are used. */
int config_open(struct config *, const void *file, size_t size, struct policy_error *);

/* A checksum of so many bytes, fast enough for hundreds of megabytes on an emulated machine: eight bytes a step, each
 * step one-to-one, so that no change within eight bytes escapes; zeroes fill the last step, of which there always is
 * one. */
uint64_t config_sum(const void *bytes, size_t n);

/* How many VMs have that disk. */
uint32_t config_disk_users(const struct config *, uint32_t disk);

#endif
