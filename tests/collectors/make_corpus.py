# SPDX-License-Identifier: BSD-2-Clause
"""Makes the seeds of the fuzz targets: small files of every kind that the readers know. usage: make_corpus.py"""

import os
import struct
import subprocess

import perfdata as p

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
FIELDS = p.IDENTIFIER | p.IP | p.TID | p.TIME | p.ADDR | p.CPU | p.PERIOD | p.DATA_SRC | p.WEIGHT_STRUCT | p.PHYS_ADDR


def keep(target, name, content):
    os.makedirs(os.path.join(HERE, target), exist_ok=True)
    with open(os.path.join(HERE, target, name), "wb") as f:
        f.write(content)


def spe(va, source, when):
    return (b"\xb0" + struct.pack("<Q", 0x401000) + b"\x65\x39\x30\0\0\x49\0\x52\x0e\0" + b"\xb2" + struct.pack("<Q", va) + b"\x98"
            + struct.pack("<H", 300) + b"\x43" + bytes([source]) + b"\x71" + struct.pack("<Q", when))


def main():
    e = p.Event(FIELDS, size=128)
    everything = p.Event((1 << 25) - 1 & ~p.WEIGHT, ids=(2,), read_format=31, branch=1 << 17, regs_user=3, regs_intr=5)
    one = [e.sample(time=10 + i, addr=0x1000 * (1 + i % 2), pid=1, tid=1, cpu=i, source=p.LOCAL_DRAM, phys=i << 20) for i in range(3)]
    others = (e.comm(1, 1, "x", time=5) + e.lost(3, time=12) + e.throttle(13) + e.throttle(14, on=False) + p.ROUND
              + p.record(69, struct.pack("<QQQqq", 1, 1, 0, 2, 3)) + p.time_conv(1, 2, 3))
    keep("perfdata", "file", p.file_mode([e], b"".join(one) + others, p.features()))
    keep("perfdata", "pipe", p.pipe_mode([e], others + b"".join(one), p.features()))
    keep("perfdata", "everything", p.pipe_mode([everything], everything.sample(addr=0x1000, time=1, chain=(1, 2), branches=1, regs=3,
                                                                              stack=b"12345678", source=p.LOCAL_DRAM, values=[(1, 2, 3)])))
    packed = subprocess.run(["zstd", "-q", "-c", "-"], input=b"".join(one), capture_output=True, check=True).stdout
    keep("perfdata", "packed", p.pipe_mode([e], p.record(83, struct.pack("<Q", len(packed)) + packed)))
    s = p.Event(p.IP | p.TID | p.TIME | p.CPU | p.IDENTIFIER, type=9, name="", size=128)
    area = spe(0x1000, 14, 100) + spe(0x2000, 13, 101)
    keep("perfdata", "spe", p.pipe_mode([s], p.time_conv(0, 1, 0) + p.record(71, struct.pack("<QQQIIII", len(area), 0, 0, 0, 5, 0, 0)) + area,
                                        {p.PMUS: p.pmus([(9, "arm_spe_0")]), p.CPUID: p.text("0x410fd0c0")}))
    keep("spe", "loads", area + b"\0\0" + spe(0x3000, 9, 102))
    keep("samples", "view", b"\0<--record#-> <--instr#->: <---tid--->\n 1 0: 7 <marker: timestamp 13319413770947383>\n 2 0: 7 <marker: tid 7 on core 1>\n"
         b" 3 1: 7 read 8 byte(s) @ 0x1000 by PC 0x2\n 4: T7 write 8 byte(s) @ 0x2000 by PC 0x2\n")
    keep("samples", "script", b"\1x 1/2 [003] 5.000001: 7 ev: 1000 1a00201042 |OP LOAD|LCK No 5 3000\n x 1 [3] 6.1: ev: 0\n")
    keep("samples", "mitos", b"\2time,addr,cpu,pid,tid,latency,data_src,x\n1,4096,2,3,4,5,2,?\n0,8192,2,3,4,5,2,?\n")
    entry = struct.Struct("<HHQ").pack
    us = 11644473600 * 1000000
    keep("samples", "drmemtrace", b"\3" + entry(25, 0, 5) + entry(28, 12, 5) + entry(28, 9, 64) + entry(22, 0, 7) + entry(24, 0, 8)
         + entry(28, 2, us + 1) + entry(28, 3, 1) + entry(47, 3, 9) + entry(10, 3, 0x401000) + entry(0, 8, 0x5000)
         + entry(17, 2, 0x0304) + entry(22, 0, 9) + entry(1, 8, 0x6000) + entry(23, 0, 7) + entry(26, 0, 0))


main()
