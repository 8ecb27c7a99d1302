/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Marks that a guest program makes to say where a capture starts and ends: long no-operations whose displacement the
 * plugin knows (Intel SDM vol. 2, NOP, 0F 1F /0). On hardware, and without the plugin, they do nothing. Any code may
 * make them, in user mode or in a kernel; a start mark while capturing and an end mark while not do nothing.
 */
#ifndef COLLECTORS_PLUGIN_MARK_H
#define COLLECTORS_PLUGIN_MARK_H

/* nopl 0x6d726273(%rax,%rax,1) and nopl 0x6d726265(%rax,%rax,1): 8 bytes each, the last four "sbrm", "ebrm". */
#define MARK_BYTES_START "\017\037\204\000sbrm"
#define MARK_BYTES_END "\017\037\204\000ebrm"
enum { MARK_BYTES = 8 };

#define MARK_START() __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 's', 'b', 'r', 'm'" ::: "memory")
#define MARK_END() __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 'e', 'b', 'r', 'm'" ::: "memory")

#endif
