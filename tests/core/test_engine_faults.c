/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "tests/core/chaos.h"

Test(engine_faults, no_frame_lost_and_no_page_broken_whatever_fails)
{
    char first[300];
    uint64_t breaches = chaos_sweep(1000, first, sizeof first);
    cr_assert_eq(breaches, 0, "%llu breaches; %s", (unsigned long long)breaches, first);
}
