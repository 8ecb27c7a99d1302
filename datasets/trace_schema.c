/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/trace_schema.h"

#include <errno.h>

enum { BLOSC_FILTER = 32001 };

hid_t trace_schema_create(const char *path)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    hid_t file = H5Fcreate(path, H5F_ACC_EXCL, H5P_DEFAULT, access);
    H5Pclose(access);
    if (file < 0)
        return -1;
    hid_t trace = H5Gcreate2(file, "/trace", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    hid_t pages = H5Gcreate2(file, "/pages", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool good = trace >= 0 && pages >= 0;
    H5Gclose(trace);
    H5Gclose(pages);
    if (good)
        return file;
    H5Fclose(file);
    return -1;
}

unsigned trace_schema_width(enum trace_column_id id, uint32_t cpus)
{
    if (id == COLUMN_CPU && cpus > 0 && cpus <= 256)
        return 1;
    return trace_column_kinds[id].width;
}

hid_t trace_schema_type(enum trace_column_id id, uint32_t cpus)
{
    const hid_t types[] = {0, H5T_STD_U8LE, H5T_STD_U16LE, 0, H5T_STD_U32LE};
    return types[trace_schema_width(id, cpus)];
}

bool trace_schema_blosc(void)
{
    trace_quiet();
    return H5Zfilter_avail(BLOSC_FILTER) > 0;
}

static void set_filters(hid_t plist, hid_t type, enum trace_compress compress)
{
    if (compress == TRACE_DEFLATE || compress == TRACE_SMALLEST) {
        if (H5Tget_size(type) > 1)
            H5Pset_shuffle(plist);
        H5Pset_deflate(plist, compress == TRACE_DEFLATE ? 1 : 9);
    } else if (compress == TRACE_BLOSC) {
        /* {reserved x4, level 5, bit shuffle, lz4}. Optional: a column that does not shrink is stored as it is instead
         * of failing. */
        const unsigned values[7] = {0, 0, 0, 0, 5, 2, 1};
        H5Pset_filter(plist, BLOSC_FILTER, H5Z_FLAG_OPTIONAL, 7, values);
    }
}

hid_t trace_schema_dataset(hid_t file, const char *name, hid_t type, uint64_t rows, uint32_t chunk, bool appendable,
                           enum trace_compress compress)
{
    hsize_t now = rows, most = appendable ? H5S_UNLIMITED : rows, length = chunk;
    hid_t space = H5Screate_simple(1, &now, &most), plist = H5Pcreate(H5P_DATASET_CREATE);
    /* No fill: every chunk is written whole. */
    H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    H5Pset_attr_phase_change(plist, 8, 6);
    if (chunk) {
        H5Pset_chunk(plist, 1, &length);
        set_filters(plist, type, compress);
    }
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Pclose(plist);
    H5Sclose(space);
    return dataset;
}

int trace_schema_put(hid_t dataset, hid_t memory_type, uint64_t first, uint64_t n, const void *rows)
{
    hsize_t start = first, count = n;
    hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(1, &count, NULL);
    herr_t status = H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL);
    if (status >= 0)
        status = H5Dwrite(dataset, memory_type, memory, space, H5P_DEFAULT, rows);
    H5Sclose(space);
    H5Sclose(memory);
    return status < 0 ? -EIO : 0;
}

int trace_schema_table(hid_t file, const char *name, hid_t file_type, hid_t memory_type, uint64_t rows,
                       const void *data, enum trace_compress compress)
{
    uint32_t chunk = rows < TRACE_CHUNK ? (uint32_t)rows : TRACE_CHUNK;
    if (compress == TRACE_NONE)
        chunk = 0;
    hid_t dataset = trace_schema_dataset(file, name, file_type, rows, chunk, false,
                                         compress == TRACE_NONE ? TRACE_NONE : TRACE_DEFLATE);
    int err = dataset < 0 ? -EIO : 0;
    if (!err && rows)
        err = trace_schema_put(dataset, memory_type, 0, rows, data);
    H5Dclose(dataset);
    return err;
}
