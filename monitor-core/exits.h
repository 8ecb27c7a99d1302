/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Why a virtual CPU left its guest, as counted per virtual CPU and shown in result sets.
 */
#ifndef MONITOR_CORE_EXITS_H
#define MONITOR_CORE_EXITS_H

enum exit_kind {
    EXIT_INTERRUPT, /* a physical interrupt: the slice's timer, a shootdown, a kick */
    EXIT_HALT,      /* HLT, and HLT found in an interrupt shadow */
    EXIT_CPUID,
    EXIT_MSR_READ,
    EXIT_MSR_WRITE,
    EXIT_PORT,     /* IN, OUT and their string forms */
    EXIT_MMIO,     /* nested fault outside memory */
    EXIT_TOUCH,    /* nested fault: first touch of a page */
    EXIT_MAP,      /* nested fault: the page is there, this node's table did not have it yet */
    EXIT_COPY,     /* nested fault: write to a page shared copy-on-write */
    EXIT_COLLAPSE, /* nested fault: write to a replicated page */
    EXIT_HINT,     /* nested fault: a watched page */
    EXIT_EXCEPTION,
    EXIT_HYPERCALL,
    EXIT_SHUTDOWN, /* triple fault, INIT, an invalid control block: the VM ends */
    EXIT_OTHER,
    EXIT_KINDS
};

#endif
