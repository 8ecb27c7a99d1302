/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The text of "perf script -F comm,pid,tid,cpu,time,event,addr,data_src,weight" (period and phys_addr may be there
 * too):
 *
 *     COMM PID/TID [CPU] SECONDS.FRACTION: [PERIOD] EVENT: ADDRESS [DATA_SRC |words|...] [WEIGHT [PHYSICAL]]
 *
 * The words have changed many times between versions of perf; the hexadecimal data source has not, and alone counts.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "collectors/data_source.h"
#include "collectors/readers_text.h"

static void blanks(const char **at)
{
    while (**at == ' ' || **at == '\t')
        ++*at;
}

/* "COMM PID/TID " ends where the bracket begins. */
static bool task(const char *line, const char *end, struct sample *s)
{
    uint64_t pid, tid;
    while (end > line && end[-1] == ' ')
        end--;
    const char *at = end;
    while (at > line && (isdigit((unsigned char)at[-1]) || at[-1] == '/'))
        at--;
    if (!text_number(&at, 10, &pid))
        return false;
    tid = pid;
    if (*at == '/') {
        at++;
        if (!text_number(&at, 10, &tid))
            return false;
    }
    s->pid = (uint32_t)pid;
    s->tid = (uint32_t)tid;
    s->has |= SAMPLE_TASK;
    return at == end && pid <= UINT32_MAX && tid <= UINT32_MAX;
}

/* The CPU in brackets, behind which the fixed part of the line begins; a command's name may hold brackets too, but no
 * numbers of a task before them. */
static const char *bracket(const char *line, struct sample *s)
{
    for (const char *at = line; (at = strchr(at, '[')) != NULL; at++) {
        size_t digits = strspn(at + 1, "0123456789");
        if (digits && at[1 + digits] == ']' && at > line && task(line, at, s))
            return at;
    }
    return NULL;
}

static bool time_of(const char **at, struct sample *s)
{
    uint64_t seconds, fraction = 0, unit = 1000000000;
    if (!text_number(at, 10, &seconds) || **at != '.' || seconds > (UINT64_C(1) << 62) / unit)
        return false;
    for (++*at; isdigit((unsigned char)**at); ++*at) {
        unit /= 10;
        fraction += (uint64_t)(**at - '0') * unit;
    }
    if (**at != ':')
        return false;
    ++*at;
    s->time = seconds * 1000000000 + fraction;
    s->has |= SAMPLE_TIME;
    return true;
}

/* The event's name ends with ": "; a number before it is the period. */
static bool event_of(const char **at, char *name, size_t size, struct sample *s)
{
    blanks(at);
    const char *digits = *at;
    uint64_t period;
    if (text_number(&digits, 10, &period) && (*digits == ' ' || *digits == '\t')) {
        s->period = period;
        s->has |= SAMPLE_PERIOD;
        *at = digits;
        blanks(at);
    }
    size_t length = strcspn(*at, " \t");
    if (length < 2 || (*at)[length - 1] != ':' || length > size)
        return false;
    memcpy(name, *at, length - 1);
    name[length - 1] = '\0';
    *at += length;
    return true;
}

/* What follows the event: address, source, weight, physical address. */
static bool data(const char **at, struct sample *s)
{
    uint64_t value;
    blanks(at);
    if (!text_number(at, 16, &value))
        return false;
    s->va = value;
    s->has |= value ? SAMPLE_VA : 0;
    blanks(at);
    const char *bar = strchr(*at, '|');
    if (bar) {
        if (!text_number(at, 16, &s->data_source))
            return false;
        s->has |= SAMPLE_SOURCE;
        data_source_classify(s);
        *at = strrchr(*at, '|') + 1;
        blanks(at);
        while (**at && !isdigit((unsigned char)**at)) { /* the last of the words stand behind the last bar */
            *at += strcspn(*at, " \t");
            blanks(at);
        }
    }
    if (text_number(at, 10, &value) && value) {
        s->latency = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
        s->has |= SAMPLE_LATENCY;
    }
    blanks(at);
    if (text_number(at, 16, &value) && value) {
        s->pa = value;
        s->has |= SAMPLE_PA;
    }
    return true;
}

static const char *parse(const char *line, char *name, size_t size, struct sample *s)
{
    uint64_t cpu;
    memset(s, 0, sizeof *s);
    const char *at = bracket(line, s);
    if (!at)
        return "expected COMM PID/TID [CPU]; use perf script -F comm,pid,tid,cpu,time,event,addr,data_src,weight";
    at++;
    if (!text_number(&at, 10, &cpu) || cpu > UINT32_MAX)
        return "the CPU is no number";
    s->cpu = (uint32_t)cpu;
    s->has |= SAMPLE_CPU;
    at++;
    blanks(&at);
    if (!time_of(&at, s))
        return "expected a time in seconds and a colon behind the CPU";
    if (!event_of(&at, name, size, s))
        return "expected an event and a colon behind the time";
    return data(&at, s) ? NULL : "expected a hexadecimal address behind the event";
}

bool readers_script_looks(const unsigned char *bytes, size_t n)
{
    char line[512], name[DECODE_NAME];
    struct sample s;
    for (size_t at = 0, length; at < n; at += length + 1) {
        const unsigned char *end = memchr(bytes + at, '\n', n - at);
        length = end ? (size_t)(end - bytes) - at : n - at;
        if (!length || bytes[at] == '#')
            continue;
        size_t take = length < sizeof line - 1 ? length : sizeof line - 1;
        memcpy(line, bytes + at, take);
        line[take] = '\0';
        return strlen(line) == take && !parse(line, name, sizeof name, &s);
    }
    return false;
}

int readers_script(void *context, struct import_input *in, struct import_sink *sink, struct trace_error *error)
{
    struct text_samples text;
    char *line, name[DECODE_NAME];
    struct sample s;
    int got = 0, err = text_start(&text, context, in, import_input_path(in), sink, "perf script", 0,
                                  ABI_TID | ABI_WEIGHT | ABI_PERIOD | ABI_ADDR, error);
    while (!err && !sink->full && (got = import_input_line(in, &line, error)) > 0) {
        if (!line[strspn(line, " \t")] || *line == '#')
            continue;
        const char *why = parse(line, name, sizeof name, &s);
        int event = why ? 0 : text_event(&text, name);
        if (why || event < 0)
            err = text_bad_line(&text, line, why ? why : "too many different events", error);
        s.event = (uint32_t)event;
        if (!err)
            err = text_put(&text, &s, error);
    }
    return text_end(&text, err ? err : got < 0 ? got : 0, error);
}
