# SPDX-License-Identifier: BSD-2-Clause
"""The import command: each format against values computed here, by hand or with numpy; bad input ends in one line."""

import glob
import gzip
import io
import json
import lzma
import os
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: h5py and numpy are not installed")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../collectors"))
import trace_columns  # noqa: E402  (the reader of a trace's columns, for all importers' tests)

MIRRORBALL = os.environ["MIRRORBALL"]
FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
HEADER = (0x315352545353494D, 1, 16, 64, 4096)


def load(path):
    """Columns of the file, times absolute, addresses of pages."""
    with h5py.File(path, "r") as f:
        out = trace_columns.columns(f)
        out["node"] = f["pages/node"][:] if "node" in f["pages"] else None
        out["pages"] = f["pages/address"][:]
        out["attrs"] = dict(f.attrs)
    return out


def capture(records, system=1):
    """A raw capture: records of (address, cpu, kind, cause, dirty, kernel, time)."""
    data = struct.pack("<8Q", *HEADER, system, 10000, 64 << 48 | 8 << 32 | 1024 << 16 | 16)
    for address, cpu, kind, cause, dirty, kernel, when in records:
        data += struct.pack("<2Q", address >> 6 | cpu << 42 | kind << 48 | cause << 50 | dirty << 52 | kernel << 53, when)
    return data


class OneWay:
    """A file that cannot go back: archives written to it have their sizes behind the data."""

    def __init__(self):
        self.bytes = bytearray()

    def write(self, data):
        self.bytes += data
        return len(data)

    def flush(self):
        pass


class Import(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mirrorball-import-")
        self.out = os.path.join(self.folder.name, "out.h5")

    def tearDown(self):
        self.folder.cleanup()

    def run_import(self, source, *options, data=None):
        command = [MIRRORBALL, "import", source, "-o", self.out, *options]
        return subprocess.run(command, input=data, capture_output=True, check=False, timeout=120)

    def good(self, source, *options, data=None):
        run = self.run_import(source, *options, data=data)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.stderr = run.stderr.decode()
        return load(self.out)

    def bad(self, word, data, *options):
        run = self.run_import("-", *options, data=data)
        text = run.stderr.decode()
        self.assertEqual(run.returncode, 1, text)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertIn(word, text)
        self.assertEqual(os.listdir(self.folder.name), [], "something was left behind")

    # --- packed input ---

    def packed(self, text):
        """The same text in every packing, and what each of them is called."""
        third = len(text) // 3
        parts = [text[:third], text[third : 2 * third], text[2 * third :]]

        def archive(stream, how, large=False):
            with zipfile.ZipFile(stream, "w", how) as z:
                for i, part in enumerate(parts):
                    with z.open(f"chunk.{i:04}", "w", force_zip64=large) as member:
                        member.write(part)

        out = {"gzip": gzip.compress(text), "gzip of pieces": b"".join(gzip.compress(p) for p in parts) + b"\0" * 9}
        for name, how, stream, large in (("zip", zipfile.ZIP_DEFLATED, io.BytesIO(), False),
                                         ("zip stored", zipfile.ZIP_STORED, io.BytesIO(), False),
                                         ("zip as a stream", zipfile.ZIP_DEFLATED, OneWay(), False),
                                         ("zip64 as a stream", zipfile.ZIP_DEFLATED, OneWay(), True)):
            archive(stream, how, large)
            out[name] = stream.getvalue() if isinstance(stream, io.BytesIO) else bytes(stream.bytes)
        return out

    def test_packed(self):
        rows = [f"{i * 10},{i % 4},{(i * 7919 % 5000) * 4096},{'rw'[i % 2]}" for i in range(30000)]
        text = ("time_ns,cpu,address,op\n" + "\n".join(rows) + "\n").encode()
        for name, data in self.packed(text).items():
            with self.subTest(name):
                trace = self.good("-", data=data)
                self.assertEqual(list(trace["time"]), [i * 10 for i in range(30000)])
                self.assertEqual(list(trace["address"][:9]), [(i * 7919 % 5000) * 4096 for i in range(9)])
            os.unlink(self.out)

    def test_packed_and_damaged(self):
        text = b"time_ns,cpu,address,op\n" + b"".join(b"%d,0,%d,r\n" % (i, i * i * 4096) for i in range(3000))
        for name, data in self.packed(text).items():
            with self.subTest(name):
                word = name[:3] if name.startswith("zip") else "gzip"
                self.bad(word, data[: len(data) // 2])
                if name != "zip stored":  # its bytes are taken as they are; their checksum tells
                    self.bad(word, data[: len(data) // 2] + b"\xff" * 40 + data[len(data) // 2 + 40 :])
                if word == "zip":
                    at = 14  # the checksum of the first member: in its header, or in the descriptor behind its data
                    if "stream" in name:
                        at = data.index(b"PK\7\x08") + 4
                    self.bad("checksum", data[:at] + b"\1\2\3\4" + data[at + 4 :])
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_BZIP2) as z:
            z.writestr("a", text)
        self.bad("another method", archive.getvalue())
        self.bad("without a member", b"PK\5\6" + b"\0" * 18)
        self.bad("lz4 -d", b"\x04\x22\x4d\x18" + b"\0" * 40)
        self.bad("xz -dk", lzma.compress(text))

    # --- raw captures ---

    def test_capture(self):
        raw = subprocess.run(["zstd", "-dcq", "--long=27", f"{FIXTURES}/capture.tr.zst"], capture_output=True, check=True)
        words = np.frombuffer(raw.stdout, "<u8")[8:].reshape(-1, 2)
        a, when = words[:, 0], words[:, 1] & np.uint64(2**48 - 1)
        address = (a & np.uint64(2**42 - 1)) << np.uint64(6)
        bit = [(a >> np.uint64(k)) & np.uint64(1) for k in range(54)]
        flags = (a >> np.uint64(48)) & np.uint64(15) | bit[52] << np.uint64(4) | bit[53] << np.uint64(5)
        for source, data in ((f"{FIXTURES}/capture.tr.zst", None), ("-", raw.stdout)):
            found = self.good(source, data=data)
            self.assertEqual(len(found["time"]), 3000)
            self.assertTrue((found["time"] == when).all())
            self.assertTrue((found["address"] == address // np.uint64(4096) * np.uint64(4096)).all())
            self.assertTrue((found["cpu"] == (a >> np.uint64(42)) & np.uint64(63)).all())
            self.assertTrue((found["flags"] == flags).all())
            self.assertTrue((found["node"] == found["pages"] >> np.uint64(29)).all())
            self.assertEqual(found["attrs"]["cpu_node"].tolist(), [0, 1, 2, 3])

    def test_fold_limit_drop(self):
        one = [(k << 20, k, 0, 0, 0, 0, 100 + k) for k in range(9)] + [(5 << 30, 1, 3, 2, 1, 1, 200)]
        found = self.good("-", "--fold-cpus", "4", data=capture(one))
        self.assertEqual(found["cpu"].tolist(), [0, 1, 2, 3, 0, 1, 2, 3, 0])
        self.assertIn("1 of 10 records dropped", self.stderr)
        found = self.good("-", "--limit-address", "0", data=capture(one))
        self.assertEqual(found["node"].tolist(), [0] * 9 + [10])
        self.assertEqual(found["flags"].tolist()[-1], 3 | 2 << 2 | 16 | 32)
        found = self.good("-", "--skip", "2", "--limit", "3", "--rebase", "--no-nodes", data=capture(one))
        self.assertEqual(found["time"].tolist(), [0, 1, 2])
        self.assertIsNone(found["node"])
        found = self.good("-", "--node-shift", "21", "--page-size", "64Ki", data=capture(one, system=0))
        self.assertEqual(found["node"].tolist()[:9], [0, 0, 1, 1, 2, 2, 3, 3, 4])
        self.assertEqual(found["attrs"]["page_size"], 65536)

    def test_bad_captures(self):
        good = capture([(4096, 0, 0, 0, 0, 0, 5)] * 3)
        self.bad("header", good[:40])
        self.bad("no record", good[:64])
        self.bad("record 1", capture([(0, 0, 0, 0, 0, 0, 5), (0, 0, 0, 0, 0, 0, 4)]))
        self.bad("version 3", good[:8] + b"\3" + good[9:])
        self.bad("pages of", good[:32] + b"\1" + good[33:])
        packed = subprocess.run(["zstd", "-cq"], input=good * 1000, capture_output=True, check=True).stdout
        self.bad("zstd", packed[:-9])
        self.bad("zstd", packed[:20] + b"\xff" * 40)
        self.bad("empty", b"")
        self.bad("--from", b"\0\1\2")

    def test_cut_short(self):
        """A capture whose writer was killed reads to its last whole record, and says so."""
        whole = capture([(4096, 0, 0, 0, 0, 0, 5), (8192, 0, 1, 0, 0, 0, 6)])
        for cut in (1, 15):
            self.assertEqual(self.good("-", data=whole[:-cut])["time"].tolist(), [5])
            self.assertIn(f"{16 - cut} bytes were passed over", self.stderr)
        self.assertEqual(len(self.good("-", data=whole)["time"]), 2)
        self.assertNotIn("passed over", self.stderr)
        os.remove(self.out)
        self.bad("no record", whole[: 64 + 15])

    def test_threads_and_first_writes(self):
        """Version 2: a program's records name their thread; an upgrade may be a first write; writes are all seen."""
        head, a = struct.pack("<8Q", HEADER[0], 2, 16, 128, 4096, 0, 1000, 32 << 48 | 8 << 32 | 512 << 16 | 16), 4096 >> 6
        words = [a, 5 | 7 << 48, a | 3 << 48 | 3 << 50, 6 | 300 << 48]
        found = self.good("-", data=head + struct.pack("<4Q", *words))
        self.assertEqual(found["tid"].tolist(), [7, 300])
        self.assertEqual(found["flags"].tolist(), [0, 15])
        self.assertEqual(found["attrs"]["line_size"], 128)
        self.assertEqual(found["attrs"]["labels"], b"simulated-cache")
        words[2] |= 1 << 53
        system = head[:40] + struct.pack("<Q", 1) + head[48:]
        found = self.good("-", data=system + struct.pack("<4Q", *words))
        self.assertNotIn("tid", found)
        self.assertEqual(found["flags"].tolist(), [0, 15 | 32])

    # --- CSV ---

    def test_csv(self):
        found = self.good(f"{FIXTURES}/misses.csv")
        self.assertEqual(found["time"].tolist(), [1000, 1000, 5_000_000_000, 5_000_000_001])
        self.assertEqual(found["address"].tolist(), [4096, 4096, 0x3000, 4096])
        self.assertEqual(found["cpu"].tolist(), [0, 1, 1, 0])
        self.assertEqual(found["flags"].tolist(), [0, 1, 2, 3])
        self.assertEqual(found["node"].tolist(), [2, 255])
        self.assertEqual(found["attrs"]["nodes"], 3)

    def test_pipe_by_name(self):
        """Nothing of what comes through a pipe is lost to a look at what it is."""
        pipe = os.path.join(self.folder.name, "pipe")
        os.mkfifo(pipe)
        with subprocess.Popen(["cp", f"{FIXTURES}/misses.csv", pipe]):
            self.assertEqual(self.good(pipe)["time"].tolist(), [1000, 1000, 5_000_000_000, 5_000_000_001])
        os.unlink(pipe)
        with open(self.out, "rb") as f:
            trace = f.read()
        os.unlink(self.out)
        self.bad("from a pipe; name its file", trace)

    def test_csv_columns(self):
        text = '\ufeff"tid","latency_ns","op","weight","time_ns","cpu","address"\r\n7,300,w,5,1,0,0\r\n\r\n8,0x10,r,1,1,0,1\r\n'
        found = self.good("-", data=text.encode())
        self.assertEqual([found[k].tolist() for k in ("tid", "latency", "weight")], [[7, 8], [300, 16], [5, 1]])
        self.assertEqual(found["attrs"]["misses"], 6)
        self.assertEqual(self.good("-", data=text.rstrip().encode())["tid"].tolist(), [7, 8])

    def test_bad_csv(self):
        head = b"time_ns,cpu,address,op\n"
        for word, rows in (
            (":3: time_ns 'NaN': not a whole number", b"1,0,0,r\nNaN,0,0,r\n"),
            (":2: time_ns '-5': it must not be negative", b"-5,0,0,r\n"),
            (":2: time_ns '1.5': not a whole", b"1.5,0,0,r\n"),
            (":3: record 1: time goes backwards", b"5,0,0,r\n4,0,0,r\n"),
            (":2: record 0: CPU 1024", b"5,1024,0,r\n"),
            (":2: cpu '65536': it is too large", b"5,65536,0,r\n"),
            (":2: address '0x10000000000000000': it is too large", b"5,1,0x10000000000000000,r\n"),
            (":2: address '0x': a number is missing", b"5,1,0x,r\n"),
            (":2: op 'rw'", b"5,1,0,rw\n"),
            (":2: row '': fewer cells", b"5,1,0\n"),
            (":2: cell '9': more cells", b"5,1,0,r,9\n"),
            (":2: cpu '': a number is missing", b"5,,0,r\n"),
            (":3: the line is longer than", b"5,1,0,r\n" + b"7" * 5000 + b",1,0,r\n"),
            (":2: a NUL byte", b"5,1,0,\0r\n"),
            ("no record", b""),
        ):
            with self.subTest(word):
                self.bad(word, head + rows)
        self.bad("column 'op': it is missing", b"time_ns,cpu,address\n1,2,3\n")
        self.bad("column 'cpu': it is there twice", b"time_ns,cpu,address,op,cpu\n1,2,3,r,2\n")
        self.bad("weight 0", b"time_ns,cpu,address,op,weight\n1,2,3,r,0\n")
        self.bad("node '64'", b"time_ns,cpu,address,op,node\n1,2,3,r,64\n")
        self.bad("more than 256 columns", b"a," * 300 + b"\n")

    # --- lackey ---

    def test_lackey(self):
        found = self.good(f"{FIXTURES}/lackey.txt", "--step", "10")
        self.assertEqual(found["time"].tolist(), [0, 10, 20, 30, 40])
        self.assertEqual(found["address"].tolist(), [0x4001000, 0x1FFEFFE000, 0x1FFEFFE000, 0x4001000, 0x4002000])
        self.assertEqual(found["flags"].tolist(), [2, 0, 1, 2, 1])
        self.assertEqual(found["attrs"]["cpus"], 1)
        self.assertEqual(found["attrs"]["labels"], b"all-accesses")
        self.assertIn(b"not misses", found["attrs"]["event"])

    def test_lackey_is_labelled(self):
        """A result made from all accesses says so: in the table's head, in every run, in the report."""
        self.good(f"{FIXTURES}/lackey.txt")
        results, page = (os.path.join(self.folder.name, name) for name in ("r.h5", "r.html"))
        compare = [MIRRORBALL, "compare", self.out, "--policy", "first_touch", "--machine", "flash-4"]
        table = subprocess.run([*compare, "-o", results], capture_output=True, check=True).stdout
        self.assertIn(b"all accesses, not misses", table.splitlines()[0])
        runs = json.loads(subprocess.run([*compare, "--format", "json"], capture_output=True, check=True).stdout)["runs"]
        for run in runs:
            self.assertIn("all accesses, not misses", run["labels"], run["policy"])
        subprocess.run([MIRRORBALL, "report", results, "-o", page], capture_output=True, check=True)
        with open(page, encoding="utf-8") as file:
            self.assertRegex(file.read(), r'"all_accesses": ?true')

    def test_bad_lackey(self):
        self.bad(":2: 'hello' is no line of lackey", b"I  0,1\nhello\n")
        for line in (b" L ,8", b" L 12", b" L 12,", b" X 12,8", b"I  zz,1", b" L 11111111111111111,8", b" I 12,3", b"L  1,1"):
            with self.subTest(line):
                self.bad("is no line of lackey", line + b"\n", "--from", "lackey")

    # --- traces, and the command itself ---

    def test_trace_again(self):
        self.good(f"{FIXTURES}/misses.csv", "--note", "kept")
        again = os.path.join(self.folder.name, "again.h5")
        os.rename(self.out, again)
        for how in ("none", "smallest", "deflate"):
            found = self.good(again, "--skip", "1", "--limit", "2", "--compress", how)
            self.assertEqual(found["time"].tolist(), [1000, 5_000_000_000])
            self.assertEqual(found["node"].tolist(), [2, 255])
            self.assertEqual(found["attrs"]["note"], b"kept")

    def told(self):
        """What info and compare say of the file."""
        commands = (["info", "--verify", "-f", "json"],
                    ["compare", "--policy", "first_touch", "--machine", "flash-4", "-f", "csv"])
        said = []
        for command in commands:
            run = subprocess.run([MIRRORBALL, *command, self.out], capture_output=True, check=False)
            self.assertEqual(run.returncode, 0, run.stderr)
            said.append(json.loads(run.stdout)["digest"] if command[0] == "info" else run.stdout)
        return said

    def test_blosc(self):
        source = ("datasets/traces/boot.h5", "--limit", "300000")  # two chunks
        run = self.run_import(*source, "--compress", "blosc")
        if run.returncode:
            self.assertIn(b"hdf5-filter-plugin-blosc-serial", run.stderr)
            self.assertFalse(os.path.exists(self.out))
            return
        with h5py.File(self.out, "r") as f:
            self.assertEqual(f["trace/page"].id.get_create_plist().get_filter(0)[0], 32001)
        blosc = os.path.join(self.folder.name, "blosc.h5")
        os.rename(self.out, blosc)
        self.assertEqual(self.run_import(*source).returncode, 0)
        plain = self.told()
        os.replace(blosc, self.out)
        self.assertEqual(self.told(), plain)
        # The same file where the plug-in is missing.
        run = subprocess.run([MIRRORBALL, "info", self.out], capture_output=True, check=False,
                             env={**os.environ, "HDF5_PLUGIN_PATH": self.folder.name})
        self.assertEqual((run.returncode, run.stderr.count(b"\n")), (1, 1))
        self.assertIn(b"install the package hdf5-filter-plugin-blosc-serial", run.stderr)

    def test_usage(self):
        for options in (["--from", "x"], ["--compress", "x"], ["--page-size", "5000"], ["--fold-cpus", "0"]):
            self.assertEqual(self.run_import(f"{FIXTURES}/misses.csv", *options).returncode, 2)
        run = subprocess.run([MIRRORBALL, "import", "x"], capture_output=True, check=False)
        self.assertEqual(run.returncode, 2)
        for path in ("no/such/file", "."):
            self.assertEqual(self.run_import(path).returncode, 1)

    def test_outputs_that_may_not_be_replaced(self):
        """A device, pipe or folder under the output's name would be gone after a rename; so would the input."""
        rows = b"time_ns,cpu,address,op\n1,0,0,r\n"
        os.mkfifo(self.out)
        self.assertEqual(self.run_import("-", data=rows).returncode, 1)
        self.assertTrue(stat.S_ISFIFO(os.stat(self.out).st_mode))
        os.unlink(self.out)
        for self.out in (self.folder.name, ""):
            run = self.run_import("-", data=rows)
            self.assertEqual((run.returncode, run.stderr.count(b"\n")), (1, 1), run.stderr)
        self.out = os.path.join(self.folder.name, "rows.csv")
        with open(self.out, "wb") as f:
            f.write(rows)
        run = self.run_import(os.path.join(self.folder.name, ".", "rows.csv"))
        self.assertEqual((run.returncode, run.stderr.count(b"\n")), (2, 1), run.stderr)
        with open(self.out, "rb") as f:
            self.assertEqual(f.read(), rows)

    def test_symbolic_link_stays(self):
        kept = os.path.join(self.folder.name, "kept.h5")
        with open(kept, "wb") as f:
            f.write(b"earlier")
        os.symlink("kept.h5", self.out)
        self.good("-", data=b"time_ns,cpu,address,op\n1,0,0,r\n")
        self.assertTrue(os.path.islink(self.out))
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["kept.h5", "out.h5"])

    def test_old_output_survives(self):
        with open(self.out, "w", encoding="ascii") as f:
            f.write("precious")
        self.assertEqual(self.run_import("-", data=b"time_ns,cpu,address,op\n1,0,0,r\nx\n").returncode, 1)
        with open(self.out, encoding="ascii") as f:
            self.assertEqual(f.read(), "precious")

    def test_interrupted(self):
        child = subprocess.Popen([MIRRORBALL, "import", "-", "-o", self.out], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdin.write(b"time_ns,cpu,address,op\n" + b"1,0,4096,r\n" * 200000)
        child.stdin.flush()
        for _ in range(100):
            if glob.glob(self.out + ".*.recording"):
                break
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        try:
            child.communicate(b"1,0,4096,r\n" * 200000, timeout=20)
        except BrokenPipeError:
            child.wait(timeout=20)
        self.assertEqual(child.returncode, -signal.SIGINT)
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_interrupted_while_it_is_packed(self):
        """The last step takes seconds, and ends at once all the same; nothing is written under any name."""
        rng, n = np.random.default_rng(7), 1 << 20
        words = np.empty((n, 2), "<u8")
        words[:, 0] = rng.integers(0, 1 << 42, n, dtype=np.uint64) | rng.integers(0, 64, n, dtype=np.uint64) << np.uint64(42)
        words[:, 1] = np.cumsum(rng.integers(0, 1 << 20, n, dtype=np.uint64))
        raw = os.path.join(self.folder.name, "raw.tr")
        with open(raw, "wb") as f:
            f.write(struct.pack("<8Q", *HEADER, 0, 10000, 64 << 48 | 8 << 32 | 1024 << 16 | 16) + words.tobytes())
        command = [MIRRORBALL, "import", raw, "-o", self.out, "--compress", "smallest"]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as child:
            while not glob.glob(self.out + ".*.finishing") and child.poll() is None:
                time.sleep(0.005)
            child.send_signal(signal.SIGINT)
            child.wait(60)
            self.assertEqual(child.returncode, -signal.SIGINT, child.stderr.read())
        self.assertEqual(os.listdir(self.folder.name), ["raw.tr"])

    def test_one_of_each(self):
        self.good("-", data=b"time_ns,cpu,address,op\n1,0,0,r\n")
        self.assertTrue(self.stderr.endswith(": 1 record\n"), self.stderr)
        for command, line in ((["info", self.out], ": 1 record, 1 miss, 1 CPU, 1 page, 0 s\n"),
                              (["replay", self.out, "--policy", "first_touch"], ": 1 record, 1 miss, 1 page, 1 CPU")):
            done = subprocess.run([MIRRORBALL, *command], capture_output=True, text=True, timeout=60, check=True)
            self.assertIn(line, done.stdout)

    def test_what_a_killed_run_left(self):
        """The next one says so, and what to do; that is done."""
        with subprocess.Popen([MIRRORBALL, "import", "-", "-o", self.out], stdin=subprocess.PIPE) as child:
            child.stdin.write(b"time_ns,cpu,address,op\n" + b"1,0,4096,r\n" * 300000)
            child.stdin.flush()
            for _ in range(200):
                left = glob.glob(self.out + ".*.recording")
                if left and os.path.getsize(left[0]) > 262144 * 4:
                    break
                time.sleep(0.05)
            also = self.run_import("-", data=b"time_ns,cpu,address,op\n1,0,0,r\n")
            self.assertNotIn(b"left by", also.stderr, "it is at work")
            child.kill()
        open(f"{self.out}.{child.pid}.finishing", "wb").close()
        open(f"{self.out}.{child.pid}.notes", "wb").close()
        self.good("-", data=b"time_ns,cpu,address,op\n1,0,0,r\n")
        self.assertIn(f"import: warning: {left[0]} and 1 more: left by a run that did not end; mirrorball import reads what it holds, "
                      "or remove them\n", self.stderr)
        os.remove(f"{self.out}.{child.pid}.finishing")
        found = self.good(left[0])
        self.assertEqual(len(found["time"]), 262144)
        self.assertNotIn("left by", self.stderr)
        os.remove(left[0])
        self.good("-", data=b"time_ns,cpu,address,op\n1,0,0,r\n")
        self.assertNotIn("left by", self.stderr)


unittest.main()
