/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/acpi.h"

enum { HEADER = 36, TABLE_MAX = 4 << 20, TABLES_MAX = 128 };

static uint64_t little(const unsigned char *p, unsigned n)
{
    uint64_t v = 0;
    while (n--)
        v = v << 8 | p[n];
    return v;
}

static uint32_t u32(const unsigned char *p)
{
    return (uint32_t)little(p, 4);
}

static uint8_t sum(const unsigned char *p, size_t n)
{
    uint8_t s = 0;
    while (n--)
        s = (uint8_t)(s + *p++);
    return s;
}

struct table {
    const unsigned char *bytes;
    size_t size;
};

static const unsigned char *reach(const struct acpi_reader *r, uint64_t physical, size_t n)
{
    return physical && physical + n > physical ? r->at(r->context, physical, n) : NULL;
}

/* A whole table with a good checksum; its name need not be known. */
static bool table_at(const struct acpi_reader *r, uint64_t physical, struct table *t)
{
    const unsigned char *p = reach(r, physical, HEADER);
    if (!p)
        return false;
    t->size = u32(p + 4);
    if (t->size < HEADER || t->size > TABLE_MAX)
        return false;
    t->bytes = reach(r, physical, t->size);
    return t->bytes && sum(t->bytes, t->size) == 0;
}

static bool root_pointer_good(const struct acpi_reader *r, uint64_t physical)
{
    const unsigned char *p = reach(r, physical, 20);
    return p && __builtin_memcmp(p, "RSD PTR ", 8) == 0 && sum(p, 20) == 0;
}

static uint64_t search(const struct acpi_reader *r, uint64_t from, uint64_t to)
{
    for (uint64_t a = from; a < to; a += 16) {
        if (root_pointer_good(r, a))
            return a;
    }
    return 0;
}

uint64_t acpi_find(const struct acpi_reader *r)
{
    /* The word at 0x40e is the segment of the extended BIOS data area (ACPI 6.4, 5.2.5.1). */
    const unsigned char *word = reach(r, 0x40e, 2);
    uint64_t ebda = word ? little(word, 2) << 4 : 0, found = 0;
    if (ebda >= 0x400 && ebda < 0xa0000)
        found = search(r, ebda, ebda + 1024);
    return found ? found : search(r, 0xe0000, 0x100000);
}

/* The root table's entries: addresses of 8 bytes (XSDT) or 4 (RSDT). */
struct root {
    struct table table;
    unsigned width;
};

static bool root_open(struct root *root, const struct acpi_reader *r, uint64_t pointer)
{
    const unsigned char *p = reach(r, pointer, 36);
    if (!root_pointer_good(r, pointer))
        return false;
    root->width = 8;
    if (p && p[15] >= 2 && sum(p, 36) == 0 && table_at(r, little(p + 24, 8), &root->table) &&
        __builtin_memcmp(root->table.bytes, "XSDT", 4) == 0)
        return true;
    p = reach(r, pointer, 20);
    root->width = 4;
    return p && table_at(r, u32(p + 16), &root->table) && __builtin_memcmp(root->table.bytes, "RSDT", 4) == 0;
}

static bool find_table(const struct root *root, const struct acpi_reader *r, const char *name, struct table *t)
{
    size_t entries = (root->table.size - HEADER) / root->width;
    for (size_t i = 0; i < entries && i < TABLES_MAX; i++) {
        uint64_t physical = little(root->table.bytes + HEADER + i * root->width, root->width);
        if (table_at(r, physical, t) && __builtin_memcmp(t->bytes, name, 4) == 0)
            return true;
    }
    return false;
}

/* Walk over the entries {type, length, ...} of MADT and SRAT. Null at the end, and where a length makes no sense. */
static const unsigned char *entry(const struct table *t, size_t *at)
{
    const unsigned char *p = t->bytes + *at;
    size_t left = t->size - *at;
    if (*at > t->size || left < 2 || p[1] < 2 || p[1] > left)
        return NULL;
    *at += p[1];
    return p;
}

/* Its place in cpu[]; ncpus: not there. */
static uint32_t find_cpu(const struct acpi *a, uint32_t apic_id)
{
    uint32_t i = 0;
    while (i < a->ncpus && a->cpu[i].apic_id != apic_id)
        i++;
    return i;
}

static void add_cpu(struct acpi *a, uint32_t apic_id)
{
    uint32_t i = find_cpu(a, apic_id);
    if (i == a->ncpus && i < ACPI_CPUS)
        a->cpu[a->ncpus++] = (struct acpi_cpu){.apic_id = apic_id};
}

static void read_madt(struct acpi *a, const struct table *t)
{
    size_t at = HEADER + 8;
    const unsigned char *p;
    while ((p = entry(t, &at))) {
        if (p[0] == 0 && p[1] >= 8 && (u32(p + 4) & 1) && p[3] != 0xff)
            add_cpu(a, p[3]);
        else if (p[0] == 9 && p[1] >= 16 && (u32(p + 8) & 1) && u32(p + 4) != UINT32_MAX)
            add_cpu(a, u32(p + 4));
    }
}

static void add_domain(struct acpi *a, uint32_t domain)
{
    uint32_t i = 0;
    while (i < a->nodes && a->domain[i] < domain)
        i++;
    if (a->nodes == NODE_MAX || (i < a->nodes && a->domain[i] == domain))
        return;
    __builtin_memmove(&a->domain[i + 1], &a->domain[i], (a->nodes - i) * sizeof(a->domain[0]));
    a->domain[i] = domain;
    a->nodes++;
}

static node_t node_of(const struct acpi *a, uint32_t domain)
{
    uint32_t i = 0;
    while (i < a->nodes && a->domain[i] != domain)
        i++;
    return i < a->nodes ? (node_t)i : 0;
}

static void place_cpu(struct acpi *a, uint32_t apic_id, uint32_t domain)
{
    uint32_t i = find_cpu(a, apic_id);
    if (i == a->ncpus)
        return;
    a->cpu[i].domain = domain;
    add_domain(a, domain);
}

static void place_memory(struct acpi *a, const struct acpi_reader *r, const unsigned char *p)
{
    struct acpi_memory m = {.domain = u32(p + 2), .start = little(p + 8, 8)};
    m.end = m.start + little(p + 16, 8);
    if (m.end <= m.start || !r->ram(r->context, m.start, m.end))
        return;
    add_domain(a, m.domain);
    if (a->nmemory < ACPI_MEMORY)
        a->memory[a->nmemory++] = m;
}

/* Nodes are numbered in the order of all domains: at the end. */
static void read_srat(struct acpi *a, const struct table *t, const struct acpi_reader *r)
{
    const unsigned char *p;
    for (size_t at = HEADER + 12; (p = entry(t, &at));) {
        if (p[0] == 0 && p[1] >= 16 && (u32(p + 4) & 1))
            place_cpu(a, p[3], p[2] | (uint32_t)little(p + 9, 3) << 8);
        else if (p[0] == 1 && p[1] >= 40 && (u32(p + 28) & 1))
            place_memory(a, r, p);
        else if (p[0] == 2 && p[1] >= 24 && (u32(p + 12) & 1))
            place_cpu(a, u32(p + 8), u32(p + 4));
    }
    for (uint32_t i = 0; i < a->ncpus; i++)
        a->cpu[i].node = node_of(a, a->cpu[i].domain);
    for (uint32_t i = 0; i < a->nmemory; i++)
        a->memory[i].node = node_of(a, a->memory[i].domain);
}

static void read_slit(struct acpi *a, const struct table *t)
{
    if (t->size < HEADER + 8)
        return;
    uint64_t n = little(t->bytes + HEADER, 8);
    if (n > 4096 || t->size < HEADER + 8 + n * n)
        return;
    for (uint32_t i = 0; i < a->nodes; i++) {
        for (uint32_t j = 0; j < a->nodes; j++) {
            if (a->domain[i] >= n || a->domain[j] >= n)
                continue;
            uint8_t d = t->bytes[HEADER + 8 + a->domain[i] * n + a->domain[j]];
            if (d >= 10 && d != 0xff)
                a->distance[i * a->nodes + j] = d;
        }
    }
}

/* A port of the fixed table: by the generic address structure (5.2.3.2) of revision 2 and later when that names one,
 * else by the old field. */
static uint16_t port_of(const struct table *t, size_t wide, size_t old)
{
    const unsigned char *p = t->bytes + wide;
    uint64_t port = t->size >= wide + 12 && p[0] == 1 ? little(p + 4, 8) : 0;
    if (!port)
        port = u32(t->bytes + old);
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* A small integer in AML: Zero, One or a byte constant. */
static bool aml_byte(const unsigned char **p, const unsigned char *end, uint8_t *value)
{
    if (*p < end && (**p == 0 || **p == 1)) {
        *value = *(*p)++;
        return true;
    }
    if (end - *p >= 2 && **p == 0x0a) {
        *value = (*p)[1];
        *p += 2;
        return true;
    }
    return false;
}

/* Name (_S5, Package {type_a, type_b, ...}) (ACPI 6.4, 20.2): found by its bytes, no interpreter is needed. */
static bool find_s5(const struct table *t, struct acpi_power *power)
{
    const unsigned char *end = t->bytes + t->size;
    for (const unsigned char *p = t->bytes + HEADER; end - p >= 9; p++) {
        if (__builtin_memcmp(p, "_S5_\x12", 5) != 0 || (p[-1] != 0x08 && p[-1] != '\\'))
            continue;
        const unsigned char *q = p + 5;
        q += 1 + (*q >> 6) + 1; /* the package's length, and how many elements it has */
        if (aml_byte(&q, end, &power->type_a)) {
            if (!aml_byte(&q, end, &power->type_b))
                power->type_b = power->type_a;
            return true;
        }
    }
    return false;
}

static void read_fadt(struct acpi *a, const struct table *t, const struct acpi_reader *r)
{
    struct table dsdt;
    uint64_t at = t->size >= 148 ? little(t->bytes + 140, 8) : 0;
    if (t->size < 116)
        return;
    a->pm_timer = port_of(t, 208, 76);
    a->power.pm1a = port_of(t, 172, 64);
    a->power.pm1b = port_of(t, 184, 68);
    a->power.command = (uint16_t)(u32(t->bytes + 48) <= 0xffff ? u32(t->bytes + 48) : 0);
    a->power.enable = t->bytes[52];
    if (!table_at(r, at ? at : u32(t->bytes + 40), &dsdt) || __builtin_memcmp(dsdt.bytes, "DSDT", 4) != 0)
        return;
    a->power.possible = a->power.pm1a && find_s5(&dsdt, &a->power);
}

int acpi_read(struct acpi *a, const struct acpi_reader *r, uint64_t root_pointer)
{
    struct root root;
    struct table t;
    __builtin_memset(a, 0, sizeof(*a));
    bool there = root_open(&root, r, root_pointer);
    if (there && find_table(&root, r, "APIC", &t))
        read_madt(a, &t);
    if (there && find_table(&root, r, "SRAT", &t))
        read_srat(a, &t, r);
    if (!a->nodes)
        a->nodes = 1;
    for (uint32_t i = 0; i < a->nodes * a->nodes; i++)
        a->distance[i] = i % (a->nodes + 1) == 0 ? 10 : 20;
    if (there && find_table(&root, r, "SLIT", &t))
        read_slit(a, &t);
    if (there && find_table(&root, r, "FACP", &t))
        read_fadt(a, &t, r);
    return there ? 0 : ERR_NOENT;
}

node_t acpi_node_of_cpu(const struct acpi *a, uint32_t apic_id)
{
    uint32_t i = find_cpu(a, apic_id);
    return i < a->ncpus ? a->cpu[i].node : 0;
}

node_t acpi_node(const struct acpi *a, uint64_t physical)
{
    for (uint32_t i = 0; i < a->nmemory; i++) {
        if (physical >= a->memory[i].start && physical < a->memory[i].end)
            return a->memory[i].node;
    }
    return 0;
}
