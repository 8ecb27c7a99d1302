/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "datasets/machine_number.h"
#include "datasets/machine_text.h"

/* The reader takes lines of 196 characters. */
enum { PER_LINE = 12 };          /* numbers */
enum { WIDTH = 90, LONG = 150 }; /* characters of text on a line; a word from which on no more goes before it */

static bool alike(const uint64_t *values, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (values[i] != values[0])
            return false;
    return true;
}

static void write_values(FILE *out, const char *key, const uint64_t *values, uint32_t n, uint64_t scale)
{
    fprintf(out, "%s =", key);
    for (uint32_t i = 0; i < n; i++) {
        fputs(i && i % PER_LINE == 0 ? "\n    " : " ", out);
        machine_number_write(out, values[i], scale);
    }
    putc('\n', out);
}

/* One number where all nodes are alike. */
static void write_per_node(FILE *out, const char *key, const uint64_t *values, uint32_t n, uint64_t scale)
{
    write_values(out, key, values, alike(values, n) ? 1 : n, scale);
}

static bool comments(char c)
{
    return c == '#' || c == ';';
}

/* Length of a word and of the words behind it that must not start a line, for they would make it a comment. */
static size_t unit(const char *at)
{
    size_t length = strcspn(at, " ");
    while (at[length] == ' ' && comments(at[length + 1]))
        length += 1 + strcspn(at + length + 1, " ");
    return length;
}

/* A long text on several lines, cut between words; the reader joins them with one blank. A word may be as long as a
 * line that the reader takes, so a long one gets the least that can stand before it. */
static void write_text(FILE *out, const char *key, const char *text)
{
    size_t column = 0;
    if (!text[0])
        return;
    fprintf(out, "%s%s", key, comments(text[0]) ? "=" : " =");
    for (const char *at = text; *at;) {
        size_t length = unit(at);
        bool turn = column ? column + length > WIDTH : length > LONG;
        if (turn && !(at == text && comments(*at)))
            fputs(length > LONG ? "\n " : "\n    ", out);
        else if (!(at == text && comments(*at)))
            putc(' ', out);
        fwrite(at, 1, length, out);
        column = (turn ? 0 : column) + length + 1;
        at += length + (at[length] == ' ');
    }
    putc('\n', out);
}

static void write_machine(FILE *out, const struct machine_desc *m)
{
    uint64_t cpus[NODE_MAX], tier[NODE_MAX], tiers = 0;
    for (uint32_t i = 0; i < m->nodes; i++) {
        cpus[i] = m->node_cpus[i];
        tier[i] = m->tier[i];
        tiers |= m->tier[i];
    }
    fputs("[machine]\n", out);
    write_text(out, "name", m->name);
    write_text(out, "summary", m->summary);
    write_text(out, "source", m->source);
    fprintf(out, "nodes = %u\n", m->nodes);
    write_per_node(out, "cpus", cpus, m->nodes, 1);
    if (tiers)
        write_values(out, "tier", tier, m->nodes, 1);
    fprintf(out, "line_size = %u\nmlp = ", m->line_size);
    machine_number_write(out, m->mlp_ppm, 1000000);
    fprintf(out, "\nsampling = %u\n", m->sampling);
}

static bool two_level(const struct machine_desc *m)
{
    for (uint32_t i = 0; i < m->nodes * m->nodes; i++) {
        bool local = i / m->nodes == i % m->nodes;
        if (m->latency_ps[i] != m->latency_ps[local || m->nodes == 1 ? 0 : 1])
            return false;
    }
    return true;
}

static void write_latency(FILE *out, const struct machine_desc *m)
{
    fputs("\n# ns\n[latency]\n", out);
    if (two_level(m)) {
        uint64_t local = m->latency_ps[0], remote = m->latency_ps[m->nodes > 1];
        write_values(out, "local", &local, 1, 1000);
        if (m->nodes > 1)
            write_values(out, "remote", &remote, 1, 1000);
        return;
    }
    for (uint32_t from = 0; from < m->nodes; from++) {
        char key[16];
        uint64_t row[NODE_MAX];
        for (uint32_t to = 0; to < m->nodes; to++)
            row[to] = m->latency_ps[from * m->nodes + to];
        snprintf(key, sizeof key, "from%u", from);
        write_values(out, key, row, m->nodes, 1000);
    }
}

static bool one_link(const struct machine_desc *m)
{
    for (uint32_t i = 1; i < m->nodes * m->nodes; i++)
        if (i / m->nodes != i % m->nodes && m->link_bps[i] != m->link_bps[1])
            return false;
    return true;
}

static void write_bandwidth(FILE *out, const struct machine_desc *m)
{
    uint64_t link = m->nodes > 1 ? m->link_bps[1] : 0;
    fputs("\n# GB/s; 0: unlimited\n[bandwidth]\n", out);
    write_per_node(out, "memory", m->memory_bps, m->nodes, 1000000000);
    if (one_link(m)) {
        write_values(out, "link", &link, 1, 1000000000);
        return;
    }
    for (uint32_t from = 0; from < m->nodes; from++) {
        char key[24];
        snprintf(key, sizeof key, "link_from%u", from);
        write_values(out, key, &m->link_bps[from * m->nodes], m->nodes, 1000000000);
    }
}

static void write_curve(FILE *out, const char *key, const struct load_curve *c)
{
    fprintf(out, "%s =", key);
    for (uint32_t i = 0; i < c->n; i++) {
        fputs(i == 8 ? "\n    " : " ", out);
        machine_number_write(out, c->utilisation[i], 1000000);
        putc(':', out);
        machine_number_write(out, c->factor[i], 1000000);
    }
    putc('\n', out);
}

static void write_costs(FILE *out, const struct machine_costs *c)
{
    const struct {
        const char *name;
        uint64_t value;
    } costs[] = {
        {"sample_ns", c->sample_ns},       {"hint_ns", c->hint_ns},
        {"fault_ns", c->fault_ns},         {"scan_ps", c->scan_ps},
        {"fill_ns", c->fill_ns},           {"sync_ns", c->sync_ns},
        {"sync_page_ns", c->sync_page_ns}, {"sync_target_ns", c->sync_target_ns},
        {"drop_ns", c->drop_ns},
    };
    fputs("\n[costs]\n", out);
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++)
        fprintf(out, "%s = %" PRIu64 "\n", costs[i].name, costs[i].value);
}

void machine_write(FILE *out, const struct machine_desc *m)
{
    write_machine(out, m);
    write_latency(out, m);
    write_bandwidth(out, m);
    fputs("\n# utilisation:factor\n[load]\n", out);
    write_curve(out, "memory", &m->memory_curve);
    write_curve(out, "link", &m->link_curve);
    write_costs(out, &m->costs);
}
