/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Linked with an engine whose protocol is broken in one place: succeeds when the machine that checks finds out.
 */
#include <stdio.h>

#include "tests/core/chaos.h"

int main(void)
{
    char first[300];
    unsigned long long breaches = chaos_sweep(60, first, sizeof first);
    if (!breaches) {
        fprintf(stderr, "the broken engine was not found out\n");
        return 1;
    }
    printf("caught, %llu breaches: %s\n", breaches, first);
    return 0;
}
