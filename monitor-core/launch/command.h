/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands that this room owns: monitor run, monitor config, monitor play.
 */
#ifndef MONITOR_CORE_LAUNCH_COMMAND_H
#define MONITOR_CORE_LAUNCH_COMMAND_H

#include "replay/cli.h"

extern const struct cli_command command_monitor_run, command_monitor_config, command_monitor_play;

#endif
