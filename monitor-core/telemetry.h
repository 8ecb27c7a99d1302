/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What leaves the machine on its second serial port: frames, from which the other end makes a result set and a trace.
 * One way, no acknowledgement. A frame: 'M' 'B', type, 0, length of the body (u16), sequence number (u16), body,
 * CRC-32 (IEEE) of everything before it. All little-endian. Counts are totals since boot, so a lost frame loses nothing
 * but OBSERVED ones, whose gap shows in the sequence.
 *
 * Portable: the monitor encodes, the program decodes (launch/telemetry_reader.h).
 */
#ifndef MONITOR_CORE_TELEMETRY_H
#define MONITOR_CORE_TELEMETRY_H

#include "monitor-core/engine.h"
#include "monitor-core/exits.h"

enum { TELEMETRY_VERSION = 1, TELEMETRY_BODY_MAX = 4096, TELEMETRY_HEAD = 8, TELEMETRY_OVERHEAD = 12 };

enum telemetry_type {
    TELEMETRY_HELLO = 1, /* struct telemetry_hello, once, first */
    TELEMETRY_NODE,      /* struct telemetry_node, per node, periodically */
    TELEMETRY_VM,        /* struct telemetry_vm, per VM, periodically */
    TELEMETRY_VCPU,      /* struct telemetry_vcpu, periodically */
    TELEMETRY_ENGINE,    /* struct telemetry_engine, periodically */
    TELEMETRY_DISK,      /* struct telemetry_disk, periodically */
    TELEMETRY_OBSERVED,  /* packed observations, only with record = 1 */
    TELEMETRY_TEXT,      /* a message of the monitor, ASCII */
    TELEMETRY_END,       /* struct telemetry_end, once, last */
};

/* Bodies are these structs as they lie in memory: every member naturally aligned, no padding. */
struct telemetry_hello {
    uint32_t version, nodes, cpus, vms;
    uint64_t tsc_khz, memory_bytes;
    uint32_t npages, slots; /* page ids; those below slots are the VMs' own */
    uint32_t harvest_ms, weight, around, batch, sampling, record;
    uint8_t cpu_node[64];
    uint32_t latency_ps[16 * 16]; /* [from * 16 + to] */
    char policy[256];             /* as configured */
    char config_digest[32];
};

struct telemetry_node {
    uint32_t node, cpus;
    uint64_t total_bytes, free_bytes, monitor_bytes;
    uint64_t seen[16][2]; /* accesses from this node to memory of node n: reads, writes (A-bit-fed, x weight) */
};

struct telemetry_vm {
    uint32_t vm, vcpus, state, end; /* enum vm_end */
    uint32_t first_slot, pages, private_pages, shared_pages;
    uint64_t touches, copies_on_write, resets;
    uint64_t to_node[16]; /* accesses to each node's memory */
    uint64_t local;       /* of these by CPUs of the same node */
    char name[32];
    char why[96];
};

struct telemetry_vcpu {
    uint32_t number, vm, index, cpu;
    uint64_t guest_ns, monitor_ns, used_ns;
    uint64_t exits[EXIT_KINDS];
    uint64_t reserved[32 - EXIT_KINDS];
};

struct telemetry_engine {
    uint64_t time_ns, digest;
    struct engine_stats stats;
    uint64_t observations_lost; /* they came faster than the serial line takes them */
    uint64_t shootdowns, kicks, shootdown_wait_ns, nested_tables, harvests;
    uint64_t shared_pages; /* in use */
    uint64_t switches, vcpu_migrations, idle_ns;
};

struct telemetry_disk {
    uint32_t disk, persistent;
    uint64_t drive_reads, drive_blocks, hits, maps, copies, private_blocks, let_go, resident; /* blocks in memory */
    char name[32];
};

/* OBSERVED: u64 time of the first, then per observation: varint ns since the one before, varint slot (zigzag of the
 * difference to the one before), u8 node, u8 what (as struct event), in as many as fit. */

#define TELEMETRY_OPERATOR "ended by the operator" /* why: Ctrl-A x */
struct telemetry_end {
    uint64_t time_ns;
    uint32_t panicked, reserved;
    char why[240];
};

/* Encoder: `put` takes the bytes in order, a frame in several calls; whoever shares the encoder serialises. */
struct telemetry {
    void (*put)(void *context, const void *bytes, size_t n);
    void *context;
    uint16_t sequence;
    uint32_t used; /* of body, by the observations being packed */
    uint64_t last_time;
    uint32_t last_slot;
    uint8_t body[TELEMETRY_BODY_MAX];
};

void telemetry_init(struct telemetry *, void (*put)(void *, const void *, size_t), void *context);
/* What is being packed goes first. A body over TELEMETRY_BODY_MAX is cut. */
void telemetry_send(struct telemetry *, enum telemetry_type, const void *body, size_t size);
void telemetry_observed(struct telemetry *, uint64_t time, uint32_t slot, node_t node, uint8_t what);
void telemetry_flush(struct telemetry *); /* sends packed observations */

/* CRC-32 (IEEE) of more bytes after those that gave `crc`; 0 for none. */
uint32_t telemetry_crc(uint32_t crc, const uint8_t *bytes, size_t n);

#endif
