/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay/select.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cli.h"

enum { SPEC_TEXT = 1024, NAMES_MAX = 256 };

bool select_is_recorded(const struct policy_class *class)
{
    return strcmp(class->name, "as_recorded") == 0;
}

static bool same_run(const struct replay_spec *a, const struct replay_spec *b)
{
    if (a->policy != b->policy || a->sampling != b->sampling)
        return false;
    return memcmp(a->param, b->param, policy_param_count(a->policy) * sizeof a->param[0]) == 0;
}

int select_spec(struct select *s, const struct replay_spec *spec, struct trace_error *error)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (same_run(&s->specs[i], spec))
            return 0;
    if (s->n == s->room) {
        uint32_t room = s->room ? 2 * s->room : 16;
        struct replay_spec *grown = realloc(s->specs, room * sizeof *grown);
        if (!grown) {
            snprintf(error->text, sizeof error->text, "out of memory for %u runs; ask for fewer", room);
            return -ENOMEM;
        }
        s->specs = grown;
        s->room = room;
    }
    s->specs[s->n++] = *spec;
    return 0;
}

int select_all(struct select *s, struct trace_error *error)
{
    for (const struct policy_class *const *class = policy_classes; *class; class ++) {
        struct replay_spec spec = {.policy = *class};
        if (select_is_recorded(*class) && !s->with_recorded)
            continue;
        policy_defaults(*class, spec.param);
        int err = select_spec(s, &spec, error);
        if (err)
            return err;
    }
    return 0;
}

/* A misspelt class: the line lists what there is, and says which of them is near. */
static void suggest(const char *text, struct trace_error *error)
{
    const char *names[NAMES_MAX] = {NULL};
    char class[64];

    for (size_t i = 0; policy_classes[i] && i < NAMES_MAX - 1; i++)
        names[i] = policy_classes[i]->name;
    snprintf(class, sizeof class, "%.*s", (int)strcspn(text, ":"), text);
    const char *near = cli_nearest(class, names);
    size_t used = strlen(error->text);
    if (near)
        snprintf(error->text + used, sizeof error->text - used, "; did you mean %s?", near);
}

static int add_one(struct select *s, const char *text, struct trace_error *error)
{
    struct replay_spec spec = {0};

    if (strcmp(text, "all") == 0)
        return select_all(s, error);
    int err = replay_parse_spec(text, &spec, error);
    if (err == -ENOENT)
        suggest(text, error);
    return err ? err : select_spec(s, &spec, error);
}

/* Length of the first policy in the list: up to the comma after which something without '=', or with its own ':',
 * begins. */
static size_t policy_length(const char *text)
{
    size_t end = strcspn(text, ",");

    while (text[end]) {
        const char *piece = text + end + 1;
        size_t length = strcspn(piece, ",");
        size_t mark = strcspn(piece, "=:");
        if (mark >= length || piece[mark] != '=')
            break;
        end += 1 + length;
    }
    return end;
}

/* "migrep,trigger=64" is understood as well: the first comma becomes the colon that should be there. */
static void mend_colon(char *text)
{
    char *comma = strchr(text, ',');

    if (comma && comma < text + strcspn(text, ":"))
        *comma = ':';
}

int select_add(struct select *s, const char *text, struct trace_error *error)
{
    const char *rest = text;

    for (;;) {
        char one[SPEC_TEXT];
        size_t length = policy_length(rest);
        if (length == 0 || length >= sizeof one) {
            snprintf(error->text, sizeof error->text, "--policy '%.200s': %s", text,
                     length ? "a policy of more than 1000 characters" : "an empty name; write A,B:x=1,C");
            return -EINVAL;
        }
        memcpy(one, rest, length);
        one[length] = '\0';
        mend_colon(one);
        int err = add_one(s, one, error);
        if (err)
            return err;
        if (!rest[length])
            return 0;
        rest += length + 1;
    }
}

void select_free(struct select *s)
{
    free(s->specs);
    *s = (struct select){0};
}
