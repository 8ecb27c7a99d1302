/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Samples out of text: what the readers of other tools' lines share.
 */
#ifndef COLLECTORS_READERS_TEXT_H
#define COLLECTORS_READERS_TEXT_H

#include "collectors/readers.h"

struct text_samples {
    struct import_input *in; /* the caller's, who may change it; null: progress is not told */
    const char *path;        /* for messages */
    struct import_sink *sink;
    struct readers *readers;
    struct decoder *decoder;
    struct to_trace *to;
    uint64_t fields; /* ABI_* that the text can give: which columns the trace has */
    uint32_t last_event;
    uint64_t samples;
};

/* 0 or -errno with a line. text_end must follow in either case. */
int text_start(struct text_samples *, struct readers *, struct import_input *, const char *path, struct import_sink *,
               const char *source, unsigned labels, uint64_t fields, struct trace_error *);

/* The event of that name, added if need be; -E2BIG, -ENOMEM. */
int text_event(struct text_samples *, const char *name);

/* One sample, and now and then what import_pulse_now does. 0 or -errno with a line. */
int text_put(struct text_samples *, const struct sample *, struct trace_error *);

/* Writes what was put when err is 0, and frees. Returns err or what writing returned. */
int text_end(struct text_samples *, int err, struct trace_error *);

/* A line that cannot be read: file, line number, its beginning, why. -EINVAL. */
int text_bad_line(const struct text_samples *, const char *line, const char *why, struct trace_error *);

/* Digits of the base at *at (0x may precede hexadecimal ones) up to a character that is none: false when there is none
 * or they do not fit. *at moves behind them. */
bool text_number(const char **at, int base, uint64_t *value);

int readers_script(void *context, struct import_input *, struct import_sink *, struct trace_error *);
int readers_mitos(void *context, struct import_input *, struct import_sink *, struct trace_error *);
int readers_view(void *context, struct import_input *, struct import_sink *, struct trace_error *);
bool readers_script_looks(const unsigned char *bytes, size_t n);
bool readers_mitos_looks(const unsigned char *bytes, size_t n);
bool readers_view_looks(const unsigned char *bytes, size_t n);

#endif
