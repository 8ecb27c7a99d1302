/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Records of C structs as HDF5 tables (1-D compound datasets) and as attributes of a group, by one list of members for
 * both directions. Only for files of this room; identifiers are HDF5's (hid_t).
 *
 * Functions return 0 or a negative errno: -EINVAL for a file that is not as described, -ENOMEM, -EIO.
 */
#ifndef REPORTS_HDF_H
#define REPORTS_HDF_H

#include <hdf5.h>
#include <stddef.h>
#include <stdint.h>

enum hdf_kind { HDF_U8, HDF_U16, HDF_U32, HDF_U64, HDF_I64, HDF_F64, HDF_TEXT };

/* One member of a struct. `size`: bytes of a text with its final zero; else 0. A list ends with a null name. */
struct hdf_member {
    const char *name;
    enum hdf_kind kind;
    size_t offset, size;
};

#define HDF_MEMBER(type, field, kind, name)      \
    {                                            \
        (name), (kind), offsetof(type, field), 0 \
    }
#define HDF_STRING(type, field, name)                                       \
    {                                                                       \
        (name), HDF_TEXT, offsetof(type, field), sizeof(((type *)0)->field) \
    }

/* What a reader may still allocate. A file cannot honestly hold more than deflate's best ratio of its own size, so a
 * header that claims more lies. */
struct hdf_reader {
    uint64_t budget;  /* bytes */
    int monitor;      /* the file holds runs of the monitor, which lack what only a replay knows */
    char where[96];   /* the object that was wrong, for the error line */
    const char *what; /* "is missing", "has the wrong type", "claims more rows than the file can hold" */
};

hid_t hdf_group_create(hid_t parent, const char *name);

/* A group that is really in this file: external and soft links are not followed. Negative: none; *reader says why. */
hid_t hdf_group_open(struct hdf_reader *, hid_t parent, const char *name);

int hdf_table_write(hid_t group, const char *name, const struct hdf_member *, size_t row, const void *rows,
                    uint64_t count);

/* Reads at most `max` rows into memory that the caller frees; texts end with a zero. Members that are missing, of
 * another type or not 1-D: -EINVAL. No rows: *rows is null. */
int hdf_table_read(struct hdf_reader *, hid_t group, const char *name, const struct hdf_member *, size_t row,
                   uint64_t max, void **rows, uint64_t *count);

/* Is there an object or link of that name? */
int hdf_has(hid_t group, const char *name);

int hdf_attributes_write(hid_t group, const struct hdf_member *, const void *record);
int hdf_attributes_read(struct hdf_reader *, hid_t group, const struct hdf_member *, void *record);

#endif
