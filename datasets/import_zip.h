/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A zip archive as a stream: what its members hold, one after the other. Members are stored or deflated, with or
 * without a data descriptor behind them. The central directory is not looked at: it may be far away. Source: PKWARE
 * APPNOTE.TXT 6.3.
 */
#ifndef DATASETS_IMPORT_ZIP_H
#define DATASETS_IMPORT_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define ZLIB_CONST /* what inflate reads it does not write to */
#include <zlib.h>

/* Bytes on their way from `in` to `out`; both counts grow. */
struct import_unpack_step {
    const unsigned char *in;
    unsigned char *out;
    size_t in_n, in_at, out_room, out_n;
};

enum { ZIP_HEAD = 30 };

struct import_zip {
    enum { ZIP_HEADER, ZIP_NAME, ZIP_DATA, ZIP_DESCRIPTOR, ZIP_END } state;
    unsigned char head[ZIP_HEAD]; /* of a header or descriptor, as far as it came */
    size_t got;
    uint64_t left; /* of the name, or of a stored member */
    uint64_t packed, unpacked;
    uint32_t crc, crc_wanted;
    uint16_t method;
    bool descriptor; /* sizes and checksum follow the data */
    z_stream *inflate;
};

/* `inflate`: initialised for raw deflate, the caller's. */
void import_zip_begin(struct import_zip *, z_stream *inflate);

/* Goes on as far as input and room allow. 0, or -EINVAL with words for it. */
int import_zip_more(struct import_zip *, struct import_unpack_step *, const char **why);

#endif
