/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands that this room owns: report.
 */
#ifndef REPORTS_COMMAND_H
#define REPORTS_COMMAND_H

#include "replay/cli.h"

extern const struct cli_command command_report;

#endif
