/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/start.h"

static uint32_t began, telling; /* telling: 1 + the id of the CPU that runs tell_of */
static void (*tell_of)(const char *why);

void panic_tell(void (*tell)(const char *why))
{
    tell_of = tell;
}

bool panic_began(void)
{
    return __atomic_load_n(&began, __ATOMIC_ACQUIRE);
}

void panic_halt(void)
{
    for (;;)
        __asm__ volatile("cli\n\thlt");
}

void panic(const char *format, ...)
{
    static char why[240]; /* of the first: the others only stop */
    __builtin_va_list arguments;
    uint32_t before = __atomic_fetch_add(&began, 1, __ATOMIC_ACQ_REL);
    if (before == 0) {
        apic_stop_others();
        if (machine_x86.tsc_khz)
            clock_wait(1000000); /* for the line that another one may be at */
        __builtin_va_start(arguments, format);
        print_into(why, sizeof(why), format, arguments);
        __builtin_va_end(arguments);
        traps_show();
        print("panic: %s", why);
        if (tell_of) {
            __atomic_store_n(&telling, apic_id() + 1, __ATOMIC_RELEASE);
            tell_of(why);
        }
        machine_off();
    }
    /* A second error, on the way out of this CPU's own or on another CPU that did not stop yet. */
    if (before > 8 || __atomic_load_n(&telling, __ATOMIC_ACQUIRE) == apic_id() + 1)
        machine_off();
    panic_halt();
}
