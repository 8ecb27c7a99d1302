/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A table of text on a terminal: two lines of head, cells filled row by row, columns as wide as they need. When it does
 * not fit, the least important columns are left out.
 */
#ifndef REPORTS_COLUMNS_H
#define REPORTS_COLUMNS_H

#include <stdbool.h>
#include <stdio.h>

enum { COLUMNS_MAX = 40, COLUMNS_CELL = 128 };

struct column {
    const char *head[2];
    bool left;     /* aligned left; else right */
    unsigned rank; /* 0: never left out; the highest goes first */
};

struct columns;

/* `columns` must outlive the table. Null when out of memory: every function takes null and does nothing. */
struct columns *columns_new(const struct column *columns, unsigned n);
void columns_free(struct columns *);

/* The next cell; the row is full after n of them. Text beyond COLUMNS_CELL - 1 bytes is cut. */
void columns_cell(struct columns *, const char *text);

/* Before the first cell of a row: a rule above it, and emphasis (bold green) on it. */
void columns_rule(struct columns *);
void columns_emphasis(struct columns *);

/* `width` 0: unlimited. False when memory ran out on the way: nothing is printed then. */
bool columns_print(FILE *, const struct columns *, unsigned width, bool colour);

/* Columns of the terminal behind the stream; 0 when it is none. */
unsigned columns_width(FILE *);

#endif
