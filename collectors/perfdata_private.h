/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between the files of the perf.data reader.
 */
#ifndef COLLECTORS_PERFDATA_PRIVATE_H
#define COLLECTORS_PERFDATA_PRIVATE_H

#include <stdarg.h>
#include <zstd.h>

#include "collectors/decode_private.h"
#include "collectors/perfdata.h"
#include "collectors/spe.h"
#include "datasets/trace_private.h"

enum { PERFDATA_PMUS = 256, PERFDATA_PMU_NAME = 32, PERFDATA_PAYLOAD_MAX = 4 << 20, UNPACKED = 4 * DECODE_RECORD_MAX };

struct perfdata_pmu {
    uint32_t type;
    char name[PERFDATA_PMU_NAME];
};

/* Compressed slices on their way: one continuous stream of zstd, records cross the slices. */
struct perfdata_unpack {
    ZSTD_DStream *stream;
    size_t at, n;      /* of slice */
    size_t out, ready; /* of bytes: taken up to, filled up to */
    bool more;         /* the stream may hold output back */
    unsigned char slice[DECODE_RECORD_MAX];
    unsigned char bytes[UNPACKED];
};

enum { AUX_STAGE = 1 << 16, AUX_RECORD_MAX = 2048 };

/* The beginning of a record that the next piece of the same AUX area ends. */
struct perfdata_rest {
    uint64_t position; /* where it goes on, in the area's stream of bytes */
    size_t n;
    unsigned char bytes[AUX_RECORD_MAX];
};

/* AUX bytes being turned into samples. */
struct perfdata_aux {
    uint64_t left; /* of the payload, beyond what is staged */
    uint64_t position;
    uint32_t area;
    size_t at, n; /* of stage */
    unsigned char *stage;
    struct perfdata_rest **rest; /* [CPU_MAX], by area; null: none yet */
    struct spe_setup setup;
};

struct perfdata {
    struct import_input *in;
    const char *path;
    struct decoder *decoder;
    struct perfdata_facts facts;
    uint64_t left; /* bytes of the data section; UINT64_MAX: up to the end of the file */
    /* Bytes of `in` that were looked at once for many records: those up to window_at are to be taken. */
    const unsigned char *window;
    size_t window_at, window_n;
    struct perfdata_unpack *unpack;
    struct perfdata_aux aux;
    struct perfdata_pmu pmu[PERFDATA_PMUS];
    uint32_t pmus;
    uint32_t task[CPU_MAX]; /* process whose AUX area a CPU writes */
    bool spe;
    bool ended;
};

/* Reads the header of file mode (features too, where they are there) and leaves `in` at the first record. */
int perfdata_header(struct perfdata *, struct trace_error *);

/* One feature's payload. Unknown or damaged ones are passed over. */
void perfdata_read_feature(struct perfdata *, unsigned feature, const unsigned char *payload, size_t n);

/* Names and kinds of events, from what is known by now. */
void perfdata_name_events(struct perfdata *);

/* A whole user record (type 64 and above) that does not reach the caller. 0 or -errno with a line. */
int perfdata_user_record(struct perfdata *, const unsigned char *bytes, size_t n, struct trace_error *);

/* At most n bytes of the data section, not taken yet. */
int perfdata_peek(struct perfdata *, size_t n, const unsigned char **bytes, size_t *got, struct trace_error *);
void perfdata_take(struct perfdata *, size_t n);
/* To be called before `left` is asked: what was returned as records counts as taken. */
void perfdata_settle(struct perfdata *);

/* A piece of `size` AUX bytes begins, of an area's stream from `position` on; setup is filled. 0 or -errno with a line.
 */
int perfdata_aux_begin(struct perfdata *, uint64_t size, uint64_t position, uint32_t area, struct trace_error *);
bool perfdata_aux_open(const struct perfdata *);
/* The next sample of the piece: 1; 0 none left; -errno with a line. */
int perfdata_aux_next(struct perfdata *, struct sample *, struct trace_error *);
void perfdata_aux_free(struct perfdata *);

/* Reading ends here, for the reason given. Returns 0. */
int perfdata_stop(struct perfdata *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
