# SPDX-License-Identifier: BSD-2-Clause
"""perf.data written from its specification (tools/perf/Documentation/perf.data-file-format.txt and
include/uapi/linux/perf_event.h of Linux 6.18), independently of the reader under test."""

import struct

# Fields of a sample in the order in which the kernel writes them.
(IP, TID, TIME, ADDR, READ, CALLCHAIN, ID, CPU, PERIOD, STREAM_ID, RAW, BRANCH_STACK, REGS_USER, STACK_USER, WEIGHT, DATA_SRC,
 IDENTIFIER, TRANSACTION, REGS_INTR, PHYS_ADDR, AUX, CGROUP, DATA_PAGE_SIZE, CODE_PAGE_SIZE, WEIGHT_STRUCT) = (1 << i for i in range(25))

# data sources, from the kernel's tables
L1_HIT = 0x10268100142
L3_HIT = 0x10668100842
LOCAL_DRAM = 0x02 | (0x02 | 0x80) << 5 | 4 << 19 | 13 << 33
REMOTE_DRAM = 0x02 | (0x02 | 0x100) << 5 | 4 << 19 | 13 << 33 | 1 << 37
STORE_L1_MISS = 0x04 | (0x04 | 0x08) << 5
NOT_KNOWN = 0x1E05080021


def pad(data, to=8):
    return data + b"\0" * (-len(data) % to)


def text(value):
    body = pad(value.encode() + b"\0", 64)
    return struct.pack("<I", len(body)) + body


def record(kind, body, misc=0):
    body = pad(body)
    return struct.pack("<IHH", kind, misc, len(body) + 8) + body


class Event:
    """One attribute with the ids of its instances; writes the records that belong to it."""

    def __init__(self, sample_type, ids=(1,), type=4, config=0x1CD, config1=30, period=1000, read_format=0, freq=False,
                 all_ids=True, size=136, name="cpu/mem-loads,ldlat=30/P", branch=0, regs_user=0, regs_intr=0):
        self.__dict__.update(locals())
        del self.__dict__["self"]

    def attr(self):
        flags = 1 << 1 | (1 << 10 if self.freq else 0) | 2 << 15 | (1 << 18 if self.all_ids else 0)
        full = struct.pack("<IIQQQQQIIQQQQIiQIHHIIQ", self.type, self.size, self.config, self.period, self.sample_type,
                           self.read_format, flags, 0, 0, self.config1, 0, self.branch, self.regs_user, 0, 0,
                           self.regs_intr, 0, 0, 0, 0, 0, 0)
        return (full + b"\0" * self.size)[: self.size]

    def _read(self, values, enabled, running):
        group, ident, lost = self.read_format & 8, self.read_format & 4, self.read_format & 16
        times = (struct.pack("<Q", enabled) if self.read_format & 1 else b"") + (
            struct.pack("<Q", running) if self.read_format & 2 else b"")

        def one(value):
            return struct.pack("<Q", value[0]) + (struct.pack("<Q", value[1]) if ident else b"") + (
                struct.pack("<Q", value[2]) if lost else b"")

        if group:
            return struct.pack("<Q", len(values)) + times + b"".join(one(v) for v in values)
        whole = one(values[0])
        return whole[:8] + times + whole[8:]

    def sample(self, misc=2, **given):
        """A sample record; what is not given is 0 or empty."""
        v = dict(ip=0, pid=0, tid=0, time=0, addr=0, id=self.ids[0] if self.ids else 0, stream=0, cpu=0, period=1,
                 values=[(1, 2, 3)], chain=(), raw=b"\0\0\0\0", branches=0, regs=None, stack=b"", weight=0, source=0,
                 transaction=0, phys=0, cgroup=0, page=0, code_page=0, aux=b"")
        v.update(given)

        def q(*numbers):
            return struct.pack("<%dQ" % len(numbers), *numbers)

        def registers(mask):
            return q(0) if v["regs"] is None else q(2, *([v["regs"]] * bin(mask).count("1")))

        index = q(7) if self.branch & (1 << 17) else b""
        # (bit, what it adds), in the order of perf_output_sample()
        fields = (
            (IDENTIFIER, q(v["id"])),
            (IP, q(v["ip"])),
            (TID, struct.pack("<II", v["pid"], v["tid"])),
            (TIME, q(v["time"])),
            (ADDR, q(v["addr"])),
            (ID, q(v["id"])),
            (STREAM_ID, q(v["stream"])),
            (CPU, struct.pack("<II", v["cpu"], 0)),
            (PERIOD, q(v["period"])),
            (READ, self._read(v["values"], 11, 12)),
            (CALLCHAIN, q(len(v["chain"]), *v["chain"])),
            (RAW, struct.pack("<I", len(v["raw"])) + v["raw"]),
            (BRANCH_STACK, q(v["branches"]) + index + q(*([5] * (3 * v["branches"])))),
            (REGS_USER, registers(self.regs_user)),
            (STACK_USER, q(len(v["stack"])) + v["stack"] + (q(len(v["stack"])) if v["stack"] else b"")),
            (WEIGHT | WEIGHT_STRUCT, q(v["weight"])),
            (DATA_SRC, q(v["source"])),
            (TRANSACTION, q(v["transaction"])),
            (REGS_INTR, registers(self.regs_intr)),
            (PHYS_ADDR, q(v["phys"])),
            (CGROUP, q(v["cgroup"])),
            (DATA_PAGE_SIZE, q(v["page"])),
            (CODE_PAGE_SIZE, q(v["code_page"])),
            (AUX, q(len(v["aux"])) + v["aux"]),
        )
        return record(9, b"".join(data for bit, data in fields if self.sample_type & bit), misc)

    def other(self, kind, body, misc=0, pid=0, tid=0, time=0, id=None, cpu=0):
        """A record that is no sample, with the trailer of sample_id_all."""
        id = self.ids[0] if id is None and self.ids else id or 0
        trailer = b""
        if self.all_ids:
            for bit, data in ((TID, struct.pack("<II", pid, tid)), (TIME, struct.pack("<Q", time)),
                              (ID, struct.pack("<Q", id)), (STREAM_ID, struct.pack("<Q", 0)),
                              (CPU, struct.pack("<II", cpu, 0)), (IDENTIFIER, struct.pack("<Q", id))):
                trailer += data if self.sample_type & bit else b""
        return record(kind, pad(body) + trailer, misc)

    def lost(self, n, **where):
        return self.other(2, struct.pack("<QQ", self.ids[0] if self.ids else 0, n), **where)

    def throttle(self, time, on=True, **where):
        return self.other(5 if on else 6, struct.pack("<QQQ", time, self.ids[0] if self.ids else 0, 0), time=time, **where)

    def comm(self, pid, tid, name, **where):
        return self.other(3, struct.pack("<II", pid, tid) + pad(name.encode() + b"\0"), pid=pid, tid=tid, **where)


ROUND = record(68, b"")


def time_conv(shift, mult, zero):
    return record(79, struct.pack("<QQQ", shift, mult, zero))


# payloads of header features
def numa(nodes):
    """nodes: list of (node, "cpu list")"""
    return struct.pack("<I", len(nodes)) + b"".join(struct.pack("<IQQ", n, 1024, 512) + text(c) for n, c in nodes)


def memory(block, nodes):
    """nodes: list of (node, set of block numbers)"""
    out = struct.pack("<QQQ", 1, block, len(nodes))
    for node, blocks in nodes:
        bits = max(blocks) + 1
        words = [0] * ((bits + 63) // 64)
        for b in blocks:
            words[b // 64] |= 1 << (b % 64)
        out += struct.pack("<QQQ", node, bits, bits) + struct.pack("<%dQ" % len(words), *words)
    return out


def pmus(names):
    return struct.pack("<I", len(names)) + b"".join(struct.pack("<I", t) + text(n) for t, n in names)


def descriptions(events):
    out = struct.pack("<II", len(events), events[0].size)
    for e in events:
        out += e.attr() + struct.pack("<I", len(e.ids)) + text(e.name) + struct.pack("<%dQ" % len(e.ids), *e.ids)
    return out


HOST, RELEASE, ARCH, CPUS, CPU_NAME, CPUID, COMMAND, EVENTS, NUMA, PMUS, MEMORY, CLOCK = 3, 4, 6, 7, 8, 9, 11, 12, 14, 16, 22, 29


def features(cpus=4):
    """What a small two-node machine says of itself."""
    return {HOST: text("fixture"), RELEASE: text("6.1.0"), ARCH: text("x86_64"), CPUS: struct.pack("<II", cpus, cpus),
            CPU_NAME: text("Some CPU @ 2.00GHz"), COMMAND: struct.pack("<I", 2) + text("perf") + text("record"),
            NUMA: numa([(0, "0-1"), (1, "2-3")]), MEMORY: memory(1 << 20, [(0, {0, 1, 2, 3}), (1, {4, 5, 7})])}


def file_mode(events, data, feature=None, close=True):
    """The whole file: header, ids, attributes, data, features."""
    size = events[0].size
    ids_at = 104
    ids = b"".join(struct.pack("<%dQ" % len(e.ids), *e.ids) for e in events)
    attrs, at = b"", ids_at
    for e in events:
        attrs += e.attr() + struct.pack("<QQ", at, 8 * len(e.ids))
        at += 8 * len(e.ids)
    attrs_at = ids_at + len(ids)
    data_at = attrs_at + len(attrs)
    feature = dict(feature or {})
    if feature:
        feature.setdefault(EVENTS, descriptions(events))
    flags, table, payload = 0, b"", b""
    where = data_at + len(data) + 16 * len(feature)
    for number in sorted(feature):
        flags |= 1 << number
        table += struct.pack("<QQ", where + len(payload), len(feature[number]))
        payload += feature[number]
    header = b"PERFILE2" + struct.pack("<QQQQQQQQQQQQ", 104, size + 16, attrs_at, len(attrs), data_at,
                                       len(data) if close else 0, 0, 0, flags if close else 0, 0, 0, 0)
    return header + ids + attrs + data + (table + payload if close else b"")


def pipe_mode(events, data, feature=None):
    out = b"PERFILE2" + struct.pack("<Q", 16)
    for e in events:
        out += record(64, e.attr() + struct.pack("<%dQ" % len(e.ids), *e.ids))
        out += record(78, struct.pack("<QQ", 2, e.ids[0]) + e.name.encode() + b"\0") if e.ids else b""
    for number in sorted(feature or {}):
        out += record(80, struct.pack("<Q", number) + feature[number])
    return out + data
