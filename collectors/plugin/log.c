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
    if (l->written >= l->limit) {
        atomic_store(&l->full, true);
        return;
    }
    l->buffer[l->n++] = r;
    l->written++;
    if (l->n == LOG_BUFFER)
        flush(l);
}

/* A ring's first record, as the order has it: by time, of equal times the lower ring's. LAST comes after all. */
struct place {
    uint64_t time;
    uint32_t ring;
};
static const struct place LAST = {UINT64_MAX, LOG_CPUS_MAX};

static bool before(struct place a, struct place b)
{
    return a.time < b.time || (a.time == b.time && a.ring < b.ring);
}

static uint64_t time_at(const struct log_ring *r, unsigned i)
{
    return r->record[i % LOG_RING].b & LOG_TIME_MASK;
}

/* The two that come first. What is beyond a ring's head is being written. */
static void first_two(const struct log *l, const unsigned *head, struct place two[2])
{
    two[0] = two[1] = LAST;
    for (uint32_t i = 0; i < l->cpus; i++) {
        unsigned tail = atomic_load_explicit(&l->ring[i].tail, memory_order_relaxed);
        struct place p = tail == head[i] ? LAST : (struct place){time_at(&l->ring[i], tail), i};
        if (before(p, two[0])) {
            two[1] = two[0];
            two[0] = p;
        } else if (before(p, two[1])) {
            two[1] = p;
        }
    }
}

/* Of ring i what comes before `end`. Times of one ring do not go back, but what is late gets the last time taken. */
static void emit_run(struct log *l, uint32_t i, unsigned head, uint64_t end)
{
    struct log_ring *r = &l->ring[i];
    unsigned tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    for (; tail != head; tail++) {
        struct log_record next = r->record[tail % LOG_RING];
        uint64_t time = next.b & LOG_TIME_MASK;
        if (time >= end)
            break;
        if (time < l->last)
            next.b += l->last - time;
        else
            l->last = time;
        emit(l, next);
    }
    atomic_store_explicit(&r->tail, tail, memory_order_release);
}

/* Heads are read once: records that come while this runs are left for the next time. */
static void merge(struct log *l, uint64_t horizon)
{
    unsigned head[LOG_CPUS_MAX];
    struct place two[2];
    for (uint32_t i = 0; i < l->cpus; i++)
        head[i] = atomic_load_explicit(&l->ring[i].head, memory_order_acquire);
    for (first_two(l, head, two); two[0].time < horizon; first_two(l, head, two)) {
        uint64_t end = two[1].time + (two[0].ring < two[1].ring && two[1].time != UINT64_MAX);
        emit_run(l, two[0].ring, head[two[0].ring], end < horizon ? end : horizon);
    }
}

void log_make_room(struct log *l, unsigned cpu)
{
    while (log_used(&l->ring[cpu]) == LOG_RING) {
        pthread_mutex_lock(&l->lock);
        merge(l, UINT64_MAX);
        pthread_mutex_unlock(&l->lock);
    }
}

void log_advance(struct log *l, unsigned cpu, uint64_t horizon)
{
    bool much = log_used(&l->ring[cpu]) >= LOG_RING / 4;
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
