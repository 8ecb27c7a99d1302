/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The first process of a test guest: mounts what there is, loads the modules that lie in the initrd for this kernel,
 * runs what the command line asks for (work.h), and powers off when it is told to.
 */
#include "tests/monitor/guests/work.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMAND_LINE = 4096, PARTS = 16 };

static int sleep_run(const struct work *w, uint64_t seconds, uint64_t b, uint64_t c)
{
    (void)w, (void)b, (void)c;
    sleep((unsigned)seconds);
    return 0;
}

static int power(const struct work *w, int how)
{
    sync();
    reboot(how);
    return work_fail(w, "the kernel did not do it");
}

/* What busybox's poweroff, halt and reboot send to the first process. */
static void on_order(int number)
{
    if (getpid() != 1)
        return;
    sync();
    reboot(number == SIGTERM ? RB_AUTOBOOT : RB_POWER_OFF);
}

static int poweroff_run(const struct work *w, uint64_t a, uint64_t b, uint64_t c)
{
    (void)a, (void)b, (void)c;
    return power(w, RB_POWER_OFF);
}

static int reboot_run(const struct work *w, uint64_t a, uint64_t b, uint64_t c)
{
    (void)a, (void)b, (void)c;
    return power(w, RB_AUTOBOOT);
}

/* The kernel dies of its own fault. */
static int panic_run(const struct work *w, uint64_t a, uint64_t b, uint64_t c)
{
    (void)a, (void)b, (void)c;
    int file = open("/proc/sysrq-trigger", O_WRONLY);
    if (file < 0 || write(file, "c", 1) != 1)
        return work_fail(w, "no /proc/sysrq-trigger");
    return 1;
}

static int shell_run(const struct work *w, uint64_t a, uint64_t b, uint64_t c)
{
    (void)a, (void)b, (void)c;
    setsid();
    int console = open("/dev/ttyS0", O_RDWR);
    for (int i = 0; console >= 0 && i < 3; i++)
        dup2(console, i);
    printf("guest: a shell; exit or poweroff ends it, Ctrl-A x all guests\n");
    execl("/bin/busybox", "sh", "-i", (char *)NULL);
    return work_fail(w, "no shell");
}

static const struct work works[] = {
    {"checksum", "patterns in memory, every word checked", checksum_run, 10, 0, 32},
    {"hot", "words in memory that are used again at once", hot_run, 10, 0, 8},
    {"vectors", "values kept in vector registers", vectors_run, 10, 0, 0},
    {"compute", "fixed integer and floating-point work", compute_run, 1, 1, 0},
    {"churn", "short processes, pipes and small files", churn_run, 1, 1, 0},
    {"compile", "sources through compiler and assembler", compile_run, 1, 1, 0},
    {"read", "a disk's blocks, each checked", disks_read, 0, 0, 0},
    {"write", "blocks written to a disk and read back", disks_write, 0, 256, 0},
    {"relay", "two threads that wake each other", relay_run, 1000, 0, 0},
    {"secret", "memory full of what no other guest may see", secret_run, 10, 64, 0},
    {"sleep", "nothing", sleep_run, 1, 0, 0},
    {"shell", "a shell on the console", shell_run, 0, 0, 0},
    {"panic", "the end of the kernel", panic_run, 0, 0, 0},
    {"poweroff", "the end", poweroff_run, 0, 0, 0},
    {"reboot", "and again", reboot_run, 0, 0, 0},
};

static const struct work *find(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (strlen(works[i].name) == n && !memcmp(works[i].name, name, n))
            return &works[i];
    return NULL;
}

/* In a process of its own. */
static int run_part(char *part)
{
    uint64_t value[3];
    char *at = part + strcspn(part, ":");
    const struct work *w = find(part, (size_t)(at - part));
    if (!w) {
        printf("guest: FAILED: no workload called %s\n", part);
        return 1;
    }
    value[0] = w->a, value[1] = w->b, value[2] = w->c;
    for (int i = 0; *at == ':' && i < 3; i++)
        value[i] = strtoull(at + 1, &at, 10);
    return w->run(w, value[0], value[1], value[2]);
}

static int run_item(char *item)
{
    pid_t child[PARTS];
    int n = 0, failed = 0, status;
    char *rest = NULL;
    for (char *p = strtok_r(item, "+", &rest); p && n < PARTS; p = strtok_r(NULL, "+", &rest)) {
        child[n] = fork();
        if (!child[n])
            exit(run_part(p));
        n++;
    }
    for (int i = 0; i < n; i++)
        failed += child[i] < 0 || waitpid(child[i], &status, 0) != child[i] || status != 0;
    return failed;
}

/* In the order of the list beside them: a module after those that it needs. */
static void load_modules(void)
{
    char path[256], line[64];
    struct utsname name;
    uname(&name);
    snprintf(path, sizeof path, "/modules/%s/order", name.release);
    FILE *order = fopen(path, "r");
    while (order && fgets(line, sizeof line, order)) {
        line[strcspn(line, "\n")] = 0;
        snprintf(path, sizeof path, "/modules/%s/%s", name.release, line);
        int file = open(path, O_RDONLY);
        if (file < 0 || syscall(SYS_finit_module, file, "", 0))
            printf("guest: FAILED: module %s does not load\n", line);
        close(file);
    }
    if (order)
        fclose(order);
}

static void set_up(void)
{
    mkdir("/proc", 0755), mkdir("/sys", 0755), mkdir("/dev", 0755), mkdir("/tmp", 0777);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    setenv("PATH", "/bin", 1);
    setenv("HOME", "/", 1);
    load_modules();
}

/* The word after do=, in `text`; a shell where there is none. */
static char *wanted(char *text)
{
    FILE *file = fopen("/proc/cmdline", "r");
    if (!file || !fgets(text, COMMAND_LINE, file))
        *text = 0;
    if (file)
        fclose(file);
    char *rest = NULL;
    for (char *word = strtok_r(text, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest))
        if (!strncmp(word, "do=", 3))
            return word + 3;
    return strcpy(text, "shell,poweroff");
}

int main(int count, char **arguments)
{
    static char text[COMMAND_LINE];
    if (getpid() != 1) {
        if (count == 4 && !strcmp(arguments[1], "image"))
            return disks_make(arguments[2], strtoull(arguments[3], NULL, 10));
        for (int i = 1; i < count; i++)
            if (run_item(arguments[i]))
                return 1;
        return 0;
    }
    set_up();
    signal(SIGUSR1, on_order);
    signal(SIGUSR2, on_order);
    signal(SIGTERM, on_order);
    printf("guest: up, %ld CPUs\n", sysconf(_SC_NPROCESSORS_ONLN));
    int failed = 0;
    char *rest = NULL;
    for (char *item = strtok_r(wanted(text), ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        if (!strncmp(item, "poweroff", 8) || !strncmp(item, "reboot", 6))
            printf("guest: done, %d failed\n", failed);
        failed += run_item(item);
    }
    printf("guest: done, %d failed\n", failed);
    for (;;)
        pause();
}
