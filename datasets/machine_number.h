/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Decimal numbers of machine files, exact: no floating point, so no NaN, no infinity, no rounding that differs between
 * machines.
 */
#ifndef DATASETS_MACHINE_NUMBER_H
#define DATASETS_MACHINE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Reads "12" or "12.345" at *text, multiplied by `scale` (a power of ten up to 10^9; digits beyond it are cut), and
 * moves *text behind it. False: no number, or more than `max`. */
bool machine_number(const char **text, uint64_t scale, uint64_t max, uint64_t *out);

/* Reads at most `most` numbers parted by blanks or commas. Their count, or -1 when something else is there, a number is
 * over `max`, or there are more of them. */
int machine_numbers(const char *text, uint64_t scale, uint64_t max, uint64_t *out, int most);

/* Writes value / scale without trailing zeros. */
void machine_number_write(FILE *, uint64_t value, uint64_t scale);

#endif
