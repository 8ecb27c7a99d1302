/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "replay/cli_private.h"

static void words(FILE *f, const struct cli_command *command, bool with_value)
{
    const struct cli_option *option;
    for (size_t i = 0; (option = cli_option_at(command, i)); i++) {
        if (with_value && !option->value)
            continue;
        fprintf(f, " --%s", option->name);
        if (option->letter)
            fprintf(f, " -%c", option->letter);
    }
}

static void commands_word(FILE *f, const struct cli_command *const *commands)
{
    for (size_t i = 0; commands[i]; i++)
        fprintf(f, "%s ", commands[i]->name);
}

/* Names known to the program itself are asked of it, so that completion follows what is installed. */
static void values(FILE *f)
{
    fputs("    case $prev in\n"
          "    --format)\n"
          "        mapfile -t COMPREPLY < <(compgen -W 'table csv json' -- \"$cur\")\n"
          "        return\n"
          "        ;;\n"
          "    --policy)\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$(\"$1\" policies --format csv 2>/dev/null | tail -n +2 |"
          " cut -d, -f1)\" -- \"$cur\")\n"
          "        return\n"
          "        ;;\n"
          "    --machine)\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$(\"$1\" machines --format csv 2>/dev/null | tail -n +2 |"
          " cut -d, -f1)\" -- \"$cur\"; compgen -f -- \"$cur\")\n"
          "        return\n"
          "        ;;\n"
          "    esac\n",
          f);
}

void cli_completion_bash(FILE *f, const struct cli_command *const *commands)
{
    fputs("# bash completion of " CLI_PROGRAM "\n"
          "_" CLI_PROGRAM "()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} options='' valued=''\n"
          "    COMPREPLY=()\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '",
          f);
    commands_word(f, commands);
    fputs("help --help --version' -- \"$cur\")\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n", f);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(f, "    %s)\n        options='", commands[i]->name);
        words(f, commands[i], false);
        fputs("'\n        valued='", f);
        words(f, commands[i], true);
        fputs("'\n        ;;\n", f);
    }
    fputs("    help)\n        mapfile -t COMPREPLY < <(compgen -W '", f);
    commands_word(f, commands);
    fputs("' -- \"$cur\")\n        return\n        ;;\n    esac\n", f);
    values(f);
    fputs("    if [[ $cur == -* && \" $valued \" != *\" $prev \"* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
          "    else\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "    fi\n}\n"
          "complete -F _" CLI_PROGRAM " " CLI_PROGRAM "\n",
          f);
}
