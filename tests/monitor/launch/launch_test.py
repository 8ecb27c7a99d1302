# SPDX-License-Identifier: BSD-2-Clause
"""monitor run with a made-up machine (fake.py): what arrives in result sets, traces and on the
terminal, for runs that go well and for every way in which they do not."""

import os
import pty
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import h5py

import kernel

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.abspath(os.environ.get("MIRRORBALL", "build/mirrorball"))
FAKE = os.path.join(HERE, "fake.py")
# In sanitized builds what HDF5 itself loses over damaged files is not the program's; everything that is started has this.
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")


class Launch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.folder = cls._folder.name
        os.mkdir(cls.path("tmp"))
        with open(cls.path("kernel, of mine"), "wb") as file:
            file.write(kernel.make())
        for name in ("initrd", "image"):
            with open(cls.path(name), "wb") as file:
                file.write(b"x" * 100)
        open(cls.path("empty"), "wb").close()
        with open(cls.path("root.img"), "wb") as file:
            file.write(bytes(8192))

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def tearDown(self):
        self.assertEqual(os.listdir(self.path("tmp")), [], "files are left behind")

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def environment(self, script):
        with open(self.path("script.py"), "w", encoding="utf-8") as file:
            file.write(script)
        return {**os.environ, "FAKE": self.path("script.py"), "TMPDIR": self.path("tmp"), "NO_COLOR": "1",
                "PYTHONDONTWRITEBYTECODE": "1"}

    def vms(self):
        kernel = self.path("kernel,, of mine")
        return ["--vm", f"kernel={kernel},initrd={self.path('initrd')},disk={self.path('root.img')}:shared,name=web",
                "--vm", f"kernel={kernel},disk={self.path('root.img')},mem=256M,vcpus=2,name=db,cmdline=\"a=1,2 b\""]

    def command(self, *more):
        return [PROGRAM, "monitor", "run", "--nodes", "2", "--cpus", "3", "--qemu", FAKE, "--image", self.path("image"),
                "--policy", "migrep:trigger=64", *self.vms(), *more]

    def run_it(self, script, *more, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        done = subprocess.run(self.command(*more), env=self.environment(script), capture_output=True, timeout=60, cwd=self.folder,
                              **options)
        self.out, self.err = done.stdout.decode(), done.stderr.decode()
        return done.returncode

    def bad(self, pattern, script, *more, **options):
        self.assertEqual(self.run_it(script, *more, **options), 1, self.err)
        self.assertRegex(self.err, pattern)

    def result(self, name="run.h5"):
        return h5py.File(self.path(name))


class Good(Launch):
    def setUp(self):
        code = self.run_it("good()\noff()", "-o", "run.h5", "--report", "run.html")
        self.assertEqual((code, self.err), (0, ""))

    def test_consoles_and_the_table_are_shown(self):
        for step in range(1, 5):
            self.assertIn(f"[{step}] booting\r\n", self.out)
        self.assertRegex(self.out, r"web +powered off +1 +512\.0 MiB")
        self.assertRegex(self.out, r"db .* 4\.00 s +9\.1 ") # 0.4 s of 4.4
        self.assertRegex(self.out, r"\n +5,000 +400 +40 +4 ")
        last = self.out.rstrip().splitlines()[-1]
        self.assertEqual(last, "under migrep:trigger=64, 400 pages moved and 40 copies were made in 20.0 s of 2 VMs; "
                               "4 writes took copies back; 77 % of the accesses seen were local")
        self.assertIn("accessed bits harvested 50 times, due every 20 ms", self.out)
        self.assertNotIn("\033", self.out)

    def test_summary(self):
        with self.result() as file:
            row = file["summary"][0]
            self.assertEqual(row["policy"], b"migrep")
            self.assertEqual(row["spec"], b"migrep:trigger=64")
            # 4 x (60 + 30 + 10 + 20 + 5 + 20 + 5), of them 4 x (90 + 25) local
            self.assertEqual((row["misses"], row["local_misses"]), (600, 460))
            self.assertEqual((row["moves"], row["copies"], row["collapses"], row["drops"]), (400, 40, 4, 7))
            self.assertEqual((row["hints"], row["touches"], row["fallbacks"]), (3, 5000, 2))
            self.assertEqual(row["refused"], sum(range(11, 18)))
            self.assertEqual(row["replica_bytes_peak"], 50 * 4096)
            self.assertEqual(row["digest"], 0xfeedfacecafebeef)
            self.assertEqual(row["labels"], b"monitor run; A-bit-fed")

    def test_what_it_cannot_know_is_not_there(self):
        with self.result() as file:
            for name in file["summary"].dtype.names:
                self.assertNotRegex(name, "^(elapsed|exec|overhead|memory_|makespan|to_optimum|link|local_stall|remote_stall|samples)")
            self.assertEqual(file["runs/000/series"].dtype.names,
                             ("time_ns", "misses", "local_misses", "moves", "copies", "collapses", "replica_pages"))
            self.assertEqual(sorted(file["runs/000"]), ["parameters", "refused", "series", "traffic"])
            self.assertFalse([name for name in file["inputs/000"].attrs if "_ns" in name and "time" not in name])

    def test_series_is_what_came_between_the_reports(self):
        with self.result() as file:
            series = file["runs/000/series"]
            self.assertEqual(list(series["time_ns"]), [0, 10**9, 2 * 10**9, 3 * 10**9])
            self.assertEqual(list(series["moves"]), [100] * 4)
            self.assertEqual(list(series["misses"]), [150] * 4)
            self.assertEqual(list(series["local_misses"]), [115] * 4)
            self.assertEqual(list(series["replica_pages"]), [5, 10, 15, 20])

    def test_traffic_and_machine(self):
        with self.result() as file:
            cells = {(r["from"], r["to"]): (r["read_misses"], r["write_misses"]) for r in file["runs/000/traffic"]}
            self.assertEqual(cells, {(0, 0): (240, 120), (0, 1): (40, 0), (1, 0): (80, 20), (1, 1): (80, 20)})
            self.assertEqual(list(file["inputs/000/machine_nodes"]["cpus"]), [2, 1])
            self.assertEqual(list(file["inputs/000/machine_links"]["latency_ps"]), [100000, 200000, 200000, 100000])
            parameters = {r["parameter"]: r["value"] for r in file["runs/000/parameters"]}
            self.assertEqual(parameters[b"trigger"], 64)

    def test_monitor_tables(self):
        with self.result() as file:
            monitor = file["monitor"][0]
            self.assertEqual((monitor["end"], monitor["duration_ns"], monitor["harvest_ms"]), (b"all off", 20 * 10**9, 20))
            self.assertEqual((monitor["shootdowns"], monitor["kicks"], monitor["lost_frames"]), (40, 80, 0))
            self.assertEqual(monitor["observations_lost"], 9)
            vm = file["vms"][1]
            self.assertEqual((vm["name"], vm["end"], vm["vcpus"], vm["memory_pages"]), (b"db", b"powered off", 2, 65536))
            # The pages it had before it ended.
            self.assertEqual((vm["private_pages"], vm["shared_pages"], vm["touches"], vm["copies_on_write"]), (1000, 100, 2001, 31))
            self.assertAlmostEqual(vm["local_share"], 500 / 800)
            self.assertEqual([tuple(r) for r in file["vm_traffic"]], [(0, v, n, a) for v in (0, 1) for n, a in ((0, 600), (1, 200))])
            self.assertEqual([tuple(r) for r in file["vcpus"]],
                             [(0, n, vm, i, 2 * 10**9, 10**8, 22 * 10**8) for n, (vm, i) in enumerate(((0, 0), (1, 0), (1, 1)))])
            exits = file["exits"][:16]
            self.assertEqual(exits[2]["kind"], b"cpuid")
            self.assertEqual(list(exits["exits"]), [10 * (k + 1) for k in range(16)])
            self.assertEqual(exits[2]["per_guest_s"], 15)
            self.assertEqual([tuple(r) for r in file["memory"]], [(0, n, 2 - n, 1 << 29, 1 << 28, 1 << 22) for n in (0, 1)])
            disk = file["disks"][0]
            self.assertEqual((disk["name"], disk["drive_blocks"], disk["maps"], disk["resident_blocks"]), (b"disk0", 300, 250, 300))

    def test_report_reads_it_back(self):
        done = subprocess.run([PROGRAM, "report", "run.h5", "-o", "again.html"], cwd=self.folder, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        with open(self.path("again.html"), encoding="utf-8") as again, open(self.path("run.html"), encoding="utf-8") as first:
            text = again.read()
            self.assertEqual(text, first.read())
        self.assertIn("77 % of the accesses seen were local", text)
        self.assertNotIn('"elapsed_ns":0', text)

    def test_damaged_results_end_in_one_line(self):
        with open(self.path("run.h5"), "rb") as file:
            whole = file.read()
        for at in range(0, len(whole), 997):
            with open(self.path("broken.h5"), "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
            done = subprocess.run([PROGRAM, "report", "broken.h5"], cwd=self.folder, capture_output=True, timeout=60)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            self.assertEqual(done.stderr.count(b"\n"), done.returncode, done.stderr)


class Record(Launch):
    def test_observations_become_a_trace(self):
        script = """good()
observed(10**9, [(0, 0, 0, 0x60), (500, 131071, 1, 0x61), (0, 131072, 1, 0), (1000, 5, 0, 0x31)])
observed(2 * 10**9, [(0, 196607, 0, 1), (5, 196608, 0, 1), (0, 1, 2, 1)])
off()"""
        self.assertEqual(self.run_it(script, "--record", "trace.h5"), 0, self.err)
        with h5py.File(self.path("trace.h5")) as file:
            trace, pages = file["trace"], file["pages/address"][:]
            self.assertEqual([int(pages[p]) for p in trace["page"]], [0, 131071 * 4096, 1 << 40, 5 * 4096, (1 << 40) | 65535 * 4096])
            self.assertEqual(list(trace["weight"]), [64, 64, 1, 8, 1])
            self.assertEqual(list(trace["cpu"]), [0, 2, 2, 0, 0])  # the first of node 0 and of node 1
            self.assertEqual([flag & 3 for flag in trace["flags"]], [0, 1, 0, 1, 1])
            self.assertEqual(list(trace["dt"])[1:], [500, 0, 1000, 10**9 - 1500])
            self.assertEqual(file.attrs["source"], b"monitor A bits" if isinstance(file.attrs["source"], bytes) else "monitor A bits")
        done = subprocess.run([PROGRAM, "compare", "trace.h5"], cwd=self.folder, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"migrep", done.stdout)

    def test_memory_over_the_hole_lies_above_4_gib(self):
        kernel = self.path("kernel,, of mine")
        script = "hello(vms=1, pages=(4096 * 256, 0))\nobserved(5, [(0, 786431, 0, 0), (0, 786432, 0, 0)])\nvm(0, b'big', 3, 1)\nend()"
        done = subprocess.run([PROGRAM, "monitor", "run", "--nodes", "1", "--qemu", FAKE, "--image", self.path("image"), "--vm",
                               f"kernel={kernel},mem=4G,name=big", "--record", "hole.h5"], env=self.environment(script),
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, cwd=self.folder)
        with h5py.File(self.path("hole.h5")) as file:
            self.assertEqual([int(a) for a in file["pages/address"]], [0xbffff000, 0x100000000], done.stderr)


class Bad(Launch):
    def test_stream_cut_off(self):
        self.bad("ended before the monitor's last word", "good(2)\nraw(whole(5, bytes(256))[:100])", "-o", "cut.h5")
        with self.result("cut.h5") as file:
            self.assertEqual(file["summary"][0]["moves"], 200)
            self.assertEqual(file["monitor"][0]["end"], b"cut off")
            self.assertEqual(file["monitor"][0]["duration_ns"], 2 * 10**9)

    def test_noise_and_lost_frames(self):
        script = "raw(b'SeaBIOS MB' * 9)\ngood(3)\nwhole(8, b'lost')\nwhole(8, b'lost')\nraw(bytes(100))\noff()"
        self.assertEqual(self.run_it(script, "-o", "noise.h5"), 0, self.err)
        with self.result("noise.h5") as file:
            self.assertEqual(file["summary"][0]["moves"], 300)
            self.assertEqual((file["monitor"][0]["lost_frames"], file["monitor"][0]["bad_bytes"]), (2, 190))
        self.assertIn("telemetry: frames lost: 2, bytes damaged: 190", self.out)

    def test_early_death(self):
        self.bad("before the monitor said a word: no such machine", "sys.exit('no such machine')", "-o", "none.h5")
        self.assertEqual(self.err.count("\n"), 2, self.err) # and that there is no result
        self.assertFalse(os.path.exists(self.path("none.h5")))

    def test_complaints_while_it_runs(self):
        self.assertEqual(self.run_it("good()\nprint('a disk fails', file=sys.stderr, flush=True)\ntime.sleep(.3)\noff()"), 0)
        self.assertRegex(self.err, "^mirrorball monitor run: warning: a disk fails\n$")

    def test_what_the_monitor_gets(self):
        script = """
files = [open(module(name), "rb").read() for name in ("config", "module0", "module1")]
assert files[0][:8] == b"MBoConf2" and b"web".ljust(32, b"\\0") in files[0] and b"migrep:trigger=64\\0" in files[0]
assert files[1][0x202:0x206] == b"HdrS" and files[2] == b"x" * 100
good()
off()"""
        self.assertEqual(self.run_it(script), 0, self.err)

    def test_a_vm_crashes(self):
        self.bad(r"web: crashed: triple fault at rip 7\n$",
                 "good()\nvm(0, b'web', 3, 2, b'triple fault at rip 7')\nvm(1, b'db', 3, 1)\nend()", "-o", "crash.h5")
        with self.result("crash.h5") as file:
            self.assertEqual(list(file["vms"]["end"]), [b"crashed", b"powered off"])
            self.assertEqual(file["vms"][0]["why"], b"triple fault at rip 7")
            self.assertEqual(file["monitor"][0]["end"], b"crash")
        self.assertIn("web: triple fault at rip 7", self.out)

    def test_panic(self):
        self.bad("the monitor gave up: out of frames", "good()\nend(panicked=1, why=b'out of frames')")

    def test_not_all_off(self):
        self.bad("not every VM has powered off", "good()\nend()")

    def test_terminal_codes_in_names_do_not_reach_the_terminal(self):
        self.assertEqual(self.run_it("good()\nvm(0, b'\\033[2Jweb', 3, 1)\nvm(1, b'db', 3, 1)\nend()"), 0, self.err)
        self.assertNotIn("\033", self.out + self.err)

    def test_text_of_the_monitor(self):
        self.assertEqual(self.run_it("hello()\ntext('beware\\033 of this')\ngood()\noff()"), 0)
        self.assertRegex(self.err, "warning: monitor: beware\\? of this")

    def test_hostile_frames(self):
        for frames in ("hello(nodes=0)", "hello(nodes=17)", "hello(vms=17)", "hello(version=9)", "hello()\nhello()", "frame(1, b'x')"):
            self.run_it(f"{frames}\ngood()\noff()", "-o", "hostile.h5")
        script = """
hello()
for kind in range(0, 256):
    frame(kind, b'')
    frame(kind, b'\\xff' * 4096)
    for size in (288, 320, 296, 256, 104, 1440):
        if kind != 5 or size != 256: # totals that make sense, whatever they say
            frame(kind, b'\\xff' * size)
good()
node(2, [(1, 1)])
vm(16, b'x')
vcpu(64, 0, 0)
vcpu(3, 9, 0)
disk(16)
engine(1, moves=10**9)
off()"""
        self.assertIn(self.run_it(script, "-o", "hostile.h5", "--record", "hostile_trace.h5"), (0, 1), self.err)
        with self.result("hostile.h5") as file:
            self.assertEqual(len(file["vms"]), 2)
            self.assertEqual(file["summary"][0]["moves"], 400)


class Ends(Launch):
    def test_timeout_asks_first(self):
        begun = time.monotonic()
        self.bad("time limit of 1 s", "good()\nprint(keys(2) == b'\\x01x', file=sys.stderr)\nengine(9 * 10**9, moves=77)\noff()", "--timeout",
                 "1", "-o", "late.h5")
        self.assertLess(time.monotonic() - begun, 6)
        self.assertIn("True", self.err)
        with self.result("late.h5") as file:
            self.assertEqual(file["summary"][0]["moves"], 77)

    def test_interrupt(self):
        script = f"good()\nopen({self.path('pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
        process = subprocess.Popen(self.command("-o", "stopped.h5"), env=self.environment(script), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.folder)
        while not os.path.exists(self.path("pid")) or not os.path.getsize(self.path("pid")):
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"stopped by the operator", err)
        with open(self.path("pid"), encoding="ascii") as file:
            self.assertFalse(os.path.exists(f"/proc/{file.read()}"), "the machine still runs")
        with self.result("stopped.h5") as file:
            self.assertEqual(file["monitor"][0]["end"], b"stopped")

    def test_end_by_a_key_is_the_operators_too(self):
        """Ctrl-A x is the monitor's to see, and its last word says so: the same end as by Ctrl-C."""
        self.bad("^mirrorball monitor run: stopped by the operator\n$", "good()\nend(why=b'ended by the operator')", "-o", "key.h5")
        with self.result("key.h5") as file:
            self.assertEqual(file["monitor"][0]["end"], b"stopped")
            self.assertEqual(file["monitor"][0]["why"], b"stopped by the operator")

    def test_kill_leaves_nothing(self):
        script = f"good()\nopen({self.path('pid9')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
        process = subprocess.Popen(self.command("-o", "killed.h5"), env=self.environment(script), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        while not os.path.exists(self.path("pid9")) or not os.path.getsize(self.path("pid9")):
            time.sleep(0.05)
        process.kill()
        process.wait()
        with open(self.path("pid9"), encoding="ascii") as file:
            machine = f"/proc/{file.read()}"
        until = time.monotonic() + 5
        while os.path.exists(machine) and time.monotonic() < until:
            time.sleep(0.05)
        self.assertFalse(os.path.exists(machine), "the machine still runs")
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("killed")], [])

    def test_keys_reach_the_consoles(self):
        self.assertEqual(self.run_it("good()\nconsole('got ' + keys(9).decode())\noff()", input=b"ls -l /x\n"), 0, self.err)
        self.assertIn("got ls -l /x\n", self.out)

    def test_closed_output(self):
        process = subprocess.Popen(self.command(), env=self.environment("good()\nfor i in range(10**5): console('x' * 100)\noff()"),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)
        process.stdout.close()
        self.assertIn(b"standard output", process.stderr.read())
        self.assertEqual(process.wait(20), 1)
        process.stderr.close()

    def terminal(self, script, during):
        """Runs on a terminal of its own; what the terminal's settings are before, meanwhile and after."""
        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        process = subprocess.Popen(self.command(), env={**self.environment(script), "TERM": "xterm"}, stdin=slave, stdout=slave,
                                   stderr=slave, cwd=self.folder, start_new_session=True)
        text = b""
        while b"booting" not in text:
            text += os.read(master, 4096)
        meanwhile = termios.tcgetattr(slave)
        during(process, master)
        os.set_blocking(master, False)
        while process.poll() is None:
            try:
                text += os.read(master, 4096)
            except BlockingIOError:
                time.sleep(0.02)
        after = termios.tcgetattr(slave)
        os.close(master)
        os.close(slave)
        self.assertEqual(before, after)
        self.assertFalse(meanwhile[3] & (termios.ECHO | termios.ICANON))
        return process.returncode

    def test_terminal_is_given_back(self):
        self.assertEqual(self.terminal("good()\nkeys(1)\noff()", lambda process, master: os.write(master, b"k")), 0)
        self.assertEqual(self.terminal("good()\nkeys(2)\noff()", lambda process, master: process.send_signal(signal.SIGTERM)), 1)


class Usage(Launch):
    def one_line(self, code, pattern, *arguments):
        done = subprocess.run([PROGRAM, "monitor", *arguments], env=self.environment(""), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=20, cwd=self.folder, text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertRegex(done.stderr, pattern)

    def test_errors_come_before_anything_starts(self):
        kernel, image = "kernel=" + self.path("kernel,, of mine"), ("--image", self.path("image"))
        one = ("run", *image, "--vm", kernel)
        for pattern, arguments in (
                ("no virtual machine", ("run",)), ("no kernel", ("run", "--vm", "mem=64M")),
                ("--policy migrap: unknown policy: migrap", (*one, "--policy", "migrap")), ("no such parameter: x", (*one, "--policy", "migrep:x=1")),
                ("runs in replay only", (*one, "--policy", "post_facto")),
                ("need [0-9]+ MiB, the machine has 64", (*one, "--memory", "64M")), ("does not fit into this host", (*one, "--memory", "900T")),
                ("too few for 4 nodes", (*one, "--cpus", "3")), ("nowhere: No such file", ("run", *image, "--vm", "kernel=nowhere")),
                ("no Linux bzImage", ("run", *image, "--vm", "kernel=initrd")), ("unknown key.*: colour", (*one[:-1], kernel + ",colour=1")),
                ("vcpus is 1 to 16, not: 17", (*one[:-1], kernel + ",vcpus=17")), ("mem is a size", (*one[:-1], kernel + ",mem=1K")),
                ("another VM has that name", (*one[:-1], kernel + ",name=a", "--vm", kernel + ",name=a")),
                ("512-byte sectors", (*one[:-1], kernel + ",disk=initrd")),
                ("a persistent disk has one VM", (*one[:-1], kernel + ",disk=root.img:persistent", "--vm", kernel + ",disk=root.img:persistent")),
                ("quotes are not closed", (*one[:-1], kernel + ",cmdline=\"a b,vcpus=3")), ("empty: is empty", (*one[:-1], kernel + ",initrd=empty")),
                ("--set foo=1: unknown key.*: foo", (*one, "--set", "foo=1")), ("--set harvest_ms=5000: harvest_ms is", (*one, "--set", "around=4", "--set", "harvest_ms=5000", "--record", "r.h5")),
                ("nothere: not found; give .*--qemu", (*one, "--qemu", "nothere")), ("x/y.h5: cannot be written", (*one, "-o", "x/y.h5")),
                ("image: No such file", ("run", "--image", "no image", "--vm", kernel)), ("nolog: No such file", ("play", "nolog")),
                ("initrd: shorter than its header", ("play", "initrd"))):
            self.one_line(1 if "virtual machine" not in pattern else 2, pattern, *arguments)
        self.one_line(2, "--machine is q35 or pc", *one, "--machine", "z80")
        self.one_line(2, "--output: the name of the file is empty", *one, "-o", "")
        before = {name: os.stat(self.path(name)).st_size for name in ("image", "initrd", "root.img", "kernel, of mine")}
        for option, name in (("-o", "image"), ("--report", "./initrd"), ("--record", "root.img"), ("-o", "kernel, of mine")):
            self.one_line(2, "would overwrite a file that the run reads", "run", *image, "--vm", kernel + ",initrd=initrd,disk=root.img",
                          option, name)
        self.assertEqual(before, {name: os.stat(self.path(name)).st_size for name in before})
        self.one_line(2, "--set takes KEY=VALUE", *one, "--set", "seven")
        self.one_line(2, "unknown command 'monitor walk'", "walk")

    def test_missing_emulator_names_the_package(self):
        done = subprocess.run([PROGRAM, "monitor", "run", "--image", self.path("image"), "--vm", "kernel=" + self.path("kernel,, of mine")],
                              env={**self.environment(""), "PATH": "/nowhere"}, capture_output=True, timeout=20, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not found; install it: apt-get install qemu-system-x86", done.stderr)

    def test_dry_run_tells_the_machine(self):
        done = subprocess.run(self.command("--dry-run", "--memory", "3G"), env=self.environment(""), capture_output=True, timeout=20, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("-smp 4", "-m 3072M", "node,nodeid=0,cpus=0-2,", "node,nodeid=1,cpus=3-3,", "dist,src=0,dst=1,val=20", "policy = migrep:trigger=64",
                      "kernel = module0", "initrd = module1", "disks = disk0", "cmdline = a=1,2 b", "memory_mb = 256", self.path("kernel,, of mine") + " module0", self.path("root.img")):
            self.assertIn(words, done.stdout)
        self.assertEqual(done.stdout.count("id=disk0"), 1)

    def test_help(self):
        for arguments in (["monitor", "--help"], ["help", "monitor"], ["monitor", "help", "run"], ["help", "monitor", "play"], ["monitor", "run", "-h"]):
            done = subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=20, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("Usage: mirrorball monitor", done.stdout)


if __name__ == "__main__":
    unittest.main()
