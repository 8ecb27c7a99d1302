/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Nested faults: memory goes to the pager, the rest is a device's (or nobody's) and the instruction is carried out
 * here.
 */
#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/decode.h"
#include "monitor-core/x86/exits.h"
#include "monitor-core/x86/linear.h"
#include "monitor-core/x86/vm.h"

static void exchange(struct vcpu *v, const struct decode *d, uint64_t gpa)
{
    uint64_t *reg = vcpu_register(v, d->reg);
    uint64_t memory = vm_mmio_read(v->vm, gpa, d->size);
    vm_mmio_write(v->vm, gpa, d->size, decode_operand(d, *reg));
    *reg = decode_merge(d, *reg, memory, d->size);
}

static void compute(struct vcpu *v, const struct decode *d, uint64_t gpa)
{
    uint64_t *reg = vcpu_register(v, d->reg);
    uint64_t memory = vm_mmio_read(v->vm, gpa, d->size);
    uint64_t result = decode_compute(d, memory, decode_operand(d, *reg), &v->vmcb->rflags);
    if (d->op == DECODE_TEST)
        return;
    if (d->to_memory)
        vm_mmio_write(v->vm, gpa, d->size, result);
    else
        *reg = decode_merge(d, *reg, result, d->size);
}

static void carry_out(struct vcpu *v, const struct decode *d, uint64_t gpa)
{
    uint64_t *reg = vcpu_register(v, d->reg);
    switch (d->op) {
    case DECODE_LOAD:
        *reg = decode_merge(d, *reg, decode_extend(d, vm_mmio_read(v->vm, gpa, d->size)), d->width);
        break;
    case DECODE_STORE:
        if (!vm_mmio_write(v->vm, gpa, d->size, decode_operand(d, *reg)))
            return; /* the guest comes back with the same instruction */
        break;
    case DECODE_EXCHANGE:
        exchange(v, d, gpa);
        break;
    default:
        compute(v, d, gpa);
        break;
    }
    vcpu_advance(v, d->length);
}

static void touch_device(struct vcpu *v, uint64_t gpa)
{
    uint8_t bytes[DECODE_MAX];
    struct decode d;
    if (v->vmcb->exit_info1 & SVM_NPF_FETCH) {
        vcpu_crash(v, "executes where there is no memory");
        return;
    }
    if ((v->vmcb->exit_info1 & SVM_NPF_TABLE) || (v->vmcb->event & SVM_EVENT_VALID)) {
        vcpu_crash(v, "page tables or stack where there is no memory");
        return;
    }
    size_t n = linear_fetch(v, bytes, sizeof bytes);
    int err = decode(&d, bytes, n, linear_mode(v));
    /* Not all of it is mapped any more: another of the VM's CPUs changed the tables; the guest will see for itself. */
    if (err == ERR_AGAIN)
        return;
    if (err)
        vcpu_crash(v, "unknown instruction on device memory");
    else
        carry_out(v, &d, gpa);
}

static int fault_in(struct vcpu *v, enum exit_kind *kind)
{
    const struct vmcb *c = v->vmcb;
    bool write = c->exit_info1 & (SVM_NPF_WRITE | SVM_NPF_TABLE);
    return pager_fault(&monitor.pager, v->vm->id, cpu_self()->node, (uint16_t)v->number, c->exit_info2, write,
                       cpu_now(), kind);
}

enum exit_kind exits_fault(struct vcpu *v)
{
    enum { ROOM = 64 };
    const struct vmcb *c = v->vmcb;
    enum exit_kind kind = EXIT_OTHER;
    int err = fault_in(v, &kind);
    /* Blocks of disks that no VM shows are the last memory to be had. */
    for (uint32_t i = 0; err == ERR_NOMEM && i < monitor.ndisks; i++)
        if (disk_shrink(&monitor.disk[i], ROOM))
            err = fault_in(v, &kind);
    if (!err)
        return kind;
    if (err == ERR_NOENT) {
        touch_device(v, c->exit_info2);
        return EXIT_MMIO;
    }
    vm_end(v->vm, VM_OUT_OF_MEMORY, "no free frame in the machine for address %llx", (unsigned long long)c->exit_info2);
    v->wish = VCPU_WAITING;
    return EXIT_OTHER;
}
