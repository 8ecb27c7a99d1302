/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { VERSION = 2, HEADER_WORDS = 8 };
#define MAGIC UINT64_C(0x315352545353494d)
#define FLUSH_NS UINT64_C(200000000)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are written as they are in memory");

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* A disk that is full leaves the file with its last whole record. */
static int write_all(int fd, const void *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = write(fd, (const char *)data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int err = n < 0 ? -errno : -EIO;
            off_t end = lseek(fd, 0, SEEK_END);
            if (end > 0 && ftruncate(fd, end - end % (off_t)sizeof(struct log_record)))
                return -EIO;
            return err;
        }
        done += (size_t)n;
    }
    return 0;
}

int log_open(struct log *l, const char *path, const struct log_header *h, uint32_t cpus, uint64_t limit)
{
    uint64_t word[HEADER_WORDS] = {MAGIC,
                                   VERSION,
                                   sizeof(struct log_record),
                                   h->line_size,
                                   h->page_size,
                                   h->whole_system,
                                   h->quantum,
                                   (uint64_t)h->l1_sets << 48 | (uint64_t)h->l1_ways << 32 |
                                       (uint64_t)h->l2_sets << 16 | h->l2_ways};
    memset(l, 0, sizeof *l);
    l->cpus = cpus;
    l->limit = limit ? limit : UINT64_MAX;
    l->ring = aligned_alloc(_Alignof(struct log_ring), cpus * sizeof *l->ring);
    if (!l->ring)
        return -ENOMEM;
    for (uint32_t i = 0; i < cpus; i++) {
        atomic_init(&l->ring[i].head, 0);
        atomic_init(&l->ring[i].tail, 0);
    }
    pthread_mutex_init(&l->lock, NULL);
    l->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int err = l->fd < 0 ? -errno : write_all(l->fd, word, sizeof word);
    l->flushed_ns = now_ns();
    if (err) {
        log_abandon(l);
        free(l->ring);
        l->ring = NULL;
    }
    return err;
}

static void flush(struct log *l)
{
    int err = l->fd >= 0 && l->n ? write_all(l->fd, l->buffer, l->n * sizeof *l->buffer) : 0;
    if (err) {
        fprintf(stderr, "mirrorball: the capture ends here: writing it failed: %s\n", strerror(-err));
        atomic_store(&l->full, true);
        close(l->fd);
        l->fd = -1;
    }
    l->n = 0;
    l->flushed_ns = now_ns();
}

static void emit(struct log *l, struct log_record r)
{
    uint64_t time = r.b & LOG_TIME_MASK;
    if (l->written >= l->limit) {
        atomic_store(&l->full, true);
        return;
    }
    if (time < l->last)
        r.b = (r.b & ~LOG_TIME_MASK) | l->last;
    else
        l->last = time;
    l->buffer[l->n++] = r;
    l->written++;
    if (l->n == LOG_BUFFER)
        flush(l);
}

/* The ring whose next record is the earliest and before the horizon; of equals the first. */
static struct log_ring *earliest(struct log *l, uint64_t horizon, const unsigned *head)
{
    struct log_ring *best = NULL;
    uint64_t least = horizon;
    for (uint32_t i = 0; i < l->cpus; i++) {
        struct log_ring *r = &l->ring[i];
        unsigned tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
        if (tail == head[i]) /* what is there is being written */
            continue;
        uint64_t time = r->record[tail % LOG_RING].b & LOG_TIME_MASK;
        if (time < least) {
            least = time;
            best = r;
        }
    }
    return best;
}

/* Heads are read once: records that come while this runs are left for the next time. */
static void merge(struct log *l, uint64_t horizon)
{
    unsigned head[LOG_CPUS_MAX];
    struct log_ring *r;
    for (uint32_t i = 0; i < l->cpus; i++)
        head[i] = atomic_load_explicit(&l->ring[i].head, memory_order_acquire);
    while ((r = earliest(l, horizon, head))) {
        unsigned tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
        emit(l, r->record[tail % LOG_RING]);
        atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
    }
}

static unsigned used(const struct log_ring *r)
{
    return atomic_load_explicit(&r->head, memory_order_relaxed) - atomic_load_explicit(&r->tail, memory_order_acquire);
}

void log_put(struct log *l, unsigned cpu, struct log_record record)
{
    struct log_ring *r = &l->ring[cpu];
    if (atomic_load_explicit(&l->full, memory_order_relaxed))
        return;
    while (used(r) == LOG_RING) {
        pthread_mutex_lock(&l->lock);
        merge(l, UINT64_MAX);
        pthread_mutex_unlock(&l->lock);
    }
    unsigned head = atomic_load_explicit(&r->head, memory_order_relaxed);
    r->record[head % LOG_RING] = record;
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

void log_advance(struct log *l, unsigned cpu, uint64_t horizon)
{
    bool much = used(&l->ring[cpu]) >= LOG_RING / 4;
    if (!much && now_ns() - atomic_load_explicit(&l->flushed_ns, memory_order_relaxed) < FLUSH_NS)
        return;
    if (pthread_mutex_trylock(&l->lock))
        return;
    merge(l, horizon);
    if (now_ns() - l->flushed_ns >= FLUSH_NS)
        flush(l);
    pthread_mutex_unlock(&l->lock);
}

void log_flush(struct log *l)
{
    pthread_mutex_lock(&l->lock);
    merge(l, UINT64_MAX);
    flush(l);
    pthread_mutex_unlock(&l->lock);
}

void log_close(struct log *l)
{
    log_flush(l);
    pthread_mutex_lock(&l->lock);
    atomic_store(&l->full, true);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    pthread_mutex_unlock(&l->lock);
}

void log_abandon(struct log *l)
{
    atomic_store(&l->full, true);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
