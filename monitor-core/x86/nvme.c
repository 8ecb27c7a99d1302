/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/nvme.h"

#include "monitor-core/x86/pci.h"

/* Controller registers (section 3.1). */
enum { REG_CAP = 0x00, REG_CONFIG = 0x14, REG_STATUS = 0x1c, REG_ADMIN_SIZES = 0x24, REG_ADMIN_SUBMIT = 0x28 };
enum { REG_ADMIN_COMPLETE = 0x30, REG_DOORBELLS = 0x1000, REGISTERS = 0x2000 };
enum { CONFIG_ENABLE = 1, STATUS_READY = 1, STATUS_FATAL = 2, STATUS_MASK = 0x7ff };
/* Entries of 64 and 16 bytes, pages of 4 KiB, the NVM command set. */
enum { CONFIG_ENTRIES = 6 << 16 | 4 << 20 };

enum { ADMIN_CREATE_SUBMIT = 1, ADMIN_CREATE_COMPLETE = 5, ADMIN_IDENTIFY = 6, ADMIN_SET_FEATURES = 9 };
enum { IDENTIFY_NAMESPACE = 0, IDENTIFY_CONTROLLER = 1, IDENTIFY_LIST = 2 };
enum { NVM_FLUSH = 0, NVM_WRITE = 1, NVM_READ = 2 };
enum { CLASS_NVME = 0x010802, ENTRIES = 16, PAGE = 4096, PATIENCE_S = 30 };

struct submission {
    uint32_t opcode; /* and the command's number, from bit 16 on */
    uint32_t namespace;
    uint64_t reserved, metadata, prp1, prp2;
    uint32_t dword10, dword11, dword12, dword13, dword14, dword15;
};

struct completion {
    uint32_t result, reserved;
    uint16_t head, queue, number;
    volatile uint16_t status; /* bit 0: phase */
};

/* One command at a time, so every entry is free when the next one comes. */
struct queue {
    struct submission *submit;
    struct completion *complete;
    uint32_t number, at;
    uint16_t phase;
};

struct nvme {
    struct drive drive;
    volatile unsigned char *registers;
    const struct memory *memory;
    uint32_t stride; /* of the doorbells */
    struct queue admin, io;
    unsigned char *page; /* for what is identified, then for the list of a transfer's pages */
    uint32_t namespace, sector_shift;
    uint32_t largest; /* transfer, in sectors of DISK_SECTOR */
    bool dead;
};

/* By place, one that does not start included: the numbers of those behind it stay. A drive belongs to one disk, whose
 * lock serialises. */
static struct nvme nvme[NVME_DRIVES];
static uint32_t found;

static uint32_t get(const struct nvme *n, uint32_t offset)
{
    return *(volatile const uint32_t *)(n->registers + offset);
}

static void put(const struct nvme *n, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(n->registers + offset) = value;
}

static bool wait_status(const struct nvme *n, uint32_t mask, uint32_t value)
{
    uint64_t until = cpu_now() + (get(n, REG_CAP) >> 24) * UINT64_C(500000000) + UINT64_C(500000000);
    while ((get(n, REG_STATUS) & mask) != value) {
        if ((get(n, REG_STATUS) & STATUS_FATAL) || cpu_now() > until)
            return false;
        __builtin_ia32_pause();
    }
    return true;
}

/* A controller that does not answer in time may still write to the buffers: it is switched off for good. */
static int give_up(struct nvme *n)
{
    n->dead = true;
    put(n, REG_CONFIG, 0);
    print("nvme %u: no answer within %u s; the drive is switched off", (unsigned)(n - nvme), (unsigned)PATIENCE_S);
    return DISK_EIO;
}

/* Stores reach memory in program order on this architecture; what is left is to keep the compiler from moving them
 * across the doorbell. */
static int command(struct nvme *n, struct queue *q, struct submission s)
{
    if (n->dead)
        return DISK_EIO;
    volatile struct completion *c = &q->complete[q->at];
    s.opcode |= q->at << 16;
    q->submit[q->at] = s;
    q->at = (q->at + 1) % ENTRIES;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    put(n, REG_DOORBELLS + 2 * q->number * n->stride, q->at);
    uint64_t until = cpu_now() + PATIENCE_S * UINT64_C(1000000000);
    while ((c->status & 1) != q->phase) {
        if (cpu_now() > until)
            return give_up(n);
        __builtin_ia32_pause();
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint16_t status = c->status >> 1 & STATUS_MASK; /* code and type; the rest is for those who try again */
    q->phase ^= q->at == 0;
    put(n, REG_DOORBELLS + (2 * q->number + 1) * n->stride, q->at);
    return status ? DISK_EIO : 0;
}

static int transfer(struct nvme *n, uint32_t opcode, uint64_t sector, uint32_t sectors, const unsigned char *buffer)
{
    uint64_t physical = memory_physical(n->memory, buffer), *list = (uint64_t *)(void *)n->page;
    uint64_t first = sector >> n->sector_shift;
    uint32_t pages = (sectors * DISK_SECTOR + PAGE - 1) / PAGE;
    list[0] = 0;
    for (uint32_t i = 1; i < pages; i++)
        list[i - 1] = physical + (uint64_t)i * PAGE;
    struct submission s = {.opcode = opcode,
                           .namespace = n->namespace,
                           .prp1 = physical,
                           .prp2 = pages > 2 ? memory_physical(n->memory, list) : list[0],
                           .dword10 = (uint32_t)first,
                           .dword11 = (uint32_t)(first >> 32),
                           .dword12 = (sectors >> n->sector_shift) - 1};
    return command(n, &n->io, s);
}

/* In commands of up to the controller's largest transfer. Starts at a whole block (disk.h). */
static int transfer_all(void *context, bool write, uint64_t sector, uint32_t count, void *buffer)
{
    struct nvme *n = context;
    unsigned char *bytes = buffer;
    int err = 0;
    while (!err && count) {
        uint32_t part = count < n->largest ? count : n->largest;
        err = transfer(n, write ? NVM_WRITE : NVM_READ, sector, part, bytes);
        sector += part;
        count -= part;
        bytes += (size_t)part * DISK_SECTOR;
    }
    return err;
}

/* A drive without a cache that it could lose takes the command as well (section 6.8). */
static int flush(void *context)
{
    struct nvme *n = context;
    return command(n, &n->io, (struct submission){.opcode = NVM_FLUSH, .namespace = n->namespace});
}

static void take_memory(struct machine_x86 *m, struct nvme *n)
{
    unsigned char *block = cpu_reserve(0, 5 * PAGE, "a drive's queues");
    n->memory = &m->memory;
    n->admin = (struct queue){(void *)block, (void *)(block + PAGE), 0, 0, 1};
    n->io = (struct queue){(void *)(block + 2 * PAGE), (void *)(block + 3 * PAGE), 1, 0, 1};
    n->page = block + 4 * PAGE;
}

/* Section 7.6.1: disable, admin queue, enable. Interrupts of the device stay off. */
static bool start_controller(struct nvme *n, uint32_t function)
{
    uint64_t physical = pci_memory(function);
    if (!physical)
        return false;
    uint32_t on = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX;
    pci_write(function, PCI_COMMAND, (pci_read(function, PCI_COMMAND) & 0xffff) | on);
    n->registers = cpu_map_device(physical, REGISTERS);
    if (!n->registers || (get(n, REG_CAP) & 0xffff) + 1 < ENTRIES || (get(n, REG_CAP + 4) >> 16 & 15))
        return false;
    n->stride = UINT32_C(4) << (get(n, REG_CAP + 4) & 15);
    put(n, REG_CONFIG, 0);
    if (n->stride > (REGISTERS - REG_DOORBELLS) / 4 || !wait_status(n, STATUS_READY, 0))
        return false;
    put(n, REG_ADMIN_SIZES, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    *(volatile uint64_t *)(n->registers + REG_ADMIN_SUBMIT) = memory_physical(n->memory, n->admin.submit);
    *(volatile uint64_t *)(n->registers + REG_ADMIN_COMPLETE) = memory_physical(n->memory, n->admin.complete);
    put(n, REG_CONFIG, CONFIG_ENTRIES | CONFIG_ENABLE);
    return wait_status(n, STATUS_READY, STATUS_READY);
}

static int admin(struct nvme *n, uint32_t opcode, uint32_t namespace, const void *page, uint32_t dword10,
                 uint32_t dword11)
{
    struct submission s = {.opcode = opcode,
                           .namespace = namespace,
                           .prp1 = memory_physical(n->memory, page),
                           .dword10 = dword10,
                           .dword11 = dword11};
    return command(n, &n->admin, s);
}

static uint32_t word_of(const struct nvme *n, uint32_t offset)
{
    uint32_t word;
    __builtin_memcpy(&word, n->page + offset, sizeof word);
    return word;
}

/* What the controller can (figure 247) and which namespace comes first. */
static bool identify(struct nvme *n)
{
    enum { OFFSET_LARGEST = 77 };
    if (admin(n, ADMIN_IDENTIFY, 0, n->page, IDENTIFY_CONTROLLER, 0))
        return false;
    uint8_t largest = n->page[OFFSET_LARGEST];
    n->largest = (largest && largest < 5 ? 1u << largest : DISK_BATCH) * (DISK_BLOCK / DISK_SECTOR);
    if (admin(n, ADMIN_IDENTIFY, 0, n->page, IDENTIFY_LIST, 0))
        return false;
    n->namespace = word_of(n, 0);
    return n->namespace != 0;
}

/* Its size and format (figure 245): sectors of 512 or 4096 bytes without metadata. */
static bool identify_namespace(struct nvme *n, uint64_t *sectors)
{
    enum { OFFSET_FORMAT = 26, OFFSET_FORMATS = 128 };
    if (admin(n, ADMIN_IDENTIFY, n->namespace, n->page, IDENTIFY_NAMESPACE, 0))
        return false;
    uint32_t format = word_of(n, OFFSET_FORMATS + 4u * (n->page[OFFSET_FORMAT] & 15));
    uint32_t shift = format >> 16 & 255;
    if ((format & 0xffff) || (shift != 9 && shift != 12))
        return false;
    n->sector_shift = shift - 9;
    *sectors = ((uint64_t)word_of(n, 4) << 32 | word_of(n, 0)) << n->sector_shift;
    return true;
}

static bool create_queues(struct nvme *n)
{
    enum { CONTIGUOUS = 1, NUMBER_OF_QUEUES = 7 };
    admin(n, ADMIN_SET_FEATURES, 0, n->page, NUMBER_OF_QUEUES, 0); /* one of each: fewer than any drive has */
    uint32_t size = (ENTRIES - 1) << 16 | n->io.number;
    return !admin(n, ADMIN_CREATE_COMPLETE, 0, n->io.complete, size, CONTIGUOUS) &&
           !admin(n, ADMIN_CREATE_SUBMIT, 0, n->io.submit, size, n->io.number << 16 | CONTIGUOUS);
}

uint32_t nvme_start(struct machine_x86 *m)
{
    for (uint32_t f = pci_find(0, CLASS_NVME); f != PCI_NONE && found < NVME_DRIVES;
         f = pci_find(f + 0x100, CLASS_NVME)) {
        struct nvme *n = &nvme[found++];
        uint64_t sectors;
        take_memory(m, n);
        if (!start_controller(n, f) || !identify(n) || !identify_namespace(n, &sectors) || !create_queues(n)) {
            print("nvme %u at %x:%x.%x: left out: it does not start, or has no namespace with plain sectors", found - 1,
                  f >> 16, f >> 11 & 31, f >> 8 & 7);
            continue;
        }
        n->drive = (struct drive){n, sectors, true, transfer_all, flush};
        print("nvme %u: %lu MiB", found - 1, sectors >> 11);
    }
    return found;
}

void nvme_stop(void)
{
    enum { SHUT_DOWN = 1 << 14, IS_DOWN = 2 << 2, DOWN_MASK = 3 << 2 };
    for (uint32_t i = 0; i < found; i++) {
        struct nvme *n = &nvme[i];
        if (!n->drive.context || n->dead)
            continue;
        n->dead = true;
        put(n, REG_CONFIG, get(n, REG_CONFIG) | SHUT_DOWN);
        wait_status(n, DOWN_MASK, IS_DOWN);
    }
}

bool nvme_drive(uint32_t n, struct drive *drive)
{
    if (n >= found || !nvme[n].drive.transfer)
        return false;
    *drive = nvme[n].drive;
    nvme[n].drive.transfer = NULL;
    return true;
}
