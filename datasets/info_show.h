/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the info command prints.
 */
#ifndef DATASETS_INFO_SHOW_H
#define DATASETS_INFO_SHOW_H

#include <stdio.h>

#include "datasets/trace_stats.h"

struct info {
    const char *path;
    uint64_t file_bytes;
    const struct trace_meta *meta;
    const struct trace_stats *stats;
    int verified; /* 1 the digest agrees, 0 not asked */
};

void info_show_table(FILE *, const struct info *);
void info_show_csv_head(FILE *);
void info_show_csv(FILE *, const struct info *);

/* 0 or -ENOMEM. `list` is a json_t array that the object is appended to. */
int info_show_json(void *list, const struct info *);

#endif
