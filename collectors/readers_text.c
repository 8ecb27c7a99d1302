/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/readers_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PULSE = 65536 };

int text_start(struct text_samples *s, struct readers *readers, struct import_input *in, const char *path,
               struct import_sink *sink, const char *source, unsigned labels, uint64_t fields,
               struct trace_error *error)
{
    *s = (struct text_samples){.in = in, .path = path, .sink = sink, .readers = readers, .fields = fields};
    readers->samples = true;
    s->decoder = decoder_new();
    s->to = s->decoder ? to_trace_new(sink, &readers->options) : NULL;
    if (!s->to)
        return trace_fail(error, ENOMEM, "%s: out of memory", path);
    to_trace_facts(s->to, NULL, s->decoder);
    to_trace_source(s->to, source, labels);
    return 0;
}

int text_event(struct text_samples *s, const char *name)
{
    unsigned char attr[ABI_ATTR_SIZE_LEAST] = {0};
    uint32_t n = decoder_events(s->decoder);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = (s->last_event + k) % n;
        if (!strncmp(decoder_event(s->decoder, i)->name, name, DECODE_NAME - 1)) {
            s->last_event = i;
            return (int)i;
        }
    }
    uint32_t type = UINT32_MAX; /* none of the kernel's: the name alone says what it counts */
    memcpy(attr + ABI_ATTR_TYPE, &type, sizeof type);
    memcpy(attr + ABI_ATTR_SAMPLE_TYPE, &s->fields, sizeof s->fields);
    int event = decoder_add(s->decoder, attr, sizeof attr, NULL, 0);
    if (event >= 0) {
        struct decode_event *e = decoder_event(s->decoder, (uint32_t)event);
        decoder_set_name(e, name, strlen(name));
        e->freq = s->fields & ABI_PERIOD;
        s->last_event = (uint32_t)event;
    }
    return event;
}

int text_put(struct text_samples *s, const struct sample *sample, struct trace_error *error)
{
    struct decoded d = {.kind = DECODED_SAMPLE, .type = ABI_RECORD_SAMPLE, .sample = *sample};
    int err = to_trace_record(s->to, &d, error);
    return err || ++s->samples % PULSE ? err : import_pulse_now(s->sink, s->in, error);
}

int text_end(struct text_samples *s, int err, struct trace_error *error)
{
    struct trace_error why;
    if (!err && (err = to_trace_end(s->to, &why)) != 0)
        trace_fail(error, -err, "%s: %s", s->path, why.text);
    if (s->to)
        s->readers->counts = *to_trace_counts(s->to);
    to_trace_free(s->to);
    decoder_free(s->decoder);
    return err;
}

int text_bad_line(const struct text_samples *s, const char *line, const char *why, struct trace_error *error)
{
    return trace_fail(error, EINVAL, "%s:%llu: '%.60s': %s", s->path,
                      (unsigned long long)import_input_line_number(s->in), line, why);
}

bool text_number(const char **at, int base, uint64_t *value)
{
    const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789", *c = *at;
    if (base == 16 && c[0] == '0' && (c[1] == 'x' || c[1] == 'X'))
        c += 2;
    if (!*c || !strchr(digits, *c))
        return false;
    char *end;
    errno = 0;
    *value = strtoull(c, &end, base);
    *at = end;
    return errno == 0;
}
