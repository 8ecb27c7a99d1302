#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Captures the bundled workloads anew from Debian's own programs and checks that their pages are shared as the bundled
traces' README says, within 5 points.

usage: make_traces.py MIRRORBALL GUESTS OUT [NAME...]
MIRRORBALL: the program. GUESTS: the folder with Debian's kernels, vmlinuz and vmlinuz-cloud (the target guests makes it). OUT: where the traces go."""

import glob
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/monitor/guests"))
import make_guests  # noqa: E402  (the archive of an initial file system)
from make_guests import Problem  # noqa: E402

POINTS = 5
CLASSES = ("private", "read-shared by all", "read-shared by some", "read-mostly", "write-shared")
# name: records taken; a whole machine's kernel, of those that ./run fetches
TRACES = {
    "pmake": dict(records=1_600_000, kernel="vmlinuz-cloud"),
    "engineering": dict(records=1_600_000, kernel="vmlinuz-cloud"),
    "database": dict(records=1_500_000, kernel=None),
    "raytrace": dict(records=1_500_000, kernel=None),
    "boot": dict(records=800_000, kernel="vmlinuz"),
}
# What gcc compiles in pmake: the trace library's sources, preprocessed here so that the guest needs no headers.
JOBS = ("trace_open", "trace_table", "trace_writer", "import", "import_csv", "machine_parse", "trace_stats")


def run(command, advice, **options):
    """Its standard output; a problem ends in one line."""
    return make_guests.output([str(word) for word in command], advice, **options)


def compile_c(source, out, *flags):
    run(["gcc", "-O2", os.path.join(HERE, source), "-o", out, *flags], "is the package there? ./run datasets installs it")


def with_libraries(archive, path, seen):
    """A program of this host and what it is linked with, at the same paths."""
    if path in seen:
        return
    seen.add(path)
    archive.file(path.lstrip("/"), os.path.realpath(path), 0o755)
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for word in listed.split():
        if word.startswith("/") and os.path.exists(word):
            with_libraries(archive, word, seen)


def add_pmake(archive, place, seen):
    gcc = run(["gcc", "-print-prog-name=cc1"], "is gcc there?").strip()
    for path in ("/usr/bin/make", "/usr/bin/as", gcc):
        with_libraries(archive, path, seen)
    flags = run(["pkg-config", "--cflags", "hdf5", "libdeflate", "libzstd"], "is pkg-config there?").split()
    for name in JOBS:
        out = os.path.join(place, name + ".i")
        run(["gcc", "-E", "-P", "-O2", "-fopenmp", "-D_GNU_SOURCE", "-DMIRRORBALL_VERSION=\"0\"", f"-I{ROOT}", *flags,
             f"{ROOT}/datasets/{name}.c", "-o", out], "do the project's own packages lack?")
        archive.file(f"job/{name}.i", out, 0o644)
    rules = "all: " + " ".join(name + ".o" for name in JOBS) + "\n"
    rules += "".join(f"{name}.o: CPU = {1 << i % 4}\n" for i, name in enumerate(JOBS))
    rules += ("%.o: %.i\n\ttaskset $(CPU) " + gcc + " -fpreprocessed -quiet -O2 -fopenmp $< -o /tmp/$*.s && "
              "taskset $(CPU) as -o /tmp/$@ /tmp/$*.s\n")
    archive.add("job/Makefile", stat.S_IFREG | 0o644, rules.encode())


def add_engineering(archive, place, seen):
    design = os.path.join(place, "design.vvp")
    run(["iverilog", "-o", design, os.path.join(HERE, "design.v")], "is iverilog there?")
    archive.file("job/design.vvp", design, 0o644)
    for path in ("/usr/bin/vvp", "/usr/bin/valgrind.bin"):
        with_libraries(archive, path, seen)
    for path in glob.glob("/usr/lib/x86_64-linux-gnu/ivl/*.vpi") + ["/usr/libexec/valgrind/cachegrind-amd64-linux"]:
        with_libraries(archive, path, seen)
    archive.file("usr/libexec/valgrind/default.supp", "/usr/libexec/valgrind/default.supp", 0o644)
    for path in glob.glob("/usr/libexec/valgrind/vgpreload_c*-amd64-linux.so"):
        archive.file(path.lstrip("/"), path)
    text = b"".join(open(path, "rb").read() for path in sorted(glob.glob(f"{ROOT}/docs/*.md")))
    archive.add("job/text", stat.S_IFREG | 0o644, text[:200_000])


def make_initrd(name, place):
    archive, seen = make_guests.Archive(), set()
    for folder in ("dev", "proc", "sys", "tmp"):
        archive.folder(folder)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.add("dev/null", stat.S_IFCHR | 0o666, device=(1, 3))
    archive.file("init", os.path.join(HERE, "guest.sh"))
    archive.file("bin/busybox", shutil.which("busybox"))
    archive.link("bin/sh", "busybox")
    archive.link("bin/taskset", "busybox")
    mark = os.path.join(place, "mark")
    compile_c("mark.c", mark, "-static")
    archive.file("bin/mark", mark)
    {"pmake": add_pmake, "engineering": add_engineering, "boot": add_pmake}[name](archive, place, seen)
    archive.add("TRAILER!!!", 0)
    path = os.path.join(place, "initrd")
    with open(path, "wb") as file:
        file.write(archive.data)
    return path


def record_guest(program, guests, name, out, place):
    command = [program, "record", "--source", "qemu", "-a", "--cpus", "4", "--quantum", "10000", "--records",
               TRACES[name]["records"], "-o", out]
    if name != "boot":
        command.append("--mark")
    words = f"console=ttyS0 quiet panic=-1 make={name}"
    run(command + ["--", "-kernel", os.path.join(guests, TRACES[name]["kernel"]), "-initrd", make_initrd(name, place), "-append",
                   words, "-serial", "stdio", "-net", "none"], "the guest's own messages say why")


def record_program(program, name, out, place):
    if name == "database":
        command = [os.path.join(place, name)]
        compile_c("database.c", command[0], "-lsqlite3", "-lpthread")
    else:
        command = ["povray", f"+I{HERE}/scene.pov", "+W96", "+H96", "+WT8", "-D", f"+O{place}/image.png"]
    run([program, "record", "--source", "qemu", "--records", TRACES[name]["records"], "-o", out, "--", *command],
        "the program's own messages say why")


def stated(name):
    """The row of the table that the README gives for captures of this kind."""
    with open(os.path.join(ROOT, "datasets/traces/README.md"), encoding="utf-8") as file:
        text = file.read().partition("\n## Captured anew\n")[2]
    rows = [[cell.strip() for cell in line.strip(" |").split("|")] for line in text.splitlines() if line.startswith("| " + name)]
    row = next((row for row in rows if len(row) == 8 and "/" in row[3]), None)
    return [tuple(map(float, cell.split("/"))) for cell in row[3:]] if row else None


def shares(program, path):
    found = json.loads(run([program, "info", "--format", "json", path], "is the trace whole?"))
    sharing = found["sharing"]
    pages, misses = sum(c["pages"] for c in sharing.values()), sum(c["misses"] for c in sharing.values())
    return [(100 * sharing[c]["pages"] / pages, 100 * sharing[c]["misses"] / misses) for c in CLASSES]


def check(program, name, path):
    """Prints a line per class; the number of those that are off."""
    bad, want = 0, stated(name)
    for i, (pages, misses) in enumerate(shares(program, path)):
        line = f"{name:12s} {CLASSES[i]:20s} {pages:6.2f} % of pages {misses:6.2f} % of misses"
        if want:
            off = max(abs(pages - want[i][0]), abs(misses - want[i][1]))
            bad += off > POINTS
            line += f"   stated {want[i][0]:6.2f} {want[i][1]:6.2f}   {'off by %.1f' % off if off > POINTS else 'good'}"
        print(line)
    return bad


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program, guests, out, *names = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    bad = 0
    for name in names or TRACES:
        if name not in TRACES:
            raise Problem(f"{name}: no such trace; there are {', '.join(TRACES)}")
        path = os.path.join(out, name + ".h5")
        print(f"datasets: capturing {name}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="mirrorball-make-") as place:
            whole = os.path.join(place, "whole.h5")
            if TRACES[name]["kernel"]:
                record_guest(program, guests, name, whole, place)
            else:
                record_program(program, name, whole, place)
            run([program, "import", whole, "--compress", "smallest", "--name", name, "-o", path], "is the disk full?")
        bad += check(program, name, path)
    if bad:
        raise Problem(f"{bad} shares are more than {POINTS} points from what datasets/traces/README.md states")


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        sys.exit(f"datasets: {problem}")
