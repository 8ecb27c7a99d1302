/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The events and the ids of their instances.
 */
#include <errno.h>
#include <stdlib.h>

#include "collectors/decode_private.h"

enum { SLOTS_LEAST = 64, IDS_MAX = 1 << 22 };

struct decoder *decoder_new(void)
{
    struct decoder *d = calloc(1, sizeof *d);
    if (d)
        d->id_at = d->id_back = -1;
    return d;
}

void decoder_free(struct decoder *d)
{
    if (!d)
        return;
    free(d->event);
    free(d->id);
    free(d);
}

static size_t slot_of(const struct decode_id *table, size_t slots, uint64_t id)
{
    size_t at = (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (slots - 1);
    while (table[at].id && table[at].id != id)
        at = (at + 1) & (slots - 1);
    return at;
}

static int grow(struct decoder *d)
{
    size_t slots = d->slots ? 2 * d->slots : SLOTS_LEAST;
    struct decode_id *table = calloc(slots, sizeof *table);
    if (!table)
        return -ENOMEM;
    for (size_t i = 0; i < d->slots; i++)
        if (d->id[i].id)
            table[slot_of(table, slots, d->id[i].id)] = d->id[i];
    free(d->id);
    d->id = table;
    d->slots = slots;
    return 0;
}

struct decode_id *decoder_slot(const struct decoder *d, uint64_t id)
{
    if (!id || !d->slots)
        return NULL;
    struct decode_id *slot = &d->id[slot_of(d->id, d->slots, id)];
    return slot->id ? slot : NULL;
}

int decoder_find(const struct decoder *d, uint64_t id)
{
    const struct decode_id *slot = decoder_slot(d, id);
    return slot ? (int)slot->event : -1;
}

int decoder_add_id(struct decoder *d, uint32_t event, uint64_t id)
{
    if (event >= d->events)
        return -EINVAL;
    if (!id)
        return 0; /* files have rows of zeros where a CPU was off */
    if (d->ids >= IDS_MAX)
        return -E2BIG;
    if (2 * (d->ids + 1) > d->slots && grow(d))
        return -ENOMEM;
    struct decode_id *slot = &d->id[slot_of(d->id, d->slots, id)];
    d->ids += !slot->id;
    *slot = (struct decode_id){.id = id, .event = event, .cpu = -1, .tid = -1};
    return 0;
}

int decoder_place_id(struct decoder *d, uint64_t id, int32_t cpu, int32_t tid)
{
    struct decode_id *slot = decoder_slot(d, id);
    if (!slot)
        return -ENOENT;
    slot->cpu = cpu;
    slot->tid = tid;
    return 0;
}

uint32_t decoder_events(const struct decoder *d)
{
    return d->events;
}

struct decode_event *decoder_event(struct decoder *d, uint32_t event)
{
    return &d->event[event];
}

void decoder_set_name(struct decode_event *e, const char *name, size_t n)
{
    size_t length = strnlen(name, n < sizeof e->name ? n : sizeof e->name - 1);
    memcpy(e->name, name, length);
    e->name[length] = '\0';
    for (char *t = e->name; *t; t++)
        if ((unsigned char)*t < ' ' || *t == 127)
            *t = ' ';
}

static int id_at(const struct decode_event *e)
{
    uint64_t before = ABI_IP | ABI_TID | ABI_TIME | ABI_ADDR;
    if (e->sample_type & ABI_IDENTIFIER)
        return 0;
    return e->sample_type & ABI_ID ? 8 * __builtin_popcountll(e->sample_type & before) : -1;
}

static int id_back(const struct decode_event *e)
{
    uint64_t after = ABI_STREAM_ID | ABI_CPU;
    if (!e->sample_id_all)
        return -1;
    if (e->sample_type & ABI_IDENTIFIER)
        return 8;
    return e->sample_type & ABI_ID ? 8 + 8 * __builtin_popcountll(e->sample_type & after) : -1;
}

/* A field of the attribute, 0 where this version of it had none. */
static uint64_t field(const unsigned char *attr, size_t size, size_t at, size_t width)
{
    uint64_t value = 0;
    if (at + width <= size)
        memcpy(&value, attr + at, width);
    return value;
}

static enum decode_kind kind_of(const struct decode_event *e)
{
    bool fault =
        e->config == ABI_SW_PAGE_FAULTS || e->config == ABI_SW_PAGE_FAULTS_MIN || e->config == ABI_SW_PAGE_FAULTS_MAJ;
    return e->type == ABI_TYPE_SOFTWARE && fault ? DECODE_PAGE_FAULT : DECODE_PLAIN;
}

/* Each fixed field is a word. */
static uint16_t fixed_size(uint64_t sample_type)
{
    const uint64_t words = ABI_IDENTIFIER | ABI_IP | ABI_TID | ABI_TIME | ABI_ADDR | ABI_ID | ABI_STREAM_ID | ABI_CPU |
                           ABI_PERIOD | ABI_WEIGHT | ABI_WEIGHT_STRUCT | ABI_DATA_SRC | ABI_TRANSACTION |
                           ABI_PHYS_ADDR | ABI_CGROUP | ABI_DATA_PAGE_SIZE | ABI_CODE_PAGE_SIZE;
    bool both = (sample_type & ABI_WEIGHT) && (sample_type & ABI_WEIGHT_STRUCT); /* which no kernel writes */
    return both || sample_type & ~words ? 0 : (uint16_t)(8 * __builtin_popcountll(sample_type & words));
}

static void parse(struct decode_event *e, const unsigned char *attr, size_t size)
{
    uint64_t flags = field(attr, size, ABI_ATTR_FLAGS, 8);
    memset(e, 0, sizeof *e);
    e->type = (uint32_t)field(attr, size, ABI_ATTR_TYPE, 4);
    e->config = field(attr, size, ABI_ATTR_CONFIG, 8);
    e->config1 = field(attr, size, ABI_ATTR_CONFIG1, 8);
    e->config2 = field(attr, size, ABI_ATTR_CONFIG2, 8);
    e->period = field(attr, size, ABI_ATTR_PERIOD, 8);
    e->sample_type = field(attr, size, ABI_ATTR_SAMPLE_TYPE, 8);
    e->read_format = field(attr, size, ABI_ATTR_READ_FORMAT, 8);
    e->branch_sample_type = field(attr, size, ABI_ATTR_BRANCH, 8);
    e->regs_user = field(attr, size, ABI_ATTR_REGS_USER, 8);
    e->regs_intr = field(attr, size, ABI_ATTR_REGS_INTR, 8);
    e->clockid = (int32_t)(uint32_t)field(attr, size, ABI_ATTR_CLOCKID, 4);
    e->freq = flags & ABI_FLAG_FREQ;
    e->use_clockid = flags & ABI_FLAG_USE_CLOCKID;
    e->sample_id_all = flags & ABI_FLAG_SAMPLE_ID_ALL;
    e->kind = kind_of(e);
    e->fixed = fixed_size(e->sample_type);
    e->fault_address = 8;
    e->fault_ip = 16;
    e->fault_error = 24;
}

int decoder_add(struct decoder *d, const void *attr, size_t size, const uint64_t *ids, size_t n)
{
    if (size < ABI_ATTR_SIZE_LEAST || size > ABI_ATTR_SIZE_MOST)
        return -EINVAL;
    if (d->events == DECODE_EVENTS_MAX)
        return -E2BIG;
    if (d->events == d->room) {
        uint32_t room = d->room ? 2 * d->room : 8;
        struct decode_event *event = realloc(d->event, room * sizeof *event);
        if (!event)
            return -ENOMEM;
        d->event = event;
        d->room = room;
    }
    struct decode_event *e = &d->event[d->events];
    parse(e, attr, size);
    if (d->events && (d->id_at != id_at(e) || d->id_back != id_back(e) ||
                      (id_at(e) < 0 && d->event[0].sample_type != e->sample_type)))
        d->mixed = true;
    if (!d->events) {
        d->id_at = id_at(e);
        d->id_back = id_back(e);
    }
    int index = (int)d->events++, err = 0;
    for (size_t i = 0; !err && i < n; i++)
        err = decoder_add_id(d, (uint32_t)index, ids[i]);
    return err ? err : index;
}
