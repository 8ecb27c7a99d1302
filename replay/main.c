/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/command.h"
#include "replay/cli.h"
#include "replay/command.h"

static const struct cli_command *const commands[] = {
    &command_policies, &command_machines, &command_replay, &command_compare, &command_sweep, NULL,
};

int main(int argc, char **argv)
{
    return cli_main(argc, argv, commands);
}
