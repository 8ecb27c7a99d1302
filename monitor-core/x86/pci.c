/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/pci.h"

#include "monitor-core/x86/port.h"

enum { PORT_ADDRESS = 0xcf8, PORT_DATA = 0xcfc };
enum { OFFSET_HEADER = 0x0c, HEADER_MULTIFUNCTION = 0x800000, FUNCTION_STEP = 0x100, DEVICE_STEP = 0x800 };
#define FUNCTIONS_END UINT32_C(0x1000000)
#define ENABLE UINT32_C(0x80000000)

uint32_t pci_read(uint32_t function, uint32_t offset)
{
    port_out32(PORT_ADDRESS, ENABLE | function | offset);
    return port_in32(PORT_DATA);
}

void pci_write(uint32_t function, uint32_t offset, uint32_t value)
{
    port_out32(PORT_ADDRESS, ENABLE | function | offset);
    port_out32(PORT_DATA, value);
}

static bool present(uint32_t function)
{
    return pci_read(function, 0) != UINT32_MAX;
}

/* Functions 1 to 7 are looked at only where function 0 says that there are several: others may answer for them. */
uint32_t pci_find(uint32_t from, uint32_t class_code)
{
    uint32_t f = from;
    while (f < FUNCTIONS_END) {
        bool first = f % DEVICE_STEP == 0;
        if (present(f) && pci_read(f, PCI_CLASS) >> 8 == class_code)
            return f;
        bool several = !first || (present(f) && (pci_read(f, OFFSET_HEADER) & HEADER_MULTIFUNCTION));
        f += several ? FUNCTION_STEP : DEVICE_STEP;
    }
    return PCI_NONE;
}

uint64_t pci_memory(uint32_t function)
{
    enum { IS_PORT = 1, TYPE = 6, TYPE_64 = 4, FLAGS = 15 };
    uint32_t low = pci_read(function, PCI_BAR0);
    if (low & IS_PORT)
        return 0;
    uint64_t high = (low & TYPE) == TYPE_64 ? pci_read(function, PCI_BAR0 + 4) : 0;
    return high << 32 | (low & ~(uint32_t)FLAGS);
}
