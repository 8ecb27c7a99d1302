/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The threads of a drmemtrace stream, as text or in binary: where and when each of them stands. Its marks give a time
 * now and then, in microseconds since 1601; accesses between two of them are a step apart.
 */
#ifndef COLLECTORS_READERS_THREADS_H
#define COLLECTORS_READERS_THREADS_H

#include "collectors/readers_text.h"
#include "collectors/to_trace_private.h"

struct readers_thread {
    uint64_t time; /* ns since 1970, of the last access or mark */
    uint32_t tid, pid;
    uint32_t cpu; /* UINT32_MAX: not told */
};

/* Zeroed at first. */
struct readers_threads {
    struct numbers numbers;
    struct readers_thread *thread; /* [numbers.n], by number */
    uint32_t room, last;
};

/* The thread of that number, a new one of process 1 where it was not known; valid until the next call. Null: out of
 * memory, or more than 65536. */
struct readers_thread *readers_threads_of(struct readers_threads *, uint32_t tid);
void readers_threads_free(struct readers_threads *);

/* A mark of time; one that goes backwards is passed over. */
void readers_threads_stamp(struct readers_thread *, uint64_t us_since_1601);

/* A mark of the CPU: Linux keeps the CPU in the low 12 bits and its node above. All ones: not known. */
void readers_threads_cpu(struct readers_thread *, uint64_t mark);

/* One access, a step later than what was before. 0 or -errno with a line. */
int readers_threads_put(struct readers_thread *, uint64_t step, enum sample_op, uint64_t address,
                        struct text_samples *to, struct trace_error *);

#endif
