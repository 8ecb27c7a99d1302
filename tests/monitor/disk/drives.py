# SPDX-License-Identifier: BSD-2-Clause
"""Boots drive_check.elf on emulated machines with NVMe drives of several kinds and compares what it read with the files
behind the drives, and what it wrote with the files afterwards.

usage: drives.py IMAGE"""

import random
import re
import shutil
import subprocess
import sys
import tempfile

SKIP, SECTOR = 77, 512
# file's bytes, further properties of the device
DRIVES = (
    (4 << 20, ""),
    ((4 << 20) + 3 * SECTOR, ",mdts=1"),  # 8 KiB at once; a last block that is short
    (4 << 20, ",logical_block_size=4096,physical_block_size=4096"),
)


def digest(data):
    d = 1
    for i in range(0, len(data), 8):
        d = (d ^ int.from_bytes(data[i : i + 8], "little")) * 0x9E3779B97F4A7C15 % (1 << 64)
    return d


def boot(image, machine, paths, module):
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,+svm", "-machine", machine, "-m", "256M", "-nodefaults"]
    command += ["-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", image, "-initrd", module]
    command += ["-trace", "pci_nvme_mmio_shutdown_set"]
    command += ["-device", "nvme,serial=empty"]  # the first has no namespace: the others keep their numbers
    for i, (path, (_, more)) in enumerate(zip(paths, DRIVES)):
        command += ["-drive", f"file={path},if=none,id=d{i},format=raw", "-device", f"nvme,serial=d{i},drive=d{i}{more}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
    text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    return [line.removeprefix("mirrorball: ") for line in text.replace("\r", "").splitlines()]


def written(sector, count):
    return bytes((sector + i) * 13 >> 2 & 255 for i in range(count * SECTOR))


def check_drive(lines, name, data, writable):
    """What was read and written, against the bytes; answers the bytes as they must be afterwards."""
    problems, sectors = [], len(data) // SECTOR
    if f"{name}: {sectors} sectors, {'writable' if writable else 'read-only'}" not in lines:
        problems.append(f"{name}: not there, or not of {sectors} sectors")
    done = 0
    for line in lines:
        m = re.fullmatch(rf"{name} (read|write) (\d+) (\d+): (\d+)(?: ([0-9a-f]+))?", line)
        if not m:
            continue
        done += 1
        sector, count = int(m[2]), int(m[3])
        there = sector + count <= sectors
        if int(m[4]) != (0 if there else 5):
            problems.append(line)
        elif m[1] == "write" and there:
            data[sector * SECTOR : (sector + count) * SECTOR] = written(sector, count)
        elif m[1] == "read" and there and int(m[5], 16) != digest(data[sector * SECTOR : (sector + count) * SECTOR]):
            problems.append(f"{line}: other bytes")
    if done != (55 if writable else 50) or (writable and f"{name} flush: 0" not in lines):
        problems.append(f"{name}: {done} transfers")
    return problems


def check_machine(image, machine, folder):
    numbers = random.Random(7)
    paths, contents = [], []
    for i, size in enumerate([size for size, _ in DRIVES] + [(3 << 20) + 1000]):
        paths.append(f"{folder}/{machine}{i}")
        contents.append(bytearray(numbers.randbytes(size)))
        with open(paths[-1], "wb") as file:
            file.write(contents[-1])
    lines = boot(image, machine, paths[:-1], paths[-1])
    problems = []
    for i in range(len(DRIVES)):
        problems += check_drive(lines, f"nvme {i + 1}", contents[i], True)
        with open(paths[i], "rb") as file:
            if file.read() != contents[i]:
                problems.append(f"nvme {i + 1}: the file does not hold what was written")
    module = contents[-1][: len(contents[-1]) // SECTOR * SECTOR]
    problems += check_drive(lines, "module", module, False)
    if sum("pci_nvme_mmio_shutdown_set" in line for line in lines) != len(DRIVES):
        problems.append("not every drive was told that the power goes")
    for line in (f"{len(DRIVES) + 1} drives", "nvme 0: none", "one more: 0, again: 0", "no such module: 0"):
        if line not in lines:
            problems.append(f"no line {line!r}")
    return [f"{machine}: {problem}" for problem in problems] + (lines if problems else [])


def main():
    if not shutil.which("qemu-system-x86_64"):
        print("drives: skipped: qemu-system-x86_64 is not installed")
        sys.exit(SKIP)
    with tempfile.TemporaryDirectory() as folder:
        problems = [p for machine in ("q35", "pc") for p in check_machine(sys.argv[1], machine, folder)]
    for problem in problems:
        print(f"drives: {problem}")
    print(f"drives: {len(problems)} problems" if problems else f"drives: {len(DRIVES)} drives and a module on 2 machines")
    sys.exit(1 if problems else 0)


main()
