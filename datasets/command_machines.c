/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/command.h"
#include "datasets/machine_number.h"
#include "datasets/machine_text.h"
#include "datasets/probe.h"

/* What the list shows of a machine. Latencies ps, 0 when there is none of the kind. */
struct digest {
    uint32_t cpus, tiers;
    uint32_t local_least, local_most, remote_least, remote_most;
    uint64_t memory_bps, link_bps; /* of node 0, and the least link */
};

static void widen(uint32_t *least, uint32_t *most, uint32_t value)
{
    if (*least == 0 || value < *least)
        *least = value;
    if (value > *most)
        *most = value;
}

static struct digest digest(const struct machine_desc *m)
{
    struct digest d = {.memory_bps = m->memory_bps[0]};
    for (uint32_t from = 0; from < m->nodes; from++) {
        d.cpus += m->node_cpus[from];
        d.tiers = m->tier[from] + 1u > d.tiers ? m->tier[from] + 1u : d.tiers;
        for (uint32_t to = 0; m->node_cpus[from] && to < m->nodes; to++) {
            uint32_t latency = m->latency_ps[from * m->nodes + to];
            uint64_t link = m->link_bps[from * m->nodes + to];
            if (from == to)
                widen(&d.local_least, &d.local_most, latency);
            else
                widen(&d.remote_least, &d.remote_most, latency);
            if (link && (!d.link_bps || link < d.link_bps))
                d.link_bps = link;
        }
    }
    return d;
}

static void range_text(char *text, size_t size, uint32_t least, uint32_t most)
{
    if (!most)
        snprintf(text, size, "-");
    else if (least == most)
        snprintf(text, size, "%.4g", least / 1000.0);
    else
        snprintf(text, size, "%.4g-%.4g", least / 1000.0, most / 1000.0);
}

static void bandwidth_text(char *text, size_t size, uint64_t bps)
{
    if (bps)
        snprintf(text, size, "%.4g", (double)bps / 1e9);
    else
        snprintf(text, size, "-");
}

/* --- table --- */

static void list_row(const struct machine_desc *m)
{
    struct digest d = digest(m);
    char local[32], remote[32], memory[32], link[32];
    range_text(local, sizeof local, d.local_least, d.local_most);
    range_text(remote, sizeof remote, d.remote_least, d.remote_most);
    bandwidth_text(memory, sizeof memory, d.memory_bps);
    bandwidth_text(link, sizeof link, d.link_bps);
    printf("%-16s %5u %5u %10s %12s %7s %7s  %s\n", m->name, m->nodes, d.cpus, local, remote, memory, link, m->summary);
}

static void print_rows(const struct machine_desc *m, const char *title, const uint64_t *values, uint64_t scale)
{
    printf("\n%s\n  from\\to", title);
    for (uint32_t to = 0; to < m->nodes; to++)
        printf(" %7u", to);
    for (uint32_t from = 0; from < m->nodes; from++) {
        printf("\n  %7u", from);
        for (uint32_t to = 0; to < m->nodes; to++)
            printf(" %7.5g", (double)values[from * m->nodes + to] / (double)scale);
    }
    putchar('\n');
}

static void print_curve(const char *title, const struct load_curve *c)
{
    printf("\n%s\n  utilisation", title);
    for (uint32_t i = 0; i < c->n; i++)
        printf(" %6.4g", c->utilisation[i] / 1e6);
    printf("\n  factor     ");
    for (uint32_t i = 0; i < c->n; i++)
        printf(" %6.4g", c->factor[i] / 1e6);
    putchar('\n');
}

static void print_nodes(const struct machine_desc *m)
{
    printf("\n  node  CPUs  tier  memory GB/s\n");
    for (uint32_t i = 0; i < m->nodes; i++) {
        char memory[32];
        bandwidth_text(memory, sizeof memory, m->memory_bps[i]);
        printf("  %4u %5u %5u %12s\n", i, m->node_cpus[i], m->tier[i], memory);
    }
}

static void print_costs(const struct machine_desc *m)
{
    const struct machine_costs *c = &m->costs;
    printf("\nCosts, ns of CPU time\n"
           "  sample   %8" PRIu64 "   hint fault %8" PRIu64 "   collapse fault %8" PRIu64 "   scan of a page %g\n"
           "  fill     %8" PRIu64 "   drop       %8" PRIu64 "\n"
           "  shootdown %7" PRIu64 " + %" PRIu64 " per page + %" PRIu64 " on every other CPU\n",
           c->sample_ns, c->hint_ns, c->fault_ns, (double)c->scan_ps / 1000, c->fill_ns, c->drop_ns, c->sync_ns,
           c->sync_page_ns, c->sync_target_ns);
}

static void show_machine(const struct machine_desc *m)
{
    static uint64_t latency[NODE_MAX * NODE_MAX];
    bool links = false;
    for (uint32_t i = 0; i < m->nodes * m->nodes; i++) {
        latency[i] = m->latency_ps[i];
        links = links || m->link_bps[i];
    }
    printf("%s: %s\n\nSource: %s\n", m->name, m->summary, m->source[0] ? m->source : "none given");
    print_nodes(m);
    print_rows(m, "Idle latency, ns", latency, 1000);
    if (links)
        print_rows(m, "Link bandwidth, GB/s (0: unlimited)", m->link_bps, 1000000000);
    print_curve("Loaded latency of memory", &m->memory_curve);
    print_curve("Loaded latency of links", &m->link_curve);
    print_costs(m);
    printf("\n1 miss in %u is observed; %u bytes per miss; misses that overlap: %g\n", m->sampling, m->line_size,
           (double)m->mlp_ppm / 1e6);
}

/* --- CSV and JSON --- */

static void csv_row(const struct machine_desc *m)
{
    struct digest d = digest(m);
    printf("%s,%u,%u,%u,%g,%g,%g,%g,%g,%g,\"", m->name, m->nodes, d.cpus, d.tiers, d.local_least / 1000.0,
           d.local_most / 1000.0, d.remote_least / 1000.0, d.remote_most / 1000.0, (double)d.memory_bps / 1e9,
           (double)d.link_bps / 1e9);
    for (const char *c = m->summary; *c; c++)
        printf(*c == '"' ? "\"\"" : "%c", *c);
    puts("\"");
}

static json_t *json_matrix(const struct machine_desc *m, bool links)
{
    json_t *rows = json_array();
    for (uint32_t from = 0; from < m->nodes; from++) {
        json_t *row = json_array();
        for (uint32_t to = 0; to < m->nodes; to++) {
            uint32_t at = from * m->nodes + to;
            json_array_append_new(row, links ? json_integer((json_int_t)m->link_bps[at])
                                             : json_real(m->latency_ps[at] / 1000.0));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *json_curve(const struct load_curve *c)
{
    json_t *points = json_array();
    for (uint32_t i = 0; i < c->n; i++)
        json_array_append_new(points, json_pack("[ff]", c->utilisation[i] / 1e6, c->factor[i] / 1e6));
    return points;
}

static json_t *json_costs(const struct machine_costs *c)
{
    return json_pack("{sI sI sI sI sI sI sI sI sI}", "sample_ns", (json_int_t)c->sample_ns, "hint_ns",
                     (json_int_t)c->hint_ns, "fault_ns", (json_int_t)c->fault_ns, "scan_ps", (json_int_t)c->scan_ps,
                     "fill_ns", (json_int_t)c->fill_ns, "sync_ns", (json_int_t)c->sync_ns, "sync_page_ns",
                     (json_int_t)c->sync_page_ns, "sync_target_ns", (json_int_t)c->sync_target_ns, "drop_ns",
                     (json_int_t)c->drop_ns);
}

static json_t *json_machine(const struct machine_desc *m)
{
    json_t *nodes = json_array();
    for (uint32_t i = 0; i < m->nodes; i++)
        json_array_append_new(nodes, json_pack("{si si sI}", "cpus", (int)m->node_cpus[i], "tier", (int)m->tier[i],
                                               "memory_bps", (json_int_t)m->memory_bps[i]));
    return json_pack("{ss ss ss so so so so so so sf si si}", "name", m->name, "summary", m->summary, "source",
                     m->source, "nodes", nodes, "latency_ns", json_matrix(m, false), "link_bps", json_matrix(m, true),
                     "memory_curve", json_curve(&m->memory_curve), "link_curve", json_curve(&m->link_curve), "costs",
                     json_costs(&m->costs), "mlp", (double)m->mlp_ppm / 1e6, "line_size", (int)m->line_size, "sampling",
                     (int)m->sampling);
}

/* Prints and gives the value back to the library. */
static int json_print(const struct cli *cli, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    if (!text)
        return cli_error(cli, "cannot write JSON: a text is not UTF-8, or memory is short");
    puts(text);
    free(text);
    return CLI_DONE;
}

/* --- the command --- */

static int list(const struct cli *cli, enum cli_format format)
{
    static struct machine_desc m;
    json_t *all = format == CLI_JSON ? json_array() : NULL;
    struct trace_error error;
    if (format == CLI_TABLE)
        printf("%-16s %5s %5s %10s %12s %7s %7s\n", "machine", "nodes", "CPUs", "local ns", "remote ns", "GB/s",
               "link");
    else if (format == CLI_CSV)
        puts("name,nodes,cpus,tiers,local_least_ns,local_most_ns,remote_least_ns,remote_most_ns,memory_gbps,link_gbps,"
             "summary");
    for (const char *const *name = machine_presets(); *name; name++) {
        if (machine_load(*name, &m, &error))
            return cli_error(cli, "%s", error.text);
        if (format == CLI_JSON)
            json_array_append_new(all, json_machine(&m));
        else
            (format == CLI_CSV ? csv_row : list_row)(&m);
    }
    if (format == CLI_TABLE)
        puts("\nGB/s: of a node's memory, and of a link between two nodes; -: not limited. `mirrorball machines NAME` "
             "shows all of one,\n`mirrorball machines NAME --ini > my.ini` is a start for a machine of one's own, "
             "`--probe` measures this host.");
    return format == CLI_JSON ? json_print(cli, all) : CLI_DONE;
}

static int show(const struct cli *cli, const struct machine_desc *m, enum cli_format format)
{
    if (cli_has(cli, "ini")) {
        machine_write(stdout, m);
        return CLI_DONE;
    }
    if (format == CLI_JSON)
        return json_print(cli, json_machine(m));
    if (format == CLI_CSV) {
        puts("name,nodes,cpus,tiers,local_least_ns,local_most_ns,remote_least_ns,remote_most_ns,memory_gbps,link_gbps,"
             "summary");
        csv_row(m);
    } else {
        show_machine(m);
    }
    return CLI_DONE;
}

static int write_file(const struct cli *cli, const char *path, const struct machine_desc *m)
{
    char *temporary = cli_temporary(path);
    FILE *file = temporary ? fopen(temporary, "we") : NULL;
    int err = file ? 0 : -errno;
    if (file) {
        machine_write(file, m);
        err = ferror(file) ? -EIO : 0;
        if (fclose(file) && !err)
            err = -errno;
    }
    if (err && temporary)
        cli_discard(temporary);
    else if (!err)
        err = cli_publish(temporary, path);
    return err ? cli_error(cli, "cannot write %s: %s", path, strerror(-err)) : CLI_DONE;
}

static int probe(const struct cli *cli, enum cli_format format)
{
    static struct machine_desc m;
    struct trace_error error;
    struct probe_notes notes;
    if (probe_host(&m, &notes, &error))
        return cli_error(cli, "%s", error.text);
    for (uint32_t i = 0; i < notes.n; i++)
        cli_warn(cli, "%s", notes.text[i]);
    if (cli_has(cli, "output"))
        return write_file(cli, cli_value(cli, "output"), &m);
    return show(cli, &m, format);
}

static int run(const struct cli *cli)
{
    static struct machine_desc m;
    struct trace_error error;
    enum cli_format format;
    if (!cli_format(cli, &format))
        return CLI_USAGE;
    if (cli_has(cli, "probe"))
        return cli_args(cli) ? cli_usage(cli, "--probe describes this host and takes no NAME") : probe(cli, format);
    if (cli_has(cli, "output"))
        return cli_usage(cli, "--output goes with --probe; for a preset use --ini > FILE.ini");
    if (!cli_args(cli))
        return cli_has(cli, "ini") ? cli_usage(cli, "--ini needs the NAME of a machine") : list(cli, format);
    if (machine_load(cli_arg(cli, 0), &m, &error))
        return cli_error(cli, "%s", error.text);
    return show(cli, &m, format);
}

static const struct cli_option options[] = {
    {"ini", 0, NULL, "print the machine as an INI file, to start one's own from"},
    {"probe", 0, NULL, "measure this host: nodes, CPUs, latency, bandwidth, loaded latency"},
    {"output", 'o', "FILE.ini", "with --probe: write the result there"},
    {"format", 'f', "F", "table, csv or json; default table"},
    {0},
};

static const struct cli_example examples[] = {
    {"mirrorball machines", "list the presets"},
    {"mirrorball machines flash-8", "everything about one, with the source of its numbers"},
    {"mirrorball machines icelake-2s --ini > my.ini", "start a machine of one's own"},
    {"mirrorball machines --probe -o here.ini", "describe this host for --machine here.ini"},
    {0},
};

const struct cli_command command_machines = {
    .name = "machines",
    .arguments = "[NAME]",
    .summary = "the machines that placements are predicted for",
    .description = "Lists the machine presets, or shows one of them or a file of the same form. --probe measures this "
                   "host in some seconds and\nwrites it in that form; it wants an idle host.",
    .options = options,
    .examples = examples,
    .max_args = 1,
    .run = run,
};
