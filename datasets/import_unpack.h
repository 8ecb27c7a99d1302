/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Packed input, unpacked as it comes: zstd (windows up to 2^27), gzip (several in a row count as one), and zip (what
 * its members hold, one after the other). Memory is bounded by the window, whatever comes out of it.
 */
#ifndef DATASETS_IMPORT_UNPACK_H
#define DATASETS_IMPORT_UNPACK_H

#include "datasets/import_zip.h"

struct import_unpack;

/* How a file that begins so is packed. 0, with *out null where it is not; -ENOMEM; -ENOTSUP: packed, but not in a way
 * that is read here. Where an error is returned *why says what, without the file's name. */
int import_unpack_begin(const unsigned char *bytes, size_t n, struct import_unpack **out, const char **why);
void import_unpack_end(struct import_unpack *);

/* Goes on as far as input and room allow. 0, or -EINVAL: damaged, with *why. */
int import_unpack_more(struct import_unpack *, struct import_unpack_step *, const char **why);

/* "zstd", "gzip", "zip". */
const char *import_unpack_name(const struct import_unpack *);

/* The input may end here; else it is cut short. */
bool import_unpack_whole(const struct import_unpack *);

#endif
