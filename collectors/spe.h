/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Arm Statistical Profiling Extension: the packets in the AUX area -> samples. Source: Arm Architecture Reference
 * Manual, chapter "Statistical Profiling Extension Sample Record Specification"; the data sources are each CPU's own
 * (Neoverse, AmpereOne, HiSilicon manuals, as in Linux tools/perf/util/arm-spe.c).
 */
#ifndef COLLECTORS_SPE_H
#define COLLECTORS_SPE_H

#include "collectors/ring.h"
#include "collectors/sample.h"

/* How the samples of one AUX area are to be read. */
struct spe_setup {
    uint64_t midr;           /* main ID register of the CPU; 0 unknown: the event bits decide */
    uint32_t cpu;            /* UINT32_MAX unknown */
    uint32_t event;          /* index for the samples */
    uint32_t pid;            /* when known to be one process; else 0 */
    struct ring_clock clock; /* mult 0: unknown, samples have no time */
};

/* One packet. `size` includes the header. */
struct spe_packet {
    uint8_t kind;  /* enum spe_kind */
    uint8_t index; /* of addresses and counters; class of operations */
    uint8_t size;
    uint64_t payload;
};
enum spe_kind {
    SPE_PAD,
    SPE_END,
    SPE_TIMESTAMP,
    SPE_EVENTS,
    SPE_SOURCE,
    SPE_CONTEXT,
    SPE_OPERATION,
    SPE_ADDRESS,
    SPE_COUNTER,
    SPE_OTHER
};

/* The packet at the start of the bytes: 1; 0: the bytes end within it; -EBADMSG: no packet begins so. */
int spe_packet(const unsigned char *bytes, size_t n, struct spe_packet *);

/* The next record that is an access with a data address: 1, with the sample filled. 0: there is none in what is left;
 * then the bytes from *used on are the beginning of a record that the next piece ends. *used is the place to go on
 * from. Bytes that begin no packet are passed over one by one and counted in *bad (may be null). */
int spe_next(const struct spe_setup *, const unsigned char *bytes, size_t n, size_t *used, uint64_t *bad,
             struct sample *);

#endif
