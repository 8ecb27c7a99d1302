/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collectors/faults.h"
#include "collectors/perf_abi.h"

#define FOLDER "events/exceptions/page_fault_user"

/* The byte offset of a field in a line such as "field:unsigned long address;\toffset:8;\tsize:8;". */
static bool offset_of(const char *format, const char *field, uint16_t *offset)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, " %s;", field);
    const char *line = strstr(format, wanted);
    line = line ? strstr(line, "offset:") : NULL;
    if (!line)
        return false;
    unsigned long value = strtoul(line + 7, NULL, 10);
    *offset = (uint16_t)value;
    return value < 4096;
}

int faults_parse(const char *id, const char *format, struct faults_tracepoint *out)
{
    char *end;
    out->id = strtoull(id, &end, 10);
    if (end == id || !offset_of(format, "address", &out->address) || !offset_of(format, "ip", &out->ip) ||
        !offset_of(format, "error_code", &out->error_code))
        return -EINVAL;
    return 0;
}

static int whole_file(const char *folder, const char *name, char *text, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/" FOLDER "/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, size - 1);
    int err = n < 0 ? -errno : 0;
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return err;
}

static int read_from(const char *folder, struct faults_tracepoint *out)
{
    char id[64], format[4096];
    int err = whole_file(folder, "id", id, sizeof id);
    if (!err)
        err = whole_file(folder, "format", format, sizeof format);
    return err ? err : faults_parse(id, format, out);
}

/* In a child of its own: mounts tracefs where nobody else sees it, and sends what it read. */
static void read_apart(int to)
{
    struct faults_tracepoint found;
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tracefs", "/sys", "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) || read_from("/sys", &found) ||
        write(to, &found, sizeof found) != sizeof found)
        _exit(1);
    _exit(0);
}

static int read_by_child(struct faults_tracepoint *out)
{
    int pipe_fds[2], status;
    if (pipe2(pipe_fds, O_CLOEXEC))
        return -errno;
    pid_t pid = fork();
    if (pid == 0)
        read_apart(pipe_fds[1]);
    close(pipe_fds[1]);
    ssize_t n = pid > 0 ? read(pipe_fds[0], out, sizeof *out) : -1;
    close(pipe_fds[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return n == sizeof *out ? 0 : -EACCES;
}

int faults_tracepoint(struct faults_tracepoint *out)
{
    static const char *const folders[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
    int err = -ENOENT;
    for (size_t i = 0; err && i < sizeof folders / sizeof *folders; i++) {
        int now = read_from(folders[i], out);
        err = now == -ENOENT ? err : now;
    }
    return err == -ENOENT && !geteuid() ? read_by_child(out) : err;
}

void faults_cause(int err, struct cause *c)
{
    bool root = !geteuid(), absent = err == -ENOENT;
    const char *why = absent ? "tracefs is not mounted" : "tracefs is the administrator's";
    const char *fix = absent ? "sudo mount -t tracefs nodev /sys/kernel/tracing" : "run as root";
    if (root) {
        why = "tracefs cannot be mounted or read here, even by root";
        fix = "start the container with --privileged, or use a kernel with CONFIG_FTRACE";
    }
    cause_say(c, why, fix);
}

void faults_software(struct encode_event *e)
{
    *e = (struct encode_event){.name = "page-faults",
                               .how = "kernel",
                               .code = {ABI_TYPE_SOFTWARE, {ABI_SW_PAGE_FAULTS}},
                               .period = 1,
                               .step = 1};
}

void faults_event(const struct perf_ops *ops, struct encode_event *e, struct attr_steps *steps)
{
    struct faults_tracepoint t;
    struct perf_event_attr attr;
    struct cause c;
    char reason[CAUSE_TEXT + 64];
    int leader, fd, err = faults_tracepoint(&t);
    faults_cause(err, &c);
    snprintf(reason, sizeof reason, "%s (%s)", c.why, strerror(-err));
    /* The tracepoint's own registers are the kernel's: leaving the kernel out would leave out everything. */
    *e = (struct encode_event){
        .name = "exceptions:page_fault_user", .how = "tracefs", .period = 1, .step = 1, .flags = ENCODE_KEEP_KERNEL};
    if (!err) {
        e->code = (struct pmu_code){ABI_TYPE_TRACEPOINT, {t.id}};
        attr_sampling(e, false, &(struct attr_wish){0}, &attr);
        attr.read_format = 0;
        fd = attr_open(ops, e, &attr, 0, -1, &leader);
        if (fd >= 0) {
            ops->close(ops->context, fd);
            return;
        }
        cause_reason(fd, reason, sizeof reason);
    }
    attr_step(steps, "page faults without read or write: %s", reason);
    faults_software(e);
}
