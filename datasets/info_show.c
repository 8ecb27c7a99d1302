/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/info_show.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "datasets/plural.h"
#include "datasets/trace_private.h"

static const char *const kind_names[] = {"read", "write", "fetch", "upgrade"};
static const char *const cause_names[] = {"cold", "replacement", "coherence", "first write"};

/* Integer arithmetic up to the last digits: the same text everywhere. */
static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* Local misses of round robin: every node has the same share of the pages' misses. */
static double round_robin(const struct trace_meta *meta)
{
    return 100.0 / (meta->cpus ? meta->cpus : 1);
}

static void text_line(FILE *out, const char *what, const char *text)
{
    if (text[0])
        fprintf(out, "  %-10s %s\n", what, text);
}

static void show_meta(FILE *out, const struct info *info)
{
    const struct trace_meta *m = info->meta;
    double seconds = (double)(m->last_time - m->first_time) / 1e9;
    char labels[TRACE_TEXT];
    trace_labels_text(m->labels, labels, sizeof labels);
    fprintf(out, "%s: %" PRIu64 " record%s, %" PRIu64 " miss%s, %u CPU%s, %u page%s, %.6g s\n\n", m->name, m->records,
            plural(m->records), m->misses, m->misses == 1 ? "" : "es", m->cpus, plural(m->cpus), m->pages,
            plural(m->pages), seconds);
    text_line(out, "source", m->source);
    text_line(out, "event", m->event);
    text_line(out, "host", m->host);
    text_line(out, "kernel", m->kernel);
    text_line(out, "command", m->command);
    text_line(out, "date", m->date);
    text_line(out, "note", m->note);
    text_line(out, "labels", labels);
    fprintf(out, "  %-10s %" PRIu64 " to %" PRIu64 " ns\n", "time", m->first_time, m->last_time);
    fprintf(out, "  %-10s 1 record in %" PRIu64 "; %" PRIu64 " lost\n", "sampling", m->period, m->lost);
    fprintf(out, "  %-10s %u page%s of %u bytes: %.4g MiB; lines of %u bytes\n", "footprint", m->pages,
            plural(m->pages), m->page_size, (double)m->pages * m->page_size / 1048576, m->line_size);
    if (m->nodes)
        fprintf(out, "  %-10s %u node%s when recorded\n", "machine", m->nodes, plural(m->nodes));
    fprintf(out, "  %-10s %" PRIu64 " bytes, %.2f per record, %u chunk%s\n", "file", info->file_bytes,
            m->records ? (double)info->file_bytes / (double)m->records : 0, m->chunks, plural(m->chunks));
    fprintf(out, "  %-10s %016" PRIx64 "%s\n", "digest", m->digest, info->verified ? " (verified)" : "");
}

static void show_counts(FILE *out, const struct info *info)
{
    const struct trace_stats *s = info->stats;
    fprintf(out, "\n  misses     ");
    for (int i = 0; i < 4; i++)
        fprintf(out, "%s%s %.2f %%", i ? ", " : "", kind_names[i], percent(s->kind[i], s->misses));
    fprintf(out, "\n  causes     ");
    for (int i = 0; i < (s->cause[3] ? 4 : 3); i++)
        fprintf(out, "%s%s %.2f %%", i ? ", " : "", cause_names[i], percent(s->cause[i], s->misses));
    fprintf(out, "\n  by kernel  %.2f %%; dirty in another cache %.2f %%\n  per CPU   ", percent(s->kernel, s->misses),
            percent(s->dirty, s->misses));
    for (uint32_t cpu = 0; cpu < info->meta->cpus && cpu < 64; cpu++)
        fprintf(out, " %" PRIu64, s->cpu[cpu]);
    fprintf(out, "%s\n", info->meta->cpus > 64 ? " ..." : "");
}

static void show_sharing(FILE *out, const struct info *info)
{
    const struct trace_stats *s = info->stats;
    if (!s->sharing) {
        fprintf(out, "\n  too many pages and CPUs for the sharing table\n");
        return;
    }
    fprintf(out, "\n  sharing (one CPU per node)   pages %%  misses %%\n");
    for (int i = 0; i < SHARING_CLASSES; i++)
        fprintf(out, "  %-26s %8.2f %9.2f\n", trace_sharing_names[i], percent(s->pages[i], s->touched),
                percent(s->shared[i], s->misses));
    fprintf(out, "\n  local misses under           %%\n");
    fprintf(out, "  %-22s %8.2f\n", "first touch", percent(s->local_first_touch, s->misses));
    fprintf(out, "  %-22s %8.2f\n", "round robin", round_robin(info->meta));
    fprintf(out, "  %-22s %8.2f\n", "best static", percent(s->local_best, s->misses));
    fprintf(out, "  %-22s %8.2f\n", "+ perfect replication", percent(s->local_replicated, s->misses));
    if (s->recorded)
        fprintf(out, "  %-22s %8.2f\n", "as recorded", percent(s->local_recorded, s->misses));
}

void info_show_table(FILE *out, const struct info *info)
{
    show_meta(out, info);
    if (info->stats) {
        show_counts(out, info);
        show_sharing(out, info);
    }
    if (info->collect)
        info_collect_table(out, info->collect);
}

void info_show_csv_head(FILE *out)
{
    fprintf(out, "path,name,records,misses,cpus,pages,page_size,duration_ns,bytes,digest,read,write,fetch,upgrade,"
                 "private_pages,read_all_pages,read_some_pages,read_mostly_pages,write_pages,"
                 "private_misses,read_all_misses,read_some_misses,read_mostly_misses,write_misses,"
                 "local_first_touch,local_round_robin,local_best_static,local_replicated,local_recorded\n");
}

/* RFC 4180: quoted, quotes doubled. */
static void csv_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++)
        fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', out);
}

void info_show_csv(FILE *out, const struct info *info)
{
    const struct trace_meta *m = info->meta;
    const struct trace_stats *s = info->stats;
    double misses = s->misses ? (double)s->misses : 1;
    csv_text(out, info->path);
    fputc(',', out);
    csv_text(out, m->name);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%u,%u,%u,%" PRIu64 ",%" PRIu64 ",%016" PRIx64, m->records, m->misses,
            m->cpus, m->pages, m->page_size, m->last_time - m->first_time, info->file_bytes, m->digest);
    for (int i = 0; i < 4; i++)
        fprintf(out, ",%" PRIu64, s->kind[i]);
    for (int i = 0; i < SHARING_CLASSES; i++)
        fprintf(out, ",%u", s->pages[i]);
    for (int i = 0; i < SHARING_CLASSES; i++)
        fprintf(out, ",%" PRIu64, s->shared[i]);
    fprintf(out, ",%.6f,%.6f,%.6f,%.6f,", (double)s->local_first_touch / misses, round_robin(m) / 100,
            (double)s->local_best / misses, (double)s->local_replicated / misses);
    if (s->recorded)
        fprintf(out, "%.6f", (double)s->local_recorded / misses);
    fputc('\n', out);
}

static json_t *meta_object(const struct info *info)
{
    const struct trace_meta *m = info->meta;
    char labels[TRACE_TEXT], digest[32];
    trace_labels_text(m->labels, labels, sizeof labels);
    snprintf(digest, sizeof digest, "%016" PRIx64, m->digest);
    json_t *o =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "path", info_json_text(info->path), "name",
                  info_json_text(m->name), "source", info_json_text(m->source), "event", info_json_text(m->event),
                  "host", info_json_text(m->host), "kernel", info_json_text(m->kernel), "command",
                  info_json_text(m->command), "date", info_json_text(m->date), "note", info_json_text(m->note),
                  "labels", info_json_text(labels), "digest", info_json_text(digest));
    json_t *more = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:b}", "records",
                             info_json_number(m->records), "misses", info_json_number(m->misses), "first_time_ns",
                             info_json_number(m->first_time), "last_time_ns", info_json_number(m->last_time), "period",
                             info_json_number(m->period), "lost", info_json_number(m->lost), "file_bytes",
                             info_json_number(info->file_bytes), "pages", (int)m->pages, "cpus", (int)m->cpus, "nodes",
                             (int)m->nodes, "page_size", (int)m->page_size, "line_size", (int)m->line_size, "chunks",
                             (int)m->chunks, "verified", info->verified);
    if (!o || !more || json_object_update(o, more)) {
        json_decref(o);
        o = NULL;
    }
    json_decref(more);
    return o;
}

static json_t *named(const char *const *names, const uint64_t *values, int n)
{
    json_t *o = json_object();
    for (int i = 0; o && i < n; i++)
        json_object_set_new(o, names[i], info_json_number(values[i]));
    return o;
}

static json_t *sharing_object(const struct trace_stats *s)
{
    json_t *o = json_object();
    for (int i = 0; o && i < SHARING_CLASSES; i++)
        json_object_set_new(
            o, trace_sharing_names[i],
            json_pack("{s:I, s:I}", "pages", (json_int_t)s->pages[i], "misses", (json_int_t)s->shared[i]));
    return o;
}

static json_t *local_object(const struct info *info)
{
    const struct trace_stats *s = info->stats;
    double misses = s->misses ? (double)s->misses : 1;
    json_t *o = json_pack("{s:f, s:f, s:f, s:f}", "first_touch", (double)s->local_first_touch / misses, "round_robin",
                          round_robin(info->meta) / 100, "best_static", (double)s->local_best / misses, "replicated",
                          (double)s->local_replicated / misses);
    json_object_set_new(o, "recorded", s->recorded ? json_real((double)s->local_recorded / misses) : json_null());
    return o;
}

static void add_stats(json_t *o, const struct info *info)
{
    const struct trace_stats *s = info->stats;
    json_t *cpus = json_array();
    for (uint32_t cpu = 0; cpu < info->meta->cpus; cpu++)
        json_array_append_new(cpus, info_json_number(s->cpu[cpu]));
    json_object_set_new(o, "kinds", named(kind_names, s->kind, 4));
    json_object_set_new(o, "causes", named(cause_names, s->cause, 4));
    json_object_set_new(o, "kernel_misses", info_json_number(s->kernel));
    json_object_set_new(o, "dirty_misses", info_json_number(s->dirty));
    json_object_set_new(o, "cpu_misses", cpus);
    json_object_set_new(o, "sharing", s->sharing ? sharing_object(s) : json_null());
    json_object_set_new(o, "local_share", s->sharing ? local_object(info) : json_null());
}

int info_show_json(void *list, const struct info *info)
{
    json_t *o = meta_object(info);
    if (!o)
        return -ENOMEM;
    if (info->stats)
        add_stats(o, info);
    if (info->collect)
        info_collect_json(o, info->collect);
    return json_array_append_new(list, o) ? -ENOMEM : 0;
}
