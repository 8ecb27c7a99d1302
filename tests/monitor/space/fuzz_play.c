/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "monitor-core/play.h"
#include "tests/core/machine_check.h"

enum { PAGES_MAX = 256, BYTES_MAX = 1 << 22 };
enum { NODES = 2, PAGES = 70, ROW = 2, WORDS = NODES * ROW + 2 * NODES * NODES + NODES, RECORDS = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The engine has to hold its promises to the machine whatever it is told. */
static void play(struct play *p, const struct policy_class *policy, const uint64_t *param)
{
    static struct engine engine;
    struct machine_check check;
    uint64_t bytes;
    int err = play_need(p, policy, param, &bytes);
    if (err && err != ERR_NOSUP && err != ERR_INVAL)
        abort();
    if (err || bytes > BYTES_MAX)
        return;
    void *block = aligned_alloc(16, bytes);
    memset(block, 0, bytes);
    machine_check_begin(&check, &p->topology, p->header.npages, MACHINE_REPLICAS | MACHINE_WATCH);
    if (!play_begin(p, &check.machine, &engine, block)) {
        play_feed(p, &engine, 0, p->header.records);
        machine_check_compare(&check, &engine);
        play_end(p, &engine);
    }
    if (check.breaches)
        abort();
    machine_check_end(&check);
    free(block);
}

/* Under the policy that the log names, and under one that its bytes choose. */
static void play_both(struct play *p)
{
    const struct policy_class *named;
    struct policy_error error;
    uint64_t param[POLICY_PARAMS_MAX] = {0};
    uint32_t classes = 0;
    if (!policy_parse(p->header.policy, &named, param, &error))
        play(p, named, param);
    while (policy_classes[classes])
        classes++;
    const struct policy_class *other = policy_classes[(p->header.records ? p->records[0].time : 0) % classes];
    policy_defaults(other, param);
    play(p, other, param);
}

static void open_and_play(const void *bytes, size_t size, bool good)
{
    struct play p;
    const char *why = NULL;
    int err = play_open(&p, bytes, size, &why);
    if ((err ? err != ERR_INVAL || !why : why != NULL) || (good && err))
        abort();
    if (!err && p.header.npages <= PAGES_MAX)
        play_both(&p);
}

/* A record that the head below allows, of 16 bytes; its time is anything. */
static struct play_record sane(const uint8_t *b)
{
    struct play_record r = {.page = b[1] % PAGES, .task = b[2] % 4, .node = b[3] % NODES, .kind = b[0] % PLAY_KINDS};
    memcpy(&r.time, b + 8, 1 + b[7] % 8);
    r.what = r.kind == PLAY_EVENT ? b[4] & 0xf1 : b[4] & 1;
    if (r.kind != PLAY_SEEN)
        return r;
    r.page = b[1] % (WORDS - 3);
    r.time &= r.page < NODES * ROW ? (1 << PAGES % 64) - 1 : UINT64_MAX;
    return r;
}

/* Most mutations of a log are refused: these bytes make records that are not. */
static void play_made(const uint8_t *data, size_t size)
{
    static struct {
        struct play_header header;
        uint32_t latency_ps[NODES * NODES];
        uint8_t tier[NODES];
        node_t cpu_node[NODES];
        uint8_t pad[4];
        uint64_t frames[NODES];
        struct play_record records[RECORDS];
    } log;
    memset(&log, 0, sizeof log);
    log.header = (struct play_header){.magic = PLAY_MAGIC, .nodes = NODES, .cpus = NODES, .npages = PAGES, .batch = 16};
    log.header.sampling = 1;
    log.header.known = PLAY_ACCESSED | PLAY_LOAD;
    for (uint32_t i = 0; i < NODES; i++) {
        log.tier[i] = log.cpu_node[i] = (uint8_t)i;
        log.frames[i] = PAGES * 2 / 3;
        for (uint32_t k = 0; k < NODES; k++)
            log.latency_ps[i * NODES + k] = i == k ? 100000 : 200000;
    }
    for (; log.header.records < RECORDS && size >= 16; data += 16, size -= 16)
        log.records[log.header.records++] = sane(data);
    open_and_play(&log, offsetof(__typeof__(log), records) + log.header.records * sizeof log.records[0], true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *bytes = aligned_alloc(8, (size + 8) & ~(size_t)7);
    memcpy(bytes, data, size);
    open_and_play(bytes, size, false);
    play_made(data, size);
    free(bytes);
    return 0;
}
