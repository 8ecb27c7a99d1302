/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Packed input: whatever the bytes are, they unpack within bounds, or end in one line.
 */
#include <stdlib.h>
#include <string.h>

#include "datasets/import_input.h"
#include "tests/datasets/fuzz_input.h"

enum { ENOUGH = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace_error error = {""};
    struct import_input *in;
    const unsigned char *bytes;
    size_t n = 1, all = 0;
    int err = import_input_open(fuzz_input_file(data, size), &in, &error);
    while (!err && n && all < ENOUGH) {
        err = import_input_peek(in, 1 + all % 70000, &bytes, &n, &error);
        if (!err && n > 1 + all % 70000)
            abort();
        if (!err)
            import_input_take(in, n);
        all += n;
    }
    if (err && (!error.text[0] || strchr(error.text, '\n')))
        abort();
    import_input_close(in);
    return 0;
}
