/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "datasets/guard.h"
#include "tests/datasets/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the place of the one in datasets/guard.c: here nothing may shield the reader. */
bool guard(void (*work)(void *), void *context, uint64_t bytes)
{
    (void)work;
    (void)context;
    (void)bytes;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace_error error = {""};
    struct trace *trace;
    if (trace_open(fuzz_input_file(data, size), &trace, &error)) {
        if (!error.text[0] || strchr(error.text, '\n'))
            abort();
        return 0;
    }
    fuzz_input_scan(trace);
    trace_close(trace);
    return 0;
}
