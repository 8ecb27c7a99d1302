# SPDX-License-Identifier: BSD-2-Clause
"""Traces made without our code: the example of docs/trace-format.md, other layouts, and files that lie."""

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: h5py and numpy are not installed")
    sys.exit(77)

MIRRORBALL = os.environ["MIRRORBALL"]
DOCUMENT = "docs/trace-format.md"


def info(path, *options):
    return subprocess.run([MIRRORBALL, "info", "--format", "json", *options, path], capture_output=True, text=True)


def mix(h, v):
    x = ((h ^ int(v)) * 0x9E3779B97F4A7C15) % 2**64
    return x ^ (x >> 32)


def digest(columns, addresses, nodes):
    """The formula of the document, in Python's integers."""
    h = mix(0, len(columns[0]))
    for column in columns:
        c = 0
        for v in column:
            c = mix(c, v)
        h = mix(h, c)
    for v in list(addresses) + list(nodes):
        h = mix(h, v)
    return mix(mix(h, len(addresses)), 1)


class Trace:
    """300 records on 12 pages and 5 CPUs, written as the options say."""

    def __init__(self, seed=1):
        rng = np.random.default_rng(seed)
        self.n = 300
        self.step = rng.integers(0, 1000, self.n)
        self.step[0] = 0
        self.page = rng.integers(0, 12, self.n)
        self.page[:12] = np.arange(12)
        self.cpu = rng.integers(0, 5, self.n)
        self.cpu[0] = 4
        self.flags = rng.integers(0, 4, self.n)
        self.address = np.arange(12) * 8192 + 4096

    def expected(self):
        time = np.cumsum(self.step)
        return digest([time, self.page, self.cpu, self.flags, [], [], []], self.address, [])

    def write(self, path, types=("<u4", "<u4", "u1", "u1"), libver="latest", attrs=None, **how):
        with h5py.File(path, "w", libver=libver) as f:
            f["pages/address"] = self.address.astype("<u8")
            for name, data, kind in zip(("dt", "page", "cpu", "flags"), self.columns(), types):
                f.create_dataset("trace/" + name, data=data.astype(kind), **how)
            f.attrs.update(attrs or {})

    def columns(self):
        return self.step, self.page, self.cpu, self.flags


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mirrorball-trace-")
        self.path = os.path.join(self.folder.name, "t.h5")

    def tearDown(self):
        self.folder.cleanup()

    def good(self, trace, nodes=0):
        run = info(self.path, "--verify")
        self.assertEqual(run.returncode, 0, run.stderr)
        found = json.loads(run.stdout)
        self.assertEqual(found["digest"], f"{trace.expected():016x}")
        self.assertEqual((found["records"], found["cpus"], found["pages"], found["nodes"]), (300, 5, 12, nodes))
        return found

    def bad(self, word):
        run = info(self.path, "--verify")
        self.assertEqual(run.returncode, 1, run.stdout)
        self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
        self.assertIn("t.h5", run.stderr)
        self.assertIn(word, run.stderr)

    def test_document(self):
        with open(DOCUMENT, encoding="utf-8") as f:
            code = textwrap.dedent(re.search(r"(    import h5py\n.*?)\n\n`libver", f.read(), re.S)[1])
        subprocess.run([sys.executable, "-c", code], cwd=self.folder.name, check=True)
        found = json.loads(info(os.path.join(self.folder.name, "example.h5"), "--verify").stdout)
        self.assertEqual((found["records"], found["pages"], found["cpus"]), (4, 3, 4))
        self.assertEqual((found["first_time_ns"], found["last_time_ns"]), (0, 8_999_999_900))
        self.assertEqual(found["source"], "my own tool")
        time, page = [0, 150, 150, 8_999_999_900], [2, 0, 2, 1]
        columns = [time, page, [0, 1, 1, 3], [0, 1, 0, 0], [], [], []]
        self.assertEqual(found["digest"], f"{digest(columns, [0x1000, 0x3000, 0x7000], []):016x}")

    def test_layouts(self):
        gzip = {"compression": "gzip"}
        for how in (
            {},
            {"chunks": (300,)},
            {"chunks": (300,), "shuffle": True, **gzip},
            {"chunks": (300,), **gzip},
            {"chunks": (37,), "shuffle": True, **gzip},
            {"chunks": (300,), "fletcher32": True},
            {"chunks": (400,), "maxshape": (None,), "shuffle": True, **gzip},
        ):
            for libver in ("earliest", "latest"):
                with self.subTest(how=how, libver=libver):
                    Trace().write(self.path, libver=libver, **how)
                    self.good(Trace())

    def test_fuzz_corpus(self):
        """A corpus of files that do not open would fuzz nothing."""
        folder = "tests/datasets/corpus/trace"
        for name in os.listdir(folder):
            self.assertEqual(info(os.path.join(folder, name), "--verify").returncode, 0, name)

    def test_missing_filter(self):
        Trace().write(self.path, chunks=(300,), compression="lzf")
        self.bad("filter 32000")

    def test_types(self):
        for types in (("<u4", "<u4", "<u2", "u1"), (">u4", ">u4", ">u2", "u1"), ("<i8", "<i4", "<i8", "<u2")):
            with self.subTest(types=types):
                Trace().write(self.path, types=types, chunks=(300,), compression="gzip", shuffle=True)
                self.good(Trace())

    def test_attributes(self):
        Trace().write(self.path, attrs={"nodes": 3, "labels": "page-touch, synthetic", "note": "text", "lost": np.uint8(9),
                                        "cpu_node": [0, 1, 2], "host": np.bytes_(b"fixed")})
        found = self.good(Trace(), nodes=3)
        self.assertEqual((found["note"], found["host"], found["lost"]), ("text", "fixed", 9))
        self.assertEqual(found["labels"], "page-touch,synthetic")

    def test_lies(self):
        lies = (
            ("page", lambda f: f["trace/page"].__setitem__(7, 12), "page 12"),
            ("cpu", lambda f: f.attrs.__setitem__("cpus", 4), "CPU 4"),
            ("digest", lambda f: f.attrs.__setitem__("digest", 5), "digest"),
            ("version", lambda f: f.attrs.__setitem__("version", 2), "version 2"),
            ("format", lambda f: f.attrs.__setitem__("format", "x"), "'x'"),
            ("page size", lambda f: f.attrs.__setitem__("page_size", 8192), "page size 8192"),
            ("page size", lambda f: f.attrs.__setitem__("page_size", 5000), "power of two"),
            ("page size", lambda f: f.attrs.__setitem__("page_size", "big"), "integer"),
            ("no flags", lambda f: f.__delitem__("trace/flags"), "flags"),
            ("no pages", lambda f: f.__delitem__("pages/address"), "address"),
            ("order", lambda f: f["pages/address"].__setitem__(3, 0), "ascend"),
            ("short", lambda f: (f.__delitem__("trace/cpu"), f.__setitem__("trace/cpu", [1, 2])), "agree"),
            ("2-D", lambda f: (f.__delitem__("trace/cpu"), f.__setitem__("trace/cpu", [[1, 2]])), "1-D"),
            ("float", lambda f: (f.__delitem__("trace/dt"), f.__setitem__("trace/dt", np.ones(300))), "integers"),
            ("weight", lambda f: f.__setitem__("trace/weight", np.zeros(300, "u4")), "weight"),
            ("group", lambda f: (f.__delitem__("trace/dt"), f.create_group("trace/dt")), "dt"),
            ("gaps", lambda f: f.__setitem__("trace/gaps", [1, 2]), "gaps"),
            ("chunks", lambda f: f.__setitem__("chunks", self.index(5, 11, 0)), "chunks"),
            ("chunks", lambda f: f.__setitem__("chunks", self.index(300, 3, 0)), "chunks"),
            ("chunks", lambda f: f.__setitem__("chunks", self.index(300, 11, 2**63)), "chunks"),
            ("huge", lambda f: (f.__delitem__("trace/dt"), f.create_dataset(
                "trace/dt", (2**50,), "u4", chunks=(262144,), compression="gzip")), "claims"),
            ("huge pages", lambda f: (f.__delitem__("pages/address"), f.create_dataset(
                "pages/address", (2**31,), "u8", chunks=(65536,), compression="gzip")), "claims"),
        )
        for name, change, word in lies:
            with self.subTest(name):
                Trace().write(self.path)
                with h5py.File(self.path, "r+", libver="latest") as f:
                    change(f)
                self.bad(word)

    @staticmethod
    def index(count, greatest, first):
        kind = [("first_time", "<u8"), ("least_page", "<u4"), ("greatest_page", "<u4"), ("count", "<u4")]
        return np.array([(first, 0, greatest, count)], dtype=kind)

    def test_ours_in_h5py(self):
        csv = os.path.join(self.folder.name, "x.csv")
        with open(csv, "w", encoding="ascii") as f:
            f.write("time_ns,cpu,address,op,weight\n10,0,0x5000,r,2\n20,1,4096,w,3\n20,1,0x5fff,u,4\n")
        subprocess.run([MIRRORBALL, "import", csv, "-o", self.path, "--quiet"], check=True)
        with h5py.File(self.path, "r") as f:
            self.assertEqual(f["trace/dt"][:].tolist(), [0, 10, 0])
            self.assertEqual(f["trace/page"][:].tolist(), [1, 0, 1])
            self.assertEqual(f["trace/cpu"][:].tolist(), [0, 1, 1])
            self.assertEqual(f["trace/flags"][:].tolist(), [0, 1, 3])
            self.assertEqual(f["trace/weight"][:].tolist(), [2, 3, 4])
            self.assertEqual(f["pages/address"][:].tolist(), [4096, 0x5000])
            self.assertEqual(f["chunks"][:].tolist(), [(10, 0, 1, 3)])
            self.assertEqual(f.attrs["format"], b"mirrorball-trace")
            self.assertEqual(int(f.attrs["misses"]), 9)


unittest.main()
