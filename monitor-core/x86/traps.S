/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One stub of 16 bytes per vector; all meet in traps_handle(struct trap *) on the stack that the gate chose.
 */
        .set    WITH_CODE, 0x60227d00           /* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX push an error code */

        .text
        .balign 16
        .globl  traps_stubs
traps_stubs:
        .set    vector, 0
        .rept   256
        .balign 16
        .if     vector > 31
        pushq   $0
        .elseif ((WITH_CODE >> vector) & 1) == 0
        pushq   $0
        .endif
        pushq   $vector
        jmp     traps_common
        .set    vector, vector + 1
        .endr

traps_common:
        .irp    register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
        push    %\register
        .endr
        cld
        mov     %rsp, %rdi
        call    traps_handle
        .irp    register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
        pop     %\register
        .endr
        add     $16, %rsp
        iretq

        .section .note.GNU-stack, "", @progbits
