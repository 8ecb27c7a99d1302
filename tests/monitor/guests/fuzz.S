/* SPDX-License-Identifier: BSD-2-Clause
 * The hostile guest's boot header (Linux boot protocol 2.15, 64-bit entry only), entry, and exceptions. */

    .set BASE, 0x200000
    .section .header, "awx"
header:
    .org 0x1f1
    .byte 1                                     /* setup_sects */
    .word 0
    .long fuzz_paragraphs                      /* syssize */
    .word 0, 0xffff, 0
    .word 0xaa55
    .byte 0xeb, 0x66                            /* jump over the header */
    .ascii "HdrS"
    .word 0x020f
    .long 0
    .word 0, 0
    .byte 0, 1                                  /* type_of_loader, loadflags: loaded high */
    .word 0
    .long 0x100000                              /* code32_start */
    .long 0, 0, 0
    .word 0, 0
    .long 0, 0x7fffffff                         /* cmd_line_ptr, initrd_addr_max */
    .long 0x200000                              /* kernel_alignment */
    .byte 0, 21                                 /* not relocatable */
    .word 1                                     /* xloadflags: 64-bit entry */
    .long 2047                                  /* cmdline_size */
    .long 0
    .quad 0
    .long 0, 0
    .quad 0
    .quad BASE                                  /* pref_address */
    .long fuzz_end_of_memory - BASE             /* init_size */
    .long 0, 0
    .org 1024

    .section .entry, "awx"
    .code32
1:  hlt
    jmp 1b
    .org 0x200
    .code64
    .globl fuzz_entry
fuzz_entry:
    cli
    cld
    mov $stack_end, %esp
    mov %rsi, %rbx
    call make_tables
    call fuzz_restore
    mov %rbx, %rdi
    call fuzz_main
2:  cli
    hlt
    jmp 2b

/* 4 GiB one to one by 2 MiB pages; the ninth GiB is the window. Gates for all vectors. */
make_tables:
    lea level3 + 3, %eax
    mov %rax, fuzz_level4
    lea level2 + 3, %eax
    xor %ecx, %ecx
3:  mov %rax, level3(, %rcx, 8)
    add $4096, %eax
    inc %ecx
    cmp $4, %ecx
    jb 3b
    mov $0x83, %eax
    xor %ecx, %ecx
4:  mov %rax, level2(, %rcx, 8)
    add $0x200000, %rax
    inc %ecx
    cmp $2048, %ecx
    jb 4b
    lea window_level2 + 3, %eax
    mov %rax, level3 + 8 * 8
    lea fuzz_window_table + 3, %eax
    mov %rax, window_level2
    lea stubs, %eax
    mov $idt, %edi
5:  mov %eax, %edx
    and $0xffff, %edx
    or $0x100000, %edx
    mov %edx, (%rdi)
    mov %eax, %edx
    and $0xffff0000, %edx
    or $0x8e00, %edx
    mov %edx, 4(%rdi)
    add $16, %edi
    add $16, %eax
    cmp $idt + 4096, %edi
    jb 5b
    ret

    .text
    .globl fuzz_restore
fuzz_restore:
    mov $fuzz_level4, %eax
    mov %rax, %cr3
    mov $0x80050033, %eax
    mov %rax, %cr0
    mov $0x6a0, %eax                            /* PAE, PGE, OSFXSR, OSXMMEXCPT */
    mov %rax, %cr4
    xor %eax, %eax
    mov %rax, %dr7
    mov $0x400, %eax
    mov %rax, %dr7
    lgdt gdt_pointer
    lidt idt_pointer
    mov $0x18, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    pop %rdx
    pushq $0x10
    push %rdx
    lretq

    .globl fuzz_try
fuzz_try:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, resume
    call *%rdi
    xor %eax, %eax
6:  pushq $2
    popfq
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/* An exception ends the operation; an interrupt is acknowledged. */
exception:
    cmpq $32, (%rsp)
    jae interrupt
    mov (%rsp), %rax
    incq fuzz_faults(, %rax, 8)
    cmp $2, %eax
    je 7f
    mov resume, %rsp
    cld
    mov $1, %eax
    jmp 6b
7:  add $8, %rsp                                /* an NMI stays blocked until its return */
    iretq
interrupt:
    push %rax
    push %rcx
    push %rdx
    incq fuzz_interrupts
    mov $0x80b, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    mov $0x838, %ecx                            /* a timer of a few ns leaves no time for anything else */
    wrmsr
    pop %rdx
    pop %rcx
    pop %rax
    add $8, %rsp
    iretq

    .balign 16
stubs:
    .set vector, 0
    .rept 256
    .balign 16
    pushq $vector
    jmp exception
    .set vector, vector + 1
    .endr

    .globl fuzz_lose_tables
fuzz_lose_tables:
    lidt nothing
    ud2

    .globl fuzz_wait, fuzz_wait_end
    .code16
fuzz_wait:
    cli
    hlt
    jmp fuzz_wait
fuzz_wait_end:
    .code64

    .section .rodata
    .balign 8
gdt:
    .quad 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
    .word 31
    .quad gdt
idt_pointer:
    .word 4095
    .quad idt
nothing:
    .word 0
    .quad 0

    .bss
    .balign 4096
    .globl fuzz_level4, fuzz_window_table, fuzz_faults, fuzz_interrupts
fuzz_level4:        .skip 4096
level3:             .skip 4096
level2:             .skip 4 * 4096
window_level2:      .skip 4096
fuzz_window_table:  .skip 4096
idt:                .skip 4096
fuzz_faults:        .skip 256
fuzz_interrupts:    .skip 8
resume:             .skip 8
    .balign 16
stack:              .skip 16384
stack_end:
    .section .note.GNU-stack, "", @progbits
