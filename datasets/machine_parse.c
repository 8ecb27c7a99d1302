/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <ini.h>
#include <string.h>

#include "datasets/machine_keys.h"
#include "datasets/machine_text.h"

enum { KEYS_MAX = 48 + 2 * NODE_MAX };

struct parser {
    struct machine_keys keys; /* the pending key: it is complete when the next one starts */
    const char *text;
    size_t size, at;
    unsigned line;  /* of the text read last */
    bool continues; /* that line starts with a blank */
    bool pending;
    unsigned nseen;
    char seen[KEYS_MAX][64]; /* "section.key" */
};

void machine_blank(struct machine_desc *m)
{
    memset(m, 0, sizeof *m);
    m->line_size = 64;
    m->memory_curve = m->link_curve = (struct load_curve){.n = 1, .factor = {1000000}};
    m->mlp_ppm = 1000000;
    m->sampling = 64;
    m->costs = (struct machine_costs){.sample_ns = 1500,
                                      .hint_ns = 1000,
                                      .fault_ns = 1000,
                                      .scan_ps = 5000,
                                      .fill_ns = 1500,
                                      .sync_ns = 2000,
                                      .sync_page_ns = 100,
                                      .sync_target_ns = 500,
                                      .drop_ns = 100};
}

/* The library cuts longer lines silently, so they are refused here; the text is known to be free of NUL. */
static char *read_line(char *buffer, int size, void *stream)
{
    struct parser *p = stream;
    const char *from = p->text + p->at, *end;
    size_t length;
    if (p->keys.failed || p->at == p->size)
        return NULL;
    end = memchr(from, '\n', p->size - p->at);
    length = end ? (size_t)(end - from) + 1 : p->size - p->at;
    p->line++;
    if (length > (size_t)size - 3) {
        machine_keys_fail(&p->keys, p->line, "line longer than %d characters; indent the rest on a line of its own",
                          size - 4);
        return NULL;
    }
    memcpy(buffer, from, length);
    buffer[length] = 0;
    p->at += length;
    p->continues = buffer[0] == ' ' || buffer[0] == '\t';
    return buffer;
}

static bool finish_key(struct parser *p)
{
    if (!p->pending)
        return true;
    p->pending = false;
    return machine_keys_set(&p->keys);
}

static bool remember(struct parser *p, const char *section, const char *key)
{
    char full[64];
    if (snprintf(full, sizeof full, "%s.%s", section, key) >= (int)sizeof full)
        return machine_keys_fail(&p->keys, p->line, "unknown key '%.40s'", key);
    for (unsigned i = 0; i < p->nseen; i++)
        if (strcmp(p->seen[i], full) == 0)
            return machine_keys_fail(&p->keys, p->line, "[%s] %s is given twice", section, key);
    if (p->nseen == KEYS_MAX)
        return machine_keys_fail(&p->keys, p->line, "too many keys");
    strcpy(p->seen[p->nseen++], full);
    return true;
}

static bool start_key(struct parser *p, const char *section, const char *key)
{
    if (!section[0])
        return machine_keys_fail(&p->keys, p->line, "a key before the first [section]");
    if (!finish_key(p) || !remember(p, section, key))
        return false;
    if (strlen(section) >= sizeof p->keys.section || strlen(key) >= sizeof p->keys.key)
        return machine_keys_fail(&p->keys, p->line, "unknown key '%.40s'", key);
    strcpy(p->keys.section, section);
    strcpy(p->keys.key, key);
    p->keys.value[0] = 0;
    p->keys.line = p->line;
    return true;
}

/* The library takes comments off the line of a key, but not off the lines that go on with it. */
static size_t without_comment(const char *value)
{
    size_t length = 0;
    while (value[length] && !(value[length] == ';' && length && strchr(" \t\r", value[length - 1])))
        length++;
    return length;
}

static int take(void *user, const char *section, const char *key, const char *value)
{
    struct parser *p = user;
    size_t used, length = without_comment(value);
    if (p->keys.failed)
        return 0;
    if (!(p->continues && p->pending) && !start_key(p, section, key))
        return 0;
    used = strlen(p->keys.value);
    if (used + length + 2 > sizeof p->keys.value)
        return machine_keys_fail(&p->keys, p->line, "the value of %s is too long", p->keys.key);
    snprintf(p->keys.value + used, sizeof p->keys.value - used, "%s%.*s", used ? " " : "", (int)length, value);
    p->pending = true;
    return 1;
}

/* Control characters would reach the terminal through name and summary. */
static bool is_text(struct parser *p)
{
    unsigned line = 1;
    for (size_t i = 0; i < p->size; i++) {
        unsigned char c = (unsigned char)p->text[i];
        if (c == '\n')
            line++;
        else if ((c < 32 && c != '\t' && c != '\r') || c == 127)
            return machine_keys_fail(&p->keys, line, "not a text file (byte 0x%02x)", c);
    }
    return true;
}

/* Whether local and remote, or every row, were given. */
static bool complete(struct parser *p)
{
    const struct machine_desc *m = p->keys.machine;
    nodeset_t all = m->nodes == NODE_MAX ? ~(nodeset_t)0 : nodeset_of((node_t)m->nodes) - 1;
    if (!m->nodes)
        return machine_keys_fail(&p->keys, p->line, "[machine] nodes is missing");
    if (!p->keys.has_cpus)
        return machine_keys_fail(&p->keys, p->line, "[machine] cpus is missing");
    if (p->keys.rows && (p->keys.has_local || p->keys.has_remote))
        return machine_keys_fail(&p->keys, p->line, "[latency] give local and remote, or rows from0.., not both");
    if (p->keys.rows && p->keys.rows != all)
        return machine_keys_fail(&p->keys, p->line, "[latency] from%u is missing",
                                 (unsigned)nodeset_first(all & ~p->keys.rows));
    if (!p->keys.rows && (!p->keys.has_local || (!p->keys.has_remote && m->nodes > 1)))
        return machine_keys_fail(&p->keys, p->line, "[latency] %s is missing", p->keys.has_local ? "remote" : "local");
    return true;
}

int machine_parse(const char *text, size_t size, const char *where, struct machine_desc *m, struct trace_error *error)
{
    struct parser p = {.keys = {.machine = m, .error = error, .where = where}, .text = text, .size = size};
    int bad_line;
    machine_blank(m);
    if (!is_text(&p))
        return -EINVAL;
    bad_line = ini_parse_stream(read_line, &p, take, &p);
    if (!p.keys.failed && bad_line)
        machine_keys_fail(&p.keys, (unsigned)bad_line, "neither [section] nor key = value nor # comment");
    if (p.keys.failed || !finish_key(&p) || !complete(&p))
        return -EINVAL;
    if (!m->name[0])
        strcpy(m->name, "unnamed");
    return machine_check(m, where, error);
}
