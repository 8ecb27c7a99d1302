/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The checks of all sets as the table /paper of a result file; a file without checks has no such table. Only for the
 * reader and the writer of result files.
 */
#ifndef REPORTS_RESULT_CHECKS_H
#define REPORTS_RESULT_CHECKS_H

#include "reports/hdf.h"
#include "reports/result.h"

/* 0 or a negative errno. */
int result_checks_write(hid_t file, const struct result_set *sets, uint32_t nsets);

/* Gives each set its checks, in the order of the table. 0; or a negative errno, and *reader says what was wrong: the
 * sets are to be freed all the same. */
int result_checks_read(struct hdf_reader *, hid_t file, struct result_set *sets, uint32_t nsets);

#endif
