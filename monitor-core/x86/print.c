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

static void put_string(struct text *t, const char *s)
{
    while (*s)
        put(t, *s++);
}

static void put_number(struct text *t, uint64_t value, unsigned base, unsigned width)
{
    char digits[24];
    unsigned n = sizeof(digits);
    do
        digits[--n] = "0123456789abcdef"[value % base];
    while (value /= base);
    for (unsigned i = (unsigned)sizeof(digits) - n; i < width; i++)
        put(t, '0');
    while (n < sizeof(digits))
        put(t, digits[n++]);
}

/* One conversion with its argument, from behind the '%'; answers what follows. */
static const char *convert(struct text *t, const char *f, __builtin_va_list *list)
{
    unsigned width = 0;
    while (*f >= '0' && *f <= '9')
        width = width * 10 + (unsigned)(*f++ - '0');
    bool wide = *f == 'l';
    while (*f == 'l')
        f++;
    if (*f == 's')
        put_string(t, __builtin_va_arg(*list, const char *));
    else if (*f == 'u' || *f == 'x')
        put_number(t, wide ? __builtin_va_arg(*list, uint64_t) : __builtin_va_arg(*list, uint32_t), *f == 'x' ? 16 : 10,
                   width);
    else
        put(t, *f);
    return f + 1;
}

size_t print_into(char *buffer, size_t size, const char *format, __builtin_va_list arguments)
{
    struct text t = {buffer, buffer + size - 1};
    __builtin_va_list list;
    __builtin_va_copy(list, arguments); /* of a parameter no address can be had: it is an array that has decayed */
    while (*format) {
        if (*format == '%')
            format = convert(&t, format + 1, &list);
        else
            put(&t, *format++);
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
    n -= line[n - 1] == '\n';
    line[n++] = '\r';
    line[n++] = '\n';
    write(line, n);
}

static void put_console(const char *line, size_t n)
{
    serial_put(0, line, n);
}

void (*print_sink)(const char *line, size_t n) = put_console;

/* At the end of it all the locks may be held by CPUs that stand still. */
void print(const char *format, ...)
{
    static struct lock lock;
    bool alone = panic_began();
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    if (!alone)
        lock_take(&lock);
    put_line(alone ? put_console : print_sink, format, arguments);
    if (!alone)
        lock_give(&lock);
    __builtin_va_end(arguments);
}
