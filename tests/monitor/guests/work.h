/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a test guest does in user space. One static program is the guest's /init and holds every workload; the kernel's
 * command line says which of them run: do=ITEM[,ITEM...], an item is PART[+PART...] (parts of an item run at the same
 * time), a part is NAME[:NUMBER[:NUMBER[:NUMBER]]]. Each part is a process of its own and ends in one line on the
 * console: "guest: NAME ok ..." or "guest: NAME FAILED ...".
 */
#ifndef TESTS_MONITOR_GUESTS_WORK_H
#define TESTS_MONITOR_GUESTS_WORK_H

#include <stddef.h>
#include <stdint.h>

struct work {
    const char *name;
    const char *help;
    int (*run)(const struct work *, uint64_t a, uint64_t b, uint64_t c); /* 0, or 1: failed and said so */
    uint64_t a, b, c;                                                    /* where the part does not say */
};

/* checksum.c: SECONDS : THREADS (0: one per CPU) : MEGABYTES. Patterns over private, read-shared and write-shared
 * memory with many changes of page tables; every word is checked. */
int checksum_run(const struct work *, uint64_t seconds, uint64_t threads, uint64_t megabytes);

/* hot.c: SECONDS : THREADS : MEGABYTES. Words that are used again at once, for translations that outlive a move. */
int hot_run(const struct work *, uint64_t seconds, uint64_t threads, uint64_t megabytes);

/* vectors.c: SECONDS : THREADS. Values kept in every vector and x87 register over many time slices. */
int vectors_run(const struct work *, uint64_t seconds, uint64_t threads, uint64_t);

/* compute.c: ROUNDS : THREADS. Fixed integer and floating-point work; says how long it took. */
int compute_run(const struct work *, uint64_t rounds, uint64_t threads, uint64_t);

/* churn.c: ROUNDS : JOBS. churn: nothing but short processes, pipes and small files. compile: what lies in /compile
 * (make_guests.py) through compiler and assembler, one process each for every source. */
int churn_run(const struct work *, uint64_t rounds, uint64_t jobs, uint64_t);
int compile_run(const struct work *, uint64_t rounds, uint64_t jobs, uint64_t);

/* disks.c: the n-th virtio disk, whose blocks hold the pattern of disks_make. read: DISK : SECONDS (time to stay
 * afterwards, the page cache full). write: DISK : BLOCKS; reads back what it wrote, past the page cache. */
int disks_read(const struct work *, uint64_t disk, uint64_t seconds, uint64_t);
int disks_write(const struct work *, uint64_t disk, uint64_t blocks, uint64_t);
int disks_make(const char *path, uint64_t megabytes); /* on the host */

/* relay.c: ROUNDS. A thread wakes another one, whose CPU has halted, and computes until that has answered; how long
 * that takes in the mean and at worst. */
int relay_run(const struct work *, uint64_t rounds, uint64_t, uint64_t);

/* secret.c: SECONDS : MEGABYTES. */
int secret_run(const struct work *, uint64_t seconds, uint64_t megabytes, uint64_t);

/* A line on the console, whole even when several processes write. work_fail answers 1. */
void work_say(const struct work *, const char *format, ...) __attribute__((format(printf, 2, 3)));
int work_fail(const struct work *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Nanoseconds of the monotonic clock. */
uint64_t work_now(void);

/* `threads`, or the number of CPUs for 0; at most WORK_THREADS. */
enum { WORK_THREADS = 64 };
unsigned work_threads(uint64_t threads);

/* Runs one function in so many threads, with their numbers; answers whether one of them failed. */
int work_parallel(unsigned threads, int (*run)(void *context, unsigned number), void *context);

/* A word that depends on every bit of `x` (the finalizer of MurmurHash3, Appleby, public domain). */
static inline uint64_t work_mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

#endif
