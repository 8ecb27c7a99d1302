/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/import.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "datasets/import_private.h"
#include "datasets/trace_save.h"

enum { WHOLE_SYSTEM_SHIFT = 29, PULSE = 65536 };
#define WHOLE_SYSTEM_LIMIT ((uint64_t)2 << 30)
#define TR_MAGIC "MISSTRS1"
#define HDF5_MAGIC "\x89HDF"

void import_defaults(struct import_options *o)
{
    memset(o, 0, sizeof *o);
    o->node_shift = IMPORT_NO_NODES;
    o->step_ns = 1;
}

static void set_text(char *to, size_t size, const char *from)
{
    if (from)
        snprintf(to, size, "%s", from);
}

int import_start(struct import_sink *sink, struct trace_meta *meta, bool whole_system, struct trace_error *error)
{
    const struct import_options *o = sink->options;
    sink->node_shift = o->node_shift_given ? o->node_shift : whole_system ? WHOLE_SYSTEM_SHIFT : IMPORT_NO_NODES;
    sink->whole_system = whole_system;
    sink->limit_address = o->limit_address_given ? o->limit_address : whole_system ? WHOLE_SYSTEM_LIMIT : 0;
    if (o->fold_cpus)
        meta->cpus = o->fold_cpus;
    if (o->page_size)
        meta->page_size = o->page_size;
    set_text(meta->name, sizeof meta->name, o->name);
    set_text(meta->note, sizeof meta->note, o->note);
    set_text(meta->host, sizeof meta->host, o->host);
    set_text(meta->kernel, sizeof meta->kernel, o->kernel);
    if (!meta->command[0])
        set_text(meta->command, sizeof meta->command, o->command);
    if (!meta->date[0]) {
        time_t now = time(NULL);
        struct tm utc;
        strftime(meta->date, sizeof meta->date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    }
    return trace_writer_open(sink->out, meta, o->compress, &sink->writer, error);
}

int import_put(struct import_sink *sink, const struct trace_record *record, struct trace_error *error)
{
    const struct import_options *o = sink->options;
    struct trace_record r = *record;
    if (sink->counts->read++ < o->skip) {
        sink->counts->skipped++;
        return 0;
    }
    if (sink->limit_address && r.address >= sink->limit_address) {
        sink->counts->beyond_address++;
        return 0;
    }
    if (o->fold_cpus)
        r.cpu = (uint16_t)(r.cpu % o->fold_cpus);
    if (sink->node_shift < IMPORT_NO_NODES)
        r.node = r.address >> sink->node_shift < NODE_MAX ? (node_t)(r.address >> sink->node_shift) : NODE_NONE;
    if (r.node < NODE_MAX && r.node >= sink->nodes)
        sink->nodes = r.node + 1u;
    if (!sink->counts->taken)
        sink->first_time = r.time;
    if (o->rebase && r.time >= sink->first_time)
        r.time -= sink->first_time;
    int err = trace_writer_add(sink->writer, &r, error);
    sink->counts->taken += !err;
    sink->full = o->limit && sink->counts->taken >= o->limit;
    return err;
}

int import_pulse(struct import_sink *sink, struct import_input *in, struct trace_error *error)
{
    if (sink->counts->read < sink->next_pulse)
        return 0;
    sink->next_pulse = sink->counts->read + PULSE;
    return import_pulse_now(sink, in, error);
}

int import_pulse_now(struct import_sink *sink, struct import_input *in, struct trace_error *error)
{
    uint64_t done = 0, total = 0;
    if (in && sink->progress)
        import_input_progress(in, &done, &total);
    if (sink->progress && sink->progress(sink->context, done, total))
        return trace_fail(error, EINTR, "interrupted; nothing was written");
    return trace_save_asked(&sink->options->stop, error);
}

/* Lackey begins each line with "I  ", " L ", " S " or " M ", and its own messages with "==". */
static bool looks_like_lackey(const unsigned char *bytes, size_t n)
{
    return (n > 2 && bytes[0] == '=' && bytes[1] == '=') ||
           (n > 3 && ((bytes[0] == 'I' && bytes[1] == ' ' && bytes[2] == ' ') ||
                      (bytes[0] == ' ' && bytes[1] && strchr("LSM", bytes[1]) && bytes[2] == ' ')));
}

/* One of the readers of other rooms, or IMPORT_AUTO. */
static unsigned detect_reader(const struct import_reader *readers, const unsigned char *bytes, size_t n)
{
    for (unsigned i = 0; readers && readers[i].name; i++)
        if (readers[i].looks(bytes, n))
            return IMPORT_FORMATS + i;
    return IMPORT_AUTO;
}

static int detect(struct import_input *in, const struct import_options *o, unsigned *format, struct trace_error *error)
{
    enum { HEAD = 4096 };
    const unsigned char *bytes;
    size_t n;
    int err = import_input_peek(in, HEAD, &bytes, &n, error);
    if (err)
        return err;
    *format = detect_reader(o->readers, bytes, n);
    if (*format != IMPORT_AUTO)
        return 0;
    if (n >= 8 && !memcmp(bytes, TR_MAGIC, 8))
        *format = IMPORT_TR;
    else if (n >= 4 && !memcmp(bytes, HDF5_MAGIC, 4))
        return trace_fail(error, EINVAL, "%s: a trace (HDF5) cannot be read from a pipe; name its file",
                          import_input_path(in));
    else if (looks_like_lackey(bytes, n))
        *format = IMPORT_LACKEY;
    else if (n && (isalpha(bytes[0]) || bytes[0] == '"' || bytes[0] == '#' || bytes[0] == 0xef))
        *format = IMPORT_CSV;
    else if (n == 0)
        return trace_fail(error, EINVAL, "%s: is empty", import_input_path(in));
    else
        return trace_fail(error, EINVAL, "%s: the format is not recognised; name it with --from",
                          import_input_path(in));
    return 0;
}

static bool is_kind(const char *path, mode_t kind)
{
    struct stat status;
    return strcmp(path, "-") && !stat(path, &status) && (status.st_mode & S_IFMT) == kind;
}

/* Of a pipe what is read here would be gone. */
static bool is_hdf5(const char *path)
{
    unsigned char head[4] = {0};
    FILE *file = is_kind(path, S_IFREG) ? fopen(path, "rb") : NULL;
    if (!file)
        return false;
    size_t n = fread(head, 1, sizeof head, file);
    fclose(file);
    return n == sizeof head && !memcmp(head, HDF5_MAGIC, 4);
}

static int read_format(unsigned format, struct import_input *in, struct import_sink *sink, struct trace_error *error)
{
    const struct import_options *o = sink->options;
    if (format >= IMPORT_FORMATS)
        return o->readers[format - IMPORT_FORMATS].read(o->reader_context, in, sink, error);
    if (format == IMPORT_TR)
        return import_tr(in, sink, error);
    return format == IMPORT_CSV ? import_csv(in, sink, error) : import_lackey(in, sink, error);
}

/* Of the readers that were asked for, the first that reads folders; null: none. */
static const struct import_reader *folder_reader(const struct import_options *o)
{
    for (unsigned i = 0; o->readers && o->readers[i].name; i++)
        if (o->readers[i].folder && (o->from == IMPORT_AUTO || o->from == IMPORT_FORMATS + i))
            return &o->readers[i];
    return NULL;
}

static int read_stream(const char *path, struct import_sink *sink, struct trace_error *error)
{
    struct import_input *in;
    unsigned format = sink->options->from;
    int err = import_input_open(path, &in, error);
    if (err)
        return err;
    if (format == IMPORT_AUTO)
        err = detect(in, sink->options, &format, error);
    if (!err)
        err = read_format(format, in, sink, error);
    import_input_close(in);
    return err;
}

int import_run(const char *in, const char *out, const struct import_options *options, struct import_counts *counts,
               import_progress *progress, void *context, struct trace **trace, struct trace_error *error)
{
    struct import_sink sink = {
        .options = options, .counts = counts, .out = out, .progress = progress, .context = context};
    memset(counts, 0, sizeof *counts);
    if (trace)
        *trace = NULL;
    const struct import_reader *folder = is_kind(in, S_IFDIR) ? folder_reader(options) : NULL;
    int err;
    if (folder)
        err = folder->folder(options->reader_context, in, &sink, error);
    else if (options->from == IMPORT_TRACE || (options->from == IMPORT_AUTO && is_hdf5(in)))
        err = import_trace(in, &sink, error);
    else
        err = read_stream(in, &sink, error);
    if (!err && !counts->taken)
        err =
            trace_fail(error, EINVAL, "%s: no record to take (%llu read, %llu skipped, %llu beyond the address limit)",
                       in, (unsigned long long)counts->read, (unsigned long long)counts->skipped,
                       (unsigned long long)counts->beyond_address);
    if (err) {
        if (sink.writer)
            trace_writer_abort(sink.writer);
        return err;
    }
    struct trace_meta *meta = trace_writer_meta(sink.writer);
    trace_writer_heed(sink.writer, options->stop);
    meta->nodes = sink.nodes > meta->nodes ? sink.nodes : meta->nodes;
    uint32_t each = options->node_cpus ? options->node_cpus : 1;
    for (uint32_t i = 0; sink.whole_system && i < meta->nodes * each && i < CPU_MAX; i++)
        meta->cpu_node[i] = (node_t)(i / each);
    return trace_writer_close(sink.writer, trace, error);
}
