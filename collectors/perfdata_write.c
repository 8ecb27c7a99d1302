/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/perfdata_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORD_MOST = 65528, TEXT_ROOM = 64, ROOM_MOST = 1 << 30, ARM_SPE = 4 };

void perfdata_buffer_free(struct perfdata_buffer *b)
{
    free(b->bytes);
    *b = (struct perfdata_buffer){0};
}

static void put(struct perfdata_buffer *b, const void *bytes, size_t n)
{
    if (b->failed || !n)
        return;
    if (b->n + n > b->room) {
        size_t room = 2 * (b->n + n);
        unsigned char *grown = room < ROOM_MOST ? realloc(b->bytes, room) : NULL;
        if (!grown) {
            b->failed = -ENOMEM;
            return;
        }
        b->bytes = grown;
        b->room = room;
    }
    memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
}

static void put_u32(struct perfdata_buffer *b, uint32_t value)
{
    put(b, &value, sizeof value);
}

static void put_u64(struct perfdata_buffer *b, uint64_t value)
{
    put(b, &value, sizeof value);
}

static void put_zeros(struct perfdata_buffer *b, size_t n)
{
    static const unsigned char zeros[TEXT_ROOM];
    for (; n; n -= n < sizeof zeros ? n : sizeof zeros)
        put(b, zeros, n < sizeof zeros ? n : sizeof zeros);
}

/* Length, then the text and zeros up to a multiple of 64. */
static void put_text(struct perfdata_buffer *b, const char *text)
{
    size_t length = strlen(text), room = (length + TEXT_ROOM) / TEXT_ROOM * TEXT_ROOM;
    put_u32(b, (uint32_t)room);
    put(b, text, length);
    put_zeros(b, room - length);
}

int perfdata_flush(struct perfdata_buffer *b, int fd)
{
    size_t done = 0;
    while (!b->failed && done < b->n) {
        ssize_t n = write(fd, b->bytes + done, b->n - done);
        if (n < 0 && errno != EINTR)
            b->failed = -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    b->n = 0;
    return b->failed;
}

void perfdata_begin(struct perfdata_buffer *b)
{
    put(b, "PERFILE2", 8);
    put_u64(b, 16);
}

/* Begins a record, whose size is set by finish. Where it began. */
static size_t begin(struct perfdata_buffer *b, uint32_t type)
{
    size_t at = b->n;
    put_u64(b, type);
    return at;
}

static void finish(struct perfdata_buffer *b, size_t at)
{
    put_zeros(b, (8 - (b->n - at) % 8) % 8);
    size_t size = b->n - at;
    if (b->failed)
        return;
    if (size > RECORD_MOST) {
        b->n = at;
        b->failed = -E2BIG;
        return;
    }
    uint16_t size16 = (uint16_t)size;
    memcpy(b->bytes + at + offsetof(struct abi_header, size), &size16, sizeof size16);
}

void perfdata_attr(struct perfdata_buffer *b, const void *attr, const uint64_t *ids, size_t n)
{
    uint32_t size;
    size_t at = begin(b, ABI_RECORD_ATTR);
    memcpy(&size, (const unsigned char *)attr + ABI_ATTR_SIZE, sizeof size);
    put(b, attr, size);
    put(b, ids, n * sizeof *ids);
    finish(b, at);
}

void perfdata_name(struct perfdata_buffer *b, uint64_t id, const char *name)
{
    size_t at = begin(b, ABI_RECORD_EVENT_UPDATE);
    put_u64(b, ABI_UPDATE_NAME);
    put_u64(b, id);
    put(b, name, strlen(name) + 1);
    finish(b, at);
}

void perfdata_places(struct perfdata_buffer *b, const struct perfdata_place *place, size_t n)
{
    enum { MOST = (RECORD_MOST - 16) / sizeof *place };
    for (size_t done = 0; done < n; done += MOST) {
        size_t count = n - done < MOST ? n - done : MOST, at = begin(b, ABI_RECORD_ID_INDEX);
        put_u64(b, count);
        put(b, place + done, count * sizeof *place);
        finish(b, at);
    }
}

static size_t begin_feature(struct perfdata_buffer *b, unsigned feature)
{
    size_t at = begin(b, ABI_RECORD_FEATURE);
    put_u64(b, feature);
    return at;
}

void perfdata_feature(struct perfdata_buffer *b, unsigned feature, const void *payload, size_t n)
{
    size_t at = begin_feature(b, feature);
    put(b, payload, n);
    finish(b, at);
}

void perfdata_text(struct perfdata_buffer *b, unsigned feature, const char *text)
{
    size_t at = begin_feature(b, feature);
    put_text(b, text);
    finish(b, at);
}

void perfdata_cpus(struct perfdata_buffer *b, uint32_t available, uint32_t online)
{
    uint32_t numbers[2] = {available, online};
    perfdata_feature(b, ABI_FEATURE_NRCPUS, numbers, sizeof numbers);
}

/* A long command line is cut: it is told, not run. */
void perfdata_command(struct perfdata_buffer *b, int argc, char *const *argv)
{
    enum { MOST = 32768 };
    int n = 0;
    for (size_t bytes = 0; n < argc && (bytes += strlen(argv[n]) + TEXT_ROOM + 4) < MOST;)
        n++;
    size_t at = begin_feature(b, ABI_FEATURE_CMDLINE);
    put_u32(b, (uint32_t)n);
    for (int i = 0; i < n; i++)
        put_text(b, argv[i]);
    finish(b, at);
}

void perfdata_clock(struct perfdata_buffer *b, uint32_t clockid, uint64_t wall_ns, uint64_t clock_ns)
{
    size_t at = begin_feature(b, ABI_FEATURE_CLOCK_DATA);
    put_u32(b, 1);
    put_u32(b, clockid);
    put_u64(b, wall_ns);
    put_u64(b, clock_ns);
    finish(b, at);
}

void perfdata_time_conv(struct perfdata_buffer *b, const struct ring_clock *clock)
{
    size_t at = begin(b, ABI_RECORD_TIME_CONV);
    put_u64(b, clock->shift);
    put_u64(b, clock->mult);
    put_u64(b, clock->zero);
    finish(b, at);
}

void perfdata_nodes(struct perfdata_buffer *b, const struct perfdata_node_info *node, uint32_t n)
{
    size_t at = begin_feature(b, ABI_FEATURE_NUMA_TOPOLOGY);
    put_u32(b, n);
    for (uint32_t i = 0; i < n; i++) {
        put_u32(b, node[i].node);
        put_u64(b, node[i].total_kib);
        put_u64(b, node[i].free_kib);
        put_text(b, node[i].cpus);
    }
    finish(b, at);
}

void perfdata_memory_blocks(struct perfdata_buffer *b, uint64_t block_size, const struct perfdata_node_info *node,
                            uint32_t n)
{
    uint64_t known = 0;
    for (uint32_t i = 0; i < n; i++)
        known += node[i].blocks != NULL;
    size_t at = begin_feature(b, ABI_FEATURE_MEM_TOPOLOGY);
    put_u64(b, 1);
    put_u64(b, block_size);
    put_u64(b, known);
    for (uint32_t i = 0; i < n; i++) {
        if (!node[i].blocks)
            continue;
        put_u64(b, node[i].node);
        put_u64(b, 64 * node[i].words); /* bits, once for the node and once before its bitmap */
        put_u64(b, 64 * node[i].words);
        put(b, node[i].blocks, 8 * node[i].words);
    }
    finish(b, at);
}

void perfdata_pmus(struct perfdata_buffer *b, const uint32_t *types, const char *const *names, uint32_t n)
{
    size_t at = begin_feature(b, ABI_FEATURE_PMU_MAPPINGS);
    put_u32(b, n);
    for (uint32_t i = 0; i < n; i++) {
        put_u32(b, types[i]);
        put_text(b, names[i]);
    }
    finish(b, at);
}

void perfdata_round(struct perfdata_buffer *b)
{
    finish(b, begin(b, ABI_RECORD_FINISHED_ROUND));
}

void perfdata_auxtrace_info(struct perfdata_buffer *b, uint32_t pmu_type)
{
    size_t at = begin(b, ABI_RECORD_AUXTRACE_INFO);
    put_u64(b, ARM_SPE);
    put_u64(b, pmu_type);
    put_u64(b, 1); /* one area per CPU */
    finish(b, at);
}

void perfdata_auxtrace(struct perfdata_buffer *b, uint64_t size, uint64_t position, uint32_t index, uint32_t cpu,
                       uint32_t tid)
{
    size_t at = begin(b, ABI_RECORD_AUXTRACE);
    put_u64(b, size);
    put_u64(b, position);
    put_u64(b, 0);
    put_u32(b, index);
    put_u32(b, tid);
    put_u32(b, cpu);
    put_u32(b, 0);
    finish(b, at);
}

void perfdata_note(struct perfdata_buffer *b, uint64_t id, enum perfdata_note note, const void *bytes, size_t n)
{
    enum { MOST = 4096 };
    size_t at = begin(b, ABI_RECORD_EVENT_UPDATE);
    put_u64(b, ABI_OWN | (uint64_t)note);
    put_u64(b, id);
    put(b, bytes, n < MOST ? n : MOST);
    finish(b, at);
}
