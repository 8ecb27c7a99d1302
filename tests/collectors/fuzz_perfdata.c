/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Any bytes as perf.data: facts, events, every record, compressed ones and AUX areas included, and the trace.
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
    import_defaults(&options);
    options.readers = readers_list;
    options.reader_context = &readers;
    options.from = IMPORT_FORMATS;
    if (import_run(fuzz_input_file(data, size), NULL, &options, &counts, NULL, NULL, &trace, &error)) {
        if (!error.text[0] || strchr(error.text, '\n'))
            abort();
        return 0;
    }
    if (trace_meta(trace)->records != counts.taken || fuzz_input_scan(trace))
        abort();
    trace_close(trace);
    return 0;
}
