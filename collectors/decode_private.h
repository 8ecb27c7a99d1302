/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between the files of the decoder.
 */
#ifndef COLLECTORS_DECODE_PRIVATE_H
#define COLLECTORS_DECODE_PRIVATE_H

#include <string.h>

#include "collectors/decode.h"

/* Where an instance of an event counts. */
struct decode_id {
    uint64_t id; /* 0: an empty slot */
    uint32_t event;
    int32_t cpu, tid; /* -1 unknown */
};

struct decoder {
    struct decode_event *event;
    uint32_t events, room;
    struct decode_id *id; /* hash table of `slots`, a power of two */
    size_t ids, slots;
    /* Where to find the id before the event is known: bytes from the start of a sample's body, and back from the end of
     * any other record; -1: not there. `mixed`: events differ in it, so that only one of them could be told. */
    int id_at, id_back;
    bool mixed;
};

/* Bytes being taken from the front. After the end everything is 0 and `bad` is set. */
struct cursor {
    const unsigned char *at, *end;
    bool bad;
};

static inline const unsigned char *cursor_skip(struct cursor *c, uint64_t n)
{
    const unsigned char *at = c->at;
    if (n > (uint64_t)(c->end - c->at)) {
        c->bad = true;
        c->at = c->end;
        return NULL;
    }
    c->at += n;
    return at;
}

static inline uint64_t cursor_u64(struct cursor *c)
{
    uint64_t value = 0;
    const unsigned char *at = cursor_skip(c, sizeof value);
    if (at)
        memcpy(&value, at, sizeof value);
    return value;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    uint32_t value = 0;
    const unsigned char *at = cursor_skip(c, sizeof value);
    if (at)
        memcpy(&value, at, sizeof value);
    return value;
}

/* The slot of an id, or null. */
struct decode_id *decoder_slot(const struct decoder *, uint64_t id);

/* The body of a sample. 0 or -EBADMSG with a word for it. */
int decode_sample(const struct decode_event *, struct cursor *, struct sample *, const char **why);

/* IBS registers as the kernel puts them into RAW: fills what the sample lacks. */
void decode_ibs(const unsigned char *raw, size_t n, struct sample *);

#endif
