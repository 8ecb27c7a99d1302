/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collectors/cause.h"
#include "collectors/pmu.h"

enum { CAP_SYS_ADMIN_BIT = 21, CAP_PERFMON_BIT = 38, FILES_WANTED = 8192 };

/* --- facts --- */

/* The value of a line "NAME:\tvalue" of /proc/self/status, in that base. */
static uint64_t status(const char *name, int base)
{
    char line[256];
    uint64_t value = 0;
    size_t n = strlen(name);
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, n) && line[n] == ':')
            value = strtoull(line + n + 1, NULL, base);
    if (f)
        fclose(f);
    return value;
}

static bool cpu_flag(const char *flag)
{
    char line[8192];
    bool found = false;
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && !found && fgets(line, sizeof line, f))
        found = !strncmp(line, "flags", 5) && strstr(line, flag);
    if (f)
        fclose(f);
    return found;
}

static bool in_container(void)
{
    return !access("/.dockerenv", F_OK) || !access("/run/.containerenv", F_OK) || getenv("container");
}

static bool any_unit(void)
{
    static const char *const units[] = {"cpu", "cpu_core", "ibs_op", "armv8_pmuv3_0", "arm_spe_0"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (pmu_has(PMU_FOLDER, units[i], "type"))
            return true;
    return false;
}

static int proc_number(const char *name, int otherwise)
{
    char text[PMU_TEXT];
    return pmu_line("/proc/sys", "kernel", name, text, sizeof text) ? otherwise : (int)strtol(text, NULL, 10);
}

void cause_facts(struct cause_facts *f)
{
    struct rlimit files = {0};
    uint64_t capabilities = status("CapEff", 16);
    getrlimit(RLIMIT_NOFILE, &files);
    *f = (struct cause_facts){
        .paranoid = proc_number("perf_event_paranoid", -2),
        .capable = capabilities >> CAP_SYS_ADMIN_BIT & 1 || capabilities >> CAP_PERFMON_BIT & 1,
        .filtered = status("Seccomp", 10) == 2,
        .container = in_container(),
        .guest = cpu_flag(" hypervisor"),
        .units = any_unit(),
        .files = (unsigned)files.rlim_max,
        .mlock_kib = (unsigned)proc_number("perf_event_mlock_kb", 0),
    };
    f->no_perf = f->paranoid == -2;
}

/* --- words --- */

void cause_say(struct cause *c, const char *why, const char *fix)
{
    snprintf(c->why, sizeof c->why, "%s", why);
    snprintf(c->fix, sizeof c->fix, "%s", fix);
}

static void denied(const struct cause_facts *f, struct cause *c)
{
    if (f->filtered || (f->container && f->capable))
        cause_say(c, "the container's seccomp filter forbids perf_event_open",
                  "start the container with --cap-add PERFMON --security-opt seccomp=unconfined");
    else if (!f->capable && f->container) {
        snprintf(c->why, sizeof c->why, "no rights in this container (kernel.perf_event_paranoid is %d)", f->paranoid);
        snprintf(c->fix, sizeof c->fix,
                 "on the host: sudo sysctl kernel.perf_event_paranoid=-1, or start it with --cap-add PERFMON");
    } else if (!f->capable) {
        snprintf(c->why, sizeof c->why, "kernel.perf_event_paranoid is %d and this user lacks CAP_PERFMON",
                 f->paranoid);
        snprintf(c->fix, sizeof c->fix,
                 "sudo sysctl kernel.perf_event_paranoid=-1, or "
                 "sudo setcap cap_perfmon=ep $(command -v mirrorball)");
    } else
        cause_say(c, "a security module or lockdown forbids it", "look at: dmesg | grep -i -e lockdown -e avc");
}

static void missing(const struct cause_facts *f, struct cause *c)
{
    if (f->guest && !f->units)
        cause_say(c, "this virtual machine shows no performance counters",
                  "ask its host for a virtual PMU; until then --source faults or qemu");
    else
        cause_say(c, "this processor or kernel has no such event", "use another source, or a newer kernel");
}

void cause_of(int err, const struct cause_facts *f, struct cause *c)
{
    switch (-err) {
    case EACCES:
    case EPERM:
        denied(f, c);
        break;
    case ENOSYS:
        cause_say(c, "the kernel has no perf_event_open, or a filter hides it", "use a kernel with CONFIG_PERF_EVENTS");
        break;
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
        missing(f, c);
        break;
    case EMFILE:
        snprintf(c->why, sizeof c->why, "more events than this user may open files (%u)", f->files);
        snprintf(c->fix, sizeof c->fix, "ulimit -n %d, after raising its hard limit", FILES_WANTED);
        break;
    case EBUSY:
        cause_say(c, "somebody else holds the counter", "sudo sysctl kernel.nmi_watchdog=0, or end the other profiler");
        break;
    case ENOSPC:
        cause_say(c, "all counters of this kind are in use", "end the other profiler");
        break;
    case ENODATA:
        cause_say(c, "loads need mem-loads-aux as leader of their group, which the kernel does not show",
                  "use a newer kernel");
        break;
    case EINVAL:
        cause_say(c, "the kernel does not take the event in any form that was tried", "use a newer kernel");
        break;
    default:
        cause_say(c, strerror(-err), "");
    }
}

void cause_reason(int err, char *text, size_t size)
{
    struct cause_facts facts;
    struct cause c;
    cause_facts(&facts);
    cause_of(err, &facts, &c);
    snprintf(text, size, "%s (%s)", c.why, strerror(-err));
}

void cause_line(int err, char *text, size_t size, const char *what)
{
    struct cause_facts facts;
    struct cause c;
    cause_facts(&facts);
    cause_of(err, &facts, &c);
    snprintf(text, size, "%s: %s (%s)%s%s", what, c.why, strerror(-err), *c.fix ? "; " : "", c.fix);
}
