/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a fuzz target over its corpus and over seeded mutations of it: the same inputs every time, a bounded number of
 * seconds, no tool but the compiler. An input that takes too long, that crashes, or for which our code asks for more
 * memory than a small file can justify ends the program; the input is then found in the second argument's file.
 *
 * usage: fuzz_NAME CORPUS LAST [MUTATIONS [SECONDS]] */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20, FILES_MAX = 1024, MUTATIONS = 2000, SECONDS = 5, SECONDS_PER_INPUT = 10 };
enum { ALLOCATION_MAX = 512 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    char name[256];
    uint8_t *data;
    size_t size;
};

/* The input being run, in a shared mapping of a file: it outlives any crash. */
static uint8_t *last;
static int last_fd;
static uint64_t state = 88172645463325252u;

static uint64_t random_below(uint64_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return n ? state % n : 0;
}

static void die(const char *why)
{
    if (write(STDERR_FILENO, why, strlen(why)) < 0)
        _exit(3);
    _exit(1);
}

static void check_allocation(size_t size)
{
    if (size > ALLOCATION_MAX)
        die("fuzz: the input made the reader ask for more than 512 MiB at once\n");
}

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_aligned_alloc(size_t, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void *__wrap_aligned_alloc(size_t, size_t);

void *__wrap_malloc(size_t size)
{
    check_allocation(size);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    size_t bytes;
    check_allocation(__builtin_mul_overflow(n, size, &bytes) ? SIZE_MAX : bytes);
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    check_allocation(size);
    return __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    check_allocation(size);
    return __real_aligned_alloc(alignment, size);
}

/* The HDF5 library forgets a few bytes when a damaged file ends one of its calls early; not ours to free. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

static void on_alarm(int number)
{
    (void)number;
    die("fuzz: the input took longer than 10 s\n");
}

static void run(const uint8_t *data, size_t size)
{
    memcpy(last, data, size);
    if (ftruncate(last_fd, (off_t)size))
        exit(3);
    uint8_t *exact = __real_malloc(size ? size : 1); /* a copy of its own, so that a sanitizer sees an overrun */
    memcpy(exact, data, size);
    alarm(SECONDS_PER_INPUT);
    LLVMFuzzerTestOneInput(exact, size);
    alarm(0);
    free(exact);
    if (ftruncate(last_fd, INPUT_MAX))
        exit(3);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct input *)a)->name, ((const struct input *)b)->name);
}

static size_t read_corpus(const char *path, struct input *inputs)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && n < FILES_MAX && (entry = readdir(dir));) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        struct stat st;
        FILE *file = stat(name, &st) == 0 && S_ISREG(st.st_mode) ? fopen(name, "rb") : NULL;
        if (!file)
            continue;
        struct input *in = &inputs[n++];
        snprintf(in->name, sizeof in->name, "%.255s", entry->d_name);
        in->data = __real_malloc(INPUT_MAX);
        in->size = fread(in->data, 1, INPUT_MAX, file);
        fclose(file);
    }
    if (dir)
        closedir(dir);
    qsort(inputs, n, sizeof *inputs, by_name);
    return n;
}

static const uint64_t awkward[] = {0,          1,          0x7f,       0x80,       0xff,       0x7fff,
                                   0x8000,     65535,      65536,      0x7fffffff, 0x80000000, 0xffffffff,
                                   1ull << 32, 1ull << 62, 1ull << 63, UINT64_MAX};

/* Overwrites 1, 2, 4 or 8 bytes with a number that readers get wrong. */
static void put_number(uint8_t *data, size_t size)
{
    uint64_t value = awkward[random_below(sizeof awkward / sizeof *awkward)];
    size_t width = (size_t)1 << random_below(4);
    if (size < width)
        return;
    memcpy(data + random_below(size - width + 1), &value, width);
}

/* Inside a text: another digit, a sign, a separator. */
static void put_character(uint8_t *data, size_t size)
{
    static const char characters[] = "0123456789-+.,:;eExX#=[]{}\"'\n\r\t \\/%";
    if (size)
        data[random_below(size)] = (uint8_t)characters[random_below(sizeof characters)];
}

static size_t erase(uint8_t *data, size_t size)
{
    size_t from = random_below(size + 1), length = random_below((size - from) / 8 + 2);
    if (length > size - from)
        length = size - from;
    memmove(data + from, data + from + length, size - from - length);
    return size - length;
}

static size_t repeat(uint8_t *data, size_t size)
{
    size_t from = random_below(size + 1), length = random_below(size - from + 1);
    if (length > INPUT_MAX - size)
        length = INPUT_MAX - size;
    memmove(data + from + length, data + from, size - from);
    return size + length;
}

static size_t join(uint8_t *data, size_t size, const struct input *other)
{
    size_t at = random_below(size + 1), from = random_below(other->size + 1), length = other->size - from;
    if (length > INPUT_MAX - at)
        length = INPUT_MAX - at;
    memcpy(data + at, other->data + from, length);
    return at + length;
}

static size_t mutate(uint8_t *data, size_t size, const struct input *inputs, size_t n)
{
    for (uint64_t left = 1 + random_below(6); left; left--)
        switch (random_below(10)) {
        case 0:
            size = random_below(size + 1);
            break;
        case 1:
            size = erase(data, size);
            break;
        case 2:
            size = repeat(data, size);
            break;
        case 3:
            size = join(data, size, &inputs[random_below(n)]);
            break;
        case 4:
        case 5:
            put_number(data, size);
            break;
        case 6:
        case 7:
            put_character(data, size);
            break;
        default:
            if (size)
                data[random_below(size)] ^= (uint8_t)(1u << random_below(8));
        }
    return size;
}

static void open_last(const char *path)
{
    last_fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    last = last_fd < 0 || ftruncate(last_fd, INPUT_MAX)
               ? MAP_FAILED
               : mmap(NULL, INPUT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, last_fd, 0);
    if (last != MAP_FAILED)
        return;
    perror(path);
    exit(3);
}

int main(int argc, char **argv)
{
    static struct input inputs[FILES_MAX];
    static uint8_t data[INPUT_MAX];
    size_t n = argc > 2 ? read_corpus(argv[1], inputs) : 0;
    if (n == 0) {
        fprintf(stderr, "usage: %s CORPUS LAST [MUTATIONS [SECONDS]]; CORPUS is a folder with at least one file\n",
                argv[0]);
        return 2;
    }
    long mutations = argc > 3 ? atol(argv[3]) : MUTATIONS, seconds = argc > 4 ? atol(argv[4]) : SECONDS, done = 0;
    open_last(argv[2]);
    signal(SIGALRM, on_alarm);
    for (size_t i = 0; i < n; i++)
        run(inputs[i].data, inputs[i].size);
    for (time_t end = time(NULL) + seconds; done < mutations && time(NULL) < end; done++) {
        const struct input *in = &inputs[random_below(n)];
        memcpy(data, in->data, in->size);
        run(data, mutate(data, in->size, inputs, n));
    }
    unlink(argv[2]);
    printf("%zu files, %ld mutations: no crash, hang or large allocation\n", n, done);
    return 0;
}
