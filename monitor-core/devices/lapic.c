/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/lapic.h"

/* A register's number: MSR - 0x800. */
#define REG(name) (offsetof(struct lapic, name) / sizeof(uint32_t))
enum { TIMER = REG(lvt), ERROR = TIMER + LAPIC_LVT_ENTRIES - 1, TSC_DEADLINE = 0x6e0 };

enum { MASKED = 1 << 16, SVR_ENABLED = 1 << 8, STATUS = 1 << 12, ASSERT = 1 << 14 };
enum { MODE_ONE_SHOT = 0, MODE_PERIODIC = 1, MODE_DEADLINE = 2 };
enum { VERSION_VALUE = (LAPIC_LVT_ENTRIES - 1) << 16 | 0x14 };

/* A bit per register. */
#define READABLE UINT64_C(0x43fd01ffffffa50c)
#define WRITABLE UINT64_C(0xc1fc010000008900)

/* What a register may be given; STATUS is read-only. */
static const uint32_t valid[64] = {
    [REG(tpr)] = 0xff,           [REG(svr)] = 0x3ff,    [TIMER] = 0x710ff,     [TIMER + 1] = 0x117ff,
    [TIMER + 2] = 0x117ff,       [TIMER + 3] = 0x1f7ff, [TIMER + 4] = 0x1f7ff, [ERROR] = 0x110ff,
    [REG(initial)] = UINT32_MAX, [REG(divide)] = 0xb,   [REG(self)] = 0xff,
};

static void mask_all(struct lapic *l)
{
    for (unsigned i = 0; i < LAPIC_LVT_ENTRIES; i++)
        l->lvt[i] |= MASKED;
}

void lapic_init(struct lapic *l, uint32_t id, uint64_t tsc_khz)
{
    __builtin_memset(l, 0, sizeof *l);
    l->id = id;
    l->version = VERSION_VALUE;
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

static uint32_t priority(const struct lapic *l)
{
    int vector = highest(l->isr);
    uint32_t service = vector < 0 ? 0 : (uint32_t)vector & 0xf0;
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

void lapic_withdraw(struct lapic *l, uint8_t vector)
{
    l->isr[vector / 32] &= ~bit(vector);
    __atomic_fetch_or(&l->irr[vector / 32], bit(vector), __ATOMIC_RELEASE);
}

bool lapic_alone(const struct lapic *l)
{
    bool found = false;
    for (unsigned i = 0; i < 16; i++) {
        uint32_t word = i < 8 ? l->isr[i] : __atomic_load_n(&l->irr[i - 8], __ATOMIC_ACQUIRE);
        if (!word)
            continue;
        if (found || (word & (word - 1)) || (word & __atomic_load_n(&l->tmr[i % 8], __ATOMIC_RELAXED)))
            return false;
        found = true;
    }
    return found;
}

bool lapic_addressed(const struct lapic *l, uint64_t message, bool self)
{
    enum { TO_LISTED, TO_SELF, TO_ALL };
    uint32_t destination = (uint32_t)(message >> 32), shorthand = message >> 18 & 3;
    if (shorthand != TO_LISTED)
        return shorthand == TO_ALL || (shorthand == TO_SELF) == self;
    if (destination == UINT32_MAX)
        return true;
    if (message & LAPIC_LOGICAL)
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
    /* A guest whose timer never rests gets no further, and nor do its neighbours. */
    enum { LEAST_PERIOD_NS = 100000 };
    if (l->deadline_ns > now)
        return;
    uint64_t period = l->initial * divider(l);
    if (timer_mode(l) == MODE_PERIODIC && period)
        l->deadline_ns = now + (period < LEAST_PERIOD_NS ? LEAST_PERIOD_NS : period - (now - l->deadline_ns) % period);
    else
        l->deadline_ns = UINT64_MAX;
    l->tsc_deadline = 0;
    if (!(l->lvt[0] & MASKED))
        lapic_post(l, (uint8_t)l->lvt[0], false);
}

int lapic_read(struct lapic *l, uint32_t msr, uint64_t now, uint64_t *value)
{
    uint32_t n = msr - 0x800;
    *value = l->tsc_deadline;
    if (msr == TSC_DEADLINE)
        return 0;
    if (n > REG(self) || !(READABLE >> n & 1))
        return ERR_INVAL;
    if (n == REG(ppr))
        *value = priority(l);
    else if (n == REG(current))
        *value = current_count(l, now);
    else
        *value = __atomic_load_n(&l->reg[n], __ATOMIC_RELAXED);
    return 0;
}

static int write_lvt(struct lapic *l, uint32_t n, uint32_t value)
{
    uint32_t before = timer_mode(l);
    if (n == TIMER && value >> 17 == 3)
        return ERR_INVAL;
    value &= ~(uint32_t)STATUS;
    l->reg[n] = l->svr & SVR_ENABLED ? value : value | MASKED;
    /* To or from the deadline mode: the timer is disarmed. */
    if ((before == MODE_DEADLINE) != (timer_mode(l) == MODE_DEADLINE)) {
        l->deadline_ns = UINT64_MAX;
        l->tsc_deadline = l->initial = 0;
    }
    return 0;
}

int lapic_end(struct lapic *l)
{
    int vector = highest(l->isr);
    if (vector < 0)
        return -1;
    l->isr[vector / 32] &= ~bit((uint8_t)vector);
    bool level = __atomic_load_n(&l->tmr[vector / 32], __ATOMIC_RELAXED) & bit((uint8_t)vector);
    return level ? vector : -1;
}

/* Deasserting an INIT is nothing; whatever else a CPU sends is an edge. */
static int write_icr(uint64_t value, uint64_t *message)
{
    if (value & UINT64_C(0xfff32000))
        return ERR_INVAL;
    if (lapic_mode(value) != LAPIC_INIT || value & ASSERT)
        *message = value & ~(uint64_t)LAPIC_LEVEL;
    return 0;
}

static int write_register(struct lapic *l, uint32_t n, uint32_t value, uint64_t now, int *eoi)
{
    switch (n) {
    case REG(eoi):
        *eoi = lapic_end(l);
        break;
    case REG(svr):
        __atomic_store_n(&l->svr, value, __ATOMIC_RELAXED);
        if (!(value & SVR_ENABLED))
            mask_all(l);
        break;
    case TIMER ... ERROR:
        return write_lvt(l, n, value);
    case REG(initial):
        if (timer_mode(l) != MODE_DEADLINE) {
            l->initial = value;
            l->deadline_ns = value ? now + value * divider(l) : UINT64_MAX;
        }
        break;
    case REG(self):
        lapic_post(l, (uint8_t)value, false);
        break;
    default:
        l->reg[n] = value;
    }
    return 0;
}

int lapic_write(struct lapic *l, uint32_t msr, uint64_t value, uint64_t now, uint64_t now_tsc, uint64_t *message,
                int *eoi)
{
    uint32_t n = msr - 0x800;
    *message = 0;
    *eoi = -1;
    if (msr == TSC_DEADLINE) {
        if (timer_mode(l) == MODE_DEADLINE)
            arm_deadline(l, value, now, now_tsc);
        return 0;
    }
    if (n == REG(icr))
        return write_icr(value, message);
    if (n > REG(self) || !(WRITABLE >> n & 1) || (value & ~(uint64_t)valid[n]))
        return ERR_INVAL;
    return write_register(l, n, (uint32_t)value, now, eoi);
}
