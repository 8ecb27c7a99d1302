/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 65536, TABLE_CHUNK_MAX = 1 << 22 };

hid_t trace_table_index_type(void)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct trace_index));
    H5Tinsert(type, "first_time", HOFFSET(struct trace_index, first_time), H5T_NATIVE_UINT64);
    H5Tinsert(type, "least_page", HOFFSET(struct trace_index, least_page), H5T_NATIVE_UINT32);
    H5Tinsert(type, "greatest_page", HOFFSET(struct trace_index, greatest_page), H5T_NATIVE_UINT32);
    H5Tinsert(type, "count", HOFFSET(struct trace_index, count), H5T_NATIVE_UINT32);
    return type;
}

hid_t trace_table_gap_type(void)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct trace_gap));
    H5Tinsert(type, "record", HOFFSET(struct trace_gap, record), H5T_NATIVE_UINT64);
    H5Tinsert(type, "more", HOFFSET(struct trace_gap, more), H5T_NATIVE_UINT64);
    return type;
}

/* Same class of type, and for a compound every wanted member: the library would fill what is missing with zeros. */
static bool type_fits(hid_t dataset, hid_t wanted)
{
    hid_t type = H5Dget_type(dataset);
    bool fits = type >= 0 && H5Tget_class(type) == H5Tget_class(wanted) && H5Tget_size(type) <= 4096;
    if (fits && H5Tget_class(wanted) == H5T_COMPOUND) {
        int members = H5Tget_nmembers(wanted);
        for (int i = 0; fits && i < members; i++) {
            char *name = H5Tget_member_name(wanted, (unsigned)i);
            int at = H5Tget_member_index(type, name);
            fits = at >= 0 && H5Tget_member_class(type, (unsigned)at) == H5Tget_member_class(wanted, (unsigned)i);
            H5free_memory(name);
        }
    }
    H5Tclose(type);
    return fits;
}

static bool layout_fits(hid_t dataset)
{
    hid_t plist = H5Dget_create_plist(dataset);
    hsize_t length = 1;
    bool fits = plist >= 0 && H5Pget_external_count(plist) == 0;
    H5D_layout_t layout = H5Pget_layout(plist);
    if (layout == H5D_CHUNKED)
        fits &= H5Pget_chunk(plist, 1, &length) == 1 && length <= TABLE_CHUNK_MAX;
    else
        fits &= layout == H5D_CONTIGUOUS || layout == H5D_COMPACT;
    H5Pclose(plist);
    return fits;
}

static int read_pieces(hid_t dataset, hid_t space, hid_t type, size_t size, uint64_t total, void **out)
{
    unsigned char *rows = NULL;
    uint64_t done = 0, room = 0;
    int err = 0;
    while (!err && done < total) {
        hsize_t start = done, count = total - done < PIECE ? total - done : PIECE;
        if (done + count > room) {
            room = room * 2 > done + count ? room * 2 : done + count;
            room = room < total ? room : total;
            unsigned char *grown = realloc(rows, room * size);
            if (!grown) {
                err = -ENOMEM;
                break;
            }
            rows = grown;
        }
        hid_t memory = H5Screate_simple(1, &count, NULL);
        if (H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) < 0 ||
            H5Dread(dataset, type, memory, space, H5P_DEFAULT, rows + done * size) < 0)
            err = -EINVAL;
        H5Sclose(memory);
        done += count;
    }
    if (err) {
        free(rows);
        rows = NULL;
    }
    *out = rows;
    return err;
}

int trace_table_read(const struct trace_file *file, const char *name, hid_t type, size_t size, uint64_t max, void **out,
                     uint64_t *n, struct trace_error *error)
{
    *out = NULL;
    *n = 0;
    for (const char *slash = name + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        char group[64];
        snprintf(group, sizeof group, "%.*s", (int)(slash - name), name);
        if (H5Lexists(file->hdf5, group, H5P_DEFAULT) <= 0)
            return 0;
    }
    if (H5Lexists(file->hdf5, name, H5P_DEFAULT) <= 0)
        return 0;
    hid_t dataset = H5Dopen2(file->hdf5, name, H5P_DEFAULT);
    hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
    hsize_t rows = 0;
    int err = 0;
    if (space < 0 || H5Sget_simple_extent_ndims(space) != 1 || H5Sget_simple_extent_dims(space, &rows, NULL) != 1 ||
        !type_fits(dataset, type) || !layout_fits(dataset))
        err = trace_fail(error, EINVAL, "%s: %s is not as docs/trace-format.md describes it, or it is damaged",
                         file->path, name);
    else if (rows > max || rows * size / 1100 > file->size)
        err = trace_fail(error, EINVAL, "%s: %s claims %llu rows, more than the file can hold; it is damaged",
                         file->path, name, (unsigned long long)rows);
    if (!err && rows && read_pieces(dataset, space, type, size, rows, out))
        err = trace_fail(error, EINVAL, "%s: %s cannot be read; the file is damaged or cut short", file->path, name);
    *n = err ? 0 : rows;
    H5Sclose(space);
    H5Dclose(dataset);
    return err;
}
