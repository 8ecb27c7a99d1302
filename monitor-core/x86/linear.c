/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/linear.h"

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/vm.h"
#include "monitor-core/x86/walk.h"

enum { PAGE = 4096 };

static int read_entry(void *context, uint64_t gpa, uint64_t *entry)
{
    const struct vcpu *v = context;
    return pager_read(&monitor.pager, v->vm->id, cpu_self()->node, gpa, entry, sizeof *entry);
}

static struct walk_mode mode_of(struct vcpu *v)
{
    const struct vmcb *c = v->vmcb;
    return (struct walk_mode){c->cr0, c->cr3, c->cr4, c->efer, c->rflags, v, read_entry};
}

static unsigned user(const struct vcpu *v)
{
    return v->vmcb->cpl == 3 ? WALK_USER : 0;
}

unsigned linear_mode(const struct vcpu *v)
{
    enum { LONG = 0x200, WIDE = 0x400 };
    const struct vmcb *c = v->vmcb;
    if ((c->efer & MSR_EFER_LMA) && (c->cs.attributes & LONG))
        return 64;
    return c->cs.attributes & WIDE ? 32 : 16;
}

size_t linear_fetch(struct vcpu *v, uint8_t *bytes, size_t n)
{
    const struct walk_mode mode = mode_of(v);
    uint64_t linear = linear_mode(v) == 64 ? v->vmcb->rip : (v->vmcb->cs.base + v->vmcb->rip) & UINT32_MAX;
    size_t have = 0;
    while (have < n) {
        uint64_t gpa;
        uint32_t code;
        size_t part = PAGE - (linear + have) % PAGE;
        part = part < n - have ? part : n - have;
        if (walk(&mode, linear + have, WALK_FETCH | user(v), &gpa, &code) ||
            pager_read(&monitor.pager, v->vm->id, cpu_self()->node, gpa, bytes + have, part))
            break;
        have += part;
    }
    return have;
}

static int translate(struct vcpu *v, uint64_t linear, unsigned access, uint64_t *gpa)
{
    const struct walk_mode mode = mode_of(v);
    uint32_t code;
    int err = walk(&mode, linear, access | user(v), gpa, &code);
    if (err == ERR_NOENT) {
        v->vmcb->cr2 = linear;
        vcpu_fault_code(v, VCPU_PF, code);
    } else if (err == ERR_NOSUP) {
        vcpu_fault(v, VCPU_UD);
    } else if (err) {
        vcpu_crash(v, "page tables outside memory");
    }
    return err;
}

static int copy(struct vcpu *v, uint64_t linear, unsigned char *buffer, size_t n, unsigned access)
{
    while (n > 0) {
        uint64_t gpa;
        size_t part = PAGE - linear % PAGE;
        part = part < n ? part : n;
        int err = translate(v, linear, access, &gpa);
        if (err)
            return err;
        node_t node = cpu_self()->node;
        err = access & WALK_WRITE ? pager_write(&monitor.pager, v->vm->id, node, gpa, buffer, part)
                                  : pager_read(&monitor.pager, v->vm->id, node, gpa, buffer, part);
        if (err) {
            vcpu_fault_code(v, VCPU_GP, 0);
            return err;
        }
        linear += part;
        buffer += part;
        n -= part;
    }
    return 0;
}

int linear_read(struct vcpu *v, uint64_t linear, void *buffer, size_t n)
{
    return copy(v, linear, buffer, n, 0);
}

int linear_write(struct vcpu *v, uint64_t linear, const void *buffer, size_t n)
{
    return copy(v, linear, (unsigned char *)(uintptr_t)buffer, n, WALK_WRITE);
}

int linear_check(struct vcpu *v, uint64_t linear, size_t n)
{
    uint64_t gpa;
    int err = translate(v, linear, WALK_WRITE, &gpa);
    return err ? err : translate(v, linear + n - 1, WALK_WRITE, &gpa);
}
