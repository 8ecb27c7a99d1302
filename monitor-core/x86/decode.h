/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Instructions with one operand in device memory, as compilers and kernels write them: mov in all its forms, movzx,
 * movsx, movsxd, and, or, xor, test, xchg (AMD64 APM volume 3). Where the operand lies the nested fault says; this says
 * what is done with it, and how long the instruction is. Pure; any bytes.
 */
#ifndef MONITOR_CORE_X86_DECODE_H
#define MONITOR_CORE_X86_DECODE_H

#include "policy/numa.h"

enum { DECODE_MAX = 15 }; /* bytes of an instruction */

enum decode_op {
    DECODE_LOAD,  /* register = memory */
    DECODE_STORE, /* memory = register or constant */
    DECODE_EXCHANGE,
    DECODE_AND,
    DECODE_OR,
    DECODE_XOR,
    DECODE_TEST
};

struct decode {
    uint8_t op;
    uint8_t length;
    uint8_t size;      /* of the operand in memory: 1, 2, 4, 8 */
    uint8_t width;     /* of the register that a load fills: as size, or wider */
    bool sign;         /* it is filled with the sign, else with zeros */
    bool to_memory;    /* and, or, xor: the result goes to memory */
    bool is_constant;  /* the other operand is `constant`, else a register */
    uint8_t reg;       /* 0..15 */
    bool high;         /* AH, CH, DH, BH: bits 15:8 of registers 0..3 */
    uint64_t constant; /* sign-extended, cut to size */
};

/* mode: 16, 32 or 64. 0; ERR_INVAL: another instruction; ERR_AGAIN: it goes on beyond the n bytes. */
int decode(struct decode *, const uint8_t *bytes, size_t n, unsigned mode);

/* The other operand's value, from the register's. */
uint64_t decode_operand(const struct decode *, uint64_t reg);

/* A register of which `width` bytes are set to `value`: the rest as the CPU leaves it. */
uint64_t decode_merge(const struct decode *, uint64_t reg, uint64_t value, unsigned width);

/* What an arithmetic op makes of memory's value and the other operand, and of RFLAGS. */
uint64_t decode_compute(const struct decode *, uint64_t memory, uint64_t other, uint64_t *rflags);

/* A loaded value as it goes into the register. */
uint64_t decode_extend(const struct decode *, uint64_t memory);

#endif
