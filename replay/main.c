/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/command.h"
#include "datasets/command.h"
#include "monitor-core/launch/command.h"
#include "replay/cli.h"
#include "replay/command.h"
#include "reports/command.h"

static const struct cli_command *const commands[] = {
    &command_record,   &command_probe,       &command_import,         &command_info,         &command_compare,
    &command_replay,   &command_sweep,       &command_report,         &command_live,         &command_policies,
    &command_machines, &command_monitor_run, &command_monitor_config, &command_monitor_play, NULL,
};

int main(int argc, char **argv)
{
    return cli_main(argc, argv, commands);
}
