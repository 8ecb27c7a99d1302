/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/vcpu.h"

#include "monitor-core/x86/exits.h"
#include "monitor-core/x86/fpu.h"
#include "monitor-core/x86/ibs.h"
#include "monitor-core/x86/kick.h"
#include "monitor-core/x86/kvmclock.h"
#include "monitor-core/x86/kvmeoi.h"
#include "monitor-core/x86/linear.h"
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/vm.h"

#define RFLAGS_IF UINT64_C(0x200)

/* The block: the control block, the page for the CPU's own state, the FPU's area. */
enum { AT_HOST = 4096, AT_FPU = 8192 };

size_t vcpu_block(void)
{
    return AT_FPU + ((fpu_size() + 4095) & ~(size_t)4095);
}

void vcpu_init(struct vcpu *v, struct vm *vm, uint32_t index, uint32_t number, void *block, uint64_t block_physical)
{
    __builtin_memset(v, 0, sizeof *v);
    v->vmcb = block;
    v->vmcb_physical = block_physical;
    v->host_physical = block_physical + AT_HOST;
    v->fpu = (unsigned char *)block + AT_FPU;
    v->vm = vm;
    v->index = index;
    v->number = number;
    vcpu_reset(v);
}

void vcpu_cpu_init(void)
{
    svm_cpu_init();
    kvmclock_cpu_init();
    ibs_cpu_init();
}

/* Changing hands. */

static void load_debug(const uint64_t *dr)
{
    __asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3"
                     :
                     : "r"(dr[0]), "r"(dr[1]), "r"(dr[2]), "r"(dr[3]));
}

static void save_debug(uint64_t *dr)
{
    __asm__ volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
                     : "=r"(dr[0]), "=r"(dr[1]), "=r"(dr[2]), "=r"(dr[3]));
}

void vcpu_take_up(struct vcpu *v)
{
    struct cpu *cpu = cpu_self();
    v->cpu = cpu->id;
    if (cpu->vm != v->vm->id)
        svm_forget();
    __atomic_store_n(&cpu->vm, v->vm->id, __ATOMIC_RELAXED);
    svm_save_host(v->host_physical);
    v->vmcb->nested_cr3 = metal_root(&monitor.metal, v->vm->id, cpu->node);
    msr_set(MSR_TSC_AUX, v->tsc_aux);
    load_debug(v->dr);
    fpu_load(v->fpu, v->xcr0);
}

void vcpu_put_away(struct vcpu *v)
{
    v->xcr0 = fpu_save(v->fpu);
    save_debug(v->dr);
}

/* Interrupts. */

/* The guest stops being runnable for good when every one of its virtual CPUs waits for what only another could send. */
static void end_if_stuck(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->nvcpus; i++) {
        const struct vcpu *v = vm->vcpu[i];
        bool waits = __atomic_load_n(&v->start, __ATOMIC_ACQUIRE) & VCPU_WAITS;
        bool halts = __atomic_load_n(&v->stuck, __ATOMIC_ACQUIRE) && !__atomic_load_n(&v->lapic.nmi, __ATOMIC_ACQUIRE);
        if (!waits && !halts)
            return;
    }
    vm_end(vm, VM_POWERED_OFF, "all virtual CPUs halted with interrupts off");
}

/* The highest pending interrupt, which the CPU delivers as soon as the guest takes it (APM volume 2, 15.21.4), or -1.
 * Never by event injection: an emulated CPU may deliver an injected interrupt twice when another interrupt ends the
 * guest's run at that moment. */
static int offer(struct vcpu *v)
{
    int vector = lapic_pending(&v->lapic);
    v->vmcb->interrupt = SVM_V_MASKING | (v->lapic.tpr >> 4); /* where the guest reads CR8 */
    if (vector >= 0)
        v->vmcb->interrupt |= SVM_V_IRQ | ((uint64_t)vector >> 4) << SVM_V_PRIORITY | (uint64_t)vector << SVM_V_VECTOR;
    return vector;
}

/* From one NMI to the end of its handler's IRET there is no other: IRET's exit comes before it has run. */
static void inject_nmi(struct vcpu *v)
{
    struct vmcb *c = v->vmcb;
    uint32_t *word = &c->intercept[SVM_EXIT_IRET / 32];
    bool masked = (*word & SVM_BIT(SVM_EXIT_IRET)) || v->iret == c->rip;
    bool wanted = __atomic_load_n(&v->lapic.nmi, __ATOMIC_ACQUIRE);
    if (!wanted || masked || (c->event & SVM_EVENT_VALID) || (c->shadow & 1))
        return;
    __atomic_store_n(&v->lapic.nmi, 0, __ATOMIC_RELEASE);
    c->event = svm_event(SVM_EVENT_NMI, 2);
    *word |= SVM_BIT(SVM_EXIT_IRET);
}

/* Back from the guest, before the exit is dealt with, which may be the end of the interrupt: did the guest take what it
 * was offered, and which event's delivery has the exit broken off? */
static void collect(struct vcpu *v, int offered)
{
    struct vmcb *c = v->vmcb;
    uint64_t event = (c->exit_event & SVM_EVENT_VALID) ? c->exit_event : 0;
    unsigned type = event >> 8 & 7, vector = event & 0xff;
    bool waits = c->interrupt & SVM_V_IRQ;
    /* The offered interrupt's own delivery: it is offered again. An emulated CPU calls it an exception, and still
     * requested; a real one has no exceptions from 32 on. */
    bool interrupt = event && (type == SVM_EVENT_INTERRUPT || (type == SVM_EVENT_EXCEPTION && vector >= 32) ||
                               (type == SVM_EVENT_EXCEPTION && waits && (int)vector == offered));
    if (offered >= 0 && (waits || interrupt))
        lapic_withdraw(&v->lapic, (uint8_t)offered);
    /* INT n, INT3 and INTO are executed again: RIP still stands on them. */
    bool again = type == SVM_EVENT_SOFTWARE || (type == SVM_EVENT_EXCEPTION && (vector == 3 || vector == 4));
    c->event = again || interrupt ? 0 : event;
}

/* INIT and start-up, as other CPUs posted them. False: it waits for its start-up interrupt. */
static bool obey(struct vcpu *v)
{
    uint32_t posted = __atomic_load_n(&v->start, __ATOMIC_ACQUIRE), vector = posted & ~(uint32_t)VCPU_INIT;
    if (posted == VCPU_RUNS)
        return true;
    if (posted & VCPU_INIT)
        vcpu_begin(v);
    bool starts = vector <= UINT8_MAX;
    if (starts) {
        v->vmcb->cs.selector = (uint16_t)(vector << 8);
        v->vmcb->cs.base = vector << 12;
        v->vmcb->rip = 0;
    }
    uint32_t now = starts ? VCPU_RUNS : VCPU_WAITS;
    /* When something else has come meanwhile, so has a wake-up. */
    bool done = __atomic_compare_exchange_n(&v->start, &posted, now, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    if (!starts)
        end_if_stuck(v->vm);
    return done && starts;
}

/* VMRUN on an emulated CPU ignores the interrupt shadow, so an interrupt could come between STI and HLT and its wake-up
 * be lost: a guest that stands between them is halted here and now. */
static bool stands_before_halt(struct vcpu *v)
{
    enum { HLT = 0xf4 };
    const struct vmcb *c = v->vmcb;
    uint8_t next;
    bool shadow = (c->shadow & 1) && !(c->event & SVM_EVENT_VALID) && v->wish == VCPU_AGAIN;
    return shadow && !c->cpl && linear_fetch(v, &next, 1) == 1 && next == HLT;
}

/* One that has just halted, perhaps with an event on its way that came before: nobody wakes it for that again. */
static void come_to_rest(struct vcpu *v)
{
    bool event = (v->vmcb->event & SVM_EVENT_VALID) || __atomic_load_n(&v->lapic.nmi, __ATOMIC_ACQUIRE);
    if (!event && !(v->vmcb->rflags & RFLAGS_IF)) {
        __atomic_store_n(&v->stuck, true, __ATOMIC_RELEASE);
        end_if_stuck(v->vm);
    }
    if (event || lapic_pending(&v->lapic) >= 0)
        v->wish = VCPU_AGAIN;
}

enum vcpu_wish vcpu_run(struct vcpu *v)
{
    struct vmcb *c = v->vmcb;
    if (!vm_runs(v->vm) || !obey(v))
        return VCPU_WAITING;
    if (!c->nested_cr3) {
        vm_end(v->vm, VM_OUT_OF_MEMORY, "no frame for its nested page tables");
        return VCPU_WAITING;
    }
    inject_nmi(v);
    int offered = offer(v);
    if (v->halted && !(c->event & SVM_EVENT_VALID) && (offered < 0 || !(c->rflags & RFLAGS_IF)))
        return VCPU_HALTED;
    v->halted = false;
    __atomic_store_n(&v->stuck, false, __ATOMIC_RELEASE);
    kvmeoi_enter(v);
    /* In service from now on, which collect takes back when the guest has not taken it: the same vector posted while
     * the guest runs is another interrupt. */
    if (offered >= 0)
        lapic_accept(&v->lapic, (uint8_t)offered);
    ibs_take(false); /* what is sampled from here on counts as the guest's */
    uint64_t start = cpu_now();
    svm_run(c, v->vmcb_physical, &v->registers, v->host_physical, &v->space);
    uint64_t end = cpu_now();
    ibs_take(true);
    v->guest_ns += end - start;
    v->wish = VCPU_AGAIN;
    collect(v, offered);
    kvmeoi_leave(v);
    v->exits[exits_deal(v)]++;
    if (stands_before_halt(v)) {
        c->exit_code = SVM_EXIT_HLT;
        v->exits[exits_deal(v)]++;
    }
    if (v->halted)
        come_to_rest(v);
    v->monitor_ns += cpu_now() - end;
    return v->wish;
}

void vcpu_wake(struct vcpu *v)
{
    kick_send(sched_wake(&monitor.sched, (uint16_t)v->number, cpu_now()));
}

/* For one that waits; the first of two counts. */
static void post_start(struct vcpu *v, uint8_t vector)
{
    uint32_t posted = __atomic_load_n(&v->start, __ATOMIC_ACQUIRE);
    while ((posted & VCPU_WAITS) && !__atomic_compare_exchange_n(&v->start, &posted, (posted & VCPU_INIT) | vector,
                                                                 false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        ;
}

static void post(struct vcpu *v, uint64_t message)
{
    switch (lapic_mode(message)) {
    case LAPIC_FIXED:
    case LAPIC_LOWEST:
        lapic_post(&v->lapic, (uint8_t)message, message & LAPIC_LEVEL);
        break;
    case LAPIC_NMI:
        __atomic_store_n(&v->lapic.nmi, 1, __ATOMIC_RELEASE);
        break;
    case LAPIC_INIT:
        __atomic_store_n(&v->start, VCPU_INIT | VCPU_WAITS, __ATOMIC_RELEASE);
        break;
    case LAPIC_START_UP:
        post_start(v, (uint8_t)message);
        break;
    }
    vcpu_wake(v);
}

void vcpu_send(struct vm *vm, const struct vcpu *from, uint64_t message)
{
    for (uint32_t i = 0; i < vm->nvcpus; i++) {
        if (!lapic_addressed(&vm->vcpu[i]->lapic, message, vm->vcpu[i] == from))
            continue;
        post(vm->vcpu[i], message);
        if (lapic_mode(message) == LAPIC_LOWEST)
            return;
    }
}
