/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/result_checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "reports/layout.h"

static const char table[] = "paper";

int result_checks_write(hid_t file, const struct result_set *sets, uint32_t nsets)
{
    uint64_t n = 0;
    for (uint32_t s = 0; s < nsets; s++)
        n += sets[s].nchecks;
    if (!n)
        return 0;
    struct layout_check *rows = n <= RESULT_CHECKS_MAX ? calloc(n, sizeof *rows) : NULL;
    if (!rows)
        return n <= RESULT_CHECKS_MAX ? -ENOMEM : -E2BIG;
    n = 0;
    for (uint32_t s = 0; s < nsets; s++)
        for (uint32_t i = 0; i < sets[s].nchecks; i++) {
            const struct result_check *check = &sets[s].checks[i];
            rows[n++] = (struct layout_check){s, check->judged, check->within, *check};
        }
    int error = hdf_table_write(file, table, layout_check, sizeof *rows, rows, n);
    free(rows);
    return error;
}

/* Counts each set's rows; nchecks stays 0 and counts up again as they are given out. */
static int make_room(const struct layout_check *rows, uint64_t n, struct result_set *sets, uint32_t nsets)
{
    uint32_t *count = calloc(nsets + 1, sizeof *count);
    int error = count ? 0 : -ENOMEM;
    for (uint64_t i = 0; !error && i < n; i++)
        count[rows[i].set]++;
    for (uint32_t s = 0; !error && s < nsets; s++)
        if (count[s]) {
            sets[s].checks = calloc(count[s], sizeof *sets[s].checks);
            error = sets[s].checks ? 0 : -ENOMEM;
        }
    free(count);
    return error;
}

static int check_sets(struct hdf_reader *reader, const struct layout_check *rows, uint64_t n, uint32_t nsets)
{
    for (uint64_t i = 0; i < n; i++)
        if (rows[i].set >= nsets) {
            snprintf(reader->where, sizeof reader->where, "/%s", table);
            reader->what = "names a set that is not there";
            return -EINVAL;
        }
    return 0;
}

int result_checks_read(struct hdf_reader *reader, hid_t file, struct result_set *sets, uint32_t nsets)
{
    struct layout_check *rows;
    uint64_t n;
    if (!hdf_has(file, table))
        return 0;
    int error = hdf_table_read(reader, file, table, layout_check, sizeof *rows, RESULT_CHECKS_MAX, (void **)&rows, &n);
    error = error ? error : check_sets(reader, rows, n, nsets);
    error = error ? error : make_room(rows, n, sets, nsets);
    for (uint64_t i = 0; !error && i < n; i++) {
        struct result_set *set = &sets[rows[i].set];
        struct result_check *check = &set->checks[set->nchecks++];
        *check = rows[i].check;
        check->judged = rows[i].judged != 0;
        check->within = rows[i].within != 0;
    }
    free(rows);
    return error;
}
