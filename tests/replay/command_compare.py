# SPDX-License-Identifier: BSD-2-Clause
"""compare end to end: what it prints, what it writes, and rules that every number must keep."""
import collections
import csv
import io
import json
import os
import re
import unittest

import h5py

from command_tools import CPUS, CommandTest, records, run

RUN_TYPES = {
    "policy": str, "params": dict, "elapsed_ns": int, "makespan_ns": int, "exec_ns": int, "local_stall_ns": int,
    "remote_stall_ns": int, "overhead_ns": int, "memory_ns": int, "local_share": float, "moves": int, "copies": int,
    "collapses": int, "refused": int, "replica_bytes_peak": int, "digest": str, "to_optimum": (float, type(None)),
    "inactive": bool, "labels": list,
}
SET_TYPES = {"trace": (str, dict), "machine": (str, dict), "records": int, "misses": int, "runs": list, "bounds": dict}
BOUNDS = ["uma_ns", "first_touch_ns", "post_facto_ns", "optimum_ns"]


def policies():
    return [c["name"] for c in json.loads(run("policies", "--format", "json").stdout)]


def flat_of(result, policy):
    """memory_ns of the policy's run in a result set made without contention."""
    return next(r["memory_ns"] for r in result["runs"] if r["policy"] == policy)


class Compare(CommandTest):
    def test_json_has_the_members_with_their_types(self):
        result = self.json("compare", self.a)
        for name, kind in SET_TYPES.items():
            self.assertIsInstance(result[name], kind, name)
        for name in BOUNDS:
            self.assertIsInstance(result["bounds"][name], int, name)
        self.assertEqual(result["records"], 60000)
        self.assertEqual(result["misses"], 60000)
        for one in result["runs"]:
            for name, kind in RUN_TYPES.items():
                self.assertIsInstance(one[name], kind, name)

    def test_every_policy_by_default_as_recorded_only_where_recorded(self):
        names = policies()
        self.assertIn("as_recorded", names)
        self.assertCountEqual([r["policy"] for r in self.json("compare", self.a)["runs"]], names)
        names.remove("as_recorded")
        self.assertCountEqual([r["policy"] for r in self.json("compare", self.b)["runs"]], names)

    def test_first_touch_is_no_run_unless_asked_for(self):
        result = self.json("compare", self.a, "--policy", "migrep")
        self.assertEqual([r["policy"] for r in result["runs"]], ["migrep"])
        self.assertIsInstance(result["runs"][0]["to_optimum"], float)

    def test_the_parts_add_up(self):
        for more in ([], ["--no-contention"], ["--repeat", "3"], ["--sample", "4"], ["--machine", "skylake-2s"]):
            for r in self.json("compare", self.a, *more)["runs"]:
                self.assertEqual(r["exec_ns"] + r["local_stall_ns"] + r["remote_stall_ns"] + r["overhead_ns"],
                                 r["elapsed_ns"], (r["policy"], more))
                self.assertEqual(r["elapsed_ns"] - r["exec_ns"], r["memory_ns"])
                self.assertLessEqual(r["makespan_ns"], r["elapsed_ns"])
                self.assertTrue(0 <= r["local_share"] <= 1)

    def test_bounds_bound(self):
        for trace in (self.a, self.b):
            result = self.json("compare", trace, "--no-contention")
            b = result["bounds"]
            self.assertLessEqual(b["optimum_ns"], b["post_facto_ns"])
            self.assertLessEqual(b["post_facto_ns"], b["first_touch_ns"])
            self.assertLessEqual(b["uma_ns"], b["optimum_ns"])
            for r in result["runs"]:
                self.assertGreaterEqual(r["memory_ns"], b["optimum_ns"], r["policy"])
            self.assertAlmostEqual(flat_of(result, "first_touch"), b["first_touch_ns"], delta=100)
            self.assertAlmostEqual(flat_of(result, "post_facto"), b["post_facto_ns"], delta=100)

    def test_to_optimum_by_hand(self):
        result = self.json("compare", self.a, "--no-contention")
        first, optimum = result["bounds"]["first_touch_ns"], result["bounds"]["optimum_ns"]
        self.assertGreater(first - optimum, first / 100)
        for r in result["runs"]:
            self.assertAlmostEqual(r["to_optimum"], (first - r["memory_ns"]) / (first - optimum), places=3)

    def test_first_touch_counted_here(self):
        """Local misses and stalls of first touch on flash-4 (300 ns local, 900 ns remote), one CPU per node."""
        home, local = {}, 0
        for _, cpu, page, _ in records(1):
            local += home.setdefault(page, cpu) == cpu
        r = self.json("compare", self.a, "--no-contention", "--policy", "first_touch", "--machine", "flash-4")
        one = r["runs"][0]
        self.assertAlmostEqual(one["local_share"], local / 60000, places=6)
        self.assertAlmostEqual(one["local_stall_ns"], local * 300, delta=100)
        self.assertAlmostEqual(one["remote_stall_ns"], (60000 - local) * 900, delta=100)

    def test_interleave_and_recorded_counted_here(self):
        order, local, recorded = {}, 0, 0
        for _, cpu, page, _ in records(1):
            local += order.setdefault(page, len(order)) % CPUS == cpu
            recorded += page % CPUS == cpu
        r = self.json("compare", self.a, "--policy", "interleave,as_recorded", "--machine", "flash-4")
        share = {one["policy"]: one["local_share"] for one in r["runs"]}
        self.assertAlmostEqual(share["interleave"], local / 60000, places=6)
        self.assertAlmostEqual(share["as_recorded"], recorded / 60000, places=6)

    def test_post_facto_counted_here(self):
        """The best single node of each page, by brute force."""
        users = collections.defaultdict(collections.Counter)
        for _, cpu, page, _ in records(1):
            users[page][cpu] += 1
        best = sum(max(c.values()) for c in users.values())
        for more in ([], ["--no-bounds"]):
            r = self.json("compare", self.a, "--policy", "post_facto", "--machine", "flash-4", *more)
            self.assertAlmostEqual(r["runs"][0]["local_share"], best / 60000, places=6)

    def test_no_bounds(self):
        result = self.json("compare", self.a, "--no-bounds", "--policy", "migrep,first_touch")
        self.assertTrue(all(r["to_optimum"] is None for r in result["runs"]))

    def test_same_policy_with_other_parameters_is_another_run(self):
        result = self.json("compare", self.a, "--policy", "migrep:trigger=64,sharing=8,first_touch", "-P", "migrep")
        got = [(r["policy"], r["params"].get("trigger"), r["params"].get("sharing")) for r in result["runs"]]
        self.assertCountEqual(got, [("migrep", 64, 8), ("first_touch", None, None), ("migrep", 128, 32)])

    def test_same_bytes_for_any_threads_and_grouping(self):
        want = self.good("compare", self.a, "--format", "json", "--threads", 1, "--fuse", 1)
        for threads in (1, 2, 4):
            for fuse in ([], ["--fuse", 1], ["--fuse", 3]):
                got = self.good("compare", self.a, "--format", "json", "--threads", threads, *fuse)
                self.assertEqual(got, want, (threads, fuse))

    def test_several_traces_make_an_array(self):
        both = self.json("compare", self.a, self.b)
        self.assertEqual(both, [self.json("compare", self.a), self.json("compare", self.b)])

    def test_csv_is_the_same_numbers(self):
        rows = list(csv.DictReader(io.StringIO(self.good("compare", self.a, self.b, "--format", "csv"))))
        runs = [r for s in self.json("compare", self.a, self.b) for r in s["runs"]]
        self.assertEqual(len(rows), len(runs))
        names = ("policy", "elapsed_ns", "exec_ns", "moves", "copies", "memory_ns")
        self.assertCountEqual([[row[n] for n in names] for row in rows], [[str(one[n]) for n in names] for one in runs])

    def test_table_is_sorted_and_ends_in_the_answer(self):
        text = self.good("compare", self.a)
        self.assertNotIn("\033", text)
        runs = [r for r in self.json("compare", self.a)["runs"] if not r["inactive"]]
        runs.sort(key=lambda r: r["elapsed_ns"])
        at = [re.search(r"^ *%s\b" % re.escape(r["policy"]), text, re.M).start() for r in runs]
        self.assertEqual(at, sorted(at))
        self.assertRegex(" ".join(text.splitlines()[:2]), r"60,000 .*flash-4")
        self.assertRegex(text.rstrip().splitlines()[-1], "best")

    def test_a_table_and_an_answer_for_each_trace(self):
        text = self.good("compare", self.a, self.b)
        self.assertEqual(len(re.findall(r"^best", text, re.M)), 2)

    def test_heading_names_what_differs(self):
        text = self.good("compare", self.b, "--repeat", 2, "--no-contention", "--policy", "migrep")
        head = "\n".join(text.splitlines()[:2])
        self.assertRegex(head, "no contention|constant latenc")
        self.assertRegex(head, "repeat")

    def test_result_file_holds_the_same_numbers(self):
        out = self.path("out.h5")
        result = self.json("compare", self.a, "-o", out)
        with h5py.File(out) as file:
            rows = {}
            for row in file["summary"][:]:
                rows[row["policy"].decode()] = row
            self.assertEqual(len(rows), len(result["runs"]))
            for one in result["runs"]:
                for name in ("elapsed_ns", "exec_ns", "local_stall_ns", "overhead_ns", "moves", "copies", "makespan_ns"):
                    self.assertEqual(int(rows[one["policy"]][name]), one[name], name)
        os.unlink(out)

    def test_command_is_kept_in_the_result(self):
        out = self.path("it's here.h5")
        self.good("compare", self.b, "--policy", "first_touch", "-o", out)
        found = []
        with h5py.File(out) as file:
            file.visititems(lambda _, item: found.extend(str(v) for v in item.attrs.values()))
            found.extend(str(v) for v in file.attrs.values())
        self.assertTrue(any("compare" in f and "here.h5" in f and "--policy first_touch" in f for f in found), found)
        os.unlink(out)

    def test_report_is_written(self):
        out = self.path("report.html")
        self.good("compare", self.b, "--policy", "first_touch,migrep", "--report", out)
        with open(out) as file:
            self.assertIn("<html", file.read())
        os.unlink(out)

    def test_repeat_multiplies_first_touch(self):
        """No state but the placement: twice the trace is twice the misses at the same places."""
        once = self.json("compare", self.b, "--no-contention", "--policy", "interleave")["runs"][0]
        twice = self.json("compare", self.b, "--no-contention", "--policy", "interleave", "--repeat", 2)["runs"][0]
        self.assertAlmostEqual(twice["remote_stall_ns"], 2 * once["remote_stall_ns"], delta=100)
        self.assertAlmostEqual(twice["local_share"], once["local_share"], places=6)

    def test_cpu_map_decides_what_is_local(self):
        r = self.json("compare", self.b, "--policy", "first_touch", "--cpu-map", "0-3:0", "--machine", "flash-4")
        self.assertEqual(r["runs"][0]["local_share"], 1)
        self.assertEqual(r["runs"][0]["remote_stall_ns"], 0)


if __name__ == "__main__":
    unittest.main()
