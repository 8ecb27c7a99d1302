/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>

#include "datasets/trace_private.h"

void trace_quiet(void)
{
    H5dont_atexit();
}

int trace_fail(struct trace_error *error, int err, const char *format, ...)
{
    if (error) {
        va_list list;
        va_start(list, format);
        vsnprintf(error->text, sizeof error->text, format, list);
        va_end(list);
        /* Names come from files: nothing may break the line. */
        for (char *c = error->text; *c; c++)
            if ((unsigned char)*c < ' ' || *c == 127)
                *c = '?';
    }
    return -err;
}
