/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/start.h"

struct machine_x86 machine_x86;

_Noreturn void boot_main(uint32_t information);

/* The boot tables' direct map ends at 4 GiB, where firmware's tables do as well. */
static const unsigned char *early_at(void *context, uint64_t physical, size_t n)
{
    (void)context;
    return physical + n <= UINT64_C(1) << 32 ? memory_at(&machine_x86.memory, physical) : NULL;
}

static bool has_ram(void *context, uint64_t start, uint64_t end)
{
    const struct start_facts *f = context;
    for (uint32_t i = 0; i < f->nram; i++) {
        if (f->ram[i].start < end && f->ram[i].end > start)
            return true;
    }
    return false;
}

/* On the boot processor's own stack and tables. */
static void go_on(void)
{
    percpu_enter(machine_x86.boot);
    apic_calibrate();
    monitor_main();
}

void boot_main(uint32_t information)
{
    static struct start_facts facts;
    static struct acpi acpi;
    struct machine_x86 *m = &machine_x86;
    struct acpi_reader reader = {early_at, has_ram, &facts};
    m->memory.base = (unsigned char *)START_DIRECT;
    serial_start();
    /* The old interrupt controllers must not speak; apic_cpu closes what is left of their way to the CPU. */
    port_out8(0x21, 0xff);
    port_out8(0xa1, 0xff);
    traps_init();
    multiboot_read(information, &facts);
    if (acpi_read(&acpi, &reader, acpi_find(&reader)))
        panic("no ACPI tables where a BIOS has them; start the machine by its BIOS, not by EFI");
    off_remember(&acpi.power);
    clock_start(acpi.pm_timer);
    nodes_fill(&acpi, &facts);
    paging_direct(&facts);
    apic_map();
    percpu_make(&acpi, apic_id());
    boot_switch(paging_cr3(m->boot->node), m->boot->stack, go_on);
}
