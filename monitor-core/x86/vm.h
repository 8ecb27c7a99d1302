/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One virtual machine: its virtual CPUs and its devices. Devices are portable (monitor-core/devices) and see the
 * machine only through struct device_host; vm.c is that host.
 */
#ifndef MONITOR_CORE_X86_VM_H
#define MONITOR_CORE_X86_VM_H

#include "monitor-core/devices/bus.h"
#include "monitor-core/devices/host_bridge.h"
#include "monitor-core/devices/ioapic.h"
#include "monitor-core/devices/power.h"
#include "monitor-core/devices/uart.h"
#include "monitor-core/devices/virtio_block.h"
#include "monitor-core/pager.h"
#include "monitor-core/sched.h"
#include "monitor-core/x86/metal.h"
#include "monitor-core/x86/vcpu.h"

enum vm_state { VM_OFF, VM_RUNNING, VM_RESETTING, VM_ENDED };
enum { VM_VCPUS = 16 };

/* Why a VM ended, as told to the operator and in the telemetry. */
enum vm_end { VM_POWERED_OFF = 1, VM_CRASHED, VM_OUT_OF_MEMORY, VM_FORBIDDEN };

struct vm {
    uint32_t id;
    const struct config_vm *config;
    uint32_t state, end; /* state: atomic */
    bool settled;        /* ended, and its memory is given back */
    node_t loader;       /* while it is loaded: the node that its memory comes from; else NODE_NONE */
    char why[96];        /* "triple fault at rip ffffffff81000000", empty when it powered off */
    struct lock lock;    /* its devices */
    struct device_host host;
    struct bus ports, memory;
    bool again; /* the device wants the access in hand once more */
    struct uart uart;
    struct ioapic ioapic;
    struct host_bridge bridge;
    struct virtio_block disk[CONFIG_VM_DISKS];
    uint32_t nvcpus, first_vcpu; /* global number of its first virtual CPU */
    struct vcpu *vcpu[VM_VCPUS];
    uint32_t resets;
};

/* The one monitor. */
struct monitor {
    struct config config;
    struct pager pager;
    struct metal metal;
    struct sched sched;
    uint32_t nvms, nvcpus, ndisks;
    struct vm *vm[CONFIG_VMS];
    struct vcpu *vcpu[SCHED_VCPUS];
    struct disk disk[CONFIG_DISKS];
    uint32_t vms_running;
};
extern struct monitor monitor;

/* Sets up a VM whose config and virtual CPUs' array are filled in, and loads its kernel; it runs from vm_begin on.
 * Null, or why the images cannot be loaded (the VM is not running then). By the boot processor, or by the CPU that
 * found the VM at rest. */
const char *vm_load(struct vm *);
void vm_begin(struct vm *);

/* The guest ended the service of a level-triggered interrupt. Takes the VM's lock. */
void vm_end_of_interrupt(struct vm *, uint8_t vector);

/* The VM ends (or starts again, vm_reset) once its virtual CPUs have noticed; callable from any of them, with or
 * without the VM's lock. The others run on. */
void vm_end(struct vm *, enum vm_end, const char *format, ...) __attribute__((format(printf, 3, 4)));
void vm_reset(struct vm *);

static inline bool vm_runs(const struct vm *vm)
{
    return __atomic_load_n(&vm->state, __ATOMIC_ACQUIRE) == VM_RUNNING;
}

/* A CPU has put away a virtual CPU of a VM that does not run: the last one to do so gives the VM's memory back or
 * starts it again. */
void vm_settle(struct vm *);

/* An access of a virtual CPU to one of the VM's buses: its ports, or its memory that is not RAM. *value: what is
 * written, or was read (bus.h). False: the guest has to make the write again, after whatever else is due. */
bool vm_access(struct vm *, const struct bus *, uint64_t address, unsigned size, bool write, uint64_t *value);

#endif
