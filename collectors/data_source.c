/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/data_source.h"

struct data_source data_source_fields(uint64_t raw)
{
    return (struct data_source){
        .op = raw & 31,
        .lvl = raw >> 5 & 0x3fff,
        .snoop = raw >> 19 & 31,
        .lock = raw >> 24 & 3,
        .tlb = raw >> 26 & 127,
        .num = raw >> 33 & 15,
        .remote = raw >> 37 & 1,
        .snoopx = raw >> 38 & 3,
        .blk = raw >> 40 & 7,
        .hops = raw >> 43 & 7,
        .region = raw >> 46 & 31,
    };
}

uint64_t data_source_word(const struct data_source *s)
{
    return (uint64_t)s->op | (uint64_t)s->lvl << 5 | (uint64_t)s->snoop << 19 | (uint64_t)s->lock << 24 |
           (uint64_t)s->tlb << 26 | (uint64_t)s->num << 33 | (uint64_t)s->remote << 37 | (uint64_t)s->snoopx << 38 |
           (uint64_t)s->blk << 40 | (uint64_t)s->hops << 43 | (uint64_t)s->region << 46;
}

static enum sample_op op_of(unsigned op)
{
    if (op & SOURCE_OP_LOAD)
        return OP_READ;
    if (op & SOURCE_OP_STORE)
        return OP_WRITE;
    if (op & SOURCE_OP_PREFETCH)
        return OP_PREFETCH;
    return op & SOURCE_OP_EXEC ? OP_FETCH : OP_UNKNOWN;
}

/* Nodes away: the number of the newer field, else the digit of the older one, else one where it is remote at all. */
static uint8_t distance(const struct data_source *s)
{
    if (s->hops >= 2)
        return (uint8_t)(s->hops - 1);
    if (s->lvl & (SOURCE_LVL_REM_RAM2 | SOURCE_LVL_REM_CCE2))
        return 2;
    return 1;
}

static enum sample_level dram(const struct data_source *s)
{
    return s->remote ? LEVEL_REMOTE_DRAM : LEVEL_LOCAL_DRAM;
}

/* Own L3 and another's cache share a code on older AMD. Near caches carry the remote bit and stay in the node all the
 * same: hops 1 is this node. */
static enum sample_level some_cache(const struct data_source *s)
{
    bool cce = s->lvl & (SOURCE_LVL_REM_CCE1 | SOURCE_LVL_REM_CCE2);
    if ((s->lvl & SOURCE_LVL_L3) && (s->lvl & SOURCE_LVL_REM_CCE1) && s->hops <= 1 && !s->remote)
        return LEVEL_L3_OR_PEER;
    if (s->hops == 1)
        return LEVEL_PEER_CACHE;
    return s->remote || s->hops >= 2 || cce ? LEVEL_REMOTE_CACHE : LEVEL_ANY_CACHE;
}

static enum sample_level near_cache(const struct data_source *s)
{
    bool l3 = s->num == SOURCE_NUM_L3 || (!s->num && (s->lvl & SOURCE_LVL_L3));
    if ((s->snoopx & SOURCE_SNOOPX_PEER) || (l3 && (s->snoop & (SOURCE_SNOOP_HITM | SOURCE_SNOOP_HIT))))
        return LEVEL_PEER_CACHE;
    if (l3)
        return LEVEL_L3;
    if (s->num == SOURCE_NUM_L0)
        return LEVEL_L0;
    if (s->num == SOURCE_NUM_L1 || (!s->num && (s->lvl & SOURCE_LVL_L1)))
        return LEVEL_L1;
    return LEVEL_L2;
}

static enum sample_level missed(const struct data_source *s)
{
    if (s->num == SOURCE_NUM_L3 || (s->lvl & SOURCE_LVL_L3))
        return LEVEL_L3_MISS;
    if (s->num == SOURCE_NUM_L1 || (s->lvl & SOURCE_LVL_L1))
        return s->num == SOURCE_NUM_L2 || (s->lvl & SOURCE_LVL_L2) ? LEVEL_UNKNOWN : LEVEL_L1_MISS;
    return LEVEL_UNKNOWN;
}

/* Memory of other kinds, which have numbers of their own. */
static enum sample_level special(const struct data_source *s)
{
    if ((s->lvl & SOURCE_LVL_UNC) || s->num == SOURCE_NUM_UNC)
        return LEVEL_UNCACHED;
    if ((s->lvl & SOURCE_LVL_IO) || s->num == SOURCE_NUM_IO)
        return LEVEL_IO;
    switch (s->num) {
    case SOURCE_NUM_CXL:
        return LEVEL_CXL;
    case SOURCE_NUM_PMEM:
        return LEVEL_PMEM;
    case SOURCE_NUM_MSC:
        return LEVEL_MSC;
    case SOURCE_NUM_L4:
        return LEVEL_L4;
    default:
        return LEVEL_UNKNOWN;
    }
}

/* The order matters: remote memory of CPUs before Skylake carries the number of the L3. */
static enum sample_level level_of(const struct data_source *s)
{
    enum sample_level level = special(s);
    bool hit = s->lvl & SOURCE_LVL_HIT, miss = (s->lvl & SOURCE_LVL_MISS) && !hit;
    bool cce = s->lvl & (SOURCE_LVL_REM_CCE1 | SOURCE_LVL_REM_CCE2);
    if (level != LEVEL_UNKNOWN)
        return level;
    if (s->lvl & (SOURCE_LVL_REM_RAM1 | SOURCE_LVL_REM_RAM2))
        return LEVEL_REMOTE_DRAM;
    if ((s->lvl & SOURCE_LVL_LOC_RAM) || s->num == SOURCE_NUM_RAM)
        return dram(s);
    if (s->num == SOURCE_NUM_ANY_CACHE || cce || (s->num == SOURCE_NUM_L3 && s->remote))
        return some_cache(s);
    if (s->num == SOURCE_NUM_LFB || s->num == SOURCE_NUM_L2_MHB || (s->lvl & SOURCE_LVL_LFB))
        return LEVEL_LFB;
    if (miss)
        return missed(s);
    if (s->num == SOURCE_NUM_L0 || (s->num >= SOURCE_NUM_L1 && s->num <= SOURCE_NUM_L3) ||
        (hit && (s->lvl & (SOURCE_LVL_L1 | SOURCE_LVL_L2 | SOURCE_LVL_L3))))
        return near_cache(s);
    return s->num == SOURCE_NUM_NA && s->remote ? LEVEL_REMOTE_UNKNOWN : LEVEL_UNKNOWN;
}

void data_source_classify(struct sample *sample)
{
    struct data_source s = data_source_fields(sample->data_source);
    enum sample_level level = level_of(&s);
    bool remote = level == LEVEL_REMOTE_DRAM || level == LEVEL_REMOTE_CACHE || level == LEVEL_REMOTE_UNKNOWN ||
                  (s.remote && s.hops != 1);
    sample->op = (uint8_t)op_of(s.op);
    sample->level = (uint8_t)level;
    sample->remote = remote;
    sample->hops = remote ? distance(&s) : 0;
    sample->dirty = s.snoop & SOURCE_SNOOP_HITM;
}
