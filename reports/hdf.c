/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/hdf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPACT_BYTES = 4096, CHUNK_BYTES = 65536, CHUNK_LIMIT = 1 << 24 };

/* A type to close again: atomic kinds are copied so that every caller closes alike. */
static hid_t member_type(const struct hdf_member *m)
{
    switch (m->kind) {
    case HDF_U8:
        return H5Tcopy(H5T_NATIVE_UINT8);
    case HDF_U16:
        return H5Tcopy(H5T_NATIVE_UINT16);
    case HDF_U32:
        return H5Tcopy(H5T_NATIVE_UINT32);
    case HDF_U64:
        return H5Tcopy(H5T_NATIVE_UINT64);
    case HDF_I64:
        return H5Tcopy(H5T_NATIVE_INT64);
    case HDF_F64:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case HDF_TEXT:
        break;
    }
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, m->size);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static hid_t row_type(const struct hdf_member *m, size_t row)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, row);
    for (; m->name; m++) {
        hid_t member = member_type(m);
        H5Tinsert(type, m->name, m->offset, member);
        H5Tclose(member);
    }
    return type;
}

hid_t hdf_group_create(hid_t parent, const char *name)
{
    hid_t list = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(list, false);
    hid_t group = H5Gcreate2(parent, name, H5P_DEFAULT, list, H5P_DEFAULT);
    H5Pclose(list);
    return group;
}

/* Small tables lie in their object header, others in compressed chunks. No time stamps: the same results give the same
 * bytes. */
static hid_t table_layout(size_t row, uint64_t count)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(list, false);
    if (row * count <= COMPACT_BYTES) {
        H5Pset_layout(list, H5D_COMPACT);
        return list;
    }
    hsize_t chunk = row < CHUNK_BYTES ? CHUNK_BYTES / row : 1;
    chunk = chunk < count ? chunk : count;
    H5Pset_chunk(list, 1, &chunk);
    H5Pset_shuffle(list);
    H5Pset_deflate(list, 4);
    return list;
}

int hdf_table_write(hid_t group, const char *name, const struct hdf_member *members, size_t row, const void *rows,
                    uint64_t count)
{
    hsize_t dims = count;
    hid_t memory = row_type(members, row), file = H5Tcopy(memory);
    H5Tpack(file);
    hid_t space = H5Screate_simple(1, &dims, NULL), layout = table_layout(H5Tget_size(file), count);
    hid_t set = H5Dcreate2(group, name, file, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    int error = set < 0 || (count && H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) < 0) ? -EIO : 0;
    if (set >= 0)
        H5Dclose(set);
    H5Pclose(layout);
    H5Sclose(space);
    H5Tclose(file);
    H5Tclose(memory);
    return error;
}

static int wrong(struct hdf_reader *reader, hid_t group, const char *name, const char *what)
{
    char path[64] = "";
    if (H5Iget_name(group, path, sizeof path) < 0 || strcmp(path, "/") == 0)
        path[0] = 0;
    snprintf(reader->where, sizeof reader->where, "%.60s/%.34s", path, name);
    reader->what = what;
    return -EINVAL;
}

int hdf_has(hid_t group, const char *name)
{
    return H5Lexists(group, name, H5P_DEFAULT) > 0;
}

/* Links elsewhere are refused: a result file shall not make us read another file. */
static hid_t open_object(struct hdf_reader *reader, hid_t parent, const char *name, H5I_type_t kind)
{
    H5L_info_t info;
    if (!hdf_has(parent, name) || H5Lget_info(parent, name, &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD)
        return wrong(reader, parent, name, "is missing");
    hid_t object = H5Oopen(parent, name, H5P_DEFAULT);
    if (object >= 0 && H5Iget_type(object) == kind)
        return object;
    if (object >= 0)
        H5Oclose(object);
    return wrong(reader, parent, name, kind == H5I_GROUP ? "is not a group" : "is not a dataset");
}

hid_t hdf_group_open(struct hdf_reader *reader, hid_t parent, const char *name)
{
    return open_object(reader, parent, name, H5I_GROUP);
}

static bool fits(hid_t type, const struct hdf_member *m)
{
    H5T_class_t class = H5Tget_class(type);
    if (m->kind == HDF_TEXT)
        return class == H5T_STRING && H5Tis_variable_str(type) == 0;
    return class == (m->kind == HDF_F64 ? H5T_FLOAT : H5T_INTEGER);
}

static bool has_members(hid_t type, const struct hdf_member *m)
{
    if (H5Tget_class(type) != H5T_COMPOUND)
        return false;
    for (; m->name; m++) {
        int at = H5Tget_member_index(type, m->name);
        hid_t member = at < 0 ? -1 : H5Tget_member_type(type, (unsigned)at);
        bool good = member >= 0 && fits(member, m);
        if (member >= 0)
            H5Tclose(member);
        if (!good)
            return false;
    }
    return true;
}

/* Chunks are decompressed whole: their size must be sane as well as the table's. */
static bool sane_layout(hid_t set, size_t file_row)
{
    hid_t list = H5Dget_create_plist(set);
    hsize_t chunk = 0;
    H5D_layout_t layout = list < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(list);
    bool sane = layout == H5D_COMPACT || layout == H5D_CONTIGUOUS ||
                (layout == H5D_CHUNKED && H5Pget_chunk(list, 1, &chunk) == 1 && file_row && chunk &&
                 chunk <= CHUNK_LIMIT / file_row);
    sane = sane && H5Pget_external_count(list) == 0;
    if (list >= 0)
        H5Pclose(list);
    return sane;
}

/* What is wrong with the dataset, or null; *count: its rows. */
static const char *fault(const struct hdf_reader *reader, hid_t set, const struct hdf_member *members, size_t row,
                         uint64_t max, uint64_t *count)
{
    hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    hsize_t dims = 0;
    const char *what = NULL;
    if (type < 0 || space < 0 || !has_members(type, members))
        what = "lacks a column or has one of another type";
    else if (H5Sget_simple_extent_ndims(space) != 1 || H5Sget_simple_extent_dims(space, &dims, NULL) != 1)
        what = "is not one-dimensional";
    else if (dims > max || dims * (row > H5Tget_size(type) ? row : H5Tget_size(type)) > reader->budget)
        what = "claims more rows than it can hold";
    else if (!sane_layout(set, H5Tget_size(type)))
        what = "has an unusable storage layout";
    *count = dims;
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return what;
}

static void end_texts(const struct hdf_member *m, size_t row, unsigned char *rows, uint64_t count)
{
    for (; m->name; m++)
        for (uint64_t i = 0; m->kind == HDF_TEXT && i < count; i++)
            rows[i * row + m->offset + m->size - 1] = 0;
}

static const char *read_rows(hid_t set, const struct hdf_member *members, size_t row, uint64_t count, void **rows)
{
    if (!count)
        return NULL;
    *rows = calloc(count, row);
    if (!*rows)
        return "does not fit memory";
    hid_t memory = row_type(members, row);
    herr_t status = H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, *rows);
    H5Tclose(memory);
    if (status >= 0) {
        end_texts(members, row, *rows, count);
        return NULL;
    }
    free(*rows);
    *rows = NULL;
    return "cannot be read: its data are damaged";
}

int hdf_table_read(struct hdf_reader *reader, hid_t group, const char *name, const struct hdf_member *members,
                   size_t row, uint64_t max, void **rows, uint64_t *count)
{
    *rows = NULL;
    *count = 0;
    hid_t set = open_object(reader, group, name, H5I_DATASET);
    if (set < 0)
        return -EINVAL;
    const char *what = fault(reader, set, members, row, max, count);
    if (!what)
        what = read_rows(set, members, row, *count, rows);
    H5Dclose(set);
    if (what)
        return wrong(reader, group, name, what);
    reader->budget -= *count * row < reader->budget ? *count * row : reader->budget;
    return 0;
}

static int attribute_write(hid_t group, const struct hdf_member *m, const unsigned char *record)
{
    struct hdf_member exact = *m;
    if (m->kind == HDF_TEXT)
        exact.size = strnlen((const char *)record + m->offset, m->size - 1) + 1;
    hid_t type = member_type(&exact), space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(group, m->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    int error = attribute < 0 || H5Awrite(attribute, type, record + m->offset) < 0 ? -EIO : 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return error;
}

int hdf_attributes_write(hid_t group, const struct hdf_member *members, const void *record)
{
    int error = 0;
    for (; !error && members->name; members++)
        error = attribute_write(group, members, record);
    return error;
}

static const char *attribute_read(hid_t group, const struct hdf_member *m, unsigned char *record)
{
    hid_t attribute = H5Aexists(group, m->name) > 0 ? H5Aopen(group, m->name, H5P_DEFAULT) : -1;
    if (attribute < 0)
        return "is missing";
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute), memory = member_type(m);
    const char *what = NULL;
    if (type < 0 || space < 0 || !fits(type, m) || H5Sget_simple_extent_npoints(space) != 1)
        what = "has another type";
    else if (H5Aread(attribute, memory, record + m->offset) < 0)
        what = "cannot be read";
    if (m->kind == HDF_TEXT)
        record[m->offset + m->size - 1] = 0;
    H5Tclose(memory);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    H5Aclose(attribute);
    return what;
}

int hdf_attributes_read(struct hdf_reader *reader, hid_t group, const struct hdf_member *members, void *record)
{
    for (; members->name; members++) {
        const char *what = attribute_read(group, members, record);
        if (what)
            return wrong(reader, group, members->name, what);
    }
    return 0;
}
