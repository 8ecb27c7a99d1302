/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Descriptor tables and what comes through them (AMD64 APM volume 2, chapter 8). An exception in the monitor is an
 * error of the monitor: it ends with the registers shown.
 */
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/start.h"

enum { STACK_NMI = 1, STACK_FATAL = 2 }; /* in the TSS */
enum { CODE = 0x08, DATA = 0x10, TASK = 0x18, TASK_BYTES = 16 };
enum { VECTOR_NMI = 2, VECTOR_DOUBLE = 8, VECTOR_CHECK = 18, VECTORS = 256, EXCEPTIONS = 32 };

struct trap {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, code, rip, cs, rflags, rsp, ss;
};

struct gate {
    uint16_t low, selector;
    uint8_t stack, type;
    uint16_t middle;
    uint32_t high, reserved;
};

struct pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

struct task {
    uint32_t reserved;
    uint64_t stack[3], interrupt_stack[8], reserved2; /* interrupt_stack[0] is reserved as well */
    uint16_t reserved3, ports;
} __attribute__((packed));
_Static_assert(sizeof(struct task) == 104 && offsetof(struct task, interrupt_stack[1]) == 36, "APM volume 2, 12.2.5");

/* One table for all CPUs: two words of it are each CPU's task. */
static uint64_t gdt[TASK / 8 + TASK_BYTES / 8 * CPU_SLOTS] = {
    [CODE / 8] = UINT64_C(0x00af9b000000ffff),
    [DATA / 8] = UINT64_C(0x00cf93000000ffff),
};
static struct task tasks[CPU_SLOTS];
static struct gate gates[VECTORS];
static const struct trap *fatal;

void traps_handle(struct trap *);

/* From the first line on: an error of the start-up code shows its registers as well. */
void traps_init(void)
{
    static struct cpu early; /* who GS names until the CPU has its own block */
    struct pointer i = {sizeof(gates) - 1, (uint64_t)gates};
    early.self = &early;
    msr_set(MSR_GS_BASE, (uint64_t)&early);
    for (unsigned v = 0; v < VECTORS; v++) {
        uint64_t stub = (uint64_t)traps_stubs + 16 * v;
        gates[v] = (struct gate){(uint16_t)stub, CODE, 0, 0x8e, (uint16_t)(stub >> 16), (uint32_t)(stub >> 32), 0};
    }
    __asm__ volatile("lidt %0" : : "m"(i));
}

void traps_make(uint32_t cpu, const unsigned char *nmi_stack, const unsigned char *fatal_stack)
{
    struct task *t = &tasks[cpu];
    uint64_t at = (uint64_t)t, *descriptor = &gdt[(TASK + TASK_BYTES * cpu) / 8];
    t->interrupt_stack[STACK_NMI] = (uint64_t)nmi_stack;
    t->interrupt_stack[STACK_FATAL] = (uint64_t)fatal_stack;
    t->ports = sizeof(*t); /* no I/O permission map */
    descriptor[0] = (sizeof(*t) - 1) | (at & 0xffffff) << 16 | UINT64_C(0x89) << 40 | (at >> 24 & 0xff) << 56;
    descriptor[1] = at >> 32;
}

static void load_tables(uint32_t cpu)
{
    struct pointer g = {sizeof(gdt) - 1, (uint64_t)gdt}, i = {sizeof(gates) - 1, (uint64_t)gates};
    uint64_t scratch;
    __asm__ volatile("lgdt %1\n\t"
                     "lidt %2\n\t"
                     "pushq %3\n\t"
                     "lea 1f(%%rip), %0\n\t"
                     "pushq %0\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "mov %4, %%ds\n\t"
                     "mov %4, %%es\n\t"
                     "mov %4, %%ss\n\t"
                     "ltr %w5"
                     : "=&r"(scratch)
                     : "m"(g), "m"(i), "i"(CODE), "r"(DATA), "r"(TASK + TASK_BYTES * cpu)
                     : "memory");
}

/* Besides what the monitor needs, what every kernel sets: an emulator flushes more for an exit where they differ. */
static void control_registers(void)
{
    const uint64_t large = 1 << 4, machine_check = 1 << 6, global = 1 << 7, fxsr = 1 << 9, exceptions = 1 << 10;
    const uint64_t xsave = 1 << 18, smep = 1 << 20, smap = 1 << 21;
    uint32_t extended = cpuid_host(0, 0).eax >= 7 ? cpuid_host(7, 0).ebx : 0;
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    cr4 |= large | machine_check | global | fxsr | exceptions | (cpuid_host(1, 0).ecx & 1u << 26 ? xsave : 0);
    cr4 |= (extended & 1u << 7 ? smep : 0) | (extended & 1u << 20 ? smap : 0);
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
}

void traps_cpu(struct cpu *c)
{
    load_tables(c->id);
    gates[VECTOR_NMI].stack = STACK_NMI;
    gates[VECTOR_DOUBLE].stack = gates[VECTOR_CHECK].stack = STACK_FATAL;
    msr_set(MSR_GS_BASE, (uint64_t)c);
    control_registers();
}

void traps_show(void)
{
    const struct trap *t = fatal;
    uint64_t cr2, cr3;
    if (!t)
        return;
    __asm__ volatile("mov %%cr2, %0\n\tmov %%cr3, %1" : "=r"(cr2), "=r"(cr3));
    print("rip %016lx cs %02lx rflags %08lx rsp %016lx cr2 %016lx cr3 %lx", t->rip, t->cs, t->rflags, t->rsp, cr2, cr3);
    print("rax %016lx rbx %016lx rcx %016lx rdx %016lx", t->rax, t->rbx, t->rcx, t->rdx);
    print("rsi %016lx rdi %016lx rbp %016lx r8  %016lx", t->rsi, t->rdi, t->rbp, t->r8);
    print("r9  %016lx r10 %016lx r11 %016lx r12 %016lx", t->r9, t->r10, t->r11, t->r12);
    print("r13 %016lx r14 %016lx r15 %016lx", t->r13, t->r14, t->r15);
}

/* GS names the running CPU again, which its stack tells: an exception may come while GS is still a guest's, and then
 * the task register is as well. */
static void recover(const struct trap *t)
{
    uint64_t cpu = ((uint64_t)t - START_STACKS) / (START_STACKS_EACH * START_STACK_STEP);
    if (cpu < CPU_SLOTS && machine_x86.cpu[cpu])
        msr_set(MSR_GS_BASE, (uint64_t)machine_x86.cpu[cpu]);
}

static void exception(const struct trap *t)
{
    if (t->vector == VECTOR_NMI) {
        if (panic_began())
            panic_halt();
        return; /* nobody else sends one that asks for something */
    }
    recover(t);
    if (!panic_began())
        fatal = t;
    panic("exception %lu (code %lx) in the monitor at %016lx on CPU %u; please report this", t->vector, t->code, t->rip,
          cpu_self()->id);
}

void traps_handle(struct trap *t)
{
    if (t->vector < EXCEPTIONS) {
        exception(t);
        return;
    }
    struct cpu *c = cpu_self();
    if (t->vector == APIC_SPURIOUS)
        return; /* takes no acknowledgement */
    c->interrupts++;
    if (t->vector == APIC_TIMER)
        c->timer = CPU_TIMER_FIRED;
    else if (t->vector == APIC_KICK)
        c->kicks++;
    apic_end();
}

void cpu_take_interrupts(void)
{
    __asm__ volatile("sti\n\tnop\n\tcli" : : : "memory");
}

void cpu_idle(void)
{
    /* Between STI and HLT nothing is taken, so an interrupt that is pending wakes the HLT. */
    __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}
