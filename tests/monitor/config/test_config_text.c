/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The monitor's configuration as it is written: texts that mean something, texts that do not, and what is said of
 * those.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "monitor-core/launch/config_text.h"

static struct config_text parsed;
static struct config_error error;

/* Parses an exact copy, so that a sanitizer sees a byte too far. */
static int parse_bytes(const char *text, size_t n)
{
    char *exact = calloc(1, n ? n : 1);
    memcpy(exact, text, n);
    memset(&parsed, 0xee, sizeof parsed);
    int err = config_text_parse(&parsed, exact, n, false, &error);
    free(exact);
    return err;
}

static int parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

Test(config, defaults)
{
    cr_assert_eq(parse(""), 0);
    cr_assert_str_eq(parsed.config.spec, "first_touch");
    cr_assert_eq(parsed.config.policy, policy_find("first_touch"));
    cr_assert_eq(parsed.config.harvest_ms, 20);
    cr_assert_eq(parsed.config.weight, 64);
    cr_assert_eq(parsed.config.around, 16);
    cr_assert_eq(parsed.config.slice_ms, 10);
    cr_assert_eq(parsed.config.cpus, 0);
    cr_assert(!parsed.config.record && !parsed.config.poison);
    cr_assert_eq(parsed.config.nvms + parsed.config.ndisks, 0);
}

Test(config, everything)
{
    cr_assert_eq(parse("# what the machine does\n"
                       "policy = migrep:trigger=32\n"
                       "harvest_ms=0\n"
                       "  weight\t=\t128   # misses\n"
                       "around = 1\n"
                       "slice_ms = 1000\r\n"
                       "cpus = 4\nrecord = 1\npoison = 1\n"
                       "\n"
                       "[vm web]\n"
                       "kernel = debian\n"
                       "initrd = initrd\n"
                       "vcpus = 16\n"
                       "memory_mb = 65536\n"
                       "disks = root, home\n"
                       "cmdline = console=ttyS0 root=/dev/vda # not a comment  \n"
                       "[disk home]\n"
                       "module = image\nmode = private\n"
                       "[disk root]\n"
                       "drive = 3\nmode=shared\n"
                       "[vm db]\n"
                       "kernel = other\n"
                       "disks = root,log\n"
                       "[disk log]\n"
                       "drive=4\n"
                       "mode = persistent"),
                 0, "line %u: %s '%s'", error.line, error.what, error.word);
    cr_assert_str_eq(parsed.config.spec, "migrep:trigger=32");
    cr_assert_eq(parsed.config.policy, policy_find("migrep"));
    cr_assert_eq(parsed.config.param[policy_param_index(parsed.config.policy, "trigger", 7)], 32);
    cr_assert_eq(parsed.config.harvest_ms, 0);
    cr_assert_eq(parsed.config.weight, 128);
    cr_assert_eq(parsed.config.around, 1);
    cr_assert_eq(parsed.config.slice_ms, 1000);
    cr_assert_eq(parsed.config.cpus, 4);
    cr_assert(parsed.config.record && parsed.config.poison);
    cr_assert_eq(parsed.config.nvms, 2);
    const struct config_text_vm *web = &parsed.vm[0], *db = &parsed.vm[1];
    cr_assert_str_eq(web->name, "web");
    cr_assert_str_eq(web->kernel, "debian");
    cr_assert_str_eq(web->initrd, "initrd");
    cr_assert_eq(web->vcpus, 16);
    cr_assert_eq(web->memory_mb, 65536);
    cr_assert_str_eq(web->cmdline, "console=ttyS0 root=/dev/vda # not a comment");
    cr_assert_str_eq(db->name, "db");
    cr_assert_str_eq(db->initrd, "");
    cr_assert_str_eq(db->cmdline, "");
    cr_assert_eq(db->vcpus, 1);
    cr_assert_eq(db->memory_mb, 256);
    cr_assert_eq(parsed.config.ndisks, 3);
    const struct config_disk *root = &parsed.config.disk[0], *home = &parsed.config.disk[1],
                             *log = &parsed.config.disk[2];
    cr_assert_eq(web->ndisks, 2);
    cr_assert_eq(web->disk[0], 0);
    cr_assert_eq(web->disk[1], 1);
    cr_assert_eq(db->ndisks, 2);
    cr_assert_eq(db->disk[0], 0);
    cr_assert_eq(db->disk[1], 2);
    cr_assert_str_eq(home->module, "image");
    cr_assert(home->private_cache && !home->persistent);
    cr_assert_str_eq(root->module, "");
    cr_assert_eq(root->drive, 3);
    cr_assert(!root->private_cache && !root->persistent);
    cr_assert_eq(log->drive, 4);
    cr_assert(log->persistent && !log->private_cache);
}

Test(config, policies)
{
    for (unsigned i = 0; policy_classes[i]; i++) {
        char text[100];
        snprintf(text, sizeof text, "policy=%s", policy_classes[i]->name);
        bool future = policy_classes[i]->signals & SIGNAL_ADVICE;
        cr_assert_eq(parse(text), future ? ERR_INVAL : 0, "%s", text);
    }
    static const char own[] = "policy = my_own:x=1";
    cr_assert_eq(parse(own), ERR_INVAL);
    cr_assert_eq(config_text_parse(&parsed, own, strlen(own), true, &error), 0, "another image may have it");
    cr_assert_null(parsed.config.policy);
    cr_assert_str_eq(parsed.config.spec, "my_own:x=1");
    static const char bad[] = "policy = migrep:x=1";
    cr_assert_eq(config_text_parse(&parsed, bad, strlen(bad), true, &error), ERR_INVAL, "one that is known is checked");
}

Test(config, units)
{
    const struct policy_class *migrep = policy_find("migrep");
    const struct policy_param *p = migrep->params;
    unsigned times = 0;
    for (unsigned i = 0; p[i].name; i++) {
        char text[100];
        snprintf(text, sizeof text, "policy=migrep:%s=200ms", p[i].name);
        bool time = strcmp(p[i].unit, "ns") == 0 && p[i].min <= 200000000 && p[i].max >= 200000000;
        cr_assert_eq(parse(text), time ? 0 : ERR_INVAL, "%s", text);
        if (time)
            cr_assert_eq(parsed.config.param[i], 200000000);
        times += time;
    }
    cr_assert_gt(times, 0);
    cr_assert_eq(parse("policy=migrep:trigger=0x10"), 0);
    cr_assert_eq(parsed.config.param[policy_param_index(migrep, "trigger", 7)], 16);
    cr_assert_eq(parse("policy=migrep:trigger=1Ki"), 0);
    cr_assert_eq(parsed.config.param[policy_param_index(migrep, "trigger", 7)], 1024);
}

/* Each text, the line that is to blame (0: the whole), words of the message, and what it is about. */
static const struct {
    const char *text;
    unsigned line;
    const char *what, *word;
} wrong[] = {
    {"policy = migrap", 1, "unknown policy", "migrap"},
    {"\n\npolicy = ", 3, "unknown policy", ""},
    {"policy = as_recorded", 1, "replay only", "as_recorded"},
    {"policy = migrep:foo=1", 1, "no such parameter", "foo"},
    {"policy = migrep:=1", 1, "no such parameter", ""},
    {"policy = migrep:trigger", 1, "not a number", "trigger"},
    {"policy = migrep:trigger=", 1, "not a number", "trigger="},
    {"policy = migrep:trigger=1x", 1, "not a number", "trigger=1x"},
    {"policy = migrep:trigger=-1", 1, "not a number", "trigger=-1"},
    {"policy = migrep:trigger=18446744073709551616", 1, "not a number", "trigger=18446744073709551616"},
    {"policy = migrep:trigger=18446744073709551615G", 1, "not a number", "trigger=18446744073709551615G"},
    {"policy = migrep:trigger=0", 1, "range", "trigger=0"},
    {"nonsense", 1, "key = value", "nonsense"},
    {"colour = red", 1, "unknown key before", "colour"},
    {"= 4", 1, "unknown key before", ""},
    {"weight = 63", 1, "power of two", "63"},
    {"weight = 65536", 1, "power of two", "65536"},
    {"around = 0", 1, "power of two", "0"},
    {"around = 128", 1, "power of two", "128"},
    {"harvest_ms = 1001", 1, "0 to 1000", "1001"},
    {"harvest_ms = 1.5", 1, "0 to 1000", "1.5"},
    {"slice_ms = 0", 1, "1 to 1000", "0"},
    {"cpus = 65", 1, "1 to 64", "65"},
    {"cpus = 99999999999999999999", 1, "1 to 64", "99999999999999999999"},
    {"record = yes", 1, "record is 0 or 1", "yes"},
    {"poison = 2", 1, "poison is 0 or 1", "2"},
    {"slice_ms = 0x", 1, "1 to 1000", "0x"},
    {"seed = 1", 1, "unknown key before", "seed"},
    {"[vm]", 1, "name is missing", ""},
    {"[vm a b]", 1, "no blanks", "a b"},
    {"[vm a,b]", 1, "no blanks", "a,b"},
    {"[vm abcdefghijklmnopqrstuvwxyz123456]", 1, "31 characters", "abcdefghijklmnopqrstuvwxyz12345"},
    {"[node 1]", 1, "[vm NAME] or [disk NAME]", "[node 1]"},
    {"[vm a", 1, "[vm NAME] or [disk NAME]", "[vm a"},
    {"[", 1, "[vm NAME] or [disk NAME]", "["},
    {"[vm a]\nkernel=k\n[vm a]", 3, "two VMs", "a"},
    {"[disk a]\ndrive=0\n[disk a]\ndrive=1", 4, "one drive or one module", "1"},
    {"[disk]", 1, "name is missing", ""},
    {"[vm a]\nvcpus = 0", 2, "1 to 16", "0"},
    {"[vm a]\nvcpus = 17", 2, "1 to 16", "17"},
    {"[vm a]\nmemory_mb = 1", 2, "2 to 65536", "1"},
    {"[vm a]\nmemory_mb = 65537", 2, "2 to 65536", "65537"},
    {"[vm a]\nkernel =", 2, "name is missing", ""},
    {"[vm a]\nkernel = a b", 2, "no blanks", "a b"},
    {"[vm a]\npolicy = migrep", 2, "unknown key in [vm]", "policy"},
    {"[vm a]\nkernel=k\ndisks = d", 0, "neither drive nor module", "d"},
    {"[vm a]\ndisks = d,\n[disk d]\ndrive=0", 0, "no kernel", "a"},
    {"[vm a]\ndisks = d,,d\n[disk d]\ndrive=0", 2, "name is missing", ""},
    {"[vm a]\ndisks = d,d\n[disk d]\ndrive=0", 2, "once", "d"},
    {"[vm a]\ndisks = a,b,c,d,e\n[disk a]\n[disk b]\n[disk c]\n[disk d]\n[disk e]", 2, "at most 4 disks", "e"},
    {"[vm a]\nvcpus = 1", 0, "no kernel", "a"},
    {"[disk a]\nkernel = k", 2, "unknown key in [disk]", "kernel"},
    {"[disk a]\nmode = both", 2, "shared, private or persistent", "both"},
    {"[disk a]\ndrive = 16", 2, "0 to 15", "16"},
    {"[disk a]\ndrive = 1\nmodule = m", 3, "one drive or one module", "m"},
    {"[disk a]\nmode = shared", 0, "neither drive nor module", "a"},
    {"[disk a]\ndrive=1\n[disk b]\ndrive=1", 0, "another disk's", "b"},
    {"[vm a]\nkernel=k\ndisks=d\n[vm b]\nkernel=k\ndisks=d\n[disk d]\ndrive=0\nmode=persistent", 0, "one VM", "d"},
    {"\xff\xfe = 1", 1, "unknown key before", "??"},
    {"weight = 6\x1b", 1, "control character", "weight = 6?"},
};

Test(config, what_is_wrong_is_said)
{
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_eq(parse(wrong[i].text), ERR_INVAL, "%s", wrong[i].text);
        cr_assert_eq(error.line, wrong[i].line, "%s: line %u", wrong[i].text, error.line);
        cr_assert(strstr(error.what, wrong[i].what), "%s: %s", wrong[i].text, error.what);
        cr_assert_str_eq(error.word, wrong[i].word);
    }
}

static char *repeat(char *to, unsigned n, const char *format)
{
    for (unsigned i = 0; i < n; i++)
        to += sprintf(to, format, i, i);
    return to;
}

Test(config, limits)
{
    static char text[1 << 16];
    repeat(text, 16, "[vm v%u]\nkernel=k\nvcpus=4\n");
    cr_assert_eq(parse(text), 0);
    cr_assert_eq(parsed.config.nvms, 16);
    cr_assert_str_eq(parsed.vm[15].name, "v15");
    repeat(text, 17, "[vm v%u]\nkernel=k\n");
    cr_assert_eq(parse(text), ERR_INVAL);
    cr_assert_eq(error.line, 33);
    repeat(text, 5, "[vm v%u]\nkernel=k\nvcpus=13\n");
    cr_assert_eq(parse(text), ERR_INVAL);
    cr_assert(strstr(error.what, "64 virtual CPUs"));
    repeat(text, 16, "[disk d%u]\ndrive=%u\n");
    cr_assert_eq(parse(text), 0);
    cr_assert_eq(parsed.config.ndisks, 16);
    repeat(text, 17, "[disk d%u]\ndrive=%u\n");
    cr_assert_eq(parse(text), ERR_INVAL);
    cr_assert_eq(error.line, 33);
}

Test(config, long_lines)
{
    static char text[4096];
    for (unsigned n = 1023; n <= 1024; n++) {
        char *end = text + sprintf(text, "[vm a]\nkernel=k\ncmdline=");
        memset(end, 'x', n);
        end[n] = 0;
        cr_assert_eq(parse(text), n == 1023 ? 0 : ERR_INVAL);
    }
    cr_assert_eq(error.line, 3);
    for (unsigned n = 255; n <= 256; n++) {
        memcpy(text, "policy=migrep:trigger=", 22);
        memset(text + 22, '0', n);
        memcpy(text + 7 + n - 2, "64", 3);
        cr_assert_eq(parse(text), n == 255 ? 0 : ERR_INVAL);
    }
    cr_assert(strstr(error.what, "255 characters"));
}

/* A zero does not end the text. */
Test(config, zeros)
{
    cr_assert_eq(parse_bytes("\0", 1), ERR_INVAL);
    cr_assert_eq(parse_bytes("weight=6\0004", 10), ERR_INVAL);
    cr_assert_eq(parse_bytes("[vm a\0b]", 8), ERR_INVAL);
    cr_assert_eq(parse_bytes("policy=migrep\0", 14), ERR_INVAL);
}
