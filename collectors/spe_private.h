/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One sample record of SPE while its packets are being read.
 */
#ifndef COLLECTORS_SPE_PRIVATE_H
#define COLLECTORS_SPE_PRIVATE_H

#include "collectors/spe.h"

struct spe_record {
    struct sample sample;
    uint64_t events;
    uint32_t source;
    bool has_source, context, memory, store;
};

/* Fills the sample's data_source and what follows from it. The codes are the CPU's own. */
void spe_source(uint64_t midr, struct spe_record *);

#endif
