/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/sample.h"

#include <string.h>

static const struct {
    const char *name;
    enum sample_miss miss;
} levels[LEVEL_COUNT] = {
    [LEVEL_UNKNOWN] = {"unknown", MISS_NO},
    [LEVEL_L0] = {"l0", MISS_NO},
    [LEVEL_L1] = {"l1", MISS_NO},
    [LEVEL_L2] = {"l2", MISS_NO},
    [LEVEL_L3] = {"l3", MISS_NO},
    [LEVEL_L4] = {"l4", MISS_NO},
    [LEVEL_LFB] = {"lfb", MISS_OPTIONAL},
    [LEVEL_L1_MISS] = {"l1-miss", MISS_NO},
    [LEVEL_PEER_CACHE] = {"peer-cache", MISS_NO},
    [LEVEL_L3_OR_PEER] = {"l3-or-peer", MISS_NO},
    [LEVEL_ANY_CACHE] = {"any-cache", MISS_NO},
    [LEVEL_REMOTE_CACHE] = {"remote-cache", MISS_OPTIONAL},
    [LEVEL_LOCAL_DRAM] = {"local-dram", MISS_YES},
    [LEVEL_REMOTE_DRAM] = {"remote-dram", MISS_YES},
    [LEVEL_CXL] = {"cxl", MISS_YES},
    [LEVEL_PMEM] = {"pmem", MISS_YES},
    [LEVEL_MSC] = {"msc", MISS_YES},
    [LEVEL_L3_MISS] = {"l3-miss", MISS_YES},
    [LEVEL_REMOTE_UNKNOWN] = {"remote-unknown", MISS_YES},
    [LEVEL_IO] = {"io", MISS_NO},
    [LEVEL_UNCACHED] = {"uncached", MISS_NO},
};

static const char *const ops[OP_COUNT] = {"unknown", "read", "write", "prefetch", "fetch"};

const char *sample_level_name(enum sample_level level)
{
    return levels[(unsigned)level < LEVEL_COUNT ? level : LEVEL_UNKNOWN].name;
}

const char *sample_op_name(enum sample_op op)
{
    return ops[(unsigned)op < OP_COUNT ? op : OP_UNKNOWN];
}

enum sample_miss sample_level_miss(enum sample_level level)
{
    return levels[(unsigned)level < LEVEL_COUNT ? level : LEVEL_UNKNOWN].miss;
}

int sample_level_named(const char *name)
{
    for (int i = 0; i < LEVEL_COUNT; i++)
        if (!strcmp(levels[i].name, name))
            return i;
    return -1;
}
