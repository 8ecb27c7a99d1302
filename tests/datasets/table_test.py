# SPDX-License-Identifier: BSD-2-Clause
"""`mirrorball info` against table.py, for the bundled traces (and their committed tables), and for whole captures beside
the tree when they are there."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: h5py and numpy are not installed")
    sys.exit(77)

MIRRORBALL = os.environ["MIRRORBALL"]
HERE = os.path.dirname(os.path.abspath(__file__))
TRACES = "datasets/traces"
KERNEL = 32  # a record's flag
NAMES = ("boot", "database", "engineering", "pmake", "raytrace")
CAPTURES = os.environ.get("MIRRORBALL_CAPTURES", "../shared/data")

# The table of the captures' own description: pages % / misses % of the five classes, then local misses % under first
# touch, best static, perfect replication, the guest's own placement. It was rounded twice: to two digits, then to one.
WHOLE = {
    "pmake4": ([], 18722, "36.3/20.1 19.8/23.5 27.0/19.4 0.1/0.1 16.8/37.0", "57.13 61.45 83.01 53.57"),
    "eng4": ([], 23624, "62.7/41.6 6.6/8.5 18.7/17.9 0.0/0.0 12.0/32.0", "71.24 72.21 84.00 63.96"),
    "dss8": (["--fold-cpus", "8"], 17569, "83.9/44.2 12.3/50.4 3.7/5.4 0/0 0.1/0.1", "57.94 57.99 99.93"),
    "raytrace8": ([], 1314, "25.2/0.6 31.2/43.4 8.8/5.4 26.8/45.5 8.1/5.2", "21.09 30.56 96.12"),
    "radix8": ([], 8463, "1.8/0.6 0.3/0.2 0.1/0.0 0/0 97.8/99.3", "58.61 73.22 73.37"),
    "boot4": (["--limit-address", "0"], 20507, "99.9/100 0.0/0.0 0/0 0/0 0.0/0.0", "99.99 99.99 99.99 10.43"),
}


def info(*paths):
    out = subprocess.run([MIRRORBALL, "info", "--verify", "--format", "json", *paths], check=True, capture_output=True)
    found = json.loads(out.stdout)
    return found if isinstance(found, list) else [found]


def table_of(path):
    script = os.path.join(HERE, "table.py")
    out = subprocess.run([sys.executable, script, path], check=True, capture_output=True)
    return list(json.loads(out.stdout).values())[0]


def as_table(found):
    """What info says, in the form of table.py."""
    local = {k: v for k, v in found["local_share"].items() if k != "round_robin" and v is not None}
    return {
        "records": found["records"],
        "misses": found["misses"],
        "pages": found["pages"],
        "cpu_misses": found["cpu_misses"],
        "kinds": [found["kinds"][k] for k in ("read", "write", "fetch", "upgrade")],
        "sharing": {k: [v["pages"], v["misses"]] for k, v in found["sharing"].items()},
        "local_share": {k: round(v, 9) for k, v in local.items()},
    }


class Bundled(unittest.TestCase):
    def test_tables(self):
        with open(os.path.join(HERE, "fixtures/tables.json"), encoding="utf-8") as f:
            committed = json.load(f)
        for name in NAMES:
            path = f"{TRACES}/{name}.h5"
            with self.subTest(name):
                found = info(path)[0]
                self.assertEqual(as_table(found), committed[f"{name}.h5"])
                self.assertEqual(table_of(path), committed[f"{name}.h5"])
                self.assertAlmostEqual(found["local_share"]["round_robin"], 1 / found["cpus"])
                self.assertTrue(found["verified"] and found["note"] and found["source"] and found["command"])

    def test_whose_misses_they_are(self):
        """As the traces' README says: programs and the running kernel, in boot hardly a program; and of all CPUs."""
        for name in NAMES:
            with self.subTest(name), h5py.File(f"{TRACES}/{name}.h5") as f:
                by_kernel = (f["trace/flags"][:] & KERNEL) > 0
                self.assertGreater(np.mean(by_kernel), 0.99 if name == "boot" else 0.05)
                self.assertGreater(np.mean(~by_kernel), 0 if name == "boot" else 0.05)
                self.assertTrue(by_kernel[0] or name != "boot")
                shares = np.bincount(f["trace/cpu"][:], minlength=f.attrs["cpus"]) / len(by_kernel)
                self.assertGreater(min(shares), 0.02, shares)

    def test_size(self):
        self.assertLess(sum(os.path.getsize(f"{TRACES}/{name}.h5") for name in NAMES), 13 << 20)

    def test_formats(self):
        run = [MIRRORBALL, "info", f"{TRACES}/boot.h5", "--format"]
        csv = subprocess.run(run + ["csv"], check=True, capture_output=True, text=True).stdout.splitlines()
        self.assertEqual(len(csv), 2)
        self.assertEqual(len(csv[0].split(",")), len(csv[1].split(",")))
        text = subprocess.run(run + ["table"], check=True, capture_output=True, text=True).stdout
        self.assertIn("2400000 records", text)


def twice(value):
    """Rounded to two digits, then half up to one: as the description's table was made."""
    return int(round(value, 2) * 100 + 5.000001) // 10 / 10


class Captures(unittest.TestCase):
    def check(self, name):
        options, pages, classes, local = WHOLE[name]
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "x.h5")
            source = os.path.join(CAPTURES, f"{name}.tr.zst")
            subprocess.run([MIRRORBALL, "import", source, "-o", out, "--quiet", *options], check=True)
            found = info(out)[0]
        self.assertEqual(found["pages"], pages)
        for (key, value), pair in zip(found["sharing"].items(), classes.split()):
            said = [float(x) for x in pair.split("/")]
            percent = [100 * value["pages"] / found["pages"], 100 * value["misses"] / found["misses"]]
            self.assertEqual([twice(x) for x in percent], said, f"{name} {key} {percent}")
        shares = [found["local_share"][k] for k in ("first_touch", "best_static", "replicated", "recorded")]
        for share, said in zip(shares, local.split()):
            self.assertEqual(f"{100 * share:.2f}", said, name)

    def test_whole(self):
        if not os.path.exists(CAPTURES):
            self.skipTest("no captures beside the tree")
        for name in WHOLE:
            with self.subTest(name):
                self.check(name)


unittest.main()
