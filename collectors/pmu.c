/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/pmu.h"

static bool file_name(char *path, size_t size, const char *folder, const char *pmu, const char *file)
{
    int used = snprintf(path, size, "%s/%s/%s", folder, pmu, file);
    return used > 0 && (size_t)used < size;
}

int pmu_line(const char *folder, const char *pmu, const char *file, char *text, size_t size)
{
    char path[PATH_MAX];
    if (!file_name(path, sizeof path, folder, pmu, file))
        return -ENAMETOOLONG;
    FILE *f = fopen(path, "re");
    if (!f)
        return -errno;
    int err = fgets(text, (int)size, f) ? 0 : -EINVAL;
    fclose(f);
    if (!err)
        text[strcspn(text, "\n")] = 0;
    return err;
}

static int number(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    return errno || end == text || *end || *text == '-' ? -EINVAL : 0;
}

int pmu_number(const char *folder, const char *pmu, const char *file, uint64_t *value)
{
    char text[PMU_TEXT];
    int err = pmu_line(folder, pmu, file, text, sizeof text);
    return err ? err : number(text, value);
}

bool pmu_has(const char *folder, const char *pmu, const char *file)
{
    char path[PATH_MAX];
    return file_name(path, sizeof path, folder, pmu, file) && !access(path, F_OK);
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(a, b);
}

size_t pmu_list(const char *folder, const char *prefix, char (*names)[PMU_NAME], size_t max)
{
    DIR *dir = opendir(folder);
    size_t n = 0;
    for (struct dirent *entry; dir && n < max && (entry = readdir(dir));)
        if (!strncmp(entry->d_name, prefix, strlen(prefix)) && entry->d_name[0] != '.' &&
            strlen(entry->d_name) < PMU_NAME)
            snprintf(names[n++], PMU_NAME, "%s", entry->d_name);
    if (dir)
        closedir(dir);
    qsort(names, n, PMU_NAME, by_name);
    return n;
}

/* "config", "config1" ...: which word; -1: none. *rest is what follows. */
static int word_of(const char *text, const char **rest)
{
    if (strncmp(text, "config", 6))
        return -1;
    text += 6;
    int word = *text >= '1' && *text < '0' + PMU_WORDS ? *text++ - '0' : 0;
    *rest = text;
    return word;
}

/* Spreads the value's bits, lowest first, over the ranges "0-7,32-35". What is left of it must be 0. */
static int spread(const char *ranges, uint64_t value, uint64_t *word)
{
    while (*ranges) {
        char *end;
        unsigned long low = strtoul(ranges, &end, 10), high = low;
        if (end == ranges)
            return -EINVAL;
        if (*end == '-')
            high = strtoul(end + 1, &end, 10);
        if (low > high || high > 63 || (*end && *end != ','))
            return -EINVAL;
        unsigned width = (unsigned)(high - low) + 1;
        uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
        *word = (*word & ~(mask << low)) | (value & mask) << low;
        value = width == 64 ? 0 : value >> width;
        ranges = *end ? end + 1 : end;
    }
    return value ? -ERANGE : 0;
}

int pmu_set(const char *folder, const char *pmu, const char *term, uint64_t value, struct pmu_code *code)
{
    char file[PMU_TEXT], text[PMU_TEXT];
    const char *rest;
    int word = word_of(term, &rest);
    if (word >= 0 && !*rest) {
        code->config[word] = value;
        return 0;
    }
    if (strchr(term, '/') || snprintf(file, sizeof file, "format/%s", term) >= (int)sizeof file)
        return -ENOENT;
    int err = pmu_line(folder, pmu, file, text, sizeof text);
    if (err)
        return err;
    word = word_of(text, &rest);
    return word < 0 || *rest != ':' ? -EINVAL : spread(rest + 1, value, &code->config[word]);
}

uint64_t pmu_bits(const char *folder, const char *pmu, const char *term)
{
    struct pmu_code none = {0}, all = {0};
    if (pmu_set(folder, pmu, term, 0, &none))
        return 0;
    /* Every width is tried: the widest all-ones value that fits shows the bits. */
    for (unsigned width = 64; width; width--)
        if (!pmu_set(folder, pmu, term, UINT64_MAX >> (64 - width), &all))
            break;
    for (size_t i = 0; i < PMU_WORDS; i++)
        if (all.config[i])
            return all.config[i];
    return 0;
}

int pmu_terms(const char *folder, const char *pmu, const char *terms, struct pmu_code *code)
{
    char text[PMU_TEXT], *save = NULL;
    if (snprintf(text, sizeof text, "%s", terms) >= (int)sizeof text)
        return -EINVAL;
    for (char *term = strtok_r(text, ",", &save); term; term = strtok_r(NULL, ",", &save)) {
        uint64_t value = 1;
        char *equals = strchr(term, '=');
        if (equals)
            *equals = 0;
        int err = equals ? number(equals + 1, &value) : 0;
        if (!err)
            err = pmu_set(folder, pmu, term, value, code);
        if (err)
            return err;
    }
    return 0;
}

int pmu_event(const char *folder, const char *pmu, const char *event, struct pmu_code *code)
{
    char file[PMU_TEXT], terms[PMU_TEXT];
    uint64_t type;
    if (strchr(event, '/') || snprintf(file, sizeof file, "events/%s", event) >= (int)sizeof file)
        return -ENOENT;
    int err = pmu_number(folder, pmu, "type", &type);
    if (!err)
        err = pmu_line(folder, pmu, file, terms, sizeof terms);
    if (err)
        return err;
    code->type = (uint32_t)type;
    return pmu_terms(folder, pmu, terms, code);
}

bool pmu_in_list(const char *list, unsigned number)
{
    if (!*list)
        return true;
    while (*list) {
        char *end;
        unsigned long low = strtoul(list, &end, 10), high = low;
        if (end == list)
            return false;
        if (*end == '-')
            high = strtoul(end + 1, &end, 10);
        if (number >= low && number <= high)
            return true;
        list = *end == ',' ? end + 1 : "";
    }
    return false;
}
