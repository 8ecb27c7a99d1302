/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random numbers for classes that draw: the generator's whole state is one number in the class's state, seeded by a
 * parameter, so that a run can be repeated and cloned.
 */
#ifndef POLICY_RANDOM_H
#define POLICY_RANDOM_H

#include <stdint.h>

/* 64 random bits (splitmix64: Steele, Lea, Flood, OOPSLA 2014). */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 .. below - 1; below > 0. */
static inline uint64_t random_below(uint64_t *state, uint64_t below)
{
    return random_next(state) % below;
}

#endif
