/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/collectors/fake_perf.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/perf_abi.h"

struct fake_perf fake;

void fake_begin(void)
{
    fake = (struct fake_perf){.offline = -1};
}

void fake_end(void)
{
    for (int i = 0; i < fake.n; i++) {
        cr_expect(fake.event[i].closed, "event %d was left open", i);
        cr_expect_null(fake.event[i].ring, "ring %d was left mapped", i);
        cr_expect_null(fake.event[i].aux, "AUX area %d was left mapped", i);
    }
}

struct fake_event *fake_event(int fd)
{
    cr_assert(fd >= FAKE_FIRST && fd < FAKE_FIRST + fake.n, "descriptor %d", fd);
    cr_assert(!fake.event[fd - FAKE_FIRST].closed);
    return &fake.event[fd - FAKE_FIRST];
}

struct fake_event *fake_on(int cpu, int index)
{
    for (int i = 0; i < fake.n; i++)
        if (!fake.event[i].closed && fake.event[i].cpu == cpu && index-- == 0)
            return &fake.event[i];
    return NULL;
}

static int open_event(void *context, const struct perf_event_attr *attr, pid_t pid, int cpu, int group)
{
    (void)context;
    cr_assert_lt(fake.n, FAKE_EVENTS);
    if (cpu == fake.offline)
        return -ENODEV;
    fake.event[fake.n] = (struct fake_event){.attr = *attr, .pid = pid, .cpu = cpu, .group = group};
    return FAKE_FIRST + fake.n++;
}

/* As the kernel lays it out: the header page, then the data; the AUX area where the header says. */
static void *map(void *context, int fd, size_t bytes, uint64_t offset, int *err)
{
    struct fake_event *e = fake_event(fd);
    (void)context;
    *err = -EPERM;
    if (fake.lock_bytes && bytes > fake.lock_bytes)
        return NULL;
    *err = 0;
    if (offset) {
        cr_assert_eq(offset, e->ring->aux_offset);
        cr_assert_eq(bytes, e->ring->aux_size);
        e->aux_bytes = bytes;
        return e->aux = calloc(1, bytes);
    }
    e->ring = aligned_alloc(FAKE_PAGE, bytes);
    cr_assert_not_null(e->ring);
    memset(e->ring, 0, bytes);
    e->ring->data_offset = FAKE_PAGE;
    e->ring->data_size = bytes - FAKE_PAGE;
    e->ring_bytes = bytes;
    return e->ring;
}

static void unmap(void *context, void *base, size_t bytes)
{
    (void)context;
    for (int i = 0; i < fake.n; i++) {
        struct fake_event *e = &fake.event[i];
        if (e->aux == base) {
            cr_expect_eq(bytes, e->aux_bytes);
            free(e->aux);
            e->aux = NULL;
            return;
        }
        if (e->ring == base) {
            cr_expect_eq(bytes, e->ring_bytes);
            free(e->ring);
            e->ring = NULL;
            return;
        }
    }
    cr_assert_fail("unmapped what was not mapped");
}

static int control(void *context, int fd, unsigned long request, uintptr_t argument)
{
    struct fake_event *e = fake_event(fd);
    uint64_t id = 1000 + (uint64_t)fd;
    (void)context;
    if (request == PERF_EVENT_IOC_ID)
        memcpy((void *)argument, &id, sizeof id);
    else if (request == PERF_EVENT_IOC_SET_OUTPUT) {
        cr_expect_eq(fake_event((int)argument)->cpu, e->cpu, "a ring of another CPU");
        cr_expect_not_null(fake_event((int)argument)->ring);
        e->output = (int)argument;
    } else if (request == PERF_EVENT_IOC_ENABLE || request == PERF_EVENT_IOC_DISABLE)
        e->enabled = request == PERF_EVENT_IOC_ENABLE;
    return 0;
}

static int64_t read_event(void *context, int fd, void *bytes, size_t n)
{
    const struct fake_event *e = fake_event(fd);
    uint64_t words[3] = {e->value, 1000 + (uint64_t)fd, e->lost};
    size_t size = e->attr.read_format & ABI_READ_LOST ? 24 : 16;
    (void)context;
    cr_assert_geq(n, size);
    memcpy(bytes, words, size);
    return (int64_t)size;
}

static int poll_events(void *context, struct pollfd *fds, size_t n, int timeout_ms)
{
    int ready = 0;
    (void)context;
    fake.polls++;
    fake.timeout_ms = (unsigned)timeout_ms;
    for (size_t i = 0; i < n; i++) {
        fds[i].revents = fds[i].fd >= FAKE_FIRST && fake.hang_up ? POLLHUP : 0;
        ready += fds[i].revents != 0;
    }
    return ready;
}

static void close_event(void *context, int fd)
{
    (void)context;
    fake_event(fd)->closed = true;
}

const struct perf_ops fake_perf_ops = {
    .open = open_event,
    .map = map,
    .unmap = unmap,
    .control = control,
    .read = read_event,
    .poll = poll_events,
    .close = close_event,
};

void fake_put(struct fake_event *e, uint32_t type, const void *body, size_t n)
{
    struct abi_header header = {.type = type, .misc = 2, .size = (uint16_t)(sizeof header + n)};
    unsigned char *data = (unsigned char *)e->ring + FAKE_PAGE;
    uint64_t head = e->ring->data_head, size = e->ring->data_size;
    for (size_t i = 0; i < header.size; i++)
        data[(head + i) % size] =
            i < sizeof header ? ((unsigned char *)&header)[i] : ((const unsigned char *)body)[i - sizeof header];
    e->ring->data_head = head + header.size;
}

void fake_put_aux(struct fake_event *e, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        e->aux[(e->ring->aux_head + i) % e->aux_bytes] = ((const unsigned char *)bytes)[i];
    e->ring->aux_head += n;
}
