/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the info command prints.
 */
#ifndef DATASETS_INFO_SHOW_H
#define DATASETS_INFO_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "datasets/trace_collect.h"
#include "datasets/trace_stats.h"

struct info {
    const char *path;
    uint64_t file_bytes;
    const struct trace_meta *meta;
    const struct trace_stats *stats;
    const struct trace_collect *collect; /* of a recorder; may be null */
    int verified;                        /* 1 the digest agrees, 0 not asked */
};

void info_show_table(FILE *, const struct info *);
void info_show_csv_head(FILE *);
void info_show_csv(FILE *, const struct info *);

/* What a recorder noted (info_collect.c); nothing where it noted nothing. */
void info_collect_table(FILE *, const struct trace_collect *);
void info_collect_json(json_t *object, const struct trace_collect *);

/* A string (told when it is not UTF-8) and a number; null when out of memory. */
json_t *info_json_text(const char *);
json_t *info_json_number(uint64_t);

/* 0 or -ENOMEM. `list` is a json_t array that the object is appended to. */
int info_show_json(void *list, const struct info *);

#endif
