/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/start.h"
#include <criterion/criterion.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char line[1024];

/* In place of the serial port. */
void serial_put(unsigned port, const void *bytes, size_t n)
{
    cr_assert_eq(port, 0);
    cr_assert(n < sizeof(line));
    memcpy(line, bytes, n);
    line[n] = 0;
}

static bool ending;

bool panic_began(void)
{
    return ending;
}

/* The same as the C library's, as far as the monitor's conversions go. */
__attribute__((format(printf, 2, 3))) static void same(size_t size, const char *format, ...)
{
    char ours[256], theirs[256];
    va_list a, b;
    va_start(a, format);
    va_copy(b, a);
    memset(ours, '#', sizeof(ours));
    size_t n = print_into(ours, size, format, a);
    vsnprintf(theirs, size, format, b);
    va_end(b);
    va_end(a);
    cr_assert_str_eq(ours, theirs);
    cr_assert_eq(n, strlen(theirs));
    cr_assert_eq(ours[size], '#', "beyond the buffer");
}

Test(print, conversions)
{
    same(200, "%s|%%|%s", "ab", "");
}

Test(print, numbers)
{
    const long values[] = {0, 1, -1, 9, 10, -10, INT_MAX, INT_MIN, LONG_MAX, LONG_MIN};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        long v = values[i];
        same(200, "%u %x %08x %04u", (unsigned)v, (unsigned)v, (unsigned)v, (unsigned)v);
        same(200, "%lu %lx %016lx %llu", (unsigned long)v, (unsigned long)v, (unsigned long)v, (unsigned long long)v);
    }
}

Test(print, cut_off)
{
    for (size_t size = 1; size < 20; size++)
        same(size, "%s and %u", "some words", 12345);
}

Test(print, lines)
{
    print("%s", "a");
    cr_assert_str_eq(line, "mirrorball: a\r\n");
    print("a\n");
    cr_assert_str_eq(line, "mirrorball: a\r\n");
    print("%0400u", 1);
    cr_assert_str_eq(line + strlen(line) - 3, "0\r\n");
}

static void refuse(const char *bytes, size_t n)
{
    cr_assert_fail("%zu bytes: %s", n, bytes);
}

Test(print, the_end_asks_nobody)
{
    print_sink = refuse;
    ending = true;
    print("panic: %s", "a");
    cr_assert_str_eq(line, "mirrorball: panic: a\r\n");
}
