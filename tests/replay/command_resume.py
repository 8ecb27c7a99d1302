# SPDX-License-Identifier: BSD-2-Clause
"""A sweep that is killed goes on where it stopped: no run is lost, none is made twice."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import h5py

from command_tools import PROGRAM, CommandTest, run

VARIED = ["--vary", "trigger=16..80:+1", "--vary", "sharing=4..64:x2", "--threads", "1"]
RUNS = 65 * 5


def kept(folder):
    return sorted(f for f in os.listdir(folder) if f.endswith(".h5")) if os.path.isdir(folder) else []


def numbers(folder):
    """What the kept files hold: the parameters of each run."""
    held = []
    for name in kept(folder):
        with h5py.File(os.path.join(folder, name)) as file:
            for group in file["runs"].values():
                held.append(tuple(int(row[1]) for row in group["parameters"][:]))
    return held


class Resume(CommandTest):
    def setUp(self):
        self.out = self.path("sweep.h5")
        self.part = self.out + ".part"
        self.line = ["sweep", self.a, "--policy", "migrep", *VARIED, "--format", "json", "-o", self.out]

    def tearDown(self):
        shutil.rmtree(self.part, ignore_errors=True)
        if os.path.exists(self.out):
            os.unlink(self.out)

    def start(self, files):
        """A sweep in progress, with that many files kept."""
        sweep = subprocess.Popen([PROGRAM, *self.line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.time() + 60
        while len(kept(self.part)) < files and sweep.poll() is None and time.time() < end:
            time.sleep(0.002)
        return sweep

    def kill(self, sweep):
        sweep.send_signal(signal.SIGKILL)
        sweep.wait()

    def test_killed_twice_and_gone_on(self):
        want = self.json(*self.line[:-4])
        for files in (2, 7):
            self.kill(self.start(files))
            self.assertFalse(os.path.exists(self.out))
        held = numbers(self.part)
        self.assertGreaterEqual(len(kept(self.part)), 7)
        self.assertLess(len(held), RUNS)
        self.assertEqual(len(set(held)), len(held), "no run was made twice")
        done = run(*self.line)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"^mirrorball sweep: %d of %d runs were done before\n$" % (len(held), RUNS))
        got = json.loads(done.stdout)
        self.assertEqual(len(got["runs"]), RUNS)
        self.assertEqual(got["runs"], want["runs"], "the same numbers in the same order")
        self.assertFalse(os.path.exists(self.part), "nothing is left")
        with h5py.File(self.out) as file:
            self.assertEqual(len(file["summary"]), RUNS)

    def test_a_damaged_file_is_made_again(self):
        self.kill(self.start(3))
        held = len(numbers(self.part))
        with open(os.path.join(self.part, kept(self.part)[0]), "r+b") as file:
            file.truncate(1000)
        with open(os.path.join(self.part, "000099.h5.77.tmp"), "wb") as file:
            file.write(b"half")
        done = run(*self.line)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("%d of %d" % (held - 8, RUNS), done.stderr)
        self.assertEqual(len(json.loads(done.stdout)["runs"]), RUNS)
        self.assertFalse(os.path.exists(self.part))

    def test_another_sweep_is_not_mixed_in(self):
        self.kill(self.start(2))
        other = [w if w != "sharing=4..64:x2" else "sharing=4,8" for w in self.line]
        before = kept(self.part)
        done = run(*other)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertRegex(done.stderr, "another sweep; remove it or choose another --output")
        self.assertEqual(kept(self.part), before)

    def test_two_at_once(self):
        first = self.start(1)
        done = run(*self.line)
        if first.poll() is None:  # else it was too quick
            self.kill(first)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "another sweep is writing there")

    def test_without_output_nothing_is_kept(self):
        before = sorted(os.listdir(self.folder))
        self.json("sweep", self.a, "--policy", "migrep", "--vary", "trigger=16,32")
        self.assertEqual(sorted(os.listdir(self.folder)), before)


if __name__ == "__main__":
    unittest.main()
