/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/import_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/import_unpack.h"
#include "datasets/trace_private.h"

enum { RAW = 1 << 17, READY = 1 << 20 };

struct import_input {
    const char *path;
    int fd;
    uint64_t size, got, line;
    bool raw_end;
    struct import_unpack *unpack; /* null: the file is not packed */
    unsigned char raw[RAW];
    size_t raw_at, raw_n;
    size_t at, n; /* of ready */
    unsigned char ready[READY + 1];
};

/* What the file gives at once. */
static int read_some(struct import_input *in, unsigned char *to, size_t room, size_t *got, struct trace_error *error)
{
    ssize_t n;
    do
        n = read(in->fd, to, room);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return trace_fail(error, errno, "%s: %s", in->path, strerror(errno));
    *got += (size_t)n;
    in->got += (uint64_t)n;
    in->raw_end = n == 0;
    return 0;
}

static int fill_raw(struct import_input *in, struct trace_error *error)
{
    if (in->raw_at < in->raw_n || in->raw_end)
        return 0;
    in->raw_at = in->raw_n = 0;
    /* A pipe gives little at a time; the format is told from more than that. */
    int err = 0;
    while (!err && in->raw_n < RAW && !in->raw_end)
        err = read_some(in, in->raw + in->raw_n, RAW - in->raw_n, &in->raw_n, error);
    return err;
}

static int start(struct import_input *in, struct trace_error *error)
{
    const char *why;
    int err = fill_raw(in, error);
    if (err)
        return err;
    err = import_unpack_begin(in->raw, in->raw_n, &in->unpack, &why);
    return err ? trace_fail(error, -err, "%s: %s", in->path, why) : 0;
}

int import_input_open(const char *path, struct import_input **out, struct trace_error *error)
{
    struct import_input *in = calloc(1, sizeof *in);
    struct stat status;
    bool standard = !strcmp(path, "-");
    *out = NULL;
    if (!in)
        return trace_fail(error, ENOMEM, "%s: out of memory", path);
    in->path = standard ? "standard input" : path;
    in->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int err = 0;
    if (in->fd < 0 || fstat(in->fd, &status))
        err = trace_fail(error, errno, "%s: %s", in->path, strerror(errno));
    else if (S_ISDIR(status.st_mode))
        err = trace_fail(error, EISDIR, "%s: is a folder; name a file", in->path);
    else {
        in->size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
        err = start(in, error);
    }
    if (err)
        import_input_close(in);
    else
        *out = in;
    return err;
}

void import_input_close(struct import_input *in)
{
    if (!in)
        return;
    if (in->fd > STDIN_FILENO)
        close(in->fd);
    import_unpack_end(in->unpack);
    free(in);
}

const char *import_input_path(const struct import_input *in)
{
    return in->path;
}

static int unpack(struct import_input *in, struct trace_error *error)
{
    struct import_unpack_step step = {in->raw, in->ready, in->raw_n, in->raw_at, READY, in->n};
    const char *why;
    int err = import_unpack_more(in->unpack, &step, &why);
    in->raw_at = step.in_at;
    in->n = step.out_n;
    return err ? trace_fail(error, -err, "%s: %s", in->path, why) : 0;
}

/* One more piece into ready; *end when there is none. */
static int more(struct import_input *in, bool *end, struct trace_error *error)
{
    size_t before = in->n;
    bool direct = !in->unpack && in->raw_at == in->raw_n && !in->raw_end;
    int err = direct ? read_some(in, in->ready + in->n, READY - in->n, &in->n, error) : fill_raw(in, error);
    if (err)
        return err;
    bool starved = in->raw_at == in->raw_n;
    if (direct) {
        /* what is not packed goes where it is wanted */
    } else if (!in->unpack) {
        size_t n = in->raw_n - in->raw_at < READY - in->n ? in->raw_n - in->raw_at : READY - in->n;
        memcpy(in->ready + in->n, in->raw + in->raw_at, n);
        in->raw_at += n;
        in->n += n;
    } else if (!starved || !import_unpack_whole(in->unpack)) {
        /* At the end of the input unpacked bytes may still be held back: ask once more before calling it cut short. */
        err = unpack(in, error);
        if (!err && starved && in->n == before && !import_unpack_whole(in->unpack))
            return trace_fail(error, EINVAL, "%s: the %s stream is cut short", in->path,
                              import_unpack_name(in->unpack));
    }
    *end = starved && in->n == before;
    return err;
}

int import_input_peek(struct import_input *in, size_t want, const unsigned char **bytes, size_t *n,
                      struct trace_error *error)
{
    bool end = false;
    int err = 0;
    if (want > READY / 2)
        want = READY / 2;
    if (in->n - in->at < want && in->at > 0) {
        memmove(in->ready, in->ready + in->at, in->n - in->at);
        in->n -= in->at;
        in->at = 0;
    }
    while (!err && !end && in->n - in->at < want)
        err = more(in, &end, error);
    *bytes = in->ready + in->at;
    *n = in->n - in->at < want ? in->n - in->at : want;
    return err;
}

void import_input_take(struct import_input *in, size_t n)
{
    in->at += n;
}

int import_input_line(struct import_input *in, char **line, struct trace_error *error)
{
    const unsigned char *bytes;
    size_t n = in->n - in->at;
    unsigned char *end = n ? memchr(in->ready + in->at, '\n', n < INPUT_LINE_MAX ? n : INPUT_LINE_MAX) : NULL;
    if (!end) {
        int err = import_input_peek(in, INPUT_LINE_MAX, &bytes, &n, error);
        if (err)
            return err;
        if (n == 0)
            return 0;
        end = memchr(in->ready + in->at, '\n', n);
    }
    in->line++;
    unsigned char *start = in->ready + in->at;
    if (!end && n == INPUT_LINE_MAX)
        return trace_fail(error, EINVAL, "%s:%llu: the line is longer than %d bytes; is this a text file?", in->path,
                          (unsigned long long)in->line, INPUT_LINE_MAX);
    size_t length = end ? (size_t)(end - start) : n;
    in->at += length + (end ? 1 : 0);
    if (memchr(start, '\0', length))
        return trace_fail(error, EINVAL, "%s:%llu: a NUL byte in the line; is this a text file?", in->path,
                          (unsigned long long)in->line);
    if (length && start[length - 1] == '\r')
        length--;
    start[length] = '\0';
    *line = (char *)start;
    return 1;
}

uint64_t import_input_line_number(const struct import_input *in)
{
    return in->line;
}

void import_input_progress(const struct import_input *in, uint64_t *done, uint64_t *total)
{
    *done = in->got;
    *total = in->size;
}
