# SPDX-License-Identifier: BSD-2-Clause
"""probe: its three forms agree, every row that does not work says why, and a user behind a filter gets one screen."""

import csv
import io
import json
import os
import subprocess
import sys
import unittest

MIRRORBALL = os.environ["MIRRORBALL"]
FILTER = os.environ["FILTER"]
NAMES = ["ibs", "pebs", "spe", "faults", "fault kinds", "qemu", "qemu -a", "-a", "addresses", "counters", "bandwidth", "nodes"]


def probe(*args, before=()):
    done = subprocess.run([*before, MIRRORBALL, "probe", *args], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


class Probe(unittest.TestCase):
    def check_rows(self, rows):
        self.assertEqual([row["source"] for row in rows], NAMES)
        for row in rows:
            self.assertIn(row["state"], ("works", "refused", "absent"))
            self.assertEqual(bool(row["why"]), row["state"] != "works", row)
            if row["state"] == "refused":
                self.assertTrue(row["fix"], row)

    def test_forms_agree(self):
        rows = json.loads(probe("--format", "json"))["rows"]
        self.check_rows(rows)
        table = list(csv.DictReader(io.StringIO(probe("--format", "csv"))))
        self.check_rows(table)
        for a, b in zip(rows, table):
            self.assertEqual((a["source"], a["state"], a["why"]), (b["source"], b["state"], b["why"]))

    def check_screen(self, text):
        lines = text.splitlines()
        self.assertLessEqual(len(lines), 40)
        for line in lines:
            self.assertLessEqual(len(line), 100)
            self.assertEqual(line, line.rstrip())
        self.assertTrue("Next: " in lines[-1], lines[-1])

    def test_one_screen(self):
        self.check_screen(probe())

    def test_without_qemu(self):
        """The command that brings it, apart from what is missing."""
        done = subprocess.run([MIRRORBALL, "probe", "--format", "json"], capture_output=True, text=True, check=True,
                              timeout=60, env={"PATH": "/nowhere"})
        rows = {row["source"]: row for row in json.loads(done.stdout)["rows"]}
        for name, package in (("qemu", "qemu-user"), ("qemu -a", "qemu-system-x86")):
            self.assertEqual(rows[name]["state"], "absent")
            self.assertEqual(rows[name]["fix"], "apt-get install " + package)

    def test_behind_a_filter(self):
        """perf_event_open and move_pages are refused, as containers do it."""
        data = json.loads(probe("--format", "json", before=[FILTER]))
        rows = {row["source"]: row for row in data["rows"]}
        self.check_rows(data["rows"])
        self.assertIn(data["best"], ("qemu", None))
        self.assertEqual(rows["faults"]["state"], "refused")
        self.assertEqual(rows["faults"]["error"], "EPERM")
        self.assertIn("seccomp", rows["faults"]["why"])
        self.assertIn("--cap-add PERFMON", rows["faults"]["fix"])
        self.assertEqual(rows["nodes"]["state"], "refused")
        self.check_screen(probe(before=[FILTER]))


if not os.path.exists("/proc/sys/kernel/seccomp"):
    print("skipped: this kernel has no filters")
    sys.exit(77)
unittest.main()
