/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/ring.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "collectors/perf_abi.h"

/* Byte offsets in struct perf_event_mmap_page. */
enum {
    CAPABILITIES = 40,
    TIME_SHIFT = 50,
    TIME_MULT = 52,
    TIME_ZERO = 64,
    DATA_HEAD = 1024,
    DATA_TAIL = 1032,
    DATA_OFFSET = 1040,
    DATA_SIZE = 1048,
    AUX_HEAD = 1056,
    AUX_TAIL = 1064,
    AUX_SIZE = 1080,
    HEADER = 1088
};
enum { CAP_USER_TIME_ZERO = 1 << 4 };

static uint64_t *word(const struct ring *ring, size_t at)
{
    return (uint64_t *)(void *)(ring->base + at);
}

static uint64_t load(const struct ring *ring, size_t at)
{
    return __atomic_load_n(word(ring, at), __ATOMIC_RELAXED);
}

static bool power_of_two(uint64_t n)
{
    return n && !(n & (n - 1));
}

int ring_init(struct ring *ring, void *base, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!base || bytes < HEADER || bytes < page)
        return -EINVAL;
    ring->base = base;
    ring->aux = NULL;
    ring->aux_size = ring->aux_head = ring->aux_tail = 0;
    uint64_t offset = load(ring, DATA_OFFSET), size = load(ring, DATA_SIZE);
    if (!offset && !size) { /* kernels before 4.1 */
        offset = page;
        size = bytes - page;
    }
    if (offset < HEADER || offset % 8 || offset > bytes || size > bytes - offset || size < 64 || !power_of_two(size))
        return -EINVAL;
    ring->data = ring->base + offset;
    ring->size = size;
    ring->tail = load(ring, DATA_TAIL);
    ring->head = ring->tail;
    return 0;
}

int ring_init_aux(struct ring *ring, void *aux, size_t bytes)
{
    uint64_t size = load(ring, AUX_SIZE);
    if (!aux || size > bytes || !power_of_two(size))
        return -EINVAL;
    ring->aux = aux;
    ring->aux_size = size;
    ring->aux_tail = load(ring, AUX_TAIL);
    ring->aux_head = ring->aux_tail;
    return 0;
}

int ring_clock(const struct ring *ring, struct ring_clock *clock)
{
    if (!(load(ring, CAPABILITIES) & CAP_USER_TIME_ZERO))
        return -ENOTSUP;
    clock->zero = load(ring, TIME_ZERO);
    memcpy(&clock->mult, ring->base + TIME_MULT, sizeof clock->mult);
    memcpy(&clock->shift, ring->base + TIME_SHIFT, sizeof clock->shift);
    return clock->mult && clock->shift < 64 ? 0 : -ENOTSUP;
}

uint64_t ring_clock_ns(const struct ring_clock *clock, uint64_t cycles)
{
    return clock->zero + (uint64_t)((unsigned __int128)cycles * clock->mult >> clock->shift);
}

/* Acquire: what the producer wrote before this head is seen after it. The producer is not trusted to keep the head
 * within one turn of the tail. */
static int refresh(const struct ring *ring, size_t at, uint64_t *head, uint64_t tail, uint64_t size)
{
    uint64_t now = __atomic_load_n(word(ring, at), __ATOMIC_ACQUIRE);
    if (now < *head || now - tail > size)
        return -EBADMSG;
    *head = now;
    return 0;
}

int ring_next(struct ring *ring, const void **bytes, size_t *n)
{
    if (ring->tail == ring->head && refresh(ring, DATA_HEAD, &ring->head, ring->tail, ring->size))
        return -EBADMSG;
    if (ring->tail == ring->head)
        return 0;
    uint64_t at = ring->tail & (ring->size - 1), left = ring->head - ring->tail;
    struct abi_header header;
    if (at % 8 || left < sizeof header)
        return -EBADMSG;
    memcpy(&header, ring->data + at, sizeof header); /* 8 bytes at a multiple of 8 never wrap */
    if (header.size < sizeof header || header.size % 8 || header.size > left)
        return -EBADMSG;
    *bytes = ring->data + at;
    *n = header.size;
    if (at + header.size > ring->size) {
        size_t first = (size_t)(ring->size - at);
        memcpy(ring->joined, ring->data + at, first);
        memcpy(ring->joined + first, ring->data, header.size - first);
        *bytes = ring->joined;
    }
    ring->tail += header.size;
    return 1;
}

/* Release: the bytes were read before the producer may overwrite them. */
void ring_release(struct ring *ring)
{
    __atomic_store_n(word(ring, DATA_TAIL), ring->tail, __ATOMIC_RELEASE);
}

static int64_t cut(unsigned char *area, uint64_t size, uint64_t tail, uint64_t head, struct iovec pieces[2])
{
    uint64_t at = tail & (size - 1), left = head - tail, first = left < size - at ? left : size - at;
    pieces[0] = (struct iovec){area + at, (size_t)first};
    pieces[1] = (struct iovec){area, (size_t)(left - first)};
    return (int64_t)left;
}

int64_t ring_pieces(struct ring *ring, struct iovec pieces[2])
{
    if (refresh(ring, DATA_HEAD, &ring->head, ring->tail, ring->size) || ring->tail % 8 || ring->head % 8)
        return -EBADMSG;
    return cut(ring->data, ring->size, ring->tail, ring->head, pieces);
}

void ring_take(struct ring *ring, uint64_t n)
{
    ring->tail += n;
}

int64_t ring_aux_pieces(struct ring *ring, struct iovec pieces[2], uint64_t *position)
{
    *position = ring->aux_tail;
    if (!ring->aux_size)
        return 0;
    if (refresh(ring, AUX_HEAD, &ring->aux_head, ring->aux_tail, ring->aux_size))
        return -EBADMSG;
    return cut(ring->aux, ring->aux_size, ring->aux_tail, ring->aux_head, pieces);
}

void ring_aux_take(struct ring *ring, uint64_t n)
{
    ring->aux_tail += n;
}

void ring_release_aux(struct ring *ring)
{
    __atomic_store_n(word(ring, AUX_TAIL), ring->aux_tail, __ATOMIC_RELEASE);
}
