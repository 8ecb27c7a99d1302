# SPDX-License-Identifier: BSD-2-Clause
"""A file that every loader of the 64-bit boot protocol takes for a kernel."""

import struct


def make():
    """The least that the boot protocol calls a 64-bit kernel: no more than its header, and 4 KiB."""
    image = bytearray(512 * 2 + 4096)
    for at, fmt, value in ((0x1f1, "<B", 1), (0x1fe, "<H", 0xaa55), (0x202, "4s", b"HdrS"), (0x206, "<H", 0x20f), (0x211, "<B", 1),
                           (0x22c, "<I", 0x7fffffff), (0x236, "<H", 1), (0x238, "<I", 255), (0x258, "<Q", 0x1000000)):
        struct.pack_into(fmt, image, at, value)
    return bytes(image)
