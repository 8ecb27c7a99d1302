/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Records that user tools write between the kernel's, as far as they do not reach the caller.
 */
#include <errno.h>

#include "collectors/perfdata_private.h"

/* An attribute record: the attribute says its own size, ids follow. */
static void attribute(struct perfdata *p, struct cursor *c)
{
    uint32_t size;
    if (c->end - c->at < ABI_ATTR_SIZE_LEAST)
        return;
    memcpy(&size, c->at + ABI_ATTR_SIZE, sizeof size);
    size = size ? size : ABI_ATTR_SIZE_LEAST;
    const unsigned char *attr = cursor_skip(c, size);
    int event = attr ? decoder_add(p->decoder, attr, size, NULL, 0) : -EINVAL;
    while (event >= 0 && c->end - c->at >= 8)
        decoder_add_id(p->decoder, (uint32_t)event, cursor_u64(c));
    p->facts.bad += event < 0;
    perfdata_name_events(p);
}

static void update(struct perfdata *p, struct cursor *c)
{
    uint64_t type = cursor_u64(c), id = cursor_u64(c);
    int event = decoder_find(p->decoder, id);
    if (event < 0 && decoder_events(p->decoder) == 1)
        event = 0;
    if (type != ABI_UPDATE_NAME || event < 0 || c->bad)
        return;
    decoder_set_name(decoder_event(p->decoder, (uint32_t)event), (const char *)c->at, (size_t)(c->end - c->at));
    perfdata_name_events(p);
}

static void id_index(struct perfdata *p, struct cursor *c)
{
    uint64_t n = cursor_u64(c);
    for (uint64_t i = 0; i < n && c->end - c->at >= 32; i++) {
        uint64_t id = cursor_u64(c);
        cursor_u64(c);
        int64_t cpu = (int64_t)cursor_u64(c), tid = (int64_t)cursor_u64(c);
        decoder_place_id(p->decoder, id, cpu < 0 || cpu > INT32_MAX ? -1 : (int32_t)cpu,
                         tid < 0 || tid > INT32_MAX ? -1 : (int32_t)tid);
    }
}

static void time_conv(struct perfdata *p, struct cursor *c)
{
    uint64_t shift = cursor_u64(c), mult = cursor_u64(c), zero = cursor_u64(c);
    if (c->bad || shift > 63 || !mult || mult > UINT32_MAX)
        return;
    p->facts.clock = (struct ring_clock){.zero = zero, .mult = (uint32_t)mult, .shift = (uint16_t)shift};
}

/* AUX bytes follow the record; those of SPE are read, others passed over. */
static int auxtrace(struct perfdata *p, struct cursor *c, struct trace_error *error)
{
    uint64_t size = cursor_u64(c), position = cursor_u64(c);
    cursor_skip(c, 8); /* reference */
    uint32_t area = cursor_u32(c);
    cursor_u32(c);
    uint32_t cpu = cursor_u32(c);
    perfdata_settle(p);
    if (p->left != UINT64_MAX && size > p->left)
        return perfdata_stop(p, "an AUX area of %llu bytes runs over the end", (unsigned long long)size);
    p->aux.setup = (struct spe_setup){.midr = p->facts.midr, .cpu = cpu, .clock = p->facts.clock};
    p->aux.setup.pid = cpu < CPU_MAX ? p->task[cpu] : 0;
    for (uint32_t i = 0; i < decoder_events(p->decoder); i++)
        if (decoder_event(p->decoder, i)->kind == DECODE_SPE)
            p->aux.setup.event = i;
    return perfdata_aux_begin(p, size, position, area, error);
}

/* A tracepoint's format comes as its length and its bytes, rounded to 8; none of it is needed. */
static int tracing_data(struct perfdata *p, struct cursor *c, struct trace_error *error)
{
    uint64_t left = ((uint64_t)cursor_u32(c) + 7) & ~UINT64_C(7);
    size_t n = 1;
    const unsigned char *bytes;
    while (left && n) {
        int err = perfdata_peek(p, left < 65536 ? (size_t)left : 65536, &bytes, &n, error);
        if (err)
            return err;
        perfdata_take(p, n);
        left -= n;
    }
    return 0;
}

int perfdata_user_record(struct perfdata *p, const unsigned char *bytes, size_t n, struct trace_error *error)
{
    struct abi_header header;
    memcpy(&header, bytes, sizeof header);
    struct cursor c = {.at = bytes + sizeof header, .end = bytes + n};
    switch (header.type) {
    case ABI_RECORD_ATTR:
        attribute(p, &c);
        return 0;
    case ABI_RECORD_EVENT_UPDATE:
        update(p, &c);
        return 0;
    case ABI_RECORD_ID_INDEX:
        id_index(p, &c);
        return 0;
    case ABI_RECORD_TIME_CONV:
        time_conv(p, &c);
        return 0;
    case ABI_RECORD_FEATURE: {
        uint64_t feature = cursor_u64(&c);
        if (feature < 256)
            perfdata_read_feature(p, (unsigned)feature, c.at, (size_t)(c.end - c.at));
        if (feature == ABI_FEATURE_EVENT_DESC || feature == ABI_FEATURE_PMU_MAPPINGS)
            perfdata_name_events(p);
        return 0;
    }
    case ABI_RECORD_AUXTRACE:
        return auxtrace(p, &c, error);
    case ABI_RECORD_TRACING_DATA:
        return tracing_data(p, &c, error);
    default:
        return 0;
    }
}
