/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the monitor shall run: a text that the boot loader hands over as the multiboot module whose string's last word
 * is "config" (`mirrorball monitor run` writes it; under another boot loader it is a file beside the kernels). Lines
 * "key = value", sections "[vm NAME]" and "[disk NAME]", '#' comments:
 *
 *   policy = migrep:trigger=64   class and parameters, any linked class; default first_touch
 *   harvest_ms = 20              period of the accessed-bit harvest, 1..1000; 0: none
 *   weight = 64                  misses that one harvested bit stands for, a power of two
 *   around = 16                  pages placed by one first touch (an aligned block), a power of two up to 64
 *   slice_ms = 10                time slice of a virtual CPU
 *   cpus = 4                     use at most this many; default all
 *   record = 1                   send every observation, not only the counts
 *   poison = 1                   overwrite freed frames (tests)
 *   [vm web]                     up to CONFIG_VMS; ids in the order of the text
 *   kernel = debian              module (the last word of its string) with a Linux bzImage
 *   initrd = initrd              optional
 *   vcpus = 2
 *   memory_mb = 512
 *   disks = root,home            names of [disk] sections, at most CONFIG_VM_DISKS
 *   cmdline = console=ttyS0      to the end of the line
 *   [disk root]
 *   drive = 0                    the n-th drive (NVMe namespace) of the machine, or
 *   module = image               a module in memory
 *   mode = shared                shared: copy-on-write, changes are lost at the end (non-persistent); persistent: one
 *                                VM only, written through; private: as shared, but each VM caches for itself
 *
 * A '#' after a value begins a comment too, except in cmdline. Numbers are written as on the command line
 * (policy_value). Defaults: vcpus 1, memory_mb 256. A text
 * without a [vm] is whole: it runs nothing.
 *
 * Portable; no allocation.
 */
#ifndef MONITOR_CORE_CONFIG_H
#define MONITOR_CORE_CONFIG_H

#include "policy/policy.h"

enum {
    CONFIG_VMS = 16,
    CONFIG_VCPUS = 16,
    CONFIG_DISKS = 16,
    CONFIG_VM_DISKS = 4,
    CONFIG_NAME = 32,
    CONFIG_CMDLINE = 1024
};
#define CONFIG_NO_DRIVE UINT32_MAX

struct config_disk {
    char name[CONFIG_NAME];
    char module[CONFIG_NAME]; /* empty: a drive */
    uint32_t drive;           /* CONFIG_NO_DRIVE: a module */
    bool persistent;
    bool private_cache; /* mode = private: no sharing between VMs, for comparison */
};

struct config_vm {
    char name[CONFIG_NAME];
    char kernel[CONFIG_NAME], initrd[CONFIG_NAME]; /* module names; initrd may be empty */
    uint32_t vcpus, memory_mb;
    uint32_t ndisks;
    uint8_t disk[CONFIG_VM_DISKS]; /* index into config.disk */
    char cmdline[CONFIG_CMDLINE];
};

struct config {
    char spec[256];                    /* the policy as written */
    const struct policy_class *policy; /* and parsed */
    uint64_t param[POLICY_PARAMS_MAX];
    uint32_t harvest_ms, weight, around, slice_ms;
    uint32_t cpus;           /* 0: all */
    uint32_t record, poison; /* 0 or 1 */
    uint32_t nvms, ndisks;
    struct config_vm vm[CONFIG_VMS];
    struct config_disk disk[CONFIG_DISKS];
};

struct config_error {
    uint32_t line;          /* 0: the text as a whole */
    const char *what;       /* "unknown policy", a static string */
    char word[CONFIG_NAME]; /* what it is about, printable, perhaps cut off: "line 12: unknown policy 'migrap'" */
};

/* Parses `size` bytes of text (need not end in a zero; hostile). 0 or ERR_INVAL with *error filled. Defaults as above;
 * every reference (disk names, policy, parameters) is checked, modules are not. */
int config_parse(struct config *, const char *text, size_t size, struct config_error *);

/* How many VMs have that disk. */
uint32_t config_disk_users(const struct config *, uint32_t disk);

/* Only "migrep:trigger=64", into spec, policy and param; policies that know the future too. 0 or ERR_INVAL with *error
 * filled (its line is 0). */
int config_parse_policy(struct config *, const char *spec, struct config_error *);

#endif
