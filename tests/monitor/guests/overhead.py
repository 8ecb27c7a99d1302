# SPDX-License-Identifier: BSD-2-Clause
"""What the monitor costs: the same kernel, initrd, command line and workload on an emulated machine with and without it, in
turn, as the guest measures the workload, and from power-on to power-off in CPU time of the emulator (which a busy host
disturbs least) and by the clock; and exits by kind per second of guest time.

usage: overhead.py BUILD [--pairs N] [--work NAME...] [--vcpus N] [--words TEXT] [--beside] [--json FILE] [--append FILE]
                   [--counted] [--check]
       overhead.py BUILD --exits [--accept]

--words adds to the guest's command line, both ways.
--beside runs the two of a pair at once: pairs differ less, as the host's moods meet both, but each also takes cache from the
other, of which the monitor's guest needs more.
--append adds a row for each workload to the array in FILE, as `bench --json` writes it.
--counted lets time pass by instructions: the workload's time then says how many the monitor adds, and nothing of what an
emulator or a CPU forgets at each exit.
--check fails when a ratio of least CPU times exceeds its bound.
--exits boots one guest whose time passes by instructions, so that the host's load does not show, and fails when it exits
oftener per guest second than exits.json beside this file says; --accept writes that file."""

import argparse
import concurrent.futures
import itertools
import json
import os
import re
import resource
import statistics
import sys

import emulator
from emulator import vm

# The aims: 1.05 for computation, 1.15 for compilation. Processes that live for milliseconds have none: each start of one
# is some 45 times CPUID, which ends the guest's run.
WORK = {
    "compute": {"do": "compute:100:1", "bound": 1.05},
    "compile": {"do": "compile:2:1", "bound": 1.15, "initrd": "compile.img"},
    "churn": {"do": "churn:8:1", "bound": 2.0},
}
EXITS = {"do": "compute:3:1,churn:1:1", "file": os.path.join(os.path.dirname(os.path.abspath(__file__)), "exits.json")}
# What a kind may grow by before it counts: another version of the kernel or of busybox does not boot in quite the same way.
TOLERANCE = {"factor": 1.1, "exits": 2}


def measured(lines, name):
    """Milliseconds by the guest's own clock."""
    for line in lines:
        found = re.search(rf"guest: {name} ok .* in (\d+) ms", line)
        if found:
            return int(found.group(1))
    sys.exit(f"overhead: {name} does not end well:\n" + "\n".join(lines[-20:]))


def children():
    """CPU seconds of the emulators that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def boot(options, folder, work, counted):
    config = "policy = first_touch\n"
    config += vm("guest", work["do"] + ",poweroff", vcpus=options.vcpus, memory=384, initrd=work.get("initrd", "initrd.img"),
                 more=f"quiet {options.words}")
    image = os.path.join(options.build, "monitor.elf")
    return emulator.monitor(image, folder, config, cpus=options.vcpus, counted=counted)


def run(options, folder, work, on_monitor):
    before = children()
    if on_monitor:
        machine = boot(options, folder, work, options.counted)
    else:
        command_line = f"console=ttyS0 quiet {options.words} do={work['do']},poweroff"
        machine = emulator.native(folder, command_line, cpus=options.vcpus, memory=384, counted=options.counted,
                                  initrd=work.get("initrd", "initrd.img"))
    with machine as m:
        lines = m.finish(600)
        name = work["do"].split(":")[0]
        exits = exits_per_second(m.telemetry()) if on_monitor else None
        return {"ms": measured(lines, name), "s": m.seconds, "cpu_s": children() - before}, exits


def exits_per_second(telemetry):
    guest = sum(row["guest"] for row in telemetry.vcpu.values()) / 1e9
    return {kind: sum(row["exits"][kind] for row in telemetry.vcpu.values()) / guest for kind in emulator.EXITS}


def pair(options, folder, work, number):
    """The rows of both ways, from other processes: at once, each has to know its own emulator's CPU time. Who begins changes."""
    ways = (False, True) if number % 2 else (True, False)
    with concurrent.futures.ProcessPoolExecutor(2 if options.beside else 1) as pool:
        return dict(zip(ways, pool.map(run, *map(itertools.repeat, (options, folder, work)), ways)))


def compare(options, folder, name):
    rows, exits = [], None
    for number in range(1, options.pairs + 1):
        both = pair(options, folder, WORK[name], number)
        native, (monitored, exits) = both[False][0], both[True]
        rows.append({**{f"native_{key}": n for key, n in native.items()}, **{f"monitor_{key}": n for key, n in monitored.items()}})
        print(f"  {name} {number}: {native['ms']} ms, on the monitor {monitored['ms']} ms; power-on to power-off, CPU "
              f"{native['cpu_s']:.1f} s, {monitored['cpu_s']:.1f} s; clock {native['s']:.1f} s, {monitored['s']:.1f} s", file=sys.stderr)
    least = {key: min(row[key] for row in rows) for key in rows[0]}
    ratio = {key: least[f"monitor_{key}"] / least[f"native_{key}"] for key in native}
    median = {key: statistics.median(row[f"monitor_{key}"] / row[f"native_{key}"] for row in rows) for key in native}
    return {"pairs": rows, "least": least, "ratio": ratio, "median": median, "exits": exits}


def show(result):
    print("               workload, ms             boot to power-off, CPU s     boot to power-off, s")
    print("workload       native monitor ratio (med.) native monitor ratio (med.) native monitor ratio (med.)")
    for name, r in result.items():
        print(f"{name:12}", *(f"{r['least'][f'native_{key}']:8.{n}f} {r['least'][f'monitor_{key}']:7.{n}f} {r['ratio'][key]:5.2f} "
                              f"({r['median'][key]:.2f})" for key, n in (("ms", 0), ("cpu_s", 1), ("s", 1))))
    print("\nexits per second of guest time, boot included")
    print(" ".join(f"{kind:>10}" for kind in ("", *result)))
    for kind in emulator.EXITS:
        if any(r["exits"][kind] >= 0.05 for r in result.values()):
            print(" ".join([f"{kind:>10}", *(f"{r['exits'][kind]:10.1f}" for r in result.values())]))


def write(path, content):
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    os.rename(path + ".part", path)


def append(path, result):
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)
    for name, r in result.items():
        least = {key: r["least"][key] for key in ("native_cpu_s", "monitor_cpu_s")}
        rows.append({"name": f"monitor, {name}", **least, "ratio": r["ratio"]["cpu_s"], "exits_per_guest_s": r["exits"]})
    write(path, rows)


def pairs(options, folder):
    result = {name: compare(options, folder, name) for name in options.work}
    show(result)
    if options.json:
        write(options.json, {"vcpus": options.vcpus, "words": options.words, "workloads": result})
    if options.append:
        append(options.append, result)
    for name, r in result.items():
        if options.check and r["ratio"]["cpu_s"] > WORK[name]["bound"]:
            yield f"{name}: {r['ratio']['cpu_s']:.3f} times the native CPU time, more than {WORK[name]['bound']}"


def exits(options, folder):
    with boot(options, folder, EXITS, True) as m:
        lines = m.finish(600)
        found = exits_per_second(m.telemetry())
    for part in EXITS["do"].split(","):
        measured(lines, part.split(":")[0])
    if options.accept:
        write(EXITS["file"], {kind: round(number, 1) for kind, number in found.items()})
    with open(EXITS["file"], encoding="utf-8") as file:
        accepted = json.load(file)
    print(f"{'per guest second':16} {'now':>8} {'accepted':>8}")
    for kind, number in found.items():
        print(f"{kind:16} {number:8.1f} {accepted[kind]:8.1f}")
        if number > accepted[kind] * TOLERANCE["factor"] + TOLERANCE["exits"]:
            yield f"{number:.1f} exits per guest second of kind {kind}, {accepted[kind]} before: keep them rare, or see --accept"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--vcpus", type=int, default=1)
    parser.add_argument("--words", default="", metavar="TEXT")
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK), metavar="NAME")
    parser.add_argument("--beside", action="store_true")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--append", metavar="FILE")
    parser.add_argument("--counted", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--exits", action="store_true")
    parser.add_argument("--accept", action="store_true")
    options = parser.parse_args()
    folder = emulator.need(options.build, *(w["initrd"] for w in WORK.values() if "initrd" in w and not options.exits))
    problems = list((exits if options.exits else pairs)(options, folder))
    for problem in problems:
        print(f"overhead: {problem}")
    sys.exit(1 if problems else 0)


main()
