/* SPDX-License-Identifier: BSD-2-Clause
 *
 * IN, OUT and their string forms (AMD64 APM volume 2, 15.10.2).
 */
#include "monitor-core/x86/exits.h"
#include "monitor-core/x86/linear.h"
#include "monitor-core/x86/vm.h"

#define RFLAGS_DF UINT64_C(0x400)

enum { BATCH = 64 }; /* elements of a string per exit */

/* EXITINFO1. */
struct io {
    bool in, string, repeat;
    unsigned size, address; /* bytes: of the operand, of the address */
    uint16_t port;
};

static struct io unpack(uint64_t info)
{
    return (struct io){.in = info & 1,
                       .string = info >> 2 & 1,
                       .repeat = info >> 3 & 1,
                       .size = (unsigned)(info >> 4 & 7),
                       .address = (unsigned)(info >> 7 & 7) * 2,
                       .port = (uint16_t)(info >> 16)};
}

static void single(struct vcpu *v, const struct io *io)
{
    uint64_t *rax = &v->vmcb->rax;
    if (!io->in) {
        uint32_t mask = io->size == 4 ? UINT32_MAX : (UINT32_C(1) << io->size * 8) - 1;
        vm_port_write(v->vm, io->port, io->size, (uint32_t)*rax & mask);
        return;
    }
    uint32_t value = vm_port_read(v->vm, io->port, io->size);
    if (io->size == 4)
        *rax = value;
    else
        *rax = (*rax & ~((UINT64_C(1) << io->size * 8) - 1)) | value;
}

static uint64_t address_mask(const struct io *io)
{
    return io->address == 8 ? UINT64_MAX : (UINT64_C(1) << io->address * 8) - 1;
}

/* Sets the low part of an index or count register; four bytes clear the upper half. */
static void set_part(const struct io *io, uint64_t *reg, uint64_t value)
{
    uint64_t mask = address_mask(io);
    *reg = io->address == 2 ? (*reg & ~mask) | (value & mask) : value & mask;
}

/* One element between the port and ES:RDI or DS:RSI. In 64-bit mode these have no base; elsewhere a segment override of
 * OUTS is not looked at. */
static int element(struct vcpu *v, const struct io *io, uint64_t *index)
{
    uint64_t base = linear_mode(v) == 64 ? 0 : io->in ? v->vmcb->es.base : v->vmcb->ds.base;
    uint64_t linear = base + (*index & address_mask(io));
    uint32_t value = 0;
    int err;
    if (io->in) {
        /* The place first: a port must not be read for nothing. */
        err = linear_check(v, linear, io->size);
        if (err)
            return err;
        value = vm_port_read(v->vm, io->port, io->size);
        err = linear_write(v, linear, &value, io->size);
    } else {
        err = linear_read(v, linear, &value, io->size);
        if (!err)
            vm_port_write(v->vm, io->port, io->size, value);
    }
    if (!err)
        set_part(io, index, v->vmcb->rflags & RFLAGS_DF ? *index - io->size : *index + io->size);
    return err;
}

/* True: the instruction is done. */
static bool string(struct vcpu *v, const struct io *io)
{
    uint64_t *index = io->in ? &v->registers.rdi : &v->registers.rsi, *count = &v->registers.rcx;
    if (!io->repeat)
        return element(v, io, index) == 0;
    for (unsigned i = 0; i < BATCH && (*count & address_mask(io)); i++) {
        if (element(v, io, index))
            return false;
        set_part(io, count, *count - 1);
    }
    return !(*count & address_mask(io));
}

enum exit_kind io_port(struct vcpu *v)
{
    struct io io = unpack(v->vmcb->exit_info1);
    uint64_t next = v->vmcb->exit_info2;
    bool done = true;
    if (io.string)
        done = string(v, &io);
    else
        single(v, &io);
    if (done) {
        v->vmcb->rip = next;
        v->vmcb->shadow &= ~UINT64_C(1);
    }
    return EXIT_PORT;
}
