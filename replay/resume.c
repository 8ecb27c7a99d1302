/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/resume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 1024, FILES_MAX = 1000000 };

static int fail(const struct resume *r, int err, const char *what, struct trace_error *error)
{
    snprintf(error->text, sizeof error->text, "%.200s: %s", r->folder, what);
    return err;
}

static void path_of(const struct resume *r, const char *name, char path[PATH])
{
    snprintf(path, PATH, "%s/%s", r->folder, name);
}

int resume_open(struct resume *r, const char *output, struct trace_error *error)
{
    char path[PATH];

    *r = (struct resume){.lock = -1};
    if (snprintf(r->folder, sizeof r->folder, "%s.part", output) >= (int)sizeof r->folder)
        return fail(r, -ENAMETOOLONG, "the name is too long; choose a shorter --output", error);
    if (mkdir(r->folder, 0777) && errno != EEXIST)
        return fail(r, -errno, "cannot be made, for the runs that are done; choose another --output", error);
    path_of(r, "lock", path);
    r->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (r->lock < 0)
        return fail(r, -errno, "cannot be written to; choose another --output", error);
    if (flock(r->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    close(r->lock);
    r->lock = -1;
    return fail(r, -EBUSY, "another sweep is writing there; wait for it or choose another --output", error);
}

/* --- what is there --- */

static bool same_machine(const struct machine_desc *a, const struct machine_desc *b)
{
    return a->nodes == b->nodes && a->line_size == b->line_size && a->mlp_ppm == b->mlp_ppm &&
           memcmp(a->latency_ps, b->latency_ps, sizeof a->latency_ps[0] * a->nodes * a->nodes) == 0 &&
           memcmp(&a->costs, &b->costs, sizeof a->costs) == 0;
}

/* The command holds every option; what it names may have changed since. */
static bool same_inputs(const struct result_set *a, const struct result_set *b)
{
    return strcmp(a->command, b->command) == 0 && strcmp(a->program, b->program) == 0 &&
           a->trace.digest == b->trace.digest && same_machine(&a->machine, &b->machine);
}

static bool is_run_of(const struct result_run *run, const struct replay_spec *spec)
{
    return strcmp(run->policy, spec->policy->name) == 0 && run->nparams == policy_param_count(spec->policy) &&
           memcmp(run->param, spec->param, run->nparams * sizeof run->param[0]) == 0;
}

/* A run that is there twice, or is none of this sweep, stays with the set that is thrown away. */
static void take_runs(struct result_set *from, const struct replay_spec *specs, uint32_t n, struct result_set *out,
                      bool *done, uint32_t *found)
{
    for (uint32_t k = 0; k < from->nruns; k++)
        for (uint32_t i = 0; i < n; i++) {
            if (done[i] || !is_run_of(&from->runs[k], &specs[i]))
                continue;
            out->runs[i] = from->runs[k];
            memset(&from->runs[k], 0, sizeof from->runs[k]);
            done[i] = true;
            ++*found;
            break;
        }
    out->exec_capped_ppm = from->exec_capped_ppm;
}

static int load_file(struct resume *r, const char *name, const struct replay_spec *specs, uint32_t n,
                     struct result_set *out, bool *done, uint32_t *found, struct trace_error *error)
{
    struct result_set *sets;
    struct trace_error damaged;
    uint32_t nsets;
    char path[PATH];
    int err = 0;

    path_of(r, name, path);
    if (result_read(path, &sets, &nsets, &damaged))
        return 0;
    if (nsets != 1 || !same_inputs(&sets[0], out))
        err = fail(r, -EEXIST, "holds the runs of another sweep; remove it or choose another --output", error);
    else
        take_runs(&sets[0], specs, n, out, done, found);
    for (uint32_t s = 0; s < nsets; s++)
        result_free(&sets[s]);
    free(sets);
    return err;
}

/* The number in "000012.h5"; -1: another name. */
static long number_of(const char *name)
{
    char *end;
    long number = name[0] >= '0' && name[0] <= '9' ? strtol(name, &end, 10) : -1;
    return number >= 0 && number < FILES_MAX && strcmp(end, ".h5") == 0 ? number : -1;
}

int resume_load(struct resume *r, const struct replay_spec *specs, uint32_t n, struct result_set *out, bool *done,
                uint32_t *found, struct trace_error *error)
{
    DIR *folder = opendir(r->folder);
    int err = folder ? 0 : fail(r, -errno, "cannot be read; remove it or choose another --output", error);

    *found = 0;
    for (struct dirent *entry; !err && (entry = readdir(folder));) {
        long number = number_of(entry->d_name);
        if (number < 0)
            continue;
        r->next = (uint32_t)number >= r->next ? (uint32_t)number + 1 : r->next;
        err = load_file(r, entry->d_name, specs, n, out, done, found, error);
    }
    if (folder)
        closedir(folder);
    r->keep = err || *found;
    return err;
}

/* --- what is kept --- */

int resume_save(struct resume *r, const struct result_set *set, struct result_run *runs, uint32_t count,
                struct trace_error *error)
{
    struct result_set some = *set;
    char path[PATH], name[32];

    some.runs = runs;
    some.nruns = count;
    snprintf(name, sizeof name, "%06u.h5", r->next++);
    path_of(r, name, path);
    r->keep = true;
    return result_write(path, &some, 1, error);
}

/* Files and what a killed program left of a file; nothing else. */
static void remove_files(const struct resume *r)
{
    char path[PATH];
    DIR *folder = opendir(r->folder);

    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        const char *name = entry->d_name;
        if (name[0] < '0' || name[0] > '9' || !strstr(name, ".h5"))
            continue;
        path_of(r, name, path);
        unlink(path);
    }
    if (folder)
        closedir(folder);
}

void resume_close(struct resume *r, bool finished)
{
    char path[PATH];

    if (r->lock < 0)
        return;
    if (finished)
        remove_files(r);
    if (finished || !r->keep) {
        path_of(r, "lock", path);
        unlink(path);
        rmdir(r->folder);
    }
    close(r->lock);
    r->lock = -1;
}
