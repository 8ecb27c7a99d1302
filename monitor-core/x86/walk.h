/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The guest's own page tables, walked in software (AMD64 APM volume 2, chapter 5): 4-level long mode with pages of 4
 * KiB, 2 MiB and 1 GiB, or no paging at all. Accessed and dirty bits are left alone: only emulated instructions come
 * here, and what an instruction fetched the CPU has marked itself. Pure.
 */
#ifndef MONITOR_CORE_X86_WALK_H
#define MONITOR_CORE_X86_WALK_H

#include "policy/numa.h"

/* What the access is; as in the error code of a page fault. */
enum walk_access { WALK_WRITE = 2, WALK_USER = 4, WALK_FETCH = 16 };

struct walk_mode {
    uint64_t cr0, cr3, cr4, efer, rflags;
    void *context;
    int (*read)(void *context, uint64_t gpa, uint64_t *entry); /* 8 bytes of guest memory; 0 or a negative ERR_ */
};

/* 0: *gpa. ERR_NOENT: a page fault with *code. ERR_NOSUP: paging of another kind. Else what `read` answered. */
int walk(const struct walk_mode *, uint64_t linear, unsigned access, uint64_t *gpa, uint32_t *code);

#endif
