/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/devices/ioapic.h"

#include "monitor-core/devices/lapic.h"

enum { SELECT = 0x00, WINDOW = 0x10 };
enum { REG_ID = 0, REG_VERSION = 1, REG_ARBITRATION = 2, REG_ENTRIES = 0x10 };
enum { VERSION = 0x11, ID_SHIFT = 24, ID_MASK = 0x0f };
enum { VECTOR_FIRST = 16 };

/* Vector, mode and destination mode lie as in a message, and the trigger mode. */
#define ENTRY_MESSAGE UINT64_C(0xfff)
#define ENTRY_REMOTE_IRR (UINT64_C(1) << 14)
#define ENTRY_LEVEL (UINT64_C(1) << 15)
#define ENTRY_MASKED (UINT64_C(1) << 16)
/* Vector, mode, destination mode, polarity, trigger, mask and destination can be written. */
#define ENTRY_WRITABLE UINT64_C(0xff0000000001afff)

void ioapic_init(struct ioapic *a, const struct device_host *host)
{
    *a = (struct ioapic){.host = host};
    for (unsigned i = 0; i < IOAPIC_LINES; i++)
        a->entry[i] = ENTRY_MASKED;
}

/* Sends what is pending on a line, unless it is masked or its last level-triggered interrupt is still in service. */
static void attempt(struct ioapic *a, uint32_t line)
{
    uint64_t e = a->entry[line];
    if (!(a->pending >> line & 1) || e & (ENTRY_MASKED | ENTRY_REMOTE_IRR))
        return;
    uint64_t message = e >> 56 << 32 | (e & ENTRY_MESSAGE);
    bool maskable = lapic_mode(e) <= LAPIC_LOWEST;
    a->pending &= ~(UINT32_C(1) << line);
    if (maskable ? (uint8_t)e < VECTOR_FIRST : lapic_mode(e) != LAPIC_NMI)
        return;
    if (maskable && e & ENTRY_LEVEL) {
        a->entry[line] |= ENTRY_REMOTE_IRR;
        message |= LAPIC_LEVEL;
    }
    a->host->deliver(a->host->context, message);
}

void ioapic_raise(struct ioapic *a, uint32_t line)
{
    if (line >= IOAPIC_LINES)
        return;
    a->pending |= UINT32_C(1) << line;
    attempt(a, line);
}

void ioapic_end(struct ioapic *a, uint8_t vector)
{
    for (uint32_t line = 0; line < IOAPIC_LINES; line++) {
        uint64_t e = a->entry[line];
        if ((uint8_t)e != vector || !(e & ENTRY_REMOTE_IRR))
            continue;
        a->entry[line] &= ~ENTRY_REMOTE_IRR;
        attempt(a, line);
    }
}

static uint32_t read_register(const struct ioapic *a)
{
    uint32_t i = a->select - REG_ENTRIES;
    if (a->select >= REG_ENTRIES && i < 2 * IOAPIC_LINES)
        return (uint32_t)(a->entry[i / 2] >> (i % 2 * 32));
    switch (a->select) {
    case REG_ID:
    case REG_ARBITRATION:
        return a->id << ID_SHIFT;
    case REG_VERSION:
        return (IOAPIC_LINES - 1) << 16 | VERSION;
    default:
        return 0;
    }
}

/* Remote-IRR survives a rewrite of a level-triggered entry; making the entry edge-triggered drops it: that is how
 * drivers end an interrupt by hand on this version, which has no EOI register. */
static void write_register(struct ioapic *a, uint32_t value)
{
    uint32_t i = a->select - REG_ENTRIES, shift = i % 2 * 32;
    if (a->select == REG_ID)
        a->id = value >> ID_SHIFT & ID_MASK;
    if (a->select < REG_ENTRIES || i >= 2 * IOAPIC_LINES)
        return;
    uint64_t *e = &a->entry[i / 2], other = *e & ~((uint64_t)UINT32_MAX << shift), kept = *e & ENTRY_REMOTE_IRR;
    *e = (other | (uint64_t)value << shift) & ENTRY_WRITABLE;
    if (*e & ENTRY_LEVEL)
        *e |= kept;
    attempt(a, i / 2);
}

uint64_t ioapic_read(void *ioapic, uint64_t offset, unsigned size)
{
    const struct ioapic *a = ioapic;
    if (size < 4)
        return 0;
    return offset == SELECT ? a->select : offset == WINDOW ? read_register(a) : 0;
}

void ioapic_write(void *ioapic, uint64_t offset, unsigned size, uint64_t value)
{
    struct ioapic *a = ioapic;
    if (size < 4)
        return;
    if (offset == SELECT)
        a->select = value & 0xff;
    else if (offset == WINDOW)
        write_register(a, (uint32_t)value);
}
