/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/kvmclock.h"

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/port.h"
#include "monitor-core/x86/vm.h"

/* Written by the boot processor before any other CPU runs. */
static struct {
    uint64_t tsc, ns;      /* one moment */
    uint64_t wall_at_zero; /* seconds since 1970 when cpu_now was 0 */
} base;

struct system_time {
    uint32_t version, pad;
    uint64_t tsc_timestamp, system_time;
    uint32_t multiplier;
    int8_t shift;
    uint8_t flags, pad2[2];
};
enum { STABLE = 1 };

static uint8_t rtc(uint8_t index)
{
    port_out8(0x70, index);
    return port_in8(0x71);
}

static uint32_t decimal(uint8_t value, bool binary)
{
    return binary ? value : (value >> 4) * 10u + (value & 15u);
}

uint64_t kvmclock_seconds(uint32_t year, uint32_t month, uint32_t day, uint32_t hour, uint32_t minute, uint32_t second)
{
    /* Years that begin in March: the leap day is their last one. */
    uint64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    uint64_t days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1;
    return ((days - 719468) * 24 + hour) * 3600 + minute * 60 + second;
}

/* The PC's clock (MC146818): UTC, 24 hours, the year of this century. 0 where there is none that makes sense. */
static uint64_t read_rtc(void)
{
    enum { SECOND = 0, MINUTE = 2, HOUR = 4, DAY = 7, MONTH = 8, YEAR = 9, A = 10, B = 11, UPDATING = 0x80 };
    enum { BINARY = 4 };
    for (unsigned i = 0; i < 100000 && (rtc(A) & UPDATING); i++)
        __builtin_ia32_pause();
    bool binary = rtc(B) & BINARY;
    uint32_t hour = decimal(rtc(HOUR), binary), month = decimal(rtc(MONTH), binary), day = decimal(rtc(DAY), binary);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23)
        return 0;
    return kvmclock_seconds(2000 + decimal(rtc(YEAR), binary), month, day, hour, decimal(rtc(MINUTE), binary),
                            decimal(rtc(SECOND), binary));
}

void kvmclock_cpu_init(void)
{
    if (base.tsc)
        return;
    base.tsc = cpu_tsc();
    base.ns = cpu_now();
    uint64_t wall = read_rtc(), up = cpu_now() / 1000000000;
    base.wall_at_zero = wall > up ? wall - up : 0;
}

static int put(struct vcpu *v, uint64_t gpa, const void *bytes, size_t n)
{
    return pager_write(&monitor.pager, v->vm->id, cpu_self()->node, gpa, bytes, n) ? ERR_INVAL : 0;
}

/* Other virtual CPUs may be reading: an odd version says that what follows is being changed. */
static int publish(struct vcpu *v, uint64_t gpa, const void *bytes, size_t n)
{
    uint32_t odd = 1, even = 2;
    int err = put(v, gpa, &odd, sizeof odd);
    if (!err)
        err = put(v, gpa + sizeof odd, (const unsigned char *)bytes + sizeof odd, n - sizeof odd);
    return err ? err : put(v, gpa, &even, sizeof even);
}

int kvmclock_system_time(struct vcpu *v, uint64_t value)
{
    /* Half ns per tick, in 32-bit fractions; below 1 for every TSC of more than 500 MHz. */
    uint64_t half_ns = (UINT64_C(1000000) << 31) / machine_x86.tsc_khz;
    struct system_time t = {.tsc_timestamp = base.tsc,
                            .system_time = base.ns,
                            .multiplier = (uint32_t)half_ns,
                            .shift = 1,
                            .flags = STABLE};
    v->clock_gpa = value;
    return value & 1 ? publish(v, value & ~UINT64_C(1), &t, sizeof t) : 0;
}

int kvmclock_wall_clock(struct vcpu *v, uint64_t gpa)
{
    uint32_t wall[3] = {0, (uint32_t)base.wall_at_zero, 0};
    return publish(v, gpa, wall, sizeof wall);
}
