/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/guests/fuzz.h"

enum { COM1 = 0x3f8, E820_COUNT = 0x1e8, E820_TABLE = 0x2d0, COMMAND_LINE = 0x228, ROUNDS = 2000 };

void fuzz_main(const unsigned char *boot_params);
uint64_t fuzz_memory_end;

static uint64_t state = 1;

static const struct operation {
    const char *name;
    void (*run)(void);
} operations[] = {
    {"msr_read", fuzz_msr_read},
    {"msr_write", fuzz_msr_write},
    {"cpuid", fuzz_cpuid},
    {"control", fuzz_control},
    {"debug", fuzz_debug},
    {"instruction", fuzz_instruction},
    {"hypercall", fuzz_hypercall},
    {"apic", fuzz_apic},
    {"tables", fuzz_tables},
    {"port", fuzz_port},
    {"string_port", fuzz_string_port},
    {"mmio", fuzz_mmio},
    {"ioapic", fuzz_ioapic},
    {"serial", fuzz_serial},
    {"virtio", fuzz_virtio},
    {"ring", fuzz_ring},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

/* xorshift64* (Vigna, 2014) */
uint64_t fuzz_random(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

uint64_t fuzz_below(uint64_t n)
{
    return (fuzz_random() >> 11) % n;
}

uint64_t fuzz_odd(void)
{
    switch (fuzz_below(6)) {
    case 0:
        return fuzz_below(16);
    case 1:
        return UINT64_C(1) << fuzz_below(64);
    case 2:
        return (UINT64_C(1) << fuzz_below(64)) - 1;
    case 3:
        return ~fuzz_below(16);
    case 4:
        return fuzz_random() >> fuzz_below(64);
    default:
        return fuzz_random();
    }
}

uint64_t fuzz_address(void)
{
    static const uint64_t odd[] = {0xd0000000, 0xd0001000, 0xd0003000, 0xd0010000, 0xfec00000,  0xfee00000,
                                   0xc0000000, 0xfffff000, 0xa0000,    0xe0000,    0x100000000, UINT64_C(1) << 39};
    uint64_t at = odd[fuzz_below(sizeof odd / sizeof *odd)] + fuzz_below(4096);
    switch (fuzz_below(4)) {
    case 0:
        return FUZZ_SCRATCH + fuzz_below(FUZZ_SCRATCH_SIZE);
    case 1:
        return fuzz_memory_end - 8 + fuzz_below(4096);
    case 2:
        return UINT64_C(0xc0000000) + fuzz_below(0x40000000);
    default:
        return at;
    }
}

volatile void *fuzz_window(unsigned page, uint64_t gpa)
{
    uint64_t at = FUZZ_WINDOW + page % 512 * 4096;
    fuzz_window_table[page % 512] = (gpa & UINT64_C(0xffffffffff000)) | 3;
    __asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
    return (volatile void *)(at + (gpa & 4095));
}

static void put(char c)
{
    while (!(fuzz_in(COM1 + 5) & 0x20))
        ;
    fuzz_out(COM1, (uint8_t)c);
}

/* The port may be in any state: it is set up anew for every line. */
void fuzz_print(const char *text, uint64_t number)
{
    char digits[20];
    int n = 0;
    fuzz_out(COM1 + 3, 3);
    fuzz_out(COM1 + 1, 0);
    fuzz_out(COM1 + 4, 3);
    for (const char *p = text; *p; p++)
        if (*p != '#') {
            put(*p);
        } else {
            do {
                digits[n++] = (char)('0' + number % 10);
                number /= 10;
            } while (number);
            while (n)
                put(digits[--n]);
        }
    put('\n');
}

/* What follows `key` in the command line, up to the next blank; null where it is not there. */
static const char *word(const char *line, const char *key)
{
    for (; *line; line++) {
        const char *a = line, *b = key;
        while (*b && *a == *b)
            a++, b++;
        if (!*b)
            return a;
    }
    return NULL;
}

static uint64_t number(const char *line, const char *key, uint64_t otherwise)
{
    const char *at = word(line, key);
    uint64_t value = 0;
    if (!at || *at < '0' || *at > '9')
        return otherwise;
    while (*at >= '0' && *at <= '9')
        value = value * 10 + (uint64_t)(*at++ - '0');
    return value;
}

static int same(const char *a, const char *b)
{
    while (*b && *a == *b)
        a++, b++;
    return !*b && (!*a || *a == ' ');
}

/* The largest range of RAM that ends below the PC's hole. */
static uint64_t memory_end(const unsigned char *boot_params)
{
    uint64_t end = 0;
    for (unsigned i = 0; i < boot_params[E820_COUNT]; i++) {
        uint64_t range[2];
        uint32_t type;
        __builtin_memcpy(range, boot_params + E820_TABLE + i * 20, 16);
        __builtin_memcpy(&type, boot_params + E820_TABLE + i * 20 + 16, 4);
        if (type == 1 && range[0] + range[1] <= 0xc0000000 && range[0] + range[1] > end)
            end = range[0] + range[1];
    }
    return end;
}

/* Every word of this guest's memory, which holds the secret's complement only. */
static void look(const char *when)
{
    static const volatile uint64_t complement = ~FUZZ_SECRET;
    uint64_t found = 0, secret = ~complement;
    for (uint64_t at = 0x100000; at < fuzz_memory_end; at += 8)
        found += *(const volatile uint64_t *)at == secret;
    fuzz_print(when, found);
}

/* APs that are started wait for ever in real mode. */
static void prepare(void)
{
    for (const unsigned char *p = fuzz_wait; p < fuzz_wait_end; p++)
        *(volatile unsigned char *)(0x8000 + (uintptr_t)(p - fuzz_wait)) = *p;
    fuzz_wrmsr(0x80f, 0x1ff);
}

/* Started CPUs that an NMI takes out of their wait execute what lies in low memory, and write there. */
static const char *kept_line(const unsigned char *boot_params)
{
    static char line[256];
    uint32_t at;
    __builtin_memcpy(&at, boot_params + COMMAND_LINE, 4);
    for (unsigned i = 0; i < sizeof line - 1 && ((const char *)(uintptr_t)at)[i]; i++)
        line[i] = ((const char *)(uintptr_t)at)[i];
    return line;
}

void fuzz_main(const unsigned char *boot_params)
{
    const char *line = kept_line(boot_params), *only = word(line, "only="), *end = word(line, "end=");
    uint64_t rounds = number(line, "rounds=", ROUNDS), done = 0, faults = 0;
    state = number(line, "seed=", 1) * 2 + 1;
    fuzz_memory_end = memory_end(boot_params);
    fuzz_print("fuzz: up, memory ends at # KiB", fuzz_memory_end >> 10);
    look("fuzz: # SECRET words at the start");
    fuzz_try(prepare);
    for (uint64_t i = 0; i < rounds; i++) {
        const struct operation *o = &operations[fuzz_below(OPERATIONS)];
        if (only && !same(only, o->name))
            continue;
        faults += (uint64_t)fuzz_try(o->run);
        fuzz_restore();
        done++;
    }
    look("fuzz: # SECRET words at the end");
    fuzz_print("fuzz: # exceptions", faults);
    fuzz_print("fuzz: # interrupts", fuzz_interrupts);
    fuzz_print("fuzz: ok # operations", done);
    fuzz_end(end ? end : "off");
}
