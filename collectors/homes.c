/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <numaif.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/homes.h"
#include "collectors/live_pages.h"

enum { HOMES_MAX = 1 << 22 };

struct homes {
    pid_t pid;
    uint64_t page_size;
    struct live_pages pages;
    node_t *node; /* [HOMES_MAX], by number */
    bool over;    /* the process is gone, or not ours to ask */
};

struct homes *homes_new(pid_t pid)
{
    struct homes *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->pid = pid;
    h->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    h->node = malloc(HOMES_MAX * sizeof *h->node);
    if (!h->node || live_pages_init(&h->pages, HOMES_MAX)) {
        free(h->node);
        free(h);
        return NULL;
    }
    return h;
}

void homes_free(struct homes *h)
{
    if (!h)
        return;
    live_pages_free(&h->pages);
    free(h->node);
    free(h);
}

static node_t ask(struct homes *h, uint64_t address)
{
    void *page = (void *)(uintptr_t)address; /* NOLINT(performance-no-int-to-ptr): of another process */
    int status = -ENOENT;
    if (move_pages(h->pid, 1, &page, NULL, &status, 0)) {
        h->over = errno == ESRCH || errno == EPERM;
        return NODE_NONE;
    }
    return status >= 0 && status < NODE_MAX ? (node_t)status : NODE_NONE;
}

node_t homes_node(void *homes, uint32_t pid, uint64_t address)
{
    struct homes *h = homes;
    if (h->over || (pid_t)pid != h->pid || address >> 63)
        return NODE_NONE;
    uint32_t known = h->pages.n;
    page_t page = live_pages_number(&h->pages, address & ~(h->page_size - 1));
    if (page == PAGE_NONE)
        return NODE_NONE;
    if (page == known)
        h->node[page] = ask(h, address & ~(h->page_size - 1));
    return h->node[page];
}
