/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A policy class for tests of the monitor, known to config_parse only ("stir:pages=256"): moves or replicates all pages
 * again and again, a few per tick, without any sense. The guests must not notice.
 */
#ifndef MONITOR_CORE_STIR_H
#define MONITOR_CORE_STIR_H

#include "policy/policy.h"

extern const struct policy_class policy_stir;

#endif
