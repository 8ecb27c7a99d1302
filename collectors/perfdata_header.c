/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The header of file mode: 104 bytes, attributes with their ids, a table of features behind the data. Read by position
 * from a descriptor of its own; the records themselves come from the stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/perfdata_private.h"

enum { HEADER = 104, PIPE_HEADER = 16, ATTRS_MAX = DECODE_EVENTS_MAX, IDS_MAX = 1 << 20, FEATURES = 256 };

struct section {
    uint64_t offset, size;
};

struct file_header {
    unsigned char magic[8];
    uint64_t size, attr_size;
    struct section attrs, data, types;
    uint64_t features[FEATURES / 64];
};

struct file {
    struct perfdata *p;
    struct file_header header;
    int fd;
    uint64_t size;
    uint64_t ids; /* bytes of ids read so far */
};

static int read_at(const struct file *f, uint64_t offset, void *to, size_t n)
{
    size_t done = 0;
    if (offset > f->size || n > f->size - offset)
        return -EINVAL;
    while (done < n) {
        ssize_t got = pread(f->fd, (char *)to + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -EIO;
        done += (size_t)got;
    }
    return 0;
}

/* Lists of ids do not overlap: all of them fit into the file. */
static int read_ids(struct file *f, const struct section *at, uint32_t event, struct trace_error *error)
{
    uint64_t n = at->size / 8;
    bool fits = n <= IDS_MAX && at->size <= f->size - f->ids;
    uint64_t *ids = fits ? malloc(at->size + 1) : NULL;
    if (!ids)
        return trace_fail(error, EINVAL, "%s: an event claims %llu ids; the header is damaged", f->p->path,
                          (unsigned long long)n);
    f->ids += at->size;
    int err = read_at(f, at->offset, ids, n * 8);
    for (uint64_t i = 0; !err && i < n; i++)
        err = decoder_add_id(f->p->decoder, event, ids[i]);
    free(ids);
    return err ? trace_fail(error, EINVAL, "%s: the ids of event %u cannot be read; the header is damaged", f->p->path,
                            event)
               : 0;
}

static int read_attr(struct file *f, uint64_t at, struct trace_error *error)
{
    unsigned char attr[ABI_ATTR_SIZE_MOST];
    struct section ids;
    size_t size = (size_t)f->header.attr_size - sizeof ids;
    if (read_at(f, at, attr, size) || read_at(f, at + size, &ids, sizeof ids))
        return trace_fail(error, EINVAL, "%s: its attributes lie beyond its end; it is cut short", f->p->path);
    int event = decoder_add(f->p->decoder, attr, size, NULL, 0);
    if (event < 0)
        return trace_fail(error, -event, "%s: an event's attribute cannot be read", f->p->path);
    return read_ids(f, &ids, (uint32_t)event, error);
}

static int read_attrs(struct file *f, struct trace_error *error)
{
    const struct file_header *h = &f->header;
    uint64_t each = h->attr_size;
    if (each < ABI_ATTR_SIZE_LEAST + sizeof(struct section) || each > ABI_ATTR_SIZE_MOST ||
        h->attrs.size / each > ATTRS_MAX)
        return trace_fail(error, EINVAL, "%s: %llu bytes of attributes of %llu bytes each; the header is damaged",
                          f->p->path, (unsigned long long)h->attrs.size, (unsigned long long)each);
    int err = 0;
    for (uint64_t i = 0; !err && i < h->attrs.size / each; i++)
        err = read_attr(f, h->attrs.offset + i * each, error);
    return err;
}

static void read_features(const struct file *f)
{
    uint64_t table = f->header.data.offset + f->header.data.size;
    for (unsigned feature = 0; feature < FEATURES; feature++) {
        struct section at;
        if (!(f->header.features[feature / 64] >> (feature % 64) & 1))
            continue;
        if (read_at(f, table, &at, sizeof at))
            return;
        table += sizeof at;
        if (at.size > PERFDATA_PAYLOAD_MAX || at.size > f->size)
            continue;
        unsigned char *payload = malloc(at.size + 1);
        if (payload && !read_at(f, at.offset, payload, at.size))
            perfdata_read_feature(f->p, feature, payload, at.size);
        free(payload);
    }
}

/* An unclosed file has no size of its data yet, and no features. */
static void settle_data(const struct file *f)
{
    struct perfdata *p = f->p;
    const struct section *data = &f->header.data;
    p->left = data->size ? data->size : UINT64_MAX;
    p->facts.unclosed = !data->size;
    if (data->size && (data->offset > f->size || data->size > f->size - data->offset)) {
        p->facts.truncated = true;
        p->left = UINT64_MAX;
    }
    if (data->size && !p->facts.truncated)
        read_features(f);
}

static int skip_to(struct perfdata *p, uint64_t offset, struct trace_error *error)
{
    enum { PIECE = 1 << 16 };
    const unsigned char *bytes;
    size_t n = 1;
    while (offset && n) {
        int err = import_input_peek(p->in, offset < PIECE ? offset : PIECE, &bytes, &n, error);
        if (err)
            return err;
        import_input_take(p->in, n);
        offset -= n;
    }
    return offset ? trace_fail(error, EINVAL, "%s: ends before its data; it is cut short", p->path) : 0;
}

static int read_file_mode(struct file *f, struct trace_error *error)
{
    struct perfdata *p = f->p;
    struct stat status;
    f->fd = strcmp(p->path, "standard input") ? open(p->path, O_RDONLY | O_CLOEXEC) : -1;
    if (f->fd < 0 || fstat(f->fd, &status) || !S_ISREG(status.st_mode))
        return trace_fail(error, EINVAL,
                          "%s: this perf.data has its header in two places; name the file instead of piping it",
                          p->path);
    f->size = (uint64_t)status.st_size;
    struct file_header again;
    if (read_at(f, 0, &again, sizeof again) || memcmp(&again, &f->header, sizeof again))
        return trace_fail(error, EINVAL, "%s: a packed perf.data cannot be read; unpack it first", p->path);
    int err = read_attrs(f, error);
    if (err)
        return err;
    settle_data(f);
    perfdata_name_events(p);
    return skip_to(p, f->header.data.offset, error);
}

static const unsigned char swapped[8] = {'2', 'E', 'L', 'I', 'F', 'R', 'E', 'P'};

bool perfdata_looks(const unsigned char *bytes, size_t n)
{
    return n >= 8 &&
           (!memcmp(bytes, "PERFILE2", 8) || !memcmp(bytes, "PERFFILE", 8) || !memcmp(bytes, swapped, sizeof swapped));
}

int perfdata_header(struct perfdata *p, struct trace_error *error)
{
    struct file f = {.p = p, .fd = -1};
    const unsigned char *bytes;
    size_t n;
    int err = import_input_peek(p->in, HEADER, &bytes, &n, error);
    if (err)
        return err;
    if (n < PIPE_HEADER || memcmp(bytes, "PERFILE2", 8)) {
        bool other = n >= sizeof swapped && !memcmp(bytes, swapped, sizeof swapped);
        return trace_fail(error, ENOTSUP, "%s: %s", p->path,
                          other                      ? "recorded on a machine of the other byte order"
                          : perfdata_looks(bytes, n) ? "the first version of perf.data, of before 2010, or cut short"
                                                     : "no perf.data file");
    }
    memcpy(&f.header, bytes, n < sizeof f.header ? n : sizeof f.header);
    p->facts.pipe = f.header.size == PIPE_HEADER;
    if (p->facts.pipe) {
        import_input_take(p->in, PIPE_HEADER);
        return 0;
    }
    if (f.header.size != HEADER || n < HEADER)
        return trace_fail(error, EINVAL, "%s: its header is of %llu bytes, or cut short; 104 are known", p->path,
                          (unsigned long long)f.header.size);
    err = read_file_mode(&f, error);
    if (f.fd >= 0)
        close(f.fd);
    return err;
}
