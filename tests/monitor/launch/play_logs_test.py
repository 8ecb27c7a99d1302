# SPDX-License-Identifier: BSD-2-Clause
"""monitor play, here and with a made-up machine (fake.py): logs of replays, of other versions, and damaged ones."""

import os
import re
import subprocess
import unittest

from launch_test import FAKE, HERE, PROGRAM, Launch


class Play(Launch):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.digest = cls.write("a.log", "boot", "migrep")

    @classmethod
    def write(cls, log, trace, policy, *options):
        trace = os.path.join(HERE, "../../../datasets/traces", trace + ".h5")
        done = subprocess.run([PROGRAM, "replay", trace, "--no-bounds", "--policy", policy, *options, "--write-log", cls.path(log)],
                              capture_output=True, text=True, timeout=120)
        return re.search("digest of decisions: ([0-9a-f]{16})", done.stdout)[1]

    def play_here(self, log, *arguments):
        done = subprocess.run([PROGRAM, "monitor", "play", self.path(log), *arguments], capture_output=True, timeout=60, text=True)
        return done.returncode, done.stdout, done.stderr

    def play(self, script, *arguments):
        done = subprocess.run([PROGRAM, "monitor", "play", self.path("a.log"), "--qemu", FAKE, "--image", self.path("image"), *arguments],
                              env=self.environment(script), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, text=True)
        self.out, self.err = done.stdout, done.stderr
        return done.returncode

    def test_same_decisions_as_the_replay(self):
        self.assertEqual(self.play(""), 0, self.err)
        self.assertIn(f"digest {self.digest}\n", self.out)

    def test_what_the_policy_saw_is_in_the_log(self):
        # Accessed bits and hints; load and misses; both: each moves hundreds of pages.
        for policy, trace, machine in (("tpp", "pmake", "dram-cxl"), ("thrift", "engineering", "flash-4"), ("colloid_tpp", "engineering", "dram-cxl")):
            digest = self.write("seen.log", trace, policy, "--machine", machine)
            code, out, err = self.play_here("seen.log")
            self.assertEqual(code, 0, err)
            self.assertGreater(int(re.search(r"(\d+) moves", out)[1]), 100, out)
            self.assertIn(f"digest {digest}\n", out)

    def test_a_policy_that_sees_more_than_the_log_holds(self):
        for policy in ("multiclock", "asymsched", "post_facto"):
            code, out, err = self.play_here("a.log", "--policy", policy)
            self.assertEqual((code, out), (1, ""))
            self.assertIn(f"{policy}: asks for accessed bits, load or advice, which this log does not hold", err)

    def test_a_log_of_an_older_version(self):
        with open(self.path("a.log"), "rb") as new, open(self.path("old.log"), "wb") as old:
            old.write(b"BALLLOG1" + new.read()[8:])
        self.assertEqual(self.play_here("old.log")[:2], (1, ""))
        self.assertIn("old.log: a log in the form of an older version; write it again\n", self.play_here("old.log")[2])

    def test_another_policy_decides_otherwise(self):
        self.assertEqual(self.play("", "--policy", "interleave"), 0, self.err)
        self.assertNotIn(self.digest, self.out)

    def test_monitor_agrees_or_does_not(self):
        self.assertEqual(self.play(f"text('played log0 digest={self.digest} touches=1')\nend()", "--metal"), 0, self.err)
        self.assertIn("the same in the monitor", self.out)
        self.assertEqual(self.play("text('played log0 digest=0000000000000001 touches=1')\nend()", "--metal"), 1)
        self.assertIn("NOT THE SAME", self.out)
        self.assertEqual(self.play("text('played log0 failed: too few nodes')\nend()", "--metal"), 1)
        self.assertIn("not played by the monitor: too few nodes", self.out)
        self.assertEqual(self.play("", "--metal"), 1)
        self.assertEqual(self.play("sys.exit('no such machine')", "--metal"), 1)
        self.assertIn("had played everything: no such machine\n", self.err)

    def test_what_the_monitor_gets(self):
        script = "import shutil\nshutil.copy(module('log0'), os.environ['FAKE'] + '.got')\nend()"
        self.play(script, "--metal", "--policy", "interleave")
        with open(self.path("script.py.got"), "rb") as got, open(self.path("a.log"), "rb") as sent:
            a, b = got.read(), sent.read()
        self.assertEqual(a[48:58], b"interleave")
        self.assertEqual((a[:48], a[304:]), (b[:48], b[304:]))

    def test_damaged_logs(self):
        with open(self.path("a.log"), "rb") as file:
            whole = file.read()
        for size in (0, 7, 100, 304, 1000, len(whole) - 1):
            with open(self.path("short.log"), "wb") as file:
                file.write(whole[:size])
            code, _, err = self.play_here("short.log")
            self.assertEqual((code, err.count("\n")), (1, 1), err)


if __name__ == "__main__":
    unittest.main()
