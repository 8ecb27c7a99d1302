/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usage: touch PAGES THREADS RATE
 *
 * Each thread maps PAGES fresh pages, says "BASE PAGES" on standard output and writes to each of them once, so that the
 * page faults of this range are known. RATE 0: once; else over and over, RATE pages per second and thread, without
 * end; the range is the same each time. The exit code is 7.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, STEPS = 100, CODE = 7 };

static size_t pages, rate;

static void *touch(void *unused)
{
    unsigned char *base = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        exit(1);
    madvise(base, pages * PAGE, MADV_NOHUGEPAGE);
    printf("%p %zu\n", (void *)base, pages);
    fflush(stdout);
    do {
        for (size_t i = 0; i < pages; i++) {
            ((volatile unsigned char *)base)[i * PAGE] = 1;
            if (rate && i % (rate / STEPS + 1) == 0)
                usleep(1000000 / STEPS);
        }
        if (rate)
            madvise(base, pages * PAGE, MADV_DONTNEED);
    } while (rate);
    return unused;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    pages = strtoul(argv[1], NULL, 10);
    rate = strtoul(argv[3], NULL, 10);
    size_t threads = strtoul(argv[2], NULL, 10);
    pthread_t *thread = calloc(threads, sizeof *thread);
    for (size_t i = 0; thread && i < threads; i++)
        pthread_create(&thread[i], NULL, touch, NULL);
    for (size_t i = 0; thread && i < threads; i++)
        pthread_join(thread[i], NULL);
    free(thread);
    return CODE;
}
