/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands that this room owns: info, machines.
 */
#ifndef DATASETS_COMMAND_H
#define DATASETS_COMMAND_H

#include "replay/cli.h"

extern const struct cli_command command_info, command_machines;

#endif
