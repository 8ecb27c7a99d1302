/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/lock.h"
#include "monitor-core/x86/start.h"

struct text {
    char *at, *end;
};

static void put(struct text *t, char c)
{
    if (t->at < t->end)
        *t->at++ = c;
}

struct conversion {
    unsigned width, precision;
    bool zeros, left, is_long, given; /* given: the precision is an argument */
    char kind;
};

static void put_padded(struct text *t, const struct conversion *c, const char *s, size_t n)
{
    size_t pad = c->width > n ? c->width - n : 0;
    for (size_t i = 0; !c->left && i < pad; i++)
        put(t, c->zeros ? '0' : ' ');
    for (size_t i = 0; i < n; i++)
        put(t, s[i]);
    for (size_t i = 0; c->left && i < pad; i++)
        put(t, ' ');
}

static void put_number(struct text *t, const struct conversion *c, uint64_t value, bool negative)
{
    char digits[24];
    size_t n = sizeof(digits);
    uint64_t base = c->kind == 'x' || c->kind == 'p' ? 16 : 10;
    do
        digits[--n] = "0123456789abcdef"[value % base];
    while (value /= base);
    if (negative)
        digits[--n] = '-';
    put_padded(t, c, digits + n, sizeof(digits) - n);
}

static void put_string(struct text *t, const struct conversion *c, const char *s)
{
    size_t n = 0;
    if (!s)
        s = "(null)";
    while (n < c->precision && s[n])
        n++;
    put_padded(t, c, s, n);
}

static unsigned number(const char **format)
{
    unsigned n = 0;
    while (**format >= '0' && **format <= '9')
        n = n * 10 + (unsigned)(*(*format)++ - '0');
    return n;
}

static const char *parse(const char *f, struct conversion *c)
{
    *c = (struct conversion){.precision = UINT32_MAX};
    for (; *f == '0' || *f == '-'; f++) {
        c->zeros |= *f == '0';
        c->left |= *f == '-';
    }
    c->width = number(&f);
    if (*f == '.') {
        c->given = *++f == '*';
        f += c->given;
        c->precision = number(&f);
    }
    for (; *f == 'l' || *f == 'z' || *f == 'h'; f++)
        c->is_long |= *f != 'h';
    c->kind = *f;
    return f + (*f != 0);
}

/* One conversion with its argument. */
static void put_argument(struct text *t, struct conversion *c, __builtin_va_list *list)
{
    if (c->given)
        c->precision = __builtin_va_arg(*list, unsigned);
    bool wide = c->is_long || c->kind == 'p';
    if (c->kind == 's') {
        put_string(t, c, __builtin_va_arg(*list, const char *));
    } else if (c->kind == 'c') {
        put(t, (char)__builtin_va_arg(*list, int));
    } else if (c->kind == 'd' || c->kind == 'i') {
        int64_t v = wide ? __builtin_va_arg(*list, int64_t) : __builtin_va_arg(*list, int);
        put_number(t, c, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
    } else if (c->kind == 'u' || c->kind == 'x' || c->kind == 'p') {
        put_number(t, c, wide ? __builtin_va_arg(*list, uint64_t) : __builtin_va_arg(*list, uint32_t), false);
    } else {
        put(t, c->kind);
    }
}

size_t print_into(char *buffer, size_t size, const char *format, __builtin_va_list arguments)
{
    struct text t = {buffer, buffer + size - 1};
    struct conversion c;
    __builtin_va_list list;
    __builtin_va_copy(list, arguments); /* of a parameter no address can be had: it is an array that has decayed */
    while (*format) {
        if (*format != '%') {
            put(&t, *format++);
            continue;
        }
        format = parse(format + 1, &c);
        put_argument(&t, &c, &list);
    }
    __builtin_va_end(list);
    *t.at = 0;
    return (size_t)(t.at - buffer);
}

/* One line with the monitor's name before it; a line end of the caller's own is not doubled. */
static void put_line(void (*write)(const char *, size_t), const char *format, __builtin_va_list arguments)
{
    static const char name[] = "mirrorball: ";
    char line[320];
    size_t start = sizeof(name) - 1, n;
    __builtin_memcpy(line, name, start);
    n = start + print_into(line + start, sizeof(line) - start - 2, format, arguments);
    if (line[n - 1] == '\n')
        n--;
    line[n++] = '\r';
    line[n++] = '\n';
    write(line, n);
}

static void put_console(const char *line, size_t n)
{
    serial_put(0, line, n);
}

void (*print_sink)(const char *line, size_t n) = put_console;

void print_raw(const char *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    put_line(put_console, format, arguments);
    __builtin_va_end(arguments);
}

void print(const char *format, ...)
{
    static struct lock lock;
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    lock_take(&lock);
    put_line(print_sink, format, arguments);
    lock_give(&lock);
    __builtin_va_end(arguments);
}
