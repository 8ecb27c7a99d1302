/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/vm.h"

#include "monitor-core/x86/console.h"
#include "monitor-core/x86/kick.h"
#include "monitor-core/x86/module.h"

/* What devices ask of the monitor. */

static node_t host_node(void *context)
{
    const struct vm *vm = context;
    return vm->loader != NODE_NONE ? vm->loader : cpu_self()->node;
}

/* Takes no lock: the caller of the device has the VM's. */
static void host_interrupt(void *context, uint32_t gsi)
{
    ioapic_raise(&((struct vm *)context)->ioapic, gsi);
}

static int host_read(void *context, uint64_t gpa, void *buffer, size_t size)
{
    const struct vm *vm = context;
    return pager_read(&monitor.pager, vm->id, host_node(context), gpa, buffer, size);
}

static int host_write(void *context, uint64_t gpa, const void *buffer, size_t size)
{
    const struct vm *vm = context;
    return pager_write(&monitor.pager, vm->id, host_node(context), gpa, buffer, size);
}

static void host_put(void *context, uint8_t byte)
{
    console_put(((const struct vm *)context)->id, byte);
}

static void host_again(void *context)
{
    ((struct vm *)context)->again = true;
}

static void host_deliver(void *context, uint64_t message)
{
    vcpu_send(context, NULL, message);
}

static void host_end(void *context, bool restart)
{
    if (restart)
        vm_reset(context);
    else
        vm_end(context, VM_POWERED_OFF, "%s", "");
}

void vm_end_of_interrupt(struct vm *vm, uint8_t vector)
{
    lock_take(&vm->lock);
    ioapic_end(&vm->ioapic, vector);
    lock_give(&vm->lock);
}

/* Every device as it is after power-on, on empty buses. */
static void make_devices(struct vm *vm)
{
    vm->host = (struct device_host){vm,         host_interrupt, host_read, host_write, host_node,
                                    host_again, host_deliver,   host_put,  host_end};
    vm->bridge.address = 0;
    vm->ports.n = vm->memory.n = 0;
    uart_init(&vm->uart, &vm->host);
    ioapic_init(&vm->ioapic, &vm->host);
    bus_add(&vm->ports, UART_BASE, UART_SIZE, &vm->uart, uart_read, uart_write);
    bus_add(&vm->ports, POWER_BASE, POWER_SIZE, &vm->host, NULL, power_write);
    bus_add(&vm->ports, HOST_BRIDGE_BASE, HOST_BRIDGE_SIZE, &vm->bridge, host_bridge_read, host_bridge_write);
    bus_add(&vm->memory, IOAPIC_BASE, IOAPIC_SIZE, &vm->ioapic, ioapic_read, ioapic_write);
    for (uint32_t i = 0; i < vm->config->ndisks; i++) {
        struct disk *disk = &monitor.disk[vm->config->disk[i]];
        virtio_block_init(&vm->disk[i], &vm->host, disk, vm->id, VIRTIO_GSI + i);
        bus_add(&vm->memory, VIRTIO_BASE + i * VIRTIO_STRIDE, VIRTIO_STRIDE, &vm->disk[i], virtio_block_read,
                virtio_block_write);
    }
}

/* What its memory begins with. */
static const char *load_part(struct vm *vm, const struct config_part *p)
{
    const struct module *m = module_find(p->module);
    if (!m)
        return "the boot loader gave no module of the kernel's or the initrd's name";
    const unsigned char *bytes = memory_at(&machine_x86.memory, m->start + p->offset);
    if (p->offset > m->size || p->size > m->size - p->offset || config_sum(bytes, p->size) != p->sum)
        return "a module is not the file that the configuration was made with";
    return host_write(vm, p->gpa, bytes, p->size) ? "its memory cannot be written" : NULL;
}

const char *vm_load(struct vm *vm)
{
    const struct config_vm *c = vm->config;
    const char *why = NULL;
    make_devices(vm);
    vm->loader = monitor.sched.vcpu[vm->first_vcpu].node;
    if (vm->loader == NODE_NONE)
        vm->loader = cpu_self()->node;
    for (uint32_t i = 0; !why && i < c->nparts; i++)
        why = load_part(vm, &c->part[i]);
    vm->loader = NODE_NONE;
    if (why)
        return why;
    for (uint32_t i = 0; i < vm->nvcpus; i++)
        vcpu_reset(vm->vcpu[i]);
    vcpu_start(vm->vcpu[0], c->rip, c->rsi, c->cr3, c->gdt);
    return NULL;
}

void vm_begin(struct vm *vm)
{
    vm->settled = false;
    __atomic_store_n(&vm->state, VM_RUNNING, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < vm->nvcpus; i++)
        sched_add(&monitor.sched, (uint16_t)vm->vcpu[i]->number);
    vcpu_wake(vm->vcpu[0]); /* the boot virtual CPU is picked */
}

/* Nobody picks its virtual CPUs any more; those that run are called out of the guest. */
static void stop(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->nvcpus; i++)
        kick_send(sched_remove(&monitor.sched, (uint16_t)vm->vcpu[i]->number, cpu_now()));
}

/* True for the one caller that takes the VM out of VM_RUNNING. */
static bool leave_running(struct vm *vm, uint32_t state)
{
    uint32_t running = VM_RUNNING;
    return __atomic_compare_exchange_n(&vm->state, &running, state, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void vm_end(struct vm *vm, enum vm_end end, const char *format, ...)
{
    if (!leave_running(vm, VM_ENDED))
        return;
    vm->end = end;
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    print_into(vm->why, sizeof vm->why, format, arguments);
    __builtin_va_end(arguments);
    stop(vm);
}

void vm_reset(struct vm *vm)
{
    if (leave_running(vm, VM_RESETTING))
        stop(vm);
}

static void forget_disks(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->config->ndisks; i++)
        if (disk_forget(&monitor.disk[vm->config->disk[i]], vm->id))
            print("disk %s: what was written last may be lost", monitor.disk[vm->config->disk[i]].config->name);
}

static void say_end(const struct vm *vm)
{
    static const char *const how[] = {"", "powered off", "crashed", "out of memory", "forbidden"};
    console_flush(vm->id);
    print("VM %s: %s%s%s", vm->config->name, how[vm->end], vm->why[0] ? ": " : "", vm->why);
}

/* False: it cannot, and has ended. */
static bool restart(struct vm *vm)
{
    vm->resets++;
    console_flush(vm->id);
    print("VM %s: starts again", vm->config->name);
    const char *why = vm_load(vm);
    if (!why) {
        vm_begin(vm);
        return true;
    }
    __atomic_store_n(&vm->state, VM_RUNNING, __ATOMIC_RELEASE);
    vm_end(vm, VM_CRASHED, "cannot start again: %s", why);
    pager_empty(&monitor.pager, vm->id);
    return false;
}

static bool at_rest(const struct vm *vm)
{
    for (uint32_t i = 0; i < vm->nvcpus; i++)
        if (!sched_quiet(&monitor.sched, (uint16_t)vm->vcpu[i]->number))
            return false;
    return true;
}

void vm_settle(struct vm *vm)
{
    static struct lock lock; /* of `settled`: a CPU may come late, when the VM runs again or has ended once more */
    lock_take(&lock);
    bool mine = !vm->settled && !vm_runs(vm) && at_rest(vm);
    vm->settled |= mine;
    lock_give(&lock);
    if (!mine)
        return;
    pager_empty(&monitor.pager, vm->id);
    if (__atomic_load_n(&vm->state, __ATOMIC_ACQUIRE) == VM_RESETTING && restart(vm))
        return; /* and finds its disks as it left them */
    forget_disks(vm);
    say_end(vm);
    __atomic_sub_fetch(&monitor.vms_running, 1, __ATOMIC_ACQ_REL);
}

bool vm_access(struct vm *vm, const struct bus *bus, uint64_t address, unsigned size, bool write, uint64_t *value)
{
    lock_take(&vm->lock);
    vm->again = false;
    if (write)
        bus_write(bus, address, size, *value);
    else
        *value = bus_read(bus, address, size);
    bool done = !vm->again;
    lock_give(&vm->lock);
    return done;
}
