/* SPDX-License-Identifier: BSD-2-Clause
 *
 * perf_mem_data_src, one 64-bit word in which the kernel says where a load or store found its data, for every vendor:
 * its fields, and their classification. Source: include/uapi/linux/perf_event.h (Linux 6.18, 7.0); the vendors' tables
 * in arch/x86/events/intel/ds.c, arch/x86/events/amd/ibs.c, tools/perf/util/arm-spe.c.
 */
#ifndef COLLECTORS_DATA_SOURCE_H
#define COLLECTORS_DATA_SOURCE_H

#include "collectors/sample.h"

/* mem_op (bits 0-4) */
enum { SOURCE_OP_NA = 1, SOURCE_OP_LOAD = 2, SOURCE_OP_STORE = 4, SOURCE_OP_PREFETCH = 8, SOURCE_OP_EXEC = 16 };

/* mem_lvl (bits 5-18), a mask of older kernels that newer ones still fill */
enum {
    SOURCE_LVL_NA = 1,
    SOURCE_LVL_HIT = 2,
    SOURCE_LVL_MISS = 4,
    SOURCE_LVL_L1 = 8,
    SOURCE_LVL_LFB = 0x10,
    SOURCE_LVL_L2 = 0x20,
    SOURCE_LVL_L3 = 0x40,
    SOURCE_LVL_LOC_RAM = 0x80,
    SOURCE_LVL_REM_RAM1 = 0x100,
    SOURCE_LVL_REM_RAM2 = 0x200,
    SOURCE_LVL_REM_CCE1 = 0x400,
    SOURCE_LVL_REM_CCE2 = 0x800,
    SOURCE_LVL_IO = 0x1000,
    SOURCE_LVL_UNC = 0x2000
};

/* mem_snoop (bits 19-23), mem_snoopx (38-39) */
enum {
    SOURCE_SNOOP_NA = 1,
    SOURCE_SNOOP_NONE = 2,
    SOURCE_SNOOP_HIT = 4,
    SOURCE_SNOOP_MISS = 8,
    SOURCE_SNOOP_HITM = 16
};
enum { SOURCE_SNOOPX_FWD = 1, SOURCE_SNOOPX_PEER = 2 };

/* mem_lvl_num (bits 33-36), a number; 0: not filled */
enum {
    SOURCE_NUM_L1 = 1,
    SOURCE_NUM_L2 = 2,
    SOURCE_NUM_L3 = 3,
    SOURCE_NUM_L4 = 4,
    SOURCE_NUM_L2_MHB = 5,
    SOURCE_NUM_MSC = 6,
    SOURCE_NUM_L0 = 7,
    SOURCE_NUM_UNC = 8,
    SOURCE_NUM_CXL = 9,
    SOURCE_NUM_IO = 10,
    SOURCE_NUM_ANY_CACHE = 11,
    SOURCE_NUM_LFB = 12,
    SOURCE_NUM_RAM = 13,
    SOURCE_NUM_PMEM = 14,
    SOURCE_NUM_NA = 15
};

/* The fields that the classification reads. */
struct data_source {
    unsigned op, lvl, snoop, lock, tlb, num, remote, snoopx, blk, hops, region;
};
struct data_source data_source_fields(uint64_t raw);
uint64_t data_source_word(const struct data_source *); /* the inverse */

/* Fills op, level, hops, dirty and remote of the sample from its data_source. */
void data_source_classify(struct sample *);

#endif
