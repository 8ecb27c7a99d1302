/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_collect_file.h"

#include <errno.h>

#include "datasets/trace_schema.h"
#include "datasets/trace_table.h"

static void text(hid_t type, const char *name, size_t at, size_t size, H5T_cset_t set)
{
    hid_t string = H5Tcopy(H5T_C_S1);
    H5Tset_size(string, size);
    H5Tset_strpad(string, H5T_STR_NULLPAD);
    H5Tset_cset(string, set);
    H5Tinsert(type, name, at, string);
    H5Tclose(string);
}

static hid_t gap_type(H5T_cset_t set)
{
    (void)set;
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct collect_gap));
    H5Tinsert(type, "from", HOFFSET(struct collect_gap, from), H5T_NATIVE_UINT64);
    H5Tinsert(type, "to", HOFFSET(struct collect_gap, to), H5T_NATIVE_UINT64);
    H5Tinsert(type, "cpu", HOFFSET(struct collect_gap, cpu), H5T_NATIVE_UINT32);
    H5Tinsert(type, "cause", HOFFSET(struct collect_gap, cause), H5T_NATIVE_UINT32);
    H5Tinsert(type, "lost", HOFFSET(struct collect_gap, lost), H5T_NATIVE_UINT64);
    return type;
}

static hid_t level_type(H5T_cset_t set)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct collect_level));
    text(type, "level", HOFFSET(struct collect_level, name), COLLECT_NAME, set);
    H5Tinsert(type, "reads", HOFFSET(struct collect_level, reads), H5T_NATIVE_UINT64);
    H5Tinsert(type, "writes", HOFFSET(struct collect_level, writes), H5T_NATIVE_UINT64);
    H5Tinsert(type, "others", HOFFSET(struct collect_level, others), H5T_NATIVE_UINT64);
    H5Tinsert(type, "taken", HOFFSET(struct collect_level, taken), H5T_NATIVE_UINT64);
    return type;
}

static hid_t step_type(H5T_cset_t set)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct collect_step));
    text(type, "text", 0, COLLECT_STEP, set);
    return type;
}

static hid_t series_type(H5T_cset_t set)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct collect_series));
    text(type, "name", HOFFSET(struct collect_series, name), COLLECT_NAME, set);
    text(type, "unit", HOFFSET(struct collect_series, unit), COLLECT_UNIT, set);
    H5Tinsert(type, "cpu", HOFFSET(struct collect_series, cpu), H5T_NATIVE_INT32);
    return type;
}

static hid_t value_type(H5T_cset_t set)
{
    (void)set;
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct collect_value));
    H5Tinsert(type, "time", HOFFSET(struct collect_value, time), H5T_NATIVE_UINT64);
    H5Tinsert(type, "series", HOFFSET(struct collect_value, series), H5T_NATIVE_UINT32);
    H5Tinsert(type, "value", HOFFSET(struct collect_value, value), H5T_NATIVE_DOUBLE);
    return type;
}

enum { GAPS, LEVELS, STEPS, SERIES, VALUES, TABLES };

static const struct {
    const char *name;
    hid_t (*type)(H5T_cset_t);
    size_t size;
} tables[TABLES] = {
    [GAPS] = {"/collect/gaps", gap_type, sizeof(struct collect_gap)},
    [LEVELS] = {"/collect/levels", level_type, sizeof(struct collect_level)},
    [STEPS] = {"/collect/steps", step_type, sizeof(struct collect_step)},
    [SERIES] = {"/collect/counters", series_type, sizeof(struct collect_series)},
    [VALUES] = {"/collect/values", value_type, sizeof(struct collect_value)},
};

/* Ends the text and takes out what would disturb a terminal. */
static void tidy(char *text, size_t size)
{
    text[size - 1] = '\0';
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = ' ';
}

static void tidy_texts(struct trace_collect *c)
{
    for (uint64_t i = 0; i < c->nlevels; i++)
        tidy(c->levels[i].name, sizeof c->levels[i].name);
    for (uint64_t i = 0; i < c->nsteps; i++)
        tidy(c->steps[i].text, sizeof c->steps[i].text);
    for (uint64_t i = 0; i < c->nseries; i++) {
        tidy(c->series[i].name, sizeof c->series[i].name);
        tidy(c->series[i].unit, sizeof c->series[i].unit);
    }
}

/* The library does not convert between ASCII and UTF-8: text is read as the file has it. */
static H5T_cset_t text_set(const struct trace_file *file, const char *name)
{
    H5T_cset_t set = H5T_CSET_UTF8;
    if (H5Lexists(file->hdf5, "/collect", H5P_DEFAULT) <= 0 || H5Lexists(file->hdf5, name, H5P_DEFAULT) <= 0)
        return set;
    hid_t dataset = H5Dopen2(file->hdf5, name, H5P_DEFAULT), type = dataset < 0 ? -1 : H5Dget_type(dataset);
    int members = type >= 0 && H5Tget_class(type) == H5T_COMPOUND ? H5Tget_nmembers(type) : 0;
    for (int i = 0; i < members; i++)
        if (H5Tget_member_class(type, (unsigned)i) == H5T_STRING) {
            hid_t string = H5Tget_member_type(type, (unsigned)i);
            set = H5Tget_cset(string);
            H5Tclose(string);
        }
    H5Tclose(type);
    H5Dclose(dataset);
    return set == H5T_CSET_ASCII ? H5T_CSET_ASCII : H5T_CSET_UTF8;
}

int trace_collect_read(const struct trace_file *file, struct trace_collect *c, struct trace_error *error)
{
    void *rows[TABLES] = {NULL};
    uint64_t n[TABLES] = {0};
    int err = 0;
    for (unsigned i = 0; !err && i < TABLES; i++) {
        hid_t type = tables[i].type(text_set(file, tables[i].name));
        err = trace_table_read(file, tables[i].name, type, tables[i].size, COLLECT_ROWS_MAX, &rows[i], &n[i], error);
        H5Tclose(type);
    }
    *c = (struct trace_collect){.gaps = rows[GAPS],
                                .levels = rows[LEVELS],
                                .steps = rows[STEPS],
                                .series = rows[SERIES],
                                .values = rows[VALUES],
                                .ngaps = n[GAPS],
                                .nlevels = n[LEVELS],
                                .nsteps = n[STEPS],
                                .nseries = n[SERIES],
                                .nvalues = n[VALUES]};
    tidy_texts(c);
    for (uint64_t i = 0; !err && i < c->nvalues; i++)
        if (c->values[i].series >= c->nseries)
            err = trace_fail(error, EINVAL, "%s: /collect/values row %llu is of counter %u, of %llu; it is damaged",
                             file->path, (unsigned long long)i, c->values[i].series, (unsigned long long)c->nseries);
    return err;
}

int trace_collect_write(hid_t file, const struct trace_collect *c, enum trace_compress compress)
{
    const void *rows[TABLES] = {c->gaps, c->levels, c->steps, c->series, c->values};
    uint64_t n[TABLES] = {c->ngaps, c->nlevels, c->nsteps, c->nseries, c->nvalues};
    int err = 0;
    if (!(n[GAPS] + n[LEVELS] + n[STEPS] + n[SERIES] + n[VALUES]))
        return 0;
    hid_t group = H5Gcreate2(file, "/collect", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0)
        return -EIO;
    for (unsigned i = 0; !err && i < TABLES; i++) {
        hid_t memory = tables[i].type(H5T_CSET_UTF8), packed = H5Tcopy(memory);
        H5Tpack(packed);
        if (n[i])
            err = trace_schema_table(file, tables[i].name, packed, memory, n[i], rows[i], compress);
        H5Tclose(packed);
        H5Tclose(memory);
    }
    H5Gclose(group);
    return err;
}
