/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "replay/cli_private.h"

enum { PPM = 1000000, FRACTION_DIGITS = 12 };

static const struct {
    const char *suffix;
    uint64_t factor;
} factors[] = {
    {"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}, {"Ki", 1u << 10}, {"Mi", 1u << 20}, {"Gi", 1u << 30},
};

static int digit(char c, unsigned base)
{
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;
    return value < (int)base ? value : -1;
}

/* The digits at *text; false when there is none or the number is too large. */
static bool digits(const char **text, unsigned base, uint64_t *out)
{
    const char *start = *text;
    *out = 0;
    for (int d; (d = digit(**text, base)) >= 0; (*text)++)
        if (__builtin_mul_overflow(*out, (uint64_t)base, out) || __builtin_add_overflow(*out, (uint64_t)d, out))
            return false;
    return *text > start;
}

bool cli_parse_u64(const char *text, uint64_t *out)
{
    uint64_t value;
    unsigned base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
        base = 16;
    }
    if (!digits(&text, base, &value))
        return false;
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        if (!strcmp(text, factors[i].suffix))
            return !__builtin_mul_overflow(value, factors[i].factor, out);
    return false;
}

/* "12.375" as whole / scale. */
static bool decimal(const char **text, unsigned __int128 *whole, unsigned __int128 *scale)
{
    uint64_t value;
    *scale = 1;
    if (!digits(text, 10, &value))
        return false;
    *whole = value;
    if (**text != '.')
        return true;
    (*text)++;
    const char *start = *text;
    for (int d; (d = digit(**text, 10)) >= 0; (*text)++) {
        if (*text - start >= FRACTION_DIGITS)
            return false;
        *whole = *whole * 10 + (unsigned)d;
        *scale *= 10;
    }
    return *text > start;
}

bool cli_parse_ratio(const char *text, uint64_t *out_ppm)
{
    unsigned __int128 whole, scale;
    uint64_t divisor = 1;
    if (!decimal(&text, &whole, &scale))
        return false;
    if (*text == '%') {
        text++;
        divisor = 100;
    } else if (*text == '/') {
        text++;
        if (!digits(&text, 10, &divisor) || divisor == 0)
            return false;
    }
    if (*text || whole > UINT64_MAX)
        return false;
    scale *= divisor;
    unsigned __int128 ppm = (whole * PPM + scale / 2) / scale;
    if (ppm > UINT64_MAX)
        return false;
    *out_ppm = (uint64_t)ppm;
    return true;
}

bool cli_u64(const struct cli *cli, const char *option, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *text = cli_value(cli, option);
    uint64_t value;
    if (!text)
        return true;
    if (!cli_parse_u64(text, &value)) {
        cli_usage(cli, "--%s: '%s' is not a whole number (decimal or 0x, with k, M, G, Ki, Mi, Gi)", option, text);
        return false;
    }
    if (value >= min && value <= max) {
        *out = value;
        return true;
    }
    if (max == UINT64_MAX)
        cli_usage(cli, "--%s: %s is out of range; give at least %" PRIu64, option, text, min);
    else
        cli_usage(cli, "--%s: %s is out of range; give %" PRIu64 " to %" PRIu64, option, text, min, max);
    return false;
}

bool cli_ratio(const struct cli *cli, const char *option, uint64_t min_ppm, uint64_t max_ppm, uint64_t *out)
{
    const char *text = cli_value(cli, option);
    uint64_t value;
    if (!text)
        return true;
    if (!cli_parse_ratio(text, &value)) {
        cli_usage(cli, "--%s: '%s' is not a ratio (0.33, 1/3 or 33%%)", option, text);
        return false;
    }
    if (value < min_ppm || value > max_ppm) {
        cli_usage(cli, "--%s: %s is out of range; give %g to %g", option, text, (double)min_ppm / PPM,
                  (double)max_ppm / PPM);
        return false;
    }
    *out = value;
    return true;
}

bool cli_format(const struct cli *cli, enum cli_format *out)
{
    static const char *const names[] = {"table", "csv", "json", NULL};
    const char *text = cli_value(cli, "format");
    *out = CLI_TABLE;
    for (int i = 0; text && names[i]; i++)
        if (!strcmp(text, names[i])) {
            *out = (enum cli_format)i;
            return true;
        }
    if (text)
        cli_usage(cli, "--format: '%s' is not one of table, csv, json", text);
    return !text;
}
