/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Instructions with an operand in device memory, as drivers write them: mov between it and a register or a constant,
 * and movzx, in 64-bit code (AMD64 APM volume 3). Where the operand lies the nested fault says; this says what is done
 * with it, and how long the instruction is. Pure; any bytes.
 */
#ifndef MONITOR_CORE_X86_DECODE_H
#define MONITOR_CORE_X86_DECODE_H

#include "policy/numa.h"

enum { DECODE_MAX = 15 }; /* bytes of an instruction */

struct decode {
    bool store;        /* to memory, else from it */
    uint8_t length;    /* of the instruction */
    uint8_t size;      /* of the operand in memory: 1, 2, 4, 8 */
    uint8_t width;     /* of the register that a load fills, with zeros beyond the operand */
    uint8_t reg;       /* 0..15 */
    bool is_constant;  /* what is stored is `constant`, else the register */
    uint64_t constant; /* sign-extended */
};

/* 0; ERR_INVAL: another instruction; ERR_AGAIN: it goes on beyond the n <= DECODE_MAX bytes. */
int decode(struct decode *, const uint8_t *bytes, size_t n);

/* What a store writes; what a load leaves in its register. */
uint64_t decode_stored(const struct decode *, uint64_t reg);
uint64_t decode_loaded(const struct decode *, uint64_t reg, uint64_t memory);

#endif
