/* SPDX-License-Identifier: BSD-2-Clause
 *
 * CSV with a header row; columns are found by name, others are passed over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "datasets/import_private.h"

enum field { TIME, CPU, ADDRESS, OP, WEIGHT, LATENCY, TID, NODE, FIELDS };
enum { COLUMNS_MAX = 256 };

static const struct {
    const char *name;
    bool needed;
    uint64_t max;
} fields[FIELDS] = {
    [TIME] = {"time_ns", true, ((uint64_t)1 << 62) - 1},
    [CPU] = {"cpu", true, UINT16_MAX},
    [ADDRESS] = {"address", true, UINT64_MAX},
    [OP] = {"op", true, 0},
    [WEIGHT] = {"weight", false, UINT32_MAX},
    [LATENCY] = {"latency_ns", false, UINT32_MAX},
    [TID] = {"tid", false, UINT32_MAX},
    [NODE] = {"node", false, NODE_MAX - 1},
};

struct csv {
    struct import_input *in;
    unsigned columns;
    uint8_t field[COLUMNS_MAX]; /* column -> field; FIELDS: passed over */
    bool has[FIELDS];
};

static int fail(const struct csv *csv, struct trace_error *error, const char *why, const char *value, const char *what)
{
    return trace_fail(error, EINVAL, "%s:%llu: %s '%.40s': %s", import_input_path(csv->in),
                      (unsigned long long)import_input_line_number(csv->in), what, value, why);
}

/* Cuts the next cell off *rest, without blanks and quotes around it; null at the end of the row. */
static char *next_cell(char **rest)
{
    char *cell = *rest;
    if (!cell)
        return NULL;
    char *comma = strchr(cell, ',');
    *rest = comma ? comma + 1 : NULL;
    char *end = comma ? comma : cell + strlen(cell);
    while (cell < end && (*cell == ' ' || *cell == '\t'))
        cell++;
    while (end > cell && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (end - cell >= 2 && *cell == '"' && end[-1] == '"') {
        cell++;
        end--;
    }
    *end = '\0';
    return cell;
}

static enum field field_named(const char *name)
{
    for (unsigned i = 0; i < FIELDS; i++)
        if (!strcasecmp(name, fields[i].name))
            return i;
    return FIELDS;
}

static int read_names(struct csv *csv, char *line, struct trace_error *error)
{
    char *cell;
    if (!strncmp(line, "\xef\xbb\xbf", 3))
        line += 3;
    while ((cell = next_cell(&line)) != NULL) {
        enum field field = field_named(cell);
        if (csv->columns == COLUMNS_MAX)
            return fail(csv, error, "more than 256 columns", cell, "column");
        if (field < FIELDS && csv->has[field])
            return fail(csv, error, "it is there twice", cell, "column");
        if (field < FIELDS)
            csv->has[field] = true;
        csv->field[csv->columns++] = (uint8_t)field;
    }
    for (unsigned i = 0; i < FIELDS; i++)
        if (fields[i].needed && !csv->has[i])
            return fail(csv, error, "it is missing; the header row must name time_ns, cpu, address and op",
                        fields[i].name, "column");
    return 0;
}

/* The next row that is not blank and no comment: 1, 0 at the end, or -errno. */
static int next_row(struct csv *csv, char **line, struct trace_error *error)
{
    int got;
    do
        got = import_input_line(csv->in, line, error);
    while (got > 0 && ((*line)[strspn(*line, " \t")] == '\0' || **line == '#'));
    return got;
}

static int parse_number(const struct csv *csv, enum field field, const char *cell, uint64_t *value,
                        struct trace_error *error)
{
    bool hex = cell[0] == '0' && (cell[1] == 'x' || cell[1] == 'X');
    const char *digits = hex ? cell + 2 : cell;
    size_t length = strlen(digits);
    if (!length)
        return fail(csv, error, "a number is missing", cell, fields[field].name);
    if (*digits == '-')
        return fail(csv, error, "it must not be negative", cell, fields[field].name);
    if (strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != length)
        return fail(csv, error, "not a whole number; give decimal digits or 0x and hexadecimal ones", cell,
                    fields[field].name);
    errno = 0;
    unsigned long long number = strtoull(digits, NULL, hex ? 16 : 10);
    if (errno || number > fields[field].max)
        return fail(csv, error, "it is too large", cell, fields[field].name);
    *value = number;
    return 0;
}

static int parse_op(const struct csv *csv, const char *cell, uint64_t *value, struct trace_error *error)
{
    static const char letters[] = "rwiu"; /* in the order of enum trace_kind */
    const char *at = cell[0] && !cell[1] ? strchr(letters, cell[0] | 32) : NULL;
    if (!at)
        return fail(csv, error, "it must be r (read), w (write), i (instruction fetch) or u (upgrade)", cell, "op");
    *value = (uint64_t)(at - letters);
    return 0;
}

static int parse_row(struct csv *csv, char *line, struct trace_record *r, struct trace_error *error)
{
    uint64_t value[FIELDS] = {[WEIGHT] = 1, [NODE] = NODE_NONE};
    unsigned column = 0;
    int err = 0;
    char *cell;
    while (!err && (cell = next_cell(&line)) != NULL) {
        if (column == csv->columns)
            return fail(csv, error, "more cells than the header row has columns", cell, "cell");
        enum field field = csv->field[column++];
        if (field == OP)
            err = parse_op(csv, cell, &value[OP], error);
        else if (field == NODE && !*cell)
            value[NODE] = NODE_NONE; /* unknown for this record */
        else if (field < FIELDS)
            err = parse_number(csv, field, cell, &value[field], error);
    }
    if (!err && column < csv->columns)
        return fail(csv, error, "fewer cells than the header row has columns", "", "row");
    *r = (struct trace_record){.time = value[TIME],
                               .address = value[ADDRESS],
                               .weight = (uint32_t)value[WEIGHT],
                               .latency_ns = (uint32_t)value[LATENCY],
                               .tid = (uint32_t)value[TID],
                               .cpu = (uint16_t)value[CPU],
                               .flags = (uint8_t)value[OP],
                               .node = (node_t)value[NODE]};
    return err;
}

static int start(struct csv *csv, struct import_sink *sink, struct trace_error *error)
{
    struct trace_meta meta = {.page_size = 4096, .line_size = 64, .period = 1};
    memset(meta.cpu_node, NODE_NONE, sizeof meta.cpu_node);
    strcpy(meta.source, "csv");
    meta.columns = (csv->has[WEIGHT] ? TRACE_HAS_WEIGHT : 0) | (csv->has[LATENCY] ? TRACE_HAS_LATENCY : 0) |
                   (csv->has[TID] ? TRACE_HAS_TID : 0);
    return import_start(sink, &meta, false, error);
}

int import_csv(struct import_input *in, struct import_sink *sink, struct trace_error *error)
{
    struct csv csv = {.in = in};
    struct trace_record record;
    struct trace_error why;
    char *line;
    int got = next_row(&csv, &line, error);
    if (got == 0)
        return trace_fail(error, EINVAL, "%s: no header row", import_input_path(in));
    int err = got < 0 ? got : read_names(&csv, line, error);
    if (!err)
        err = start(&csv, sink, error);
    while (!err && !sink->full && (got = next_row(&csv, &line, error)) > 0) {
        err = parse_row(&csv, line, &record, error);
        if (!err && import_put(sink, &record, &why))
            err = trace_fail(error, EINVAL, "%s:%llu: %s", import_input_path(in),
                             (unsigned long long)import_input_line_number(in), why.text);
        if (!err)
            err = import_pulse(sink, in, error);
    }
    return err ? err : got < 0 ? got : 0;
}
