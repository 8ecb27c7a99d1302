/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/guests/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* One job: a tree of small files, and the tools that a build runs over it. Ends in 0 when what went in came out. */
static const char churn_script[] =
    "set -e; d=/tmp/churn.$0; rm -rf $d; mkdir -p $d/in $d/out; i=0; "
    "while [ $i -lt 12 ]; do seq $i 700 | sort -r | sed 's/^/int x/; s/$/;/' > $d/in/$i.c; "
    "grep -c 7 $d/in/$i.c > $d/in/$i.n; gzip -c $d/in/$i.c > $d/out/$i.gz; gunzip -c $d/out/$i.gz | cmp - $d/in/$i.c; "
    "i=$((i + 1)); done; "
    "tar -cf $d/all.tar -C $d in; mkdir $d/back; tar -xf $d/all.tar -C $d/back; "
    "find $d/back -name '*.c' | xargs cat | md5sum > $d/sum; find $d/in -name '*.c' | wc -l > $d/count; "
    "test $(cat $d/count) = 12; rm -rf $d";

/* Preprocessed sources through the compiler proper and the assembler: the same object files as on the host. */
static const char compile_script[] =
    "set -e; cd /compile; d=/tmp/compile.$0; mkdir $d; for i in *.i; do n=${i%.i}; "
    "./cc1 -quiet -fpreprocessed -O2 $i -o $d/$n.s; ./as -o $d/$n.o $d/$n.s; cmp $d/$n.o $n.o; done; rm -r $d";

static int start(const struct work *w, const char *script, uint64_t job)
{
    pid_t id = fork();
    if (id)
        return id < 0 ? work_fail(w, "no process") : 0;
    char name[16];
    snprintf(name, sizeof name, "%u", (unsigned)job);
    execlp("/bin/busybox", "sh", "-c", script, name, (char *)NULL);
    execlp("busybox", "sh", "-c", script, name, (char *)NULL); /* on the host */
    _exit(127);
}

static int run(const struct work *w, const char *script, uint64_t rounds, uint64_t jobs)
{
    uint64_t begun = work_now();
    unsigned n = work_threads(jobs);
    for (uint64_t round = 0; round < rounds; round++) {
        int status = 0;
        for (unsigned i = 0; i < n; i++)
            if (start(w, script, i))
                return 1;
        for (unsigned i = 0; i < n; i++)
            if (wait(&status) < 0 || status)
                return work_fail(w, "round %lu: a job ended with %x", round, (unsigned)status);
    }
    work_say(w, "ok %lu rounds of %u jobs in %lu ms", rounds, n, (work_now() - begun) / 1000000);
    return 0;
}

int churn_run(const struct work *w, uint64_t rounds, uint64_t jobs, uint64_t c)
{
    (void)c;
    return run(w, churn_script, rounds, jobs);
}

int compile_run(const struct work *w, uint64_t rounds, uint64_t jobs, uint64_t c)
{
    (void)c;
    return run(w, compile_script, rounds, jobs);
}
