/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_attribute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/trace_private.h"

enum { TEXT_MAX = 65536 };

static const struct {
    unsigned bit;
    const char *word;
} label_words[] = {
    {TRACE_WRITES_UNDER_SEEN, "writes-under-seen"}, {TRACE_PAGE_TOUCH, "page-touch"},
    {TRACE_SIMULATED_CACHE, "simulated-cache"},     {TRACE_SYNTHETIC, "synthetic"},
    {TRACE_ALL_ACCESSES, "all-accesses"},
};
enum { LABEL_WORDS = sizeof label_words / sizeof label_words[0] };

void trace_labels_text(unsigned labels, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < LABEL_WORDS; i++)
        if ((labels & label_words[i].bit) && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "," : "", label_words[i].word);
}

unsigned trace_labels_parse(const char *text)
{
    unsigned labels = 0;
    while (*text) {
        size_t length = strcspn(text, ", ");
        for (size_t i = 0; i < LABEL_WORDS; i++)
            if (strlen(label_words[i].word) == length && !strncmp(text, label_words[i].word, length))
                labels |= label_words[i].bit;
        text += length;
        text += strspn(text, ", ");
    }
    return labels;
}

static hid_t open_attribute(hid_t file, const char *name)
{
    return H5Aexists(file, name) > 0 ? H5Aopen(file, name, H5P_DEFAULT) : -1;
}

static hssize_t elements(hid_t attribute)
{
    hid_t space = H5Aget_space(attribute);
    hssize_t n = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    return n;
}

/* 1 read, 0 not there, -EINVAL there but no single integer. */
static int read_u64(hid_t file, const char *name, uint64_t *out)
{
    hid_t attribute = open_attribute(file, name);
    if (attribute < 0)
        return 0;
    hid_t type = H5Aget_type(attribute);
    uint64_t value;
    int result = -EINVAL;
    if (type >= 0 && H5Tget_class(type) == H5T_INTEGER && elements(attribute) == 1 &&
        H5Aread(attribute, H5T_NATIVE_UINT64, &value) >= 0) {
        *out = value;
        result = 1;
    }
    H5Tclose(type);
    H5Aclose(attribute);
    return result;
}

static void read_fixed(hid_t attribute, hid_t type, char *out, size_t size)
{
    size_t length = H5Tget_size(type);
    if (length == 0 || length > TEXT_MAX)
        return;
    char *text = calloc(1, length + 1);
    hid_t memory = H5Tcopy(type);
    if (text && memory >= 0 && H5Aread(attribute, memory, text) >= 0)
        snprintf(out, size, "%s", text);
    H5Tclose(memory);
    free(text);
}

static void read_variable(hid_t attribute, char *out, size_t size)
{
    char *text = NULL;
    hid_t memory = H5Tcopy(H5T_C_S1);
    H5Tset_size(memory, H5T_VARIABLE);
    hid_t type = H5Aget_type(attribute);
    H5Tset_cset(memory, H5Tget_cset(type));
    if (H5Aread(attribute, memory, &text) >= 0 && text) {
        snprintf(out, size, "%s", text);
        H5free_memory(text);
    }
    H5Tclose(type);
    H5Tclose(memory);
}

static void read_text(hid_t file, const char *name, char *out, size_t size)
{
    hid_t attribute = open_attribute(file, name);
    if (attribute < 0)
        return;
    hid_t type = H5Aget_type(attribute);
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && elements(attribute) == 1) {
        if (H5Tis_variable_str(type) > 0)
            read_variable(attribute, out, size);
        else
            read_fixed(attribute, type, out, size);
    }
    H5Tclose(type);
    H5Aclose(attribute);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = ' ';
}

static int read_cpu_nodes(hid_t file, struct trace_meta *meta)
{
    hid_t attribute = open_attribute(file, "cpu_node");
    if (attribute < 0)
        return 0;
    hssize_t n = elements(attribute);
    int err = 0;
    if (n < 1 || n > CPU_MAX || H5Aread(attribute, H5T_NATIVE_UINT8, meta->cpu_node) < 0)
        err = -EINVAL;
    for (unsigned i = 0; i < CPU_MAX; i++)
        if (meta->cpu_node[i] >= NODE_MAX)
            meta->cpu_node[i] = NODE_NONE;
    H5Aclose(attribute);
    return err;
}

struct number {
    const char *name;
    uint64_t value, min, max;
};

static int read_number(hid_t file, const char *path, struct number *number, struct trace_error *error)
{
    uint64_t value;
    int found = read_u64(file, number->name, &value);
    if (found < 0)
        return trace_fail(error, EINVAL, "%s: the attribute %s is not one integer; see docs/trace-format.md", path,
                          number->name);
    if (found && (value < number->min || value > number->max))
        return trace_fail(error, EINVAL, "%s: the attribute %s is %llu; it must be %llu to %llu", path, number->name,
                          (unsigned long long)value, (unsigned long long)number->min, (unsigned long long)number->max);
    if (found)
        number->value = value;
    return found;
}

static void read_texts(hid_t file, struct trace_meta *meta)
{
    char labels[TRACE_TEXT] = "";
    read_text(file, "name", meta->name, sizeof meta->name);
    read_text(file, "source", meta->source, sizeof meta->source);
    read_text(file, "event", meta->event, sizeof meta->event);
    read_text(file, "host", meta->host, sizeof meta->host);
    read_text(file, "kernel", meta->kernel, sizeof meta->kernel);
    read_text(file, "command", meta->command, sizeof meta->command);
    read_text(file, "date", meta->date, sizeof meta->date);
    read_text(file, "note", meta->note, sizeof meta->note);
    read_text(file, "labels", labels, sizeof labels);
    meta->labels = trace_labels_parse(labels);
}

static int check_format(hid_t file, const char *path, struct trace_error *error)
{
    char format[TRACE_TEXT] = "";
    struct number version = {"version", TRACE_FORMAT_VERSION, 0, UINT64_MAX};
    read_text(file, "format", format, sizeof format);
    if (format[0] && strcmp(format, "mirrorball-trace"))
        return trace_fail(error, EINVAL, "%s: its format is '%.60s', not a mirrorball-trace", path, format);
    int found = read_number(file, path, &version, error);
    if (found < 0)
        return found;
    if (version.value != TRACE_FORMAT_VERSION)
        return trace_fail(error, ENOTSUP, "%s: trace format version %llu; this program reads version %d", path,
                          (unsigned long long)version.value, TRACE_FORMAT_VERSION);
    return 0;
}

int trace_attribute_read(hid_t file, const char *path, struct trace_meta *meta, bool *found_digest, bool *found_misses,
                         struct trace_error *error)
{
    enum { PAGE_SIZE_, LINE_SIZE_, NODES_, CPUS_, PERIOD_, LOST_, MISSES_, DIGEST_, NUMBERS };
    struct number number[NUMBERS] = {
        [PAGE_SIZE_] = {"page_size", 4096, 64, 1 << 30},
        [LINE_SIZE_] = {"line_size", 64, 1, 1 << 20},
        [NODES_] = {"nodes", 0, 0, NODE_MAX},
        [CPUS_] = {"cpus", 0, 1, CPU_MAX},
        [PERIOD_] = {"period", 1, 1, UINT64_MAX},
        [LOST_] = {"lost", 0, 0, UINT64_MAX},
        [MISSES_] = {"misses", 0, 0, UINT64_MAX},
        [DIGEST_] = {"digest", 0, 0, UINT64_MAX},
    };
    int found[NUMBERS];
    memset(meta->cpu_node, NODE_NONE, sizeof meta->cpu_node);
    int err = check_format(file, path, error);
    for (int i = 0; !err && i < NUMBERS; i++) {
        found[i] = read_number(file, path, &number[i], error);
        err = found[i] < 0 ? found[i] : 0;
    }
    if (!err && (number[PAGE_SIZE_].value & (number[PAGE_SIZE_].value - 1)))
        err = trace_fail(error, EINVAL, "%s: the attribute page_size is not a power of two", path);
    if (!err && read_cpu_nodes(file, meta))
        err = trace_fail(error, EINVAL, "%s: the attribute cpu_node is not 1 to %d integers", path, CPU_MAX);
    if (err)
        return err;
    meta->page_size = (uint32_t)number[PAGE_SIZE_].value;
    meta->line_size = (uint32_t)number[LINE_SIZE_].value;
    meta->nodes = (uint32_t)number[NODES_].value;
    meta->cpus = (uint32_t)number[CPUS_].value;
    meta->period = number[PERIOD_].value;
    meta->lost = number[LOST_].value;
    meta->misses = number[MISSES_].value;
    meta->digest = number[DIGEST_].value;
    *found_digest = found[DIGEST_];
    *found_misses = found[MISSES_];
    read_texts(file, meta);
    return 0;
}

bool trace_attribute_unfinished(hid_t file)
{
    uint64_t value = 0;
    return read_u64(file, "unfinished", &value) > 0 && value;
}

static int write_u64(hid_t file, const char *name, uint64_t value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, name, H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t status = attribute < 0 ? -1 : H5Awrite(attribute, H5T_NATIVE_UINT64, &value);
    H5Aclose(attribute);
    H5Sclose(space);
    return status < 0 ? -EIO : 0;
}

static int write_text(hid_t file, const char *name, const char *text)
{
    if (!text[0])
        return 0;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(text));
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t status = attribute < 0 ? -1 : H5Awrite(attribute, type, text);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return status < 0 ? -EIO : 0;
}

static int write_cpu_nodes(hid_t file, const struct trace_meta *meta)
{
    hsize_t n = 0;
    for (hsize_t i = 0; i < CPU_MAX; i++)
        if (meta->cpu_node[i] != NODE_NONE)
            n = i + 1;
    if (!n)
        return 0;
    hid_t space = H5Screate_simple(1, &n, NULL);
    hid_t attribute = H5Acreate2(file, "cpu_node", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t status = attribute < 0 ? -1 : H5Awrite(attribute, H5T_NATIVE_UINT8, meta->cpu_node);
    H5Aclose(attribute);
    H5Sclose(space);
    return status < 0 ? -EIO : 0;
}

int trace_attribute_write(hid_t file, const struct trace_meta *meta, bool unfinished)
{
    char labels[TRACE_TEXT];
    trace_labels_text(meta->labels, labels, sizeof labels);
    int bad = write_text(file, "format", "mirrorball-trace") | write_u64(file, "version", TRACE_FORMAT_VERSION) |
              write_u64(file, "page_size", meta->page_size) | write_u64(file, "line_size", meta->line_size) |
              write_u64(file, "nodes", meta->nodes) | write_u64(file, "period", meta->period) |
              write_text(file, "name", meta->name) | write_text(file, "source", meta->source) |
              write_text(file, "event", meta->event) | write_text(file, "host", meta->host) |
              write_text(file, "kernel", meta->kernel) | write_text(file, "command", meta->command) |
              write_text(file, "date", meta->date) | write_text(file, "note", meta->note) |
              write_text(file, "labels", labels) | write_cpu_nodes(file, meta);
    if (meta->cpus)
        bad |= write_u64(file, "cpus", meta->cpus);
    if (unfinished)
        bad |= write_u64(file, "unfinished", 1);
    else
        bad |= write_u64(file, "lost", meta->lost) | write_u64(file, "misses", meta->misses) |
               write_u64(file, "digest", meta->digest);
    return bad ? -EIO : 0;
}
