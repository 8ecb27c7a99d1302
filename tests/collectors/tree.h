/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A folder of small files that stands in for sysfs.
 */
#ifndef TESTS_COLLECTORS_TREE_H
#define TESTS_COLLECTORS_TREE_H

struct tree {
    char root[64];
};

void tree_new(struct tree *);
void tree_free(struct tree *); /* removes everything */

/* Writes ROOT/path with a line of text; folders are made. */
void tree_file(const struct tree *, const char *path, const char *text);

/* A unit of events: its type, then pairs of file and text ("format/event", "config:0-7"), ended by null. */
void tree_unit(const struct tree *, const char *unit, const char *type, const char *const *files);

#endif
