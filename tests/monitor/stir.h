/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A policy class for tests of the monitor, which only the images that they boot have ("stir:pages=256"): moves or
 * replicates all pages again and again, a few per tick, without any sense. The guests must not notice.
 */
#ifndef TESTS_MONITOR_STIR_H
#define TESTS_MONITOR_STIR_H

#include "policy/policy.h"

extern const struct policy_class policy_stir;

#endif
