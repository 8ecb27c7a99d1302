/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads the firmware's ACPI tables (ACPI 6.4, chapter 5.2): CPUs (MADT), which node CPUs and memory belong to (SRAT),
 * distances (SLIT), and how to switch the machine off (FADT, \_S5 in the DSDT). Bytes in, struct out: memory is reached
 * only through the reader; tables are believed only as far as their checksums and lengths go. Portable, no allocation.
 */
#ifndef MONITOR_CORE_X86_ACPI_H
#define MONITOR_CORE_X86_ACPI_H

#include "policy/numa.h"

enum { ACPI_CPUS = 1024, ACPI_MEMORY = 128 };

struct acpi_reader {
    /* `n` bytes of physical memory, or null when they cannot be read; they stay there until acpi_read returns. */
    const unsigned char *(*at)(void *context, uint64_t physical, size_t n);
    /* Whether any of it is RAM: memory that could be plugged in later makes no node. */
    bool (*ram)(void *context, uint64_t start, uint64_t end);
    void *context;
};

struct acpi_cpu {
    uint32_t apic_id, domain;
    node_t node;
};

struct acpi_memory {
    uint64_t start, end;
    uint32_t domain;
    node_t node;
};

struct acpi_power {
    bool possible;
    uint16_t pm1a, pm1b;            /* control ports; pm1b 0: there is none */
    uint16_t command;               /* port that takes `enable` to leave legacy mode; 0: none */
    uint8_t enable, type_a, type_b; /* SLP_TYP of \_S5 */
};

/* What the arrays do not hold is left out. */
struct acpi {
    uint32_t ncpus, nmemory, nodes; /* nodes at least 1 */
    uint32_t domain[NODE_MAX];      /* the firmware's number of each node, ascending */
    struct acpi_cpu cpu[ACPI_CPUS]; /* enabled ones, each APIC id once */
    struct acpi_memory memory[ACPI_MEMORY];
    uint8_t distance[NODE_MAX * NODE_MAX]; /* [from * nodes + to]; 10 and 20 where there is no SLIT */
    struct acpi_power power;
    uint16_t pm_timer; /* port of the 3.579545 MHz counter; 0: none */
};

/* Where the root pointer is, from the places of a PC's firmware; 0: nowhere. */
uint64_t acpi_find(const struct acpi_reader *);

/* 0; ERR_NOENT: no usable root table, *acpi has no CPUs and one node. Tables that lie are left out one by one. */
int acpi_read(struct acpi *, const struct acpi_reader *, uint64_t root_pointer);

/* The node of memory at that address, and of a CPU: as SRAT says, else the first. */
node_t acpi_node(const struct acpi *, uint64_t physical);
node_t acpi_node_of_cpu(const struct acpi *, uint32_t apic_id);

#endif
