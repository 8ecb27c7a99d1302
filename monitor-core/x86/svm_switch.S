/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The world switch: svm_switch(vmcb, registers, host), all in CLGI. The host's IF has to be set during VMRUN: it decides
 * whether physical interrupts end the guest's run (V_INTR_MASKING), while GIF keeps them from the host.
 */
    .section .text.svm_switch, "ax"
    .globl svm_switch
    .hidden svm_switch
    .type svm_switch, @function
svm_switch:
    .irp register, rbx, rbp, r12, r13, r14, r15, rdx, rsi
    push %\register
    .endr
    mov %rdi, %rax
    mov %rsi, %rdi
    .set at, 0
    .irp register, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rdi
    mov at(%rdi), %\register
    .set at, at + 8
    .endr
    sti
    vmload %rax
    vmrun %rax
    vmsave %rax
    cli
    /* RSP and RAX are the host's again; everything else is the guest's. */
    mov %rdi, %rax
    pop %rdi
    .set at, 0
    .irp register, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rax
    mov %\register, at(%rdi)
    .set at, at + 8
    .endr
    pop %rax
    vmload %rax
    .irp register, r15, r14, r13, r12, rbp, rbx
    pop %\register
    .endr
    ret
    .size svm_switch, . - svm_switch
    .section .note.GNU-stack, "", @progbits
