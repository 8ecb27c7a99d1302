/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The text of DynamoRIO's drmemtrace tool "view": every instruction and data access of a program, thread by thread,
 * with a time stamp (microseconds since 1601) and a core where the scheduler switched.
 *
 *     RECORD INSTRUCTION: THREAD read 8 byte(s) @ 0xADDRESS by PC 0x...
 *     RECORD INSTRUCTION: THREAD <marker: timestamp 13312570674112282>
 *     RECORD INSTRUCTION: THREAD <marker: tid 342625 on core 3>
 *
 * The thread is written 123, T123 or W0.T123. Accesses between two time stamps are a step apart.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "collectors/readers_threads.h"

struct reading {
    struct text_samples text;
    struct readers_threads threads;
    uint64_t step;
};

/* "RECORD INSTRUCTION: THREAD " or, older, "RECORD: TTHREAD ": what follows, or null when the line is none of these. */
static const char *details(const char *line, uint32_t *tid)
{
    uint64_t number;
    const char *at = line + strspn(line, " ");
    if (!text_number(&at, 10, &number))
        return NULL;
    at += strspn(at, " ");
    if (*at != ':' && !text_number(&at, 10, &number))
        return NULL;
    if (*at++ != ':')
        return NULL;
    at += strspn(at, " ");
    if (*at == 'W') /* the workload of a scheduled trace */
        at += strcspn(at, ". ") + 1;
    at += *at == 'T';
    if (!text_number(&at, 10, &number) || *at != ' ' || number > UINT32_MAX)
        return NULL;
    *tid = (uint32_t)number;
    return at + strspn(at, " ");
}

static void marker(const char *at, struct readers_thread *t)
{
    uint64_t number;
    const char *core = strstr(at, " on core ");
    if (!strncmp(at, "<marker: timestamp ", 19)) {
        at += 19;
        if (text_number(&at, 10, &number))
            readers_threads_stamp(t, number);
    } else if (!strncmp(at, "<marker: tid ", 13) && core) {
        core += 9;
        if (text_number(&core, 10, &number))
            readers_threads_cpu(t, number);
    }
}

/* An access: its operation and address. False: another kind of line. */
static bool access_of(const char *at, enum sample_op *op, uint64_t *address)
{
    static const struct {
        const char *word;
        enum sample_op op;
    } words[] = {{"ifetch", OP_FETCH}, {"read", OP_READ}, {"write", OP_WRITE}, {"prefetch", OP_PREFETCH}};
    const char *place = strstr(at, " byte(s) @ 0x");
    size_t length = strcspn(at, " ");
    for (size_t i = 0; place && i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].word) == length && !strncmp(at, words[i].word, length)) {
            place += strlen(" byte(s) @ ");
            *op = words[i].op;
            return text_number(&place, 16, address);
        }
    return false;
}

static int take_line(struct reading *v, const char *line, struct trace_error *error)
{
    uint32_t tid;
    uint64_t address;
    enum sample_op op;
    const char *at = details(line, &tid);
    if (!at)
        return 0; /* the head, and the program's own output in between */
    struct readers_thread *t = readers_threads_of(&v->threads, tid);
    if (!t)
        return text_bad_line(&v->text, line, "more threads than there is room for", error);
    marker(at, t);
    return access_of(at, &op, &address) ? readers_threads_put(t, v->step, op, address, &v->text, error) : 0;
}

bool readers_view_looks(const unsigned char *bytes, size_t n)
{
    static const char *const heads[] = {"<--record#-> <--instr#->", "<record#>: T<tid>", "<marker: version "};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (memmem(bytes, n < 2048 ? n : 2048, heads[i], strlen(heads[i])))
            return true;
    return false;
}

/* Every access counts: there is no cache in it. */
int readers_view(void *context, struct import_input *in, struct import_sink *sink, struct trace_error *error)
{
    struct readers *readers = context;
    struct reading v = {.step = sink->options->step_ns};
    char *line;
    readers->options.levels = LEVELS_ALL;
    int got = 0, err = text_start(&v.text, readers, in, import_input_path(in), sink, "drmemtrace view",
                                  TRACE_ALL_ACCESSES, ABI_TID | ABI_ADDR, error);
    if (!err && text_event(&v.text, "every access") < 0)
        err = trace_fail(error, ENOMEM, "out of memory");
    while (!err && !sink->full && (got = import_input_line(in, &line, error)) > 0)
        err = take_line(&v, line, error);
    readers_threads_free(&v.threads);
    return text_end(&v.text, err ? err : got < 0 ? got : 0, error);
}
