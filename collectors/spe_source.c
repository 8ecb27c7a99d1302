/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Data sources of SPE, by CPU. The codes are implementation defined: Arm Neoverse N1, N2, V1, V2 technical reference
 * manuals ("data source packet"), and for AmpereOne and HiSilicon Linux 6.18 tools/perf/util/arm-spe.c.
 */
#include "collectors/data_source.h"
#include "collectors/spe_private.h"

enum place {
    NONE,
    L1,
    L2,
    PEER_CORE,
    PEER_CLUSTER,
    L3,
    L3_MODIFIED,
    REMOTE,
    REMOTE_MODIFIED,
    DRAM,
    REMOTE_DRAM,
    DEVICE
};
enum { CODES = 20 };

static const uint8_t neoverse[CODES] = {
    [0] = L1,      [8] = L2,   [9] = PEER_CORE, [10] = PEER_CLUSTER, [11] = L3, [12] = PEER_CLUSTER,
    [13] = REMOTE, [14] = DRAM};
static const uint8_t ampereone[CODES] = {[0] = PEER_CORE, [3] = L3, [5] = REMOTE, [7] = DRAM, [8] = L1, [9] = L2};
static const uint8_t hisilicon[CODES] = {[0] = PEER_CORE,    [1] = L3_MODIFIED, [2] = L3,      [3] = L3_MODIFIED,
                                         [4] = PEER_CLUSTER, [5] = L3_MODIFIED, [6] = REMOTE,  [7] = REMOTE_MODIFIED,
                                         [8] = DRAM,         [9] = REMOTE_DRAM, [13] = DEVICE, [16] = L2,
                                         [17] = L2,          [18] = L1};

/* Fields of the kernel's word. Remote says another socket; whether its cache or its memory is not told. */
static const struct data_source meaning[] = {
    [NONE] = {.lvl = SOURCE_LVL_NA, .num = SOURCE_NUM_NA},
    [L1] = {.lvl = SOURCE_LVL_HIT | SOURCE_LVL_L1, .num = SOURCE_NUM_L1, .snoop = SOURCE_SNOOP_NONE},
    [L2] = {.lvl = SOURCE_LVL_HIT | SOURCE_LVL_L2, .num = SOURCE_NUM_L2, .snoop = SOURCE_SNOOP_NONE},
    [PEER_CORE] = {.lvl = SOURCE_LVL_HIT | SOURCE_LVL_L2, .num = SOURCE_NUM_L2, .snoopx = SOURCE_SNOOPX_PEER},
    [PEER_CLUSTER] = {.lvl = SOURCE_LVL_HIT | SOURCE_LVL_L3, .num = SOURCE_NUM_L3, .snoopx = SOURCE_SNOOPX_PEER},
    [L3] = {.lvl = SOURCE_LVL_HIT | SOURCE_LVL_L3, .num = SOURCE_NUM_L3, .snoop = SOURCE_SNOOP_NONE},
    [L3_MODIFIED] = {.lvl = SOURCE_LVL_HIT | SOURCE_LVL_L3, .num = SOURCE_NUM_L3, .snoop = SOURCE_SNOOP_HITM},
    [REMOTE] = {.lvl = SOURCE_LVL_NA, .num = SOURCE_NUM_NA, .remote = 1, .snoopx = SOURCE_SNOOPX_PEER},
    [REMOTE_MODIFIED] = {.lvl = SOURCE_LVL_HIT, .num = SOURCE_NUM_ANY_CACHE, .remote = 1, .snoop = SOURCE_SNOOP_HITM},
    [DRAM] = {.lvl = SOURCE_LVL_HIT | SOURCE_LVL_LOC_RAM, .num = SOURCE_NUM_RAM, .snoop = SOURCE_SNOOP_NONE},
    [REMOTE_DRAM] = {.lvl = SOURCE_LVL_HIT | SOURCE_LVL_REM_RAM1, .num = SOURCE_NUM_RAM, .remote = 1},
    [DEVICE] = {.lvl = SOURCE_LVL_HIT | SOURCE_LVL_IO, .num = SOURCE_NUM_IO},
};

/* Parts of implementer 0x41 that share the codes of Neoverse: N1, N2, N3, V1, V2, V3, Cortex-X1C, X3, X925, A720, A725
 */
static const uint16_t arm_parts[] = {0xd0c, 0xd49, 0xd8e, 0xd40, 0xd4f, 0xd84, 0xd4c, 0xd4e, 0xd85, 0xd81, 0xd87};

static const uint8_t *codes_of(uint64_t midr)
{
    unsigned maker = midr >> 24 & 0xff, part = midr >> 4 & 0xfff;
    for (size_t i = 0; maker == 0x41 && i < sizeof arm_parts / sizeof arm_parts[0]; i++)
        if (arm_parts[i] == part)
            return neoverse;
    if (maker == 0xc0 && (part == 0xac3 || part == 0xac4))
        return ampereone;
    return maker == 0x48 ? hisilicon : NULL;
}

/* Event bits say less, on every CPU: 2 L1 access, 3 L1 refill, 8 last level access, 9 last level miss, 10 remote. */
static struct data_source from_events(uint64_t events)
{
    if (events >> 10 & 1)
        return meaning[REMOTE];
    if (events >> 9 & 1)
        return (struct data_source){.lvl = SOURCE_LVL_MISS | SOURCE_LVL_L3, .num = SOURCE_NUM_L3};
    if (events >> 8 & 1)
        return meaning[L3];
    if (events >> 3 & 1)
        return (struct data_source){.lvl = SOURCE_LVL_MISS | SOURCE_LVL_L1, .num = SOURCE_NUM_L1};
    return meaning[events >> 2 & 1 ? L1 : NONE];
}

void spe_source(uint64_t midr, struct spe_record *r)
{
    const uint8_t *codes = codes_of(midr);
    bool known = codes && r->has_source && !r->store && r->source < CODES;
    struct data_source s = known ? meaning[codes[r->source]] : from_events(r->events);
    s.op = r->store ? SOURCE_OP_STORE : SOURCE_OP_LOAD;
    r->sample.data_source = data_source_word(&s);
    r->sample.has |= SAMPLE_SOURCE;
    data_source_classify(&r->sample);
}
