/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/plugin/strays.h"

#include <stdio.h>

enum { EXECVE = 59, EXECVEAT = 322 };

bool strays_exec(int64_t number)
{
    return number == EXECVE || number == EXECVEAT;
}

void strays_leave(struct strays *s)
{
    if (!atomic_fetch_add(&s->execs, 1))
        fprintf(stderr,
                "mirrorball: the program becomes another one by execve, which is not captured: record that one, "
                "or a whole machine with -a\n");
    strays_tell(s);
}

void strays_tell(struct strays *s)
{
    unsigned n = atomic_load(&s->started);
    if (atomic_exchange(&s->told, n) != n)
        fprintf(
            stderr,
            "mirrorball: processes that the program started (%u) are not captured: record a whole machine with -a to "
            "have them\n",
            n);
}
