/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A program whose pages start on the wrong node: bound to one node, touched by a thread on the CPU of another, checked
 * over and over while somebody may move them. usage: wrong_node NODE CPU PAGES SECONDS [GO]
 *
 * Waits for the file GO (so that a watcher can attach), then touches the pages over the first second, prints the
 * address of the region, and checks all of them until the time is over. Prints "checksum ok" and exits 0; 1 when a byte
 * was wrong.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, BIND = 2, MASK_BITS = 64, WORDS = PAGE / 8 };

static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int fail(const char *what)
{
    fprintf(stderr, "wrong_node: %s: %s\n", what, strerror(errno));
    return 1;
}

static void nap(long ns)
{
    struct timespec time = {.tv_nsec = ns};
    nanosleep(&time, NULL);
}

static void touch(uint64_t *region, size_t pages)
{
    for (size_t page = 0; page < pages; page++) {
        for (size_t i = 0; i < WORDS; i++)
            region[page * WORDS + i] = mixed(page * WORDS + i + 1);
        if (page % (pages / 100 + 1) == 0)
            nap(10000000);
    }
}

static int check(const uint64_t *region, size_t pages)
{
    for (size_t i = 0; i < pages * WORDS; i++)
        if (region[i] != mixed(i + 1)) {
            fprintf(stderr, "wrong_node: page %zu is damaged\n", i / WORDS);
            return 1;
        }
    return 0;
}

static uint64_t *bound(size_t pages, unsigned node)
{
    unsigned long mask = 1ul << node;
    void *region = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED || madvise(region, pages * PAGE, MADV_NOHUGEPAGE) != 0 ||
        syscall(SYS_mbind, region, pages * PAGE, BIND, &mask, (unsigned long)MASK_BITS, 0) != 0)
        return NULL;
    return region;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET((size_t)atoi(argv[2]), &cpus);
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0)
        return fail("no such CPU");
    size_t pages = strtoul(argv[3], NULL, 10);
    uint64_t *region = bound(pages, (unsigned)atoi(argv[1]));
    if (!region)
        return fail("memory of that node");
    while (argc > 5 && access(argv[5], F_OK) != 0)
        nap(20000000);
    touch(region, pages);
    printf("%lx\n", (unsigned long)(uintptr_t)region);
    fflush(stdout);
    time_t end = time(NULL) + atoi(argv[4]);
    do {
        if (check(region, pages))
            return 1;
    } while (time(NULL) < end && (argc <= 5 || access(argv[5], F_OK) == 0));
    puts("checksum ok");
    return 0;
}
