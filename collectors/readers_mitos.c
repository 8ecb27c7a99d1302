/* SPDX-License-Identifier: BSD-2-Clause
 *
 * CSV of Mitos and MemAxes: a header row that names, among others, time, addr, cpu, pid, tid, latency, data_src. Times
 * are ns, latencies cycles, addresses decimal, data_src the kernel's word.
 */
#include <errno.h>
#include <string.h>

#include "collectors/data_source.h"
#include "collectors/readers_text.h"

enum column { TIME, ADDR, CPU, PID, TID, IP, LATENCY, DATA_SRC, COLUMNS };
enum { CELLS_MAX = 256 };

static const char *const names[COLUMNS] = {"time", "addr", "cpu", "pid", "tid", "ip", "latency", "data_src"};

struct layout {
    unsigned cells;
    uint8_t column[CELLS_MAX]; /* COLUMNS: passed over */
    bool has[COLUMNS];
};

/* Length of the cell at `at`; cells have no quotes in this format. */
static size_t cell(const char *at)
{
    return strcspn(at, ",");
}

static bool read_layout(const char *line, struct layout *l)
{
    memset(l, 0, sizeof *l);
    for (const char *at = line;; at++) {
        size_t length = cell(at);
        unsigned column = 0;
        while (column < COLUMNS && (strlen(names[column]) != length || strncmp(at, names[column], length)))
            column++;
        if (l->cells == CELLS_MAX)
            return false;
        l->column[l->cells++] = (uint8_t)column;
        if (column < COLUMNS)
            l->has[column] = true;
        at += length;
        if (!*at)
            return l->has[TIME] && l->has[ADDR] && l->has[LATENCY];
    }
}

static const char *read_row(const struct layout *l, const char *line, uint64_t value[COLUMNS])
{
    const char *at = line;
    for (unsigned i = 0; i < l->cells; i++) {
        size_t length = cell(at);
        const char *digits = at;
        if (l->column[i] < COLUMNS && (!text_number(&digits, 10, &value[l->column[i]]) || digits != at + length))
            return "a cell that should hold a number does not";
        at += length;
        if (!*at != (i + 1 == l->cells))
            return "the row has not as many cells as the header";
        at += *at == ',';
    }
    return NULL;
}

static struct sample sample_of(const struct layout *l, const uint64_t value[COLUMNS], uint32_t event)
{
    struct sample s = {.time = value[TIME], .va = value[ADDR], .event = event, .has = SAMPLE_TIME};
    s.has |= s.va ? SAMPLE_VA : 0;
    s.cpu = value[CPU] > UINT32_MAX ? UINT32_MAX : (uint32_t)value[CPU];
    s.has |= l->has[CPU] ? SAMPLE_CPU : 0;
    s.pid = (uint32_t)value[PID];
    s.tid = (uint32_t)value[TID];
    s.has |= l->has[PID] && l->has[TID] ? SAMPLE_TASK : 0;
    s.latency = value[LATENCY] > UINT32_MAX ? UINT32_MAX : (uint32_t)value[LATENCY];
    s.has |= s.latency ? SAMPLE_LATENCY : 0;
    if (l->has[DATA_SRC]) {
        s.data_source = value[DATA_SRC];
        s.has |= SAMPLE_SOURCE;
        data_source_classify(&s);
    }
    return s;
}

bool readers_mitos_looks(const unsigned char *bytes, size_t n)
{
    char line[2048];
    struct layout l;
    const unsigned char *end = memchr(bytes, '\n', n);
    size_t length = end ? (size_t)(end - bytes) : n;
    if (length >= sizeof line)
        return false;
    memcpy(line, bytes, length);
    line[length] = '\0';
    line[strcspn(line, "\r")] = '\0';
    return read_layout(line, &l);
}

int readers_mitos(void *context, struct import_input *in, struct import_sink *sink, struct trace_error *error)
{
    struct text_samples text;
    struct layout layout;
    char *line;
    int err = text_start(&text, context, in, import_input_path(in), sink, "Mitos CSV", 0,
                         ABI_TID | ABI_WEIGHT | ABI_ADDR, error);
    int event = err ? 0 : text_event(&text, "loads with their latency");
    int got = err ? 0 : import_input_line(in, &line, error);
    if (!err && (event < 0 || got <= 0 || !read_layout(line, &layout)))
        err = got < 0 ? got
                      : trace_fail(error, EINVAL, "%s: the first row must name the columns time, addr and latency",
                                   import_input_path(in));
    while (!err && !sink->full && (got = import_input_line(in, &line, error)) > 0) {
        uint64_t value[COLUMNS] = {0};
        const char *why = *line ? read_row(&layout, line, value) : NULL;
        if (why)
            err = text_bad_line(&text, line, why, error);
        else if (*line) {
            struct sample s = sample_of(&layout, value, (uint32_t)event);
            err = text_put(&text, &s, error);
        }
    }
    return text_end(&text, err ? err : got < 0 ? got : 0, error);
}
