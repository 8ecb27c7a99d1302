#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`mirrorball machines` from end to end: list, one machine, its INI form, the probe, the manual's example."""
import csv
import ctypes
import io
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ.get("MIRRORBALL", "build/mirrorball")


def run(*args, code=0, env=None, prepare=None):
    done = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=60, preexec_fn=prepare,
                          env={**os.environ, **(env or {})}, check=False)
    if done.returncode != code:
        raise AssertionError(f"{args}: exit {done.returncode}, not {code}: {done.stderr}")
    return done


def refuse_binding():
    """Makes the kernel answer EPERM to sched_setaffinity and mbind, as in a locked-down container (x86-64)."""
    def op(code, jt, jf, k):
        return code.to_bytes(2, "little") + bytes([jt, jf]) + k.to_bytes(4, "little")
    program = b"".join([op(0x20, 0, 0, 0), op(0x15, 1, 0, 203), op(0x15, 0, 1, 237), op(0x06, 0, 0, 0x00050001),
                        op(0x06, 0, 0, 0x7FFF0000)])

    class Fprog(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
    libc = ctypes.CDLL(None, use_errno=True)
    prog = Fprog(len(program) // 8, program)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(prog), 0, 0):
        os._exit(77)


class Presets(unittest.TestCase):
    def names(self):
        return [row["name"] for row in csv.DictReader(io.StringIO(run("machines", "--format", "csv").stdout))]

    def test_list_is_the_folder(self):
        files = sorted(f[:-4] for f in os.listdir("datasets/machines") if f.endswith(".ini"))
        self.assertEqual(sorted(self.names()), files)
        table = run("machines").stdout
        for name in files:
            self.assertIn(name, table)
        self.assertEqual(sorted(m["name"] for m in json.loads(run("machines", "--format", "json").stdout)), files)

    def test_json_of_one(self):
        m = json.loads(run("machines", "broadwell-cod", "--format", "json").stdout)
        self.assertEqual(m["latency_ns"][2], [185.3, 195.0, 73.7, 150.9])
        self.assertEqual([n["cpus"] for n in m["nodes"]], [7, 7, 7, 7])
        self.assertEqual(m["link_bps"][0][1], 17500000000)
        self.assertEqual(m["costs"]["fill_ns"], 1500)

    def test_shown_with_source(self):
        for name in self.names():
            out = run("machines", name).stdout
            self.assertRegex(out, r"\nSource: \S+ ")

    def test_ini_is_taken_again(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in self.names():
                path = os.path.join(folder, "own.ini")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(run("machines", name, "--ini").stdout)
                self.assertEqual(run("machines", path, "--format", "json").stdout,
                                 run("machines", name, "--format", "json").stdout)

    def test_every_figure_has_evidence(self):
        """Each preset names its source, and says where it assumes."""
        for name in self.names():
            with open(f"datasets/machines/{name}.ini", encoding="utf-8") as file:
                text = file.read()
            self.assertIn("source =", text)
            self.assertIn("assumed", text)
            self.assertTrue(text.startswith("# SPDX-License-Identifier: BSD-2-Clause\n"))

    def test_errors_are_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bad.ini")
            with open(path, "w", encoding="ascii") as file:
                file.write("[machine]\nnodes = 2\ncpus = 1\n[latency]\nlocal = 0\n")
            for args, code, says in [(["flash-9"], 1, "flash-8"), ([path], 1, "bad.ini:5: [latency] local"),
                                     (["/nosuch.ini"], 1, "No such file"), (["--ini"], 2, "NAME"),
                                     (["-o", "x.ini"], 2, "--probe"), (["--probe", "flash-8"], 2, "no NAME")]:
                done = run("machines", *args, code=code)
                self.assertIn(says, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertEqual(done.stdout, "")


class Manual(unittest.TestCase):
    def test_example_of_the_manual(self):
        with open("docs/machines.md", encoding="utf-8") as file:
            examples = re.findall(r"```ini\n(.*?)```", file.read(), re.S)
        self.assertTrue(examples)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "own.ini")
            with open(path, "w", encoding="utf-8") as file:
                file.write(examples[0])
            m = json.loads(run("machines", path, "--format", "json").stdout)
        self.assertEqual(m["name"], "my-server")
        self.assertEqual(m["latency_ns"], [[90.0, 140.0, 250.0], [140.0, 90.0, 270.0], [250.0, 270.0, 90.0]])
        self.assertEqual([n["tier"] for n in m["nodes"]], [0, 0, 1])
        self.assertEqual(m["memory_curve"][-1], [1.0, 3.0])

    def test_table_of_the_manual(self):
        """The presets' row in the manual has their nodes and latencies."""
        with open("docs/machines.md", encoding="utf-8") as file:
            rows = {r[0]: r[1:] for r in re.findall(r"^\| `([a-z0-9-]+)` \| (\d+) \| ([\d.-]+) \| ([\d.-]+) \|",
                                                    file.read(), re.M)}
        for row in csv.DictReader(io.StringIO(run("machines", "--format", "csv").stdout)):
            nodes, local, remote = rows.pop(row["name"])
            self.assertEqual(nodes, row["nodes"], row["name"])
            self.assertEqual(float(local.split("-")[0]), float(row["local_least_ns"]), row["name"])
            self.assertEqual(float(remote.split("-")[-1]), float(row["remote_most_ns"]), row["name"])
        self.assertEqual(rows, {})


class Probe(unittest.TestCase):
    def probe(self, **how):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "here.ini")
            done = run("machines", "--probe", "-o", path, **how)
            self.assertEqual(os.listdir(folder), ["here.ini"])
            return json.loads(run("machines", path, "--format", "json").stdout), done

    def test_this_host(self):
        m, _ = self.probe()
        self.assertEqual(sum(n["cpus"] for n in m["nodes"]), len(os.sched_getaffinity(0)))
        for row in m["latency_ns"]:
            for latency in row:
                self.assertTrue(1 < latency < 20000, latency)
        self.assertTrue(all(n["memory_bps"] > 1e7 for n in m["nodes"] if n["cpus"]))
        self.assertEqual(m["memory_curve"][0], [0.0, 1.0])

    def test_two_nodes_as_the_library_can_pretend(self):
        m, _ = self.probe(env={"HWLOC_SYNTHETIC": "numanode:2 pu:1"})
        self.assertEqual([n["cpus"] for n in m["nodes"]], [1, 1])
        self.assertEqual([len(row) for row in m["latency_ns"]], [2, 2])
        self.assertGreater(m["link_bps"][0][1], 0)
        self.assertEqual(m["link_bps"][1][1], 0)

    @unittest.skipUnless(platform.machine() == "x86_64", "the filter knows x86-64's system calls")
    def test_where_binding_is_refused(self):
        try:
            m, done = self.probe(prepare=refuse_binding)
        except AssertionError as error:
            if "exit 77" in str(error):
                self.skipTest("no seccomp here")
            raise
        self.assertIn("cannot be bound to CPUs", done.stderr)
        self.assertGreater(m["latency_ns"][0][0], 1)

    def test_without_sys(self):
        """What the library complains of on its own stays with it: an error is one line of ours, or none."""
        if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/sys"], capture_output=True, check=False).returncode:
            self.skipTest("no rights to mount")
        done = subprocess.run(["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys && exec "$0" machines --probe', PROGRAM],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith("mirrorball machines: "), line)

    def test_unwritable(self):
        done = run("machines", "--probe", "-o", "/nosuch/here.ini", code=1, env={"HWLOC_SYNTHETIC": "numanode:1 pu:1"})
        self.assertIn("/nosuch/here.ini", done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=0))
