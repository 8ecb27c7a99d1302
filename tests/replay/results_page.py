# SPDX-License-Identifier: BSD-2-Clause
"""The results page from made-up comparisons: sums, ranks, who is inactive, labels, and that a stopped run goes on."""
import importlib.util
import json
import os
import stat
import sys
import tempfile
import time
import unittest

SPEC = importlib.util.spec_from_file_location("results", os.path.join(os.getcwd(), "reports/results/results.py"))
results = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(results)


def run(policy, elapsed, inactive=False, labels=(), way=None):
    return {"policy": policy, "elapsed_ns": elapsed, "inactive": inactive, "labels": list(labels), "to_optimum": way,
            "moves": 3, "copies": 4}


def sets():
    return [{"runs": [run("first_touch", 1000), run("a", 500, labels=["all", "few"], way=0.25), run("b", 700, True)]},
            {"runs": [run("first_touch", 3000), run("a", 3300, labels=["all", "few"]), run("b", 3000, True),
                      run("c", 2400, labels=["all"])]}]


class Figures(unittest.TestCase):
    def test_totals(self):
        self.assertAlmostEqual(results.total(sets(), "a"), 100 * 3800 / 4000)
        self.assertAlmostEqual(results.total(sets(), "c"), 100 * (1000 + 2400) / 4000, msg="lacking: first touch's")
        self.assertEqual(results.total(sets(), "first_touch"), 100)

    def test_cells(self):
        self.assertEqual(results.cell(sets()[0], "a"), "50.0 (25)")
        self.assertEqual(results.cell(sets()[0], "b"), "inactive")
        self.assertEqual(results.cell(sets()[0], "c"), "")

    def test_who_is_never_ranked(self):
        ranked, text, idle = results.overall_part([("m", sets()[:1]), ("n", sets()[1:])])
        self.assertEqual(ranked, ["c", "a", "first_touch"])
        self.assertEqual(idle, ["b"])
        self.assertNotIn("| b |", text)
        self.assertEqual(text.splitlines()[3], "| a | 95.00 | 50.00 | 110.00 |")

    def test_labels(self):
        letters, of, common = results.label_letters(sets())
        self.assertEqual(list(letters.values()), ["all", "few"])
        self.assertEqual(of["a"], {"a", "b"})
        self.assertEqual(of["c"], {"a"})
        self.assertEqual(common, [])

    def test_goes_on_where_it_was(self):
        with tempfile.TemporaryDirectory() as folder:
            program, calls = os.path.join(folder, "program"), os.path.join(folder, "calls")
            with open(program, "w") as out:
                out.write("#!/bin/sh\necho x >> %s\necho '%s'\n" % (calls, json.dumps([])))
            os.chmod(program, stat.S_IRWXU)
            trace = os.path.join(folder, "t.h5")
            open(trace, "w").close()
            past = time.time() - 60
            for path in (program, trace):
                os.utime(path, (past, past))
            sys.stderr, kept = open(os.devnull, "w"), sys.stderr
            self.addCleanup(lambda: setattr(sys, "stderr", kept))
            for expected in (2, 3):  # each asks for the policies, only the first compares
                one = results.Results(program, os.path.join(folder, "kept"))
                one.compare(trace, "m", ["--repeat", "10"])
                with open(calls) as file:
                    self.assertEqual(len(file.readlines()), expected)


if __name__ == "__main__":
    unittest.main()
