/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the start-up files tell each other; nothing here is for the rest of the monitor. Order: boot_main (boot.c) reads
 * the loader's information and the ACPI tables, gives the memory to its nodes, builds the final page tables and the
 * CPUs' blocks, changes to them, and ends in monitor_main.
 *
 * Address space, the same on every CPU but for the image, whose text and read-only data are the node's own copy:
 *
 *   START_DIRECT   all RAM, writable, never executable
 *   START_DEVICES  device registers, uncached
 *   START_STACKS   the CPUs' stacks, a page left out below each
 *   START_IMAGE    the monitor
 */
#ifndef MONITOR_CORE_X86_START_H
#define MONITOR_CORE_X86_START_H

#include "monitor-core/x86/acpi.h"
#include "monitor-core/x86/cpu.h"
#include "monitor-core/x86/cpuid.h"
#include "monitor-core/x86/msr.h"
#include "monitor-core/x86/port.h"

#define START_DIRECT UINT64_C(0xffff800000000000)
#define START_DEVICES UINT64_C(0xfffffe8000000000)
#define START_STACKS UINT64_C(0xffffff0000000000)
#define START_IMAGE UINT64_C(0xffffffff80000000)

/* Of each CPU: the one it works on, the one for NMIs, and the one for what ends the monitor; from one to the next. */
enum { START_STACKS_EACH = 3, START_STACK_PAGES = 16, START_STACK_STEP = (START_STACK_PAGES + 1) * MEMORY_FRAME };

struct start_range {
    uint64_t start, end;
};

enum { START_RANGES = 256 };

/* What the loader said, copied: RAM, and what of it is taken (the first MiB, the image, the modules, the firmware's).
 */
struct start_facts {
    uint32_t nram, ntaken;
    struct start_range ram[START_RANGES], taken[START_RANGES];
};

/* From the linker. */
extern char image_start[], image_text[], image_rodata[], image_data[], image_end[];
extern char boot_trampoline[], boot_trampoline_end[], traps_stubs[];
extern uint64_t boot_pml4[512];

/* boot.S: leaves the boot tables and stack for good. */
_Noreturn void boot_switch(uint64_t cr3, unsigned char *stack_top, void (*go_on)(void));

/* multiboot.c: fills *facts and machine_x86's command line and modules. Panics on what makes no sense. */
void multiboot_read(uint32_t information, struct start_facts *);

/* nodes.c: nodes, distances and memory of machine_x86 from what was found. */
void nodes_fill(const struct acpi *, const struct start_facts *);

/* paging.c: the direct map, in force at once; the tables of a node that has CPUs, and where its copy of the text is; a
 * stack of a CPU, whose top is answered. */
void paging_direct(const struct start_facts *);
uint64_t paging_node(node_t);
uint64_t paging_cr3(node_t);
unsigned char *paging_stack(uint32_t cpu, unsigned stack, node_t);

/* traps.c: the registers of the exception that the monitor ends with, if it is one. */
void traps_show(void);
/* A CPU's stacks, noted by the boot processor; that CPU loads the tables, GS and its control registers. */
void traps_init(void);
void traps_make(uint32_t cpu, const unsigned char *nmi_stack, const unsigned char *fatal_stack);
void traps_cpu(struct cpu *);

/* percpu.c: makes the CPUs of machine_x86; the running CPU takes up its own. */
void percpu_make(const struct acpi *, uint32_t boot_apic_id);
void percpu_enter(struct cpu *);

/* apic.c. */
enum { APIC_TIMER = 0xf0, APIC_KICK = 0xf1, APIC_SPURIOUS = 0xff };
uint32_t apic_id(void);
void apic_map(void);
void apic_cpu(void);       /* on each CPU */
void apic_calibrate(void); /* once, after clock_start */
void apic_end(void);       /* end of interrupt */
void apic_send(uint32_t apic_id, uint32_t command);
void apic_stop_others(void); /* by NMI */

/* clock.c: measures the TSC; cpu_now works afterwards. */
void clock_start(uint16_t pm_timer);
void clock_wait(uint64_t ns);
/* How far another counter of these bits counts, at least so far, and how many ticks of the TSC that takes. 0: it does
 * not count. */
uint64_t clock_compare(uint32_t (*read)(void), uint32_t mask, uint32_t least, uint64_t *ticks);

/* off.c: remembers how the machine is switched off. */
void off_remember(const struct acpi_power *);

/* panic.c: what an NMI means while the monitor ends. */
bool panic_began(void);
_Noreturn void panic_halt(void);

void serial_start(void);
void serial_drain(void);

#endif
