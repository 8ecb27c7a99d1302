/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The body of a sample: fields in the kernel's order, each there only if its bit of sample_type is set.
 */
#include <errno.h>

#include "collectors/data_source.h"
#include "collectors/decode_private.h"

/* Made twice: for samples that are known to hold all their fields, and with a look at the end before each. */
#define ALWAYS inline __attribute__((always_inline))

static ALWAYS void next(struct cursor *c, void *to, size_t n, bool sure)
{
    const unsigned char *at = sure ? c->at : cursor_skip(c, n);
    c->at += sure ? n : 0;
    if (at)
        memcpy(to, at, n);
}

static ALWAYS uint64_t next64(struct cursor *c, bool sure)
{
    uint64_t value = 0;
    next(c, &value, sizeof value, sure);
    return value;
}

static ALWAYS uint32_t next32(struct cursor *c, bool sure)
{
    uint32_t value = 0;
    next(c, &value, sizeof value, sure);
    return value;
}

static void skip_read(const struct decode_event *e, struct cursor *c)
{
    uint64_t format = e->read_format;
    uint64_t times = (format & ABI_READ_ENABLED ? 1 : 0) + (format & ABI_READ_RUNNING ? 1 : 0);
    uint64_t each = UINT64_C(1) + (format & ABI_READ_ID ? 1 : 0) + (format & ABI_READ_LOST ? 1 : 0);
    uint64_t n = format & ABI_READ_GROUP ? cursor_u64(c) : 1;
    cursor_skip(c, 8 * times);
    cursor_skip(c, n > DECODE_RECORD_MAX ? UINT64_MAX : 8 * n * each);
}

static void skip_branches(const struct decode_event *e, struct cursor *c)
{
    uint64_t n = cursor_u64(c), each = 24;
    if (e->branch_sample_type & ABI_BRANCH_HW_INDEX)
        cursor_skip(c, 8);
    if (e->branch_sample_type & ABI_BRANCH_COUNTERS)
        each += 8;
    cursor_skip(c, n > DECODE_RECORD_MAX ? UINT64_MAX : n * each);
}

static void skip_registers(uint64_t mask, struct cursor *c)
{
    if (cursor_u64(c))
        cursor_skip(c, 8 * (uint64_t)__builtin_popcountll(mask));
}

static void skip_stack(struct cursor *c)
{
    uint64_t size = cursor_u64(c);
    cursor_skip(c, size);
    if (size)
        cursor_skip(c, 8);
}

static uint64_t word_at(const unsigned char *raw, size_t n, size_t at)
{
    uint64_t value = 0;
    if (at + sizeof value <= n)
        memcpy(&value, raw + at, sizeof value);
    return value;
}

static void set_address(struct sample *s, unsigned bit, uint64_t *to, uint64_t value)
{
    if (value) {
        *to = value;
        s->has |= bit;
    }
}

/* x86: bit 1 a write, bit 4 an instruction fetch. */
static void fault_fields(const struct decode_event *e, const unsigned char *raw, size_t n, struct sample *s)
{
    set_address(s, SAMPLE_VA, &s->va, word_at(raw, n, e->fault_address));
    set_address(s, SAMPLE_IP, &s->ip, word_at(raw, n, e->fault_ip));
    s->error_code = word_at(raw, n, e->fault_error);
    s->has |= SAMPLE_ERROR_CODE;
    s->op = s->error_code & 16 ? OP_FETCH : s->error_code & 2 ? OP_WRITE : OP_READ;
}

/* What stands before the counter values. */
static ALWAYS void identity(uint64_t type, struct cursor *c, struct sample *s, bool sure)
{
    if (type & ABI_IDENTIFIER)
        s->id = next64(c, sure);
    if (type & ABI_IP)
        set_address(s, SAMPLE_IP, &s->ip, next64(c, sure));
    if (type & ABI_TID) {
        s->pid = next32(c, sure);
        s->tid = next32(c, sure);
        s->has |= SAMPLE_TASK;
    }
    if (type & ABI_TIME) {
        s->time = next64(c, sure);
        s->has |= SAMPLE_TIME;
    }
    if (type & ABI_ADDR)
        set_address(s, SAMPLE_VA, &s->va, next64(c, sure));
    if (type & ABI_ID)
        s->id = next64(c, sure);
    if (type & ABI_STREAM_ID)
        next64(c, sure);
    if (type & ABI_CPU) {
        s->cpu = next32(c, sure);
        next32(c, sure);
        s->has |= SAMPLE_CPU;
    }
    if (type & ABI_PERIOD) {
        s->period = next64(c, sure);
        s->has |= SAMPLE_PERIOD;
    }
}

static const unsigned char *bulk(const struct decode_event *e, struct cursor *c, size_t *raw_size)
{
    uint64_t type = e->sample_type;
    const unsigned char *raw = NULL;
    if (type & ABI_READ)
        skip_read(e, c);
    if (type & ABI_CALLCHAIN) {
        uint64_t n = cursor_u64(c);
        cursor_skip(c, n > DECODE_RECORD_MAX ? UINT64_MAX : 8 * n);
    }
    if (type & ABI_RAW) {
        *raw_size = cursor_u32(c);
        raw = cursor_skip(c, *raw_size);
    }
    if (type & ABI_BRANCH_STACK)
        skip_branches(e, c);
    if (type & ABI_REGS_USER)
        skip_registers(e->regs_user, c);
    if (type & ABI_STACK_USER)
        skip_stack(c);
    return raw;
}

static ALWAYS void weight(uint64_t type, struct cursor *c, struct sample *s, bool sure)
{
    uint64_t word = next64(c, sure);
    uint64_t latency = type & ABI_WEIGHT_STRUCT ? word & UINT32_MAX : word;
    s->latency = latency > UINT32_MAX ? UINT32_MAX : (uint32_t)latency;
    s->has |= latency ? SAMPLE_LATENCY : 0; /* 0: the hardware does not measure it for this access */
    if (type & ABI_WEIGHT_STRUCT) {
        s->weight2 = (uint16_t)(word >> 32);
        s->weight3 = (uint16_t)(word >> 48);
        s->has |= SAMPLE_WEIGHT2 | SAMPLE_WEIGHT3;
    }
}

static ALWAYS void memory(const struct decode_event *e, struct cursor *c, struct sample *s, bool sure)
{
    uint64_t type = e->sample_type;
    if (type & (ABI_WEIGHT | ABI_WEIGHT_STRUCT))
        weight(type, c, s, sure);
    if (type & ABI_DATA_SRC) {
        s->data_source = next64(c, sure);
        s->has |= SAMPLE_SOURCE;
        data_source_classify(s);
    }
    if (type & ABI_TRANSACTION)
        next64(c, sure);
    if (type & ABI_REGS_INTR)
        skip_registers(e->regs_intr, c);
    if (type & ABI_PHYS_ADDR)
        set_address(s, SAMPLE_PA, &s->pa, next64(c, sure));
    if (type & ABI_CGROUP)
        next64(c, sure);
    if (type & ABI_DATA_PAGE_SIZE)
        set_address(s, SAMPLE_PAGE_SIZE, &s->page_size, next64(c, sure));
    if (type & ABI_CODE_PAGE_SIZE)
        next64(c, sure);
    if (type & ABI_AUX)
        cursor_skip(c, cursor_u64(c));
}

int decode_sample(const struct decode_event *e, struct cursor *c, struct sample *s, const char **why)
{
    size_t raw_size = 0;
    if (e->fixed && e->fixed <= c->end - c->at) {
        identity(e->sample_type, c, s, true);
        memory(e, c, s, true);
        return 0;
    }
    identity(e->sample_type, c, s, false);
    const unsigned char *raw = bulk(e, c, &raw_size);
    memory(e, c, s, false);
    if (c->bad) {
        *why = "a sample is shorter than its fields";
        return -EBADMSG;
    }
    if (raw && e->kind == DECODE_FAULT_TRACE)
        fault_fields(e, raw, raw_size, s);
    if (raw && e->kind == DECODE_IBS_OP)
        decode_ibs(raw, raw_size, s);
    return 0;
}
