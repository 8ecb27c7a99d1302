/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/datasets/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input_import(data, size, IMPORT_CSV);
    return 0;
}
