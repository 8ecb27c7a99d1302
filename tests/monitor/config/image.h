/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A kernel image made by hand after the boot protocol's table of the setup header.
 */
#ifndef TESTS_MONITOR_CONFIG_IMAGE_H
#define TESTS_MONITOR_CONFIG_IMAGE_H

#include <stddef.h>

enum { IMAGE_SECTS = 2, IMAGE_SIZE = 512 * (IMAGE_SECTS + 1) + 2048 };

/* Fills IMAGE_SIZE bytes: protocol 2.15, wants to be at 16 MiB and 1 MiB there, initrd below 2 GiB, command line up to
 * 255 characters. Byte i of what comes after the setup sectors is i * 7 + 3. */
void image_make(unsigned char *image);

#endif
