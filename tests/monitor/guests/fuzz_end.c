/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/guests/fuzz.h"

static void off(void)
{
    fuzz_out(0x600, 5 << 2 | 1 << 5);
}

static void triple(void)
{
    fuzz_lose_tables();
}

/* Tables of the processor's in a device, so that the walk itself leaves memory. */
static void tables(void)
{
    fuzz_level4[1] = 0xd0000003;
    *(volatile uint64_t *)(UINT64_C(1) << 39) = 1;
}

static void no_tables(void)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(UINT64_C(0xd0000000)) : "memory");
}

/* An instruction that no driver uses on a device. */
static void odd_access(void)
{
    volatile void *at = fuzz_window(0, 0xd0000000);
    __asm__ volatile("lock cmpxchg16b (%0)" : : "r"(at), "a"(0), "b"(0), "c"(0), "d"(0) : "memory", "cc");
}

/* Code in a device. */
static void execute(void)
{
    ((void (*)(void))(uintptr_t)0xd0000000)();
}

/* Interrupts off and asleep: nothing wakes it, and the others need not care. */
static void sleep(void)
{
    for (;;)
        __asm__ volatile("cli\n\thlt");
}

/* Faults without end, in the guest only. */
static void spin(void)
{
    for (;;)
        __asm__ volatile("pause");
}

static const struct way {
    const char *name;
    void (*go)(void);
} ways[] = {
    {"off", off},         {"triple", triple}, {"tables", tables}, {"no_tables", no_tables}, {"odd_access", odd_access},
    {"execute", execute}, {"sleep", sleep},   {"spin", spin},
};

static int same(const char *a, const char *b)
{
    while (*b && *a == *b)
        a++, b++;
    return !*b && (!*a || *a == ' ');
}

/* Where a way turns out to be survivable, that is said, and the guest powers off. */
void fuzz_end(const char *way)
{
    uint64_t before[32];
    __builtin_memcpy(before, fuzz_faults, sizeof before);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (same(way, ways[i].name))
            fuzz_try(ways[i].go);
    fuzz_restore();
    for (unsigned i = 0; i < 32; i++)
        if (fuzz_faults[i] != before[i])
            fuzz_print("fuzz: still here after exception #", i);
    off();
}
