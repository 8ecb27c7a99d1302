/* SPDX-License-Identifier: BSD-2-Clause
 *
 * mark start|end: tells a recorder under QEMU where the capture starts and ends. Static, for an initial file system. It
 * knows the two instructions by their bytes: no-operations on every processor.
 */
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "start"))
        __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 's', 'b', 'r', 'm'" ::: "memory");
    else
        __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 'e', 'b', 'r', 'm'" ::: "memory");
    return 0;
}
