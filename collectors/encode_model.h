/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Intel's two memory events by processor model, for a machine whose kernel shows no events/ and that libpfm4 does not
 * know. Config of PERF_TYPE_RAW: umask << 8 | event. (Linux: arch/x86/events/intel/core.c, asm/intel-family.h)
 */
#ifndef COLLECTORS_ENCODE_MODEL_H
#define COLLECTORS_ENCODE_MODEL_H

#include "collectors/encode.h"

struct encode_model {
    uint16_t loads, stores; /* 0: the model has no such event */
    uint16_t leader;        /* mem-loads-aux, where loads need it */
};

/* Null: not an Intel processor, or a model that is not in the table. */
const struct encode_model *encode_model(const struct encode_cpu *);

#endif
