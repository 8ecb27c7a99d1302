/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands that this room owns: compare, replay, sweep, policies.
 */
#ifndef REPLAY_COMMAND_H
#define REPLAY_COMMAND_H

#include "replay/cli.h"

extern const struct cli_command command_compare, command_replay, command_sweep, command_policies;

#endif
