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

static void carry_out(struct vcpu *v, const struct decode *d, uint64_t gpa)
{
    uint64_t *reg = vcpu_register(v, d->reg), value = decode_stored(d, *reg);
    if (!vm_access(v->vm, &v->vm->memory, gpa, d->size, d->store, &value))
        return; /* the guest comes back with the same instruction */
    if (!d->store)
        *reg = decode_loaded(d, *reg, value);
    vcpu_advance(v, d->length);
}

static void touch_device(struct vcpu *v, uint64_t gpa)
{
    const struct vmcb *c = v->vmcb;
    uint8_t bytes[DECODE_MAX];
    struct decode d;
    if (c->exit_info1 & SVM_NPF_FETCH) {
        vcpu_crash(v, "executes where there is no memory");
    } else if ((c->exit_info1 & SVM_NPF_TABLE) || (c->event & SVM_EVENT_VALID)) {
        vcpu_crash(v, "page tables or stack where there is no memory");
    } else {
        int err = decode(&d, bytes, linear_fetch(v, bytes, sizeof bytes));
        if (!err && linear_is_64_bit(v))
            carry_out(v, &d, gpa);
        else if (err != ERR_AGAIN)
            vcpu_crash(v, "unknown instruction on device memory");
        /* Else another of the VM's CPUs changed the tables meanwhile; the guest will see for itself. */
    }
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
    if (err == ERR_NOENT) {
        touch_device(v, c->exit_info2);
        return EXIT_MMIO;
    }
    if (err) {
        vm_end(v->vm, VM_OUT_OF_MEMORY, "no free frame in the machine for address %llx",
               (unsigned long long)c->exit_info2);
        v->wish = VCPU_WAITING;
    }
    return kind;
}
