/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/kvmeoi.h"

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/vm.h"

enum { ON = 1, RESERVED = 2 };

/* Where it is no memory any more, the guest goes on by the register. */
static int put(struct vcpu *v, uint32_t bit)
{
    uint64_t gpa = v->eoi & ~(uint64_t)ON;
    int err = pager_write(&monitor.pager, v->vm->id, cpu_self()->node, gpa, &bit, sizeof bit);
    v->eoi_spared = bit && !err;
    return err ? ERR_INVAL : 0;
}

int kvmeoi_set(struct vcpu *v, uint64_t value)
{
    if (value & RESERVED)
        return ERR_INVAL;
    if (v->eoi_spared)
        put(v, 0);
    uint64_t before = v->eoi;
    v->eoi = value;
    int err = value & ON ? put(v, 0) : 0;
    if (err)
        v->eoi = before;
    return err;
}

void kvmeoi_enter(struct vcpu *v)
{
    bool spare = (v->eoi & ON) && lapic_alone(&v->lapic);
    if (spare != v->eoi_spared)
        put(v, spare);
}

void kvmeoi_leave(struct vcpu *v)
{
    uint32_t word = 0;
    if (!v->eoi_spared)
        return;
    pager_read(&monitor.pager, v->vm->id, cpu_self()->node, v->eoi & ~(uint64_t)ON, &word, sizeof word);
    if (word & ON)
        return;
    v->eoi_spared = false;
    lapic_end(&v->lapic);
}
