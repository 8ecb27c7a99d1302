/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/launch/player.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct counting {
    struct machine machine; /* first */
    const uint64_t *frames;
    uint64_t used[NODE_MAX];
};

static void count_map(struct machine *m, page_t page, node_t view, node_t copy, enum access access)
{
    (void)m, (void)page, (void)view, (void)copy, (void)access;
}

static int count_sync(struct machine *m, struct move *moves, uint32_t n)
{
    (void)m, (void)moves, (void)n;
    return 0;
}

static int count_fill(struct machine *m, page_t page, node_t dst, node_t src)
{
    struct counting *c = (struct counting *)(void *)m;
    (void)page, (void)src;
    if (c->used[dst] >= c->frames[dst])
        return ERR_NOMEM;
    c->used[dst]++;
    return 0;
}

static void count_drop(struct machine *m, page_t page, node_t copy)
{
    (void)page;
    ((struct counting *)(void *)m)->used[copy]--;
}

static const struct machine_ops counting_ops = {.caps = MACHINE_REPLICAS | MACHINE_WATCH,
                                                .map = count_map,
                                                .sync = count_sync,
                                                .fill = count_fill,
                                                .drop = count_drop};

static int fail(struct trace_error *why, int error, const char *path, const char *what)
{
    snprintf(why->text, sizeof why->text, "%.300s: %s", path, what);
    return error;
}

static int read_whole(struct player_log *l, const char *path, struct trace_error *why)
{
    struct stat status;
    FILE *f = fopen(path, "rb");
    if (!f || fstat(fileno(f), &status) != 0) {
        int error = errno;
        if (f)
            fclose(f);
        return fail(why, -error, path, strerror(error));
    }
    int error = !S_ISREG(status.st_mode) ? -EINVAL : 0;
    l->size = error ? 0 : (size_t)status.st_size;
    l->bytes = error ? NULL : malloc(l->size + 1);
    if (!error && !l->bytes)
        error = -ENOMEM;
    if (!error && fread(l->bytes, 1, l->size, f) != l->size)
        error = -EIO;
    fclose(f);
    if (error)
        fail(why, error, path, error == -EINVAL ? "is no regular file" : strerror(-error));
    return error;
}

int player_open(struct player_log *l, const char *path, const char *policy, struct trace_error *why)
{
    struct policy_error wrong;
    const char *what;
    memset(l, 0, sizeof *l);
    int error = read_whole(l, path, why);
    if (!error && play_open(&l->play, l->bytes, l->size, &what))
        error = fail(why, -EINVAL, path, what);
    if (error) {
        player_close(l);
        return error;
    }
    if (policy) {
        snprintf(l->play.header.policy, sizeof l->play.header.policy, "%s", policy);
        memcpy(l->bytes, &l->play.header, sizeof l->play.header);
    }
    if (policy_parse(l->play.header.policy, &l->policy, l->param, &wrong)) {
        snprintf(why->text, sizeof why->text, "%.300s: %s: %.31s; mirrorball policies lists them", path, wrong.what,
                 wrong.word);
        player_close(l);
        return -EINVAL;
    }
    return 0;
}

void player_close(struct player_log *l)
{
    free(l->bytes);
    l->bytes = NULL;
}

int player_play(struct player_log *l, uint64_t *digest, struct engine_stats *stats, struct trace_error *why)
{
    struct counting machine = {.machine.ops = &counting_ops, .frames = l->play.topology.frames};
    struct engine *engine = calloc(1, sizeof *engine);
    uint64_t bytes = 0;
    int error = play_need(&l->play, l->policy, l->param, &bytes);
    if (error) {
        free(engine);
        return fail(why, error, l->policy->name,
                    error == ERR_NOSUP
                        ? "asks for accessed bits, load or advice, which this log does not hold; write one under it"
                        : "these parameters do not fit together");
    }
    void *block = aligned_alloc(64, (bytes + 63) & ~(uint64_t)63);
    error = block && engine ? 0 : -ENOMEM;
    if (!error) {
        memset(block, 0, bytes);
        error = play_begin(&l->play, &machine.machine, engine, block);
        error = error ? error : play_feed(&l->play, engine, 0, l->play.header.records);
    }
    if (!error) {
        *digest = engine_digest(engine);
        *stats = engine->stats;
    }
    free(block);
    free(engine);
    return error ? fail(why, error, l->policy->name, error == -ENOMEM ? "not enough memory" : "cannot play this log")
                 : 0;
}
