/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the boot loader (multiboot 1) or from a start-up interrupt to C in long mode. Section .boot is linked where it
 * is loaded; the tables here map the first 4 GiB three times: one to one, in the direct map, and the first GiB where
 * the image is linked. The loader needs the address fields: the file is a 64-bit ELF whose layout is that of memory.
 */
        .set    MAGIC, 0x1badb002
        .set    FLAGS, 0x00010003               /* modules on page bounds, memory map, address fields */

        .section .boot, "awx"
        .balign 8
boot_header:
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)
        .long   boot_header, image_start, image_load_end, image_bss_end, boot_entry

        .balign 8
boot_gdt:
        .quad   0
        .quad   0x00af9b000000ffff              /* 0x08 64-bit code, as in the CPUs' own tables (traps.c) */
        .quad   0x00cf93000000ffff              /* 0x10 data */
        .quad   0x00cf9b000000ffff              /* 0x18 32-bit code */
boot_gdt_end:

boot_gdtr:
        .short  boot_gdt_end - boot_gdt - 1
        .long   boot_gdt

        .balign 4096
        .globl  boot_pml4
boot_pml4:
        .quad   boot_pdpt + 3
        .fill   255, 8, 0
        .quad   boot_pdpt + 3                   /* the direct map */
        .fill   254, 8, 0
        .quad   boot_pdpt_image + 3
boot_pdpt:
        .quad   boot_pd + 3, boot_pd + 0x1003, boot_pd + 0x2003, boot_pd + 0x3003
        .fill   508, 8, 0
boot_pdpt_image:
        .fill   510, 8, 0
        .quad   boot_pd + 3, 0
boot_pd:
        .set    page, 0
        .rept   2048
        .quad   page + 0x83
        .set    page, page + 0x200000
        .endr

        .code32
        .globl  boot_entry
boot_entry:
        cld
        mov     %ebx, %esi
        mov     $0x80000001, %eax
        cpuid
        and     $0x20100000, %edx               /* long mode and no-execute */
        cmp     $0x20100000, %edx
        jne     boot_fail
        lgdt    boot_gdtr
        ljmp    $0x18, $boot_protected_first

boot_protected:
        xor     %esi, %esi
boot_protected_first:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %ss

boot_enter_long:                                /* %esi: multiboot information, or 0 on another processor */
        mov     $boot_pml4, %eax
        mov     %eax, %cr3
        mov     $0x20, %eax                     /* PAE */
        mov     %eax, %cr4
        mov     $0xc0000080, %ecx
        rdmsr
        or      $0x900, %eax                    /* LME, NXE */
        wrmsr
        mov     $0x80010033, %eax               /* PG, WP, NE, ET, MP, PE; caches on */
        mov     %eax, %cr0
        ljmp    $0x08, $boot_long

boot_fail:                                      /* to the first serial port, as the firmware left it */
        mov     $boot_no_long_mode, %esi
        mov     $0x3f8, %edx
1:      lodsb
        test    %al, %al
        jz      2f
        outb    %al, (%dx)
        jmp     1b
2:      cli
        hlt
        jmp     2b
boot_no_long_mode:
        .asciz  "mirrorball: this CPU has no long mode or no no-execute bit; a 64-bit AMD CPU is needed\r\n"

        .code64
boot_long:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        test    %esi, %esi
        jz      1f
        movabs  $boot_stack_top, %rsp
        mov     %esi, %edi
        movabs  $boot_main, %rax
        call    *%rax
1:      movabs  $smp_cr3, %rax                  /* another processor: smp.c has filled these for it alone */
        mov     (%rax), %rcx
        movabs  $smp_stack, %rax
        mov     (%rax), %rdx
        movabs  $smp_cpu, %rax
        mov     (%rax), %rdi
        movabs  $boot_processor, %rax
        jmp     *%rax

        /* Copied to a page below 1 MiB, where a start-up interrupt begins in real mode at offset 0. */
        .code16
        .globl  boot_trampoline, boot_trampoline_end
boot_trampoline:
        cli
        cld
        mov     %cs, %ax
        mov     %ax, %ds
        lgdtl   (boot_trampoline_gdtr - boot_trampoline)
        mov     $0x11, %eax
        mov     %eax, %cr0
        ljmpl   $0x18, $boot_protected
boot_trampoline_gdtr:
        .short  boot_gdt_end - boot_gdt - 1
        .long   boot_gdt
boot_trampoline_end:

        .text
        .code64
boot_processor:                                 /* the stack exists in the new tables only */
        mov     %rcx, %cr3
        mov     %rdx, %rsp
        call    smp_entered

        /* void boot_switch(uint64_t cr3, unsigned char *stack_top, void (*go_on)(void)) */
        .globl  boot_switch
boot_switch:
        mov     %rdi, %cr3
        mov     %rsi, %rsp
        call    *%rdx
        ud2

        .bss
        .balign 4096
        .skip   32768
boot_stack_top:

        .section .note.GNU-stack, "", @progbits
