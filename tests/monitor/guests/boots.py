# SPDX-License-Identifier: BSD-2-Clause
"""Boots unmodified Debian guests, and one hostile guest of our own, on the monitor in an emulated NUMA machine.

usage: boots.py BUILD CASE"""

import os
import subprocess
import sys
import tempfile

import emulator
from emulator import vm

FAILED = "FAILED|BUG:|Oops|Call Trace|Kernel panic|rcu:.*stall|segfault|general protection"


class Bad(Exception):
    """The monitor did what it should not; one line."""


def expect(truth, text):
    if not truth:
        raise Bad(text)


class Boot:
    """One machine from power-on to power-off."""

    def __init__(self, build, config, seconds, **machine):
        self.build = build
        folder = emulator.need(build)
        with emulator.monitor(os.path.join(build, "monitor.elf"), folder, config, **machine) as m:
            try:
                self.run(m, seconds)
            except TimeoutError:
                print("\n".join([*m.lines[-30:], m.partial]))
                raise
            self.lines = m.lines
            self.telemetry = m.telemetry()
            self.seconds = m.seconds

    def run(self, m, seconds):
        m.finish(seconds)


def lines_with(boot, text):
    return [line for line in boot.lines if text in line]


def check_ended(boot, *names, crashed=()):
    """The machine ended as it should: every VM with its reason, no panic, nothing lost."""
    t = boot.telemetry
    expect(t.end is not None and t.hello is not None, "the telemetry does not end")
    expect(not t.end["panicked"], f"panic: {t.end['why']}")
    expect(t.bad == 0, f"{t.bad} bytes of telemetry make no sense")
    for name in names:
        want = 2 if name in crashed else 1
        expect(t.vm[name]["end"] == want, f"VM {name} ended with {t.vm[name]['end']} ({t.vm[name]['why']}), not {want}")
        expect(t.vm[name]["private"] == 0, f"VM {name} has ended and still has {t.vm[name]['private']} pages")
    for node, row in t.node.items():
        expect(row["monitor"] < row["total"] * 0.015 or row["monitor"] < 6 << 20, f"node {node}: the monitor has {row['monitor']} bytes")


def check_said(boot, text, times=1):
    expect(len(lines_with(boot, text)) >= times, f"{times} times {text!r} was to be seen, {len(lines_with(boot, text))} were")


def check_clean(boot, *but):
    import re
    for line in boot.lines:
        if re.search(FAILED, line) and not any(word in line for word in but):
            raise Bad(f"on the console: {line}")


def exits(boot):
    total = dict.fromkeys(emulator.EXITS, 0)
    for row in boot.telemetry.vcpu.values():
        for kind, count in row["exits"].items():
            total[kind] += count
    return total


def one(build):
    boot = Boot(build, "policy = first_touch\n" + vm("one", "compute:1,churn:1,sleep:1,poweroff", more=""), 120)
    check_clean(boot)
    check_ended(boot, "one")
    check_said(boot, "guest: done, 0 failed")
    counted = exits(boot)
    expect(counted["cpuid"] > 10 and counted["touch"] > 100 and counted["halt"] > 1, f"exits {counted}")
    return f"{boot.seconds:.0f} s, {sum(counted.values())} exits"


def two(build):
    config = "policy = migrep:trigger=4\n" + "".join(
        vm(name, "checksum:5:0:8+churn:1,poweroff", vcpus=2) for name in ("left", "right"))
    boot = Boot(build, config, 400, nodes=4, cpus=4, memory=1536)
    check_clean(boot)
    check_ended(boot, "left", "right")
    check_said(boot, "guest: up, 2 CPUs", 2)
    check_said(boot, "guest: checksum ok", 2)
    check_said(boot, "guest: done, 0 failed", 2)
    e = boot.telemetry.engine
    return f"{boot.seconds:.0f} s, {e['moves']} moves, {e['copies']} copies, {e['collapses']} collapses"


def sliced(build):
    config = "policy = first_touch\nslice_ms = 3\n" + "".join(
        vm(name, "vectors:6+checksum:6:0:8,poweroff", vcpus=2) for name in ("left", "right"))
    boot = Boot(build, config, 400, nodes=2, cpus=1, memory=1024)
    check_clean(boot)
    check_ended(boot, "left", "right")
    check_said(boot, "guest: vectors ok", 2)
    check_said(boot, "guest: checksum ok", 2)
    expect(boot.telemetry.engine["switches"] > 500, f"{boot.telemetry.engine['switches']} switches are not time-sharing")
    return f"{boot.seconds:.0f} s, {boot.telemetry.engine['switches']} switches"


def stir(build, seconds=40, slices=False):
    config = "policy = stir:pages=512:tick_ns=5000000\npoison = 1\nslice_ms = 5\n" + "".join(
        vm(name, f"checksum:{seconds}:3:12+vectors:{seconds}:1,poweroff", vcpus=2) for name in ("left", "right"))
    boot = Boot(build, config, 300 + 4 * seconds, nodes=4, cpus=2 if slices else 4, memory=1536)
    check_clean(boot)
    check_ended(boot, "left", "right")
    check_said(boot, "guest: checksum ok", 2)
    check_said(boot, "guest: vectors ok", 2)
    e = boot.telemetry.engine
    done = f"{e['moves']} moves, {e['copies']} copies, {e['collapses']} collapses, {e['shootdowns']} shootdowns"
    expect(e["moves"] >= 50000 and e["copies"] >= 5000 and e["collapses"] >= 500, f"too little was moved: {done}")
    return f"{boot.seconds:.0f} s, {done}"


def disk_image(build, name, megabytes):
    path = os.path.join(build, "guests", name)
    if not os.path.exists(path) or os.path.getsize(path) != megabytes << 20:
        subprocess.run([os.path.join(build, "tests", "guest_init"), "image", path, str(megabytes)], check=True)
    return path


def resident(build, guests, shared, megabytes=100):
    """Private and shared MiB in use while every guest holds the whole image in its page cache."""
    image = disk_image(build, f"disk-{megabytes}.img", megabytes)
    if shared:
        disks, drives = "[disk data]\ndrive = 0\nmode = shared\n", [(image, False)]
    else:
        disks = "".join(f"[disk data{i}]\ndrive = {i}\nmode = shared\n" for i in range(guests))
        drives = [(image, False)] * guests
    config = "policy = first_touch\n" + "".join(
        vm(f"g{i}", "read:0:600,poweroff", memory=256, disks="data" if shared else f"data{i}") for i in range(guests)) + disks
    with emulator.monitor(os.path.join(build, "monitor.elf"), emulator.need(build), config, nodes=2, cpus=2,
                          memory=2048, drives=drives) as m:
        m.wait("guest: read ok", 300, guests)
        m.wait("impossible", 1) if False else None
        import time
        time.sleep(1)
        t = m.telemetry()
        console = list(m.lines)
    for line in console:
        expect("FAILED" not in line, line)
    private = sum(row["private"] for row in t.vm.values()) >> 8
    return private, t.engine["shared"] >> 8, sum(row["hits"] for row in t.disk.values()), sum(row["drive_blocks"] for row in t.disk.values())


CASES = {f.__name__: f for f in (one, two, sliced, stir)}


def main():
    build, case = sys.argv[1:]
    try:
        print(f"{case}: {CASES[case](build)}")
    except (Bad, TimeoutError) as bad:
        print(f"{case}: {bad}")
        sys.exit(1)


if __name__ == "__main__":
    main()
