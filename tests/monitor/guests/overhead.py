# SPDX-License-Identifier: BSD-2-Clause
"""What the monitor costs: the same kernel, initrd and workload on an emulated machine with and without it, in turn, as the
guest measures the workload, and from power-on to power-off in CPU time of the emulator (which a busy host disturbs least)
and by the clock; and exits by kind per second of guest time.

usage: overhead.py BUILD [--pairs N] [--vcpus N] [--json FILE] [--check]

--check fails when the exits of a kind per guest second exceed the guard below, or a ratio of least CPU times its bound."""

import argparse
import json
import os
import re
import resource
import statistics
import sys

import emulator
from emulator import vm

WORK = {"compute": "compute:100:1", "compile-like": "churn:10:1"}
BOUND = {"compute": 1.05, "compile-like": 1.15}
# Per second of guest time while the compile-like workload runs, boot included, about twice what was measured.
GUARD = {"interrupt": 400, "halt": 100, "cpuid": 1500, "msr_read": 40, "msr_write": 1200, "port": 300,
         "mmio": 150, "touch": 1500, "map": 50, "copy": 1, "collapse": 1, "hint": 1, "exception": 1, "hypercall": 1}


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


def run(options, folder, work, on_monitor):
    before = children()
    do = f"{work},poweroff"
    if on_monitor:
        config = "policy = first_touch\n" + vm("guest", do, vcpus=options.vcpus, memory=384)
        machine = emulator.monitor(os.path.join(options.build, "monitor.elf"), folder, config, cpus=options.vcpus)
    else:
        machine = emulator.native(folder, f"console=ttyS0 quiet do={do}", cpus=options.vcpus, memory=384)
    with machine as m:
        lines = m.finish(600)
        name = work.split(":")[0]
        return measured(lines, name), m.seconds, children() - before, m.telemetry() if on_monitor else None


def exits_per_second(telemetry):
    guest = sum(row["guest"] for row in telemetry.vcpu.values()) / 1e9
    return {kind: sum(row["exits"][kind] for row in telemetry.vcpu.values()) / guest for kind in emulator.EXITS}


def compare(options, folder, name, work):
    """Pairs in turn, so that a busy host meets both; ratios of each pair."""
    rows, exits = [], None
    for pair in range(options.pairs):
        first = run(options, folder, work, pair % 2 == 1)
        second = run(options, folder, work, pair % 2 == 0)
        native, monitored = (first, second) if pair % 2 == 0 else (second, first)
        exits = exits_per_second(monitored[3])
        row = {}
        for way, times in (("native", native), ("monitor", monitored)):
            row.update({f"{way}_ms": times[0], f"{way}_s": times[1], f"{way}_cpu_s": times[2]})
        rows.append(row)
        print(f"  {name} {pair + 1}: {native[0]} ms, on the monitor {monitored[0]} ms; power-on to power-off, CPU "
              f"{native[2]:.1f} s, {monitored[2]:.1f} s; clock {native[1]:.1f} s, {monitored[1]:.1f} s", file=sys.stderr)
    best = {key: min(row[key] for row in rows) for key in rows[0]}
    return {
        "pairs": rows,
        "ratio": best["monitor_ms"] / best["native_ms"],
        "ratio_median": statistics.median(row["monitor_ms"] / row["native_ms"] for row in rows),
        "whole_cpu": best["monitor_cpu_s"] / best["native_cpu_s"],
        "whole": best["monitor_s"] / best["native_s"],
        "best": best,
        "exits": exits,
    }


def show(result):
    print("               workload, ms                      boot to power-off, CPU s  boot to power-off, s")
    print("workload       native monitor ratio of medians    native monitor ratio      native monitor ratio")
    for name, r in result.items():
        b = r["best"]
        print(f"{name:13} {b['native_ms']:7} {b['monitor_ms']:7} {r['ratio']:5.2f} {r['ratio_median']:10.2f}"
              f" {b['native_cpu_s']:9.1f} {b['monitor_cpu_s']:7.1f} {r['whole_cpu']:5.2f}"
              f" {b['native_s']:11.1f} {b['monitor_s']:7.1f} {r['whole']:5.2f}")
    print("\nexits per second of guest time, boot included")
    print(" ".join(f"{kind:>10}" for kind in ("", *result)))
    for kind in emulator.EXITS:
        if any(r["exits"][kind] >= 0.05 for r in result.values()):
            print(" ".join([f"{kind:>10}", *(f"{r['exits'][kind]:10.1f}" for r in result.values())]))


def check(result):
    for name, r in result.items():
        if r["whole_cpu"] > BOUND[name]:
            yield f"{name}: {r['whole_cpu']:.3f} times the native time, more than {BOUND[name]}"
    for kind, most in GUARD.items():
        found = result["compile-like"]["exits"][kind]
        if found > most:
            yield f"{found:.0f} exits per guest second of kind {kind}, more than {most}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("build")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--vcpus", type=int, default=1)
    parser.add_argument("--json")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    folder = emulator.need(options.build)
    result = {name: compare(options, folder, name, work) for name, work in WORK.items()}
    show(result)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"vcpus": options.vcpus, "workloads": result}, file, indent=1)
            file.write("\n")
    problems = list(check(result)) if options.check else []
    for problem in problems:
        print(f"overhead: {problem}")
    sys.exit(1 if problems else 0)


main()
