/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

char *text_count(char *out, size_t size, uint64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n);
    size_t at = 0;
    for (int i = 0; i < length && at + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

char *text_bytes(char *out, size_t size, uint64_t n)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)n;
    unsigned u = 0;
    while (value >= 1023.95 && u < 6) {
        value /= 1024;
        u++;
    }
    snprintf(out, size, u ? "%.1f %s" : "%.0f %s", value, unit[u]);
    return out;
}

char *text_duration(char *out, size_t size, uint64_t ns)
{
    if (ns < 1000)
        snprintf(out, size, "%" PRIu64 " ns", ns);
    else if (ns < 1000 * 1000)
        snprintf(out, size, "%.2f us", (double)ns / 1e3);
    else if (ns < 1000 * 1000 * 1000)
        snprintf(out, size, "%.2f ms", (double)ns / 1e6);
    else
        snprintf(out, size, "%.2f s", (double)ns / 1e9);
    return out;
}

char *text_percent(char *out, size_t size, int64_t ppm)
{
    if (ppm == INT64_MIN)
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%.1f", (double)ppm / 1e4);
    return out;
}

char *text_part(char *out, size_t size, uint64_t part, uint64_t whole)
{
    if (whole)
        snprintf(out, size, "%.1f", (double)part * 100 / (double)whole);
    else
        snprintf(out, size, "-");
    return out;
}

/* Bytes of the well-formed UTF-8 character at p, surrogates and overlong forms excluded; 0: none. */
static size_t character(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    uint32_t code = p[0] & (0x7fu >> n);
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    bool long_enough = n == 2 || (n == 3 && code >= 0x800) || (n == 4 && code >= 0x10000);
    return long_enough && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? n : 0;
}

/* C0, DEL and C1, which a terminal obeys, and the marks that turn the direction of text. */
static bool control(const unsigned char *p, size_t n)
{
    if (n == 1)
        return p[0] < 0x20 || p[0] == 0x7f;
    if (n == 2)
        return p[0] == 0xc2 && p[1] < 0xa0;
    return n == 3 && p[0] == 0xe2 &&
           ((p[1] == 0x80 && (p[2] >= 0xa8 && p[2] <= 0xae)) || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

char *text_clean(char *out, size_t size, const char *name)
{
    const unsigned char *p = (const unsigned char *)name;
    size_t at = 0;
    while (*p) {
        size_t n = character(p);
        bool good = n && !control(p, n);
        size_t width = good ? n : 1;
        if (at + width >= size)
            break;
        if (good)
            memcpy(out + at, p, n);
        else
            out[at] = '?';
        at += width;
        p += n ? n : 1;
    }
    out[at] = 0;
    return out;
}
