/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Figures and names as people and programs read them. Every function writes at most `size` bytes, ends with a zero and
 * returns `out`.
 */
#ifndef REPORTS_TEXT_H
#define REPORTS_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { TEXT_FIGURE = 32 }; /* room enough for any figure below */

char *text_count(char *out, size_t size, uint64_t n);     /* 1,234,567 */
char *text_bytes(char *out, size_t size, uint64_t n);     /* 12.3 MiB */
char *text_duration(char *out, size_t size, uint64_t ns); /* 12.34 s */

/* Share in millionths as percent with one digit: 76.5; "-" for the least int64 (undefined). */
char *text_percent(char *out, size_t size, int64_t ppm);

/* Part of whole in percent with one digit; "-" when whole is 0. */
char *text_part(char *out, size_t size, uint64_t part, uint64_t whole);

/* A foreign name made valid UTF-8 without control characters: what is not becomes '?'. Safe for a terminal, JSON and
 * HTML text nodes. */
char *text_clean(char *out, size_t size, const char *name);

#endif
