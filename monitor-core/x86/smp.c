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

/* Where they begin: an address that a start-up interrupt can name, in what every PC has as RAM; nobody's by then. */
enum { TRAMPOLINE = 0x8000 };

_Noreturn void smp_entered(struct cpu *);

void smp_entered(struct cpu *c)
{
    void (*entry)(void) = c->entry;
    percpu_enter(c);
    entry();
    panic("CPU %u came back from its work", c->id);
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
    const uint32_t start_up = START_UP | TRAMPOLINE / MEMORY_FRAME;
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
    __builtin_memcpy(memory_at(&machine_x86.memory, TRAMPOLINE),
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
