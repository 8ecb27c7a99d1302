/* SPDX-License-Identifier: BSD-2-Clause
 *
 * State that a context switch must carry: the vector registers (as wide as this CPU has them enabled), MXCSR and the
 * x87 stack hold values of this thread over a long loop that touches none of them, and must still hold them after it.
 */
#include "tests/monitor/guests/work.h"

#include <cpuid.h>
#include <stdbool.h>
#include <string.h>

enum { REGISTERS = 16, WIDE = 32, LOOP = 2000000 };

struct vectors {
    const struct work *work;
    uint64_t until;
    bool wide;
    uint64_t rounds[WORK_THREADS];
};

struct state {
    _Alignas(32) unsigned char in[REGISTERS * WIDE], out[REGISTERS * WIDE];
    uint32_t mxcsr_in, mxcsr_out;
    uint64_t x87_in[4], x87_out[4];
};

/* Every step of the loop is short and plain, so it lasts several time slices: 2 million turns. One statement: the
 * compiler cannot use a register in between. */
#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15)
#define LOAD_WIDE(i) "vmovdqa 32*" #i "(%[in]), %%ymm" #i "\n\t"
#define SAVE_WIDE(i) "vmovdqa %%ymm" #i ", 32*" #i "(%[out])\n\t"
#define LOAD(i) "movdqa 32*" #i "(%[in]), %%xmm" #i "\n\t"
#define SAVE(i) "movdqa %%xmm" #i ", 32*" #i "(%[out])\n\t"
#define X87_LOAD "fildll 0(%[x])\n\tfildll 8(%[x])\n\tfildll 16(%[x])\n\tfildll 24(%[x])\n\t"
#define X87_SAVE "fistpll 24(%[y])\n\tfistpll 16(%[y])\n\tfistpll 8(%[y])\n\tfistpll 0(%[y])\n\t"
#define TURN "1:\n\tdec %[n]\n\tjnz 1b\n\t"
#define OPERANDS(s, turns)                                                                                         \
    [n] "+r"(turns)                                                                                                \
        : [in] "r"((s)->in), [out] "r"((s)->out), [x] "r"((s)->x87_in), [y] "r"((s)->x87_out),                     \
          [mi] "m"((s)->mxcsr_in), [mo] "m"((s)->mxcsr_out)                                                        \
        : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
          "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

static void hold(struct state *s, bool wide, uint64_t turns)
{
    uint32_t plain = 0x1f80;
    if (wide)
        __asm__ volatile("ldmxcsr %[mi]\n\t" EACH(LOAD_WIDE)
                             X87_LOAD TURN X87_SAVE EACH(SAVE_WIDE) "stmxcsr %[mo]\n\tvzeroupper"
                         : OPERANDS(s, turns));
    else
        __asm__ volatile("ldmxcsr %[mi]\n\t" EACH(LOAD) X87_LOAD TURN X87_SAVE EACH(SAVE) "stmxcsr %[mo]"
                         : OPERANDS(s, turns));
    __asm__ volatile("ldmxcsr %0" : : "m"(plain));
}

static int differs(const struct vectors *v, const struct state *s, unsigned number, uint64_t round)
{
    for (int r = 0; r < REGISTERS; r++)
        if (memcmp(s->in + r * WIDE, s->out + r * WIDE, v->wide ? WIDE : WIDE / 2))
            return work_fail(v->work, "thread %u round %lu: vector register %d changed", number, round, r);
    if ((s->mxcsr_in & 0xffc0) != (s->mxcsr_out & 0xffc0))
        return work_fail(v->work, "thread %u round %lu: MXCSR %x became %x", number, round, s->mxcsr_in, s->mxcsr_out);
    if (memcmp(s->x87_in, s->x87_out, sizeof s->x87_in))
        return work_fail(v->work, "thread %u round %lu: the x87 stack changed", number, round);
    return 0;
}

/* Something that a lost register would change as well, in code of the compiler's. */
static double chain(uint64_t seed)
{
    double x = (double)(seed % 1000 + 1) / 1001.0;
    for (int i = 0; i < 200000; i++)
        x = 3.75 * x * (1.0 - x);
    return x;
}

static int thread(void *context, unsigned number)
{
    struct vectors *v = context;
    struct state s;
    double first = chain(number);
    for (uint64_t round = 0; work_now() < v->until; round++) {
        memset(&s, 0, sizeof s);
        for (size_t i = 0; i < sizeof s.in; i++)
            s.in[i] = (unsigned char)work_mix((uint64_t)number << 48 ^ round << 16 ^ i);
        for (int i = 0; i < 4; i++)
            s.x87_in[i] = work_mix(round * 4 + (uint64_t)i) >> 3;
        s.mxcsr_in = 0x1f80 | (uint32_t)(number + round) % 4 << 13; /* rounding mode */
        hold(&s, v->wide, LOOP + work_mix(round) % LOOP);
        if (differs(v, &s, number, round))
            return 1;
        double again = chain(number);
        if (memcmp(&first, &again, sizeof first))
            return work_fail(v->work, "thread %u round %lu: %a, was %a", number, round, again, first);
        v->rounds[number]++;
    }
    return 0;
}

int vectors_run(const struct work *w, uint64_t seconds, uint64_t threads, uint64_t c)
{
    (void)c;
    struct vectors v = {.work = w, .until = work_now() + seconds * 1000000000};
    v.wide = __builtin_cpu_supports("avx");
    unsigned n = work_threads(threads);
    uint64_t rounds = 0;
    if (work_parallel(n, thread, &v))
        return 1;
    for (unsigned i = 0; i < n; i++)
        rounds += v.rounds[i];
    work_say(w, "ok %lu rounds of %u threads, %s", rounds, n, v.wide ? "256 bits" : "128 bits");
    return 0;
}
