/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands that this room owns: import, info, machines.
 */
#ifndef DATASETS_COMMAND_H
#define DATASETS_COMMAND_H

#include "replay/cli.h"

extern const struct cli_command command_import, command_info, command_machines;

#endif
