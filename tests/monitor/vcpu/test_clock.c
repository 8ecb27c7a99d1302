/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The paravirtual clock's scale and the calendar (against the C library's), and the fields of a hardware sample.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/ibs.h"
#include "monitor-core/x86/kvmclock.h"
#include "tests/monitor/vcpu/rig.h"

/* As a guest computes it (Documentation/virt/kvm/x86/msr.rst). */
static uint64_t guest_ns(uint64_t ticks, uint32_t multiplier, int8_t shift)
{
    ticks = shift < 0 ? ticks >> -shift : ticks << shift;
    return (uint64_t)((unsigned __int128)ticks * multiplier >> 32);
}

Test(clock, scale, .init = rig_start)
{
    static const uint64_t khz[] = {500001, 999999, 1000000, 1000001, 1999998, 2599994, 4000000, 8000000};
    for (unsigned i = 0; i < sizeof khz / sizeof khz[0]; i++) {
        machine_x86.tsc_khz = khz[i];
        cr_assert_eq(kvmclock_system_time(&rig.vcpu[0], 0x5001), 0);
        uint32_t multiplier;
        memcpy(&multiplier, rig.memory + 0x5018, 4);
        uint64_t hour = guest_ns(khz[i] * 3600000, multiplier, (int8_t)rig.memory[0x501c]);
        uint64_t exact = UINT64_C(3600000000000), off = hour > exact ? hour - exact : exact - hour;
        cr_expect_leq(off, 20000, "%lu kHz: off by %lu ns in an hour", khz[i], off);
    }
}

Test(clock, calendar)
{
    cr_expect_eq(kvmclock_seconds(1970, 1, 1, 0, 0, 0), 0);
    cr_expect_eq(kvmclock_seconds(2000, 2, 29, 12, 34, 56), 951827696);
    for (time_t t = 0; t < 4102444800; t += 86400 * 11 + 3671) {
        struct tm d;
        gmtime_r(&t, &d);
        cr_assert_eq(kvmclock_seconds((uint32_t)d.tm_year + 1900, (uint32_t)d.tm_mon + 1, (uint32_t)d.tm_mday,
                                      (uint32_t)d.tm_hour, (uint32_t)d.tm_min, (uint32_t)d.tm_sec),
                     (uint64_t)t);
    }
}

/* Bits as in the processor programming reference: 0 load, 1 store, 7 DC miss, 18 address valid, 20 L2 miss. */
Test(clock, sample)
{
    struct ibs_sample s;
    cr_assert(ibs_decode(0x140081, UINT64_C(0xfff0012345678000), &s));
    cr_expect_not(s.write);
    cr_expect_eq(s.physical, UINT64_C(0x0000012345678000));
    cr_assert(ibs_decode(0x040082, 0x1000, &s));
    cr_expect(s.write);
    cr_expect_not(ibs_decode(0x040081, 0x1000, &s)); /* a load that hit the second level */
    cr_expect_not(ibs_decode(0x140001, 0x1000, &s)); /* or the first */
    cr_expect_not(ibs_decode(0x100081, 0x1000, &s)); /* no address */
    cr_expect_not(ibs_decode(0x140080, 0x1000, &s)); /* neither load nor store */
}
