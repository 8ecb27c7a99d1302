/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What this plugin uses of QEMU's interface for TCG plugins, version 1 (QEMU 4.2 on; written against 7.2, "QEMU TCG
 * Plugins" in its developer documentation). Debian packages no header for it. The functions are QEMU's own and are
 * bound when it loads the plugin. A vcpu_index is the number of a virtual CPU; in user mode that of a thread, which may
 * be given anew once a thread has ended.
 */
#ifndef COLLECTORS_PLUGIN_QEMU_PLUGIN_H
#define COLLECTORS_PLUGIN_QEMU_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))

/* Checked by QEMU before anything is called. */
extern QEMU_PLUGIN_EXPORT int qemu_plugin_version;

/* Valid during the call of qemu_plugin_install only. */
struct qemu_plugin_info {
    const char *target_name; /* "x86_64" */
    struct {
        int min, cur;
    } version;
    bool system_emulation;
    int smp_vcpus, max_vcpus; /* of a whole machine */
};

/* Called once, before any guest code. Arguments are NAME=VALUE each. Non-zero: QEMU ends. */
QEMU_PLUGIN_EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_plugin_info *info, int argc, char **argv);

/* --- what happens to a virtual CPU --- */

typedef void qemu_plugin_vcpu_cb(uint64_t id, unsigned vcpu_index);
void qemu_plugin_register_vcpu_init_cb(uint64_t id, qemu_plugin_vcpu_cb *);
void qemu_plugin_register_vcpu_exit_cb(uint64_t id, qemu_plugin_vcpu_cb *);
void qemu_plugin_register_vcpu_idle_cb(uint64_t id, qemu_plugin_vcpu_cb *);   /* whole machine: halted */
void qemu_plugin_register_vcpu_resume_cb(uint64_t id, qemu_plugin_vcpu_cb *); /* and running again */

/* User mode: a thread enters a system call, and comes back from it. */
typedef void qemu_plugin_syscall_cb(uint64_t id, unsigned vcpu_index, int64_t number, uint64_t, uint64_t, uint64_t,
                                    uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
typedef void qemu_plugin_syscall_ret_cb(uint64_t id, unsigned vcpu_index, int64_t number, int64_t result);
void qemu_plugin_register_vcpu_syscall_cb(uint64_t id, qemu_plugin_syscall_cb *);
void qemu_plugin_register_vcpu_syscall_ret_cb(uint64_t id, qemu_plugin_syscall_ret_cb *);

/* The end of QEMU; in user mode threads may still be running. Not called when QEMU dies of a signal. */
void qemu_plugin_register_atexit_cb(uint64_t id, void (*)(uint64_t id, void *userdata), void *userdata);

/* --- code as it is translated: a block of instructions that run one after the other --- */

struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*)(uint64_t id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *); /* where QEMU holds it; null: not in RAM */
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *); /* its bytes */

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_MEM_RW };

typedef void qemu_plugin_vcpu_udata_cb(unsigned vcpu_index, void *userdata);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, qemu_plugin_vcpu_udata_cb *,
                                          enum qemu_plugin_cb_flags, void *userdata);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, qemu_plugin_vcpu_udata_cb *,
                                            enum qemu_plugin_cb_flags, void *userdata);

/* After each access to memory. Hazard of 7.2: where an instruction's accesses are made by a helper of QEMU, the list of
 * callbacks ends at the first that does not match the direction, so one callback for both directions is registered. */
typedef void qemu_plugin_vcpu_mem_cb(unsigned vcpu_index, uint32_t info, uint64_t vaddr, void *userdata);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, qemu_plugin_vcpu_mem_cb *, enum qemu_plugin_cb_flags,
                                      enum qemu_plugin_mem_rw, void *userdata);
bool qemu_plugin_mem_is_store(uint32_t info);       /* a read-modify-write is a store */
unsigned qemu_plugin_mem_size_shift(uint32_t info); /* log2 of the bytes */

/* Whole machine, within a memory callback: null in user mode. */
struct qemu_plugin_hwaddr;
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(uint32_t info, uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *);

/* Hazard of 7.2: the offset of the RAM block among all blocks plus its offset in the machine's RAM, which is the
 * physical address only while the RAM is one block (ram.h undoes it). */
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *);

#endif
