/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/collectors/sample_writer.h"

#include <string.h>

struct out {
    unsigned char *at;
};

static void u64(struct out *o, uint64_t value)
{
    memcpy(o->at, &value, 8);
    o->at += 8;
}

static void u32(struct out *o, uint32_t a, uint32_t b)
{
    memcpy(o->at, &a, 4);
    memcpy(o->at + 4, &b, 4);
    o->at += 8;
}

static void many(struct out *o, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        u64(o, UINT64_C(0xdead000000000000) + i);
}

void writer_attr(const struct writer_event *e, unsigned char attr[136])
{
    uint32_t size = e->size ? e->size : 136;
    uint64_t flags = UINT64_C(1) << 18; /* sample_id_all */
    memset(attr, 0, 136);
    memcpy(attr, &e->type, 4);
    memcpy(attr + 4, &size, 4);
    memcpy(attr + 8, &e->config, 8);
    memcpy(attr + 24, &e->sample_type, 8);
    memcpy(attr + 32, &e->read_format, 8);
    memcpy(attr + 40, &flags, 8);
    memcpy(attr + 72, &e->branch, 8);
    memcpy(attr + 80, &e->regs_user, 8);
    memcpy(attr + 96, &e->regs_intr, 8);
}

static void head(unsigned char *record, uint32_t type, uint16_t misc, size_t size)
{
    uint16_t size16 = (uint16_t)size;
    memcpy(record, &type, 4);
    memcpy(record + 4, &misc, 2);
    memcpy(record + 6, &size16, 2);
}

static unsigned bits(uint64_t mask)
{
    unsigned n = 0;
    for (; mask; mask >>= 1)
        n += mask & 1;
    return n;
}

static void counts(const struct writer_event *e, struct out *o)
{
    unsigned each = 1 + (e->read_format >> 2 & 1) + (e->read_format >> 4 & 1);
    unsigned times = (e->read_format & 1) + (e->read_format >> 1 & 1);
    if (e->read_format & 8) {
        u64(o, 3);
        many(o, times + 3 * each);
    } else
        many(o, times + each);
}

static void registers(uint64_t mask, unsigned there, struct out *o)
{
    u64(o, there);
    if (there)
        many(o, bits(mask));
}

static void front(const struct writer_event *e, const struct writer_values *v, struct out *o)
{
    uint64_t t = e->sample_type;
    if (t >> 16 & 1)
        u64(o, e->id);
    if (t & 1)
        u64(o, v->ip);
    if (t >> 1 & 1)
        u32(o, v->pid, v->tid);
    if (t >> 2 & 1)
        u64(o, v->time);
    if (t >> 3 & 1)
        u64(o, v->addr);
    if (t >> 6 & 1)
        u64(o, e->id);
    if (t >> 9 & 1)
        u64(o, 77);
    if (t >> 7 & 1)
        u32(o, v->cpu, 0);
    if (t >> 8 & 1)
        u64(o, v->period);
    if (t >> 4 & 1)
        counts(e, o);
}

static void middle(const struct writer_event *e, const struct writer_values *v, struct out *o)
{
    uint64_t t = e->sample_type;
    if (t >> 5 & 1) {
        u64(o, v->chain);
        many(o, v->chain);
    }
    if (t >> 10 & 1) {
        memcpy(o->at, &v->raw_size, 4);
        if (v->raw_size)
            memcpy(o->at + 4, v->raw, v->raw_size);
        o->at += 4 + v->raw_size;
    }
    if (t >> 11 & 1) {
        u64(o, v->branches);
        many(o, 3 * v->branches + (e->branch >> 17 & 1) + (e->branch >> 19 & 1) * v->branches);
    }
    if (t >> 12 & 1)
        registers(e->regs_user, v->registers, o);
    if (t >> 13 & 1) {
        u64(o, 8 * (uint64_t)v->stack);
        many(o, v->stack + (v->stack ? 1 : 0));
    }
}

static void back(const struct writer_event *e, const struct writer_values *v, struct out *o)
{
    uint64_t t = e->sample_type;
    if ((t >> 14 & 1) || (t >> 24 & 1))
        u64(o, v->weight);
    if (t >> 15 & 1)
        u64(o, v->source);
    if (t >> 17 & 1)
        u64(o, 88);
    if (t >> 18 & 1)
        registers(e->regs_intr, v->registers, o);
    if (t >> 19 & 1)
        u64(o, v->phys);
    if (t >> 21 & 1)
        u64(o, 99);
    if (t >> 22 & 1)
        u64(o, v->page_size);
    if (t >> 23 & 1)
        u64(o, 4096);
    if (t >> 20 & 1) {
        u64(o, 16);
        many(o, 2);
    }
}

size_t writer_sample(const struct writer_event *e, const struct writer_values *v, unsigned char *record)
{
    struct out o = {record + 8};
    front(e, v, &o);
    middle(e, v, &o);
    back(e, v, &o);
    head(record, 9, 2, (size_t)(o.at - record));
    return (size_t)(o.at - record);
}

size_t writer_record(const struct writer_event *e, const struct writer_values *v, uint32_t type, uint16_t misc,
                     const void *body, size_t n, unsigned char *record)
{
    struct out o = {record + 8};
    uint64_t t = e->sample_type;
    memcpy(o.at, body, n);
    o.at += n;
    if (t >> 1 & 1)
        u32(&o, v->pid, v->tid);
    if (t >> 2 & 1)
        u64(&o, v->time);
    if (t >> 6 & 1)
        u64(&o, e->id);
    if (t >> 9 & 1)
        u64(&o, 77);
    if (t >> 7 & 1)
        u32(&o, v->cpu, 0);
    if (t >> 16 & 1)
        u64(&o, e->id);
    head(record, type, misc, (size_t)(o.at - record));
    return (size_t)(o.at - record);
}
