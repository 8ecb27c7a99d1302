# SPDX-License-Identifier: BSD-2-Clause
"""DynamoRIO's drmemtrace: files written here from the published layout of its entries (drmemtrace/trace_entry.h), and
what the trace must hold, reckoned here."""

import gzip
import io
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: h5py and numpy are not installed")
    sys.exit(77)

from trace_columns import load

MIRRORBALL = os.environ["MIRRORBALL"]
READ, WRITE, FETCH = 0, 1, 2  # of the trace
US = 11644473600 * 1000000  # 1970, in microseconds since 1601
PREFETCH, INSTR, JUMP, BUNDLE, FLUSH, THREAD, EXIT, PID, HEADER, FOOTER, MARKER = 3, 10, 13, 17, 20, 22, 23, 24, 25, 26, 28
NO_FETCH, SYSENTER, WRITE_NT, ENCODING, TAKEN, UNTAKEN = 29, 31, 46, 47, 48, 49
TIMESTAMP, CPU, FILETYPE, LINE, VERSION, PAGE, CHUNK_COUNT, CHUNK_END = 2, 3, 9, 10, 12, 18, 20, 21


def entry(kind, size, value):
    return struct.pack("<HHQ", kind, size, value)


def marker(kind, value):
    return entry(MARKER, kind, value)


def head(tid, pid=100, filetype=0x240):
    return [entry(HEADER, 0, 5), marker(VERSION, 5), marker(FILETYPE, filetype), entry(THREAD, 0, tid), entry(PID, 0, pid),
            marker(LINE, 64), marker(PAGE, 4096), marker(CHUNK_COUNT, 10)]


def tail(tid):
    return [entry(EXIT, 0, tid), entry(FOOTER, 0, 0)]


class Drmemtrace(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mirrorball-drmemtrace-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.out = os.path.join(self.folder, "out.h5")

    def keep(self, name, entries):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(entries if isinstance(entries, bytes) else b"".join(entries))
        return path

    def run_import(self, path, *options):
        return subprocess.run([MIRRORBALL, "import", path, "-o", self.out, *options], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, check=False, timeout=120)

    def good(self, path, *options):
        done = self.run_import(path, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.stderr = done.stderr
        return load(self.out)

    def bad(self, path, *words):
        done = self.run_import(path)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertFalse(os.path.exists(self.out))
        for word in words:
            self.assertIn(word, done.stderr.splitlines()[-1])

    def rows(self, trace):
        """(time, kind, page, tid, cpu) of each record."""
        return [tuple(int(v) for v in row) for row in zip(trace["time"], trace["flags"] & 3, trace["address"], trace["tid"], trace["cpu"])]

    # Every kind of entry: what becomes a record, what is passed over.
    BODY = [marker(TIMESTAMP, US + 7), marker(CPU, 3 << 12 | 5),
            entry(ENCODING, 3, 0x123456), entry(INSTR, 3, 0x401000), entry(0, 8, 0x7F0000001010),
            entry(INSTR, 4, 0x402FFC), entry(BUNDLE, 3, 0x020304), entry(1, 4, 0x7F0000002020),
            entry(JUMP, 2, 0x405000), entry(TAKEN, 2, 0x406000), entry(UNTAKEN, 2, 0x407000), entry(SYSENTER, 2, 0x408000),
            entry(PREFETCH, 1, 0x7F0000003000), entry(WRITE_NT, 1, 0x7F0000004000), entry(FLUSH, 64, 0x7F0000005000),
            entry(NO_FETCH, 3, 0x401000), entry(1, 8, 0x7F0000001010), marker(4, 77), marker(60, 1),
            marker(TIMESTAMP, US + 6), entry(0, 8, 0x7F0000002020), marker(TIMESTAMP, US + 9), entry(0, 8, 0x7F0000002020)]

    def expected(self):
        pages = [(FETCH, 0x401000), (READ, 0x7F0000001000), (FETCH, 0x402000), (FETCH, 0x403000), (FETCH, 0x403000),
                 (FETCH, 0x403000), (WRITE, 0x7F0000002000), (FETCH, 0x405000), (FETCH, 0x406000), (FETCH, 0x407000),
                 (FETCH, 0x408000), (READ, 0x7F0000003000), (READ, 0x7F0000004000), (WRITE, 0x7F0000001000), (READ, 0x7F0000002000)]
        rows = [(7000 + 1 + i, kind, page, 41, 5) for i, (kind, page) in enumerate(pages)]
        return rows + [(9001, READ, 0x7F0000002000, 41, 5)]

    def test_every_entry(self):
        trace = self.good(self.keep("a.trace", head(41) + self.BODY + tail(41)))
        self.assertEqual(self.rows(trace), self.expected())
        self.assertEqual(trace["attrs"]["labels"], "all-accesses")
        self.assertEqual(trace["attrs"]["source"], "drmemtrace")
        self.assertEqual(trace["attrs"]["event"], "every access")
        self.assertNotIn("cut short", self.stderr)

    def test_packed(self):
        entries = head(41) + self.BODY + tail(41)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("chunk.0000", b"".join(entries[:15]) + marker(CHUNK_END, 0))
            z.writestr("chunk.0001", b"".join(entries[15:]))
        for name, data in (("a.trace.gz", gzip.compress(b"".join(entries))), ("a.trace.zip", archive.getvalue())):
            trace = self.good(self.keep(name, data))
            self.assertEqual(self.rows(trace), self.expected(), name)
            os.unlink(self.out)

    def thread(self, tid, times, page, pid=100, cpu=1):
        """A read of a page of its own after each mark of time, and one more."""
        entries = head(tid, pid)
        for when in times:
            entries += [marker(TIMESTAMP, US + when), marker(CPU, cpu), entry(INSTR, 4, 0x401000), entry(0, 8, page)]
        return entries + tail(tid)

    def test_folder(self):
        times = {11: (1, 40, 50), 12: (2, 30, 60), 13: (20, 45, 55)}
        for tid, when in times.items():
            self.keep(f"r.dir/trace/drmemtrace.app.{tid}.1.trace", self.thread(tid, when, 0x7F0000000000 + tid * 4096, cpu=tid - 11))
        self.keep("r.dir/trace/serial_schedule.bin.gz", b"not a trace")
        self.keep("r.dir/trace/cpu_schedule.bin.zip", b"not a trace")
        self.keep("r.dir/raw/drmemtrace.app.11.1.raw.lz4", b"raw")
        expected = sorted(row for tid, when in times.items() for t in when
                          for row in ((t * 1000 + 1, FETCH, 0x401000, tid, tid - 11), (t * 1000 + 2, READ, 0x7F0000000000 + tid * 4096, tid, tid - 11)))
        for path in ("r.dir", "r.dir/trace", "r.dir/"):
            self.assertEqual(self.rows(self.good(os.path.join(self.folder, path))), expected)
            os.unlink(self.out)
        trace = self.good(os.path.join(self.folder, "r.dir"), "--limit", "5")
        self.assertEqual(self.rows(trace), expected[:5])

    def test_threads_and_processes(self):
        """One stream of several threads, as older versions wrote it; a process has pages of its own."""
        a, b = head(21, 100), head(22, 200)[3:5]
        body = [marker(TIMESTAMP, US + 1), entry(0, 8, 0x5000), *b, marker(TIMESTAMP, US + 3), entry(0, 8, 0x5000),
                entry(THREAD, 0, 21), entry(1, 8, 0x5000), entry(FOOTER, 0, 0)]
        trace = self.good(self.keep("a.trace", a + body))
        self.assertEqual([(r[0], r[1], r[3]) for r in self.rows(trace)], [(1001, READ, 21), (1002, WRITE, 21), (3001, READ, 22)])
        pages = [r[2] for r in self.rows(trace)]
        self.assertEqual(pages[0], pages[1])
        self.assertEqual((pages[0], pages[2]), (0x5000, 0x5000 ^ 1 << 48))

    def test_long(self):
        """Beyond what is kept back of one thread."""
        n = (1 << 20) + 300000
        body = np.zeros(n, dtype=[("type", "<u2"), ("size", "<u2"), ("value", "<u8")])
        body["type"], body["size"] = np.arange(n) % 2, 8
        body["value"] = 0x7F0000000000 + np.arange(n) % 1000 * 4096
        path = self.keep("a.trace", b"".join(head(5) + [marker(TIMESTAMP, US + 1)]) + body.tobytes() + b"".join(tail(5)))
        trace = self.good(path)
        self.assertTrue(np.array_equal(trace["time"], 1001 + np.arange(n, dtype=np.uint64)))
        self.assertTrue(np.array_equal(trace["address"], body["value"]))
        self.assertTrue(np.array_equal(trace["flags"] & 3, body["type"]))
        self.assertEqual(len(self.good(path, "--skip", "7", "--limit", "9")["time"]), 9)

    def test_filtered(self):
        trace = self.good(self.keep("a.trace", head(41, filetype=0x1C0) + self.BODY + tail(41)))
        self.assertIn("filter", trace["attrs"]["event"])

    def test_cut_short(self):
        whole = b"".join(head(41) + self.BODY + tail(41))
        trace = self.good(self.keep("a.trace", whole[: -12 * 4 - 5]))
        self.assertEqual(self.rows(trace), self.expected()[:-2])
        self.assertIn("cut short", self.stderr)

    def test_damaged(self):
        start, end = head(41), tail(41)
        self.bad(self.keep("a.trace", start + [entry(999, 0, 0)] + end), "a.trace: entry 8 ", "type 999")
        self.bad(self.keep("a.trace", start + [entry(INSTR, 2, 64), entry(BUNDLE, 9, 0)] + end), "entry 9 ", "instructions")
        self.bad(self.keep("a.trace", start[:3] + [entry(0, 8, 4096)] + end), "before any thread")
        self.bad(self.keep("a.trace", start + end), "a.trace", "no sample")
        self.bad(self.keep("r/trace/b.trace", start + [entry(999, 0, 0)]), "b.trace: entry 8 ")
        self.bad(os.path.join(self.folder, "r"), "r/trace/b.trace: entry 8 ")

    def test_what_is_not_read(self):
        raw = struct.pack("<4Q", 0xC407000000000040, 4 << 61 | 5, 2 << 61 | 9, 3 << 61 | 8)
        old = struct.pack("<4Q", 0xC040000000000004, 2 << 61 | 9, 3 << 61 | 8, 4 << 61 | 5)
        narrow = struct.pack("<HHIHHIHHI", HEADER, 0, 5, MARKER, VERSION, 5, THREAD, 0, 7)
        self.bad(self.keep("a.raw", raw), "a.raw", "drrun -t drmemtrace -indir")
        self.bad(self.keep("a.raw", old), "raw recording")
        self.bad(self.keep("a.trace", narrow), "32-bit", "-tool view")
        self.keep("only.dir/raw/a.raw.lz4", b"")
        self.bad(os.path.join(self.folder, "only.dir"), "only.dir", "raw recording", "-indir")
        self.keep("l.dir/trace/a.trace.lz4", b"\x04\x22\x4d\x18" + b"\0" * 30)
        self.bad(os.path.join(self.folder, "l.dir"), "a.trace.lz4", "lz4 -d")
        self.keep("p.dir/trace/a.trace", self.thread(11, (1,), 4096))
        os.mkfifo(os.path.join(self.folder, "p.dir/trace/b.trace"))
        self.bad(os.path.join(self.folder, "p.dir"), "b.trace", "no regular file")
        os.mkdir(os.path.join(self.folder, "none"))
        self.bad(os.path.join(self.folder, "none"), "none", "a folder without files of drmemtrace")

    def test_view(self):
        us = (11644473600 + 5) * 1000000  # 5 s after 1970
        text = f"""Output format:
<--record#-> <--instr#->: <---tid---> <record details>
------------------------------------------------------------
           1           0:          77 <marker: version 5>
           2           0:          77 <marker: timestamp {us}>
           3           0:          77 <marker: tid 77 on core 4099>
           4           1:          77 ifetch       5 byte(s) @ 0x0000000000404a7e 48 8b 5c 24 08  mov    0x08(%rsp)
           5           1:          77 read         8 byte(s) @ 0x00007fdf64e2adc8 by PC 0x0000000000404a7e
           6           1:      W0.T78 <marker: timestamp {us - 1}>
           7           1:      W0.T78 write        8 byte(s) @ 0x00007fdf64e2bdc8 by PC 0x0000000000404a7e
View tool results:
              6 : total instructions
"""
        trace = self.good(self.keep("v.txt", text.encode()), "--step", "2")
        self.assertEqual([int(t) for t in trace["time"]], [4999999002, 5000000002, 5000000004])
        self.assertEqual(list(trace["flags"] & 3), [1, 2, 0])
        self.assertEqual(list(trace["tid"]), [78, 77, 77])
        self.assertEqual(trace["attrs"]["labels"], "all-accesses")
        self.assertEqual(list(trace["cpu"][1:]), [3, 3], "node 1 stands above the 12 bits of the CPU")


unittest.main()
