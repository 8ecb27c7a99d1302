/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The decoder against bytes that the GNU assembler made of the text beside them, and against everything else.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "monitor-core/x86/decode.h"

struct instruction {
    unsigned mode;
    const char *text, *bytes;
    uint8_t length, op, size, width;
    bool sign, to_memory, is_constant;
    uint64_t constant;
    uint8_t reg;
    bool high;
};

/* clang-format off */
static const struct instruction list[] = {
    {64, "mov (%rdi),%eax", "\x8b\x07", 2, DECODE_LOAD, 4, 4, false, false, false, 0, 0, false},
    {64, "mov %eax,(%rdi)", "\x89\x07", 2, DECODE_STORE, 4, 4, false, false, false, 0, 0, false},
    {64, "mov 0x10(%rbx,%rcx,4),%r9", "\x4c\x8b\x4c\x8b\x10", 5, DECODE_LOAD, 8, 8, false, false, false, 0, 9, false},
    {64, "mov %r15,-0x12345678(%r13)", "\x4d\x89\xbd\x88\xa9\xcb\xed", 7, DECODE_STORE, 8, 8, false, false, false, 0, 15, false},
    {64, "mov %ah,(%rdx)", "\x88\x22", 2, DECODE_STORE, 1, 1, false, false, false, 0, 0, true},
    {64, "mov %bh,(%rdx)", "\x88\x3a", 2, DECODE_STORE, 1, 1, false, false, false, 0, 3, true},
    {64, "mov %spl,(%rdx)", "\x40\x88\x22", 3, DECODE_STORE, 1, 1, false, false, false, 0, 4, false},
    {64, "mov %sil,(%rdx)", "\x40\x88\x32", 3, DECODE_STORE, 1, 1, false, false, false, 0, 6, false},
    {64, "mov (%r8),%r11b", "\x45\x8a\x18", 3, DECODE_LOAD, 1, 1, false, false, false, 0, 11, false},
    {64, "mov (%rax),%ch", "\x8a\x28", 2, DECODE_LOAD, 1, 1, false, false, false, 0, 1, true},
    {64, "mov %cx,(%rsp)", "\x66\x89\x0c\x24", 4, DECODE_STORE, 2, 2, false, false, false, 0, 1, false},
    {64, "mov 0x11223344(%rip),%edx", "\x8b\x15\x44\x33\x22\x11", 6, DECODE_LOAD, 4, 4, false, false, false, 0, 2, false},
    {64, "mov 0x11223344,%esi", "\x8b\x34\x25\x44\x33\x22\x11", 7, DECODE_LOAD, 4, 4, false, false, false, 0, 6, false},
    {64, "movabs 0xfec00000,%eax", "\xa1\x00\x00\xc0\xfe\x00\x00\x00\x00", 9, DECODE_LOAD, 4, 4, false, false, false, 0, 0, false},
    {64, "movabs %rax,0x1122334455667788", "\x48\xa3\x88\x77\x66\x55\x44\x33\x22\x11", 10, DECODE_STORE, 8, 8, false, false, false, 0, 0, false},
    {64, "movabs %al,0x1122334455667788", "\xa2\x88\x77\x66\x55\x44\x33\x22\x11", 9, DECODE_STORE, 1, 1, false, false, false, 0, 0, false},
    {64, "movb $0x80,(%rax)", "\xc6\x00\x80", 3, DECODE_STORE, 1, 1, false, true, true, UINT64_C(0x80), 0, false},
    {64, "movw $0x1234,0x7f(%rax)", "\x66\xc7\x40\x7f\x34\x12", 6, DECODE_STORE, 2, 2, false, true, true, UINT64_C(0x1234), 0, false},
    {64, "movl $0xfedcba98,(%rax,%rax)", "\xc7\x04\x00\x98\xba\xdc\xfe", 7, DECODE_STORE, 4, 4, false, true, true, UINT64_C(0xfedcba98), 0, false},
    {64, "movq $-2,(%r12)", "\x49\xc7\x04\x24\xfe\xff\xff\xff", 8, DECODE_STORE, 8, 8, false, true, true, UINT64_C(0xfffffffffffffffe), 0, false},
    {64, "movq $0x7fffffff,(%rbp,%r13,8)", "\x4a\xc7\x44\xed\x00\xff\xff\xff\x7f", 9, DECODE_STORE, 8, 8, false, true, true, UINT64_C(0x7fffffff), 0, false},
    {64, "movzbl (%rsi),%eax", "\x0f\xb6\x06", 3, DECODE_LOAD, 1, 4, false, false, false, 0, 0, false},
    {64, "movzwl (%rsi),%r10d", "\x44\x0f\xb7\x16", 4, DECODE_LOAD, 2, 4, false, false, false, 0, 10, false},
    {64, "movzbw (%rsi),%dx", "\x66\x0f\xb6\x16", 4, DECODE_LOAD, 1, 2, false, false, false, 0, 2, false},
    {64, "movzwq (%rsi),%rdi", "\x48\x0f\xb7\x3e", 4, DECODE_LOAD, 2, 8, false, false, false, 0, 7, false},
    {64, "movsbl (%rsi),%eax", "\x0f\xbe\x06", 3, DECODE_LOAD, 1, 4, true, false, false, 0, 0, false},
    {64, "movsbq (%rsi),%r14", "\x4c\x0f\xbe\x36", 4, DECODE_LOAD, 1, 8, true, false, false, 0, 14, false},
    {64, "movswl 0x100(%rsi),%eax", "\x0f\xbf\x86\x00\x01\x00\x00", 7, DECODE_LOAD, 2, 4, true, false, false, 0, 0, false},
    {64, "movslq (%rsi),%rax", "\x48\x63\x06", 3, DECODE_LOAD, 4, 8, true, false, false, 0, 0, false},
    {64, "and %eax,(%rsi)", "\x21\x06", 2, DECODE_AND, 4, 4, false, true, false, 0, 0, false},
    {64, "and (%rsi),%r8", "\x4c\x23\x06", 3, DECODE_AND, 8, 8, false, false, false, 0, 8, false},
    {64, "or %cl,(%rsi)", "\x08\x0e", 2, DECODE_OR, 1, 1, false, true, false, 0, 1, false},
    {64, "orb $0x80,0x8(%rsi)", "\x80\x4e\x08\x80", 4, DECODE_OR, 1, 1, false, true, true, UINT64_C(0x80), 0, false},
    {64, "orl $0x10000,(%rsi)", "\x81\x0e\x00\x00\x01\x00", 6, DECODE_OR, 4, 4, false, true, true, UINT64_C(0x10000), 0, false},
    {64, "andl $-2,(%rsi)", "\x83\x26\xfe", 3, DECODE_AND, 4, 4, false, true, true, UINT64_C(0xfffffffe), 0, false},
    {64, "andq $-16,(%rsi)", "\x48\x83\x26\xf0", 4, DECODE_AND, 8, 8, false, true, true, UINT64_C(0xfffffffffffffff0), 0, false},
    {64, "xorw $0x7fff,(%rsi)", "\x66\x81\x36\xff\x7f", 5, DECODE_XOR, 2, 2, false, true, true, UINT64_C(0x7fff), 0, false},
    {64, "xor %rdx,(%rsi)", "\x48\x31\x16", 3, DECODE_XOR, 8, 8, false, true, false, 0, 2, false},
    {64, "lock orl $1,(%rsi)", "\xf0\x83\x0e\x01", 4, DECODE_OR, 4, 4, false, true, true, UINT64_C(0x1), 0, false},
    {64, "test %eax,(%rsi)", "\x85\x06", 2, DECODE_TEST, 4, 4, false, false, false, 0, 0, false},
    {64, "testb $1,(%rsi)", "\xf6\x06\x01", 3, DECODE_TEST, 1, 1, false, true, true, UINT64_C(0x1), 0, false},
    {64, "testl $0x80000000,0x20(%rsi)", "\xf7\x46\x20\x00\x00\x00\x80", 7, DECODE_TEST, 4, 4, false, true, true, UINT64_C(0x80000000), 0, false},
    {64, "testw $0x8000,%gs:(%rsi)", "\x65\x66\xf7\x06\x00\x80", 6, DECODE_TEST, 2, 2, false, true, true, UINT64_C(0x8000), 0, false},
    {64, "xchg %eax,(%rsi)", "\x87\x06", 2, DECODE_EXCHANGE, 4, 4, false, false, false, 0, 0, false},
    {64, "xchg %bl,(%rsi)", "\x86\x1e", 2, DECODE_EXCHANGE, 1, 1, false, false, false, 0, 3, false},
    {64, "xchg %r9,(%esi)", "\x67\x4c\x87\x0e", 4, DECODE_EXCHANGE, 8, 8, false, false, false, 0, 9, false},
    {64, "mov %eax,0x11223344(%eax,%ebx,2)", "\x67\x89\x84\x58\x44\x33\x22\x11", 8, DECODE_STORE, 4, 4, false, false, false, 0, 0, false},
    {32, "mov (%edi),%eax", "\x8b\x07", 2, DECODE_LOAD, 4, 4, false, false, false, 0, 0, false},
    {32, "mov %dx,0x12345678", "\x66\x89\x15\x78\x56\x34\x12", 7, DECODE_STORE, 2, 2, false, false, false, 0, 2, false},
    {32, "mov 0x12345678,%eax", "\xa1\x78\x56\x34\x12", 5, DECODE_LOAD, 4, 4, false, false, false, 0, 0, false},
    {32, "mov %al,(%bx,%si)", "\x67\x88\x00", 3, DECODE_STORE, 1, 1, false, false, false, 0, 0, false},
    {32, "movl $0x11223344,0x5566(%bp)", "\x67\xc7\x86\x66\x55\x44\x33\x22\x11", 9, DECODE_STORE, 4, 4, false, true, true, UINT64_C(0x11223344), 0, false},
    {32, "mov 0x1234(,%ebx,1),%ecx", "\x8b\x0c\x1d\x34\x12\x00\x00", 7, DECODE_LOAD, 4, 4, false, false, false, 0, 1, false},
    {16, "mov (%bx),%ax", "\x8b\x07", 2, DECODE_LOAD, 2, 2, false, false, false, 0, 0, false},
    {16, "mov %eax,0x1234", "\x66\xa3\x34\x12", 4, DECODE_STORE, 4, 4, false, false, false, 0, 0, false},
    {16, "movw $0x1122,(%di)", "\xc7\x05\x22\x11", 4, DECODE_STORE, 2, 2, false, true, true, UINT64_C(0x1122), 0, false},
    {16, "movl $0x11223344,0x10(%eax)", "\x67\x66\xc7\x40\x10\x44\x33\x22\x11", 9, DECODE_STORE, 4, 4, false, true, true, UINT64_C(0x11223344), 0, false},
};
/* clang-format on */
enum { LIST = sizeof list / sizeof list[0] };

/* A copy of exactly n bytes on the heap, so that a byte too many is found. */
static int decode_exactly(struct decode *d, const void *bytes, size_t n, unsigned mode)
{
    unsigned char *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    int err = decode(d, copy, n, mode);
    free(copy);
    return err;
}

Test(decode, assembled)
{
    for (unsigned i = 0; i < LIST; i++) {
        const struct instruction *t = &list[i];
        struct decode d;
        cr_assert_eq(decode_exactly(&d, t->bytes, t->length, t->mode), 0, "%s", t->text);
        cr_expect_eq(d.length, t->length, "%s: length %u", t->text, d.length);
        cr_expect_eq(d.op, t->op, "%s", t->text);
        cr_expect_eq(d.size, t->size, "%s: size %u", t->text, d.size);
        cr_expect_eq(d.width, t->width, "%s: width %u", t->text, d.width);
        cr_expect_eq(d.sign, t->sign, "%s", t->text);
        cr_expect_eq(d.is_constant, t->is_constant, "%s", t->text);
        cr_expect_eq(d.constant, t->constant, "%s: %lx", t->text, d.constant);
        cr_expect_eq(d.reg, t->reg, "%s: register %u", t->text, d.reg);
        cr_expect_eq(d.high, t->high, "%s", t->text);
        if (d.op >= DECODE_AND && d.op <= DECODE_XOR)
            cr_expect_eq(d.to_memory, t->to_memory, "%s", t->text);
    }
}

Test(decode, cut_short_and_with_more_behind)
{
    for (unsigned i = 0; i < LIST; i++) {
        const struct instruction *t = &list[i];
        unsigned char bytes[DECODE_MAX];
        struct decode d;
        for (size_t n = 0; n < t->length; n++)
            cr_expect_eq(decode_exactly(&d, t->bytes, n, t->mode), ERR_AGAIN, "%s, %zu bytes", t->text, n);
        memset(bytes, 0xf4, sizeof bytes);
        memcpy(bytes, t->bytes, t->length);
        cr_expect_eq(decode_exactly(&d, bytes, sizeof bytes, t->mode), 0, "%s", t->text);
        cr_expect_eq(d.length, t->length, "%s", t->text);
    }
}

Test(decode, refused)
{
    static const struct {
        unsigned mode;
        const char *bytes;
        size_t n;
    } bad[] = {
        {64, "\x89\xc0", 2},                                                              /* mov %eax,%eax: no memory */
        {64, "\x0f\xb6\xc0", 3},                                                          /* movzbl %al,%eax */
        {64, "\xa4", 1},                                                                  /* movsb */
        {64, "\xff\x00", 2},                                                              /* incl (%rax) */
        {64, "\x01\x00", 2},                                                              /* add %eax,(%rax) */
        {64, "\x83\x00\x01", 3},                                                          /* addl $1,(%rax) */
        {64, "\xf7\x10", 2},                                                              /* notl (%rax) */
        {64, "\xc7\x08\0\0\0\0", 6},                                                      /* group 11, not mov */
        {64, "\x0f\x6f\x00", 3},                                                          /* movq (%rax),%mm0 */
        {32, "\x63\x00", 2},                                                              /* arpl */
        {64, "\xc5\xf9\x6f\x00", 4},                                                      /* vmovdqa (%rax),%xmm0 */
        {32, "\x48\x89\x00", 3},                                                          /* dec %eax: no REX here */
        {64, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x89\x00", 17}, /* longer than 15 */
        {64, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x89\x80\1\2\3\4", 19}, /* so with its address */
    };
    struct decode d;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_eq(decode_exactly(&d, bad[i].bytes, bad[i].n, bad[i].mode), ERR_INVAL, "%u", i);
}

/* Prefixes before an instruction whose REX then counts, or does not. */
Test(decode, prefixes)
{
    struct decode d;
    cr_assert_eq(decode_exactly(&d, "\x66\x48\x89\x08", 4, 64), 0); /* REX.W wins over 66 */
    cr_expect_eq(d.size, 8);
    cr_assert_eq(decode_exactly(&d, "\x65\x66\x44\x89\x08", 5, 64), 0); /* mov %r9w,%gs:(%rax) */
    cr_expect_eq(d.size, 2);
    cr_expect_eq(d.reg, 9);
    /* Eleven prefixes, opcode, ModRM, SIB and a byte of displacement are fifteen. */
    cr_assert_eq(decode_exactly(&d, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x89\x44\x24\x10", 15, 64), 0);
    cr_expect_eq(d.length, 15);
}

Test(decode, any_bytes)
{
    uint64_t seed = 1;
    for (unsigned i = 0; i < 300000; i++) {
        unsigned char bytes[DECODE_MAX];
        struct decode d, e;
        for (unsigned k = 0; k < sizeof bytes; k++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            bytes[k] = (unsigned char)(seed >> 56);
        }
        size_t n = i % (DECODE_MAX + 1);
        unsigned mode = 16u << i % 3;
        int err = decode_exactly(&d, bytes, n, mode);
        cr_assert(err == 0 || err == ERR_INVAL || (err == ERR_AGAIN && n < DECODE_MAX));
        if (err)
            continue;
        cr_assert(d.length >= 1 && d.length <= n && d.reg < 16 && d.op <= DECODE_TEST);
        cr_assert(d.size == 1 || d.size == 2 || d.size == 4 || d.size == 8);
        cr_assert_eq(decode_exactly(&e, bytes, d.length, mode), 0);
        cr_assert_eq(e.length, d.length);
    }
}

Test(decode, values)
{
    struct decode load_byte = {.op = DECODE_LOAD, .size = 1, .width = 1, .high = true};
    cr_expect_eq(decode_merge(&load_byte, 0x1122334455667788, 0xab, 1), 0x112233445566ab88);
    cr_expect_eq(decode_operand(&load_byte, 0x1122334455667788), 0x77);
    struct decode word = {.op = DECODE_LOAD, .size = 2, .width = 2};
    cr_expect_eq(decode_merge(&word, UINT64_MAX, 0x12345, 2), 0xffffffffffff2345);
    struct decode signed_word = {.op = DECODE_LOAD, .size = 2, .width = 4, .sign = true};
    cr_expect_eq(decode_extend(&signed_word, 0x8000), 0xffff8000);
    cr_expect_eq(decode_merge(&signed_word, UINT64_MAX, 0xffff8000, 4), 0xffff8000); /* the upper half is cleared */
    struct decode signed_quad = {.op = DECODE_LOAD, .size = 1, .width = 8, .sign = true};
    cr_expect_eq(decode_extend(&signed_quad, 0x80), 0xffffffffffffff80);
    struct decode quad = {.op = DECODE_STORE, .size = 8, .width = 8};
    cr_expect_eq(decode_operand(&quad, 0x8877665544332211), 0x8877665544332211);
}

Test(decode, flags)
{
    enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, IF = 0x200, OF = 0x800 };
    struct decode d = {.op = DECODE_AND, .size = 1};
    uint64_t flags = CF | AF | OF | IF | SF;
    cr_expect_eq(decode_compute(&d, 0xf0, 0x0f, &flags), 0);
    cr_expect_eq(flags, ZF | PF | IF);
    d.op = DECODE_OR;
    cr_expect_eq(decode_compute(&d, 0x80, 0x01, &flags), 0x81); /* two bits: even parity */
    cr_expect_eq(flags, SF | PF | IF);
    d.op = DECODE_XOR;
    d.size = 4;
    cr_expect_eq(decode_compute(&d, 0xffffffff, 0x0000ff01, &flags), 0xffff00fe); /* fe: seven bits */
    cr_expect_eq(flags, SF | IF);
    d.op = DECODE_TEST;
    d.size = 8;
    cr_expect_eq(decode_compute(&d, UINT64_C(1) << 32, UINT64_C(1) << 32, &flags), UINT64_C(1) << 32);
    cr_expect_eq(flags, PF | IF); /* parity is that of the low byte: none */
}
