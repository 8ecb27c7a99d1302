/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/config.h"

#include "monitor-core/sched.h"
#include "monitor-core/stir.h"

/* A piece of the text. */
struct piece {
    const char *at;
    size_t n;
};

struct parser {
    struct config *config;
    struct config_error *error;
    struct config_vm *vm; /* of the section, or null */
    struct config_disk *disk;
    uint32_t line;
    uint32_t placed; /* disks that have a drive or a module */
};

enum { VM_VCPUS_MAX = 16, MEMORY_MB_MIN = 2, MEMORY_MB_MAX = 65536 };

static int fail(struct parser *p, const char *what, struct piece word)
{
    struct config_error *e = p->error;
    size_t n = word.n < sizeof e->word ? word.n : sizeof e->word - 1;
    *e = (struct config_error){.line = p->line, .what = what};
    for (size_t i = 0; i < n; i++)
        e->word[i] = word.at[i] >= ' ' && word.at[i] <= '~' ? word.at[i] : '?';
    return ERR_INVAL;
}

static bool is(struct piece a, const char *b)
{
    size_t i = 0;
    while (i < a.n && b[i] && a.at[i] == b[i])
        i++;
    return i == a.n && !b[i];
}

static struct piece piece_of(const char *s)
{
    struct piece p = {s, 0};
    while (s[p.n])
        p.n++;
    return p;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trim(struct piece p)
{
    while (p.n && blank(*p.at))
        p.at++, p.n--;
    while (p.n && blank(p.at[p.n - 1]))
        p.n--;
    return p;
}

/* Takes what stands before the first `stop` out of *rest, and the stop as well; all of it when there is none. */
static struct piece until(struct piece *rest, char stop)
{
    struct piece head = {rest->at, 0};
    while (head.n < rest->n && head.at[head.n] != stop)
        head.n++;
    size_t taken = head.n < rest->n ? head.n + 1 : head.n;
    rest->at += taken;
    rest->n -= taken;
    return head;
}

static bool copy(char *to, size_t size, struct piece from)
{
    if (from.n >= size)
        return false;
    __builtin_memset(to, 0, size);
    __builtin_memcpy(to, from.at, from.n);
    return true;
}

static int copy_name(struct parser *p, char *to, struct piece from)
{
    for (size_t i = 0; i < from.n; i++)
        if (from.at[i] <= ' ' || from.at[i] > '~' || from.at[i] == ',')
            return fail(p, "a name has no blanks and no commas", from);
    if (from.n == 0)
        return fail(p, "a name is missing", from);
    return copy(to, CONFIG_NAME, from) ? 0 : fail(p, "a name has at most 31 characters", from);
}

/* Digits, decimal or 0x, at the head of *p, which then holds what follows. False: none, or too large. */
static bool take_digits(struct piece *p, uint64_t *value)
{
    bool hex = p->n > 2 && p->at[0] == '0' && (p->at[1] | 32) == 'x';
    size_t start = hex ? 2 : 0, i = start;
    *value = 0;
    for (; i < p->n; i++) {
        char c = p->at[i], letter = (char)(c | 32);
        unsigned digit = c >= '0' && c <= '9'                    ? (unsigned)(c - '0')
                         : hex && letter >= 'a' && letter <= 'f' ? (unsigned)(letter - 'a' + 10)
                                                                 : 99;
        if (digit == 99)
            break;
        if (__builtin_mul_overflow(*value, hex ? 16u : 10u, value) || __builtin_add_overflow(*value, digit, value))
            return false;
    }
    p->at += i;
    p->n -= i;
    return i > start;
}

static bool number(struct piece p, uint64_t min, uint64_t max, uint64_t *value)
{
    return take_digits(&p, value) && p.n == 0 && *value >= min && *value <= max;
}

/* What a unit stands for; 0: it does not fit this parameter. */
static uint64_t unit_factor(const struct policy_param *param, struct piece unit)
{
    static const struct {
        char name[3];
        bool time;
        uint64_t factor;
    } units[] = {{"", false, 1},         {"k", false, 1000},     {"M", false, 1000000},  {"G", false, 1000000000},
                 {"Ki", false, 1 << 10}, {"Mi", false, 1 << 20}, {"Gi", false, 1 << 30}, {"ns", true, 1},
                 {"us", true, 1000},     {"ms", true, 1000000},  {"s", true, 1000000000}};
    struct piece own = piece_of(param->unit ? param->unit : "");
    if (is(unit, "%") && is(own, "percent"))
        return 1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (is(unit, units[i].name) && (!units[i].time || is(own, "ns")))
            return units[i].factor;
    return 0;
}

/* One "name=value" of the policy. */
static int set_param(struct parser *p, struct piece item)
{
    struct config *c = p->config;
    struct piece value = item, name = until(&value, '=');
    int index = name.n ? policy_param_index(c->policy, name.at, name.n) : -1;
    if (index < 0)
        return fail(p, "the policy has no such parameter", name);
    const struct policy_param *param = &c->policy->params[index];
    uint64_t v;
    bool good = take_digits(&value, &v);
    uint64_t factor = good ? unit_factor(param, value) : 0;
    if (factor == 0 || __builtin_mul_overflow(v, factor, &v))
        return fail(p, "not a number in the parameter's unit", item);
    if (v < param->min || v > param->max)
        return fail(p, "the parameter is out of its range", item);
    c->param[index] = v;
    return 0;
}

static const struct policy_class *find_policy(struct piece name)
{
    char copied[CONFIG_NAME];
    if (is(name, policy_stir.name))
        return &policy_stir;
    return copy(copied, sizeof copied, name) ? policy_find(copied) : NULL;
}

static int set_policy(struct parser *p, struct piece value)
{
    struct config *c = p->config;
    struct piece name = until(&value, ':');
    struct piece whole = {name.at, (size_t)(value.at + value.n - name.at)};
    c->policy = find_policy(name);
    if (!c->policy)
        return fail(p, "unknown policy", name);
    if (!copy(c->spec, sizeof c->spec, whole))
        return fail(p, "the policy has more than 255 characters", name);
    policy_defaults(c->policy, c->param);
    while (value.n) {
        int err = set_param(p, until(&value, ','));
        if (err)
            return err;
    }
    return 0;
}

static int set_online_policy(struct parser *p, struct piece value)
{
    struct piece name = value;
    int err = set_policy(p, value);
    if (!err && p->config->policy->signals & SIGNAL_ADVICE)
        return fail(p, "a policy that knows the future runs in replay only", until(&name, ':'));
    return err;
}

static struct config_disk *find_disk(struct config *c, struct piece name)
{
    for (uint32_t i = 0; i < c->ndisks; i++)
        if (is(name, c->disk[i].name))
            return &c->disk[i];
    return NULL;
}

static int set_disks(struct parser *p, struct piece value)
{
    struct config_vm *vm = p->vm;
    vm->ndisks = 0;
    while (value.n) {
        struct piece name = trim(until(&value, ','));
        struct config_disk *disk = find_disk(p->config, name);
        if (!disk)
            return fail(p, "there is no [disk] of that name", name);
        if (vm->ndisks == CONFIG_VM_DISKS)
            return fail(p, "a VM has at most 4 disks", name);
        uint8_t index = (uint8_t)(disk - p->config->disk);
        for (uint32_t i = 0; i < vm->ndisks; i++)
            if (vm->disk[i] == index)
                return fail(p, "a VM has a disk once", name);
        vm->disk[vm->ndisks++] = index;
    }
    return 0;
}

static int set_number(struct parser *p, struct piece value, uint32_t min, uint32_t max, const char *what, uint32_t *to)
{
    uint64_t v;
    if (!number(value, min, max, &v))
        return fail(p, what, value);
    *to = (uint32_t)v;
    return 0;
}

static int set_power_of_two(struct parser *p, struct piece value, uint32_t max, const char *what, uint32_t *to)
{
    int err = set_number(p, value, 1, max, what, to);
    return err || (*to & (*to - 1)) == 0 ? err : fail(p, what, value);
}

static int set_switch(struct parser *p, struct piece value, bool *to)
{
    uint64_t v;
    if (!number(value, 0, 1, &v))
        return fail(p, "neither 0 nor 1", value);
    *to = v;
    return 0;
}

static int set_machine(struct parser *p, struct piece key, struct piece value)
{
    struct config *c = p->config;
    if (is(key, "policy"))
        return set_online_policy(p, value);
    if (is(key, "harvest_ms"))
        return set_number(p, value, 0, 1000, "harvest_ms is a number from 0 to 1000", &c->harvest_ms);
    if (is(key, "weight"))
        return set_power_of_two(p, value, 32768, "weight is a power of two from 1 to 32768", &c->weight);
    if (is(key, "around"))
        return set_power_of_two(p, value, 64, "around is a power of two from 1 to 64", &c->around);
    if (is(key, "slice_ms"))
        return set_number(p, value, 1, 1000, "slice_ms is a number from 1 to 1000", &c->slice_ms);
    if (is(key, "cpus"))
        return set_number(p, value, 1, SCHED_CPUS, "cpus is a number from 1 to 64", &c->cpus);
    if (is(key, "record"))
        return set_switch(p, value, &c->record);
    if (is(key, "poison"))
        return set_switch(p, value, &c->poison);
    if (is(key, "seed"))
        return number(value, 0, UINT64_MAX, &c->seed) ? 0 : fail(p, "seed is a number", value);
    return fail(p, "unknown key before the first section", key);
}

static int set_vm(struct parser *p, struct piece key, struct piece value)
{
    struct config_vm *vm = p->vm;
    if (is(key, "kernel"))
        return copy_name(p, vm->kernel, value);
    if (is(key, "initrd"))
        return copy_name(p, vm->initrd, value);
    if (is(key, "vcpus"))
        return set_number(p, value, 1, VM_VCPUS_MAX, "vcpus is a number from 1 to 16", &vm->vcpus);
    if (is(key, "memory_mb"))
        return set_number(p, value, MEMORY_MB_MIN, MEMORY_MB_MAX, "memory_mb is a number from 2 to 65536",
                          &vm->memory_mb);
    if (is(key, "disks"))
        return set_disks(p, value);
    if (is(key, "cmdline"))
        return copy(vm->cmdline, sizeof vm->cmdline, value) ? 0 : fail(p, "cmdline has at most 1023 characters", key);
    return fail(p, "unknown key in [vm]", key);
}

static int set_disk(struct parser *p, struct piece key, struct piece value)
{
    struct config_disk *d = p->disk;
    bool drive = is(key, "drive"), module = is(key, "module");
    uint32_t bit = UINT32_C(1) << (d - p->config->disk);
    if (is(key, "mode")) {
        d->persistent = is(value, "persistent");
        d->private_cache = is(value, "private");
        return d->persistent || d->private_cache || is(value, "shared")
                   ? 0
                   : fail(p, "mode is shared, private or persistent", value);
    }
    if (!drive && !module)
        return fail(p, "unknown key in [disk]", key);
    if (p->placed & bit)
        return fail(p, "a disk is one drive or one module", value);
    p->placed |= bit;
    if (module)
        return copy_name(p, d->module, value);
    return set_number(p, value, 0, CONFIG_DISKS - 1, "drive is a number from 0 to 15", &d->drive);
}

/* "[vm NAME]" and "[disk NAME]"; false: no such line. */
static bool section(struct piece line, bool *vm, struct piece *name)
{
    if (line.n < 2 || line.at[0] != '[' || line.at[line.n - 1] != ']')
        return false;
    struct piece inner = trim((struct piece){line.at + 1, line.n - 2});
    struct piece kind = until(&inner, ' ');
    *vm = is(kind, "vm");
    *name = trim(inner);
    return *vm || is(kind, "disk");
}

static int open_vm(struct parser *p, struct piece name)
{
    struct config *c = p->config;
    for (uint32_t i = 0; i < c->nvms; i++)
        if (is(name, c->vm[i].name))
            return fail(p, "there are two VMs of that name", name);
    if (c->nvms == CONFIG_VMS)
        return fail(p, "there are at most 16 VMs", name);
    p->vm = &c->vm[c->nvms++];
    *p->vm = (struct config_vm){.vcpus = 1, .memory_mb = 256};
    return copy_name(p, p->vm->name, name);
}

static int open_section(struct parser *p, struct piece line)
{
    struct piece name;
    bool vm;
    if (!section(line, &vm, &name))
        return fail(p, "a section is [vm NAME] or [disk NAME]", line);
    p->vm = NULL;
    p->disk = vm ? NULL : find_disk(p->config, name);
    return vm ? open_vm(p, name) : 0;
}

static bool printable(struct piece line)
{
    for (size_t i = 0; i < line.n; i++)
        if ((unsigned char)line.at[i] < ' ' && !blank(line.at[i]))
            return false;
    return true;
}

static int parse_line(struct parser *p, struct piece line)
{
    line = trim(line);
    if (!printable(line))
        return fail(p, "a control character", line);
    if (line.n == 0 || *line.at == '#')
        return 0;
    if (*line.at == '[')
        return open_section(p, line);
    struct piece value = line, key = trim(until(&value, '='));
    if (key.n == line.n)
        return fail(p, "a line is key = value", line);
    if (!is(key, "cmdline"))
        value = until(&value, '#');
    value = trim(value);
    if (p->disk)
        return set_disk(p, key, value);
    return p->vm ? set_vm(p, key, value) : set_machine(p, key, value);
}

/* First pass: the disks' names, so that a VM can name one that comes later. */
static int collect_disk(struct parser *p, struct piece line)
{
    struct config *c = p->config;
    struct piece name;
    bool vm;
    if (!section(trim(line), &vm, &name) || vm)
        return 0;
    if (find_disk(c, name))
        return fail(p, "there are two disks of that name", name);
    if (c->ndisks == CONFIG_DISKS)
        return fail(p, "there are at most 16 disks", name);
    return copy_name(p, c->disk[c->ndisks++].name, name);
}

static int each_line(struct parser *p, struct piece text, int (*act)(struct parser *, struct piece))
{
    int err = 0;
    for (p->line = 1; !err && text.n; p->line++) {
        struct piece line = until(&text, '\n');
        err = act(p, line);
    }
    return err;
}

static uint32_t disk_users(const struct config *c, uint32_t disk)
{
    uint32_t n = 0;
    for (uint32_t v = 0; v < c->nvms; v++)
        for (uint32_t i = 0; i < c->vm[v].ndisks; i++)
            n += c->vm[v].disk[i] == disk;
    return n;
}

static int check_disk(struct parser *p, uint32_t index)
{
    const struct config *c = p->config;
    const struct config_disk *d = &c->disk[index];
    struct piece name = piece_of(d->name);
    if (!(p->placed >> index & 1))
        return fail(p, "a disk has neither drive nor module", name);
    if (d->persistent && disk_users(c, index) > 1)
        return fail(p, "a persistent disk belongs to one VM", name);
    for (uint32_t i = 0; i < index; i++)
        if (!*d->module && !*c->disk[i].module && c->disk[i].drive == d->drive)
            return fail(p, "the disk's drive is another disk's already", name);
    return 0;
}

/* What can only be said of the text as a whole. */
static int check(struct parser *p)
{
    const struct config *c = p->config;
    uint32_t vcpus = 0;
    p->line = 0;
    for (uint32_t i = 0; i < c->nvms; i++) {
        if (!*c->vm[i].kernel)
            return fail(p, "a VM has no kernel", piece_of(c->vm[i].name));
        vcpus += c->vm[i].vcpus;
    }
    if (vcpus > SCHED_VCPUS)
        return fail(p, "there are more than 64 virtual CPUs", piece_of(""));
    for (uint32_t i = 0; i < c->ndisks; i++) {
        int err = check_disk(p, i);
        if (err)
            return err;
    }
    return 0;
}

int config_parse(struct config *c, const char *text, size_t size, struct config_error *error)
{
    struct parser p = {.config = c, .error = error};
    struct piece whole = {text, size};
    *error = (struct config_error){.what = ""};
    __builtin_memset(c, 0, sizeof *c);
    c->harvest_ms = 20;
    c->weight = 64;
    c->around = 16;
    c->slice_ms = 10;
    c->seed = 1;
    int err = set_policy(&p, piece_of("first_touch"));
    err = err ? err : each_line(&p, whole, collect_disk);
    err = err ? err : each_line(&p, whole, parse_line);
    return err ? err : check(&p);
}

int config_parse_policy(struct config *c, const char *spec, struct config_error *error)
{
    struct parser p = {.config = c, .error = error};
    *error = (struct config_error){.what = ""};
    return set_policy(&p, piece_of(spec));
}
