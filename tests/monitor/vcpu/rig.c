/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/vcpu/rig.h"

#include <asm/prctl.h>
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/fpu.h"
#include "monitor-core/x86/ibs.h"
#include "monitor-core/x86/kvmclock.h"

struct rig rig;
struct monitor monitor;
struct machine_x86 machine_x86;
static struct cpu cpu;
static _Alignas(4096) unsigned char blocks[2][4 * 4096];

/* The machine. */

uint64_t cpu_now(void)
{
    return rig.now;
}

void cpu_kick(uint32_t n)
{
    rig.kicks |= 1u << n;
}

void cpu_take_interrupts(void)
{
}

void print(const char *format, ...)
{
    size_t used = strlen(rig.said);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rig.said + used, sizeof rig.said - used - 1, format, arguments);
    va_end(arguments);
    strcat(rig.said, "\n");
}

void panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    abort();
}

uint64_t metal_root(struct metal *m, uint32_t vm, node_t node)
{
    (void)m, (void)vm, (void)node;
    return 0x1000;
}

void svm_cpu_init(void)
{
}

void svm_forget(void)
{
}

void svm_control(struct vmcb *c)
{
    c->interrupt = SVM_V_MASKING;
    c->nested = 1;
}

/* As the manual has it (15.21.4): a virtual interrupt is taken where the guest is open for it. */
static void take_interrupt(struct vmcb *c)
{
    bool open = (c->rflags >> 9 & 1) && !(c->shadow & 1) && !(c->event >> 31 & 1);
    bool first = (c->interrupt >> 20 & 1) || (c->interrupt >> 16 & 15) > (c->interrupt & 15);
    rig.taken = -1;
    if (!(c->interrupt >> 8 & 1) || !open || !first)
        return;
    rig.taken = c->interrupt >> 32 & 0xff;
    c->interrupt &= ~UINT64_C(0x100);
}

void svm_run(struct vmcb *c, uint64_t physical, struct svm_registers *registers, uint64_t host, struct svm_space *space)
{
    (void)physical, (void)registers, (void)host, (void)space;
    struct vcpu *v = c == rig.vcpu[0].vmcb ? &rig.vcpu[0] : &rig.vcpu[1];
    rig.entries++;
    rig.event = c->event;
    rig.interrupt = c->interrupt;
    rig.rip = c->rip;
    take_interrupt(c);
    c->exit_event = 0;
    c->exit_code = SVM_EXIT_INTR;
    c->exit_info1 = c->exit_info2 = 0;
    if (rig.guest)
        rig.guest(&rig, v);
}

size_t fpu_size(void)
{
    return 832;
}

void fpu_reset(unsigned char *area)
{
    memset(area, 0, fpu_size());
}

void fpu_load(const unsigned char *area, uint64_t xcr0)
{
    (void)area, (void)xcr0;
}

uint64_t fpu_save(unsigned char *area)
{
    (void)area;
    return 1;
}

uint64_t fpu_xcr0(void)
{
    return 3;
}

void fpu_set_xcr0(uint64_t value)
{
    rig.answer = value;
}

void ibs_cpu_init(void)
{
}

void ibs_take(bool guest)
{
    rig.sampling = !guest;
}

/* The VM. */

int pager_fault(struct pager *p, uint32_t vm, node_t node, uint16_t task, uint64_t gpa, bool write, uint64_t now,
                enum exit_kind *kind)
{
    (void)p, (void)vm, (void)node, (void)task, (void)write, (void)now;
    *kind = EXIT_TOUCH;
    return gpa < RIG_MEMORY ? 0 : gpa >> 32 ? ERR_NOMEM : ERR_NOENT;
}

int pager_read(struct pager *p, uint32_t vm, node_t node, uint64_t gpa, void *buffer, size_t size)
{
    (void)p, (void)vm, (void)node;
    rig.sampled += rig.sampling;
    if (gpa >= RIG_MEMORY || size > RIG_MEMORY - gpa)
        return ERR_INVAL;
    memcpy(buffer, rig.memory + gpa, size);
    return 0;
}

int pager_write(struct pager *p, uint32_t vm, node_t node, uint64_t gpa, const void *buffer, size_t size)
{
    (void)p, (void)vm, (void)node;
    rig.sampled += rig.sampling;
    if (gpa >= RIG_MEMORY || size > RIG_MEMORY - gpa)
        return ERR_INVAL;
    memcpy(rig.memory + gpa, buffer, size);
    return 0;
}

uint32_t disk_shrink(struct disk *d, uint32_t blocks_wanted)
{
    (void)d, (void)blocks_wanted;
    return 0;
}

void vm_end(struct vm *vm, enum vm_end end, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vm->end = end;
    vm->state = VM_ENDED;
    vsnprintf(vm->why, sizeof vm->why, format, arguments);
    va_end(arguments);
}

void vm_end_of_interrupt(struct vm *vm, uint8_t vector)
{
    (void)vm;
    rig.ended_interrupt = vector;
}

static void note(bool write, uint64_t address, unsigned size, uint64_t value)
{
    cr_assert(rig.logged < RIG_LOG);
    rig.log[rig.logged].write = write;
    rig.log[rig.logged].address = address;
    rig.log[rig.logged].size = size;
    rig.log[rig.logged++].value = value;
}

bool vm_access(struct vm *vm, const struct bus *bus, uint64_t address, unsigned size, bool write, uint64_t *value)
{
    bool again = write && rig.again;
    cr_assert_eq(bus, address <= UINT16_MAX ? &vm->ports : &vm->memory);
    if (!write)
        *value = rig.answer & UINT64_MAX >> (64 - size * 8);
    note(write, address, size, *value);
    rig.again &= !again;
    return !again;
}

/* The test's side. */

static void put_entry(uint64_t table, uint64_t index, uint64_t entry)
{
    memcpy(rig.memory + table + index * 8, &entry, 8);
}

void rig_map(uint64_t linear, uint64_t entry)
{
    put_entry(RIG_TABLES + 0x3000, linear >> 12 & 511, entry);
}

static void make_tables(void)
{
    for (uint64_t level = 0; level < 3; level++)
        put_entry(RIG_TABLES + level * 0x1000, 0, (RIG_TABLES + (level + 1) * 0x1000) | 7);
    for (uint64_t page = 0; page < RIG_MEMORY / 4096; page++)
        rig_map(page << 12, page << 12 | 7);
}

void rig_start(void)
{
    memset(&rig, 0, sizeof rig);
    memset(&monitor, 0, sizeof monitor);
    memset(&cpu, 0, sizeof cpu);
    cpu.self = &cpu;
    machine_x86.cpus = 1;
    machine_x86.cpu[0] = &cpu;
    machine_x86.tsc_khz = 1000000;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu);
    const node_t nodes[1] = {0};
    sched_init(&monitor.sched, 1, nodes, 10000000);
    static const struct config_vm config = {.name = "rig"};
    rig.vm.config = &config;
    rig.vm.nvcpus = 2;
    rig.vm.state = VM_RUNNING;
    rig.now = 1000;
    rig.ended_interrupt = -1;
    for (uint32_t i = 0; i < 2; i++) {
        memset(blocks[i], 0, sizeof blocks[i]);
        rig.vm.vcpu[i] = monitor.vcpu[i] = &rig.vcpu[i];
        vcpu_init(&rig.vcpu[i], &rig.vm, i, i, blocks[i], (uint64_t)(uintptr_t)blocks[i]);
        rig.vcpu[i].vmcb->nested_cr3 = 0x1000;
        sched_add(&monitor.sched, (uint16_t)i);
    }
    make_tables();
    vcpu_start(&rig.vcpu[0], 0x1000, 0, RIG_TABLES, 0);
    rig.vcpu[0].lapic.svr = rig.vcpu[1].lapic.svr = 0x1ff;
}

static uint64_t exit_code, exit_info1, exit_info2;

static void leave(struct rig *r, struct vcpu *v)
{
    (void)r;
    v->vmcb->exit_code = exit_code;
    v->vmcb->exit_info1 = exit_info1;
    v->vmcb->exit_info2 = exit_info2;
}

void rig_exit(uint64_t code, uint64_t info1, uint64_t info2)
{
    exit_code = code;
    exit_info1 = info1;
    exit_info2 = info2;
    rig.guest = leave;
}

enum vcpu_wish rig_run(uint64_t code, uint64_t info1, uint64_t info2)
{
    rig_exit(code, info1, info2);
    return vcpu_run(&rig.vcpu[0]);
}

void rig_code(const char *bytes, size_t n)
{
    memcpy(rig.memory + 0x1000, bytes, n);
}

void rig_open(void)
{
    rig_start();
    rig.vcpu[0].vmcb->rflags |= 0x200;
}

bool rig_offers(unsigned vector)
{
    uint64_t i = rig.interrupt;
    return (i >> 8 & 1) && (i >> 16 & 15) == vector >> 4 && (i >> 32 & 0xff) == vector;
}

bool rig_in(const uint32_t *bits, unsigned vector)
{
    return bits[vector / 32] >> vector % 32 & 1;
}
