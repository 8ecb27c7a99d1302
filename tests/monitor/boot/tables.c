/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/boot/tables.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKSUM = 9, LENGTH = 4 };

unsigned char *tables_put(struct tables *t, uint64_t at, const void *bytes, size_t size)
{
    struct tables_piece *p = &t->piece[t->n++];
    cr_assert(t->n <= TABLES_PIECES);
    *p = (struct tables_piece){at, size, malloc(size)};
    memcpy(p->bytes, bytes, size);
    return p->bytes;
}

void tables_sum(unsigned char *bytes, size_t size, size_t at)
{
    unsigned sum = 0;
    bytes[at] = 0;
    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    bytes[at] = (unsigned char)(0 - sum);
}

unsigned char *tables_add(struct tables *t, uint64_t at, const char *name, const void *bytes, size_t size)
{
    unsigned char *p = tables_put(t, at, bytes, size);
    uint32_t length = (uint32_t)size;
    memcpy(p, name, 4);
    memcpy(p + LENGTH, &length, 4);
    tables_sum(p, size, CHECKSUM);
    return p;
}

void tables_pointer(struct tables *t, uint64_t at, unsigned revision, uint32_t rsdt, uint64_t xsdt)
{
    unsigned char p[36] = "RSD PTR ";
    p[15] = (unsigned char)revision;
    memcpy(p + 16, &rsdt, 4);
    p[20] = 36;
    memcpy(p + 24, &xsdt, 8);
    tables_sum(p, 20, 8);
    tables_sum(p, 36, 32);
    tables_put(t, at, p, revision ? 36 : 20);
}

void tables_root(struct tables *t, uint64_t at, unsigned width, const uint64_t *address, size_t n)
{
    unsigned char bytes[36 + 8 * 256] = {0};
    cr_assert(n <= 256);
    for (size_t i = 0; i < n; i++)
        memcpy(bytes + 36 + width * i, &address[i], width);
    tables_add(t, at, width == 8 ? "XSDT" : "RSDT", bytes, 36 + width * n);
}

void tables_open(struct tables *t, const char *path)
{
    unsigned char head[12], bytes[65536];
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s is not there", path);
    while (fread(head, 1, sizeof(head), file) == sizeof(head)) {
        uint64_t at;
        uint32_t size;
        memcpy(&at, head, 8);
        memcpy(&size, head + 8, 4);
        cr_assert(size <= sizeof(bytes) && fread(bytes, 1, size, file) == size);
        tables_put(t, at, bytes, size);
    }
    fclose(file);
}

static void drop_copies(struct tables *t)
{
    while (t->ncopies)
        free(t->copy[--t->ncopies]);
}

void tables_free(struct tables *t)
{
    drop_copies(t);
    while (t->n)
        free(t->piece[--t->n].bytes);
}

static const unsigned char *at(void *context, uint64_t physical, size_t n)
{
    struct tables *t = context;
    for (uint32_t i = 0; i < t->n; i++) {
        const struct tables_piece *p = &t->piece[i];
        if (physical < p->at || physical - p->at > p->size || n > p->size - (physical - p->at))
            continue;
        cr_assert(t->ncopies < TABLES_COPIES, "the parser does not come to an end");
        unsigned char *copy = malloc(n ? n : 1);
        memcpy(copy, p->bytes + (physical - p->at), n);
        t->copy[t->ncopies++] = copy;
        return copy;
    }
    return NULL;
}

static bool ram(void *context, uint64_t start, uint64_t end)
{
    (void)context;
    return start < TABLES_RAM_END && end > start;
}

uint64_t tables_find(struct tables *t)
{
    struct acpi_reader reader = {at, ram, t};
    uint64_t found = acpi_find(&reader);
    drop_copies(t);
    return found;
}

int tables_read(struct tables *t, struct acpi *a, uint64_t pointer)
{
    struct acpi_reader reader = {at, ram, t};
    if (!pointer)
        pointer = tables_find(t);
    int err = acpi_read(a, &reader, pointer);
    drop_copies(t);
    return err;
}
