/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/decode.h"

enum { REX = 0x40, REX_R = 4, REX_W = 8 };

/* Segments, operand and address size. */
static bool is_prefix(uint8_t byte)
{
    return (byte & 0xe7) == 0x26 || (byte >= 0x64 && byte <= 0x67);
}

/* Bytes from ModRM to the end of the displacement. */
static unsigned operand_length(const uint8_t *modrm)
{
    unsigned mod = modrm[0] >> 6, rm = modrm[0] & 7, sib = rm == 4;
    unsigned base = sib ? modrm[1] & 7 : rm;
    unsigned displacement = mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0;
    return 1 + sib + displacement;
}

static void read_constant(struct decode *d, const uint8_t *bytes)
{
    unsigned n = d->size < 4 ? d->size : 4, unused = 64 - 8 * n;
    uint64_t value = 0;
    __builtin_memcpy(&value, bytes, n);
    d->is_constant = true;
    d->constant = (uint64_t)((int64_t)(value << unused) >> unused);
    d->length = (uint8_t)(d->length + n);
}

/* From the opcode on, `d->length` bytes into the instruction. False: not one of ours. */
static bool read_opcode(struct decode *d, const uint8_t *bytes, uint8_t rex, uint8_t wide)
{
    unsigned at = d->length;
    bool two = bytes[at] == 0x0f;
    uint8_t opcode = bytes[at + two];
    const uint8_t *modrm = &bytes[at + two + 1];
    bool move = !two && (opcode & 0xfc) == 0x88, constant = !two && (opcode & 0xfe) == 0xc6;
    bool extend = two && (opcode & 0xfe) == 0xb6;
    d->length = (uint8_t)(at + two + 1);
    if (!move && !constant && !extend)
        return false;
    d->length = (uint8_t)(d->length + operand_length(modrm));
    d->size = !(opcode & 1) ? 1 : extend ? 2 : wide;
    d->width = extend ? wide : d->size;
    d->store = constant || (move && !(opcode & 2));
    unsigned field = modrm[0] >> 3 & 7;
    d->reg = (uint8_t)(field | (rex & REX_R ? 8 : 0));
    if (constant)
        read_constant(d, bytes + d->length);
    bool high = d->width == 1 && !rex && field >= 4; /* AH, CH, DH, BH */
    return modrm[0] < 0xc0 && (constant ? field == 0 : !high);
}

int decode(struct decode *d, const uint8_t *code, size_t n)
{
    uint8_t bytes[2 * DECODE_MAX] = {0}; /* room for what a cut instruction seems to go on with */
    __builtin_memcpy(bytes, code, n);
    unsigned at = 0;
    bool narrow = false;
    for (; at < n && is_prefix(bytes[at]); at++)
        narrow |= bytes[at] == 0x66;
    uint8_t rex = (bytes[at] & 0xf0) == REX ? bytes[at++] : 0;
    *d = (struct decode){.length = (uint8_t)at};
    bool ours = read_opcode(d, bytes, rex, rex & REX_W ? 8 : narrow ? 2 : 4);
    if (d->length > n)
        return n < DECODE_MAX ? ERR_AGAIN : ERR_INVAL;
    return ours ? 0 : ERR_INVAL;
}

static uint64_t cut(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((UINT64_C(1) << size * 8) - 1);
}

uint64_t decode_stored(const struct decode *d, uint64_t reg)
{
    return cut(d->is_constant ? d->constant : reg, d->size);
}

uint64_t decode_loaded(const struct decode *d, uint64_t reg, uint64_t memory)
{
    uint64_t kept = d->width < 4 ? reg & ~cut(UINT64_MAX, d->width) : 0; /* four bytes clear the upper half */
    return kept | cut(memory, d->size);
}
