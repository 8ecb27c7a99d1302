/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ACPI tables in a make-believe physical memory: built by hand, or captured ones from a file of records (u64 address,
 * u32 length, bytes). The reader hands out copies of exactly the bytes asked for, so that a sanitizer sees every byte
 * read beyond them.
 */
#ifndef TESTS_MONITOR_BOOT_TABLES_H
#define TESTS_MONITOR_BOOT_TABLES_H

#include "monitor-core/x86/acpi.h"

enum { TABLES_PIECES = 64, TABLES_COPIES = 4096 };
#define TABLES_RAM_END (UINT64_C(8) << 30)

struct tables {
    uint32_t n, ncopies;
    struct tables_piece {
        uint64_t at;
        size_t size;
        unsigned char *bytes;
    } piece[TABLES_PIECES];
    void *copy[TABLES_COPIES];
};

void tables_open(struct tables *, const char *path); /* of captured ones; fails the test when it is not there */
void tables_free(struct tables *);

/* A piece of memory with these bytes, and the same as a table: name, length and checksum are put into its header. */
unsigned char *tables_put(struct tables *, uint64_t at, const void *bytes, size_t size);
unsigned char *tables_add(struct tables *, uint64_t at, const char *name, const void *bytes, size_t size);
/* A root pointer of that revision (0 or 2), and a root table with those addresses of 4 or 8 bytes. */
void tables_pointer(struct tables *, uint64_t at, unsigned revision, uint32_t rsdt, uint64_t xsdt);
void tables_root(struct tables *, uint64_t at, unsigned width, const uint64_t *address, size_t n);

/* Makes the sum of all bytes 0 by the one at `at`. */
void tables_sum(unsigned char *bytes, size_t size, size_t at);

/* acpi_read with a root pointer at that address; 0: the one that acpi_find finds. */
int tables_read(struct tables *, struct acpi *, uint64_t pointer);
uint64_t tables_find(struct tables *);

#endif
