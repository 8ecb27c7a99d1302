/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/machine_number.h"

#include <inttypes.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* value * 10 + digit; false when that passes max. */
static bool append(uint64_t *value, char digit, uint64_t max)
{
    uint64_t d = (uint64_t)(digit - '0');
    if (*value > (max - (d < max ? d : max)) / 10 || (*value == 0 && d > max))
        return false;
    *value = *value * 10 + d;
    return true;
}

bool machine_number(const char **text, uint64_t scale, uint64_t max, uint64_t *out)
{
    const char *at = *text;
    uint64_t value = 0;
    if (!is_digit(*at))
        return false;
    for (; is_digit(*at); at++)
        if (!append(&value, *at, max))
            return false;
    if (*at == '.') {
        if (!is_digit(*++at))
            return false;
        for (; is_digit(*at); at++) {
            if (scale == 1)
                continue;
            if (!append(&value, *at, max))
                return false;
            scale /= 10;
        }
    }
    for (; scale > 1; scale /= 10)
        if (!append(&value, '0', max))
            return false;
    *text = at;
    *out = value;
    return true;
}

static const char *skip(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == ',' || *at == '\n')
        at++;
    return at;
}

int machine_numbers(const char *text, uint64_t scale, uint64_t max, uint64_t *out, int most)
{
    int n = 0;
    for (const char *at = skip(text); *at; n++) {
        if (n == most || !machine_number(&at, scale, max, &out[n]))
            return -1;
        const char *next = skip(at);
        if (*next && next == at)
            return -1;
        at = next;
    }
    return n;
}

void machine_number_write(FILE *out, uint64_t value, uint64_t scale)
{
    uint64_t fraction = value % scale;
    fprintf(out, "%" PRIu64, value / scale);
    if (!fraction)
        return;
    putc('.', out);
    for (scale /= 10; fraction; scale /= 10) {
        putc((char)('0' + fraction / scale), out);
        fraction %= scale;
    }
}
