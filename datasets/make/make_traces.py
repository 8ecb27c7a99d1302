#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Captures the bundled workloads anew from Debian's own programs and checks that their pages are shared as those of the
bundled traces, within 5 points.

usage: make_traces.py MIRRORBALL GUESTS OUT [NAME...]
MIRRORBALL: the program. GUESTS: the folder with Debian's kernel, vmlinuz-cloud (the target guests makes it).
OUT: where the traces go."""

import glob
import json
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUNDLED = os.path.join(ROOT, "datasets/traces")
sys.path.insert(0, os.path.join(ROOT, "tests/monitor/guests"))
import make_guests  # noqa: E402  (the archive of an initial file system)
from make_guests import Problem  # noqa: E402

POINTS = 5
AT_ONCE = 4
CLASSES = ("private", "read-shared by all", "read-shared by some", "read-mostly", "write-shared")
KERNEL = "vmlinuz-cloud"  # Debian's, of those that ./run fetches
# Three of each on four CPUs: 1.5 a CPU, as in the paper.
ENGINEERING = """for i in 1 2 3; do
    vvp -n /job/design.vvp +seed=$i >/dev/null &
    /job/coherence $i 1000000000 >/dev/null &
done
wait"""
# name: records taken; CPUs, each a node of its own; MiB of memory (2048); what starts the capture (the mark of guest.sh);
# what the guest's shell runs; what it is
TRACES = {
    "pmake": dict(records=1_600_000, cpus=4, run="make -s -C /job -j4 all",
                  note="make -j4: 7 C libraries through gcc's cc1 and as"),
    "engineering": dict(records=1_800_000, cpus=4, run=ENGINEERING,
                        note="3 Verilog simulations (iverilog's vvp) and 3 simulations of a memory system"),
    "database": dict(records=1_600_000, cpus=8, run="/job/database /job/image",
                     note="SQLite: 8 threads query one image in memory"),
    "raytrace": dict(records=800_000, cpus=8, run="povray +I/job/scene.pov +W256 +H256 +WT8 -D +O/tmp/image.png >/dev/null 2>&1",
                     note="povray with 8 threads, 256 x 256"),
    "boot": dict(records=2_400_000, cpus=4, memory=512, options=["--from-kernel"], run=":",
                 note="Debian's kernel boots on 4 CPUs, from its first unpacked instruction"),
}
# What gcc compiles in pmake: Debian's libstb-dev, whose headers are whole libraries when asked for their implementation;
# preprocessed here so that the guest needs no headers.
JOBS = ("image", "truetype", "image_resize", "image_write", "ds", "sprintf", "rect_pack")


def run(command, advice, **options):
    """Its standard output; a problem ends in one line."""
    return make_guests.output([str(word) for word in command], advice, **options)


def compile_c(source, out, *flags):
    run(["gcc", "-O2", os.path.join(HERE, source), "-o", out, *flags], "is the package there? ./run datasets installs it")


def with_libraries(archive, path, seen, name=None):
    """A program of this host and what it is linked with, at the same paths, or the program under another name."""
    if path in seen:
        return
    seen.add(path)
    archive.file((name or path).lstrip("/"), os.path.realpath(path), 0o755)
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for word in listed.split():
        if word.startswith("/") and os.path.exists(word):
            with_libraries(archive, word, seen)


def add_pmake(archive, place, seen):
    gcc = run(["gcc", "-print-prog-name=cc1"], "is gcc there?").strip()
    for path in ("/usr/bin/make", "/usr/bin/as", gcc):
        with_libraries(archive, path, seen)
    for name in JOBS:
        source, out = os.path.join(place, name + ".c"), os.path.join(place, name + ".i")
        with open(source, "w", encoding="ascii") as file:
            file.write(f"#define STB_{name.upper()}_IMPLEMENTATION\n#include <stb/stb_{name}.h>\n")
        run(["gcc", "-E", "-P", "-O2", source, "-o", out], "is libstb-dev there? ./run datasets installs it")
        archive.file(f"job/{name}.i", out, 0o644)
    rules = "all: " + " ".join(name + ".o" for name in JOBS) + "\n"
    rules += "%.o: %.i\n\t" + gcc + " -fpreprocessed -quiet -O2 $< -o /tmp/$*.s && as -o /tmp/$@ /tmp/$*.s\n"
    archive.add("job/Makefile", stat.S_IFREG | 0o644, rules.encode())


def numbered(text):
    """What iverilog wrote, with labels by number: its own are addresses of its memory, others in each run."""
    numbers = {}
    return re.sub(r"0x[0-9a-f]{6,}", lambda label: numbers.setdefault(label[0], f"0x{16 * len(numbers) + 16:012x}"), text)


def add_engineering(archive, place, seen):
    design, program = (os.path.join(place, name) for name in ("design.vvp", "coherence"))
    run(["iverilog", "-o", design, "design.v"], "is iverilog there? ./run datasets installs it", cwd=HERE)
    with open(design, encoding="ascii") as file:
        archive.add("job/design.vvp", stat.S_IFREG | 0o644, numbered(file.read()).encode())
    for path in ["/usr/bin/vvp"] + glob.glob("/usr/lib/x86_64-linux-gnu/ivl/*.vpi"):
        with_libraries(archive, path, seen)
    compile_c("coherence.c", program)
    with_libraries(archive, program, seen, "/job/coherence")


def add_database(archive, place, seen):
    program, image = (os.path.join(place, name) for name in ("database", "image"))
    compile_c("database.c", program, "-lsqlite3", "-lpthread")
    run([program, "make", image], "is the disk full?")
    with_libraries(archive, program, seen, "/job/database")
    archive.file("job/image", image, 0o644)


def add_raytrace(archive, _, seen):
    with_libraries(archive, "/usr/bin/povray", seen)
    archive.file("job/scene.pov", os.path.join(HERE, "scene.pov"), 0o644)
    for name in ("povray.conf", "povray.ini"):
        archive.file(f"etc/povray/3.7/{name}", f"/etc/povray/3.7/{name}", 0o644)


def add_nothing(_archive, _place, _seen):
    """Debian's kernel and busybox are all that boots."""


def make_initrd(name, place):
    archive, seen = make_guests.Archive(), set()
    for folder in ("dev", "job", "proc", "sys", "tmp"):
        archive.folder(folder)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.add("dev/null", stat.S_IFCHR | 0o666, device=(1, 3))
    archive.file("init", os.path.join(HERE, "guest.sh"))
    archive.file("bin/busybox", shutil.which("busybox"))
    archive.link("bin/sh", "busybox")
    mark = os.path.join(place, "mark")
    compile_c("mark.c", mark, "-static")
    archive.file("bin/mark", mark)
    archive.add("job/run", stat.S_IFREG | 0o644, TRACES[name]["run"].encode() + b"\n")
    add = {"pmake": add_pmake, "engineering": add_engineering, "database": add_database, "raytrace": add_raytrace}
    add.get(name, add_nothing)(archive, place, seen)
    archive.add("TRAILER!!!", 0)
    path = os.path.join(place, "initrd")
    with open(path, "wb") as file:
        file.write(archive.data)
    return path


def version(kernel):
    """What a bzImage says of itself (Linux's boot protocol, field kernel_version)."""
    with open(kernel, "rb") as file:
        data = file.read(1 << 16)
    at, = struct.unpack_from("<H", data, 0x20E)
    return "Linux " + data[0x200 + at:].split(b" ")[0].decode()


def record(program, guests, name, out, place):
    """The commands run in `place`, so that what they leave in the trace holds no path of this host."""
    trace, kernel = TRACES[name], os.path.join(guests, KERNEL)
    cpus, memory = trace["cpus"], trace.get("memory", 2048)
    make_initrd(name, place)
    os.symlink(os.path.abspath(kernel), os.path.join(place, KERNEL))
    command = [program, "record", "--source", "qemu", "-a", "--cpus", cpus, "--nodes", cpus, "--memory", f"{memory}Mi",
               "--records", trace["records"], "-o", "whole.h5", *trace.get("options", ["--mark"])]
    run(command + ["--", "-kernel", KERNEL, "-initrd", "initrd", "-append", "console=ttyS0 quiet panic=-1",
                   "-serial", "stdio", "-net", "none"], "the guest's own messages say why", cwd=place)
    qemu = run(["qemu-system-x86_64", "--version"], "is it there?").split()[3].split("(")[0]
    run([program, "import", "whole.h5", "--compress", "smallest", "--name", name, "--note", trace["note"] + "; datasets/make",
         "--host", f"QEMU {qemu}, {cpus} CPUs on {cpus} nodes of {memory // cpus} MiB", "--kernel", version(kernel), "-o", out],
        "is the disk full?", cwd=place)


def info(program, path):
    """Digest, records, and per class the shares of pages and misses in %."""
    found = json.loads(run([program, "info", "--format", "json", path], "is the trace whole?"))
    sharing = found["sharing"]
    pages, misses = sum(c["pages"] for c in sharing.values()), sum(c["misses"] for c in sharing.values())
    return found["digest"], found["records"], [(100 * sharing[c]["pages"] / pages, 100 * sharing[c]["misses"] / misses) for c in CLASSES]


def check(program, name, path):
    """Prints a line per class; the number of those that are off. What is not bundled is only shown."""
    bad, bundled = 0, os.path.join(BUNDLED, name + ".h5")
    digest, records, here = info(program, path)
    if records != TRACES[name]["records"]:
        raise Problem(f"{name}: the guest ended after {records} records instead of {TRACES[name]['records']}")
    old_digest, _, there = info(program, bundled) if os.path.exists(bundled) else (None, 0, None)
    for i, (pages, misses) in enumerate(here):
        line = f"{name:12s} {CLASSES[i]:20s} {pages:6.2f} % of pages {misses:6.2f} % of misses"
        if there:
            off = max(abs(pages - there[i][0]), abs(misses - there[i][1]))
            bad += off > POINTS
            line += f"   bundled {there[i][0]:6.2f} {there[i][1]:6.2f}   {f'off by {off:.1f}' if off > POINTS else 'good'}"
        print(line)
    same = "not bundled" if not there else "the bundled one" if digest == old_digest else "bundled " + old_digest
    print(f"{name:12s} digest {digest}: {same}", flush=True)
    return bad


def capture(program, guests, name, path):
    start = time.monotonic()
    print(f"datasets: capturing {name}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="mirrorball-make-") as place:
        record(program, guests, name, path, place)
    print(f"datasets: {name} took {time.monotonic() - start:.0f} s", file=sys.stderr)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program, guests, out, *names = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    program, guests, out = os.path.abspath(shutil.which(program) or program), os.path.abspath(guests), os.path.abspath(out)
    for name in names:
        if name not in TRACES:
            raise Problem(f"{name}: no such trace; there are {', '.join(TRACES)}")
    paths = {name: os.path.join(out, name + ".h5") for name in names or TRACES}
    # A capture takes one host CPU and does not depend on what else runs.
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
        captures = {name: pool.submit(capture, program, guests, name, path) for name, path in paths.items()}
        bad = 0
        for name, path in paths.items():
            captures[name].result()
            bad += check(program, name, path)
    if bad:
        raise Problem(f"{bad} shares are more than {POINTS} points from those of the traces in datasets/traces")


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        sys.exit(f"datasets: {problem}")
