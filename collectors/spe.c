/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/spe.h"

#include <errno.h>

#include "collectors/spe_private.h"

enum { PC = 0, DATA_VA = 2, DATA_PA = 3, TOTAL_LATENCY = 0, LOAD_STORE = 1 };
#define ADDRESS_BITS ((UINT64_C(1) << 56) - 1)
#define TOP_BYTE (UINT64_C(0xff) << 56)

static enum spe_kind kind_of(unsigned char h)
{
    if (h == 0x71)
        return SPE_TIMESTAMP;
    if ((h & 0xcf) == 0x42)
        return SPE_EVENTS;
    if ((h & 0xcf) == 0x43)
        return SPE_SOURCE;
    if ((h & 0xfc) == 0x64)
        return SPE_CONTEXT;
    if ((h & 0xfc) == 0x48)
        return SPE_OPERATION;
    if ((h & 0xf8) == 0xb0)
        return SPE_ADDRESS;
    return (h & 0xf8) == 0x98 ? SPE_COUNTER : SPE_OTHER;
}

int spe_packet(const unsigned char *bytes, size_t n, struct spe_packet *p)
{
    unsigned char h = n ? bytes[0] : 0;
    size_t header = 1;
    *p = (struct spe_packet){.kind = SPE_PAD, .size = 1};
    if (!n)
        return 0;
    if (h <= 1) {
        p->kind = h ? SPE_END : SPE_PAD;
        return 1;
    }
    if ((h & 0xfc) == 0x20) { /* the header has a second byte; alignment is that and zeros */
        header = 2;
        if (n < 2)
            return 0;
        p->index = (uint8_t)((h & 3) << 3);
        h = bytes[1];
        p->size = 2;
        if (!h)
            return 1;
    }
    p->kind = (uint8_t)kind_of(h);
    if (p->kind == SPE_OTHER)
        return -EBADMSG;
    size_t payload = (size_t)1 << (h >> 4 & 3);
    if (n < header + payload)
        return 0;
    for (size_t i = payload; i-- > 0;)
        p->payload = p->payload << 8 | bytes[header + i];
    p->index |= h & (p->kind == SPE_ADDRESS || p->kind == SPE_COUNTER ? 7 : 3);
    p->size = (uint8_t)(header + payload);
    return 1;
}

/* The top byte of a data address is a tag; the kernel's half shows in the bits below it. */
static uint64_t untagged(uint64_t payload)
{
    uint64_t address = payload & ADDRESS_BITS;
    return (address >> 52) == 0xf ? address | TOP_BYTE : address;
}

static void address(const struct spe_packet *p, struct sample *s)
{
    unsigned level = p->payload >> 61 & 3; /* of a program counter: exception level */
    if (p->index == PC) {
        s->ip = (p->payload & ADDRESS_BITS) | (level ? TOP_BYTE : 0);
        s->has |= SAMPLE_IP;
        s->kernel = level != 0;
    } else if (p->index == DATA_VA && p->payload & ADDRESS_BITS) {
        s->va = untagged(p->payload);
        s->has |= SAMPLE_VA;
    } else if (p->index == DATA_PA && p->payload & ADDRESS_BITS) {
        s->pa = p->payload & ADDRESS_BITS;
        s->has |= SAMPLE_PA;
    }
}

static void take(const struct spe_setup *setup, const struct spe_packet *p, struct spe_record *r)
{
    struct sample *s = &r->sample;
    if (p->kind == SPE_ADDRESS)
        address(p, s);
    else if (p->kind == SPE_COUNTER && p->index == TOTAL_LATENCY && p->payload) {
        s->latency = (uint32_t)p->payload;
        s->has |= SAMPLE_LATENCY;
    } else if (p->kind == SPE_CONTEXT) {
        s->tid = (uint32_t)p->payload;
        r->context = true;
    } else if (p->kind == SPE_OPERATION) {
        r->memory = p->index == LOAD_STORE;
        r->store = p->payload & 1;
    } else if (p->kind == SPE_EVENTS)
        r->events = p->payload;
    else if (p->kind == SPE_SOURCE) {
        r->source = (uint32_t)p->payload;
        r->has_source = true;
    } else if (p->kind == SPE_TIMESTAMP && setup->clock.mult) {
        s->time = ring_clock_ns(&setup->clock, p->payload);
        s->has |= SAMPLE_TIME;
    }
}

/* Who ran: the context packet knows the thread, the setup the process. */
static void complete(const struct spe_setup *setup, struct spe_record *r, struct sample *out)
{
    struct sample *s = &r->sample;
    s->event = setup->event;
    s->cpu = setup->cpu;
    s->has |= setup->cpu != UINT32_MAX ? SAMPLE_CPU : 0;
    if (r->context || setup->pid) {
        s->pid = setup->pid ? setup->pid : s->tid;
        s->tid = r->context ? s->tid : setup->pid;
        s->has |= SAMPLE_TASK;
    }
    spe_source(setup->midr, r);
    *out = *s;
}

int spe_next(const struct spe_setup *setup, const unsigned char *bytes, size_t n, size_t *used, uint64_t *bad,
             struct sample *out)
{
    struct spe_record r = {0};
    struct spe_packet p;
    size_t at = 0, done = 0; /* done: the end of the last whole record, and of padding behind it */
    bool begun = false;
    for (int got; (got = spe_packet(bytes + at, n - at, &p)) != 0;) {
        if (got < 0 && bad)
            ++*bad;
        if (got > 0)
            take(setup, &p, &r);
        begun |= got > 0 && p.kind != SPE_PAD;
        at += got > 0 ? p.size : 1;
        if (!begun)
            done = at;
        if (got < 0 || (p.kind != SPE_END && p.kind != SPE_TIMESTAMP))
            continue;
        done = at;
        begun = false;
        if (r.memory && (r.sample.has & SAMPLE_VA)) {
            complete(setup, &r, out);
            *used = done;
            return 1;
        }
        r = (struct spe_record){0};
    }
    *used = done;
    return 0;
}
