/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/guests/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096, WORDS = BLOCK / 8, CHUNK = 64 };

static uint64_t words[CHUNK * WORDS];

/* Generation 0 is the image as made; a guest writes generation 1. */
static void pattern(uint64_t *at, uint64_t block, uint64_t generation)
{
    for (uint64_t i = 0; i < WORDS; i++)
        at[i] = work_mix(generation << 60 ^ block << 9 ^ i);
}

static int open_disk(const struct work *w, uint64_t disk, int flags)
{
    char path[] = "/dev/vda";
    path[7] = (char)('a' + disk % 26);
    int file = -1;
    for (int i = 0; file < 0 && i < 50; i++, usleep(100000))
        file = open(path, flags);
    if (file < 0)
        work_fail(w, "%s: %s", path, strerror(errno));
    return file;
}

static int wrong(const struct work *w, uint64_t block, size_t blocks, uint64_t generation)
{
    uint64_t want[WORDS];
    for (size_t b = 0; b < blocks; b++) {
        pattern(want, block + b, generation);
        for (size_t i = 0; i < WORDS; i++)
            if (words[b * WORDS + i] != want[i])
                return work_fail(w, "block %lu word %zu: %016lx, should be %016lx", block + b, i, words[b * WORDS + i],
                                 want[i]);
    }
    return 0;
}

/* Stays with the file open, because closing the last user of a block device empties its page cache. */
int disks_read(const struct work *w, uint64_t disk, uint64_t seconds, uint64_t c)
{
    (void)c;
    int file = open_disk(w, disk, O_RDONLY);
    uint64_t block = 0, start = work_now();
    ssize_t n = -1;
    while (file >= 0 && (n = read(file, words, sizeof words)) > 0) {
        if (n % BLOCK || wrong(w, block, (size_t)n / BLOCK, 0))
            return 1;
        block += (uint64_t)n / BLOCK;
    }
    if (n < 0 || !block)
        return work_fail(w, "disk %lu does not read: %s", disk, strerror(errno));
    work_say(w, "ok %lu blocks in %lu ms", block, (work_now() - start) / 1000000);
    sleep((unsigned)seconds);
    return 0;
}

int disks_write(const struct work *w, uint64_t disk, uint64_t blocks, uint64_t c)
{
    (void)c;
    int file = open_disk(w, disk, O_RDWR);
    if (file < 0)
        return 1;
    for (uint64_t b = 0; b < blocks; b++) {
        pattern(words, b, 1);
        if (pwrite(file, words, BLOCK, (off_t)(b * BLOCK)) != BLOCK)
            return work_fail(w, "block %lu does not write: %s", b, strerror(errno));
    }
    if (fsync(file))
        return work_fail(w, "fsync: %s", strerror(errno));
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    for (uint64_t b = 0; b <= blocks; b++)
        if (pread(file, words, BLOCK, (off_t)(b * BLOCK)) != BLOCK || wrong(w, b, 1, b < blocks))
            return work_fail(w, "block %lu does not come back", b);
    work_say(w, "ok %lu blocks written and read back", blocks);
    return 0;
}

int disks_make(const char *path, uint64_t megabytes)
{
    FILE *file = fopen(path, "wb");
    for (uint64_t b = 0; file && b < megabytes * 256; b++) {
        pattern(words, b, 0);
        if (fwrite(words, BLOCK, 1, file) != 1)
            break;
    }
    if (file && !ferror(file) && !fclose(file))
        return 0;
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return 1;
}
