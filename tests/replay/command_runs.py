# SPDX-License-Identifier: BSD-2-Clause
"""replay, sweep and policies end to end."""
import csv
import io
import itertools
import json
import os
import re
import unittest

import h5py

from command_tools import CommandTest


class Replay(CommandTest):
    def test_is_the_run_of_compare(self):
        want = next(r for r in self.json("compare", self.a)["runs"] if r["policy"] == "migrep")
        got = self.json("replay", self.a, "--policy", "migrep")["runs"]
        self.assertEqual(got, [want])

    def test_shows_the_whole_break_down(self):
        text = self.good("replay", self.a, "--policy", "migrep:trigger=32,sharing=8", "--budget", 1)
        for word in ("exec", "local", "remote", "overhead", "refused: +budget", "from .* to", "utilisation", "optimum"):
            self.assertRegex(text.lower(), word)
        self.assertRegex(text.splitlines()[0], "60,000")

    def test_writes_one_run(self):
        out = self.path("run.h5")
        self.good("replay", self.a, "--policy", "migrep", "-o", out)
        with h5py.File(out) as file:
            self.assertEqual(len(file["summary"]), 1)
            self.assertEqual(file["summary"][0]["policy"], b"migrep")
        os.unlink(out)


class Sweep(CommandTest):
    def test_every_combination(self):
        runs = self.json("sweep", self.a, "--policy", "migrep:write=2", "--vary", "trigger=16..64:x2", "--vary",
                         "sharing=4,8")["runs"]
        self.assertCountEqual([(r["params"]["trigger"], r["params"]["sharing"]) for r in runs],
                              list(itertools.product((16, 32, 64), (4, 8))))
        self.assertEqual({r["params"]["write"] for r in runs}, {2})

    def test_each_run_is_what_replay_makes_of_it(self):
        for run in self.json("sweep", self.a, "--policy", "migrep", "--vary", "trigger=32..128:x2")["runs"]:
            spec = "migrep:trigger=%d" % run["params"]["trigger"]
            self.assertEqual(self.json("replay", self.a, "--policy", spec)["runs"], [run])

    def test_table_has_the_varied_columns_first_and_an_answer(self):
        text = self.good("sweep", self.a, "--policy", "migrep", "--vary", "trigger=32..128:x2", "--vary", "sharing=4,8")
        head = next(line for line in text.splitlines() if "trigger" in line and "policy" in line)
        self.assertLess(head.index("trigger"), head.index("sharing"))
        self.assertLess(head.index("sharing"), head.index("policy"))
        self.assertEqual(len(re.findall(r"^ *(?:32|64|128) +[48] ", text, re.M)), 6)
        self.assertRegex(text.rstrip().splitlines()[-1], "best")

    def test_csv_and_file(self):
        out = self.path("sweep.h5")
        text = self.good("sweep", self.a, "--policy", "migrep", "--vary", "trigger=32..128:x2", "-o", out, "-f", "csv")
        rows = list(csv.DictReader(io.StringIO(text)))
        with h5py.File(out) as file:
            self.assertCountEqual([int(r["elapsed_ns"]) for r in file["summary"]], [int(r["elapsed_ns"]) for r in rows])
        self.assertEqual(len(rows), 3)
        os.unlink(out)


class Policies(CommandTest):
    def test_list_in_all_formats(self):
        listed = json.loads(self.good("policies", "--format", "json"))
        for one in listed:
            self.assertLessEqual({"name", "summary", "source", "observes", "tick_ns", "params"}, set(one))
        names = [c["name"] for c in listed]
        for name in ("first_touch", "interleave", "post_facto", "migrep", "migrate_only", "replicate_only", "competitive"):
            self.assertIn(name, names)
        rows = list(csv.DictReader(io.StringIO(self.good("policies", "--format", "csv"))))
        self.assertEqual([r["policy"] for r in rows], names)
        self.assertEqual([r["summary"] for r in rows], [c["summary"] for c in listed])
        table = self.good("policies").splitlines()
        self.assertEqual([line.split()[0] for line in table[1:]], names)

    def test_parameters_of_one(self):
        one = self.json("policies", "migrep")
        params = {p["name"]: p for p in one["params"]}
        self.assertEqual(params["trigger"]["default"], 128)
        self.assertEqual(params["sharing"]["default"], 32)
        self.assertEqual(params["reset_ns"]["default"], 100000000)
        rows = {r["parameter"]: r for r in csv.DictReader(io.StringIO(self.good("policies", "migrep", "-f", "csv")))}
        self.assertEqual(list(rows), list(params))
        for name, p in params.items():
            self.assertEqual((rows[name]["default"], rows[name]["unit"], rows[name]["help"]),
                             (str(p["default"]), p["unit"], p["help"]))
            self.assertLessEqual(p["min"], p["default"])
        text = self.good("policies", "migrep")
        for name in params:
            self.assertRegex(text, r"(?m)^%s " % name)

    def table(self, name):
        """Parameter -> what the table shows as default, least, most and unit."""
        lines = self.good("policies", name).split("\n\n")[1].splitlines()
        return {line.split()[0]: line.split()[1:5] for line in lines[1:]}

    def test_sizes_and_times_bear_their_units(self):
        self.assertEqual(self.table("thermostat")["group_bytes"], ["2MiB", "1B", "16MiB", "size"])
        self.assertEqual(self.table("thermostat")["slow_ns"], ["1us", "1ns", "1ms", "time"])
        self.assertEqual(self.table("numad")["memory_min"], ["300MiB", "0", "1PiB", "size"])
        self.assertEqual(self.table("tmts")["pass_bytes"], ["4GB", "1B", "unbounded", "size"])
        self.assertEqual(self.table("hybridtier")["plateau_bytes"][0], "100000KiB")
        self.assertEqual(self.table("autonuma")["scan_size"][:3], ["256MiB", "4KiB", "1TiB"])

    def test_what_the_table_shows_can_be_typed(self):
        for spec, name, value in (("thermostat:group_bytes=4MiB", "group_bytes", 4194304),
                                  ("tmts:pass_bytes=3GB", "pass_bytes", 3000000000),
                                  ("tmts:pass_bytes=3Gi", "pass_bytes", 3221225472),
                                  ("colloid:line=1kB", "line", 1000), ("colloid:line=64B", "line", 64),
                                  ("autonuma:scan_size=1TiB", "scan_size", 1 << 40)):
            run = self.json("replay", self.b, "--policy", spec)["runs"][0]
            self.assertEqual(run["params"][name], value, spec)
        self.bad(1, "replay", self.b, "--policy", "thermostat:slowdown=3MiB", says="slowdown=3MiB is not a number")
        self.bad(1, "replay", self.b, "--policy", "thermostat:group_bytes=3ms", says="or a size with B, kB")

    def test_every_class_states_its_source(self):
        for one in json.loads(self.good("policies", "--format", "json")):
            self.assertGreater(len(one["source"]), 5, one["name"])
            self.assertEqual(one, self.json("policies", one["name"]))

    def test_the_ends_of_every_range_are_accepted(self):
        """What `policies` says a parameter may be, --policy takes; one beyond, it refuses."""
        for one in json.loads(self.good("policies", "--format", "json")):
            if "advice" in one["observes"]:
                continue
            for p in one["params"]:
                if p["min"] > 0:
                    self.bad(1, "replay", self.b, "--policy", "%s:%s=%d" % (one["name"], p["name"], p["min"] - 1),
                             says=p["name"])
                if p["max"] is not None:
                    self.bad(1, "replay", self.b, "--policy", "%s:%s=%d" % (one["name"], p["name"], p["max"] + 1),
                             says=p["name"])


if __name__ == "__main__":
    unittest.main()
