/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/machine_linux.h"

#include <errno.h>
#include <numaif.h>

enum { LOCATE_CHUNK = 512, BURSTS_PER_SECOND = 10, NS_PER_SECOND = 1000000000 };

static void map(struct machine *machine, page_t page, node_t view, node_t copy, enum access access)
{
    struct machine_linux *m = (struct machine_linux *)machine;
    (void)view;
    if (access != ACCESS_NONE)
        m->wanted[page] = copy;
}

/* Who waits goes first. */
static bool afford(struct machine_linux *m)
{
    if (!m->rate_bps)
        return true;
    if (m->credit < m->page_size || m->waiting)
        return false;
    m->credit -= m->page_size;
    return true;
}

static void put_off(struct machine_linux *m, page_t page)
{
    m->queue[(m->head + m->waiting++) % m->pages] = page;
    m->queued[page] = true;
    m->late++;
}

/* What the kernel says of a page, in the engine's words. */
static int16_t verdict(struct machine_linux *m, page_t page, node_t wanted, int status)
{
    if (status == (int)wanted) {
        m->actual[page] = wanted;
        m->moved++;
        return 0;
    }
    m->failed++;
    /* Another node than asked for: the page stayed, without an error of its own. */
    int err = status < 0 ? status : ERR_BUSY;
    m->last_error = -err;
    return (int16_t)err;
}

struct request {
    void *pages[ENGINE_MOVES_MAX];
    int nodes[ENGINE_MOVES_MAX], status[ENGINE_MOVES_MAX];
    page_t page[ENGINE_MOVES_MAX];
    struct move *of[ENGINE_MOVES_MAX]; /* null: of the queue */
    unsigned n;
};

static void add(const struct machine_linux *m, struct request *r, page_t page, struct move *move)
{
    r->pages[r->n] =
        (void *)(uintptr_t)m->address[page]; // NOLINT(performance-no-int-to-ptr): another process's address
    r->nodes[r->n] = m->wanted[page];
    r->status[r->n] = ERR_BUSY;
    r->page[r->n] = page;
    r->of[r->n++] = move;
}

/* A page that waits already goes on waiting: where it shall go is looked at when its turn comes. */
static void collect(struct machine_linux *m, struct request *r, struct move *move)
{
    page_t page = move->page;
    if (move->err || m->wanted[page] == m->actual[page] || m->queued[page])
        return;
    if (afford(m))
        add(m, r, page, move);
    else
        put_off(m, page);
}

/* A positive answer of the kernel counts pages that did not move: their status tells. */
static void carry_out(struct machine_linux *m, struct request *r)
{
    if (!r->n)
        return;
    int err = m->call(m->pid, r->n, r->pages, r->nodes, r->status, MPOL_MF_MOVE) < 0 ? -errno : 0;
    for (unsigned i = 0; i < r->n; i++)
        r->status[i] = verdict(m, r->page[i], (node_t)r->nodes[i], err ? err : r->status[i]);
}

static int sync(struct machine *machine, struct move *moves, uint32_t n)
{
    struct machine_linux *m = (struct machine_linux *)machine;
    struct request r = {.n = 0};
    if (!m->apply)
        return 0;
    for (uint32_t i = 0; i < n; i++)
        collect(m, &r, &moves[i]);
    carry_out(m, &r);
    for (unsigned i = 0; i < r.n; i++)
        r.of[i]->err = (int16_t)r.status[i];
    return 0;
}

uint32_t machine_linux_pump(struct machine_linux *m, page_t stayed[ENGINE_MOVES_MAX], uint32_t *n)
{
    struct request r = {.n = 0};
    uint32_t taken = 0;
    *n = 0;
    for (; m->waiting && r.n < ENGINE_MOVES_MAX; taken++) {
        page_t page = m->queue[m->head];
        bool stays = m->wanted[page] == m->actual[page] || m->actual[page] == NODE_NONE;
        if (!stays && m->credit < m->page_size)
            break;
        m->head = (m->head + 1) % m->pages;
        m->waiting--;
        m->queued[page] = false;
        if (stays)
            continue;
        m->credit -= m->page_size;
        add(m, &r, page, NULL);
    }
    carry_out(m, &r);
    for (unsigned i = 0; i < r.n; i++)
        if (r.status[i]) {
            m->wanted[r.page[i]] = m->actual[r.page[i]];
            stayed[(*n)++] = r.page[i];
        }
    return taken;
}

static int fill(struct machine *machine, page_t page, node_t dst, node_t src)
{
    const struct machine_linux *m = (const struct machine_linux *)machine;
    /* A first touch happened before anybody looked: it is where it is. */
    if (src == NODE_NONE && m->actual[page] != NODE_NONE && m->actual[page] != dst)
        return ERR_NOMEM;
    return 0;
}

static void drop(struct machine *machine, page_t page, node_t copy)
{
    (void)machine;
    (void)page;
    (void)copy;
}

void machine_linux_init(struct machine_linux *m, int pid, bool apply, const uint64_t *address, node_t *actual,
                        node_t *wanted, uint32_t page_size)
{
    static const struct machine_ops ops = {.caps = 0, .map = map, .sync = sync, .fill = fill, .drop = drop};
    *m = (struct machine_linux){.machine = {&ops},
                                .call = move_pages,
                                .pid = pid,
                                .apply = apply,
                                .page_size = page_size,
                                .address = address,
                                .actual = actual,
                                .wanted = wanted};
}

static int locate_some(struct machine_linux *m, page_t first, uint32_t n)
{
    void *pages[LOCATE_CHUNK];
    int status[LOCATE_CHUNK];
    for (uint32_t i = 0; i < n; i++) {
        pages[i] = (void *)(uintptr_t)m->address[first + i]; // NOLINT(performance-no-int-to-ptr)
        status[i] = ERR_NOENT;
    }
    if (m->call(m->pid, n, pages, NULL, status, 0) < 0)
        return -errno;
    for (uint32_t i = 0; i < n; i++)
        m->actual[first + i] = status[i] >= 0 && status[i] < NODE_MAX ? (node_t)status[i] : (node_t)NODE_NONE;
    return 0;
}

int machine_linux_locate(struct machine_linux *m, page_t first, uint32_t n)
{
    for (uint32_t done = 0; done < n; done += LOCATE_CHUNK) {
        int err = locate_some(m, first + done, n - done < LOCATE_CHUNK ? n - done : LOCATE_CHUNK);
        if (err)
            return err;
    }
    return 0;
}

void machine_linux_refill(struct machine_linux *m, uint64_t now_ns)
{
    uint64_t batch = (uint64_t)ENGINE_MOVES_MAX * m->page_size, most = m->rate_bps / BURSTS_PER_SECOND;
    uint64_t kept = most > batch ? most : batch;
    uint64_t since = now_ns > m->credit_at ? now_ns - m->credit_at : 0;
    unsigned __int128 more = (unsigned __int128)since * m->rate_bps / NS_PER_SECOND;
    m->credit_at += since;
    m->credit = more >= kept - (m->credit < kept ? m->credit : kept) ? kept : m->credit + (uint64_t)more;
}
