/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/collectors/tree.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void tree_new(struct tree *t)
{
    snprintf(t->root, sizeof t->root, "/tmp/mirrorball-tree-XXXXXX");
    cr_assert_not_null(mkdtemp(t->root));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void tree_free(struct tree *t)
{
    nftw(t->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void tree_file(const struct tree *t, const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", t->root, path);
    for (char *slash = full + strlen(t->root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(full, 0777);
        *slash = '/';
    }
    FILE *f = fopen(full, "w");
    cr_assert_not_null(f, "%s", full);
    fprintf(f, "%s\n", text);
    fclose(f);
}

void tree_unit(const struct tree *t, const char *unit, const char *type, const char *const *files)
{
    char path[256];
    snprintf(path, sizeof path, "%s/type", unit);
    tree_file(t, path, type);
    for (; files && *files; files += 2) {
        snprintf(path, sizeof path, "%s/%s", unit, files[0]);
        tree_file(t, path, files[1]);
    }
}
