/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hostile guest: a bare-metal 64-bit program with a Linux boot header that does, at random and seeded, what a guest
 * may not do, and looks for other guests' memory. From its command line:
 *
 *   seed=N rounds=N   default 1, 2000
 *   only=NAME         one kind of operation (the table in fuzz.c)
 *   end=WAY           off: powers off; or one of the ways out that end the VM (fuzz_end.c)
 *
 * Every operation runs under fuzz_try, which survives any exception that the guest sees. On the console:
 * "fuzz: ok ..." before the end, or "fuzz: SECRET ..." for a word of another guest's memory.
 */
#ifndef TESTS_MONITOR_GUESTS_FUZZ_H
#define TESTS_MONITOR_GUESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* What the guest beside it fills its memory with (secret.c). */
#define FUZZ_SECRET UINT64_C(0x5ec2e7b10c5ec2e7)

/* Where operations may write what they like: the megabytes from 16 to 24. */
#define FUZZ_SCRATCH UINT64_C(0x1000000)
#define FUZZ_SCRATCH_SIZE UINT64_C(0x800000)

/* 4 KiB pages at this virtual address lead where fuzz_window says; the first 4 GiB lead to themselves. */
#define FUZZ_WINDOW UINT64_C(0x200000000)

/* fuzz.S */
int fuzz_try(void (*f)(void)); /* 1: an exception ended it */
extern uint64_t fuzz_faults[32], fuzz_interrupts;
extern uint64_t fuzz_level4[512], fuzz_window_table[512];
extern const unsigned char fuzz_wait[], fuzz_wait_end[]; /* real-mode code that waits for ever */
void fuzz_restore(void);     /* control registers, descriptor tables, segments, flags as at the start */
void fuzz_lose_tables(void); /* no descriptor for any exception: the next one is the last */

/* fuzz.c */
uint64_t fuzz_random(void);
uint64_t fuzz_below(uint64_t n);
void fuzz_print(const char *text, uint64_t number);
volatile void *fuzz_window(unsigned page, uint64_t gpa);
uint64_t fuzz_odd(void);     /* a number that likely lies on an edge */
uint64_t fuzz_address(void); /* a guest-physical one: scratch, a device, a hole, beyond the end */
extern uint64_t fuzz_memory_end;

/* fuzz_cpu.c */
void fuzz_msr_read(void);
void fuzz_msr_write(void);
void fuzz_cpuid(void);
void fuzz_control(void);
void fuzz_debug(void);
void fuzz_instruction(void);
void fuzz_hypercall(void);
void fuzz_apic(void);
void fuzz_tables(void);

/* fuzz_devices.c */
void fuzz_port(void);
void fuzz_string_port(void);
void fuzz_mmio(void);
void fuzz_ioapic(void);
void fuzz_serial(void);
void fuzz_virtio(void);
void fuzz_ring(void);

/* fuzz_end.c: does not return where the way is known. */
void fuzz_end(const char *way);

static inline void fuzz_out(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t fuzz_in(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void fuzz_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t fuzz_rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

#endif
