/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The decoder against bytes that the GNU assembler made of the text beside them, and against everything else.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "monitor-core/x86/decode.h"

struct instruction {
    const char *text, *bytes;
    bool store;
    uint8_t length, size, width, reg;
    bool is_constant;
    uint64_t constant;
};

/* clang-format off */
static const struct instruction list[] = {
    {"mov (%rdi),%eax", "\x8b\x07", false, 2, 4, 4, 0, false, 0},
    {"mov %eax,(%rdi)", "\x89\x07", true, 2, 4, 4, 0, false, 0},
    {"mov 0x10(%rbx,%rcx,4),%r9", "\x4c\x8b\x4c\x8b\x10", false, 5, 8, 8, 9, false, 0},
    {"mov %r15,-0x12345678(%r13)", "\x4d\x89\xbd\x88\xa9\xcb\xed", true, 7, 8, 8, 15, false, 0},
    {"mov %spl,(%rdx)", "\x40\x88\x22", true, 3, 1, 1, 4, false, 0},
    {"mov %sil,(%rdx)", "\x40\x88\x32", true, 3, 1, 1, 6, false, 0},
    {"mov (%r8),%r11b", "\x45\x8a\x18", false, 3, 1, 1, 11, false, 0},
    {"mov %cx,(%rsp)", "\x66\x89\x0c\x24", true, 4, 2, 2, 1, false, 0},
    {"mov 0x11223344(%rip),%edx", "\x8b\x15\x44\x33\x22\x11", false, 6, 4, 4, 2, false, 0},
    {"mov 0x11223344,%esi", "\x8b\x34\x25\x44\x33\x22\x11", false, 7, 4, 4, 6, false, 0},
    {"movb $0x80,(%rax)", "\xc6\x00\x80", true, 3, 1, 1, 0, true, UINT64_C(0x80)},
    {"movw $0x1234,0x7f(%rax)", "\x66\xc7\x40\x7f\x34\x12", true, 6, 2, 2, 0, true, UINT64_C(0x1234)},
    {"movl $0xfedcba98,(%rax,%rax)", "\xc7\x04\x00\x98\xba\xdc\xfe", true, 7, 4, 4, 0, true, UINT64_C(0xfedcba98)},
    {"movq $-2,(%r12)", "\x49\xc7\x04\x24\xfe\xff\xff\xff", true, 8, 8, 8, 0, true, UINT64_C(0xfffffffffffffffe)},
    {"movq $0x7fffffff,(%rbp,%r13,8)", "\x4a\xc7\x44\xed\x00\xff\xff\xff\x7f", true, 9, 8, 8, 0, true, UINT64_C(0x7fffffff)},
    {"movzbl (%rsi),%eax", "\x0f\xb6\x06", false, 3, 1, 4, 0, false, 0},
    {"movzwl (%rsi),%r10d", "\x44\x0f\xb7\x16", false, 4, 2, 4, 10, false, 0},
    {"movzbw (%rsi),%dx", "\x66\x0f\xb6\x16", false, 4, 1, 2, 2, false, 0},
    {"movzwq (%rsi),%rdi", "\x48\x0f\xb7\x3e", false, 4, 2, 8, 7, false, 0},
    {"mov %eax,0x11223344(%eax,%ebx,2)", "\x67\x89\x84\x58\x44\x33\x22\x11", true, 8, 4, 4, 0, false, 0},
};
/* clang-format on */
enum { LIST = sizeof list / sizeof list[0] };

/* A copy of exactly n bytes on the heap, so that a byte too many is found. */
static int decode_exactly(struct decode *d, const void *bytes, size_t n)
{
    unsigned char *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    int err = decode(d, copy, n);
    free(copy);
    return err;
}

Test(decode, assembled)
{
    for (unsigned i = 0; i < LIST; i++) {
        const struct instruction *t = &list[i];
        struct decode d;
        cr_assert_eq(decode_exactly(&d, t->bytes, t->length), 0, "%s", t->text);
        cr_expect_eq(d.length, t->length, "%s: length %u", t->text, d.length);
        cr_expect_eq(d.store, t->store, "%s", t->text);
        cr_expect_eq(d.size, t->size, "%s: size %u", t->text, d.size);
        cr_expect_eq(d.width, t->width, "%s: width %u", t->text, d.width);
        cr_expect_eq(d.is_constant, t->is_constant, "%s", t->text);
        if (t->is_constant)
            cr_expect_eq(decode_stored(&d, 0), t->constant, "%s: %lx", t->text, d.constant);
        else
            cr_expect_eq(d.reg, t->reg, "%s: register %u", t->text, d.reg);
    }
}

Test(decode, cut_short_and_with_more_behind)
{
    for (unsigned i = 0; i < LIST; i++) {
        const struct instruction *t = &list[i];
        unsigned char bytes[DECODE_MAX];
        struct decode d;
        for (size_t n = 0; n < t->length; n++)
            cr_expect_eq(decode_exactly(&d, t->bytes, n), ERR_AGAIN, "%s, %zu bytes", t->text, n);
        memset(bytes, 0xf4, sizeof bytes);
        memcpy(bytes, t->bytes, t->length);
        cr_expect_eq(decode_exactly(&d, bytes, sizeof bytes), 0, "%s", t->text);
        cr_expect_eq(d.length, t->length, "%s", t->text);
    }
}

Test(decode, refused)
{
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
        {"\x89\xc0", 2},                                                      /* mov %eax,%eax: no memory */
        {"\x0f\xb6\xc0", 3},                                                  /* movzbl %al,%eax */
        {"\x88\x22", 2},                                                      /* mov %ah,(%rdx) */
        {"\x0f\xbe\x06", 3},                                                  /* movsbl (%rsi),%eax */
        {"\x0f\x89\x06\0\0\0", 6},                                            /* jns */
        {"\x8c\x00", 2},                                                      /* mov %es,(%rax) */
        {"\xa4", 1},                                                          /* movsb */
        {"\xff\x00", 2},                                                      /* incl (%rax) */
        {"\x01\x00", 2},                                                      /* add %eax,(%rax) */
        {"\x87\x06", 2},                                                      /* xchg %eax,(%rsi) */
        {"\xf0\x89\x06", 3},                                                  /* no instruction */
        {"\xc7\x08\0\0\0\0", 6},                                              /* group 11, not mov */
        {"\x0f\x6f\x00", 3},                                                  /* movq (%rax),%mm0 */
        {"\xc5\xf9\x6f\x00", 4},                                              /* vmovdqa (%rax),%xmm0 */
        {"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x89\x80", 15}, /* longer with its address */
        {"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66", 15},
    };
    struct decode d;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_eq(decode_exactly(&d, bad[i].bytes, bad[i].n), ERR_INVAL, "%u", i);
}

/* Prefixes before an instruction whose REX then counts. */
Test(decode, prefixes)
{
    struct decode d;
    cr_assert_eq(decode_exactly(&d, "\x66\x48\x89\x08", 4), 0); /* REX.W wins over 66 */
    cr_expect_eq(d.size, 8);
    cr_assert_eq(decode_exactly(&d, "\x65\x66\x44\x89\x08", 5), 0); /* mov %r9w,%gs:(%rax) */
    cr_expect_eq(d.size, 2);
    cr_expect_eq(d.reg, 9);
    /* Eleven prefixes, opcode, ModRM, SIB and a byte of displacement are fifteen. */
    cr_assert_eq(decode_exactly(&d, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x89\x44\x24\x10", 15), 0);
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
        int err = decode_exactly(&d, bytes, n);
        cr_assert(err == 0 || err == ERR_INVAL || (err == ERR_AGAIN && n < DECODE_MAX));
        if (err)
            continue;
        cr_assert(d.length >= 1 && d.length <= n && d.reg < 16);
        cr_assert(d.size == 1 || d.size == 2 || d.size == 4 || d.size == 8);
        cr_assert_eq(decode_exactly(&e, bytes, d.length), 0);
        cr_assert_eq(e.length, d.length);
    }
}

Test(decode, values)
{
    const uint64_t reg = 0x1122334455667788, memory = 0xaabbccddeeff8899;
    static const struct {
        uint8_t size, width;
        uint64_t loaded, stored;
    } all[] = {
        {1, 1, 0x1122334455667799, 0x88}, {2, 2, 0x1122334455668899, 0x7788},
        {4, 4, 0xeeff8899, 0x55667788},   {8, 8, 0xaabbccddeeff8899, 0x1122334455667788},
        {1, 2, 0x1122334455660099, 0x88}, {1, 4, 0x99, 0x88},
        {2, 8, 0x8899, 0x7788},
    };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct decode d = {.size = all[i].size, .width = all[i].width};
        cr_expect_eq(decode_loaded(&d, reg, memory), all[i].loaded, "%u", i);
        cr_expect_eq(decode_stored(&d, reg), all[i].stored, "%u", i);
    }
}
