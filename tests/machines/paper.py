#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The paper check: `compare --paper` against Disco's Figure 8 and Table 3, with the tolerances of docs/paper.md.

The paper's figures are written here once more, so that a wrong one in the program is found; gains are computed again
from the bars.
"""
import json
import os
import re
import subprocess
import tempfile
import unittest

try:
    import h5py
except ImportError:
    h5py = None

PROGRAM = os.environ.get("MIRRORBALL", "build/mirrorball")


class Paper(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="mirrorball-paper-")
        cls.file, cls.page = (os.path.join(cls.folder.name, "paper." + end) for end in ("h5", "html"))
        out = subprocess.run([PROGRAM, "compare", "--paper", "--policy", "migrep", "--format", "json", "-o", cls.file,
                              "--report", cls.page],
                             check=True, capture_output=True, text=True, timeout=600).stdout
        cls.printed = json.loads(out)["rows"]
        cls.rows = {(row["workload"], row["quantity"]): row for row in cls.printed}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def here(self, workload, quantity):
        return self.rows[workload, quantity]["here"]

    def near(self, workload, quantity, paper, low, high):
        row = self.rows[workload, quantity]
        self.assertEqual(row["paper"], paper, quantity)
        self.assertTrue(low <= row["here"] <= high, f"{workload}: {quantity}: {row['here']} not in {low}..{high}")

    def test_local_shares(self):
        self.near("engineering", "baseline: local share", 16, 11.5, 13.5)
        self.near("raytrace", "baseline: local share", 6, 5.25, 7.25)
        self.near("engineering", "migrep: local share", 78, 70, 85)
        self.near("raytrace", "migrep: local share", 76, 70, 85)

    def test_gains_without_contention(self):
        self.near("engineering", "gain without contention", 15, 12, 18)
        self.near("raytrace", "gain without contention", 7.5, 4.5, 10.5)

    def test_engineering(self):
        self.near("engineering", "gain of migrep, monitor added", 33, 28, 38)
        for quantity, paper in [("baseline: execution", 31.3), ("baseline: local stall", 5.5),
                                ("baseline: remote stall", 63.2), ("migrep: execution", 30.4), ("migrep: local stall", 12.9),
                                ("migrep: remote stall", 13.3), ("migrep: overhead, monitor added", 10.3)]:
            self.near("engineering", quantity, paper, paper - 5, paper + 5)

    def test_engineering_is_what_was_calibrated(self):
        self.near("engineering", "baseline: remote latency", 1.33, 1.28, 1.38)
        self.near("engineering", "migrep: local latency", 0.29, 0.28, 0.32)
        self.near("engineering", "migrep: remote latency", 1.07, 0.97, 1.22)

    def test_raytrace_is_a_prediction(self):
        """Disco's bar is predicted; the baseline's is not (docs/paper.md), and the program says so."""
        self.near("raytrace", "migrep: remote latency", 1.20, 0.9, 1.3)
        self.near("raytrace", "migrep: local latency", 0.36, 0.28, 0.4)
        row = self.rows["raytrace", "gain of migrep, monitor added"]
        self.assertEqual((row["paper"], row["low"], row["high"]), (38, 33, 43))
        self.assertEqual(row["within"], 33 <= row["here"] <= 43)
        self.assertGreater(row["here"], 2 * self.here("raytrace", "gain without contention"))

    def test_a_packed_scene_explains_the_rest(self):
        """The same rays over a scene on four nodes: the paper's bar. Chosen after the fact, so never judged."""
        row = self.rows["raytrace-packed", "gain of migrep, monitor added"]
        self.assertIsNone(row["within"])
        self.near("raytrace-packed", "gain of migrep, monitor added", 38, 35, 41)
        self.near("raytrace-packed", "baseline: remote latency", 2.42, 2.2, 2.6)
        self.near("raytrace-packed", "baseline: execution", 42.1, 40, 45)

    def test_table_3(self):
        for workload, rate in [("engineering", 2461 + 2208), ("raytrace", 909 + 2671)]:
            self.near(workload, "migrep: migrations and replications", rate, 0.7 * rate, 1.3 * rate)
            moves, copies = (self.here(workload, "migrep: " + what) for what in ("migrations", "replications"))
            move_us, copy_us = (67, 57) if workload == "engineering" else (102, 73)
            mean = (moves * move_us + copies * copy_us) / (moves + copies)
            cost = self.here(workload, "migrep: mean cost of one, this mix")
            self.assertTrue(0.95 * mean <= cost <= 1.05 * mean, f"{workload}: {cost} us, not {mean}")

    def test_bars_add_up(self):
        for workload in "engineering", "raytrace":
            bar = [self.here(workload, "baseline: " + part) for part in ("execution", "local stall", "remote stall")]
            self.assertAlmostEqual(sum(bar), 100, places=4)
            total = self.here(workload, "migrep: total, monitor added")
            parts = [self.here(workload, "migrep: " + part)
                     for part in ("local stall", "remote stall", "overhead, monitor added")]
            self.assertAlmostEqual(total, bar[0] + sum(parts), places=4)
            self.assertAlmostEqual(self.here(workload, "gain of migrep, monitor added"), 100 - total, places=4)

    def test_uma(self):
        """Every miss takes 300 ns, and nothing waits."""
        for workload, execution, stall, total in [("engineering", 31.4, 17.0, 48), ("raytrace", 42.0, 7.4, 49)]:
            for quantity, paper in [("execution", execution), ("stall", stall), ("total", total)]:
                self.assertEqual(self.rows[workload, "UMA: " + quantity]["paper"], paper)
            self.assertEqual(self.here(workload, "UMA: execution"), self.here(workload, "baseline: execution"))
            self.assertAlmostEqual(self.here(workload, "UMA: total"),
                                   self.here(workload, "UMA: execution") + self.here(workload, "UMA: stall"), places=6)
        for quantity, paper in [("execution", 31.4), ("stall", 17.0), ("total", 48)]:
            self.near("engineering", "UMA: " + quantity, paper, paper - 5, paper + 5)
        if not h5py:
            self.skipTest("h5py is not installed")
        with h5py.File(self.file) as file:
            runs = file["summary"][:]
        base = runs[(runs["set"] == 0) & (runs["policy"] == b"interleave")][0]
        self.assertAlmostEqual(self.here("engineering", "UMA: stall"), 100 * base["misses"] * 300 / base["elapsed_ns"],
                               places=6)

    def test_the_monitor_s_own_time(self):
        """Figure 8's DISCO slice without Table 3's moves: 7.86 of 31.3 units, 5.09 of 42.1."""
        for workload, share in [("engineering", 0.2512), ("raytrace", 0.1208)]:
            extra = self.here(workload, "gain of migrep, placement alone") - \
                self.here(workload, "gain of migrep, monitor added")
            self.assertAlmostEqual(extra / self.here(workload, "baseline: execution"), share, delta=0.001)

    def test_single_pages(self):
        self.assertEqual(self.here("write-shared page", "times it moved or was copied"), 0)
        self.assertTrue(1 <= self.here("ping-pong page", "times it moved or was copied") <= 31)

    def test_all_that_is_judged_is_within_but_one(self):
        outside = [key for key, row in self.rows.items() if row["within"] is False]
        self.assertEqual(outside, [("raytrace", "gain of migrep, monitor added")])

    def test_the_result_file_and_the_report_carry_what_is_printed(self):
        with open(self.page, encoding="utf-8") as file:
            data = re.search(r'<script type="application/json" id="data">(.*?)</script>', file.read(), re.S)[1]
        self.assertEqual([check for one in json.loads(data) for check in one["checks"]], self.printed)
        if not h5py:
            self.skipTest("h5py is not installed")
        with h5py.File(self.file) as file:
            rows, machines = file["paper"][:], [file["inputs"][name].attrs["machine"] for name in file["inputs"]]
        self.assertEqual(len(rows), len(self.printed))
        for row, printed in zip(rows, self.printed):
            for name in ("workload", "quantity", "unit", "origin"):
                self.assertEqual(row[name].decode(), printed[name])
            for name in ("paper", "here", "low", "high"):
                self.assertAlmostEqual(row[name] if row[name] == row[name] else 1e99,
                                       1e99 if printed[name] is None else printed[name], delta=1e-5)
            self.assertEqual((row["judged"], row["within"]), (printed["within"] is not None, printed["within"] is True))
            if row["workload"].startswith(b"raytrace"):
                self.assertEqual(machines[row["set"]], b"flash-16")

    def test_another_machine_and_wrong_ones(self):
        out = subprocess.run([PROGRAM, "compare", "--paper", "--machine", "skylake-2s"], capture_output=True, text=True,
                             check=False)
        self.assertEqual(out.returncode, 1)
        self.assertIn("skylake-2s has 56 CPUs", out.stderr)
        out = subprocess.run([PROGRAM, "compare", "--paper", "x.h5"], capture_output=True, text=True, check=False)
        self.assertEqual(out.returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=0)
