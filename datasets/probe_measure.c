/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/probe_measure.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Sattolo's shuffle: one cycle through all elements, so that a chase meets every line once before any twice. */
static void make_chain(struct probe_buffer *b)
{
    size_t n = b->bytes / PROBE_LINE, step = PROBE_LINE / sizeof *b->chain;
    uint64_t seed = 88172645463325252u;
    for (size_t i = 0; i < n; i++)
        b->chain[i * step] = &b->chain[i * step];
    for (size_t i = n - 1; i > 0; i--) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        size_t j = (size_t)(seed % i);
        void *kept = b->chain[i * step];
        b->chain[i * step] = b->chain[j * step];
        b->chain[j * step] = kept;
    }
}

int probe_buffer_new(struct probe_buffer *b, hwloc_topology_t topology, hwloc_const_nodeset_t node, size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -ENOMEM;
    *b = (struct probe_buffer){.chain = memory, .bytes = bytes};
    b->huge = madvise(memory, bytes, MADV_HUGEPAGE) == 0;
    b->bound = node && hwloc_set_area_membind(topology, memory, bytes, node, HWLOC_MEMBIND_BIND,
                                              HWLOC_MEMBIND_BYNODESET | HWLOC_MEMBIND_STRICT) == 0;
    memset(memory, 0, bytes);
    make_chain(b);
    return 0;
}

void probe_buffer_free(struct probe_buffer *b)
{
    munmap(b->chain, b->bytes);
}

bool probe_pin(hwloc_topology_t topology, hwloc_const_cpuset_t cpus, unsigned n)
{
    hwloc_bitmap_t one = hwloc_bitmap_alloc();
    int cpu = hwloc_bitmap_first(cpus), weight = hwloc_bitmap_weight(cpus);
    bool pinned;
    if (!one || weight < 1) {
        hwloc_bitmap_free(one);
        return false;
    }
    for (n %= (unsigned)weight; n > 0; n--)
        cpu = hwloc_bitmap_next(cpus, cpu);
    hwloc_bitmap_only(one, (unsigned)cpu);
    pinned = hwloc_set_cpubind(topology, one, HWLOC_CPUBIND_THREAD) == 0;
    hwloc_bitmap_free(one);
    return pinned;
}

uint64_t probe_chase(const struct probe_buffer *b, size_t steps)
{
    uint64_t best = UINT64_MAX;
    void **at = b->chain;
    for (int round = 0; round < 3; round++) {
        uint64_t start = now_ns(), took;
        for (size_t i = 0; i < steps; i++)
            at = *(void *volatile *)at;
        took = now_ns() - start;
        best = took < best ? took : best;
    }
    return best * 1000 / steps;
}

struct reader {
    pthread_t thread;
    struct probe_stream *stream;
    unsigned number;
    uint64_t bytes; /* read since the start */
};

struct probe_stream {
    const struct probe_buffer *buffer;
    hwloc_topology_t topology;
    hwloc_const_cpuset_t cpus;
    unsigned first, threads;
    atomic_bool stop;
    uint64_t started;
    struct reader reader[];
};

enum { STREAM_PIECE = 1 << 20 };

static void *read_all(void *argument)
{
    struct reader *r = argument;
    struct probe_stream *s = r->stream;
    size_t pieces = s->buffer->bytes / STREAM_PIECE, at = pieces / s->threads * r->number;
    uint64_t sum = 0;
    probe_pin(s->topology, s->cpus, s->first + r->number);
    for (; !atomic_load_explicit(&s->stop, memory_order_relaxed); at++) {
        const uint64_t *piece = (const uint64_t *)((const char *)s->buffer->chain + at % pieces * STREAM_PIECE);
        for (size_t i = 0; i < STREAM_PIECE / sizeof *piece; i++)
            sum += piece[i];
        __asm__ volatile("" : : "r"(sum));
        r->bytes += STREAM_PIECE;
    }
    return NULL;
}

struct probe_stream *probe_stream_start(const struct probe_buffer *b, hwloc_topology_t topology,
                                        hwloc_const_cpuset_t cpus, unsigned first, unsigned threads)
{
    struct probe_stream *s = calloc(1, sizeof *s + threads * sizeof s->reader[0]);
    unsigned made = 0;
    if (!s)
        return NULL;
    *s = (struct probe_stream){
        .buffer = b, .topology = topology, .cpus = cpus, .first = first, .threads = threads, .started = now_ns()};
    for (; made < threads; made++) {
        s->reader[made] = (struct reader){.stream = s, .number = made};
        if (pthread_create(&s->reader[made].thread, NULL, read_all, &s->reader[made]))
            break;
    }
    if (made == threads)
        return s;
    s->threads = made;
    probe_stream_stop(s);
    return NULL;
}

uint64_t probe_stream_stop(struct probe_stream *s)
{
    uint64_t bytes = 0, took;
    atomic_store(&s->stop, true);
    for (unsigned i = 0; i < s->threads; i++) {
        pthread_join(s->reader[i].thread, NULL);
        bytes += s->reader[i].bytes;
    }
    took = now_ns() - s->started;
    free(s);
    return took ? (uint64_t)((unsigned __int128)bytes * 1000000000 / took) : 0;
}
