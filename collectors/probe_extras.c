/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "collectors/counters.h"
#include "collectors/faults.h"
#include "collectors/perf_abi.h"
#include "collectors/probe_private.h"

/* Opens the page-fault event in a form that asks for one right more. */
static int open_with(uint64_t fields, pid_t pid, int cpu)
{
    struct encode_event e;
    struct perf_event_attr attr;
    int leader;
    faults_software(&e);
    attr_sampling(&e, false, &(struct attr_wish){0}, &attr);
    attr.read_format = 0;
    attr.sample_type |= fields;
    int fd = attr_open(&perf_ops_kernel, &e, &attr, pid, cpu, &leader);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

static void rights(struct probe *p)
{
    struct probe_row *row = probe_add(p, "-a", "the whole system, not only own programs");
    int err = open_with(0, -1, 0);
    if (err)
        probe_fail(p, row, err);
    row = probe_add(p, "addresses", "physical addresses beside virtual ones");
    err = open_with(ABI_PHYS_ADDR, 0, -1);
    if (err)
        probe_fail(p, row, err);
}

/* --- counters --- */

struct tally {
    const struct counters *counters;
    unsigned hardware, software, controllers, silent;
};

static void count_one(void *context, const struct perfdata_value *v)
{
    static const char *const hardware[] = {"perf::CYCLES", "perf::INSTRUCTIONS", "perf::CACHE-MISSES"};
    struct tally *t = context;
    const char *name = counters_series(t->counters, v->series)->name;
    bool hard = false;
    for (size_t i = 0; i < sizeof hardware / sizeof *hardware; i++)
        hard |= !strcmp(name, hardware[i]);
    if (strchr(name, '/'))
        t->controllers += v->value > 0;
    else if (hard)
        t->hardware += v->value > 0;
    else
        t->software += v->value > 0;
    t->silent += hard && !(v->value > 0);
}

/* A few ms of work: time passes, pages are touched. */
static void work(void)
{
    enum { PAGES = 64 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    volatile unsigned char *fresh =
        mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh == MAP_FAILED)
        return;
    madvise((void *)fresh, PAGES * page, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < 1000 * PAGES; i++)
        fresh[i % PAGES * page] += 1;
    munmap((void *)fresh, PAGES * page);
}

static struct tally measure(void)
{
    struct counters_options o = {.whom = SESSION_PROCESS, .pid = getpid()};
    struct attr_steps steps = {""};
    struct tally t = {0};
    struct counters *c;
    if (counters_open(&o, &steps, &c) || !c)
        return t;
    t.counters = c;
    work();
    counters_read(c, 0, count_one, &t);
    counters_close(c);
    return t;
}

static void counting(struct probe *p)
{
    char units[1][PMU_NAME];
    struct tally t = measure();
    struct probe_row *row = probe_add(p, "counters", "cycles, instructions, cache misses beside the stream");
    snprintf(row->found, sizeof row->found, "%u of the hardware and %u of the kernel count", t.hardware, t.software);
    if (!t.hardware && t.silent)
        probe_say(row, PROBE_REFUSED, "hardware counters start but stay at 0", "ask for a virtual PMU that counts");
    else if (!t.hardware)
        probe_fail(p, row, p->facts.filtered || p->facts.units ? -EACCES : -ENOENT);
    row = probe_add(p, "bandwidth", "traffic of the memory controllers");
    if (t.controllers)
        snprintf(row->found, sizeof row->found, "%u of them count", t.controllers);
    else
        probe_fail(p, row, pmu_list(PMU_FOLDER, "uncore_imc", units, 1) ? -EACCES : -ENOENT);
}

/* --- nodes --- */

static void nodes(struct probe *p)
{
    struct probe_row *row = probe_add(p, "nodes", "which node a page is on, and moving it");
    int status = -ENOENT, here = 1;
    char folder[64], name[2][PMU_NAME];
    void *page = (void *)((uintptr_t)&here & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1));
    snprintf(folder, sizeof folder, "/sys/devices/system/node");
    row->err = move_pages(0, 1, &page, NULL, &status, 0) ? -errno : status < 0 ? status : 0;
    size_t n = pmu_list(folder, "node", name, 2);
    if (row->err == -EPERM)
        probe_say(row, PROBE_REFUSED, "a filter forbids move_pages", "start the container with --cap-add SYS_NICE");
    else if (row->err)
        probe_say(row, PROBE_ABSENT, "the kernel has no NUMA support", "");
    else if (n < 2)
        probe_say(row, PROBE_ABSENT, "this machine has one node: there is nothing to move", "");
}

void probe_extras(struct probe *p)
{
    rights(p);
    counting(p);
    nodes(p);
}
