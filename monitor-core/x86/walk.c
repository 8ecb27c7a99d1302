/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor-core/x86/walk.h"

#define CR0_PG UINT64_C(0x80000000)
#define CR0_WP UINT64_C(0x10000)
#define CR4_LA57 UINT64_C(0x1000)
#define CR4_SMEP UINT64_C(0x100000)
#define CR4_SMAP UINT64_C(0x200000)
#define EFER_LMA UINT64_C(0x400)
#define EFER_NXE UINT64_C(0x800)
#define RFLAGS_AC UINT64_C(0x40000)
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define NO_EXECUTE (UINT64_C(1) << 63)

enum { PRESENT = 1, WRITABLE = 2, USER = 4, LARGE = 0x80 };

/* `rights`: the and of all levels' write and user bits, the or of their no-execute bits. */
static bool allowed(const struct walk_mode *m, uint64_t rights, unsigned access)
{
    bool user = access & WALK_USER;
    if (user && !(rights & USER))
        return false;
    if ((access & WALK_WRITE) && !(rights & WRITABLE) && (user || (m->cr0 & CR0_WP)))
        return false;
    if (access & WALK_FETCH) {
        bool kept_out = !user && (rights & USER) && (m->cr4 & CR4_SMEP);
        return !((rights & NO_EXECUTE) && (m->efer & EFER_NXE)) && !kept_out;
    }
    return user || !(rights & USER) || !(m->cr4 & CR4_SMAP) || (m->rflags & RFLAGS_AC);
}

static int fault(const struct walk_mode *m, unsigned access, bool present, uint32_t *code)
{
    bool says_fetch = (m->efer & EFER_NXE) || (m->cr4 & CR4_SMEP);
    *code = (uint32_t)(access & (says_fetch ? ~0u : ~(unsigned)WALK_FETCH)) | present;
    return ERR_NOENT;
}

static bool canonical(uint64_t linear)
{
    return linear + (UINT64_C(1) << 47) < UINT64_C(1) << 48;
}

int walk(const struct walk_mode *m, uint64_t linear, unsigned access, uint64_t *gpa, uint32_t *code)
{
    if (!(m->cr0 & CR0_PG)) {
        *gpa = linear & UINT32_MAX;
        return 0;
    }
    if (!(m->efer & EFER_LMA) || (m->cr4 & CR4_LA57))
        return ERR_NOSUP;
    if (!canonical(linear))
        return fault(m, access, false, code);
    uint64_t table = m->cr3 & ADDRESS, rights = WRITABLE | USER;
    for (unsigned shift = 39;; shift -= 9) {
        uint64_t entry;
        int err = m->read(m->context, table + (linear >> shift & 511) * 8, &entry);
        if (err)
            return err;
        if (!(entry & PRESENT))
            return fault(m, access, false, code);
        rights = (rights & entry & (WRITABLE | USER)) | ((rights | entry) & NO_EXECUTE);
        if (shift == 12 || (shift < 39 && (entry & LARGE))) {
            uint64_t inside = (UINT64_C(1) << shift) - 1;
            *gpa = (entry & ADDRESS & ~inside) | (linear & inside);
            return allowed(m, rights, access) ? 0 : fault(m, access, true, code);
        }
        table = entry & ADDRESS;
    }
}
