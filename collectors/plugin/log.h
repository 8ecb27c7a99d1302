/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The raw capture as it is written (docs/trace-format.md, "Raw captures"): records of all CPUs merged into one stream
 * in order of time, with a bounded buffer. What has been written is whole records, so a capture that was killed reads
 * to its end; at most the last fifth of a second is missing.
 */
#ifndef COLLECTORS_PLUGIN_LOG_H
#define COLLECTORS_PLUGIN_LOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { LOG_CPUS_MAX = 64, LOG_RING = 1 << 15, LOG_BUFFER = 1 << 12 };

/* Two words of a record, little-endian, the time in the second one's bits 0-47. */
struct log_record {
    uint64_t a, b;
};
#define LOG_TIME_MASK (((uint64_t)1 << 48) - 1)

/* Of the capture, as its header says it. */
struct log_header {
    uint32_t line_size, page_size;
    bool whole_system;
    uint64_t quantum;
    uint32_t l1_sets, l1_ways, l2_sets, l2_ways;
};

struct log_ring {
    _Alignas(64) atomic_uint head; /* of the next record to put, by the CPU's thread */
    _Alignas(64) atomic_uint tail; /* of the next to take, with the log's lock held */
    struct log_record record[LOG_RING];
};

struct log {
    int fd;
    uint32_t cpus;
    struct log_ring *ring; /* [cpus] */
    uint64_t limit;        /* records written at most */
    atomic_bool full;      /* the limit is reached, or the disk: nothing more is taken */
    pthread_mutex_t lock;  /* over what follows, and over taking from rings */
    uint64_t last;         /* time of the last record taken */
    uint64_t written;
    _Atomic uint64_t flushed_ns; /* read without the lock */
    uint32_t n;
    struct log_record buffer[LOG_BUFFER];
};

/* Makes the file, which must not be there, and writes the header. limit 0: none. 0 or -errno. */
int log_open(struct log *, const char *path, const struct log_header *, uint32_t cpus, uint64_t limit);

/* By the CPU's thread. Times of one CPU do not go backwards. When the CPU's ring is full, everything that all rings
 * hold is written first, and what comes later for a time before that gets that time. */
static inline void log_put(struct log *, unsigned cpu, struct log_record);

/* Writes what is known to come before any record yet to be put: records before `horizon`. Does nothing until a ring is
 * a quarter full or a fifth of a second has passed. By any thread; cheap when there is nothing to do. */
void log_advance(struct log *, unsigned cpu, uint64_t horizon);

/* Writes everything there is: the process may be about to go. */
void log_flush(struct log *);

/* Writes everything and closes. The rings stay for threads that are late; they are the process's to its end. */
void log_close(struct log *);

/* After fork, in the child: the capture is the parent's. */
void log_abandon(struct log *);

/* Until the CPU's ring has room. */
void log_make_room(struct log *, unsigned cpu);

static inline unsigned log_used(const struct log_ring *r)
{
    return atomic_load_explicit(&r->head, memory_order_relaxed) - atomic_load_explicit(&r->tail, memory_order_acquire);
}

static inline void log_put(struct log *l, unsigned cpu, struct log_record record)
{
    struct log_ring *r = &l->ring[cpu];
    if (atomic_load_explicit(&l->full, memory_order_relaxed))
        return;
    if (log_used(r) == LOG_RING)
        log_make_room(l, cpu);
    unsigned head = atomic_load_explicit(&r->head, memory_order_relaxed);
    r->record[head % LOG_RING] = record;
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

#endif
