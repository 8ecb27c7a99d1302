/* SPDX-License-Identifier: BSD-2-Clause
 *
 * AMD IBS op registers in the raw part of a sample: u32 capabilities, then u64 OP_CTL, OP_RIP, OP_DATA, OP_DATA2,
 * OP_DATA3, DC_LIN_AD, DC_PHYS_AD. Bits: AMD Processor Programming Reference, IBS op registers.
 */
#include "collectors/data_source.h"
#include "collectors/decode_private.h"

enum { OP_RIP = 1, OP_DATA2 = 3, OP_DATA3 = 4, LIN_AD = 5, PHYS_AD = 6, WORDS = 7 };
enum { CAPS_ZEN4 = 1 << 11 };

/* OP_DATA3 */
enum {
    LOAD = 1 << 0,
    STORE = 1 << 1,
    DC_MISS = 1 << 7,
    UNCACHED = 1 << 14,
    LOCKED = 1 << 15,
    LIN_VALID = 1 << 17,
    PHYS_VALID = 1 << 18,
    L2_MISS = 1 << 20,
    PREFETCH = 1 << 21
};
enum { DC_MISS_LATENCY_SHIFT = 32 };

static void dram(bool remote, struct data_source *s)
{
    s->lvl |= remote ? SOURCE_LVL_REM_RAM1 : SOURCE_LVL_LOC_RAM;
    s->num = SOURCE_NUM_RAM;
    s->remote = remote;
    s->hops = remote ? 2 : 0;
}

static void cache(unsigned lvl, unsigned num, unsigned remote, unsigned hops, struct data_source *s)
{
    s->lvl |= lvl;
    s->num = num;
    s->remote = remote;
    s->hops = hops;
}

/* Codes before Zen 4: three bits. */
static void source_old(unsigned code, bool remote, struct data_source *s)
{
    if (code == 2)
        cache(SOURCE_LVL_L3 | SOURCE_LVL_REM_CCE1, SOURCE_NUM_ANY_CACHE, 0, 1, s);
    else if (code == 3)
        dram(remote, s);
    else if (code == 4)
        cache(SOURCE_LVL_REM_CCE2, SOURCE_NUM_ANY_CACHE, 1, 2, s);
    else if (code == 7)
        cache(SOURCE_LVL_IO, SOURCE_NUM_IO, 0, 0, s);
}

static void source_zen4(unsigned code, bool remote, struct data_source *s)
{
    if (code == 1)
        cache(SOURCE_LVL_L3, SOURCE_NUM_L3, 0, 0, s);
    else if (code == 2)
        cache(SOURCE_LVL_REM_CCE1, SOURCE_NUM_ANY_CACHE, 1, 1, s);
    else if (code == 3)
        dram(remote, s);
    else if (code == 5)
        cache(SOURCE_LVL_REM_CCE2, SOURCE_NUM_ANY_CACHE, 1, 2, s);
    else if (code == 6)
        s->num = SOURCE_NUM_PMEM;
    else if (code == 7)
        cache(SOURCE_LVL_IO, SOURCE_NUM_IO, 0, 0, s);
    else if (code == 8)
        s->num = SOURCE_NUM_CXL;
}

static void source(uint32_t caps, uint64_t data2, uint64_t data3, struct data_source *s)
{
    unsigned low = data2 & 7, high = data2 >> 6 & 3;
    bool remote = data2 >> 4 & 1;
    s->lvl = SOURCE_LVL_HIT;
    if (data3 & UNCACHED)
        cache(SOURCE_LVL_UNC, SOURCE_NUM_UNC, 0, 0, s);
    else if (!(data3 & DC_MISS))
        cache(SOURCE_LVL_L1, SOURCE_NUM_L1, 0, 0, s);
    else if (!(data3 & L2_MISS))
        cache(SOURCE_LVL_L2, SOURCE_NUM_L2, 0, 0, s);
    else if (!(data3 & LOAD)) /* the data source is valid for loads only */
        *s = (struct data_source){.op = s->op, .lvl = SOURCE_LVL_NA, .num = SOURCE_NUM_NA};
    else if (caps & CAPS_ZEN4)
        source_zen4(high << 3 | low, remote, s);
    else
        source_old(low, remote, s);
    if (s->lvl == SOURCE_LVL_HIT && !s->num)
        cache(0, SOURCE_NUM_NA, 0, 0, s);
}

static void latency(uint64_t data3, struct sample *s)
{
    s->latency = (uint32_t)(data3 >> DC_MISS_LATENCY_SHIFT & 0xffff);
    if ((data3 & LOAD) && (data3 & DC_MISS) && s->latency)
        s->has |= SAMPLE_LATENCY;
}

static void addresses(const uint64_t *word, struct sample *s)
{
    if (!(s->has & SAMPLE_VA) && (word[OP_DATA3] & LIN_VALID) && word[LIN_AD]) {
        s->va = word[LIN_AD];
        s->has |= SAMPLE_VA;
    }
    if (!(s->has & SAMPLE_PA) && (word[OP_DATA3] & PHYS_VALID) && word[PHYS_AD]) {
        s->pa = word[PHYS_AD]; /* zero for who may not see it */
        s->has |= SAMPLE_PA;
    }
}

void decode_ibs(const unsigned char *raw, size_t n, struct sample *s)
{
    uint32_t caps;
    uint64_t word[WORDS];
    struct data_source source_word = {0};
    if (n < sizeof caps + sizeof word || s->level != LEVEL_UNKNOWN || s->op != OP_UNKNOWN)
        return;
    memcpy(&caps, raw, sizeof caps);
    memcpy(word, raw + sizeof caps, sizeof word);
    uint64_t data3 = word[OP_DATA3];
    if (!(data3 & (LOAD | STORE))) /* no access to memory: its address means nothing */
        return;
    source_word.op = data3 & PREFETCH ? SOURCE_OP_PREFETCH : data3 & LOAD ? SOURCE_OP_LOAD : SOURCE_OP_STORE;
    source_word.lock = data3 & LOCKED ? 2 : 1;
    source(caps, word[OP_DATA2], data3, &source_word);
    s->data_source = data_source_word(&source_word);
    s->has |= SAMPLE_SOURCE;
    data_source_classify(s);
    latency(data3, s);
    addresses(word, s);
}
