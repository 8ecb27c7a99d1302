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

/* First words, each once. */
static void commands_word(FILE *f, const struct cli_command *const *commands)
{
    for (size_t i = 0; commands[i]; i++) {
        size_t length = strcspn(commands[i]->name, " ");
        if (i && !strncmp(commands[i - 1]->name, commands[i]->name, length) && commands[i - 1]->name[length] == ' ')
            continue;
        fprintf(f, "%.*s ", (int)length, commands[i]->name);
    }
}

/* Second words, for the commands that have one. */
static void second_words(FILE *f, const struct cli_command *const *commands)
{
    for (size_t i = 0; commands[i]; i++) {
        size_t length = strcspn(commands[i]->name, " ");
        if (!commands[i]->name[length])
            continue;
        fprintf(f, "    %.*s)\n        if ((COMP_CWORD == 2)); then\n            mapfile -t COMPREPLY < <(compgen -W '",
                (int)length, commands[i]->name);
        for (; commands[i]; i++) {
            fprintf(f, "%s ", commands[i]->name + length + 1);
            if (!commands[i + 1] || strncmp(commands[i]->name, commands[i + 1]->name, length + 1))
                break;
        }
        fputs(
            "help' -- \"$cur\")\n            return\n        fi\n        command+=\" ${COMP_WORDS[2]}\"\n        ;;\n",
            f);
    }
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
          "    local command=${COMP_WORDS[1]}\n"
          "    COMPREPLY=()\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '",
          f);
    commands_word(f, commands);
    fputs("help --help --version' -- \"$cur\")\n        return\n    fi\n    case $command in\n", f);
    second_words(f, commands);
    fputs("    esac\n    case $command in\n", f);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(f, "    '%s')\n        options='", commands[i]->name);
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
