/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Starts the other CPUs one after the other (AMD64 APM volume 2, 15.27.8 and 16.5; INIT, two start-up interrupts): so
 * one set of start variables serves all.
 */
#include "monitor-core/x86/start.h"

enum { INIT = 0xc500, START_UP = 0x4600 };
enum { MS = 1000000 };

/* Read by boot.S. */
uint64_t smp_cr3;
unsigned char *smp_stack;
struct cpu *smp_cpu;

static uint64_t trampoline;

_Noreturn void smp_entered(struct cpu *);

void smp_entered(struct cpu *c)
{
    void (*entry)(void) = c->entry;
    percpu_enter(c);
    entry();
    panic("CPU %u came back from its work", c->id);
}

/* A page of RAM below 640 KiB, with an address that a start-up interrupt can name. */
void smp_trampoline(const struct start_facts *f)
{
    for (uint32_t i = 0; i < f->nram; i++) {
        uint64_t page = f->ram[i].start < 0x8000 ? 0x8000 : (f->ram[i].start + 4095) & ~UINT64_C(4095);
        if (page + MEMORY_FRAME <= f->ram[i].end && page + MEMORY_FRAME <= 0xa0000) {
            trampoline = page;
            return;
        }
    }
}

static bool wait_up(const struct cpu *c, uint64_t ns)
{
    uint64_t end = cpu_now() + ns;
    while (!__atomic_load_n(&c->up, __ATOMIC_ACQUIRE)) {
        if (cpu_now() >= end)
            return false;
        __builtin_ia32_pause();
    }
    return true;
}

static void start_one(struct cpu *c)
{
    uint32_t start_up = START_UP | (uint32_t)(trampoline / MEMORY_FRAME);
    smp_cr3 = paging_cr3(c->node);
    smp_stack = c->stack;
    smp_cpu = c;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    apic_send(c->apic_id, INIT);
    clock_wait(10 * MS);
    apic_send(c->apic_id, start_up);
    /* A second start-up only where the first was lost: one that comes late would start the CPU over. */
    if (wait_up(c, 100 * MS))
        return;
    apic_send(c->apic_id, start_up);
    if (!wait_up(c, UINT64_C(10000) * MS))
        panic("CPU %u (APIC %u) does not start; disable it in the firmware or lower cpus", c->id, c->apic_id);
}

void cpu_start_others(void (*entry)(void))
{
    if (machine_x86.cpus > 1 && !trampoline)
        panic("no page of RAM below 640 KiB to start the other CPUs from; use one CPU");
    if (trampoline)
        __builtin_memcpy(memory_at(&machine_x86.memory, trampoline),
                         memory_at(&machine_x86.memory, (uint64_t)boot_trampoline),
                         (uint64_t)boot_trampoline_end - (uint64_t)boot_trampoline);
    for (uint32_t i = 0; i < machine_x86.cpus; i++) {
        struct cpu *c = machine_x86.cpu[i];
        if (c == cpu_self())
            continue;
        c->entry = entry;
        start_one(c);
    }
}
