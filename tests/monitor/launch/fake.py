#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A machine that is none: takes the emulator's arguments, and plays what the file named by the environment's FAKE says
on its two serial ports. The file is Python; in it: console(text), frame(type, body), hello(), ..., raw(bytes), keys(),
die(status). Figures are made here by hand, not by the code under test."""

import os
import re
import socket
import struct
import sys
import time
import zlib

NODES, CPUS = 2, 3
CPU_NODE = (0, 0, 1)
EXITS = 16


class Machine:
    def __init__(self, arguments):
        fds = dict(re.findall(r"socket,id=(\w+),fd=(\d+)", " ".join(arguments)))
        self.arguments = arguments
        self.serial = [socket.socket(fileno=int(fds[name])) for name in ("console", "telemetry")]
        self.sequence = 0

    def console(self, text):
        self.serial[0].sendall(text.encode())

    def keys(self, n=1):
        """Waits for so many bytes from the operator."""
        got = b""
        while len(got) < n:
            got += self.serial[0].recv(n - len(got)) or sys.exit(0)
        return got

    def module(self, name):
        """The file that the boot loader would hand to the monitor by that name."""
        return re.search(r"(/dev/fd/\d+) " + name + r"(,|$)", self.arguments[self.arguments.index("-initrd") + 1])[1]

    def raw(self, data):
        self.serial[1].sendall(data)

    def whole(self, kind, body):
        head = b"MB" + struct.pack("<BBHH", kind, 0, len(body), self.sequence % 65536)
        self.sequence += 1
        return head + body + struct.pack("<I", zlib.crc32(head + body))

    def frame(self, kind, body):
        self.raw(self.whole(kind, body))

    def text(self, words):
        self.frame(8, words.encode())

    def hello(self, vms=2, nodes=NODES, version=1, policy=b"migrep:trigger=64", pages=(131072, 65536)):
        body = struct.pack("<4I2Q2I6I", version, nodes, CPUS, vms, 2000000, 1 << 30, sum(pages) + 1000, sum(pages), 20, 64, 16, 16,
                           1, 1)
        body += bytes(CPU_NODE) + bytes(64 - CPUS)
        body += b"".join(struct.pack("<I", 100000 if a == b else 200000) for a in range(16) for b in range(16))
        self.frame(1, body + policy.ljust(256, b"\0") + b"0123456789abcdef".ljust(32, b"\0"))

    def node(self, node, seen, total=1 << 29, free=1 << 28, own=1 << 22):
        cells = [value for pair in seen for value in pair] + [0] * (32 - 2 * len(seen))
        self.frame(2, struct.pack("<2I3Q32Q", node, 2 - node, total, free, own, *cells))

    def vm(self, vm, name, state=1, end=0, why=b"", private=1000, shared=100):
        self.frame(3, struct.pack("<8I3Q16QQ", vm, 1 + vm, state, end, vm * 131072, (131072, 65536)[vm % 2], private, shared,
                                  2000 + vm, 30 + vm, vm, 600, 200, *[0] * 14, 500) + name.ljust(32, b"\0") + why.ljust(96, b"\0"))

    def vcpu(self, number, vm, index, guest_ns=2 * 10**9, exits=None):
        counts = exits or [10 * (k + 1) for k in range(EXITS)]
        self.frame(4, struct.pack("<4I3Q32Q", number, vm, index, 0, guest_ns, 10**8, guest_ns + 2 * 10**8, *counts, *[0] * (32 - EXITS)))

    def engine(self, time_ns, moves=0, copies=0, collapses=0, replicas=0, peak=0):
        stats = [5000, moves, copies, 7, 0, collapses, 3, 0, 0, 2, 0, 11, 12, 13, 14, 15, 16, 17, 999, replicas, peak]
        self.frame(5, struct.pack("<2Q", time_ns, 0xfeedfacecafebeef) + struct.pack("<21Q", *stats) +
                   struct.pack("<10Q", 9, 40, 80, 123456789, 21, 50, 100, 8, 4, 10**9))

    def disk(self, disk=0, name=b"disk0"):
        self.frame(6, struct.pack("<2I8Q", disk, 0, 10, 300, 400, 250, 50, 3, 0, 300) + name.ljust(32, b"\0"))

    def observed(self, base, observations):
        """(ns after the one before, slot, node, what) each."""
        def varint(n):
            out = bytearray()
            while n >= 128:
                out.append(n & 127 | 128)
                n >>= 7
            return bytes(out + bytes([n]))
        body, last = struct.pack("<Q", base), 0
        for later, slot, node, what in observations:
            difference, last = slot - last, slot
            body += varint(later) + varint(difference * 2 if difference >= 0 else -difference * 2 - 1) + bytes([node, what])
        self.frame(7, body)

    def end(self, time_ns=20 * 10**9, panicked=0, why=b""):
        self.frame(9, struct.pack("<Q2I", time_ns, panicked, 0) + why.ljust(240, b"\0"))

    def totals(self, step):
        """What a period tells: node 0 sees 90 own and 10 of node 1 per step, node 1 half of it the other way."""
        self.node(0, [(60 * step, 30 * step), (10 * step, 0)])
        self.node(1, [(20 * step, 5 * step), (20 * step, 5 * step)])
        self.engine(step * 10**9, moves=100 * step, copies=10 * step, collapses=step, replicas=5 * step, peak=50)

    def good(self, steps=4):
        """A run that goes well, up to its last word."""
        self.hello()
        for step in range(1, steps + 1):
            self.console(f"[{step}] booting\r\n")
            self.totals(step)
            self.vm(0, b"web")
            self.vm(1, b"db")
        for number, (vm, index) in enumerate(((0, 0), (1, 0), (1, 1))):
            self.vcpu(number, vm, index)
        self.disk()

    def off(self):
        for vm, name in enumerate((b"web", b"db")):
            self.vm(vm, name, state=3, end=1, private=0, shared=0)
        self.end()


def main():
    machine = Machine(sys.argv)
    words = {name: getattr(machine, name) for name in dir(machine) if not name.startswith("_")}
    with open(os.environ["FAKE"], encoding="utf-8") as script:
        exec(script.read(), {**words, "os": os, "sys": sys, "time": time, "struct": struct, "machine": machine})


main()
