/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The consumer's side of a perf ring buffer and of its AUX area. It needs a mapping only, {base, size}: a memfd that
 * looks like one serves as well as an event. Protocol: include/uapi/linux/perf_event.h, struct perf_event_mmap_page
 * (Linux 6.18); kernel/events/ring_buffer.c.
 *
 * One thread per ring. What the producer wrote into the header is checked, not believed.
 */
#ifndef COLLECTORS_RING_H
#define COLLECTORS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct ring {
    unsigned char *base;
    unsigned char *data, *aux;
    uint64_t size, aux_size; /* powers of two; aux_size 0: no AUX area */
    uint64_t head, tail;     /* positions never wrap; the place is position % size */
    uint64_t aux_head, aux_tail;
    unsigned char joined[65536]; /* a record that wraps */
};

/* How cycles of the CPU's clock become ns of the ring's time, and which: 0, or -ENOTSUP when the kernel does not say
 * (cap_user_time_zero). ns = zero + (cycles * mult >> shift), in 128 bits. */
struct ring_clock {
    uint64_t zero;
    uint32_t mult;
    uint16_t shift;
};
int ring_clock(const struct ring *, struct ring_clock *);
uint64_t ring_clock_ns(const struct ring_clock *, uint64_t cycles);

/* `base`: a mapping of `bytes`: one page of header and the data. -EINVAL: the sizes in the header do not fit it. The
 * struct stays where it is (64 KiB: on the heap). */
int ring_init(struct ring *, void *base, size_t bytes);

/* The AUX area, mapped at `aux` after aux_offset and aux_size were written to the header. -EINVAL as above. */
int ring_init_aux(struct ring *, void *aux, size_t bytes);

/* The next record, header included, valid until ring_release. 1; 0: the ring is empty; -EBADMSG: the ring is corrupt (a
 * size below 8, no multiple of 8 or beyond the head; a head that ran backwards or past the tail): nothing more can be
 * read.
 */
int ring_next(struct ring *, const void **bytes, size_t *n);

/* Gives the room of all records taken so far back to the producer. */
void ring_release(struct ring *);

/* All bytes there are, as one or two pieces, without looking into them; whole records, since the producer publishes
 * whole ones. Their number, or -EBADMSG. ring_take moves over n of them; then ring_release. */
int64_t ring_pieces(struct ring *, struct iovec pieces[2]);
void ring_take(struct ring *, uint64_t n);

/* The same for the AUX area; *position is that of the first byte. Takes effect with ring_release_aux. */
int64_t ring_aux_pieces(struct ring *, struct iovec pieces[2], uint64_t *position);
void ring_aux_take(struct ring *, uint64_t n);
void ring_release_aux(struct ring *);

#endif
