/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collectors/attr.h"
#include "collectors/perf_abi.h"

void attr_step(struct attr_steps *steps, const char *format, ...)
{
    size_t used = strlen(steps->text), room = sizeof steps->text - used;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(steps->text + used, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n + 1 >= room)
        steps->text[used] = 0;
    else
        memcpy(steps->text + used + n, "\n", 2);
}

void attr_steps_print(FILE *out, const struct attr_steps *steps)
{
    for (const char *line = steps->text; *line; line += strcspn(line, "\n") + 1)
        fprintf(out, "  %.*s\n", (int)strcspn(line, "\n"), line);
}

/* --- what is asked for --- */

static void common(const struct attr_wish *w, struct perf_event_attr *a)
{
    a->size = sizeof *a;
    a->read_format = ABI_READ_ID | ABI_READ_LOST;
    a->sample_id_all = 1;
    a->use_clockid = 1;
    a->clockid = CLOCK_MONOTONIC;
    a->disabled = 1;
    a->enable_on_exec = w->enable_on_exec;
    a->inherit = w->inherit;
    a->watermark = 1;
    a->wakeup_watermark = w->ring_bytes / 4;
    a->exclude_kernel = !w->kernel;
}

static uint64_t memory_fields(const struct attr_wish *w)
{
    uint64_t fields = ABI_DATA_SRC | ABI_WEIGHT_STRUCT | ABI_DATA_PAGE_SIZE;
    if (w->physical)
        fields |= ABI_PHYS_ADDR;
    return w->registers ? fields | ABI_RAW : fields;
}

/* A precise event keeps out of guests, which the hardware cannot sample from the host; IBS refuses any exclusion. */
void attr_sampling(const struct encode_event *e, bool memory, const struct attr_wish *w, struct perf_event_attr *a)
{
    *a = (struct perf_event_attr){.type = e->code.type, .config = e->code.config[0]};
    a->config1 = e->code.config[1];
    a->config2 = e->code.config[2];
    common(w, a);
    a->sample_type = ABI_IDENTIFIER | ABI_TID | ABI_TIME | ABI_CPU;
    if (!(e->flags & ENCODE_AUX_AREA))
        a->sample_type |= ABI_IP | ABI_ADDR | ABI_PERIOD | (memory ? memory_fields(w) : 0);
    if (e->code.type == ABI_TYPE_TRACEPOINT)
        a->sample_type |= ABI_RAW;
    a->sample_period = e->period;
    if (w->rate && !(e->flags & ENCODE_AUX_AREA)) {
        a->freq = 1;
        a->sample_freq = w->rate;
    }
    a->precise_ip = (unsigned char)(e->precise & 3);
    a->exclude_guest = e->precise && !(e->flags & ENCODE_KEEP_KERNEL);
    if (e->flags & ENCODE_KEEP_KERNEL)
        a->exclude_kernel = 0;
}

void attr_dummy(const struct attr_wish *w, struct perf_event_attr *a)
{
    *a = (struct perf_event_attr){.type = ABI_TYPE_SOFTWARE, .config = ABI_SW_DUMMY};
    common(w, a);
    a->sample_type = ABI_IDENTIFIER | ABI_TID | ABI_TIME | ABI_CPU;
    a->sample_period = 1;
    a->mmap = a->mmap2 = a->mmap_data = 1;
    a->comm = a->comm_exec = 1;
    a->task = 1;
    a->context_switch = 0;
    a->exclude_kernel = 1;
}

/* --- asking for less --- */

enum feature {
    SPLIT_WEIGHT,
    PAGE_SIZE,
    PHYSICAL,
    LOST_COUNT,
    OPTIONAL_BITS,
    PRECISION,
    KERNEL,
    CHOSEN_CLOCK,
    FEATURES
};

static const char *const names[FEATURES] = {
    [SPLIT_WEIGHT] = "one weight in place of three",
    [PAGE_SIZE] = "no page sizes",
    [PHYSICAL] = "no physical addresses",
    [LOST_COUNT] = "no count of lost records from the kernel",
    [OPTIONAL_BITS] = "no physical addresses (event bits given up)",
    [PRECISION] = "less precise instruction addresses",
    [KERNEL] = "the program's accesses only, not the kernel's",
    [CHOSEN_CLOCK] = "time in the kernel's own clock, not CLOCK_MONOTONIC",
};

struct asked {
    const struct perf_ops *ops;
    const struct encode_event *event;
    struct perf_event_attr attr;
    pid_t pid;
    int cpu;
    int why[FEATURES]; /* errno that made it go; 0: not gone */
};

static bool denied(int err)
{
    return err == -EACCES || err == -EPERM;
}

static bool present(const struct asked *a, enum feature f)
{
    switch (f) {
    case SPLIT_WEIGHT:
        return a->attr.sample_type & ABI_WEIGHT_STRUCT;
    case PAGE_SIZE:
        return a->attr.sample_type & ABI_DATA_PAGE_SIZE;
    case PHYSICAL:
        return a->attr.sample_type & ABI_PHYS_ADDR;
    case LOST_COUNT:
        return a->attr.read_format & ABI_READ_LOST;
    case OPTIONAL_BITS:
        return a->attr.config & a->event->optional;
    case PRECISION:
        return a->attr.precise_ip > 1;
    case KERNEL:
        return !a->attr.exclude_kernel && !(a->event->flags & ENCODE_KEEP_KERNEL);
    default:
        return a->attr.use_clockid;
    }
}

/* Could this feature be why the kernel said `err`? */
static bool suspect(enum feature f, int err)
{
    switch (f) {
    case PHYSICAL:
        return denied(err) || err == -EINVAL;
    case OPTIONAL_BITS:
    case KERNEL:
        return denied(err);
    case PRECISION:
        return err == -EOPNOTSUPP || err == -EINVAL;
    default:
        return err == -EINVAL;
    }
}

static void drop(struct perf_event_attr *attr, enum feature f, const struct encode_event *event)
{
    switch (f) {
    case SPLIT_WEIGHT:
        attr->sample_type = (attr->sample_type & ~(uint64_t)ABI_WEIGHT_STRUCT) | ABI_WEIGHT;
        break;
    case PAGE_SIZE:
        attr->sample_type &= ~(uint64_t)ABI_DATA_PAGE_SIZE;
        break;
    case PHYSICAL:
        attr->sample_type &= ~(uint64_t)ABI_PHYS_ADDR;
        break;
    case LOST_COUNT:
        attr->read_format &= ~(uint64_t)ABI_READ_LOST;
        break;
    case OPTIONAL_BITS:
        attr->config &= ~event->optional;
        break;
    case PRECISION:
        attr->precise_ip--;
        break;
    case KERNEL:
        attr->exclude_kernel = 1;
        break;
    default:
        attr->use_clockid = 0;
        attr->clockid = 0;
    }
}

/* The opposite of drop; precision goes up by one. */
static void take_back(struct perf_event_attr *attr, enum feature f, const struct encode_event *event,
                      const struct perf_event_attr *first)
{
    switch (f) {
    case SPLIT_WEIGHT:
        attr->sample_type = (attr->sample_type & ~(uint64_t)ABI_WEIGHT) | ABI_WEIGHT_STRUCT;
        break;
    case PAGE_SIZE:
        attr->sample_type |= ABI_DATA_PAGE_SIZE;
        break;
    case PHYSICAL:
        attr->sample_type |= ABI_PHYS_ADDR;
        break;
    case LOST_COUNT:
        attr->read_format |= ABI_READ_LOST;
        break;
    case OPTIONAL_BITS:
        attr->config |= event->optional & first->config;
        break;
    case PRECISION:
        attr->precise_ip++;
        break;
    case KERNEL:
        attr->exclude_kernel = 0;
        break;
    default:
        attr->use_clockid = 1;
        attr->clockid = first->clockid;
    }
}

int attr_open(const struct perf_ops *ops, const struct encode_event *e, const struct perf_event_attr *attr, pid_t pid,
              int cpu, int *leader)
{
    *leader = -1;
    if (e->leader) {
        struct perf_event_attr lead = *attr;
        lead.config = e->leader;
        lead.config1 = lead.config2 = 0;
        lead.sample_type = ABI_IDENTIFIER;
        lead.sample_period = 0;
        lead.freq = lead.precise_ip = lead.watermark = 0;
        lead.wakeup_watermark = 0;
        int fd = ops->open(ops->context, &lead, pid, cpu, -1);
        if (fd < 0)
            return fd;
        *leader = fd;
    }
    int fd = ops->open(ops->context, attr, pid, cpu, *leader);
    if (fd < 0 && *leader >= 0) {
        ops->close(ops->context, *leader);
        *leader = -1;
    }
    return fd;
}

static int try(const struct asked *a, const struct perf_event_attr *attr)
{
    int leader, fd = attr_open(a->ops, a->event, attr, a->pid, a->cpu, &leader);
    if (fd < 0)
        return fd;
    a->ops->close(a->ops->context, fd);
    if (leader >= 0)
        a->ops->close(a->ops->context, leader);
    return 0;
}

static int give_up_until_it_opens(struct asked *a)
{
    int err;
    while ((err = try(a, &a->attr))) {
        enum feature f = 0;
        while (f < FEATURES && !(present(a, f) && suspect(f, err)))
            f++;
        if (f == FEATURES)
            return err;
        drop(&a->attr, f, a->event);
        a->why[f] = err;
    }
    return 0;
}

/* Of several suspects the first to go need not have been the one: each is tried again in the company that opens. */
static void take_back_the_innocent(struct asked *a, const struct perf_event_attr *first)
{
    for (enum feature f = 0; f < FEATURES; f++)
        while (a->why[f]) {
            struct perf_event_attr more = a->attr;
            take_back(&more, f, a->event, first);
            if (try(a, &more))
                break;
            a->attr = more;
            if (f != PRECISION || a->attr.precise_ip == first->precise_ip)
                a->why[f] = 0;
        }
}

int attr_settle(const struct perf_ops *ops, const struct encode_event *e, struct perf_event_attr *attr, pid_t pid,
                int cpu, struct attr_steps *steps)
{
    struct asked a = {.ops = ops, .event = e, .attr = *attr, .pid = pid, .cpu = cpu};
    int err = give_up_until_it_opens(&a);
    if (err)
        return err;
    take_back_the_innocent(&a, attr);
    for (enum feature f = 0; f < FEATURES; f++)
        if (a.why[f])
            attr_step(steps, "%s: %s (%s)", e->name, names[f], strerror(-a.why[f]));
    *attr = a.attr;
    return 0;
}
