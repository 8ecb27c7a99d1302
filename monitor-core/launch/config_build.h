/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the configuration's text to the file that the monitor reads (monitor-core/config.h): each VM's kernel by its
 * boot protocol (linux_boot.h), its ACPI tables (guest_acpi.h), and which bytes of which module go where.
 */
#ifndef MONITOR_CORE_LAUNCH_CONFIG_BUILD_H
#define MONITOR_CORE_LAUNCH_CONFIG_BUILD_H

#include "datasets/trace.h"
#include "monitor-core/launch/config_text.h"

/* A module as the boot loader will hand it over. */
struct config_build_module {
    const char *name;
    const unsigned char *bytes;
    size_t size;
};

/* *file: for free(). 0, or -EINVAL, -ENOENT, -ENOMEM with a line. Kernels are hostile. */
int config_build(const struct config_text *, const struct config_build_module *, size_t n, unsigned char **file,
                 size_t *size, struct trace_error *);

#endif
