/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/decode.h"

struct reader {
    const uint8_t *bytes;
    size_t n, at;
    bool failed; /* ran out of bytes */
    unsigned mode;
    bool operand16, address_other, rex;
    uint8_t rex_bits;
};

enum { REX_B = 1, REX_R = 4, REX_W = 8 };

static uint8_t next(struct reader *r)
{
    if (r->at >= r->n || r->at >= DECODE_MAX) {
        r->failed = true;
        return 0;
    }
    return r->bytes[r->at++];
}

static void skip(struct reader *r, unsigned n)
{
    while (n--)
        next(r);
}

static bool is_prefix(uint8_t byte)
{
    static const uint8_t all[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
    for (unsigned i = 0; i < sizeof all; i++)
        if (byte == all[i])
            return true;
    return false;
}

/* Prefixes; the opcode's first byte is the answer. A REX that is not the last of them counts for nothing. */
static uint8_t read_prefixes(struct reader *r)
{
    uint8_t byte = next(r);
    while (!r->failed && is_prefix(byte)) {
        r->operand16 |= byte == 0x66;
        r->address_other |= byte == 0x67;
        byte = next(r);
    }
    if (r->mode == 64 && (byte & 0xf0) == 0x40) {
        r->rex = true;
        r->rex_bits = byte & 15;
        byte = next(r);
    }
    return byte;
}

/* Of an operand that is not a byte. */
static uint8_t operand_size(const struct reader *r)
{
    if (r->rex_bits & REX_W)
        return 8;
    return r->operand16 == (r->mode == 16) ? 4 : 2;
}

static unsigned address_size(const struct reader *r)
{
    if (r->mode == 64)
        return r->address_other ? 4 : 8;
    return r->address_other == (r->mode == 32) ? 2 : 4;
}

/* ModRM with what follows it; the register field is the answer. False: the operand is a register, not memory. */
static bool read_modrm(struct reader *r, uint8_t *field)
{
    uint8_t modrm = next(r), mod = modrm >> 6, rm = modrm & 7;
    *field = modrm >> 3 & 7;
    if (mod == 3)
        return false;
    if (address_size(r) == 2) {
        skip(r, mod == 0 ? (rm == 6 ? 2 : 0) : mod);
        return true;
    }
    uint8_t base = rm == 4 ? next(r) & 7 : rm;
    if (mod == 0)
        skip(r, base == 5 ? 4 : 0);
    else
        skip(r, mod == 1 ? 1 : 4);
    return true;
}

/* The register that ModRM names, for an operand of `size` bytes. */
static void name_register(const struct reader *r, struct decode *d, uint8_t field, unsigned size)
{
    d->reg = (uint8_t)(field | (r->rex_bits & REX_R ? 8 : 0));
    if (size == 1 && !r->rex && field >= 4) {
        d->reg = field - 4;
        d->high = true;
    }
}

static uint64_t cut(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((UINT64_C(1) << size * 8) - 1);
}

static uint64_t extend(uint64_t value, unsigned size)
{
    unsigned shift = 64 - size * 8;
    return (uint64_t)((int64_t)(value << shift) >> shift);
}

/* A constant of the operand's size, at most four bytes long. */
static void read_constant(struct reader *r, struct decode *d, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)next(r) << i * 8;
    d->is_constant = true;
    d->constant = cut(extend(value, bytes), d->size);
}

/* mov, and, or, xor, test, xchg with ModRM and a register. Bit 0: not a byte. */
static int with_register(struct reader *r, struct decode *d, uint8_t opcode, enum decode_op op)
{
    uint8_t field;
    d->op = (uint8_t)op;
    d->size = d->width = opcode & 1 ? operand_size(r) : 1;
    if (!read_modrm(r, &field))
        return ERR_INVAL;
    name_register(r, d, field, d->size);
    return 0;
}

/* The same with a constant: `bytes` of it, 0: as many as the operand has. ops: by the register field. */
static int with_constant(struct reader *r, struct decode *d, uint8_t opcode, const int8_t *ops, bool byte)
{
    uint8_t field;
    d->size = d->width = opcode & 1 ? operand_size(r) : 1;
    d->to_memory = true;
    if (!read_modrm(r, &field) || ops[field] < 0)
        return ERR_INVAL;
    d->op = (uint8_t)ops[field];
    read_constant(r, d, byte ? 1 : d->size < 4 ? d->size : 4);
    return 0;
}

/* mov between the accumulator and an address in the instruction. */
static int with_offset(struct reader *r, struct decode *d, uint8_t opcode)
{
    d->op = opcode & 2 ? DECODE_STORE : DECODE_LOAD;
    d->size = d->width = opcode & 1 ? operand_size(r) : 1;
    skip(r, address_size(r));
    return 0;
}

static int extending(struct reader *r, struct decode *d, unsigned size, bool sign)
{
    uint8_t field;
    d->op = DECODE_LOAD;
    d->size = (uint8_t)size;
    d->width = operand_size(r);
    d->sign = sign;
    if (!read_modrm(r, &field))
        return ERR_INVAL;
    name_register(r, d, field, d->width);
    return 0;
}

static int two_bytes(struct reader *r, struct decode *d)
{
    uint8_t opcode = next(r);
    if ((opcode & 0xf6) != 0xb6)
        return ERR_INVAL;
    return extending(r, d, opcode & 1 ? 2 : 1, opcode & 8);
}

/* and, or, xor between a register and memory; bit 1: to the register. */
static int arithmetic(struct reader *r, struct decode *d, uint8_t opcode)
{
    enum decode_op op = opcode < 0x10 ? DECODE_OR : opcode < 0x30 ? DECODE_AND : DECODE_XOR;
    d->to_memory = !(opcode & 2);
    return with_register(r, d, opcode, op);
}

static int one_byte(struct reader *r, struct decode *d, uint8_t opcode)
{
    /* 0x84 ... 0x8b, two opcodes each: bits 2:1 of 0x84 are 2. */
    static const enum decode_op by_pair[4] = {DECODE_STORE, DECODE_LOAD, DECODE_TEST, DECODE_EXCHANGE};
    static const int8_t group1[8] = {-1, DECODE_OR, -1, -1, DECODE_AND, -1, DECODE_XOR, -1};
    static const int8_t group3[8] = {DECODE_TEST, DECODE_TEST, -1, -1, -1, -1, -1, -1};
    static const int8_t group11[8] = {DECODE_STORE, -1, -1, -1, -1, -1, -1, -1};
    switch (opcode) {
    case 0x08 ... 0x0b:
    case 0x20 ... 0x23:
    case 0x30 ... 0x33:
        return arithmetic(r, d, opcode);
    case 0x63:
        return r->mode == 64 ? extending(r, d, 4, true) : ERR_INVAL;
    case 0x80 ... 0x81:
    case 0x83:
        return with_constant(r, d, opcode, group1, opcode == 0x83);
    case 0x84 ... 0x8b:
        return with_register(r, d, opcode, by_pair[opcode >> 1 & 3]);
    case 0xa0 ... 0xa3:
        return with_offset(r, d, opcode);
    case 0xc6 ... 0xc7:
        return with_constant(r, d, opcode, group11, false);
    case 0xf6 ... 0xf7:
        return with_constant(r, d, opcode, group3, false);
    case 0x0f:
        return two_bytes(r, d);
    default:
        return ERR_INVAL;
    }
}

int decode(struct decode *d, const uint8_t *bytes, size_t n, unsigned mode)
{
    struct reader r = {.bytes = bytes, .n = n, .mode = mode};
    __builtin_memset(d, 0, sizeof *d);
    uint8_t opcode = read_prefixes(&r);
    int err = r.failed ? 0 : one_byte(&r, d, opcode);
    if (r.failed)
        return n >= DECODE_MAX ? ERR_INVAL : ERR_AGAIN;
    d->length = (uint8_t)r.at;
    return err;
}

uint64_t decode_operand(const struct decode *d, uint64_t reg)
{
    if (d->is_constant)
        return d->constant;
    return cut(d->high ? reg >> 8 : reg, d->size);
}

uint64_t decode_merge(const struct decode *d, uint64_t reg, uint64_t value, unsigned width)
{
    if (width >= 4) /* four bytes clear the upper half */
        return cut(value, width);
    uint64_t mask = (UINT64_C(1) << width * 8) - 1;
    unsigned shift = d->high ? 8 : 0;
    return (reg & ~(mask << shift)) | (value & mask) << shift;
}

uint64_t decode_extend(const struct decode *d, uint64_t memory)
{
    return d->sign ? cut(extend(memory, d->size), d->width) : cut(memory, d->size);
}

uint64_t decode_compute(const struct decode *d, uint64_t memory, uint64_t other, uint64_t *rflags)
{
    enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };
    uint64_t result = d->op == DECODE_OR ? memory | other : d->op == DECODE_XOR ? memory ^ other : memory & other;
    result = cut(result, d->size);
    *rflags &= ~(uint64_t)(CF | PF | AF | ZF | SF | OF);
    *rflags |= result == 0 ? ZF : 0;
    *rflags |= result >> (d->size * 8 - 1) ? SF : 0;
    *rflags |= __builtin_parity((unsigned)(result & 0xff)) ? 0 : PF;
    return result;
}
