/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/machine_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/machine_presets.h"
#include "datasets/machine_text.h"

const char *const *machine_presets(void)
{
    return machine_preset_names;
}

const char *machine_default(uint32_t trace_cpus)
{
    return trace_cpus <= 4 ? "flash-4" : trace_cpus <= 8 ? "flash-8" : "flash-16";
}

static bool is_path(const char *name)
{
    size_t length = strlen(name);
    return strchr(name, '/') || (length > 4 && strcmp(name + length - 4, ".ini") == 0);
}

static int unknown(const char *name, struct trace_error *error)
{
    int used = snprintf(error->text, sizeof error->text, "no machine '%.64s'; there are", name);
    for (const char *const *preset = machine_preset_names; *preset; preset++)
        used += snprintf(error->text + used, sizeof error->text - (size_t)used, "%s%s",
                         preset == machine_preset_names ? " " : ", ", *preset);
    snprintf(error->text + used, sizeof error->text - (size_t)used, "; or give a file NAME.ini");
    return -ENOENT;
}

/* No more than a machine file can have: /dev/zero is a path too. */
static int read_file(const char *path, char **text, size_t *size, struct trace_error *error)
{
    struct stat status;
    FILE *file = fopen(path, "re");
    int err = file ? 0 : -errno;
    if (file && fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
        err = -EISDIR;
    *text = err ? NULL : malloc(MACHINE_TEXT_MAX);
    if (!err && !*text)
        err = -ENOMEM;
    if (!err) {
        *size = fread(*text, 1, MACHINE_TEXT_MAX, file);
        if (ferror(file))
            err = -EIO;
        else if (*size == MACHINE_TEXT_MAX)
            err = -EFBIG;
    }
    if (file)
        fclose(file);
    if (err)
        snprintf(error->text, sizeof error->text, "%.300s: cannot read the machine file: %s", path, strerror(-err));
    return err;
}

int machine_load(const char *name, struct machine_desc *m, struct trace_error *error)
{
    char *text = NULL;
    size_t size = 0;
    int err;
    if (!is_path(name)) {
        for (const struct machine_preset *preset = machine_preset_table; preset->name; preset++)
            if (strcmp(preset->name, name) == 0)
                return machine_parse(preset->text, preset->size, name, m, error);
        return unknown(name, error);
    }
    err = read_file(name, &text, &size, error);
    if (!err)
        err = machine_parse(text, size, name, m, error);
    free(text);
    return err;
}
