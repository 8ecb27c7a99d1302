# SPDX-License-Identifier: BSD-2-Clause
"""A whole machine under the plugin: Debian's kernel boots on two CPUs and two nodes and runs one program, whose threads
stay on a CPU each and read, then write lines of pages of their own. Between its marks these are the misses that must be
in the capture, on their CPUs, at addresses of their nodes.

usage: plugin_system_test.py BUILD [OPTION of record...]"""

import collections
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "monitor", "guests"))

import emulator  # noqa: E402
import make_guests  # noqa: E402
from plugin_records import COLD, FIRST, READ, UPGRADE, records  # noqa: E402

LINES, CPUS, MEMORY, SECONDS = 4000, 2, 512 << 20, 240


def initrd(build, folder):
    archive, path = make_guests.Archive(), os.path.join(folder, "initrd")
    archive.file("init", os.path.join(build, "tests", "collectors_plugin_guest"))
    archive.add("TRAILER!!!", 0)
    with open(path, "wb") as out:
        out.write(archive.data)
    return path


def record(build, guests, folder, options):
    raw, out = os.path.join(folder, "raw.tr"), os.path.join(folder, "out.h5")
    program = os.path.join(build, "mirrorball")
    done = subprocess.run(
        [program, "record", "--source", "qemu", "-a", "--mark", "--cpus", str(CPUS), "--nodes", str(CPUS), "--memory",
         str(MEMORY), "--raw", raw, "-o", out, *options, "--", "-kernel", os.path.join(guests, "vmlinuz-cloud"), "-initrd",
         initrd(build, folder), "-append", "console=ttyS0 quiet panic=-1 rdinit=/init -- cpus " + str(LINES), "-serial",
         "stdio"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        sys.exit(f"record: exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr}")
    info = subprocess.run([program, "info", "--format", "json", out], capture_output=True, text=True, check=True)
    return records(raw)[1], json.loads(info.stdout)


def check(truth, text):
    if not truth:
        sys.exit("plugin_system: " + text)


def main():
    build = os.path.abspath(sys.argv[1])
    guests = emulator.need(build)
    with tempfile.TemporaryDirectory(prefix="mirrorball-system-") as folder:
        every, info = record(build, guests, folder, sys.argv[2:])
    check(all(a.time <= b.time for a, b in zip(every, every[1:])), "time goes backwards")
    check({r.cpu for r in every} == set(range(CPUS)), f"CPUs {({r.cpu for r in every})} instead of {CPUS}")
    check(all(r.address < MEMORY for r in every), "an address is beyond the memory")
    check("simulated-cache" in json.dumps(info), "the trace does not say that caches are simulated")
    program = [r for r in every if not r.kernel]
    for cpu in range(CPUS):
        own = [r for r in program if r.cpu == cpu]
        kinds = collections.Counter((r.kind, r.cause) for r in own)
        for what, name in (((READ, COLD), "reads"), ((UPGRADE, FIRST), "first writes")):
            # The kernel's work in between pushes a few lines out; the program's stack and code are a few besides.
            check(LINES * 0.95 <= kinds[what] <= LINES * 1.1, f"CPU {cpu}: {kinds[what]} {name} instead of {LINES}")
        home = sum(r.address // (MEMORY // CPUS) == cpu for r in own if r.kind == UPGRADE) / kinds[UPGRADE, FIRST]
        check(home > 0.95, f"CPU {cpu}: {home:.0%} of its own pages are on its node")
        print(f"CPU {cpu}: {kinds[READ, COLD]} reads, {kinds[UPGRADE, FIRST]} first writes, {home:.1%} at home")
    check(any(r.kernel for r in every), "the kernel touched nothing")


main()
