# SPDX-License-Identifier: BSD-2-Clause
"""What is refused: in one line, with the right code, before the long run, and leaving nothing behind."""
import os
import resource
import signal
import subprocess
import tempfile
import time
import unittest

from command_tools import PROGRAM, CommandTest, run


class Errors(CommandTest):
    def test_traces(self):
        missing, empty, text = self.path("missing.h5"), self.path("empty.h5"), self.path("text.h5")
        open(empty, "w").close()
        with open(text, "w") as out:
            out.write("not a trace\n" * 1000)
        with open(self.a, "rb") as whole, open(self.path("cut.h5"), "wb") as cut:
            cut.write(whole.read()[: os.path.getsize(self.a) // 2])
        for name in (missing, empty, text, self.path("cut.h5"), self.folder):
            for command in (["compare"], ["replay", "--policy", "migrep"],
                            ["sweep", "--policy", "migrep", "--vary", "trigger=64,128"]):
                self.bad(1, *command, name, says=os.path.basename(name))
        self.bad(1, "compare", self.a, self.b, missing, "-o", self.path("o.h5"), says="missing.h5")

    def test_every_trace_is_opened_before_the_first_long_run(self):
        self.bad(1, "compare", self.a, self.path("missing.h5"), "--repeat", 200000, says="missing.h5", timeout=10)

    def test_policies(self):
        self.bad(1, "compare", self.a, "--policy", "nosuch", says="nosuch.*first_touch")
        self.bad(1, "compare", self.a, "--policy", "migrap", says="migrep")
        self.bad(1, "compare", self.a, "--policy", "migrep:nosuch=1", says="nosuch.*trigger")
        self.bad(1, "compare", self.a, "--policy", "migrep:reset_ns=0", says="reset_ns")
        self.bad(1, "compare", self.a, "--policy", "migrep:trigger=99999999999999999999", says="trigger")
        self.bad(1, "compare", self.a, "--policy", "trigger=5", says="trigger")
        self.bad(1, "compare", self.a, "--policy", "", says="empty")
        self.bad(1, "compare", self.b, "--policy", "as_recorded", says="as_recorded")
        self.bad(1, "compare", self.a, "--policy", "as_recorded", "--machine", "skylake-2s", says="machine lacks")
        self.bad(1, "policies", "nosuch", says="nosuch.*first_touch")
        self.bad(1, "policies", "first_tuch", says="mean first_touch")

    def test_machines(self):
        self.bad(1, "compare", self.a, "--machine", "nosuch", says="nosuch")
        self.bad(1, "compare", self.a, "--machine", self.path("missing.ini"), says="missing.ini")
        for cpu_map in ("0-3:9", "0:0", "x", "0-3:0,2:1", "3-0:0"):
            self.bad(1, "compare", self.a, "--machine", "flash-4", "--cpu-map", cpu_map)

    def test_machine_file_is_no_output(self):
        own = self.path("own.ini")
        with open(own, "w") as out:
            out.write(run("machines", "flash-4", "--ini").stdout)
        self.assertEqual(run("compare", self.b, "--machine", own).returncode, 0)
        self.bad(2, "compare", self.b, "--machine", own, "-o", own, says="overwrite")
        os.unlink(own)

    def test_capacity_below_the_footprint(self):
        self.bad(1, "compare", self.a, "--machine", "flash-4", "--capacity", "0.1", "--repeat", 200000,
                 says="capacity.*180 pages", timeout=10)

    def test_options(self):
        for option, value in (("--repeat", "0"), ("--repeat", "x"), ("--sample", "3"), ("--sample", "65536"),
                              ("--batch", "0"), ("--batch", "65"), ("--capacity", "-1"), ("--capacity", "x"),
                              ("--time-scale", "0"), ("--intensity", "0"), ("--threads", "0"), ("--fuse", "x"),
                              ("--format", "xml"), ("--nosuch", "1")):
            self.bad(2, "compare", self.a, option, value, says=option[2:])
        self.bad(2, "compare", says="trace")
        self.bad(2, "replay", self.a, says="policy")
        self.bad(2, "replay", self.a, "--policy", "migrep,first_touch", says="one")
        self.bad(2, "replay", self.a, self.b, "--policy", "migrep")
        self.bad(2, "sweep", self.a, "--policy", "migrep", says="vary")
        self.bad(2, "sweep", self.a, "--vary", "trigger=1,2", says="policy")

    def test_sweeps(self):
        sweep = ["sweep", self.a, "--policy", "migrep", "--vary"]
        self.bad(2, *sweep, "trigger=1..5000", says="4096")
        self.bad(2, *sweep, "trigger=1..100", "--vary", "sharing=1..100", says="10000")
        self.bad(2, *sweep, "nosuch=1..2", says="nosuch.*trigger")
        self.bad(2, *sweep, "trigger=9..1", says="ends before")
        self.bad(2, *sweep, "trigger=1,2", "--vary", "trigger=3,4", says="twice")
        self.bad(2, *sweep, "trigger=99999999999999999999", says="trigger")

    def test_outputs_are_tried_before_the_run(self):
        for command in (["compare", self.a], ["replay", self.a, "--policy", "migrep"],
                        ["sweep", self.a, "--policy", "migrep", "--vary", "trigger=64,128"]):
            for option, name in (("-o", "no/such/folder/o.h5"), ("-o", "."), ("--report", "no/r.html")):
                self.bad(1, *command, option, os.path.join(self.folder, name), says="cannot be written")
            self.bad(1, *command, "-o", "/dev/full", says="/dev/full")
            self.bad(2, *command, "-o", self.a, says="overwrite")
            self.bad(1, *command, "-o", "", says="cannot be written")
            self.bad(2, *command, "-o", self.path("x"), "--report", self.path("x"), says="same file")
        replay = ["replay", self.a, "--policy", "migrep", "--write-log"]
        self.bad(2, *replay, os.path.join(self.folder, ".", os.path.basename(self.a)), says="overwrite")
        self.bad(2, *replay, self.path("x"), "-o", self.path("x"), says="same file")
        self.bad(1, *replay, os.path.join(self.folder, "no/x.log"), says="cannot be written")

    def test_output_without_a_name(self):
        """A link as /dev/stdout is, to a file that was removed: it has no name to be renamed to, and the link stays."""
        link, results = self.path("stdout"), self.path("results.h5")
        self.assertEqual(run("compare", self.b, "--policy", "migrep", "-o", results).returncode, 0)
        os.symlink("/proc/self/fd/1", link)
        for command, code in (("compare", 1), ("import", 1), ("report", 0)):
            with tempfile.TemporaryFile() as file:
                done = run(command, results if command == "report" else self.b, "-o", link, capture_output=False,
                           stdout=file, stderr=subprocess.PIPE)
                file.seek(0)
                page = file.read()
            self.assertTrue(os.path.islink(link), f"{command} replaced the link")
            self.assertEqual((done.returncode, done.stderr.count("\n")), (code, code), done.stderr)
            self.assertEqual(b"<html" in page, code == 0)
        os.unlink(link)
        os.unlink(results)

    def test_output_through_a_link(self):
        """Links stay, those to a file that is not there yet as well; links in a circle are refused."""
        results, link, target = self.path("results.h5"), self.path("link"), self.path("there/target")
        self.assertEqual(run("compare", self.b, "--policy", "migrep", "-o", results).returncode, 0)
        os.mkdir(self.path("there"))
        os.symlink("there/next", link)
        os.symlink(target, self.path("there/next"))
        os.symlink("circle", self.path("circle"))
        for command in (["compare", self.b, "--policy", "migrep"], ["import", self.b], ["report", results]):
            done = run(*command, "-o", link)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(os.path.islink(link) and os.path.islink(self.path("there/next")))
            self.assertTrue(os.path.isfile(target), "not where the link leads to")
            os.unlink(target)
            self.bad(1, *command, "-o", self.path("circle"), says="circle: .*symbolic links")
        self.assertEqual(sorted(os.listdir(self.path("there"))), ["next"])
        for name in ("there/next", "circle", "link", "results.h5"):
            os.unlink(self.path(name))
        os.rmdir(self.path("there"))

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_folder_without_permission(self):
        os.mkdir(self.path("closed"), 0o500)
        self.bad(1, "compare", self.a, "-o", self.path("closed/o.h5"), says="ermission")

    def test_disk_full_leaves_nothing(self):
        """A file size limit stands in for a full disk."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
        before = sorted(os.listdir(self.folder))
        for option, name in (("-o", "full.h5"), ("--report", "full.html")):
            done = run("compare", self.b, option, self.path(name), preexec_fn=limit, restore_signals=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertIn(name + ":", done.stderr)
            self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_failure_keeps_the_earlier_file(self):
        out = self.path("kept.h5")
        with open(out, "w") as file:
            file.write("earlier")
        self.bad(1, "compare", self.a, "-o", out, "--policy", "nosuch")
        with open(out) as file:
            self.assertEqual(file.read(), "earlier")
        self.assertEqual(run("compare", self.b, "-o", out, "--policy", "migrep").returncode, 0)
        with open(out, "rb") as file:
            self.assertEqual(file.read(8), b"\x89HDF\r\n\x1a\n")
        os.unlink(out)

    def test_stdout_full(self):
        with open("/dev/full", "w") as full:
            done = run("compare", self.b, capture_output=False, stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_interrupt_leaves_nothing(self):
        before = sorted(os.listdir(self.folder))
        for number in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([PROGRAM, "compare", self.a, "--repeat", "200000", "-o", self.path("int.h5")],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            time.sleep(0.5)
            self.assertIsNone(process.poll(), "still running")
            process.send_signal(number)
            out, _ = process.communicate(timeout=30)
            self.assertEqual(process.returncode, -number)
            self.assertEqual(out, b"")
            self.assertEqual(sorted(os.listdir(self.folder)), before)


if __name__ == "__main__":
    unittest.main()
