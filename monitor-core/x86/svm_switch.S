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
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdx
    push %rsi
    mov %rdi, %rax
    mov %rsi, %rdi
    mov (%rdi), %rbx
    mov 8(%rdi), %rcx
    mov 16(%rdi), %rdx
    mov 24(%rdi), %rsi
    mov 40(%rdi), %rbp
    mov 48(%rdi), %r8
    mov 56(%rdi), %r9
    mov 64(%rdi), %r10
    mov 72(%rdi), %r11
    mov 80(%rdi), %r12
    mov 88(%rdi), %r13
    mov 96(%rdi), %r14
    mov 104(%rdi), %r15
    mov 32(%rdi), %rdi
    sti
    vmload %rax
    vmrun %rax
    vmsave %rax
    cli
    /* RSP and RAX are the host's again; everything else is the guest's. */
    mov %rdi, %rax
    pop %rdi
    mov %rbx, (%rdi)
    mov %rcx, 8(%rdi)
    mov %rdx, 16(%rdi)
    mov %rsi, 24(%rdi)
    mov %rax, 32(%rdi)
    mov %rbp, 40(%rdi)
    mov %r8, 48(%rdi)
    mov %r9, 56(%rdi)
    mov %r10, 64(%rdi)
    mov %r11, 72(%rdi)
    mov %r12, 80(%rdi)
    mov %r13, 88(%rdi)
    mov %r14, 96(%rdi)
    mov %r15, 104(%rdi)
    pop %rax
    vmload %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .size svm_switch, . - svm_switch
    .section .note.GNU-stack, "", @progbits
