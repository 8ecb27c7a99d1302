#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fits the two bandwidths of the FLASH presets: a node's memory and the path between two nodes.

    python3 datasets/machines/calibrate.py build/mirrorball

The targets are the mean latencies that Disco's Figure 8 implies for its Engineering run (docs/paper.md): under round
robin 0.61 us local and 1.33 us remote, under the monitor 0.29 us and 1.07 us. The misfit is the sum of squares of
(share of the misses x latency difference), so that each latency counts as much as it makes up of the stall. Nothing of
the Raytrace run enters. The result is printed; the numbers in flash-*.ini are entered by hand.
"""
import json
import os
import subprocess
import sys
import tempfile

TARGETS = {  # us, share of the misses
    "baseline: local latency": (0.61, 0.16),
    "baseline: remote latency": (1.33, 0.84),
    "migrep: local latency": (0.29, 0.78),
    "migrep: remote latency": (1.07, 0.22),
}
MESH = {4: 8 / (4 / 3) / 12, 8: 20 / 2 / 56, 16: 48 / (8 / 3) / 240}  # a pair's share of one link


def machine(program, memory, link):
    """flash-8 with other bandwidths, as text."""
    text = subprocess.run([program, "machines", "flash-8", "--ini"], check=True, capture_output=True, text=True).stdout
    head, rest = text.split("[bandwidth]\n")
    return f"{head}[bandwidth]\nmemory = {memory:.6f}\nlink = {link:.6f}\n" + rest[rest.index("\n# util"):]


def latencies(program, memory, link):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trial.ini")
        with open(path, "w", encoding="ascii") as file:
            file.write(machine(program, memory, link))
        out = subprocess.run([program, "compare", "--paper", "--machine", path, "--policy", "interleave,migrep",
                              "--no-bounds", "--format", "json"], check=True, capture_output=True, text=True).stdout
    return {row["quantity"]: row["here"] for row in json.loads(out)["rows"]}


def misfit(program, memory, link):
    here = latencies(program, memory, link)
    return sum((share * (here[name] - target)) ** 2 for name, (target, share) in TARGETS.items())


def search(program):
    """A grid in equal ratios, then a finer one around its best point."""
    best = (float("inf"), 0.0, 0.0)
    memories, links = [0.25 * 2 ** i for i in range(7)], [0.015 * 2 ** (i / 2) for i in range(7)]
    for _ in range(3):
        for memory in memories:
            for link in links:
                trial = (misfit(program, memory, link), memory, link)
                if trial < best:
                    best = trial
                    print("misfit %.6f   memory %.4f GB/s   path %.5f GB/s" % best, flush=True)
        ratio = (memories[1] / memories[0]) ** 0.5, (links[1] / links[0]) ** 0.5
        memories = [best[1] * ratio[0] ** i for i in (-1, 0, 1)]
        links = [best[2] * ratio[1] ** i for i in (-1, 0, 1)]
    return best


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/mirrorball"
    _, memory, link = search(program)
    print("\nmemory %.3f GB/s, path between two of 8 nodes %.4f GB/s" % (memory, link))
    for nodes, share in MESH.items():
        print("flash-%d: link = %.5f" % (nodes, link * share / MESH[8]))
    for name, value in latencies(program, memory, link).items():
        if name in TARGETS:
            print("%-32s implied %.2f us, here %.2f us" % (name, TARGETS[name][0], value))


if __name__ == "__main__":
    main()
