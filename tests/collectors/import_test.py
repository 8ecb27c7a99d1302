# SPDX-License-Identifier: BSD-2-Clause
"""The import of samples: perf.data written here from its specification, text of other tools, and what must be said of
them. Where perf is installed, its own reading of the same files is compared record by record."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: h5py and numpy are not installed")
    sys.exit(77)

import perfdata as p
from trace_columns import load

MIRRORBALL = os.environ["MIRRORBALL"]
FIELDS = p.IDENTIFIER | p.IP | p.TID | p.TIME | p.ADDR | p.CPU | p.PERIOD | p.DATA_SRC | p.WEIGHT_STRUCT | p.PHYS_ADDR


def event(**given):
    return p.Event(given.pop("sample_type", FIELDS), size=128, **given)


def samples(e, n, **fixed):
    """n samples of one process, four CPUs; local and remote memory in turn."""
    out = []
    for i in range(n):
        v = dict(ip=0x401000, pid=10, tid=10 + i % 2, time=1000 + 10 * i, addr=0x7F0000001010 + 4096 * (i % 5), cpu=i % 4,
                 period=1000 + i, source=p.REMOTE_DRAM if i % 3 == 0 else p.LOCAL_DRAM, weight=300 + i, phys=(1 + i % 6) << 20)
        v.update(fixed)
        out.append((v, e.sample(**v)))
    return out


class Samples(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mirrorball-import-")
        self.data = os.path.join(self.folder.name, "perf.data")
        self.out = os.path.join(self.folder.name, "out.h5")

    def tearDown(self):
        self.folder.cleanup()

    def run_import(self, content, *options, pipe=False):
        with open(self.data, "wb") as f:
            f.write(content)
        with open(self.data, "rb") as f:
            run = subprocess.run([MIRRORBALL, "import", "-" if pipe else self.data, "-o", self.out, *options],
                                 stdin=f if pipe else subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
        self.stderr = run.stderr.decode()
        return run.returncode

    def good(self, content, *options, **how):
        self.assertEqual(self.run_import(content, *options, **how), 0, self.stderr)
        return load(self.out)

    def bad(self, content, *words, **how):
        if os.path.exists(self.out):
            os.unlink(self.out)
        self.assertEqual(self.run_import(content, *how.pop("options", ()), **how), 1, self.stderr)
        self.assertFalse(os.path.exists(self.out))
        line = self.stderr.splitlines()[-1]
        for word in words:
            self.assertIn(word, line)

    def check_records(self, trace, given):
        """Records of the trace against the samples that were written."""
        given = sorted(given, key=lambda v: v["time"])
        self.assertEqual(list(trace["time"]), [v["time"] for v in given])
        self.assertEqual(list(trace["address"]), [v["addr"] & ~4095 for v in given])
        self.assertEqual(list(trace["cpu"]), [v["cpu"] for v in given])
        self.assertEqual(list(trace["tid"]), [v["tid"] for v in given])

    def test_file_mode(self):
        e = event()
        given = samples(e, 24)
        data = e.comm(10, 10, "program", time=500) + b"".join(r for _, r in given) + p.ROUND
        trace = self.good(p.file_mode([e], data, p.features()))
        self.check_records(trace, [v for v, _ in given])
        self.assertEqual(list(trace["latency"]), [v["weight"] // 2 for v, _ in given], "cycles at 2 GHz")
        # blocks of 1 MiB: 0-3 on node 0, 4, 5 and 7 on node 1, 6 on none; a page's last node counts
        node = {}
        for v, _ in given:
            block = v["phys"] >> 20
            node[v["addr"] >> 12] = 0 if block < 4 else 1 if block in (4, 5, 7) else node.get(v["addr"] >> 12, 255)
        self.assertEqual(list(trace["node"]), [node[v["addr"] >> 12] for v, _ in given])
        attrs = trace["attrs"]
        self.assertEqual((attrs["cpus"], attrs["nodes"], attrs["period"]), (4, 2, 1000))
        self.assertEqual(list(attrs["cpu_node"]), [0, 0, 1, 1])
        self.assertEqual(attrs["event"], "cpu/mem-loads,ldlat=30/P")
        self.assertIn("fixture", attrs["host"])
        self.assertEqual(attrs["command"], "perf record")
        self.assertEqual(attrs["labels"], "writes-under-seen")
        self.assertNotIn("weight", trace, "the period of a load event counts loads, not misses")
        levels = {r["level"].decode(): (r["reads"], r["writes"], r["taken"]) for r in trace["collect"]["levels"]}
        self.assertEqual(levels, {"local-dram": (16, 0, 16), "remote-dram": (8, 0, 8)})

    def test_pipe_mode(self):
        e = event()
        given = samples(e, 10)
        content = p.pipe_mode([e], b"".join(r for _, r in given), p.features())
        for pipe in (False, True):
            trace = self.good(content, pipe=pipe)
            self.check_records(trace, [v for v, _ in given])
            self.assertEqual(trace["attrs"]["event"], e.name)
            self.assertEqual(trace["attrs"]["nodes"], 2)

    def test_file_mode_needs_a_name(self):
        self.bad(p.file_mode([event()], b"", p.features()), "standard input", "name the file", pipe=True)

    def test_several_events(self):
        loads, faults = event(ids=(5, 6)), event(ids=(7,), type=1, config=2, period=1, name="page-faults")
        given = [({**v, "source": s}, e.sample(**{**v, "source": s}, id=i)) for k, (v, _) in enumerate(samples(loads, 12))
                 for e, i, s in [((loads, 6, p.LOCAL_DRAM), (faults, 7, p.NOT_KNOWN))[k % 2]]]
        content = p.file_mode([loads, faults], b"".join(r for _, r in given), p.features())
        trace = self.good(content)
        self.check_records(trace, [v for v, _ in given])
        self.assertEqual(trace["attrs"]["labels"], "writes-under-seen,page-touch")
        trace = self.good(content, "--event", "faults")
        self.check_records(trace, [v for v, _ in given[1::2]])
        self.assertEqual(trace["attrs"]["event"], "page-faults")

    def test_a_sample_of_nobody(self):
        a, b = event(ids=(5,)), event(ids=(6,), name="other")
        data = samples(a, 1)[0][1] + a.sample(id=99, addr=0x1000, source=p.LOCAL_DRAM)
        self.good(p.file_mode([a, b], data, p.features()))
        self.assertIn("passed over: 1 sample of events that the file does not describe", self.stderr)

    def test_what_counts(self):
        e = event()
        kinds = [(p.L1_HIT, 0x1000), (p.L3_HIT, 0x2000), (p.LOCAL_DRAM, 0x3000), (p.NOT_KNOWN, 0x4000), (p.LOCAL_DRAM, 0),
                 (p.STORE_L1_MISS, 0x5000), (p.REMOTE_DRAM, 0x6000)]
        data = b"".join(e.sample(time=10 + i, addr=a, source=s, pid=1, tid=1) for i, (s, a) in enumerate(kinds))
        content = p.file_mode([e], data, p.features())
        trace = self.good(content)
        self.assertEqual(list(trace["address"]), [0x3000, 0x6000])
        self.assertIn("7 samples: 2 taken, 1 without an address, 4 of other levels", self.stderr)
        trace = self.good(content, "--levels", "l3,l1-miss")
        self.assertEqual(list(trace["address"]), [0x2000, 0x5000])
        self.assertEqual(list(trace["flags"] & 3), [0, 1])
        trace = self.good(content, "--levels", "all")
        self.assertEqual(len(trace["time"]), 6)
        self.assertIn("all-accesses", trace["attrs"]["labels"])
        self.assertEqual(self.run_import(content, "--levels", "l9"), 2)
        nothing = p.file_mode([e], e.sample(time=1, addr=0x1000, source=p.L1_HIT), p.features())
        self.bad(nothing, "no sample is a miss", "--levels all")

    def test_weights(self):
        """The period becomes the weight only where it counts misses."""
        misses = event(config=0x20D1, config1=0, name="mem_load_retired.l3_miss", freq=True, period=4000)
        given = samples(misses, 6)
        trace = self.good(p.file_mode([misses], b"".join(r for _, r in given), p.features()))
        self.assertEqual(list(trace["weight"]), [v["period"] for v, _ in given])
        self.assertIn("weight: the sample's period", trace["attrs"]["note"])

    def test_ibs(self):
        """Kernels before 6.1 give registers only; the PMU's name tells that they are IBS."""
        e = event(sample_type=p.IP | p.TID | p.TIME | p.CPU | p.RAW | p.IDENTIFIER, type=11, config=1 << 19, name="")

        def raw(data2, data3):
            return struct.pack("<I7Q", 0, 0, 0x401000, 0, data2, data3, 0x7F0000001008, 0x200008)

        load, valid, missed = 1, 3 << 17, 1 << 7 | 1 << 20
        kinds = [(3, load | missed | valid), (0, load | valid), (3 | 1 << 4, load | missed | valid), (3, missed | valid)]
        data = b"".join(e.sample(time=10 + i, pid=1, tid=1, raw=raw(a, b)) for i, (a, b) in enumerate(kinds))
        trace = self.good(p.pipe_mode([e], data, {**p.features(), p.PMUS: p.pmus([(4, "cpu"), (11, "ibs_op")])}))
        self.assertEqual(list(trace["time"]), [10, 12])
        self.assertIn("ibs_op/config=0x80000", trace["attrs"]["event"])

    def test_fault_tracepoint(self):
        e = event(sample_type=p.IP | p.TID | p.TIME | p.CPU | p.RAW | p.IDENTIFIER, type=2, config=115, period=1,
                  name="exceptions:page_fault_user")
        codes = [4, 6, 7, 0x14]
        data = b"".join(e.sample(time=10 + i, pid=1, tid=1, raw=struct.pack("<Q3QI", 0, 0x7F0000000000 + 4096 * i, 0x401000, c, 0))
                        for i, c in enumerate(codes))
        trace = self.good(p.pipe_mode([e], data, p.features()))
        self.assertEqual(list(trace["flags"] & 3), [0, 1, 1, 2])
        self.assertEqual(trace["attrs"]["labels"], "page-touch")

    def test_order(self):
        """Rings of four CPUs, each in order; rounds bound what may still come."""
        e = event()
        given, data = [], b""
        for turn in range(3):
            for cpu in (2, 0, 3, 1):
                for k in range(5):
                    v = dict(time=1000 * turn + 10 * k + cpu, addr=0x1000 * (1 + len(given)), cpu=cpu, pid=1, tid=1, source=p.LOCAL_DRAM)
                    given.append(v)
                    data += e.sample(**v)
            data += p.ROUND
        for content in (data, data.replace(p.ROUND, b"")):
            self.check_records(self.good(p.file_mode([e], content, p.features())), given)

    def test_gaps(self):
        e = event()
        s = [r for _, r in samples(e, 4)]
        data = (s[0] + s[1] + e.lost(7, time=1015, cpu=1) + e.throttle(1016, cpu=2) + s[2] + e.throttle(1025, on=False, cpu=2)
                + s[3] + e.throttle(1028, cpu=3) + e.other(13, struct.pack("<Q", 3), time=1029, cpu=0)
                + e.other(13, struct.pack("<Q", 5), misc=1 << 15, time=1030, cpu=0))
        trace = self.good(p.file_mode([e], data, p.features()))
        gaps = sorted((int(g["cause"]), int(g["from"]), int(g["to"]), int(g["cpu"]), int(g["lost"])) for g in trace["collect"]["gaps"])
        self.assertEqual(gaps, [(0, 1010, 1015, 1, 7), (1, 1016, 1025, 2, 0), (1, 1028, 1030, 3, 0), (2, 1000, 1029, 0, 3), (3, 1029, 1030, 0, 5)])
        self.assertEqual(trace["attrs"]["lost"], 10, "what a filter drops on purpose is not lost")
        self.assertIn("10 records lost", self.stderr)
        info = subprocess.run([MIRRORBALL, "info", "--format", "json", self.out], capture_output=True, check=True)
        told = json.loads(info.stdout)["gaps"]
        self.assertEqual(told["throttled"], {"intervals": 2, "ns": 11, "records_lost": 0})
        trace = self.good(p.file_mode([e], data, p.features()), "--rebase")
        self.assertEqual(int(trace["time"][0]), 0)
        self.assertEqual(int(trace["collect"]["gaps"][0]["to"]), 15)

    def test_own_notes(self):
        """What our recorder adds: steps, counters, records that the kernel counted as lost."""
        e = event()

        def note(kind, body):
            return p.record(78, struct.pack("<QQ", 0x6D626C6C00000000 | kind, 1) + body)

        series = struct.pack("<Ii64s16s", 0, -1, b"instructions", b"1")
        data = (note(1, b"precise_ip 3 refused (EINVAL): 2\0") + note(2, b"pebs\0") + note(3, series)
                + note(4, struct.pack("<QdII", 1500, 2.5, 0, 0)) + note(4, struct.pack("<QdII", 1600, 9.0, 4, 0))
                + b"".join(r for _, r in samples(e, 3)) + e.lost(4, time=2000, cpu=0) + note(5, struct.pack("<Q", 9)))
        trace = self.good(p.pipe_mode([e], data, p.features()))
        self.assertEqual(trace["attrs"]["source"], "pebs")
        self.assertEqual(trace["attrs"]["lost"], 9)
        self.assertEqual(trace["collect"]["steps"]["text"][0].decode(), "precise_ip 3 refused (EINVAL): 2")
        self.assertEqual(trace["collect"]["counters"]["name"][0].decode(), "instructions")
        self.assertEqual([(int(v["time"]), float(v["value"])) for v in trace["collect"]["values"]], [(1500, 2.5)])
        again = os.path.join(self.folder.name, "again.h5")
        subprocess.run([MIRRORBALL, "import", self.out, "-o", again, "-q"], check=True)
        self.assertEqual(load(again)["collect"]["steps"]["text"][0], trace["collect"]["steps"]["text"][0])

    def test_hostile_side_tables(self):
        """What /collect may hold: anything that fits its types; a reading of no counter is damage."""
        e = event()
        self.good(p.file_mode([e], samples(e, 2)[0][1], p.features()))
        with h5py.File(self.out, "a") as f:
            f["collect/counters"] = np.array([(b"x" * 64, b"\x01\x02", -1)], dtype=[("name", "S64"), ("unit", "S16"), ("cpu", "<i4")])
            f["collect/values"] = np.array([(1, 0, 2.0), (2, 0, float("nan"))], dtype=[("time", "<u8"), ("series", "<u4"), ("value", "<f8")])
            f["collect/gaps"] = np.array([(9, 3, 77, 99, 5)], dtype=[(n, "<u8") for n in ("from", "to", "cpu", "cause", "lost")])
        for form in ("table", "json"):
            info = subprocess.run([MIRRORBALL, "info", "--format", form, self.out], capture_output=True, check=False)
            self.assertEqual(info.returncode, 0, info.stderr)
            self.assertIn(b"unknown", info.stdout)
            self.assertNotIn(b"\x01", info.stdout)
        for name, rows in (("values", np.array([(1, 1, 2.0)], dtype=[("time", "<u8"), ("series", "<u4"), ("value", "<f8")])),
                           ("gaps", np.array([1, 2])), ("levels", np.array([(1, 2)], dtype=[("level", "<u8"), ("reads", "<u8")]))):
            hurt = os.path.join(self.folder.name, name + ".h5")
            shutil.copy(self.out, hurt)
            with h5py.File(hurt, "a") as f:
                del f["collect"][name]
                f["collect"][name] = rows
            info = subprocess.run([MIRRORBALL, "info", hurt], capture_output=True, check=False)
            self.assertEqual(info.returncode, 1, name)
            self.assertIn(b"/collect/" + name.encode(), info.stderr)

    def test_processes(self):
        e = event()
        addr = 0x7F0000001000
        data = b"".join(e.sample(time=10 + i, pid=pid, tid=pid, addr=addr if i < 4 else 0xFFFF888000001000, source=p.LOCAL_DRAM, phys=0x300000)
                        for i, pid in enumerate((100, 200, 100, 300, 200)))
        content = p.file_mode([e], data, p.features())
        trace = self.good(content)
        self.assertEqual([int(a) for a in trace["address"]], [addr, addr | 1 << 48, addr, addr | 2 << 48, 0xFFFF888000001000])
        self.assertEqual(list(trace["flags"] >> 5), [0, 0, 0, 0, 1])
        trace = self.good(content, "--physical")
        self.assertEqual(set(trace["address"]), {0x300000})

    def test_threads_for_cpus(self):
        """perf mem record of one thread leaves the CPU out; the index of ids may know it."""
        e = event(sample_type=FIELDS & ~p.CPU, ids=(3, 4))
        data = b"".join(e.sample(time=10 + i, id=3 + i % 2, pid=1, tid=50 + i % 2, addr=0x1000, source=p.LOCAL_DRAM) for i in range(4))
        trace = self.good(p.file_mode([e], data, p.features()))
        self.assertEqual(list(trace["cpu"]), [0, 1, 0, 1])
        self.assertIn("each thread stands for one", trace["attrs"]["note"])
        index = p.record(69, struct.pack("<Q", 2) + struct.pack("<QQqq", 3, 0, 2, -1) + struct.pack("<QQqq", 4, 1, 3, -1))
        trace = self.good(p.file_mode([e], index + data, p.features()))
        self.assertEqual(list(trace["cpu"]), [2, 3, 2, 3])

    def test_more_threads_than_cpus(self):
        """Where some samples name their CPU, the threads of the others share the machine's CPUs."""
        known, other = event(ids=(3,)), event(sample_type=FIELDS & ~p.CPU, ids=(4,))
        data = known.sample(time=5, pid=1, tid=40, cpu=3, addr=0x1000, source=p.LOCAL_DRAM) + p.ROUND + known.sample(
            time=6, pid=1, tid=40, cpu=4, addr=0x1000, source=p.LOCAL_DRAM)
        data += b"".join(other.sample(time=10 + i, pid=1, tid=50 + i, addr=0x1000, source=p.LOCAL_DRAM) for i in range(6))
        trace = self.good(p.file_mode([known, other], data, p.features(4)))
        self.assertEqual(list(trace["cpu"]), [3, 0, 1, 2, 3, 0, 1], "CPU 4 is none of the machine's four")
        self.assertIn("6 threads stand for 4 in turn", trace["attrs"]["note"])

    def compressed(self, data, pieces, kind):
        """The records as slices of one zstd stream, cut anywhere."""
        run = subprocess.run(["zstd", "-q", "-c", "-"], input=data, capture_output=True, check=True)
        out, stream, step = b"", run.stdout, -(-len(run.stdout) // pieces)
        for at in range(0, len(stream), step):
            slice_ = stream[at:at + step]
            out += p.record(83, struct.pack("<Q", len(slice_)) + slice_) if kind == 83 else struct.pack("<IHH", 81, 0, len(slice_) + 8) + slice_
        return out

    @unittest.skipUnless(shutil.which("zstd"), "zstd is not installed")
    def test_compressed(self):
        e = event()
        given = samples(e, 3000)
        data = b"".join(r for _, r in given)
        for kind in (81, 83):
            for pieces in (1, 7, 100):
                packed = self.compressed(data, pieces, kind)
                trace = self.good(p.file_mode([e], packed + p.ROUND, p.features()))
                self.check_records(trace, [v for v, _ in given])
        broken = bytearray(packed)
        broken[len(broken) // 2] ^= 0x55
        self.run_import(p.file_mode([e], bytes(broken), p.features()))
        self.assertNotIn("rror:", self.stderr.lower().replace("mirrorball", ""))

    def test_spe(self):
        """AUX bytes of Arm's SPE behind their record, over two records."""
        e = event(sample_type=p.IP | p.TID | p.TIME | p.CPU | p.ADDR | p.IDENTIFIER, type=9, name="")

        def load_at(va, source, when):
            return (b"\xb0" + struct.pack("<Q", 0x401000) + b"\x49\x00\x52\x0e\x00" + b"\xb2" + struct.pack("<Q", va) + b"\x98"
                    + struct.pack("<H", 300) + b"\x43" + bytes([source]) + b"\x71" + struct.pack("<Q", when))

        def area(cpu, payload):
            return p.record(71, struct.pack("<QQQIIII", len(payload), 0, 0, cpu, 5, cpu, 0)) + payload

        start = e.other(12, struct.pack("<II", 33, 33), time=1, cpu=1)
        data = (p.time_conv(0, 10, 5) + start + area(1, load_at(0x1000, 14, 100) + b"\0" * 3 + load_at(0x2000, 0, 101) + load_at(0x3000, 13, 102))
                + area(2, load_at(0x4000, 14, 101)) + p.ROUND)
        extra = {**p.features(), p.PMUS: p.pmus([(9, "arm_spe_0")]), p.CPUID: p.text("0x00000000410fd0c0"), p.ARCH: p.text("aarch64")}
        trace = self.good(p.pipe_mode([e], data, extra))
        self.assertEqual([int(t) for t in trace["time"]], [1005, 1015, 1025])
        self.assertEqual([int(a) & 0xFFFF for a in trace["address"]], [0x1000, 0x4000, 0x3000])
        self.assertEqual(list(trace["cpu"]), [1, 2, 1])
        whole = self.good(p.file_mode([e], data, extra))
        self.assertEqual(list(whole["time"]), list(trace["time"]))

    def test_spe_record_over_two_pieces(self):
        """A piece of an AUX area may end anywhere; the next one of that area goes on, if nothing is missing between."""
        e = event(sample_type=p.IP | p.TID | p.TIME | p.CPU | p.ADDR | p.IDENTIFIER, type=9, name="")

        def load_at(va, when):
            return (b"\xb0" + struct.pack("<Q", 0x401000) + b"\x49\x00\xb2" + struct.pack("<Q", va) + b"\x43\x0e\x71" + struct.pack("<Q", when))

        def piece(area, payload, position):
            return p.record(71, struct.pack("<QQQIIII", len(payload), position, 0, area, 5, area, 0)) + payload

        first = b"".join(load_at(0x1000 * i, 100 + i) for i in range(1, 6))
        other = b"".join(load_at(0x1000 * i, 200 + i) for i in range(8, 10))
        extra = {**p.features(), p.PMUS: p.pmus([(9, "arm_spe_0")]), p.CPUID: p.text("0x00000000410fd0c0"), p.ARCH: p.text("aarch64")}

        def pages(*pieces):
            trace = self.good(p.pipe_mode([e], p.time_conv(0, 10, 5) + b"".join(pieces) + p.ROUND, extra))
            return [int(a) >> 12 & 15 for a in trace["address"]]

        for cut in range(1, len(first)):
            if cut % 7 and cut not in (28, 29, 30, 57, 58, 59, 60):
                continue
            got = pages(piece(1, first[:cut], 640), piece(2, other, 0), piece(1, first[cut:], 640 + cut))
            self.assertEqual(got, [1, 2, 3, 4, 5, 8, 9], cut)
            self.assertNotIn("contradict", self.stderr)
        small = [piece(1, first[i : i + 9], i) for i in range(0, len(first), 9)]
        self.assertEqual(pages(*small), [1, 2, 3, 4, 5], "a record over several pieces")
        padded = first + b"\0" * 5000
        self.assertEqual(pages(piece(1, padded, 0), piece(1, padded, len(padded))), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
        self.assertNotIn("contradict", self.stderr, "padding is nobody's beginning")
        cut = 2 * len(load_at(0, 0)) + 12
        got = pages(piece(1, first[:cut], 0), piece(1, first[cut + 8 :], cut + 8))
        self.assertEqual(got, [1, 2, 4, 5], "bytes are missing")
        self.assertIn("contradict", self.stderr)

    def test_tracing_data_is_passed_over(self):
        e = event()
        given = samples(e, 3)
        odd = p.record(66, struct.pack("<I", 13)) + b"x" * 16
        self.check_records(self.good(p.pipe_mode([e], odd + b"".join(r for _, r in given), p.features())), [v for v, _ in given])

    def test_unclosed(self):
        e = event()
        given = samples(e, 5)
        data = b"".join(r for _, r in given)
        trace = self.good(p.file_mode([e], data + given[0][1][:20], p.features(), close=False))
        self.check_records(trace, [v for v, _ in given])
        self.assertIn("never closed", self.stderr)
        self.assertIn("cut short", self.stderr)

    def test_cut(self):
        """What is whole counts, and it is said; at every byte: perfdata_test.c."""
        e = event()
        given = samples(e, 4)
        data, one = b"".join(r for _, r in given), len(given[0][1])
        for content in (p.file_mode([e], data, p.features()), p.pipe_mode([e], data, p.features())):
            head = content.index(data)
            trace = self.good(content[:head + 2 * one + 9])
            self.check_records(trace, [v for v, _ in given[:2]])
            self.assertIn("cut short", self.stderr)
            self.bad(content[:head + 9], "no sample came")
            self.bad(content[:12], options=("--from", "perf"))

    def test_hostile_headers(self):
        e = event()
        data = b"".join(r for _, r in samples(e, 2))
        content = p.file_mode([e], data, p.features())
        for at, value, words in ((16, 8, "attribute"), (16, 1 << 40, "attribute"), (24, 1 << 60, "attributes"),
                                 (32, 1 << 50, "attributes"), (8, 200, "104"), (40, 1 << 62, "")):
            hurt = content[:at] + struct.pack("<Q", value) + content[at + 8:]
            self.assertEqual(self.run_import(hurt), 1, f"{at}: {self.stderr}")
            self.assertIn(words, self.stderr)
        self.bad(b"2ELIFREP" + content[8:], "other byte order")
        self.bad(b"PERFFILE" + content[8:], "first version")
        zero = content.replace(data, data[:len(data) // 2] + struct.pack("<IHH", 9, 2, 0) + data[len(data) // 2 + 8:])
        self.assertEqual(self.run_import(zero), 0)
        self.assertIn("not read to its end", self.stderr)

    def test_ids_claimed_again_and_again(self):
        """4096 events with the same long list of ids: refused at once, not read 4096 times."""
        events, ids = 4096, 1 << 20
        attr = struct.pack("<II", 1, 64) + bytes(56)
        at = 104 + events * 80
        header = b"PERFILE2" + struct.pack("<8Q", 104, 80, 104, events * 80, at + 8 * ids, 8, 0, 0) + bytes(32)
        rows = (attr + struct.pack("<QQ", at, 8 * ids)) * events
        began = time.monotonic()
        self.bad(header + rows + struct.pack(f"<{ids}Q", *range(1, ids + 1)) + bytes(8), "ids", "damaged")
        self.assertLess(time.monotonic() - began, 20)

    def perf_script(self, fields):
        run = subprocess.run(["perf", "script", "--ns", "-i", self.data, "-F", fields], capture_output=True, check=False, text=True)
        return run.stdout.splitlines() if run.returncode == 0 else None

    @unittest.skipUnless(shutil.which("perf"), "perf is not installed")
    def test_agrees_with_perf(self):
        """Each record as perf reads it, and perf's text imported gives the same trace."""
        e = event()
        data = e.comm(10, 10, "a b [1] c", time=500) + b"".join(r for _, r in samples(e, 60)) + p.ROUND
        for content in (p.file_mode([e], data, p.features()), p.pipe_mode([e], data, p.features())):
            trace = self.good(content)
            lines = self.perf_script("comm,pid,tid,cpu,time,event,addr,data_src,weight,phys_addr")
            if lines is None:
                self.skipTest("perf does not read the file here")
            self.assertEqual(len(lines), len(trace["time"]))
            for i, line in enumerate(lines):
                m = re.search(r"(\d+)/(\d+)\s+\[(\d+)\]\s+(\d+)\.(\d{9}):\s+\S+:\s+([0-9a-f]+)\s+([0-9a-f]+) \|", line)
                self.assertEqual((int(m[2]), int(m[3]), int(m[4]) * 10**9 + int(m[5]), int(m[6], 16) & ~4095),
                                 (trace["tid"][i], trace["cpu"][i], trace["time"][i], trace["address"][i]))
            text = self.good("\n".join(lines).encode() + b"\n", "--cpu-mhz", "2000", "--from", "script")
            for column in ("time", "cpu", "address", "tid", "flags", "latency"):
                self.assertEqual(list(text[column]), list(trace[column]), column)

    def test_recording_of_a_real_machine(self):
        """Only where the file is there: 12,932 records of perf on two sockets of Skylake, 14 of them samples."""
        real = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/data/perf.data.weight_struct")
        if not os.path.exists(real):
            self.skipTest("the recording is not here")
        with open(real, "rb") as f:
            trace = self.good(f.read(), "--levels", "all")
        self.assertEqual(len(trace["time"]), 14)
        self.assertEqual(int(trace["time"][0]), 13166196585610)
        levels = {r["level"].decode(): int(r["reads"]) for r in trace["collect"]["levels"]}
        self.assertEqual(levels, {"l1": 4, "l2": 1, "l3": 4, "lfb": 5})

    def test_script_text(self):
        line = " my prog 10/12    [003]  5.000000100: %s:  7f0000001010 %16x |OP LOAD|LVL RAM hit|LCK No  345  123000\n"
        content = "# a comment\n" + line % ("ev", p.LOCAL_DRAM) + line % ("ev", p.L1_HIT)
        trace = self.good(content.encode())
        self.assertEqual((int(trace["time"][0]), int(trace["cpu"][0]), int(trace["tid"][0])), (5000000100, 3, 12))
        self.assertEqual(int(trace["address"][0]), 0x7F0000001000)
        self.assertEqual(trace["attrs"]["event"], "ev")
        self.assertEqual(trace["attrs"]["source"], "perf script")
        trace = self.good(content.encode(), "--physical")
        self.assertEqual(int(trace["address"][0]), 0x123000)
        for hurt, word in (("12    [003]", "expected COMM"), ("5.000000100:", "time"), ("ev:", "event"), ("7f0000001010", "address")):
            self.bad((line % ("ev", p.LOCAL_DRAM)).replace(hurt, "?").encode(), word, options=("--from", "script"))

    def test_mitos(self):
        head = "source,line,ip,variable,pid,tid,time,addr,cpu,latency,data_src\n"
        rows = "a.c,1,5,??,7,8,1000,4096,2,50,2\nb.c,2,5,??,7,8,1010,8192,3,400,2\nb.c,2,5,??,7,8,1005,12288,3,300,2\n"
        trace = self.good((head + rows).encode(), "--miss-latency", "300")
        self.assertEqual(list(trace["time"]), [1005, 1010])
        self.assertEqual(list(trace["address"]), [12288, 8192])
        self.bad((head + rows).encode(), "no sample is a miss")
        self.bad((head + "a.c,1,5,??,7,8,1000,4096,2,50\n").encode(), ":2:", "as many cells")
        self.bad((head + rows.replace("4096", "4x96")).encode(), ":2:", "number")


unittest.main()
