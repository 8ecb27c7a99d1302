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
        push    %rax
        push    %rbx
        push    %rcx
        push    %rdx
        push    %rsi
        push    %rdi
        push    %rbp
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        cld
        mov     %rsp, %rdi
        call    traps_handle
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rbp
        pop     %rdi
        pop     %rsi
        pop     %rdx
        pop     %rcx
        pop     %rbx
        pop     %rax
        add     $16, %rsp
        iretq

        .section .note.GNU-stack, "", @progbits
