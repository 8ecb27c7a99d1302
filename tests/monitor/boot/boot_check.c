/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An image that tries what the start-up code promises, on the machine itself, and prints what it found for boot.py to
 * judge. The word after "fault=" on its command line names an error to make on purpose.
 */
#include "monitor-core/x86/start.h"
#include "monitor-core/x86/svm.h"

enum { TURNS = 200, TIMERS = 8, SAMPLES = 512 };

static struct {
    uint32_t ready, turn, early_timers, stray_timers, stray_kicks, backward, wrong_text;
    uint64_t latest, late[CPUS_MAX];
} shared;

static void wait_for(uint32_t *word, uint32_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
        __builtin_ia32_pause();
}

/* No interrupt of it is on its way any more. */
static void quiet_timer(void)
{
    cpu_timer(UINT64_MAX);
    cpu_take_interrupts();
}

/* The timer wakes the CPU, and not before its time. How late it comes is also the emulator's doing: the best of many.
 */
static void try_timer(void)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < TIMERS; i++) {
        quiet_timer();
        uint64_t deadline = cpu_now() + 20000000, before = cpu_self()->interrupts, now;
        cpu_timer(deadline);
        while (cpu_self()->interrupts == before)
            cpu_idle();
        now = cpu_now();
        if (now < deadline)
            __atomic_fetch_add(&shared.early_timers, 1, __ATOMIC_RELAXED);
        else if (now - deadline < least)
            least = now - deadline;
    }
    shared.late[cpu_self()->id] = least;
}

/* A timer that is not set anew comes again and again (a CPU that it fails to wake sleeps for ever here); one that is
 * off does not. Its period is what was left when it was set: if the emulator lost its processor before, too little. */
static void try_repeated(void)
{
    uint64_t set, third;
    do {
        quiet_timer();
        third = cpu_self()->interrupts + 3;
        set = cpu_now();
        cpu_timer(set + 5000000);
    } while (cpu_now() - set > 300000);
    while (cpu_self()->interrupts < third)
        cpu_idle();
    if (cpu_now() < set + 14000000)
        __atomic_fetch_add(&shared.early_timers, 1, __ATOMIC_RELAXED);
    quiet_timer();
    uint64_t before = cpu_self()->interrupts;
    clock_wait(20000000);
    cpu_take_interrupts();
    if (cpu_self()->interrupts != before)
        __atomic_fetch_add(&shared.stray_timers, 1, __ATOMIC_RELAXED);
}

/* The clock against the machine's ACPI timer. The least of many short spells: in one at least the emulator kept its
 * processor. */
static void show_clock(void)
{
    enum { PORT = 0x608, MASK = 0xffffff };
    uint64_t late = UINT64_MAX;
    uint32_t ticks = UINT32_MAX;
    for (unsigned i = 0; i < 8 * TIMERS; i++) {
        uint32_t from = port_in32(PORT);
        clock_wait(2000000);
        uint32_t took = (port_in32(PORT) - from) & MASK;
        ticks = took < ticks ? took : ticks;
    }
    for (uint32_t i = 0; i < machine_x86.cpus; i++)
        late = shared.late[i] < late ? shared.late[i] : late;
    print("clock: %u ticks in 2 ms, timers %lu us late", ticks, late / 1000);
}

/* A token goes round by kicks to sleeping CPUs, one per round each; a kick that is lost stops it. Each CPU finds its
 * clock not behind the one before. */
static void try_kicks(void)
{
    uint32_t cpus = machine_x86.cpus, me = cpu_self()->id;
    for (uint32_t round = 0; round * cpus < TURNS; round++) {
        uint32_t mine = round * cpus + me;
        while (mine && cpu_self()->kicks < round + (me != 0))
            cpu_idle();
        if (__atomic_load_n(&shared.turn, __ATOMIC_ACQUIRE) != mine)
            __atomic_fetch_add(&shared.stray_kicks, 1, __ATOMIC_RELAXED);
        uint64_t now = cpu_now();
        if (now < shared.latest)
            shared.backward++;
        shared.latest = now;
        __atomic_store_n(&shared.turn, mine + 1, __ATOMIC_RELEASE);
        cpu_kick((me + 1) % cpus);
    }
}

/* Where the tables in force map the text: AMD64 APM volume 2, 5.3; pages of 4 KiB. */
static uint64_t text_in_force(void)
{
    uint64_t entry, address = (uint64_t)image_text;
    __asm__ volatile("mov %%cr3, %0" : "=r"(entry));
    for (int shift = 39; shift >= 12; shift -= 9) {
        const uint64_t *table = memory_at(&machine_x86.memory, entry & UINT64_C(0x000ffffffffff000));
        entry = table[address >> shift & 511];
    }
    return entry & UINT64_C(0x000ffffffffff000);
}

static void try_all(void)
{
    struct cpu *c = cpu_self();
    if (machine_x86.cpu[c->id] != c || text_in_force() != c->text)
        __atomic_fetch_add(&shared.wrong_text, 1, __ATOMIC_RELAXED);
    try_timer();
    try_repeated();
    __atomic_fetch_add(&shared.ready, 1, __ATOMIC_ACQ_REL);
    wait_for(&shared.ready, machine_x86.cpus);
    try_kicks();
    __atomic_fetch_add(&shared.ready, 1, __ATOMIC_ACQ_REL);
}

static void other(void)
{
    try_all();
    for (;;)
        cpu_idle();
}

/* Frames of a node lie in it and hold what is written, and all come back. */
static void try_memory(node_t node)
{
    struct memory *m = &machine_x86.memory;
    static uint64_t taken[SAMPLES];
    uint64_t before = memory_free(m, node);
    uint32_t n = 0, bad = 0;
    while (n < SAMPLES && (taken[n] = memory_take(m, node)) != FRAMES_NONE) {
        *(uint64_t *)memory_at(m, taken[n]) = taken[n] ^ UINT64_C(0x5555555555555555);
        n++;
    }
    for (uint32_t i = 0; i < n; i++) {
        bad += *(uint64_t *)memory_at(m, taken[i]) != (taken[i] ^ UINT64_C(0x5555555555555555));
        bad += memory_node_of(m, taken[i]) != node;
        memory_give(m, taken[i]);
    }
    print("memory of node %u: %u taken, %u bad, %s", node, n, bad,
          memory_free(m, node) == before ? "all back" : "lost");
}

static void show(void)
{
    const struct machine_x86 *m = &machine_x86;
    print("found %u CPUs, %u nodes, TSC %lu kHz", m->cpus, m->nodes, m->tsc_khz);
    for (uint32_t i = 0; i < m->cpus; i++) {
        const struct cpu *c = m->cpu[i];
        print("cpu %u: apic %u node %u text %lx in node %u", i, c->apic_id, c->node, c->text,
              memory_node_of(&m->memory, c->text));
    }
    for (uint32_t n = 0; n < m->nodes; n++) {
        const struct memory_node *node = &m->memory.node[n];
        print("node %u: tier %u total %lu monitor %lu free %lu", n, m->tier[n], node->total, node->monitor,
              m->frames[n]);
        for (uint32_t to = 0; to < m->nodes; to++)
            print("latency %u %u: %u", n, to, topology_latency(&m->topology, (node_t)n, (node_t)to));
    }
    for (uint32_t r = 0; r < m->memory.ranges; r++)
        print("range %u: %lx %lx", m->memory.range[r].node, m->memory.range[r].start, m->memory.range[r].end);
    for (uint32_t i = 0; i < m->nmodules; i++)
        print("module %u: %s, %lu bytes, first %02x: %s", i, m->module[i].name, m->module[i].size,
              *(unsigned char *)memory_at(&m->memory, m->module[i].start), m->module[i].text);
    print("command line: %s", m->command_line);
}

static uint64_t overflow(uint64_t depth)
{
    volatile uint64_t big[512];
    big[depth % 512] = depth;
    return depth ? overflow(depth - 1) + big[depth % 511] : 0;
}

static char *volatile page_zero = (char *)0x10;

/* An error of the monitor between VMLOAD and VMRUN: GS and the task register are the guest's, as it likes them. */
static void fault_in_guest_state(void)
{
    uint64_t physical = memory_take(&machine_x86.memory, 0);
    struct vmcb *guest = memory_at(&machine_x86.memory, physical);
    msr_set(MSR_EFER, msr_get(MSR_EFER) | MSR_EFER_SVME);
    svm_save_host(physical);
    guest->gs.base = 0x10;
    guest->tr.selector = 0xfff8;
    __asm__ volatile("vmload %0\n\tud2" : : "a"(physical) : "memory");
}

static void told(const char *why)
{
    print("told: %s", why);
}

/* The machine goes off all the same. */
static void told_badly(const char *why)
{
    told(why);
    panic("while it was told");
}

/* Every one of these ends in a panic with one clear line. */
static void fault(const char *kind)
{
    panic_tell(kind[0] == 'b' ? told_badly : told);
    if (kind[0] == 't')
        *(volatile char *)(uint64_t)image_text = 0;
    else if (kind[0] == 'r')
        *(volatile char *)(uint64_t)image_rodata = 0;
    else if (kind[0] == 'x')
        ((void (*)(void))memory_at(&machine_x86.memory, cpu_self()->text))();
    else if (kind[0] == 'n')
        *(volatile char *)page_zero = 0;
    else if (kind[0] == 'g')
        fault_in_guest_state();
    else if (kind[0] == 's')
        print("%lu", overflow(1000));
    else
        panic("asked for with %u and %s", 5, kind);
}

static const char *word_after(const char *text, const char *word)
{
    for (; *text; text++) {
        size_t n = 0;
        while (word[n] && text[n] == word[n])
            n++;
        if (!word[n])
            return text + n;
    }
    return NULL;
}

void monitor_main(void)
{
    const char *kind = word_after(machine_x86.command_line, "fault=");
    cpu_start_others(other);
    machine_seal();
    show();
    try_all();
    wait_for(&shared.ready, 2 * machine_x86.cpus);
    print("tried: %u early timers, %u stray timers, %u stray kicks, %u backward clocks, %u wrong texts",
          shared.early_timers, shared.stray_timers, shared.stray_kicks, shared.backward, shared.wrong_text);
    show_clock();
    for (uint32_t n = 0; n < machine_x86.nodes; n++)
        try_memory((node_t)n);
    if (kind)
        fault(kind);
    print("refused %lu; off", machine_x86.memory.refused);
    machine_off();
}
