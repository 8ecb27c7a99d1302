/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monitor-core/launch/command.h"
#include "monitor-core/launch/files.h"

/* As the monitor will find it: the last word of the module's string, the first module of that name. */
static bool good_name(const char *name, size_t length)
{
    static const char own[] = "config";
    for (size_t i = 0; i < length; i++)
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    return length && length < CONFIG_NAME && (length + 1 != sizeof own || strncmp(name, own, length) != 0);
}

static int add_module(const struct cli *cli, struct plan *p, const char *given)
{
    struct trace_error why;
    const char *equals = strchr(given, '=');
    size_t length = equals ? (size_t)(equals - given) : 0;
    if (!good_name(given, length))
        return cli_usage(cli, "a module is NAME=FILE, its name of up to %d characters, no blanks, and not config: '%s'",
                         CONFIG_NAME - 1, given);
    for (uint32_t i = 0; i < p->nmodules; i++)
        if (strncmp(p->module[i].name, given, length) == 0 && !p->module[i].name[length])
            return cli_usage(cli, "there are two modules %s", p->module[i].name);
    uint32_t before = p->nmodules;
    int index = plan_module(p, equals + 1, &why);
    if (index < 0)
        return cli_error(cli, "%s", why.text);
    if (p->nmodules == before)
        return cli_usage(cli, "%s is named twice", equals + 1);
    snprintf(p->module[index].name, CONFIG_NAME, "%.*s", (int)length, given);
    return CLI_DONE;
}

static int publish(const struct cli *cli, const char *path, const unsigned char *file, size_t bytes)
{
    char *temporary = cli_temporary(path);
    FILE *f = temporary ? fopen(temporary, "wb") : NULL;
    bool good = f && fwrite(file, 1, bytes, f) == bytes;
    int error = good ? 0 : errno;
    if (f && fclose(f) != 0)
        error = errno;
    if (!error)
        error = -cli_publish(temporary, path);
    else if (temporary)
        cli_discard(temporary);
    return error ? cli_error(cli, "%s: cannot be written: %s", path, strerror(error)) : CLI_DONE;
}

/* The text mapped; its size in *size. Null with a line. */
static char *open_text(const char *path, size_t *size, struct trace_error *why)
{
    char real[PLAN_PATH];
    uint64_t bytes;
    int fd = files_open(path, false, real, &bytes, why);
    if (fd < 0)
        return NULL;
    *size = bytes;
    char *text = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text == MAP_FAILED)
        snprintf(why->text, sizeof why->text, "%.300s: %s", path, strerror(errno));
    close(fd);
    return text == MAP_FAILED ? NULL : text;
}

static int make(const struct cli *cli, struct plan *p)
{
    struct trace_error why;
    unsigned char *file = NULL;
    size_t size, bytes = 0;
    int code = CLI_DONE;
    for (size_t i = 1; !code && i < cli_args(cli); i++)
        code = add_module(cli, p, cli_arg(cli, i));
    if (code)
        return code;
    char *text = open_text(cli_arg(cli, 0), &size, &why);
    if (!text)
        return cli_error(cli, "%s", why.text);
    if (plan_build_config(p, text, size, cli_has(cli, "any-policy"), &file, &bytes, &why))
        code = cli_error(cli, "%s: %s", cli_arg(cli, 0), why.text);
    else
        code = publish(cli, cli_value(cli, "output"), file, bytes);
    munmap(text, size);
    free(file);
    return code;
}

/* The text, and the files behind NAME=. */
static bool is_input(const struct cli *cli, const char *out)
{
    bool found = cli_same_file(out, cli_arg(cli, 0));
    for (size_t i = 1; i < cli_args(cli); i++) {
        const char *equals = strchr(cli_arg(cli, i), '=');
        found |= equals && cli_same_file(out, equals + 1);
    }
    return found;
}

static int run(const struct cli *cli)
{
    const char *out = cli_value(cli, "output");
    if (!out)
        return cli_usage(cli, "no --output FILE for the configuration");
    if (is_input(cli, out))
        return cli_usage(cli, "--output %s would overwrite a file that is read; choose another name", out);
    struct plan *p = calloc(1, sizeof *p);
    if (!p)
        return cli_error(cli, "out of memory");
    int code = make(cli, p);
    plan_close(p);
    free(p);
    return code;
}

static const struct cli_option options[] = {
    {"output", 'o', "FILE", "write the configuration here"},
    {"any-policy", 0, NULL, "let a policy pass that this program does not know; the monitor must have it"},
    {NULL, 0, NULL, NULL},
};

static const struct cli_example examples[] = {
    {"mirrorball monitor config mirrorball.conf -o mirrorball.bin debian=vmlinuz initrd=initrd.img",
     "for a boot loader that hands over the modules config, debian and initrd"},
    {NULL, NULL},
};

const struct cli_command command_monitor_config = {
    .name = "monitor config",
    .arguments = "TEXT [NAME=FILE...]",
    .summary = "make the file that tells the monitor what to run, for a machine of your own",
    .description =
        "The monitor reads no text and knows no kernel: this command checks the configuration (docs/monitor.md), lays "
        "out the kernels and initrds that it names, and writes the file that the boot loader hands to the monitor as "
        "the module config. NAME=FILE says which file the loader hands over by which name; the monitor refuses "
        "another file, of the same size too.",
    .options = options,
    .examples = examples,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
