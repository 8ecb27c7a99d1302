/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/linear.h"

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/vm.h"

bool linear_is_64_bit(const struct vcpu *v)
{
    enum { LONG = 0x200 };
    return (v->vmcb->efer & MSR_EFER_LMA) && (v->vmcb->cs.attributes & LONG);
}

static int read_guest(const struct vcpu *v, uint64_t gpa, void *buffer, size_t n)
{
    return pager_read(&monitor.pager, v->vm->id, cpu_self()->node, gpa, buffer, n);
}

/* False: not mapped, tables outside memory, or paging of another kind. */
static bool walk(const struct vcpu *v, uint64_t linear, uint64_t *gpa)
{
    enum { PRESENT = 1, LARGE = 0x80 };
    const uint64_t paging = UINT64_C(0x80000000), five_levels = 0x1000, address = UINT64_C(0x000ffffffffff000);
    const struct vmcb *c = v->vmcb;
    if (!(c->cr0 & paging)) {
        *gpa = linear & UINT32_MAX;
        return true;
    }
    if (!(c->efer & MSR_EFER_LMA) || (c->cr4 & five_levels))
        return false;
    uint64_t entry = c->cr3;
    for (unsigned shift = 39;; shift -= 9) {
        uint64_t slot = (entry & address) + (linear >> shift & 511) * 8, inside = (UINT64_C(1) << shift) - 1;
        if (read_guest(v, slot, &entry, sizeof entry) || !(entry & PRESENT))
            return false;
        if (shift == 12 || (shift < 39 && (entry & LARGE))) {
            *gpa = (entry & address & ~inside) | (linear & inside);
            return true;
        }
    }
}

size_t linear_fetch(struct vcpu *v, uint8_t *bytes, size_t n)
{
    enum { PAGE = 4096 };
    uint64_t rip = v->vmcb->rip, gpa;
    uint64_t linear = linear_is_64_bit(v) ? rip : (v->vmcb->cs.base + rip) & UINT32_MAX;
    size_t have = 0, left = PAGE - linear % PAGE;
    while (have < n) {
        size_t part = left < n - have ? left : n - have;
        if (!walk(v, linear + have, &gpa) || read_guest(v, gpa, bytes + have, part))
            break;
        have += part;
        left = PAGE;
    }
    return have;
}
