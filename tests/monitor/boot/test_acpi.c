/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/boot/tables.h"
#include <criterion/criterion.h>
#include <string.h>

#define MIB UINT64_C(0x100000)

static struct tables tables;
static struct acpi acpi;

static void clean(void)
{
    tables_free(&tables);
}

TestSuite(acpi, .fini = clean);

/* The machine of both captures: 4 CPUs, alternately of two nodes of 256 MiB, 25 apart. */
static void expect_captured(const char *path, uint16_t command_value)
{
    tables_open(&tables, path);
    cr_assert_eq(tables_read(&tables, &acpi, 0), 0);
    cr_assert_eq(acpi.nodes, 2);
    cr_assert_eq(acpi.ncpus, 4);
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(acpi.cpu[i].apic_id, i);
        cr_assert_eq(acpi.cpu[i].node, i % 2);
    }
    const uint8_t distance[] = {10, 25, 25, 10};
    cr_assert_arr_eq(acpi.distance, distance, 4);
    cr_assert_eq(acpi_node(&acpi, 0x1000), 0);
    cr_assert_eq(acpi_node(&acpi, 256 * MIB - 1), 0);
    cr_assert_eq(acpi_node(&acpi, 256 * MIB), 1);
    cr_assert_eq(acpi_node(&acpi, 512 * MIB - 1), 1);
    cr_assert_eq(acpi_node(&acpi, 512 * MIB), 0, "memory that SRAT does not know is the first node's");
    cr_assert(acpi.power.possible);
    cr_assert_eq(acpi.power.pm1a, 0x604);
    cr_assert_eq(acpi.power.pm1b, 0);
    cr_assert_eq(acpi.power.command, 0xb2);
    cr_assert_eq(acpi.power.enable, command_value);
    cr_assert_eq(acpi.power.type_a, 0);
    cr_assert_eq(acpi.pm_timer, 0x608);
}

Test(acpi, a_captured_q35)
{
    expect_captured("tests/monitor/boot/q35.acpi", 2);
}

Test(acpi, a_captured_pc)
{
    expect_captured("tests/monitor/boot/pc.acpi", 0xf1);
}

/* A table under construction. */
struct body {
    unsigned char bytes[32768];
    size_t size;
};

static void add(struct body *b, uint64_t value, unsigned bytes)
{
    cr_assert(b->size + bytes <= sizeof(b->bytes));
    memcpy(b->bytes + b->size, &value, bytes);
    b->size += bytes;
}

static struct body begin(size_t header)
{
    struct body b = {.size = header};
    return b;
}

static void madt_apic(struct body *b, unsigned id, unsigned flags)
{
    add(b, 0x0800, 2);
    add(b, id << 8, 2);
    add(b, flags, 4);
}

static void madt_x2apic(struct body *b, unsigned id, unsigned flags)
{
    add(b, 0x1009, 2);
    add(b, 0, 2);
    add(b, id, 4);
    add(b, flags, 4);
    add(b, 0, 4);
}

static void srat_apic(struct body *b, unsigned domain, unsigned id, unsigned flags)
{
    add(b, 0x1000, 2);
    add(b, domain & 255, 1);
    add(b, id, 1);
    add(b, flags, 4);
    add(b, 0, 1);
    add(b, domain >> 8, 3);
    add(b, 0, 4);
}

static void srat_x2apic(struct body *b, unsigned domain, unsigned id, unsigned flags)
{
    add(b, 0x1802, 2);
    add(b, 0, 2);
    add(b, domain, 4);
    add(b, id, 4);
    add(b, flags, 4);
    add(b, 0, 8);
}

static void srat_memory(struct body *b, unsigned domain, uint64_t start, uint64_t size, unsigned flags)
{
    add(b, 0x2801, 2);
    add(b, domain, 4);
    add(b, 0, 2);
    add(b, start, 8);
    add(b, size, 8);
    add(b, 0, 4);
    add(b, flags, 4);
    add(b, 0, 8);
}

static void root_of(const uint64_t *address, size_t n)
{
    tables_root(&tables, 0x5000, 8, address, n);
    tables_pointer(&tables, 0xe0010, 2, 0, 0x5000);
}

static void put_madt(uint64_t at)
{
    struct body b = begin(44);
    madt_apic(&b, 0, 1);
    madt_apic(&b, 4, 0); /* not there */
    madt_apic(&b, 2, 1);
    add(&b, 0x0c01, 2); /* an IOAPIC */
    add(&b, 0, 8);
    add(&b, 0, 2);
    madt_x2apic(&b, 2, 1); /* again */
    madt_x2apic(&b, 0x12345, 1);
    madt_x2apic(&b, 0x12346, 2); /* could be brought in */
    madt_apic(&b, 0xff, 1);      /* no id */
    tables_add(&tables, at, "APIC", b.bytes, b.size);
}

static void put_srat(uint64_t at)
{
    struct body b = begin(48);
    srat_memory(&b, 0x701, 4096 * MIB, 1024 * MIB, 1);
    srat_apic(&b, 0x701, 0, 1);
    srat_apic(&b, 3, 2, 1);
    srat_apic(&b, 9, 2, 0); /* not in use */
    srat_apic(&b, 2, 4, 1); /* of a CPU that is not there: no node */
    srat_x2apic(&b, 5, 0x12345, 1);
    srat_memory(&b, 3, 0, 2048 * MIB, 1);
    srat_memory(&b, 1, 8192 * MIB, 1024 * MIB, 3); /* could be plugged in */
    srat_memory(&b, 5, 6144 * MIB, 1024 * MIB, 3); /* has been */
    srat_memory(&b, 1, 7168 * MIB, 1024 * MIB, 0); /* not in use */
    srat_memory(&b, 1, UINT64_MAX - 10, 1024, 1);  /* beyond the end */
    srat_memory(&b, 5, 5120 * MIB, 0, 1);
    tables_add(&tables, at, "SRAT", b.bytes, b.size);
}

Test(acpi, nodes_in_the_order_of_domains)
{
    const uint64_t address[] = {0x6000, 0x7000, 0x8000};
    struct body slit = begin(44);
    slit.bytes[36] = 6;
    for (unsigned i = 0; i < 36; i++)
        add(&slit, i / 6 == i % 6 ? 10 : 30 + i, 1);
    put_srat(0x6000);
    put_madt(0x7000);
    tables_add(&tables, 0x8000, "SLIT", slit.bytes, slit.size);
    root_of(address, 3);
    cr_assert_eq(tables_read(&tables, &acpi, 0), 0);
    cr_assert_eq(acpi.ncpus, 3);
    cr_assert_eq(acpi.cpu[0].apic_id, 0);
    cr_assert_eq(acpi.cpu[1].apic_id, 2);
    cr_assert_eq(acpi.cpu[2].apic_id, 0x12345);
    cr_assert_eq(acpi.nodes, 3); /* 3, 5, 0x701 */
    cr_assert_eq(acpi.cpu[0].node, 2);
    cr_assert_eq(acpi.cpu[1].node, 0);
    cr_assert_eq(acpi.cpu[2].node, 1);
    cr_assert_eq(acpi.nmemory, 3);
    cr_assert_eq(acpi_node(&acpi, 4096 * MIB), 2);
    cr_assert_eq(acpi_node(&acpi, 6144 * MIB), 1);
    cr_assert_eq(acpi_node_of_cpu(&acpi, 0x12345), 1);
    cr_assert_eq(acpi_node_of_cpu(&acpi, 0), 2);
    cr_assert_eq(acpi_node_of_cpu(&acpi, 7), 0, "a CPU that is not known is the first node's");
    /* Domains 3 and 5 are in SLIT, rows 3 and 5 of 6; 0x701 is not. */
    const uint8_t distance[] = {10, 53, 20, 63, 10, 20, 20, 20, 10};
    cr_assert_arr_eq(acpi.distance, distance, 9);
    cr_assert(!acpi.power.possible);
}

static void address_structure(struct body *b, size_t at, unsigned space, uint64_t port)
{
    b->bytes[at] = (unsigned char)space;
    memcpy(b->bytes + at + 4, &port, 8);
}

/* A fixed table of revision 5 with its wide fields and the DSDT at 0x9000. */
static struct body fixed(void)
{
    struct body b = begin(268);
    uint64_t dsdt = 0x9000;
    uint32_t old = 0x700;
    memcpy(b.bytes + 140, &dsdt, 8);
    memcpy(b.bytes + 64, &old, 4);
    memcpy(b.bytes + 76, &old, 4);
    address_structure(&b, 172, 1, 0x404);
    address_structure(&b, 184, 1, 0x808);
    return b;
}

static void put_dsdt(const char *aml, size_t size)
{
    struct body b = begin(36);
    for (size_t i = 0; i < size; i++)
        add(&b, (unsigned char)aml[i], 1);
    tables_add(&tables, 0x9000, "DSDT", b.bytes, b.size);
}

static void read_power(const struct body *fadt)
{
    const uint64_t address[] = {0x6000};
    tables_add(&tables, 0x6000, "FACP", fadt->bytes, fadt->size);
    root_of(address, 1);
    cr_assert_eq(tables_read(&tables, &acpi, 0), 0);
}

Test(acpi, power_by_wide_fields)
{
    struct body b = fixed();
    /* A region of that name comes first; the object is the second. */
    put_dsdt("\x5b\x80_S5_\x12\x04\x01\x01\x08\\_S5_\x12\x08\x04\x0a\x05\x0a\x07\x00\x00", 25);
    read_power(&b);
    cr_assert(acpi.power.possible);
    cr_assert_eq(acpi.power.pm1a, 0x404);
    cr_assert_eq(acpi.power.pm1b, 0x808);
    cr_assert_eq(acpi.pm_timer, 0x700, "a wide field of zeros is none");
    cr_assert_eq(acpi.power.type_a, 5);
    cr_assert_eq(acpi.power.type_b, 7);
}

Test(acpi, power_by_the_old_fields)
{
    struct body b = fixed();
    address_structure(&b, 172, 0, 0x404);         /* in memory: not one of ours */
    address_structure(&b, 184, 1, 0x1000000);     /* no port */
    put_dsdt("\x08_S5_\x12\x46\x00\x01\x01", 10); /* a length of two bytes, one element */
    read_power(&b);
    cr_assert(acpi.power.possible);
    cr_assert_eq(acpi.power.pm1a, 0x700);
    cr_assert_eq(acpi.power.pm1b, 0);
    cr_assert_eq(acpi.power.type_a, 1);
    cr_assert_eq(acpi.power.type_b, 1);
}

Test(acpi, no_power_from_a_table_cut_short)
{
    struct body b = fixed();
    put_dsdt("\x08_S5_\x12\x06\x04\x01\x01\x01", 10);
    b.size = 115;
    read_power(&b);
    cr_assert(!acpi.power.possible);
    cr_assert_eq(acpi.pm_timer, 0);
}

Test(acpi, no_power_where_the_name_is_cut_short)
{
    const char aml[] = "\x08_S5_\x12\x06\x04\x0a\x05";
    struct body b = fixed();
    for (size_t n = 1; n < sizeof(aml) - 1; n++) {
        put_dsdt(aml, n);
        read_power(&b);
        cr_assert(!acpi.power.possible, "%zu bytes", n);
        tables_free(&tables);
    }
}

Test(acpi, a_broken_xsdt_leaves_the_rsdt)
{
    const uint64_t address[] = {0x7000};
    put_madt(0x7000);
    tables_root(&tables, 0x5000, 8, address, 1);
    tables.piece[tables.n - 1].bytes[40] ^= 1;
    tables_root(&tables, 0x4000, 4, address, 1);
    tables_pointer(&tables, 0x9fc10, 2, 0x4000, 0x5000);
    tables_put(&tables, 0x40e, "\xc0\x9f", 2); /* segment 0x9fc0 */
    cr_assert_eq(tables_find(&tables), 0x9fc10);
    cr_assert_eq(tables_read(&tables, &acpi, 0), 0);
    cr_assert_eq(acpi.ncpus, 3);
}

Test(acpi, a_broken_second_half_of_the_pointer_leaves_the_rsdt)
{
    const uint64_t address[] = {0x7000}, none[] = {0};
    put_madt(0x7000);
    tables_root(&tables, 0x5000, 8, none, 1);
    tables_root(&tables, 0x4000, 4, address, 1);
    tables_pointer(&tables, 0xe0010, 2, 0x4000, 0x5000);
    tables.piece[tables.n - 1].bytes[33] ^= 1;
    cr_assert_eq(tables_read(&tables, &acpi, 0), 0);
    cr_assert_eq(acpi.ncpus, 3);
}

Test(acpi, tables_are_looked_for_among_the_first_128)
{
    for (size_t at = 127; at < 129; at++) {
        uint64_t address[130] = {0};
        address[at] = 0x7000;
        put_madt(0x7000);
        root_of(address, 130);
        cr_assert_eq(tables_read(&tables, &acpi, 0), 0);
        cr_assert_eq(acpi.ncpus, at < 128 ? 3 : 0);
        tables_free(&tables);
    }
}

static void expect_nothing(void)
{
    cr_assert_eq(acpi.ncpus, 0);
    cr_assert_eq(acpi.nodes, 1);
    cr_assert_eq(acpi.distance[0], 10);
    cr_assert(!acpi.power.possible);
}

Test(acpi, without_tables)
{
    cr_assert_eq(tables_find(&tables), 0);
    cr_assert_eq(tables_read(&tables, &acpi, 0), ERR_NOENT);
    expect_nothing();
    tables_pointer(&tables, 0xe0010, 2, 0x4000, 0x5000);
    cr_assert_eq(tables_read(&tables, &acpi, 0), ERR_NOENT);
    tables.piece[0].bytes[8] ^= 1;
    cr_assert_eq(tables_find(&tables), 0);
    expect_nothing();
}

Test(acpi, roots_that_loop)
{
    const uint64_t address[] = {0x5000, 0, 0xe0010, UINT64_MAX, 0x5000};
    tables_root(&tables, 0x5000, 8, address, 5);
    tables_pointer(&tables, 0xe0010, 2, 0x5000, 0x5000);
    cr_assert_eq(tables_read(&tables, &acpi, 0), 0);
    expect_nothing();
}

Test(acpi, lengths_that_lie)
{
    const uint64_t address[] = {0x7000};
    const uint32_t lengths[] = {0, 1, 35, 4097, UINT32_MAX};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        put_madt(0x7000);
        memcpy(tables.piece[0].bytes + 4, &lengths[i], 4);
        root_of(address, 1);
        cr_assert_eq(tables_read(&tables, &acpi, 0), 0);
        expect_nothing();
        tables_free(&tables);
    }
}

Test(acpi, an_entry_that_lies_ends_its_table)
{
    const uint64_t address[] = {0x7000};
    for (unsigned length = 0; length < 256; length++) {
        struct body b = begin(44);
        madt_apic(&b, 3, 1);
        madt_apic(&b, 5, 1);
        b.bytes[53] = (unsigned char)length; /* of the second */
        tables_add(&tables, 0x7000, "APIC", b.bytes, b.size);
        root_of(address, 1);
        cr_assert_eq(tables_read(&tables, &acpi, 0), 0);
        cr_assert_eq(acpi.ncpus, length == 8 ? 2 : 1, "length %u", length);
        tables_free(&tables);
    }
}

Test(acpi, more_than_fits)
{
    const uint64_t address[] = {0x10000, 0x20000, 0x30000};
    struct body madt = begin(44), srat = begin(48), slit = begin(44);
    for (unsigned i = 0; i < ACPI_CPUS + 50; i++)
        madt_x2apic(&madt, 1000 + i, 1);
    for (unsigned i = 0; i < ACPI_MEMORY + 10; i++)
        srat_memory(&srat, 200 - i, i * MIB, MIB, 1);
    slit.bytes[40] = 1; /* so many localities that their square wraps round to none */
    tables_add(&tables, 0x10000, "APIC", madt.bytes, madt.size);
    tables_add(&tables, 0x20000, "SRAT", srat.bytes, srat.size);
    tables_add(&tables, 0x30000, "SLIT", slit.bytes, slit.size);
    root_of(address, 3);
    cr_assert_eq(tables_read(&tables, &acpi, 0), 0);
    cr_assert_eq(acpi.ncpus, ACPI_CPUS);
    cr_assert_eq(acpi.nodes, NODE_MAX);
    cr_assert_eq(acpi.nmemory, ACPI_MEMORY);
    cr_assert_eq(acpi.domain[0], 137);
    cr_assert_eq(acpi.domain[63], 200);
    cr_assert_eq(acpi.distance[63], 20);
}

static uint64_t random_word(void)
{
    static uint64_t x = 88172645463325252;
    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

static void expect_sound(void)
{
    cr_assert(acpi.ncpus <= ACPI_CPUS && acpi.nmemory <= ACPI_MEMORY && acpi.nodes >= 1 && acpi.nodes <= NODE_MAX);
    for (uint32_t i = 0; i < acpi.ncpus; i++)
        cr_assert(acpi.cpu[i].node < acpi.nodes);
    for (uint32_t i = 0; i < acpi.nmemory; i++)
        cr_assert(acpi.memory[i].node < acpi.nodes && acpi.memory[i].start < acpi.memory[i].end);
    for (uint32_t i = 0; i < acpi.nodes * acpi.nodes; i++)
        cr_assert(acpi.distance[i] >= 10);
}

/* Random bytes in captured tables, their checksums put right again, so that the parser gets to see them. */
static void mutate(const char *path, unsigned rounds)
{
    tables_open(&tables, path);
    for (unsigned i = 0; i < rounds; i++) {
        struct tables_piece *p = &tables.piece[1 + random_word() % (tables.n - 1)];
        size_t at = random_word() % (p->size < 512 || random_word() % 8 == 0 ? p->size : 64), end = p->size;
        unsigned char before = p->bytes[at], sum = p->bytes[9];
        p->bytes[at] = random_word() % 4 ? (unsigned char)random_word() : (unsigned char)(0xff * (random_word() & 1));
        tables_sum(p->bytes, end, 9);
        cr_assert(tables_read(&tables, &acpi, 0) <= 0);
        expect_sound();
        if (i % 16) { /* else it stays: changes add up */
            p->bytes[at] = before;
            p->bytes[9] = sum;
        }
    }
}

Test(acpi, random_changes)
{
    mutate("tests/monitor/boot/q35.acpi", 3000);
    tables_free(&tables);
    mutate("tests/monitor/boot/pc.acpi", 3000);
}
