/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The columns of a monitor's tables, and what of the other tables a run of the monitor cannot know.
 */
#ifndef REPORTS_LAYOUT_MONITOR_H
#define REPORTS_LAYOUT_MONITOR_H

#include "reports/hdf.h"
#include "reports/result_monitor.h"

enum { LAYOUT_MEMBERS = 160 };

/* The list without the columns that only a replay knows: stalls, overhead, utilisation, costs, yardsticks. For a replay
 * the list as it is. `room` has LAYOUT_MEMBERS entries. */
const struct hdf_member *layout_known(const struct hdf_member *, bool monitor, struct hdf_member *room);

struct layout_vm {
    uint32_t run, vm;
    double local_share; /* NaN when nothing was seen */
    struct result_vm of;
};

struct layout_vm_traffic {
    uint32_t run, vm, node;
    uint64_t accesses;
};

struct layout_vcpu {
    uint32_t run, vcpu;
    struct result_vcpu of;
};

struct layout_exits {
    uint32_t run, vm, vcpu;
    char kind[16];
    uint64_t exits;
    double per_guest_s; /* NaN when the virtual CPU never ran */
};

struct layout_memory {
    uint32_t run, node, cpus;
    struct result_memory of;
};

struct layout_disk {
    uint32_t run, disk;
    struct result_disk of;
};

struct layout_monitor {
    uint32_t run;
    struct result_monitor of;
};

extern const struct hdf_member layout_monitor[], layout_vm[], layout_vm_traffic[], layout_vcpu[], layout_exits[],
    layout_memory[], layout_disk[];

/* 0 or a negative errno; of no effect where no run is one of the monitor. Reading: after the runs. */
int result_monitor_write(hid_t file, const struct result_set *, uint32_t nsets);
int result_monitor_read(struct hdf_reader *, hid_t file, struct result_set *, uint32_t nsets);

#endif
