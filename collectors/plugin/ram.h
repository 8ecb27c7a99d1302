/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where in a whole machine's RAM an access is. RAM is counted from 0 without holes, node after node: the guest-physical
 * address as long as the machine has at most 2 GiB. RAM is of `nodes` equal back ends, which QEMU holds in files
 * PREFIX0, PREFIX1, ... (memory-backend-file), so that their places in the process can be found.
 */
#ifndef COLLECTORS_PLUGIN_RAM_H
#define COLLECTORS_PLUGIN_RAM_H

#include <stdbool.h>
#include <stdint.h>

enum { RAM_NODES_MAX = 64 };

struct ram {
    uint32_t nodes;
    uint64_t node_bytes;
    uint64_t host[RAM_NODES_MAX]; /* where each back end starts in this process; 0: not found */
    bool found;
};

#define RAM_NONE UINT64_MAX

/* From the address that QEMU 7.2 gives for an access to RAM (qemu_plugin_hwaddr_phys_addr): with n equal blocks it is
 * the block's place counted twice. RAM_NONE: another block than RAM (firmware, video memory). */
uint64_t ram_from_qemu(const struct ram *, uint64_t address);

/* From a pointer into QEMU's own memory. RAM_NONE: not in RAM. */
uint64_t ram_from_host(const struct ram *, const void *host);

/* Finds the back ends in the process's memory map (a file like /proc/self/maps). True: all of them. */
bool ram_find(struct ram *, const char *maps, const char *prefix);

#endif
