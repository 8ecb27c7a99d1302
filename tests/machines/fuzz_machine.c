/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "datasets/machine_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken has to read back as written; what is refused has to say why in one line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine_desc m, again;
    static char text[1 << 18];
    struct trace_error error = {{0}};
    FILE *out;
    if (machine_parse((const char *)data, size, "fuzz", &m, &error)) {
        if (!error.text[0] || strchr(error.text, '\n'))
            abort();
        return 0;
    }
    out = fmemopen(text, sizeof text, "w");
    machine_write(out, &m);
    fclose(out);
    if (machine_parse(text, strlen(text), "back", &again, &error) || memcmp(&m, &again, sizeof m))
        abort();
    return 0;
}
