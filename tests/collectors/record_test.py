# SPDX-License-Identifier: BSD-2-Clause
"""record, end to end, by page faults: a program touches pages that are known, and exactly these must be in the trace."""

import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: h5py and numpy are not installed")
    sys.exit(77)

MIRRORBALL = os.environ["MIRRORBALL"]
TOUCH = os.environ["TOUCH"]
PAGE = 4096
FAULTS = ["record", "--source", "faults", "--counters", "none"]


def run(*args, **options):
    return subprocess.run([MIRRORBALL, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, timeout=60, **options)


def text_of(value):
    return value.decode() if isinstance(value, bytes) else value


def nodes():
    try:
        names = os.listdir("/sys/devices/system/node")
    except OSError:
        return {0}
    return {int(name[4:]) for name in names if re.fullmatch(r"node\d+", name)}


def usable():
    done = run("probe", "--format", "json")
    rows = {row["source"]: row for row in json.loads(done.stdout)["rows"]}
    return rows["faults"]["state"] == "works"


class Record(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.out = os.path.join(self.folder, "out.h5")
        self.part = self.out + ".part"

    def record(self, *args, **options):
        done = run(*FAULTS, "-o", self.out, *args, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(os.path.exists(self.part), "the spool was left")
        return done

    def touched(self):
        """How often each address of a page is in the trace; the file's attributes."""
        with h5py.File(self.out) as f:
            address = f["pages/address"][:][f["trace/page"][:]]
            return collections.Counter(address.tolist()), dict(f.attrs)

    def check_ranges(self, text, times=1):
        """Every page of every range that the program named is there, so often."""
        seen, attrs = self.touched()
        ranges = re.findall(r"^0x(\w+) (\d+)$", text, re.M)
        self.assertTrue(ranges, text)
        for base, pages in ranges:
            for i in range(int(pages)):
                self.assertEqual(seen[int(base, 16) + i * PAGE], times, f"page {i} of {pages}")
        self.assertIn("page-touch", text_of(attrs["labels"]))
        self.assertEqual(text_of(attrs["source"]), "faults")
        self.assertEqual(attrs["lost"], 0)
        return attrs

    def test_every_page_once(self):
        done = self.record("--", TOUCH, "3000", "1", "0")
        self.check_ranges(done.stdout)
        self.assertIn("the command exited with 7", done.stderr)
        self.assertNotIn("kernel counted", done.stderr)

    def test_threads_are_included(self):
        done = self.record("--", TOUCH, "500", "4", "0")
        self.check_ranges(done.stdout)
        self.assertEqual(done.stdout.count(" 500\n"), 4)

    def test_grandchildren_are_included(self):
        done = self.record("--", "sh", "-c", f"{TOUCH} 400 1 0; {TOUCH} 300 1 0; true")
        ranges = re.findall(r"^0x(\w+) (\d+)$", done.stdout, re.M)
        self.assertEqual([pages for _, pages in ranges], ["400", "300"])
        seen, _ = self.touched()
        # Address spaces of later processes are told apart by bits above 48.
        low = collections.Counter(address & (1 << 48) - 1 for address in seen.elements())
        for base, pages in ranges:
            for i in range(int(pages)):
                self.assertGreaterEqual(low[int(base, 16) + i * PAGE], 1)

    def test_a_running_process_and_its_threads(self):
        with subprocess.Popen([TOUCH, "200", "3", "2000"], stdout=subprocess.PIPE, text=True) as target:
            text = "".join(target.stdout.readline() for _ in range(3))
            self.record("-p", str(target.pid), "--duration", "1")
            self.assertIsNone(target.poll(), "a process that was only looked at has ended")
            target.kill()
        seen, _ = self.touched()
        for base, pages in re.findall(r"^0x(\w+) (\d+)$", text, re.M):
            hit = sum(seen[int(base, 16) + i * PAGE] > 0 for i in range(int(pages)))
            self.assertGreater(hit, 100, "a thread is missing")
        with h5py.File(self.out) as f:
            self.assertTrue(set(f["pages/node"][:].tolist()) <= {*nodes(), 255})
            self.assertTrue(set(f["pages/node"][:].tolist()) & nodes(), "no page has a node")

    def test_a_process_that_ends(self):
        """Ended, and still a zombie: nobody has waited for it."""
        with subprocess.Popen(["sleep", "1"]) as target:
            began = time.monotonic()
            done = run(*FAULTS, "-o", self.out, "-p", str(target.pid))
            self.assertLess(time.monotonic() - began, 20)
            self.assertIn(done.returncode, (0, 1))  # a sleeper touches next to nothing

    def test_nothing_is_lost_unnoticed(self):
        """A ring of 16 KiB overflows; what was received and what was lost are all that the program touched."""
        done = self.record("--buffer", "16", "--", TOUCH, "100000", "2", "0")
        self.assertNotIn("kernel counted", done.stderr)
        seen, attrs = self.touched()
        every = seen.total() + int(attrs["lost"])
        self.assertGreaterEqual(every, 200000)
        with open(TOUCH, "rb") as program:
            sanitized = b"__asan_init" in program.read()
        # Its own pages besides are a few hundred; a sanitized one touches a page of shadow for each eight as well.
        self.assertLess(every, 230000 if sanitized else 202000)
        told = re.search(r"(\d+) of (\d+) samples found no room", done.stderr)
        if told:
            self.assertEqual((int(told[1]), int(told[2])), (int(attrs["lost"]), seen.total() + int(attrs["lost"])))

    def test_duration_ends_a_command(self):
        began = time.monotonic()
        done = self.record("--duration", "1", "--", TOUCH, "200", "1", "2000")
        self.assertLess(time.monotonic() - began, 20)
        self.assertIn("ended by signal 15", done.stderr)

    def started(self, *args, **options):
        """A recording that has begun: its command has spoken."""
        p = subprocess.Popen([MIRRORBALL, *FAULTS, "-o", self.out, *args], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(p.stderr.close)
        self.addCleanup(p.stdout.close)
        return p, p.stdout.readline()

    def test_interrupt_leaves_a_whole_file(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            p, text = self.started("--", TOUCH, "1000", "1", "20000")
            time.sleep(0.5)
            p.send_signal(number)
            self.assertEqual(p.wait(30), 0)
            self.assertFalse(os.path.exists(self.part))
            self.assertEqual(run("info", "--verify", self.out).returncode, 0)
            seen, _ = self.touched()
            base = int(text.split()[0], 16)
            self.assertGreater(sum(seen[base + i * PAGE] > 0 for i in range(1000)), 900)

    def test_interrupt_while_the_trace_is_made(self):
        """The signal after the one that ended the recording: no trace, and the spool is there for import."""
        p, text = self.started("--", TOUCH, "1000", "1", "20000")
        time.sleep(0.5)
        while p.poll() is None:
            p.send_signal(signal.SIGINT)
            time.sleep(0.0005)
        self.assertIn(p.returncode, (1, -signal.SIGINT), "ended by itself, or by the last signal on its way out")
        said = p.stderr.read()
        self.assertIn(f"interrupted; nothing was written; what was recorded is in {self.part}: mirrorball import reads it", said)
        self.assertEqual(os.listdir(self.folder), ["out.h5.part"])
        self.assertEqual(run("import", self.part, "-o", self.out).returncode, 0)
        self.assertTrue(self.touched()[0] and text)

    def test_nohup(self):
        """A terminal that goes away does not end a recording that was told not to mind."""
        p, text = self.started("--", TOUCH, "500", "1", "20000",
                               preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        p.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertIsNone(p.poll(), "SIGHUP ended it")
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(30), 0)
        self.assertTrue(text)

    def test_kill_leaves_a_spool_that_imports(self):
        p, text = self.started("--", TOUCH, "1000", "1", "20000", start_new_session=True)
        time.sleep(0.7)
        second = run(*FAULTS, "-o", self.out, "--", "true")
        self.assertEqual((second.returncode, len(second.stderr.splitlines())), (1, 1), second.stderr)
        self.assertIn(".part: another recording is writing there", second.stderr)
        p.kill()
        p.wait(30)
        os.killpg(p.pid, signal.SIGKILL)  # the command goes on without its recorder
        self.assertFalse(os.path.exists(self.out))
        with open(self.part, "ab") as f:
            f.truncate(os.path.getsize(self.part) - 13)  # within a record
        done = run("import", self.part, "-o", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        seen, _ = self.touched()
        base = int(text.split()[0], 16)
        self.assertGreater(sum(seen[base + i * PAGE] > 0 for i in range(1000)), 900)
        again = run(*FAULTS, "-o", self.out, "--", "true")
        self.assertEqual(again.returncode, 1, "a spool was overwritten")
        self.assertIn(".part: is there already", again.stderr)

    def test_full_disk(self):
        folder = os.path.join(self.folder, "small")
        os.mkdir(folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=False,
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no rights to mount")
        self.addCleanup(subprocess.run, ["umount", folder], check=False)
        out = os.path.join(folder, "out.h5")
        done = run(*FAULTS, "-o", out, "--", TOUCH, "20000", "1", "0")
        self.assertEqual(done.returncode, 1)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("No space left", lines[0])
        self.assertIn("out.h5.part", lines[0])
        self.assertFalse(os.path.exists(out))
        done = run("import", out + ".part", "-o", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_counters_and_steps_are_in_the_file(self):
        done = run("record", "--source", "faults", "-o", self.out, "--counters",
                   "perf::PAGE-FAULTS,perf::NO-SUCH-THING", "--", TOUCH, "3000", "1", "0")
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.out) as f:
            series = [row["name"].decode() for row in f["collect/counters"]]
            self.assertEqual(series, ["perf::PAGE-FAULTS"])
            values = f["collect/values"]["value"][:]
            self.assertGreaterEqual(values[-1], 3000)
            self.assertTrue((np.diff(values) >= 0).all())
            steps = [row["text"].decode() for row in f["collect/steps"]]
            self.assertTrue(any("perf::NO-SUCH-THING" in step for step in steps), steps)

    def test_the_report_shows_counters(self):
        """The curve of the page is the rate of the readings, relative to its peak."""
        done = run("record", "-q", "--source", "faults", "-o", self.out, "--counters", "perf::PAGE-FAULTS", "--duration", "1",
                   "--", TOUCH, "500", "1", "4000")
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.out) as f:
            rows = f["collect/values"][:]
            rate = np.diff(rows["value"]) / np.diff(rows["time"].astype(float)) * 1e9
        results, page = os.path.join(self.folder, "r.h5"), os.path.join(self.folder, "r.html")
        self.assertEqual(run("compare", self.out, "--policy", "first_touch", "-o", results).returncode, 0)
        self.assertEqual(run("report", results, "-o", page).returncode, 0)
        with open(page, encoding="utf-8") as f:
            data = json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', f.read(), re.S)[1])
        (counter,) = data[0]["counters"]
        self.assertTrue(counter["spec"].startswith("perf::PAGE-FAULTS, "))
        self.assertTrue(np.allclose(counter["series"]["share"], rate / rate.max(), atol=1e-6))
        os.rename(self.out, self.out + ".moved")  # no trace, no curves, and a page all the same
        self.assertEqual(run("report", results, "-o", page).returncode, 0)

    def test_without_rights(self):
        if os.geteuid() or not shutil.which("setpriv"):
            self.skipTest("needs root and setpriv")
        with open("/proc/sys/kernel/perf_event_paranoid", encoding="ascii") as f:
            paranoid = int(f.read())
        if not 1 <= paranoid <= 2:
            self.skipTest(f"perf_event_paranoid is {paranoid}")
        program = os.path.join(self.folder, "mirrorball")
        shutil.copy(MIRRORBALL, program)
        shutil.copy(TOUCH, os.path.join(self.folder, "touch"))
        os.chmod(self.folder, 0o777)
        nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program]
        options = {"cwd": self.folder, "text": True, "capture_output": True, "check": False, "timeout": 60}
        done = subprocess.run([*nobody, *FAULTS, "-o", "out.h5", "--", "./touch", "2000", "1", "0"], **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_ranges(done.stdout)
        done = subprocess.run([*nobody, *FAULTS, "-o", "all.h5", "-a", "--duration", "1"], **options)
        self.assertEqual(done.returncode, 1)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("perf_event_paranoid", lines[0])
        self.assertEqual(os.listdir(self.folder).count("all.h5.part"), 0)

    def test_help_keeps_its_lists(self):
        for command, row in (("record", "  spe     Arm: loads"), ("import", "  mitos   CSV of Mitos and MemAxes")):
            lines = run(command, "--help").stdout.splitlines()
            self.assertTrue(any(line.startswith(row) for line in lines), command)

    def test_live_refuses_in_one_line(self):
        """Before anything is started, and with what to do about it."""
        for args, code, word in (
            (["--policy", "nonsense", "--", "true"], 2, "no policy is called"),
            (["--policy", "post_facto", "--source", "faults", "--", "sleep", "1"], 1, "knows the future, and runs in replay only"),
            (["--policy", "migrep", "-p", "2000000000"], 1, "process 2000000000: there is none"),
            (["--policy", "migrep", "--source", "pbes", "--", "true"], 2, "--source"),
            (["--policy", "migrep", "--source", "faults", "--period", "5", "--", "true"], 2, "--period is not for --source faults"),
            (["--policy", "migrep", "--", "/no/such/program"], 1, "cannot run /no/such/program: No such file"),
        ):
            done = run("live", *args, cwd=self.folder)
            self.assertEqual(done.returncode, code, (args, done.stderr))
            lines = done.stderr.splitlines()
            self.assertEqual(len(lines), 1, (args, done.stderr))
            self.assertIn(word, lines[0])

    def test_live_on_a_terminal(self):
        """The screen says what the warning said that it wiped away."""
        def told(term):
            screen, terminal = os.openpty()
            self.addCleanup(os.close, screen)
            done = subprocess.run([MIRRORBALL, "live", "-P", "first_touch", "-s", "faults", "-d", "1", "--", "sleep", "9"],
                                  stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.PIPE, check=False, timeout=60,
                                  env={**os.environ, "TERM": term})
            os.close(terminal)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done, os.read(screen, 65536).decode()

        self.assertNotIn("\033", told("dumb")[1])
        done, text = told("xterm")
        drawn = text.split("\033[H")
        self.assertEqual(len(drawn), 2, "one second, one screen")
        self.assertIn("would save", drawn[1])
        self.assertEqual(b"one node" in done.stderr, "one node" in drawn[1])
        self.assertEqual(os.path.isdir("/sys/devices/system/node/node1"), "one node" not in drawn[1])

    def test_a_source_of_other_processors(self):
        if os.uname().machine != "x86_64":
            self.skipTest("not on x86-64")
        done = run("record", "--source", "spe", "--", "true", cwd=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not an Arm processor", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_an_option_that_the_chosen_source_does_not_know(self):
        rows = {row["source"]: row["state"] for row in json.loads(run("probe", "--format", "json").stdout)["rows"]}
        if any(rows[source] == "works" for source in ("ibs", "pebs", "spe")):
            self.skipTest("a counter works here")
        done = run("record", "--latency", "5", "--counters", "none", "-o", self.out, "--", TOUCH, "100", "1", "0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--latency means nothing to faults, which was chosen here", done.stderr)

    def test_usage(self):
        for args, code, word in (
            (["--", "/no/such/program"], 1, "cannot run /no/such/program: No such file"),
            ([], 2, "nothing to record"),
            (["-p", "1", "--", "true"], 2, "choose one"),
            (["-p", "2000000000"], 1, "process 2000000000: there is none"),
            (["--period", "5", "--rate", "6", "--", "true"], 2, "--period and --rate"),
            (["--l1", "65536", "--", "true"], 2, "--l1 is only for"),
            (["--source", "qemu", "--period", "5", "--", "true"], 2, "--period is not for"),
            (["--source", "qemu"], 2, "behind --"),
            (["--source", "faults", "--latency", "5", "--", "true"], 2, "--latency is not for --source faults, only for pebs, spe"),
            (["--source", "faults", "--period", "5", "--", "true"], 2, "--period is not for --source faults"),
            (["--source", "ibs", "--latency", "5", "--", "true"], 2, "--latency is not for --source ibs"),
            (["--source", "pebs", "--all-levels", "--", "true"], 2, "--all-levels is not for --source pebs, only for ibs"),
            (["--source", "spe", "--rate", "5", "--", "true"], 2, "--rate is not for --source spe"),
            (["--source", "faults", "--l1", "65536", "--", "true"], 2, "--l1 is not for --source faults, only for qemu"),
            (["--buffer", "48", "--", "true"], 2, "power of two"),
            (["--source", "falts", "--", "true"], 2, "did you mean 'faults'"),
            (["-o", "/no/such/folder/x.h5", "--", "true"], 1, "No such file"),
        ):
            done = run("record", *args, cwd=self.folder)
            self.assertEqual(done.returncode, code, (args, done.stderr))
            self.assertEqual(len(done.stderr.splitlines()), 1, (args, done.stderr))
            self.assertIn(word, done.stderr)
        self.assertEqual(os.listdir(self.folder), [])


if not usable():
    print("skipped: page faults cannot be recorded here")
    sys.exit(77)
unittest.main()
