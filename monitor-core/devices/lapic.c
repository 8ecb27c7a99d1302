/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/lapic.h"

enum {
    ID = 0x802,
    VERSION = 0x803,
    TPR = 0x808,
    PPR = 0x80a,
    EOI = 0x80b,
    LDR = 0x80d,
    SVR = 0x80f,
    ISR = 0x810,
    TMR = 0x818,
    IRR = 0x820,
    ESR = 0x828,
    ICR = 0x830,
    LVT_TIMER = 0x832, /* the first of the table */
    INITIAL = 0x838,
    CURRENT = 0x839,
    DIVIDE = 0x83e,
    SELF_IPI = 0x83f,
    TSC_DEADLINE = 0x6e0,
};

enum { MASKED = 1 << 16, SVR_ENABLED = 1 << 8, STATUS = 1 << 12 };
enum { MODE_ONE_SHOT = 0, MODE_PERIODIC = 1, MODE_DEADLINE = 2 };
enum { VERSION_VALUE = (LAPIC_LVT_ENTRIES - 1) << 16 | 0x14 };

/* What an entry may hold. */
static const uint32_t lvt_valid[LAPIC_LVT_ENTRIES] = {0x700ff, 0x107ff, 0x107ff, 0x1e7ff, 0x1e7ff, 0x100ff};

static void mask_all(struct lapic *l)
{
    for (unsigned i = 0; i < LAPIC_LVT_ENTRIES; i++)
        l->lvt[i] |= MASKED;
}

void lapic_init(struct lapic *l, uint32_t id, uint64_t tsc_khz)
{
    __builtin_memset(l, 0, sizeof *l);
    l->id = id;
    l->ldr = (id >> 4) << 16 | UINT32_C(1) << (id & 15);
    l->svr = 0xff;
    mask_all(l);
    l->deadline_ns = UINT64_MAX;
    l->tsc_khz = tsc_khz;
}

static int highest(const uint32_t *bits)
{
    for (int i = 7; i >= 0; i--) {
        uint32_t word = __atomic_load_n(&bits[i], __ATOMIC_ACQUIRE);
        if (word)
            return i * 32 + 31 - __builtin_clz(word);
    }
    return -1;
}

static uint32_t bit(uint8_t vector)
{
    return UINT32_C(1) << (vector & 31);
}

static uint32_t service_class(const struct lapic *l)
{
    int vector = highest(l->isr);
    return vector < 0 ? 0 : (uint32_t)vector & 0xf0;
}

static uint32_t priority(const struct lapic *l)
{
    uint32_t service = service_class(l);
    return (l->tpr & 0xf0) >= service ? l->tpr : service;
}

void lapic_post(struct lapic *l, uint8_t vector, bool level)
{
    if (vector < 16 || !(__atomic_load_n(&l->svr, __ATOMIC_RELAXED) & SVR_ENABLED))
        return;
    /* The trigger mode first: whoever sees the request sees its mode. */
    if (level)
        __atomic_fetch_or(&l->tmr[vector / 32], bit(vector), __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&l->tmr[vector / 32], ~bit(vector), __ATOMIC_RELAXED);
    __atomic_fetch_or(&l->irr[vector / 32], bit(vector), __ATOMIC_RELEASE);
}

void lapic_post_nmi(struct lapic *l)
{
    __atomic_store_n(&l->nmi, 1, __ATOMIC_RELEASE);
}

int lapic_pending(const struct lapic *l)
{
    int vector = highest(l->irr);
    return vector >= 0 && ((uint32_t)vector & 0xf0) > (priority(l) & 0xf0) ? vector : -1;
}

void lapic_accept(struct lapic *l, uint8_t vector)
{
    __atomic_fetch_and(&l->irr[vector / 32], ~bit(vector), __ATOMIC_ACQ_REL);
    l->isr[vector / 32] |= bit(vector);
}

bool lapic_addressed(const struct lapic *l, uint32_t destination, bool logical)
{
    if (destination == UINT32_MAX)
        return true;
    if (logical)
        return destination >> 16 == l->ldr >> 16 && (destination & l->ldr & 0xffff);
    /* 0xff: the broadcast of the IOAPIC's eight bits. */
    return destination == l->id || destination == 0xff;
}

static uint32_t timer_mode(const struct lapic *l)
{
    return l->lvt[0] >> 17 & 3;
}

static uint64_t divider(const struct lapic *l)
{
    uint32_t code = (l->divide & 3) | (l->divide >> 1 & 4);
    return code == 7 ? 1 : UINT64_C(2) << code;
}

static void arm_count(struct lapic *l, uint64_t now)
{
    l->deadline_ns = l->initial ? now + l->initial * divider(l) : UINT64_MAX;
}

static uint32_t current_count(const struct lapic *l, uint64_t now)
{
    if (timer_mode(l) == MODE_DEADLINE || l->deadline_ns == UINT64_MAX || l->deadline_ns <= now)
        return 0;
    return (uint32_t)((l->deadline_ns - now) / divider(l));
}

static void arm_deadline(struct lapic *l, uint64_t tsc, uint64_t now, uint64_t now_tsc)
{
    l->tsc_deadline = tsc;
    if (tsc == 0) {
        l->deadline_ns = UINT64_MAX;
        return;
    }
    uint64_t ticks = tsc > now_tsc ? tsc - now_tsc : 0;
    uint64_t ms = ticks / l->tsc_khz, rest = ticks % l->tsc_khz;
    /* Beyond 49 days: never, as far as any timer goes; the guest looks again much earlier. Rounded up, so that the
     * counter has reached the deadline when the interrupt comes. */
    l->deadline_ns =
        ms > UINT32_MAX ? UINT64_MAX - 1 : now + ms * 1000000 + (rest * 1000000 + l->tsc_khz - 1) / l->tsc_khz;
}

void lapic_expire(struct lapic *l, uint64_t now)
{
    if (l->deadline_ns > now)
        return;
    uint64_t period = l->initial * divider(l);
    if (timer_mode(l) == MODE_PERIODIC && period)
        l->deadline_ns = now + period - (now - l->deadline_ns) % period;
    else
        l->deadline_ns = UINT64_MAX;
    l->tsc_deadline = 0;
    if (!(l->lvt[0] & MASKED))
        lapic_post(l, (uint8_t)l->lvt[0], false);
}

/* Registers that read as what they hold. */
static const uint32_t *plain(const struct lapic *l, uint32_t msr)
{
    if (msr - LVT_TIMER < LAPIC_LVT_ENTRIES)
        return &l->lvt[msr - LVT_TIMER];
    if (msr >= ISR && msr < IRR + 8)
        return (msr < TMR ? l->isr : msr < IRR ? l->tmr : l->irr) + (msr & 7);
    switch (msr) {
    case ID:
        return &l->id;
    case TPR:
        return &l->tpr;
    case LDR:
        return &l->ldr;
    case SVR:
        return &l->svr;
    case ESR:
        return &l->esr;
    case DIVIDE:
        return &l->divide;
    default:
        return NULL;
    }
}

int lapic_read(struct lapic *l, uint32_t msr, uint64_t now, uint64_t *value)
{
    const uint32_t *held = plain(l, msr);
    *value = held ? __atomic_load_n(held, __ATOMIC_RELAXED) : 0;
    switch (msr) {
    case VERSION:
        *value = VERSION_VALUE;
        return 0;
    case PPR:
        *value = priority(l);
        return 0;
    case ICR:
        return 0;
    case INITIAL:
        *value = l->initial;
        return 0;
    case CURRENT:
        *value = current_count(l, now);
        return 0;
    case TSC_DEADLINE:
        *value = l->tsc_deadline;
        return 0;
    default:
        return held ? 0 : ERR_INVAL;
    }
}

static int write_lvt(struct lapic *l, uint32_t entry, uint32_t value)
{
    uint32_t before = timer_mode(l);
    value &= ~(uint32_t)STATUS; /* read-only */
    if ((value & ~lvt_valid[entry]) || (entry == 0 && value >> 17 == 3))
        return ERR_INVAL;
    l->lvt[entry] = l->svr & SVR_ENABLED ? value : value | MASKED;
    /* To or from the deadline mode: the timer is disarmed. */
    if ((before == MODE_DEADLINE) != (timer_mode(l) == MODE_DEADLINE)) {
        l->deadline_ns = UINT64_MAX;
        l->tsc_deadline = l->initial = 0;
    }
    return 0;
}

static int write_svr(struct lapic *l, uint32_t value)
{
    if (value & ~UINT32_C(0x3ff))
        return ERR_INVAL;
    __atomic_store_n(&l->svr, value, __ATOMIC_RELAXED);
    if (!(value & SVR_ENABLED))
        mask_all(l);
    return 0;
}

static int write_eoi(struct lapic *l, uint32_t value, int *eoi)
{
    if (value)
        return ERR_INVAL;
    int vector = highest(l->isr);
    if (vector < 0)
        return 0;
    l->isr[vector / 32] &= ~bit((uint8_t)vector);
    if (__atomic_load_n(&l->tmr[vector / 32], __ATOMIC_RELAXED) & bit((uint8_t)vector))
        *eoi = vector;
    return 0;
}

static int write_icr(uint64_t value, struct lapic_ipi *ipi)
{
    if (value & UINT64_C(0xfff32000))
        return ERR_INVAL;
    bool deassert = (value >> 8 & 7) == 5 && !(value >> 14 & 1);
    *ipi = (struct lapic_ipi){.present = !deassert,
                              .destination = (uint32_t)(value >> 32),
                              .logical = value >> 11 & 1,
                              .shorthand = value >> 18 & 3,
                              .mode = value >> 8 & 7,
                              .vector = (uint8_t)value};
    return 0;
}

static int write_small(struct lapic *l, uint32_t msr, uint32_t value, uint64_t now, int *eoi)
{
    switch (msr) {
    case TPR:
        if (value > 0xff)
            return ERR_INVAL;
        l->tpr = value;
        return 0;
    case EOI:
        return write_eoi(l, value, eoi);
    case SVR:
        return write_svr(l, value);
    case ESR:
        l->esr = 0;
        return value ? ERR_INVAL : 0;
    case INITIAL:
        if (timer_mode(l) != MODE_DEADLINE) {
            l->initial = value;
            arm_count(l, now);
        }
        return 0;
    case DIVIDE:
        if (value & ~UINT32_C(0xb))
            return ERR_INVAL;
        l->divide = value;
        return 0;
    case SELF_IPI:
        if (value > 0xff)
            return ERR_INVAL;
        lapic_post(l, (uint8_t)value, false);
        return 0;
    default:
        return msr - LVT_TIMER < LAPIC_LVT_ENTRIES ? write_lvt(l, msr - LVT_TIMER, value) : ERR_INVAL;
    }
}

int lapic_write(struct lapic *l, uint32_t msr, uint64_t value, uint64_t now, uint64_t now_tsc, struct lapic_ipi *ipi,
                int *eoi)
{
    ipi->present = false;
    *eoi = -1;
    if (msr == TSC_DEADLINE) {
        if (timer_mode(l) == MODE_DEADLINE)
            arm_deadline(l, value, now, now_tsc);
        return 0;
    }
    if (msr == ICR)
        return write_icr(value, ipi);
    return value >> 32 ? ERR_INVAL : write_small(l, msr, (uint32_t)value, now, eoi);
}
