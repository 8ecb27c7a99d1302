/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/console.h"

#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/vm.h"

enum { LINE = 256, ESCAPE = 1, NOBODY = CONFIG_VMS };
enum { REST_NS = 40000000 }; /* an unfinished line comes out after so long without another byte */

struct line {
    char text[LINE];
    uint32_t used;
    uint64_t last; /* when the latest byte came */
};

static struct {
    struct lock lock;
    struct line line[CONFIG_VMS];
    uint32_t open; /* whose unfinished line the cursor stands behind; NOBODY: at the start of a line */
    uint32_t selected;
    bool escaped, end;
} console = {.open = NOBODY};

static void close_line(void)
{
    if (console.open != NOBODY)
        serial_put(0, "\r\n", 2);
    console.open = NOBODY;
}

/* The cursor stands where a byte of the VM may be written. */
static void turn_to(uint32_t vm)
{
    if (console.open == vm)
        return;
    close_line();
    if (monitor.nvms > 1) {
        serial_put(0, "[", 1);
        for (const char *name = monitor.vm[vm]->config->name; *name; name++)
            serial_put(0, name, 1);
        serial_put(0, "] ", 2);
    }
    console.open = vm;
}

static void flush(uint32_t vm)
{
    struct line *l = &console.line[vm];
    if (!l->used)
        return;
    turn_to(vm);
    serial_put(0, l->text, l->used);
    if (l->text[l->used - 1] == '\n')
        console.open = NOBODY;
    l->used = 0;
}

void console_put(uint32_t vm, uint8_t byte)
{
    lock_take(&console.lock);
    struct line *l = &console.line[vm];
    l->text[l->used++] = (char)byte;
    l->last = cpu_now();
    if (byte == '\n' || l->used == LINE || console.open == vm)
        flush(vm);
    lock_give(&console.lock);
}

void console_flush(uint32_t vm)
{
    lock_take(&console.lock);
    flush(vm);
    lock_give(&console.lock);
}

static void put_line(const char *line, size_t n)
{
    lock_take(&console.lock);
    close_line();
    serial_put(0, line, n);
    lock_give(&console.lock);
}

void console_start(void)
{
    print_sink = put_line;
}

static void flush_rested(uint64_t now)
{
    lock_take(&console.lock);
    for (uint32_t i = 0; i < monitor.nvms; i++)
        if (now > console.line[i].last + REST_NS)
            flush(i);
    lock_give(&console.lock);
}

static void select_vm(uint32_t number)
{
    if (number >= monitor.nvms) {
        print("no VM %u: there are %u", number, monitor.nvms);
        return;
    }
    console.selected = number;
    print("input goes to VM %s", monitor.vm[number]->config->name);
}

/* What the VM's UART has no room for is lost, as on any line without flow control. */
static void type(uint8_t byte)
{
    struct vm *vm = monitor.vm[console.selected];
    lock_take(&vm->lock);
    if (vm_runs(vm))
        uart_feed(&vm->uart, &byte, 1);
    lock_give(&vm->lock);
}

static void command(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        select_vm(byte - (uint32_t)'0');
    else if (byte == 'x')
        console.end = true;
    else if (byte == ESCAPE)
        type(byte);
    else
        print("Ctrl-A, then 0..9: select a VM; x: end everything; Ctrl-A: send Ctrl-A");
}

/* When the VM that had the input has ended, another one gets it. */
static void follow(void)
{
    const struct vm *vm = monitor.vm[console.selected];
    if (__atomic_load_n(&vm->state, __ATOMIC_ACQUIRE) != VM_ENDED)
        return;
    for (uint32_t i = 0; i < monitor.nvms; i++)
        if (vm_runs(monitor.vm[i])) {
            select_vm(i);
            return;
        }
}

bool console_run(uint64_t now)
{
    int byte;
    if (!monitor.nvms)
        return false;
    follow();
    for (uint32_t i = 0; i < 64 && (byte = serial_get(0)) >= 0; i++) {
        if (console.escaped)
            command((uint8_t)byte);
        else if (byte != ESCAPE)
            type((uint8_t)byte);
        console.escaped = !console.escaped && byte == ESCAPE;
    }
    flush_rested(now);
    return console.end;
}
