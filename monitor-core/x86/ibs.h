/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Instruction-based sampling of AMD CPUs (AMD64 APM volume 2, 13.3; CPUID 8000_001B): one op in about a million is
 * tagged, and when it missed the caches its physical address says which page's copy it went to. Where a CPU has it,
 * these samples are the policy's misses instead of the harvested accessed bits.
 *
 * Emulated CPUs have none, so only the decoding of its registers is tested; the rest has never run. It needs a CPU in
 * x2APIC mode whose firmware has given IBS an entry of the extended local vector table. The interrupt of a full count
 * is the kick that every CPU knows: it ends the guest's run, and the sample is read behind the exit.
 */
#ifndef MONITOR_CORE_X86_IBS_H
#define MONITOR_CORE_X86_IBS_H

#include "policy/numa.h"

/* Ops from one sample to the next (2^20 - 16). A sampled miss stands for as many, but policies' triggers are made for
 * events that weigh what a harvested bit does by default: one sample alone shall not move a page. */
enum { IBS_COUNT = 0xffff, IBS_LOG2_WEIGHT = 6 };

struct ibs_sample {
    uint64_t physical;
    bool write;
};

/* IBS_OP_DATA3 and IBS_DC_PHYS_AD. False: no access to memory behind the core's caches, or its address is not known. */
static inline bool ibs_decode(uint64_t data3, uint64_t physical, struct ibs_sample *s)
{
    const uint64_t load = 1, store = 2, data_miss = 1 << 7, address_valid = 1 << 18, second_level_miss = 1 << 20;
    if (!(data3 & address_valid) || !(data3 & data_miss) || !(data3 & (load | store)))
        return false;
    /* The second level is reported for loads only. */
    if (!(data3 & store) && !(data3 & second_level_miss))
        return false;
    *s = (struct ibs_sample){.physical = physical & UINT64_C(0x000fffffffffffff), .write = data3 & store};
    return true;
}

/* On each physical CPU; does nothing where there is no IBS. */
void ibs_cpu_init(void);

/* Before a guest is entered, and after its exit: passes on what was sampled in the guest; of the monitor itself it
 * counts for nothing. */
void ibs_take(bool guest);

#endif
