# SPDX-License-Identifier: BSD-2-Clause
"""Raw captures (docs/trace-format.md), read without the project's own code."""

import collections
import struct

READ, WRITE, FETCH, UPGRADE = range(4)
COLD, REPLACEMENT, COHERENCE, FIRST = range(4)
Record = collections.namedtuple("Record", "address cpu kind cause elsewhere kernel time thread")


def records(path):
    """The header's eight words, and the records."""
    with open(path, "rb") as file:
        data = file.read()
    head = struct.unpack("<8Q", data[:64])
    out = [Record((a & 2**42 - 1) << 6, a >> 42 & 63, a >> 48 & 3, a >> 50 & 3, a >> 52 & 1, a >> 53 & 1, b & 2**48 - 1, b >> 48)
           for a, b in struct.iter_unpack("<2Q", data[64:len(data) // 16 * 16])]
    return head, out
