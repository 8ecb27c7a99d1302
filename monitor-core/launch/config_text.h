/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The monitor's configuration as an operator writes it (`mirrorball monitor run` writes one of its own). Lines
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
 * (policy_value). Defaults: vcpus 1, memory_mb 256. A text without a [vm] is whole: it runs nothing.
 */
#ifndef MONITOR_CORE_LAUNCH_CONFIG_TEXT_H
#define MONITOR_CORE_LAUNCH_CONFIG_TEXT_H

#include "monitor-core/config.h"

enum { CONFIG_TEXT_CMDLINE = 1024 };

struct config_text_vm {
    char name[CONFIG_NAME];
    char kernel[CONFIG_NAME], initrd[CONFIG_NAME]; /* module names; initrd may be empty */
    uint32_t vcpus, memory_mb;
    uint32_t ndisks;
    uint32_t disk[CONFIG_VM_DISKS]; /* index into config.disk */
    char cmdline[CONFIG_TEXT_CMDLINE];
};

struct config_text {
    struct config config;                 /* all but its VMs, of which it has the number */
    struct config_text_vm vm[CONFIG_VMS]; /* for config_build.h */
    bool any_policy;                      /* as given; config.policy is null then where the class is not known */
};

struct config_error {
    uint32_t line;          /* 0: the text as a whole */
    const char *what;       /* "unknown policy", a static string */
    char word[CONFIG_NAME]; /* what it is about, printable, perhaps cut off: "line 12: unknown policy 'migrap'" */
};

/* Parses `size` bytes of text (need not end in a zero; hostile). 0 or ERR_INVAL with *error filled. Defaults as above;
 * every reference (disk names, policy, parameters) is checked, modules are not. `any_policy`: a class that this program
 * does not know passes; only the monitor that has it can say more. */
int config_text_parse(struct config_text *, const char *text, size_t size, bool any_policy, struct config_error *);

#endif
