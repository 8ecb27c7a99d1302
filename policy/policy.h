/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The contract of a placement policy. One file per policy, one line in registry.c, one word in CMakeLists.txt: nothing
 * else changes for a new one; the command line, sweeps, result files and the monitor take name, parameters and help
 * from the class.
 *
 * Rules
 *  - A policy decides; it never acts. It leaves orders, the engine carries them out, refuses or postpones them.
 *  - `state` is one block owned by the caller, without interior pointers: memcpy clones a run. There is no destroy.
 *  - Per-page state lives in slots of the engine (view_slot), zeroed at first and whenever the page is freed.
 *  - Time comes only as an argument or in events; randomness only from the state, seeded by a parameter.
 *  - Integers only. No floating point, no libc but memcpy, memset, memmove, memcmp.
 *  - home, copies and free frames come from the view: no policy keeps a second truth.
 *  - The head of a class's file says what it does, and how each number is known where that matters: [S] read in the
 *    published source, [A] in an abstract or a manual, [R] recollected, not checked.
 *
 * Order of calls: init; then any mix of place, observe, tick, outcome. Observed events are queued and flushed to
 * observe at the run's batch size, and before every place, tick, collapse and first touch. The view is frozen during a
 * call. A second order for a page within one flush is refused with ERR_BUSY.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "policy/numa.h"

enum { POLICY_PARAMS_MAX = 24 };

/* Observations that a class consumes; it pays for what it asks (monitor-core/observe.h). */
enum policy_signal {
    SIGNAL_MISSES = 1,   /* READ and WRITE events, one miss in `sampling` */
    SIGNAL_HINTS = 2,    /* HINT events after WATCH orders */
    SIGNAL_ACCESSED = 4, /* view.accessed, harvested before each tick */
    SIGNAL_LOAD = 8,     /* view.traffic and view.latency_ps */
    SIGNAL_ADVICE = 16,  /* view.advice: placements known beforehand; replay only */
};

/* What the original sees besides, which a stream of misses does not hold: results of such a class carry a label, unless
 * the trace holds every access. */
enum policy_want {
    WANT_ACCESSES = 1, /* cache hits as well: "miss-fed" */
    WANT_STORES = 2,   /* retired stores instead of store misses: "miss-store variant" */
};

/* The greatest time that a parameter takes, 31 years: its sum with a time of the run does not overflow. */
#define POLICY_NS_MAX UINT64_C(1000000000000000000)

/* What a class can do beyond its own constants, shown by `mirrorball policies`. A value of `max` UINT64_MAX: unbounded.
 */
struct policy_param {
    const char *name;
    uint64_t min, preset, max;
    const char *unit; /* "misses", "ns", "percent", "" */
    const char *help; /* one line */
};

struct policy_class {
    const char *name;
    const char *summary;  /* one line */
    const char *source;   /* paper section or kernel version that rules and defaults are taken from */
    const char *fidelity; /* one line: "recollected: ..." or "left out: ..."; null: rules as in the source */
    const struct policy_param *params; /* ends with a null name; may be null: none */
    unsigned signals;                  /* enum policy_signal, or'ed */
    unsigned wants;                    /* enum policy_want, or'ed */
    uint64_t tick_ns;                  /* period of tick; 0: no tick; a parameter named "tick_ns" replaces it */

    /* Bytes of global state and of one page's slot. */
    size_t state_bytes, slot_bytes;

    /* The same where it depends on the view or the parameters (param[i] belongs to params[i]). Null: as above.
     * view->npages and view->topology are set, nothing else. */
    size_t (*state_size)(const struct view *, const uint64_t *param);
    size_t (*slot_size)(const struct view *, const uint64_t *param);

    /* state is zeroed and 16-byte aligned. 0 or ERR_INVAL when parameters do not fit together. The view's topology,
     * npages and advice are set. Keep a copy of the parameters in the state: they are not passed again. */
    int (*init)(void *state, const struct view *, const uint64_t *param);

    /* First touch of a page by a CPU of `toucher`: where its frame shall be. An answer out of range or on a full node
     * falls to the engine: the toucher's node, then the nearest with a free frame. Where no node has one, the engine
     * takes a replica of some page back, by preference near the node asked for; later calls see it in the view. */
    node_t (*place)(void *state, const struct view *, page_t, node_t toucher);

    /* Events in time order, at most the run's batch size. Optional (null). */
    void (*observe)(void *state, const struct view *, const struct event *, size_t n, struct orders *);

    /* Every tick_ns of trace time, rounded up to whole windows. Optional (null). */
    void (*tick)(void *state, const struct view *, uint64_t now, struct orders *);

    /* Pages whose accessed bits the class has looked at or cleared since it was last asked, which is what it pays for
     * them. Asked after each tick. Optional (null): every page at each harvest. */
    uint64_t (*looked)(void *state);

    /* What became of an order: 0 done, or the ERR_ why not. Optional (null). */
    void (*outcome)(void *state, const struct order *, int err);
};

/* Every linked class, in the order of the list shown to the user; ends with null. (registry.c) */
extern const struct policy_class *const policy_classes[];

/* The class of that name, or null. */
const struct policy_class *policy_find(const char *name);

/* Number of parameters of a class; at most POLICY_PARAMS_MAX. */
unsigned policy_param_count(const struct policy_class *);

/* Index of the named parameter (`len` characters of name), or -1. */
int policy_param_index(const struct policy_class *, const char *name, size_t len);

/* Fills param[] with the class's defaults. */
void policy_defaults(const struct policy_class *, uint64_t *param);

/* A parameter's value as a user writes it: decimal or 0x, then perhaps k, M, G, Ki, Mi or Gi, or ns, us, ms or s where
 * the unit is "ns", or B, kB, MB, GB, KiB, MiB, GiB, TiB or PiB where it is "bytes", or % where it is "percent". False:
 * no such number. The caller checks min and max. (value.c) */
bool policy_value(const struct policy_param *, const char *text, size_t len, uint64_t *value);

/* What is wrong with a policy as written: a static string, and what it is about, printable, perhaps cut off. */
struct policy_error {
    const char *what;
    char word[32];
};

/* "migrep:trigger=64": the class, and in param[POLICY_PARAMS_MAX] the defaults and what is given. 0, or ERR_INVAL with
 * the error filled in. (spec.c) */
enum { POLICY_NAME_MAX = 64 };
int policy_parse(const char *spec, const struct policy_class **, uint64_t *param, struct policy_error *);

/* The period of tick under these parameters, ns; 0: none. */
uint64_t policy_tick_ns(const struct policy_class *, const uint64_t *param);

#endif
