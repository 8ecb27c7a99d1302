/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/columns.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct row {
    bool rule, emphasis;
    char (*cell)[COLUMNS_CELL];
};

struct columns {
    const struct column *column;
    unsigned n;
    struct row *row;
    size_t rows, room;
    unsigned filled; /* cells of the last row */
    bool rule, emphasis, failed;
};

struct columns *columns_new(const struct column *columns, unsigned n)
{
    struct columns *t = calloc(1, sizeof *t);
    if (t) {
        t->column = columns;
        t->n = n < COLUMNS_MAX ? n : COLUMNS_MAX;
        t->filled = t->n;
    }
    return t;
}

void columns_free(struct columns *t)
{
    for (size_t i = 0; t && i < t->rows; i++)
        free(t->row[i].cell);
    if (t)
        free(t->row);
    free(t);
}

static bool grow(struct columns *t)
{
    if (t->rows < t->room)
        return true;
    size_t room = t->room ? 2 * t->room : 16;
    struct row *row = realloc(t->row, room * sizeof *row);
    if (!row)
        return false;
    t->row = row;
    t->room = room;
    return true;
}

static bool begin(struct columns *t)
{
    char(*cell)[COLUMNS_CELL] = grow(t) ? calloc(t->n, sizeof *cell) : NULL;
    if (!cell) {
        t->failed = true;
        return false;
    }
    t->row[t->rows++] = (struct row){t->rule, t->emphasis, cell};
    t->rule = t->emphasis = false;
    t->filled = 0;
    return true;
}

void columns_cell(struct columns *t, const char *text)
{
    if (!t || t->failed || (t->filled == t->n && !begin(t)))
        return;
    snprintf(t->row[t->rows - 1].cell[t->filled++], COLUMNS_CELL, "%s", text);
}

void columns_rule(struct columns *t)
{
    if (t)
        t->rule = true;
}

void columns_emphasis(struct columns *t)
{
    if (t)
        t->emphasis = true;
}

/* Characters, not bytes, of UTF-8. */
static unsigned length(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

static unsigned widest(const struct columns *t, unsigned c)
{
    unsigned width = 0;
    for (unsigned h = 0; h < 2; h++)
        if (t->column[c].head[h] && length(t->column[c].head[h]) > width)
            width = length(t->column[c].head[h]);
    for (size_t r = 0; r < t->rows; r++)
        if (length(t->row[r].cell[c]) > width)
            width = length(t->row[r].cell[c]);
    return width;
}

/* Widths of the columns, 0 for those left out so that the sum fits. */
static void fit(const struct columns *t, unsigned limit, unsigned width[COLUMNS_MAX])
{
    unsigned sum = 0;
    for (unsigned c = 0; c < t->n; c++) {
        width[c] = widest(t, c);
        sum += width[c] + 2;
    }
    while (limit && sum > limit + 2) {
        unsigned worst = t->n;
        for (unsigned c = 0; c < t->n; c++)
            if (width[c] && t->column[c].rank && (worst == t->n || t->column[c].rank >= t->column[worst].rank))
                worst = c;
        if (worst == t->n)
            return;
        sum -= width[worst] + 2;
        width[worst] = 0;
    }
}

static void print_cell(FILE *f, const struct column *column, const char *text, unsigned width, bool last)
{
    unsigned pad = width - length(text);
    fprintf(f, "%*s%s", column->left ? 0 : (int)pad, "", text);
    if (!last)
        fprintf(f, "%*s", column->left ? (int)pad + 2 : 2, "");
}

static unsigned last_shown(const struct columns *t, const unsigned *width)
{
    unsigned last = 0;
    for (unsigned c = 0; c < t->n; c++)
        if (width[c])
            last = c;
    return last;
}

/* A head of one line stands in the second, on the rule. */
static bool has_head(const struct columns *t, const unsigned *width, unsigned h)
{
    for (unsigned c = 0; c < t->n; c++)
        if (width[c] && t->column[c].head[h] && t->column[c].head[h][0])
            return true;
    return false;
}

static void print_head(FILE *f, const struct columns *t, const unsigned *width, bool colour)
{
    unsigned last = last_shown(t, width);
    for (unsigned h = 0; h < 2; h++) {
        if (!has_head(t, width, h))
            continue;
        fputs(colour ? "\033[1m" : "", f);
        for (unsigned c = 0; c < t->n; c++)
            if (width[c])
                print_cell(f, &t->column[c], t->column[c].head[h] ? t->column[c].head[h] : "", width[c], c == last);
        fputs(colour ? "\033[0m\n" : "\n", f);
    }
}

static void print_rule(FILE *f, const struct columns *t, const unsigned *width)
{
    unsigned sum = 0;
    for (unsigned c = 0; c < t->n; c++)
        sum += width[c] ? width[c] + 2 : 0;
    for (unsigned i = 2; i < sum; i++)
        fputc('-', f);
    fputc('\n', f);
}

bool columns_print(FILE *f, const struct columns *t, unsigned limit, bool colour)
{
    unsigned width[COLUMNS_MAX];
    if (!t || t->failed)
        return false;
    fit(t, limit, width);
    unsigned last = last_shown(t, width);
    print_head(f, t, width, colour);
    print_rule(f, t, width);
    for (size_t r = 0; r < t->rows; r++) {
        const struct row *row = &t->row[r];
        if (row->rule)
            print_rule(f, t, width);
        fputs(colour && row->emphasis ? "\033[1;32m" : "", f);
        for (unsigned c = 0; c < t->n; c++)
            if (width[c])
                print_cell(f, &t->column[c], row->cell[c], width[c], c == last);
        fputs(colour && row->emphasis ? "\033[0m\n" : "\n", f);
    }
    return true;
}

unsigned columns_width(FILE *f)
{
    struct winsize size = {0};
    int fd = fileno(f);
    if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}
