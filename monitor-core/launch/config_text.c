/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/config_text.h"

#include <string.h>

#include "monitor-core/sched.h"
#include "policy/text.h"

struct parser {
    struct config_text *text;
    struct config_error *error;
    const struct key *keys; /* of the section */
    char *into;             /* what the section describes */
    uint32_t line;
};

/* A key of a section; numbers have bounds, and help that says which. The last one of a table has no name. */
struct key {
    struct policy_param number;
    int (*set)(struct parser *, const struct key *, struct text value);
    size_t offset;
};

static int fail(struct parser *p, const char *what, struct text word)
{
    struct config_error *e = p->error;
    size_t n = word.n < sizeof e->word ? word.n : sizeof e->word - 1;
    *e = (struct config_error){.line = p->line, .what = what};
    for (size_t i = 0; i < n; i++)
        e->word[i] = word.at[i] >= ' ' && word.at[i] <= '~' ? word.at[i] : '?';
    return ERR_INVAL;
}

static bool is(struct text a, const char *b)
{
    size_t i = 0;
    while (i < a.n && b[i] && a.at[i] == b[i])
        i++;
    return i == a.n && !b[i];
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct text trim(struct text p)
{
    while (p.n && blank(*p.at))
        p.at++, p.n--;
    while (p.n && blank(p.at[p.n - 1]))
        p.n--;
    return p;
}

static bool copy(char *to, size_t size, struct text from)
{
    if (from.n >= size)
        return false;
    memset(to, 0, size);
    memcpy(to, from.at, from.n);
    return true;
}

static int copy_name(struct parser *p, char *to, struct text from)
{
    for (size_t i = 0; i < from.n; i++)
        if (from.at[i] <= ' ' || from.at[i] > '~' || from.at[i] == ',')
            return fail(p, "a name has no blanks and no commas", from);
    if (from.n == 0)
        return fail(p, "a name is missing", from);
    return copy(to, CONFIG_NAME, from) ? 0 : fail(p, "a name has at most 31 characters", from);
}

/* What keys mean. */

static int set_policy(struct parser *p, const struct key *k, struct text value)
{
    struct config *c = &p->text->config;
    struct policy_error error;
    (void)k;
    if (!copy(c->spec, sizeof c->spec, value))
        return fail(p, "the policy has more than 255 characters", text_until(&value, ':'));
    int err = policy_parse(c->spec, &c->policy, c->param, &error);
    if (err && (c->policy || !p->text->any_policy))
        return fail(p, error.what, text_of(error.word));
    if (c->policy && c->policy->signals & SIGNAL_ADVICE)
        return fail(p, "a policy that knows the future runs in replay only", text_until(&value, ':'));
    return 0;
}

static int set_number(struct parser *p, const struct key *k, struct text value)
{
    uint64_t v;
    if (!policy_value(&k->number, value.at, value.n, &v) || v < k->number.min || v > k->number.max)
        return fail(p, k->number.help, value);
    *(uint32_t *)(void *)(p->into + k->offset) = (uint32_t)v;
    return 0;
}

static int set_power_of_two(struct parser *p, const struct key *k, struct text value)
{
    int err = set_number(p, k, value);
    uint32_t v = *(uint32_t *)(void *)(p->into + k->offset);
    return err || (v & (v - 1)) == 0 ? err : fail(p, k->number.help, value);
}

static int set_name(struct parser *p, const struct key *k, struct text value)
{
    return copy_name(p, p->into + k->offset, value);
}

static int set_cmdline(struct parser *p, const struct key *k, struct text value)
{
    return copy(p->into + k->offset, CONFIG_TEXT_CMDLINE, value) ? 0 : fail(p, k->number.help, text_of(k->number.name));
}

/* The disk of that name, which a VM may name before its section comes. */
static int find_disk(struct parser *p, struct text name, uint32_t *index)
{
    struct config *c = &p->text->config;
    uint32_t i = 0;
    while (i < c->ndisks && !is(name, c->disk[i].name))
        i++;
    *index = i;
    if (i < c->ndisks)
        return 0;
    if (i == CONFIG_DISKS)
        return fail(p, "there are at most 16 disks", name);
    c->ndisks++;
    c->disk[i].drive = CONFIG_NO_DRIVE;
    return copy_name(p, c->disk[i].name, name);
}

static int set_disks(struct parser *p, const struct key *k, struct text value)
{
    (void)k;
    struct config_text_vm *vm = (struct config_text_vm *)(void *)p->into;
    vm->ndisks = 0;
    while (value.n) {
        struct text name = trim(text_until(&value, ','));
        uint32_t index;
        int err = find_disk(p, name, &index);
        if (err)
            return err;
        if (vm->ndisks == CONFIG_VM_DISKS)
            return fail(p, "a VM has at most 4 disks", name);
        for (uint32_t i = 0; i < vm->ndisks; i++)
            if (vm->disk[i] == index)
                return fail(p, "a VM has a disk once", name);
        vm->disk[vm->ndisks++] = index;
    }
    return 0;
}

static int set_mode(struct parser *p, const struct key *k, struct text value)
{
    struct config_disk *d = (struct config_disk *)(void *)p->into;
    d->persistent = is(value, "persistent");
    d->private_cache = is(value, "private");
    return d->persistent || d->private_cache || is(value, "shared") ? 0 : fail(p, k->number.help, value);
}

static int set_place(struct parser *p, const struct key *k, struct text value)
{
    struct config_disk *d = (struct config_disk *)(void *)p->into;
    if (d->drive != CONFIG_NO_DRIVE || *d->module)
        return fail(p, "a disk is one drive or one module", value);
    return k->offset == offsetof(struct config_disk, module) ? set_name(p, k, value) : set_number(p, k, value);
}

#define MACHINE(member) offsetof(struct config, member)
#define VM(member) offsetof(struct config_text_vm, member)
#define DISK(member) offsetof(struct config_disk, member)

static const struct key machine_keys[] = {
    {{.name = "policy"}, set_policy, 0},
    {{"harvest_ms", 0, 20, 1000, "", "harvest_ms is a number from 0 to 1000"}, set_number, MACHINE(harvest_ms)},
    {{"weight", 1, 64, 32768, "", "weight is a power of two from 1 to 32768"}, set_power_of_two, MACHINE(weight)},
    {{"around", 1, 16, 64, "", "around is a power of two from 1 to 64"}, set_power_of_two, MACHINE(around)},
    {{"slice_ms", 1, 10, 1000, "", "slice_ms is a number from 1 to 1000"}, set_number, MACHINE(slice_ms)},
    {{"cpus", 1, 0, SCHED_CPUS, "", "cpus is a number from 1 to 64"}, set_number, MACHINE(cpus)},
    {{"record", 0, 0, 1, "", "record is 0 or 1"}, set_number, MACHINE(record)},
    {{"poison", 0, 0, 1, "", "poison is 0 or 1"}, set_number, MACHINE(poison)},
    {{.help = "unknown key before the first section"}, NULL, 0},
};

static const struct key vm_keys[] = {
    {{.name = "kernel"}, set_name, VM(kernel)},
    {{.name = "initrd"}, set_name, VM(initrd)},
    {{"vcpus", 1, 1, CONFIG_VCPUS, "", "vcpus is a number from 1 to 16"}, set_number, VM(vcpus)},
    {{"memory_mb", 2, 256, 65536, "", "memory_mb is a number from 2 to 65536"}, set_number, VM(memory_mb)},
    {{.name = "disks"}, set_disks, 0},
    {{.name = "cmdline", .help = "cmdline has at most 1023 characters"}, set_cmdline, VM(cmdline)},
    {{.help = "unknown key in [vm]"}, NULL, 0},
};

static const struct key disk_keys[] = {
    {{"drive", 0, 0, CONFIG_DISKS - 1, "", "drive is a number from 0 to 15"}, set_place, DISK(drive)},
    {{.name = "module"}, set_place, DISK(module)},
    {{.name = "mode", .help = "mode is shared, private or persistent"}, set_mode, 0},
    {{.help = "unknown key in [disk]"}, NULL, 0},
};

static void open_section(struct parser *p, const struct key *keys, void *into)
{
    p->keys = keys;
    p->into = into;
    for (; keys->set; keys++)
        if (keys->number.preset)
            *(uint32_t *)(void *)(p->into + keys->offset) = (uint32_t)keys->number.preset;
}

static int open_vm(struct parser *p, struct text name)
{
    struct config_text *t = p->text;
    for (uint32_t i = 0; i < t->config.nvms; i++)
        if (is(name, t->vm[i].name))
            return fail(p, "there are two VMs of that name", name);
    if (t->config.nvms == CONFIG_VMS)
        return fail(p, "there are at most 16 VMs", name);
    open_section(p, vm_keys, &t->vm[t->config.nvms]);
    return copy_name(p, t->vm[t->config.nvms++].name, name);
}

static int open_disk(struct parser *p, struct text name)
{
    uint32_t index;
    int err = find_disk(p, name, &index);
    if (!err)
        open_section(p, disk_keys, &p->text->config.disk[index]);
    return err;
}

/* "[vm NAME]" or "[disk NAME]". */
static int parse_section(struct parser *p, struct text line)
{
    struct text name = {line.at + 1, line.n - 2};
    if (line.n > 2 && line.at[line.n - 1] == ']') {
        name = trim(name);
        struct text kind = text_until(&name, ' ');
        if (is(kind, "vm") || is(kind, "disk"))
            return is(kind, "vm") ? open_vm(p, trim(name)) : open_disk(p, trim(name));
    }
    return fail(p, "a section is [vm NAME] or [disk NAME]", line);
}

static int parse_line(struct parser *p, struct text line)
{
    line = trim(line);
    for (size_t i = 0; i < line.n; i++)
        if ((unsigned char)line.at[i] < ' ' && !blank(line.at[i]))
            return fail(p, "a control character", line);
    if (line.n == 0 || *line.at == '#')
        return 0;
    if (*line.at == '[')
        return parse_section(p, line);
    struct text value = line, key = trim(text_until(&value, '='));
    if (key.n == line.n)
        return fail(p, "a line is key = value", line);
    if (!is(key, "cmdline"))
        value = text_until(&value, '#');
    const struct key *k = p->keys;
    while (k->set && !is(key, k->number.name))
        k++;
    return k->set ? k->set(p, k, trim(value)) : fail(p, k->number.help, key);
}

static uint32_t users(const struct config_text *t, uint32_t disk)
{
    uint32_t n = 0;
    for (uint32_t v = 0; v < t->config.nvms; v++)
        for (uint32_t i = 0; i < t->vm[v].ndisks; i++)
            n += t->vm[v].disk[i] == disk;
    return n;
}

static int check_disk(struct parser *p, uint32_t index)
{
    const struct config *c = &p->text->config;
    const struct config_disk *d = &c->disk[index];
    struct text name = text_of(d->name);
    if (d->drive == CONFIG_NO_DRIVE && !*d->module)
        return fail(p, "a disk has neither drive nor module", name);
    if (d->persistent && users(p->text, index) > 1)
        return fail(p, "a persistent disk belongs to one VM", name);
    for (uint32_t i = 0; i < index; i++)
        if (d->drive != CONFIG_NO_DRIVE && c->disk[i].drive == d->drive)
            return fail(p, "the disk's drive is another disk's already", name);
    return 0;
}

/* What can only be said of the text as a whole. */
static int check(struct parser *p)
{
    const struct config_text *t = p->text;
    uint32_t vcpus = 0;
    p->line = 0;
    for (uint32_t i = 0; i < t->config.nvms; i++) {
        if (!*t->vm[i].kernel)
            return fail(p, "a VM has no kernel", text_of(t->vm[i].name));
        vcpus += t->vm[i].vcpus;
    }
    if (vcpus > SCHED_VCPUS)
        return fail(p, "there are more than 64 virtual CPUs", text_of(""));
    int err = 0;
    for (uint32_t i = 0; i < t->config.ndisks && !err; i++)
        err = check_disk(p, i);
    return err;
}

static void digest(char *to, const char *text, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    for (unsigned i = 0; i < 16; i++)
        to[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
}

int config_text_parse(struct config_text *t, const char *text, size_t size, bool any_policy, struct config_error *error)
{
    struct parser p = {.text = t, .error = error};
    struct text rest = {text, size};
    *error = (struct config_error){.what = ""};
    memset(t, 0, sizeof *t);
    t->any_policy = any_policy;
    digest(t->config.digest, text, size);
    open_section(&p, machine_keys, &t->config);
    int err = set_policy(&p, NULL, text_of("first_touch"));
    while (rest.n && !err) {
        p.line++;
        err = parse_line(&p, text_until(&rest, '\n'));
    }
    return err ? err : check(&p);
}
