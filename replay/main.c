/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/cli.h"
#include "replay/command.h"

static const struct cli_command *const commands[] = {
    &command_policies,
    NULL,
};

int main(int argc, char **argv)
{
    return cli_main(argc, argv, commands);
}
