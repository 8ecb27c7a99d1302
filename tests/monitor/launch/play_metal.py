# SPDX-License-Identifier: BSD-2-Clause
"""Every linked policy decides the same in the bare-metal monitor as in replay: one log of each, all played in one boot of
an emulated NUMA machine. A policy that orders nothing shows nothing: each has to move or copy pages, on a machine, with
parameters and at a pace that make it; a static one has to place pages as first_touch does not. usage: play_metal.py"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.environ.get("MIRRORBALL", "build/mirrorball")
REAL = "datasets/traces/pmake.h5"
FLASH, TIERS = ("--machine", "flash-4"), ("--machine", "dram-cxl")
SLOW = ("--time-scale", "250")  # ten seconds, for classes whose periods are seconds
# Memory that lies far from three of four CPUs, of which two share the node that is best for all.
LOPSIDED = ("--machine", "broadwell-cod", "--cpu-map", "0:0,1:2,2:3,3:2")

STATIC = [("first_touch", FLASH), ("interleave", FLASH), ("weighted_interleave", TIERS), ("post_facto", FLASH), ("as_recorded", FLASH)]
ACTING = [
    ("migrep:trigger=16", FLASH), ("migrate_only:trigger=16", FLASH), ("replicate_only:trigger=16", FLASH),
    ("competitive:threshold=16", FLASH), ("ace", FLASH), ("platinum", FLASH), ("irix:threshold=1", FLASH),
    ("autonuma", FLASH + SLOW), ("autotiering", FLASH + SLOW), ("numad:memory_min=0", FLASH + SLOW),
    ("carrefour:maptu=0,latch=10,read=50", FLASH + SLOW), ("thrift", FLASH + SLOW), ("asymsched:keep=100", LOPSIDED + SLOW),
    ("nbt", TIERS + SLOW), ("tpp", TIERS + SLOW), ("colloid_tpp", TIERS + SLOW), ("nomad", TIERS + SLOW),
    ("pghot", TIERS + SLOW), ("colloid", TIERS + SLOW), ("hemem", TIERS + SLOW), ("multiclock", TIERS + SLOW),
    ("tmts:cold_ns=1s,tick_ns=500ms", TIERS + SLOW), ("hybridtier:batch=500", TIERS + SLOW),
    ("damon_migrate:used_bp=0,free_bp=0", TIERS + SLOW), ("thermostat:round_ns=300ms,group_bytes=16Ki", TIERS + SLOW),
    ("memtis:adapt_samples=1000,floor_bytes=4Ki", TIERS + SLOW + ("--sample", "1")),
]


def mirrorball(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"mirrorball {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def accesses(records=40000):
    """(time, CPU, page, op). CPU 0 touches all pages; then each CPU reads and writes a quarter, every 10 ms the next
    one, some of it more than the rest; all read 24 pages, and write 32 by turns."""
    for page in range(640):
        yield page * 100, 0, page, "r" if 512 <= page < 608 else "w"
    seed = 1
    for i in range(records):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        draw = seed >> 33
        cpu, kind, page = draw % 4, draw // 4 % 16, draw // 64 % 128
        page = page % 24 if draw // 8192 % 4 else page
        if kind < 11:
            page, op = (cpu + i * 4 // records) % 4 * 128 + page, "r" if draw // 65536 % 4 else "w"
        elif kind < 15:
            page, op = 512 + page % 24, "r"
        else:
            page, op = 608 + page % 32, "r" if draw // 65536 % 2 else "w"
        yield 64000 + i * 1000, cpu, page, op


def make_trace(folder):
    """Its pages were recorded on nodes that no first touch would choose."""
    text, trace = os.path.join(folder, "t.csv"), os.path.join(folder, "t.h5")
    with open(text, "w", encoding="ascii") as f:
        f.write("time_ns,cpu,address,op,node\n")
        for time, cpu, page, op in accesses():
            f.write(f"{time},{cpu},{page * 4096},{op},{page * 7 % 4}\n")
    mirrorball("import", text, "-o", trace)
    return trace


class Log:
    """What one replay told its engine, and what came of it."""

    def __init__(self, folder, trace, spec, *options):
        self.name = f"{spec} {' '.join((os.path.basename(trace), *options))}"
        self.path = os.path.join(folder, re.sub(r"\W+", "-", self.name) + ".log")
        text = mirrorball("replay", trace, "--policy", spec, "--no-bounds", *options, "--write-log", self.path)
        self.digest = re.search("digest of decisions: ([0-9a-f]{16})", text)[1]


def play(logs):
    """Moves and copies by log. Ends where the monitor decided otherwise."""
    acted, by_path = {}, {log.path: log for log in logs}
    for line in mirrorball("monitor", "play", "--metal", *by_path).splitlines():
        path, rest = line.split(": ", 1)
        here = re.search(r"(\d+) moves, (\d+) copies, \d+ collapses, digest ([0-9a-f]{16}), the same in the monitor$", rest)
        if not here or here[3] != by_path[path].digest:
            sys.exit(f"not as in the replay: {line}")
        acted[by_path[path].name] = int(here[1]) + int(here[2])
    missing = [log.name for log in logs if log.name not in acted]
    if missing:
        sys.exit(f"not played: {', '.join(missing)}")
    return acted


def main():
    if not shutil.which("qemu-system-x86_64"):
        print("skipped: no qemu-system-x86_64")
        sys.exit(77)
    if not os.path.exists(os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "monitor.elf")):
        print("skipped: no monitor.elf beside the program (a sanitized build has none)")
        sys.exit(77)
    linked = {p["name"] for p in json.loads(mirrorball("policies", "--format", "json"))}
    left_out = linked - {spec.split(":")[0] for spec, _ in STATIC + ACTING}
    if left_out:
        sys.exit(f"not played: {', '.join(sorted(left_out))}: say here what makes them act")
    with tempfile.TemporaryDirectory() as folder:
        trace = make_trace(folder)
        still = [Log(folder, trace, spec, *options) for spec, options in STATIC]
        acting = [Log(folder, trace, spec, *options) for spec, options in ACTING]
        acting += [Log(folder, REAL, spec) for spec in ("migrep:trigger=16", "ace")]
        acted = play(still + acting)
        idle = [log.name for log in acting if acted[log.name] == 0]
        if idle:
            sys.exit(f"moved nothing, which shows nothing: {', '.join(idle)}")
        touched = [Log(folder, trace, "first_touch", *machine).digest for machine in (FLASH, TIERS)]
        alike = [log.name for log in still[1:] if log.digest in touched]
        if alike:
            sys.exit(f"placed everything as first_touch does, which shows nothing: {', '.join(alike)}")
        print(f"{len(acted)} logs of {len(linked)} policies, {sum(acted.values())} moves and copies: the same decisions")


main()
