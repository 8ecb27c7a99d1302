/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A piece of somebody else's text, not ended by a zero, and taking it apart.
 */
#ifndef POLICY_TEXT_H
#define POLICY_TEXT_H

#include <stddef.h>

struct text {
    const char *at;
    size_t n;
};

/* Takes what stands before the first `stop` out of *rest, and the stop as well; all of it when there is none. */
static inline struct text text_until(struct text *rest, char stop)
{
    struct text head = {rest->at, 0};
    while (head.n < rest->n && head.at[head.n] != stop)
        head.n++;
    size_t taken = head.n < rest->n ? head.n + 1 : head.n;
    rest->at += taken;
    rest->n -= taken;
    return head;
}

/* All of a text that ends in a zero. */
static inline struct text text_of(const char *s)
{
    struct text t = {s, 0};
    while (s[t.n])
        t.n++;
    return t;
}

#endif
