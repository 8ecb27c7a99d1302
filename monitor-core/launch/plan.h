/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What shall run on which machine: the virtual machines, their files and disks, the emulated NUMA machine below them.
 * Everything is checked before anything starts; every error is one line.
 */
#ifndef MONITOR_CORE_LAUNCH_PLAN_H
#define MONITOR_CORE_LAUNCH_PLAN_H

#include <stdio.h>

#include "datasets/trace.h"
#include "monitor-core/launch/config_text.h"

enum { PLAN_PATH = 4096, PLAN_MODULES = 64, PLAN_DRIVES = 8, PLAN_NODES = 16, PLAN_CPUS = 64 };
enum { PLAN_SETTINGS = 32 };

/* A file that the boot loader hands to the monitor, by the name that the configuration knows it by. The emulator
 * inherits it open, so that its path may hold what an emulator's command line cannot quote. */
struct plan_module {
    char path[PLAN_PATH], name[CONFIG_NAME]; /* no path: it is in memory only */
    int fd;
    uint64_t bytes;
};

enum plan_mode { PLAN_SHARED, PLAN_PERSISTENT, PLAN_PRIVATE };

struct plan_drive {
    char path[PLAN_PATH], name[CONFIG_NAME];
    enum plan_mode mode;
    bool qcow2; /* else raw */
};

struct plan_vm {
    char name[CONFIG_NAME];
    uint32_t kernel, initrd; /* index of the module; PLAN_MODULES: none */
    uint32_t vcpus, memory_mb;
    uint32_t ndisks, disk[CONFIG_VM_DISKS];
    char cmdline[CONFIG_TEXT_CMDLINE];
};

struct plan {
    const char *policy; /* as typed */
    uint32_t nodes, cpus;
    uint64_t memory;     /* bytes; 0: chosen by plan_check */
    const char *machine; /* "q35" or "pc" */
    const char *qemu;    /* the emulator's program */
    char image[PLAN_PATH];
    bool record;
    uint32_t nsettings;
    const char *setting[PLAN_SETTINGS]; /* "around=16", lines of the configuration */
    uint32_t nmodules, ndrives, nvms;
    struct plan_module module[PLAN_MODULES];
    struct plan_drive drive[PLAN_DRIVES];
    struct plan_vm vm[CONFIG_VMS];
};

/* Adds a virtual machine: "kernel=FILE,initrd=FILE,disk=FILE:shared,vcpus=2,mem=512M,cmdline=...,name=web". A comma
 * inside a value is doubled, or the value stands in double quotes. The word "debian" or "debian-generic" in the first
 * place stands for a kernel and an initrd beside the program. 0, or -EINVAL, -ENOENT, ... with a line. */
int plan_vm(struct plan *, const char *text, struct trace_error *);

/* A module for the monitor, the same file only once; its index, or -errno with a line. */
int plan_module(struct plan *, const char *path, struct trace_error *);

/* A module of these bytes, by that name. */
int plan_module_of_memory(struct plan *, const char *name, const void *bytes, size_t size, struct trace_error *);

/* Finds the monitor's image: beside the program, or where it was installed. 0 or -ENOENT with a line. */
int plan_image(struct plan *, const char *given, struct trace_error *);

/* Does it all fit together? Fills in the memory, and adds the configuration as a module. 0 or -errno with a line. */
int plan_check(struct plan *, struct trace_error *);

/* Closes the modules. */
void plan_close(struct plan *);

/* The configuration of the monitor as a text (config_text.h). */
void plan_write_config(FILE *, const struct plan *);

/* From such a text and the plan's modules the file for the monitor (config_build.h), for free(). `any_policy` as in
 * config_text.h. 0 or -errno with a line. */
int plan_build_config(const struct plan *, const char *text, size_t size, bool any_policy, unsigned char **file,
                      size_t *bytes, struct trace_error *);

/* Makes that file of the plan itself, and adds it as the module "config". 0 or -errno with a line. */
int plan_add_config(struct plan *, struct trace_error *);

/* "512M", "4G", "1536MiB", a plain number of MiB: bytes. */
bool plan_parse_memory(const char *text, uint64_t *bytes);

#endif
