# SPDX-License-Identifier: BSD-2-Clause
"""Boots boot_check.elf on emulated NUMA machines and compares what it found with what the machine was told to be.

usage: boot.py IMAGE"""

import re
import shutil
import subprocess
import sys
import tempfile

MIB = 1 << 20
DISTANCE = ((10, 20, 30, 40), (20, 10, 21, 22), (30, 21, 10, 23), (40, 22, 23, 10))
SKIP = 77


def numa(sizes, cpus):
    """QEMU's arguments for nodes of so many MiB (0: without memory); cpus[i]: the CPUs of node i."""
    for i, mib in enumerate(sizes):
        if mib:
            yield from ("-object", f"memory-backend-ram,id=m{i},size={mib}M")
        yield from ("-numa", f"node,nodeid={i},memdev=m{i}" if mib else f"node,nodeid={i}")
        for cpu in cpus[i]:
            yield from ("-numa", f"cpu,node-id={i},socket-id={cpu}")
    for i in range(len(sizes) if len(sizes) <= len(DISTANCE) else 0):
        for j in range(i):
            yield from ("-numa", f"dist,src={i},dst={j},val={DISTANCE[i][j]}")


PLAIN = "max,+svm,tcg-cpuid=off"  # a CPU that does not tell its emulator


def boot(image, machine, sizes, cpus, *extra, cpu=PLAIN, words="", files=()):
    """The lines on the console of a machine that switched itself off."""
    count = sum(len(c) for c in cpus)
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", cpu, "-machine", machine, "-m", f"{sum(sizes)}M"]
    command += ["-smp", f"{count},sockets={count},cores=1,threads=1", *numa(sizes, cpus)]
    command += ["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", image, "-append", words]
    if files:
        command += ["-initrd", ",".join(files)]
    command = ["timeout", "100", *command, *extra]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    if done.returncode:
        sys.exit(f"boot: {machine} with {count} CPUs ended with {done.returncode} (124: not at all): {text}")
    return [line.removeprefix("mirrorball: ") for line in text.replace("\r", "").splitlines()]


def rows(lines, pattern):
    """The numbers of all lines that match; groups of hexadecimal digits are read as such."""
    bases = [16 if "a-f" in group else 10 for group in re.findall(r"\((.*?)\)", pattern)]
    found = (re.fullmatch(pattern, line) for line in lines)
    return [tuple(int(text, base) for text, base in zip(m.groups(), bases)) for m in found if m]


CPU = r"cpu (\d+): apic (\d+) node (\d+) text ([0-9a-f]+) in node (\d+)"
NODE = r"node (\d+): tier (\d+) total (\d+) monitor (\d+) free (\d+)"
RANGE = r"range (\d+): ([0-9a-f]+) ([0-9a-f]+)"


def check(lines, sizes, cpus):
    """What is wrong with the topology shown, one text each."""
    count = sum(len(c) for c in cpus)
    shown = rows(lines, CPU)
    if sorted((apic, node) for _, apic, node, _, _ in shown) != sorted((c, n) for n, cs in enumerate(cpus) for c in cs):
        yield f"CPUs {shown}"
    if [row[0] for row in shown] != list(range(count)) or shown[0][1] != 0:
        yield "CPUs are not numbered from the boot processor on"
    if any(sizes[node] and home != node for _, _, node, _, home in shown) or len({row[3] for row in shown}) != sum(map(bool, cpus)):
        yield f"text of a CPU is not its node's own: {shown}"
    nodes = rows(lines, NODE)
    if [n[:2] for n in nodes] != [(i, 0 if cpus[i] else 1) for i in range(len(sizes))]:
        yield f"nodes {nodes}"
    for (i, _, total, monitor, free), mib in zip(nodes, sizes):
        if not mib * MIB - 2 * MIB < total <= mib * MIB:
            yield f"node {i}: {total} bytes, told {mib} MiB"
        if free * 4096 + monitor > total or free * 4096 + monitor < total - 2 * MIB or monitor > max(total // 66, 2 * MIB):
            yield f"node {i}: {free} frames free and {monitor} bytes the monitor's, of {total}"
    latencies = rows(lines, r"latency (\d+) (\d+): (\d+)")
    if latencies != [(i, j, DISTANCE[i][j] * 10000) for i in range(len(sizes)) for j in range(len(sizes))]:
        yield f"latencies {latencies}"
    for i in range(len(sizes)):
        if f"memory of node {i}: {512 if sizes[i] else 0} taken, 0 bad, all back" not in lines:
            yield f"memory of node {i} does not hold"
    if "tried: 0 early timers, 0 stray timers, 0 stray kicks, 0 backward clocks, 0 wrong texts" not in lines:
        yield "timers, kicks, clocks: " + next((line for line in lines if line.startswith("tried")), "not tried")
    ticks, late = next(iter(rows(lines, r"clock: (\d+) ticks in 2 ms, timers (\d+) us late")), (0, 0))
    if not 7080 < ticks < 8000 or late > 1900:  # 7159 and a little; a tenth of the timers' 20 ms
        yield f"{ticks} ticks of the ACPI timer in 2 ms; timers of 20 ms {late} us late"
    if lines[-1] != "refused 0; off":
        yield f"the last line is {lines[-1]!r}"


def check_ranges(lines, hole, top):
    """No memory in the PC's hole, and the rest of it above."""
    ranges = rows(lines, RANGE)
    if not any(start >= 1 << 32 for _, start, _ in ranges):
        yield "no memory above 4 GiB"
    for _, start, end in ranges:
        if start < 1 << 20 or (start < 1 << 32 and end > hole) or end > top:
            yield f"memory at {start:x}..{end:x}"


FAULTS = {
    "text": "exception 14 (code 3)",    # a write to what is present
    "rodata": "exception 14 (code 3)",
    "xecute": "exception 14 (code 11)",  # a fetch from the direct map
    "null": "exception 14 (code 2)",
    "guest": "exception 6 (code 0)",
    "stack": "exception 8",  # beside the page left out below the stack, on a stack of its own
    "word": "asked for with 5 and word",
    "badly": "asked for with 5 and badly",  # a second error while the first is told
}


def check_faults(image):
    for word, expected in FAULTS.items():
        lines = boot(image, "q35", (256,), ((0,),), words=f"fault={word}")
        if not lines[-2].startswith(f"panic: {expected}") or lines[-1] != lines[-2].replace("panic", "told"):
            yield f"fault={word}: {lines[-2:]}"


def check_modules(image):
    with tempfile.NamedTemporaryFile("w", suffix=".module") as file:
        file.write("Mirror")
        file.flush()
        files = (f"{file.name} first words", f"{file.name} config")
        lines = boot(image, "pc", (512, 512), ((1,), (0,)), words="a=b c", files=files)
    yield from check(lines, (512, 512), ((1,), (0,)))
    for i, text in enumerate(files):
        if f"module {i}: {text.split()[-1]}, 6 bytes, first 4d: {text}" not in lines:
            yield f"module {i} is not as given"
    if f"command line: {image} a=b c" not in lines:
        yield "the command line is not as given"


def check_many(image):
    """More CPUs than are used: each node keeps some. More nodes than fit: a clear line."""
    lines = boot(image, "q35", (256, 256), (tuple(range(70)), (70, 71)))
    shown = rows(lines, CPU)
    of_node = [sum(node == n for _, _, node, _, _ in shown) for n in (0, 1)]
    if of_node != [32, 2] or [n[1] for n in rows(lines, NODE)] != [0, 0] or lines[-1] != "refused 0; off":
        yield f"of 70 CPUs on node 0 and 2 on node 1: {of_node}; {lines[-1]}"
    lines = boot(image, "q35", (32,) * 17, ((0,), *[()] * 16))
    if not lines[-1].startswith("panic: 17 NUMA nodes; at most 16"):
        yield f"17 nodes: {lines[-1]}"


def main():
    if not shutil.which("qemu-system-x86_64"):
        print("boot: skipped: qemu-system-x86_64 is not installed")
        sys.exit(SKIP)
    image = sys.argv[1]
    four = ((0,), (1,), (2,), (3,))
    problems = list(check(boot(image, "q35", (512,) * 4, four), (512,) * 4, four))
    # 6 GiB of it above the hole; node 3 has no CPU, node 1 two; pages of 2 MiB instead of 1 GiB
    sizes, cpus = (1536, 2048, 1536, 1024), ((0, 2), (1, 3), (), (4,))
    high = boot(image, "q35", sizes, cpus, cpu=f"{PLAIN},-pdpe1gb")
    problems += list(check(high, sizes, cpus)) + list(check_ranges(high, 2 << 30, 8 << 30))
    high = boot(image, "pc", sizes, cpus)
    problems += list(check(high, sizes, cpus)) + list(check_ranges(high, 3 << 30, 7 << 30))
    # node 1 has a CPU and no memory; there is room for memory that is not there yet
    sizes, cpus = (512, 0, 256), ((0,), (1,), (2,))
    problems += list(check(boot(image, "q35", sizes, cpus, "-m", "slots=2,maxmem=4G"), sizes, cpus))
    problems += list(check_many(image)) + list(check_modules(image)) + list(check_faults(image))
    for problem in problems:
        print(f"boot: {problem}")
    print(f"boot: {len(problems)} problems" if problems else f"boot: 7 machines, {len(FAULTS)} faults")
    sys.exit(1 if problems else 0)


main()
