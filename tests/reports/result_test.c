/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/result.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/reports/sample.h"

static void work_in_new_folder(void)
{
    char folder[] = "/tmp/mirrorball-reports-XXXXXX";
    cr_assert(mkdtemp(folder));
    cr_assert(chdir(folder) == 0);
}

static void leave_folder(void)
{
    char folder[256];
    cr_assert(getcwd(folder, sizeof folder));
    DIR *d = opendir(".");
    for (struct dirent *e; (e = readdir(d));)
        unlink(e->d_name);
    closedir(d);
    cr_assert(chdir("/") == 0);
    rmdir(folder);
}

static unsigned entries(void)
{
    unsigned n = 0;
    DIR *d = opendir(".");
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void same_run(const struct result_run *a, const struct result_run *b, uint32_t nodes)
{
    struct result_run x = *a, y = *b;
    cr_assert(memcmp(a->traffic, b->traffic, sizeof *a->traffic * 2 * nodes * nodes) == 0, "traffic");
    cr_assert_eq(a->nseries, b->nseries);
    for (uint32_t i = 0; i < a->nseries; i++)
        cr_assert(memcmp(&a->series[i], &b->series[i], sizeof a->series[i]) == 0, "slice %u", i);
    x.traffic = y.traffic = NULL;
    x.series = y.series = NULL;
    const unsigned char *p = (const void *)&x, *q = (const void *)&y;
    for (size_t i = 0; i < sizeof x; i++)
        cr_assert(p[i] == q[i], "byte %zu of %s differs", i, a->spec);
}

static void same_set(const struct result_set *a, const struct result_set *b)
{
    struct result_set *x = malloc(sizeof *x), *y = malloc(sizeof *y);
    memcpy(x, a, sizeof *x);
    memcpy(y, b, sizeof *y);
    x->runs = y->runs = NULL;
    x->checks = y->checks = NULL;
    const unsigned char *p = (const void *)x, *q = (const void *)y;
    for (size_t i = 0; i < sizeof *x; i++)
        cr_assert(p[i] == q[i], "byte %zu of the set differs", i);
    for (uint32_t i = 0; i < a->nruns; i++)
        same_run(&a->runs[i], &b->runs[i], a->machine.nodes);
    p = (const void *)a->checks;
    q = (const void *)b->checks;
    for (size_t i = 0; i < a->nchecks * sizeof *a->checks; i++)
        cr_assert(p[i] == q[i], "byte %zu of the checks differs", i);
    free(x);
    free(y);
}

/* Sets are all zero but for their fields, so that every field, none forgotten, is compared as bytes. */
Test(result, comes_back_as_it_was_written, .init = work_in_new_folder, .fini = leave_folder)
{
    struct result_set *sets = calloc(2, sizeof *sets), *back;
    struct trace_error why;
    uint32_t n;
    sample_set(&sets[0], "pmake");
    sample_sweep(&sets[1], 30);
    sets[1].bounds = (struct result_bounds){0};
    sample_checks(&sets[0], "engineering");
    sample_checks(&sets[1], "raytrace");
    cr_assert_eq(result_write("r.h5", sets, 2, &why), 0, "%s", why.text);
    cr_assert_eq(result_read("r.h5", &back, &n, &why), 0, "%s", why.text);
    cr_assert_eq(n, 2);
    for (uint32_t i = 0; i < n; i++) {
        same_set(&sets[i], &back[i]);
        result_free(&sets[i]);
        result_free(&back[i]);
    }
    free(sets);
    free(back);
    cr_assert_eq(entries(), 1, "something is left beside the file");
}

static size_t contents(const char *path, char **bytes)
{
    struct stat status;
    cr_assert(stat(path, &status) == 0);
    *bytes = malloc((size_t)status.st_size);
    int fd = open(path, O_RDONLY);
    cr_assert(read(fd, *bytes, (size_t)status.st_size) == status.st_size);
    close(fd);
    return (size_t)status.st_size;
}

Test(result, the_same_results_are_the_same_bytes, .init = work_in_new_folder, .fini = leave_folder)
{
    struct result_set *set = calloc(1, sizeof *set);
    struct trace_error why;
    char *a, *b;
    sample_set(set, "pmake");
    cr_assert_eq(result_write("a.h5", set, 1, &why), 0);
    sleep(1); /* HDF5 keeps times in whole seconds where it keeps them */
    cr_assert_eq(result_write("b.h5", set, 1, &why), 0);
    size_t n = contents("a.h5", &a), m = contents("b.h5", &b);
    cr_assert(n == m && memcmp(a, b, n) == 0);
    free(a);
    free(b);
    result_free(set);
    free(set);
}

static void write_fails(const char *path, const char *says)
{
    struct result_set *set = calloc(1, sizeof *set);
    struct trace_error why = {""};
    sample_set(set, "pmake");
    cr_assert_neq(result_write(path, set, 1, &why), 0);
    cr_assert(strstr(why.text, says), "%s", why.text);
    cr_assert(!strchr(why.text, '\n'));
    result_free(set);
    free(set);
}

Test(result, a_failed_write_is_one_line_and_leaves_nothing, .init = work_in_new_folder, .fini = leave_folder)
{
    write_fails("no/such/folder/r.h5", "make its folder first");
    write_fails("/dev/full", "No space left");
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){20000, RLIM_INFINITY});
    write_fails("r.h5", "make room");
    cr_assert_eq(entries(), 0, "a leftover");
}

Test(result, a_failed_write_keeps_the_old_file, .init = work_in_new_folder, .fini = leave_folder)
{
    char *bytes;
    FILE *f = fopen("r.h5", "w");
    fputs("old", f);
    fclose(f);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){20000, RLIM_INFINITY});
    write_fails("r.h5", "make room");
    cr_assert_eq(entries(), 1);
    cr_assert_eq(contents("r.h5", &bytes), 3);
    cr_assert(memcmp(bytes, "old", 3) == 0);
    free(bytes);
}

static void read_fails(const char *path, const char *says)
{
    struct result_set *sets;
    struct trace_error why = {""};
    uint32_t n;
    cr_assert_neq(result_read(path, &sets, &n, &why), 0);
    cr_assert(strstr(why.text, says), "%s", why.text);
    cr_assert(sets == NULL && n == 0);
    cr_assert(!strchr(why.text, '\n'));
}

Test(result, what_is_no_result_file_is_refused, .init = work_in_new_folder, .fini = leave_folder)
{
    struct result_set *set = calloc(1, sizeof *set);
    struct trace_error why;
    char *bytes;
    sample_set(set, "pmake");
    cr_assert_eq(result_write("r.h5", set, 1, &why), 0);
    size_t n = contents("r.h5", &bytes);
    cr_assert(truncate("r.h5", (off_t)n / 2) == 0);
    read_fails("r.h5", "r.h5: ");
    cr_assert(truncate("r.h5", 0) == 0);
    read_fails("r.h5", "no HDF5 file");
    read_fails("absent.h5", "No such file");
    read_fails("/dev/zero", "no regular file");
    read_fails(".", "no regular file");
    free(bytes);
    result_free(set);
    free(set);
}

/* Four runs by hand: 300, 100 (inactive), 200 and 200 ns. */
static struct result_set ranked(struct result_run runs[4])
{
    static const uint64_t elapsed[4] = {300, 100, 200, 200};
    static const char *const name[4] = {"first_touch", "idle", "migrep", "competitive"};
    struct result_set set = {.nruns = 4, .runs = runs};
    for (int i = 0; i < 4; i++) {
        runs[i] = (struct result_run){.elapsed_ns = elapsed[i], .inactive = i == 1, .to_optimum_ppm = RESULT_NONE};
        strcpy(runs[i].policy, name[i]);
        strcpy(runs[i].spec, name[i]);
    }
    return set;
}

Test(result, ranks_by_elapsed_time_inactive_last_ties_in_order)
{
    struct result_run runs[4];
    struct result_set set = ranked(runs);
    uint32_t order[4];
    result_rank(&set, order);
    cr_assert(order[0] == 2 && order[1] == 3 && order[2] == 0 && order[3] == 1);
}

/* An independent sort: by selection of the least (inactive, elapsed, index). */
Test(result, ranks_many_like_a_plain_selection)
{
    enum { N = 37 };
    struct result_set set = {.nruns = N, .runs = calloc(N, sizeof *set.runs)};
    uint32_t order[N];
    bool taken[N] = {false};
    srand(7);
    for (int i = 0; i < N; i++) {
        set.runs[i].elapsed_ns = (uint64_t)(rand() % 9);
        set.runs[i].inactive = rand() % 4 == 0;
    }
    result_rank(&set, order);
    for (int at = 0; at < N; at++) {
        int least = -1;
        for (int i = 0; i < N; i++)
            if (!taken[i] && (least < 0 || set.runs[i].elapsed_ns + 100u * set.runs[i].inactive <
                                               set.runs[least].elapsed_ns + 100u * set.runs[least].inactive))
                least = i;
        taken[least] = true;
        cr_assert_eq(order[at], (uint32_t)least);
    }
    free(set.runs);
}

static void answers(const struct result_set *set, const char *expected)
{
    char text[1600];
    result_answer(set, text, sizeof text);
    cr_assert_str_eq(text, expected);
}

Test(result, the_answer)
{
    struct result_run runs[4];
    struct result_set set = ranked(runs);
    runs[2].elapsed_ns = 217; /* 300 / 217 = 1.382 */
    runs[2].to_optimum_ppm = 812345;
    runs[3].elapsed_ns = 290;
    answers(&set, "best here: migrep, 1.38x faster than first_touch, 81 % of the way to the optimum");
    runs[2].to_optimum_ppm = -8735000; /* faster only because traffic is spread: the optimum knows no queueing */
    answers(&set,
            "best here: migrep, 1.38x faster than first_touch, by less queueing alone: no closer to the optimum at "
            "constant latencies");
    runs[2].elapsed_ns = 299; /* 300 / 299 = 1.0033: no reason to change anything */
    runs[3].elapsed_ns = 400;
    answers(&set, "best here: first_touch will do, no policy is 1 % faster; least time: migrep");
    runs[2].elapsed_ns = 360; /* 360 / 300 = 1.20 */
    answers(&set, "best here: first_touch itself, no policy beats it; next is migrep, 1.20x slower");
    runs[2].elapsed_ns = 302; /* 302 / 300 = 1.007 */
    answers(&set, "best here: first_touch itself, no policy beats it; next is migrep, less than 1 % slower");
    set.runs++;
    set.nruns = 1;
    answers(&set, "no policy to rank: none of them ordered anything");
    set.nruns = 0;
    answers(&set, "no policy to rank: there are no runs");
}

/* Without a first_touch run the bounds' first touch stands in: exec 100 + 500 against exec 100 + flat 200. */
Test(result, the_answer_from_the_bounds)
{
    struct result_run runs[4];
    struct result_set set = ranked(runs);
    set.runs += 2;
    set.nruns = 1;
    runs[2].exec_ns = 100;
    runs[2].memory_flat_ns = 200;
    answers(&set, "best here: migrep, no first_touch to compare it with");
    set.bounds = (struct result_bounds){.present = true, .first_touch_ns = 500};
    answers(&set, "best here: migrep, 2.00x faster than first_touch at constant latencies");
}

/* post_facto needs the recording: the best policy that does not is named as well. */
Test(result, the_answer_when_foresight_wins)
{
    struct result_run runs[4];
    struct result_set set = ranked(runs);
    strcpy(runs[3].policy, "post_facto");
    strcpy(runs[3].spec, "post_facto");
    runs[3].elapsed_ns = 150;
    answers(&set,
            "best here: post_facto, 2.00x faster than first_touch (decided from the recording); best that decides "
            "while it runs: migrep, 1.50x faster than first_touch");
    runs[2].elapsed_ns = 299;
    answers(&set,
            "best here: post_facto, 2.00x faster than first_touch (decided from the recording); best that decides "
            "while it runs: first_touch will do, none is 1 % faster");
    runs[2].elapsed_ns = 301;
    answers(&set,
            "best here: post_facto, 2.00x faster than first_touch (decided from the recording); best that decides "
            "while it runs: first_touch itself");
}

Test(result, a_long_answer_is_cut_not_overrun)
{
    struct result_run runs[4];
    struct result_set set = ranked(runs);
    char text[20];
    memset(runs[2].spec, 'x', sizeof runs[2].spec - 1);
    result_answer(&set, text, sizeof text);
    cr_assert_str_eq(text, "best here: xxxxxxxx");
}
