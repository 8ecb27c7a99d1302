# SPDX-License-Identifier: BSD-2-Clause
"""The core's objects, and those of the monitor that need no CPU, need nothing but memcpy, memset, memmove, memcmp and
the compiler's own helpers (128-bit division, population count), which come with libgcc; hold no writable data; use no
vector or floating-point register. Each source is compiled once, and every program of the list, the bare-metal image
among them, is linked from the core's very objects. The image has no undefined symbol, no vector register in any
instruction, and no segment that is writable and executable.

usage: core_objects.py BUILD PROGRAM[,PROGRAM...] IMAGE|- CORE_OBJECT... -- MONITOR_OBJECT..."""

import hashlib
import json
import os
import re
import subprocess
import sys

import tree

ALLOWED = {"memcpy", "memset", "memmove", "memcmp"}
ALLOWED |= {"__udivti3", "__umodti3", "__divti3", "__modti3", "__udivmodti4", "__divmodti4", "__multi3", "__popcountdi2"}
VECTOR = re.compile(r"%(?:[xyz]mm\d+|mm[0-7]|st(?:\(\d\))?)(?![\w])")
WRITABLE = re.compile(r"^\.(?:data|bss|tdata|tbss|ldata|lbss)(?!\.rel\.ro)")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def symbols(path, *flags):
    return {line.split()[-1] for line in run("nm", *flags, path).splitlines() if line.strip()}


def sections(path):
    """(name, size, flags) of each section."""
    for line in run("readelf", "-SW", path).splitlines():
        match = re.match(r"\s*\[\s*\d+\]\s+(\S+)\s+\S+\s+\S+\s+\S+\s+(\S+)\s+\S+\s+([A-Zlop]*)", line)
        if match:
            yield match[1], int(match[2], 16), match[3]


def check_object(path, defined):
    name = os.path.basename(path)
    for symbol in sorted(symbols(path, "--undefined-only") - defined - ALLOWED - {"_GLOBAL_OFFSET_TABLE_"}):
        yield f"{name} needs {symbol}, which the core does not define"
    code = run("objdump", "-d", "--no-show-raw-insn", path)
    for line in [line for line in code.splitlines() if VECTOR.search(line)][:3]:
        yield f"{name} uses a vector register: {line.strip()}"
    for section, size, flags in sections(path):
        if size and "W" in flags and WRITABLE.match(section):
            yield f"{name} has {size} bytes of writable data in {section}"


def compiled_once(build, objects):
    """Every source of the core and the monitor appears in one compile command (tests may build broken copies); those
    outside monitor-core/x86 are the objects given."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = [c for c in json.load(file) if " -o tests/" not in c["command"]]
    core = ("policy", "pmap", "monitor-core")
    counts, portable = {}, 0
    for command in commands:
        source = os.path.relpath(command["file"], tree.ROOT)
        if source.split(os.sep)[0] in core and "/launch/" not in source:
            counts[source] = counts.get(source, 0) + 1
            portable += " -o monitor-core/x86/" not in command["command"]
    for source in tree.files(".c", rooms=core):
        if "/launch/" not in source and counts.get(source) != 1 and (objects_of_image(counts) or "/x86/" not in source):
            yield f"{source} is compiled {counts.get(source, 0)} times, not once"
    if len(objects) != portable:
        yield f"{len(objects)} objects from {portable} sources"


def objects_of_image(counts):
    """Is the image built here at all?"""
    return "monitor-core/x86/main.c" in counts


def check_image(image):
    """The whole bare-metal program: nothing is missing, nothing touches a guest's vector registers."""
    name = os.path.basename(image)
    for symbol in sorted(symbols(image, "--undefined-only")):
        yield f"{name} lacks {symbol}"
    for line in [line for line in run("objdump", "-d", "--no-show-raw-insn", image).splitlines() if VECTOR.search(line)][:3]:
        yield f"{name} uses a vector register: {line.strip()}"
    for line in run("readelf", "-lW", image).splitlines():
        if line.split()[:1] == ["LOAD"] and "RWE" in line:
            yield f"{name} has a writable and executable segment: {line.strip()}"


def linked(build, objects, program):
    """The objects among everything that goes into the program, by content."""
    inputs = run("ninja", "-C", build, "-t", "inputs", os.path.relpath(program, build)).splitlines()
    paths = [os.path.join(build, line.strip()) for line in inputs if line.strip().endswith(".o")]
    present = {hashlib.sha256(open(path, "rb").read()).hexdigest() for path in paths if os.path.exists(path)}
    for path in objects:
        if hashlib.sha256(open(path, "rb").read()).hexdigest() not in present:
            yield f"{os.path.basename(program)} is not linked from {os.path.basename(path)}"


def main():
    build, programs, image = sys.argv[1], sys.argv[2].split(","), sys.argv[3]
    split = sys.argv.index("--")
    core, monitor = sys.argv[4:split], sys.argv[split + 1 :]
    defined = set()
    problems = []
    for objects in (core, monitor):  # the monitor may need the core, not the other way round
        defined = defined.union(*(symbols(o, "--defined-only", "--extern-only") for o in objects))
        problems += [p for o in objects for p in check_object(o, defined)]
    problems += compiled_once(build, core + monitor)
    ninja = os.path.exists(os.path.join(build, "build.ninja"))
    if ninja:
        problems += [p for program in programs for p in linked(build, core, program)]
    if image != "-":
        problems += check_image(image)
        problems += linked(build, core + monitor, image) if ninja else []
        programs.append(image)
    tree.finish("core objects", problems, f"{len(core)} + {len(monitor)} objects, {len(programs)} programs")


main()
