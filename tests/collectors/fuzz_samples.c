/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Recordings of other tools: perf script, Mitos, drmemtrace and its view. The first byte chooses the reader.
 */
#include <stdlib.h>
#include <string.h>

#include "collectors/readers.h"
#include "tests/datasets/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct readers readers = {.options = {.levels = LEVELS_ALL}};
    struct import_options options;
    struct import_counts counts;
    struct trace_error error = {""};
    struct trace *trace;
    if (!size)
        return 0;
    import_defaults(&options);
    options.readers = readers_list;
    options.reader_context = &readers;
    options.from = IMPORT_FORMATS + 1u + data[0] % 4;
    for (unsigned i = 0; i < 5; i++)
        readers_list[i].looks(data + 1, size - 1 < 4096 ? size - 1 : 4096);
    if (import_run(fuzz_input_file(data + 1, size - 1), NULL, &options, &counts, NULL, NULL, &trace, &error)) {
        if (!error.text[0] || strchr(error.text, '\n'))
            abort();
        return 0;
    }
    trace_close(trace);
    return 0;
}
