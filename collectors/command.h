/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands that this room owns.
 */
#ifndef COLLECTORS_COMMAND_H
#define COLLECTORS_COMMAND_H

#include "replay/cli.h"

extern const struct cli_command command_import, command_live, command_probe, command_record;

#endif
