/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/devices/fake.h"

#include <stdlib.h>
#include <string.h>

static void interrupt(void *context, uint32_t gsi)
{
    struct fake *f = context;
    f->edges[gsi % FAKE_LINES]++;
}

static bool inside(const struct fake *f, uint64_t gpa, size_t size)
{
    return gpa <= f->size && size <= f->size - gpa;
}

static int read_memory(void *context, uint64_t gpa, void *buffer, size_t size)
{
    const struct fake *f = context;
    if (!inside(f, gpa, size))
        return ERR_INVAL;
    memcpy(buffer, f->ram + gpa, size);
    return 0;
}

static int write_memory(void *context, uint64_t gpa, const void *buffer, size_t size)
{
    struct fake *f = context;
    if (!inside(f, gpa, size))
        return ERR_INVAL;
    memcpy(f->ram + gpa, buffer, size);
    f->writes++;
    return 0;
}

static node_t node(void *context)
{
    (void)context;
    return 0;
}

void fake_init(struct fake *f, uint64_t size)
{
    *f = (struct fake){.size = size, .ram = size ? calloc(1, size) : NULL};
    f->host = (struct device_host){
        .context = f, .interrupt = interrupt, .read = read_memory, .write = write_memory, .node = node};
    if (size && !f->ram)
        abort();
}

void fake_free(struct fake *f)
{
    free(f->ram);
}

uint64_t fake_get(const unsigned char *bytes, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = size; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

void fake_put(unsigned char *bytes, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++, value >>= 8)
        bytes[i] = (unsigned char)value;
}
