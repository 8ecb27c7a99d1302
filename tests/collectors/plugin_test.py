# SPDX-License-Identifier: BSD-2-Clause
"""Captures under qemu-x86_64 of programs whose misses are counted by hand: 32 KiB (512 lines), 1 MiB (16384 lines), LRU."""

import collections
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from plugin_records import COHERENCE, COLD, FIRST, READ, REPLACEMENT, UPGRADE, WRITE, records

MIRRORBALL, GUEST = os.environ["MIRRORBALL"], os.environ["GUEST"]
SKIP = 77


class Plugin(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mirrorball-plugin-")
        self.raw, self.out = (os.path.join(self.folder.name, name) for name in ("raw.tr", "out.h5"))

    def tearDown(self):
        self.folder.cleanup()

    def command(self, *words, mark=True):
        options = ["--mark"] if mark else []
        return [MIRRORBALL, "record", "--source", "qemu", *options, "--raw", self.raw, "-o", self.out, *words]

    def record(self, *words, options=()):
        """Records in the guest's buffer, as counts by kind and cause, and all of them."""
        for path in (self.raw, self.out):
            if os.path.exists(path):
                os.remove(path)
        run = subprocess.run(self.command(*options, "--", GUEST, *words), capture_output=True, text=True, timeout=120,
                             check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.said = run.stderr
        base = int(run.stdout.split()[0], 16)
        self.head, every = records(self.raw)
        self.assertTrue(all(x.time <= y.time for x, y in zip(every, every[1:])), "time goes backwards")
        self.inside = [r for r in every if base <= r.address < base + (4 << 20)]
        return collections.Counter((r.kind, r.cause) for r in self.inside)

    def test_walks(self):
        self.assertEqual(self.record("r", "1000"), {(READ, COLD): 1000})
        self.assertEqual(self.record("rr", "1000"), {(READ, COLD): 1000}, "the second walk finds all in the second level")
        self.assertEqual(self.record("ww", "1000"), {(WRITE, COLD): 1000})
        self.assertEqual(self.record("rww", "1000"), {(READ, COLD): 1000, (UPGRADE, FIRST): 1000})
        self.assertEqual(len({r.address for r in self.inside}), 1000)
        self.assertEqual({(r.cpu, r.thread, r.elsewhere) for r in self.inside}, {(0, 0, 0)})
        self.assertEqual(self.head[1:], (2, 16, 64, 4096, 0, 1000, 64 << 48 | 8 << 32 | 1024 << 16 | 16))

    def test_beyond_the_cache(self):
        """With LRU a walk over more than fits, again and again, misses always."""
        self.assertEqual(self.record("rr", "32768"), {(READ, COLD): 32768, (READ, REPLACEMENT): 32768})
        small = self.record("rr", "2048", options=("--l2", "64Ki", "--l1", "16Ki"))
        self.assertEqual(small, {(READ, COLD): 2048, (READ, REPLACEMENT): 2048})
        self.record("r", "1000", options=("--l1", "48Ki", "--l1-ways", "12", "--l2", "256Ki", "--l2-ways", "4"))
        self.assertEqual(self.head[7], 64 << 48 | 12 << 32 | 1024 << 16 | 4)

    def test_long_lines(self):
        self.assertEqual(self.record("r", "1000", options=("--line", "128")), {(READ, COLD): 500})
        self.assertEqual(self.head[3], 128)
        self.assertTrue(all(r.address % 128 == 0 for r in self.inside))

    def test_clock(self):
        """100 cycles a miss, and at least one per instruction: from the first to the last record of the walk."""
        self.record("r", "1000")
        span = self.inside[-1].time - self.inside[0].time
        self.assertGreaterEqual(span, 999 * (100 + 3))
        self.assertLess(span, 999 * (100 + 12) + 2000)

    def test_two_threads(self):
        """One line goes to and fro 2 x 1000 times. A hand-over is a read or write that misses what the other wrote."""
        found = self.record("play", "1000")
        coherent = sum(n for (_, cause), n in found.items() if cause == COHERENCE)
        self.assertGreater(coherent, 1000)
        self.assertLess(coherent, 4 * 4 * 1000)
        self.assertEqual({r.thread for r in self.inside}, {1, 2})
        self.assertEqual({r.cpu for r in self.inside}, {1, 2})
        # Here who waits does not stop at the end of a span: each turn takes a time slice of the host, on a busy one many.
        shared = self.record("play", "20", options=("--cpus", "1"))
        self.assertEqual(shared, {(READ, COLD): 1, (UPGRADE, FIRST): 1}, "threads on one CPU share its caches")

    def test_children_are_not_followed(self):
        self.assertEqual(self.record("fork", "1000"), {})
        self.assertIn("processes that the program started (1) are not captured", self.said)
        self.record("r", "1000")
        self.assertNotIn("not captured", self.said)

    def test_another_program_is_not_followed(self):
        """Not `true`, which env becomes; what env did until then is in the capture, as there is no end."""
        run = subprocess.run(self.command("--", shutil.which("env"), "true", mark=False), capture_output=True, text=True,
                             timeout=120, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stderr.count("becomes another one by execve"), 1, run.stderr)
        self.assertGreater(len(records(self.raw)[1]), 1000)
        self.assertNotIn("processes that the program started", run.stderr)

    def test_children_and_then_another_program(self):
        """What was started is told before the program goes; env looks for `true` in several places, and it is told once."""
        env = shutil.which("env")
        run = subprocess.run(self.command("--", shutil.which("sh"), "-c", f"{env} true; {env} true; exec {env} true", mark=False),
                             capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stderr.count("becomes another one by execve"), 1, run.stderr)
        self.assertEqual(run.stderr.count("processes that the program started (2) are not captured"), 1, run.stderr)
        self.assertEqual(run.stderr.count("processes that the program started"), 1, run.stderr)

    def test_same_twice(self):
        first = self.folder.name + "/first.tr"
        for mark in (True, False):
            for _ in range(2):
                if os.path.exists(self.raw):
                    os.rename(self.raw, first)
                subprocess.run(self.command("--", GUEST, "rw", "20000", mark=mark), capture_output=True, timeout=120, check=True)
            with open(first, "rb") as one, open(self.raw, "rb") as two:
                self.assertEqual(one.read(), two.read())
            os.remove(self.raw)

    def test_kill(self):
        """A kill in mid-run leaves a capture that reads to its last whole record, and no QEMU."""
        run = subprocess.Popen(self.command("--", GUEST, "forever", "32768"), stdout=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(self.raw) and os.path.getsize(self.raw) > 1 << 20)
        qemu = int(text(f"/proc/{run.pid}/task/{run.pid}/children"))
        run.send_signal(signal.SIGKILL)
        run.wait()
        wait_for(lambda: not os.path.exists(f"/proc/{qemu}") or " Z " in text(f"/proc/{qemu}/stat"))
        self.assertFalse(os.path.exists(self.out))
        size = os.path.getsize(self.raw)
        self.assertEqual(size % 16, 0)
        subprocess.run([MIRRORBALL, "import", self.raw, "-o", self.out], check=True, capture_output=True)
        info = subprocess.run([MIRRORBALL, "info", "--format", "csv", self.out], check=True, capture_output=True, text=True)
        self.assertIn(str((size - 64) // 16), info.stdout)

    def interrupted(self, number):
        """Runs until something is captured, then sends the signal to the recorder alone; its exit code and what it said."""
        run = subprocess.Popen(self.command("--", GUEST, "forever", "32768"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for(lambda: os.path.exists(self.raw) and os.path.getsize(self.raw) > 1 << 20)
        if number is None:
            os.mkdir(self.out)
        run.send_signal(number or signal.SIGTERM)
        try:
            said = run.communicate(timeout=60)[1].decode()
        finally:
            run.kill()
        return run.returncode, said

    def test_interrupt(self):
        """A signal ends the program; what was captured becomes the trace."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            code, said = self.interrupted(number)
            self.assertEqual(code, 0, said)
            self.assertTrue(os.path.exists(self.out))
            os.remove(self.out)
            os.remove(self.raw)

    def test_interrupt_while_the_trace_is_made(self):
        """The capture stays, and is named; by the next run as well, if it was killed before it could say so."""
        words = [word for word in self.command("--", GUEST, "forever", "32768") if word not in ("--raw", self.raw)]
        run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        left = f"{self.out}.{run.pid}.tr"
        wait_for(lambda: os.path.exists(left) and os.path.getsize(left) > 1 << 24)
        run.send_signal(signal.SIGTERM)
        wait_for(lambda: glob.glob(self.out + ".*.recording"))
        run.send_signal(signal.SIGTERM)
        said = run.communicate(timeout=60)[1].decode()
        self.assertEqual(run.returncode, 1, said)
        self.assertIn(f"{left} holds what was captured, for mirrorball import; no trace: interrupted; nothing was written", said)
        self.assertEqual([name for name in os.listdir(self.folder.name) if name.startswith("out.h5")], [os.path.basename(left)])
        done = subprocess.run(self.command("--", GUEST, "rr", "1"), capture_output=True, text=True, timeout=60, check=True)
        self.assertIn(f"warning: {left}: left by a run that did not end; mirrorball import reads what it holds, or remove it", done.stderr)

    def test_a_capture_without_a_trace_is_named(self):
        code, said = self.interrupted(None)
        self.assertEqual(code, 1, said)
        self.assertIn(f"{self.raw} holds what was captured, for mirrorball import; no trace: {self.out}: is a folder", said)
        self.assertGreater(os.path.getsize(self.raw), 1 << 20)

    def test_limit(self):
        self.record("rr", "32768", options=("--records", "5000"))
        self.assertEqual(os.path.getsize(self.raw), 64 + 5000 * 16)

    def test_errors(self):
        script = os.path.join(self.folder.name, "script")
        with open(script, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\n")
        os.chmod(script, 0o755)
        for words, word, path in (
                (["--", script], "interpreter", None),
                (["--", "no-such-program"], "no such program", None),
                (["--", GUEST], "apt-get install qemu-user", self.folder.name),
                (["--l2", "1000000", "--", GUEST], "power of two", None),
                (["-a", "--nodes", "3", "--", "-version"], "nodes", None),
                (["-a", "--from-kernel", "--", "-version"], "choose one", None)):
            run = subprocess.run(self.command(*words), capture_output=True, text=True, check=False,
                                 env={"PATH": path or os.environ["PATH"]})
            self.assertEqual(run.returncode, 1, run.stderr)
            self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
            self.assertIn(word, run.stderr)
            self.assertEqual(os.listdir(self.folder.name), ["script"])
        for words in (["--host-time"], ["--nodes", "2"], ["--memory", "1Gi"], ["--from-kernel"]):
            run = subprocess.run(self.command(*words, "--", GUEST, "r", "1"), capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(f"{words[0]} is only for a whole machine", run.stderr)


def text(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return " Z "


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError("waited in vain")
        time.sleep(0.05)


if __name__ == "__main__":
    if not shutil.which("qemu-x86_64"):
        print("skipped: no qemu-x86_64 (Debian package qemu-user)")
        sys.exit(SKIP)
    unittest.main()
