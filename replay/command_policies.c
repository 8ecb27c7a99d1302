/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "policy/policy.h"
#include "replay/command.h"

static const struct {
    unsigned bit;
    const char *name;
} signals[] = {
    {SIGNAL_MISSES, "misses"}, {SIGNAL_HINTS, "hints"},   {SIGNAL_ACCESSED, "accessed"},
    {SIGNAL_LOAD, "load"},     {SIGNAL_ADVICE, "advice"},
};
enum { SIGNALS = sizeof signals / sizeof *signals };

static const struct {
    unsigned bit;
    const char *name;
} wants[] = {{WANT_ACCESSES, "cache hits"}, {WANT_STORES, "retired stores"}};
enum { WANTS = sizeof wants / sizeof *wants };

/* "misses+load"; "-" for none. */
static const char *signal_text(unsigned bits, char *text, size_t size)
{
    snprintf(text, size, "%s", bits ? "" : "-");
    for (size_t i = 0; i < SIGNALS; i++)
        if (bits & signals[i].bit)
            snprintf(text + strlen(text), size - strlen(text), "%s%s", *text ? "+" : "", signals[i].name);
    return text;
}

static const struct {
    const char *of, *name; /* a parameter's unit, and what may follow a number of it */
    uint64_t factor;
} units[] = {
    {"ns", "ns", 1},
    {"ns", "us", 1000},
    {"ns", "ms", 1000000},
    {"ns", "s", 1000000000},
    {"bytes", "B", 1},
    {"bytes", "kB", 1000},
    {"bytes", "KiB", UINT64_C(1) << 10},
    {"bytes", "MB", 1000000},
    {"bytes", "MiB", UINT64_C(1) << 20},
    {"bytes", "GB", 1000000000},
    {"bytes", "GiB", UINT64_C(1) << 30},
    {"bytes", "TiB", UINT64_C(1) << 40},
    {"bytes", "PiB", UINT64_C(1) << 50},
};

/* As one may type it, in the greatest unit that gives a whole number: 100000000 ns is 100ms, 2097152 bytes are 2MiB. */
static const char *value_text(uint64_t value, const char *unit, char text[24])
{
    uint64_t factor = 1;
    const char *name = "";

    if (value == UINT64_MAX)
        return "unbounded";
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (value && strcmp(unit, units[i].of) == 0 && value % units[i].factor == 0) {
            factor = units[i].factor;
            name = units[i].name;
        }
    snprintf(text, 24, "%" PRIu64 "%s", value / factor, name);
    return text;
}

/* What the column of units says of numbers that bear theirs. */
static const char *unit_text(const char *unit)
{
    if (strcmp(unit, "bytes") == 0)
        return "size";
    return strcmp(unit, "ns") == 0 ? "time" : unit;
}

/* --- table --- */

static void list_table(void)
{
    char text[64];
    size_t name = strlen("policy"), observes = strlen("observes");

    for (const struct policy_class *const *c = policy_classes; *c; c++) {
        size_t n = strlen((*c)->name), o = strlen(signal_text((*c)->signals, text, sizeof text));
        name = n > name ? n : name;
        observes = o > observes ? o : observes;
    }
    printf("%-*s  %-*s  %s\n", (int)name, "policy", (int)observes, "observes", "what it does");
    for (const struct policy_class *const *c = policy_classes; *c; c++)
        printf("%-*s  %-*s  %s\n", (int)name, (*c)->name, (int)observes, signal_text((*c)->signals, text, sizeof text),
               (*c)->summary);
}

static void class_table(const struct policy_class *class)
{
    char text[64], min[24], preset[24], max[24];
    unsigned n = policy_param_count(class);

    printf("%s: %s\n", class->name, class->summary);
    printf("source: %s\n", class->source);
    printf("fidelity: %s\n", class->fidelity ? class->fidelity : "rules as in the source");
    printf("observes: %s\n", signal_text(class->signals, text, sizeof text));
    for (size_t i = 0; i < WANTS; i++)
        if (class->wants & wants[i].bit)
            printf("the original sees besides: %s\n", wants[i].name);
    if (class->tick_ns)
        printf("tick: every %s\n", value_text(class->tick_ns, "ns", min));
    printf(n ? "\n%-16s %14s %14s %14s  %-8s %s\n" : "no parameters\n", "parameter", "default", "least", "most", "unit",
           "meaning");
    for (unsigned i = 0; i < n; i++) {
        const struct policy_param *p = &class->params[i];
        printf("%-16s %14s %14s %14s  %-8s %s\n", p->name, value_text(p->preset, p->unit, preset),
               value_text(p->min, p->unit, min), value_text(p->max, p->unit, max), unit_text(p->unit), p->help);
    }
}

/* --- csv --- */

static void csv_field(const char *text, char end)
{
    bool quote = text[strcspn(text, ",\"\n\r")] != '\0';

    if (quote)
        putchar('"');
    for (; *text; text++)
        printf(quote && *text == '"' ? "\"\"" : "%c", *text);
    if (quote)
        putchar('"');
    putchar(end);
}

static void list_csv(void)
{
    char text[64];

    printf("policy,observes,tick_ns,summary,source\n");
    for (const struct policy_class *const *c = policy_classes; *c; c++) {
        csv_field((*c)->name, ',');
        csv_field(signal_text((*c)->signals, text, sizeof text), ',');
        printf("%" PRIu64 ",", (*c)->tick_ns);
        csv_field((*c)->summary, ',');
        csv_field((*c)->source, '\n');
    }
}

static void class_csv(const struct policy_class *class)
{
    printf("parameter,default,min,max,unit,help\n");
    for (unsigned i = 0; i < policy_param_count(class); i++) {
        const struct policy_param *p = &class->params[i];
        csv_field(p->name, ',');
        printf("%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", p->preset, p->min, p->max);
        csv_field(p->unit, ',');
        csv_field(p->help, '\n');
    }
}

/* --- json --- */

/* Unbounded is null. */
static json_t *json_value(uint64_t value)
{
    return value > INT64_MAX ? json_null() : json_integer((json_int_t)value);
}

static json_t *json_params(const struct policy_class *class)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < policy_param_count(class); i++) {
        const struct policy_param *p = &class->params[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:s, s:s}", "name", p->name, "default",
                                              json_value(p->preset), "min", json_value(p->min), "max",
                                              json_value(p->max), "unit", p->unit, "help", p->help));
    }
    return list;
}

static json_t *json_class(const struct policy_class *class)
{
    json_t *observes = json_array(), *lacks = json_array();

    for (size_t i = 0; i < SIGNALS; i++)
        if (class->signals & signals[i].bit)
            json_array_append_new(observes, json_string(signals[i].name));
    for (size_t i = 0; i < WANTS; i++)
        if (class->wants & wants[i].bit)
            json_array_append_new(lacks, json_string(wants[i].name));
    return json_pack("{s:s, s:s, s:s, s:s?, s:o, s:o, s:I, s:o}", "name", class->name, "summary", class->summary,
                     "source", class->source, "fidelity", class->fidelity, "observes", observes, "wants", lacks,
                     "tick_ns", (json_int_t) class->tick_ns, "params", json_params(class));
}

static int show_json_of(const struct cli *cli, const struct policy_class *class)
{
    json_t *root = class ? json_class(class) : json_array();

    for (const struct policy_class *const *c = policy_classes; !class && *c; c++)
        json_array_append_new(root, json_class(*c));
    int err = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
    json_decref(root);
    printf("\n");
    return err ? cli_error(cli, "JSON could not be written; use --format csv") : CLI_DONE;
}

/* --- command --- */

static int unknown(const struct cli *cli, const char *name)
{
    const char *names[256] = {NULL};
    char list[512] = "";

    for (size_t i = 0; policy_classes[i] && i < 255; i++) {
        names[i] = policy_classes[i]->name;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = cli_nearest(name, names);
    return cli_error(cli, "no policy '%s'%s%s%s; there are: %s", name, near ? " (did you mean " : "", near ? near : "",
                     near ? "?)" : "", list);
}

static int run(const struct cli *cli)
{
    enum cli_format format;
    const char *name = cli_args(cli) ? cli_arg(cli, 0) : NULL;
    const struct policy_class *class = name ? policy_find(name) : NULL;

    if (!cli_format(cli, &format))
        return CLI_USAGE;
    if (name && !class)
        return unknown(cli, name);
    if (format == CLI_JSON)
        return show_json_of(cli, class);
    if (class)
        (format == CLI_CSV ? class_csv : class_table)(class);
    else
        (format == CLI_CSV ? list_csv : list_table)();
    return CLI_DONE;
}

static const struct cli_option options[] = {
    {"format", 'f', "F", "table, csv or json; default table"},
    {0},
};

static const struct cli_example examples[] = {
    {"mirrorball policies", "the list"},
    {"mirrorball policies migrep", "its parameters with defaults, ranges and source"},
    {NULL, NULL},
};

const struct cli_command command_policies = {
    .name = "policies",
    .arguments = "[NAME]",
    .summary = "list placement policies and their parameters",
    .description = "Every linked policy with what it observes; for one policy its parameters with default, range, unit "
                   "and the paper or kernel version they are taken from.",
    .options = options,
    .examples = examples,
    .min_args = 0,
    .max_args = 1,
    .run = run,
};
