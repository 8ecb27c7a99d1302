# SPDX-License-Identifier: BSD-2-Clause
"""The core's objects need nothing but memcpy, memset, memmove, memcmp and the compiler's own helpers (128-bit division,
population count), which come with libgcc; hold no writable data; use no vector or floating-point register. Each source
is compiled once, and every program of the list is linked from these very objects.

usage: core_objects.py BUILD PROGRAM[,PROGRAM...] OBJECT..."""

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
    """Every core source appears in one compile command, the one of the object given (tests may build broken copies)."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    core = ("policy", "pmap", "monitor-core")
    counts = {}
    for command in commands:
        source = os.path.relpath(command["file"], tree.ROOT)
        if source.split(os.sep)[0] in core and "/x86/" not in source and " -o tests/" not in command["command"]:
            counts[source] = counts.get(source, 0) + 1
    for source in tree.files(".c", rooms=core):
        if "/x86/" not in source and counts.get(source) != 1:
            yield f"{source} is compiled {counts.get(source, 0)} times, not once"
    if len(objects) != len(counts):
        yield f"{len(objects)} core objects from {len(counts)} sources"


def linked(build, objects, program):
    """The objects among everything that goes into the program, by content."""
    inputs = run("ninja", "-C", build, "-t", "inputs", os.path.relpath(program, build)).splitlines()
    paths = [os.path.join(build, line.strip()) for line in inputs if line.strip().endswith(".o")]
    present = {hashlib.sha256(open(path, "rb").read()).hexdigest() for path in paths if os.path.exists(path)}
    for path in objects:
        if hashlib.sha256(open(path, "rb").read()).hexdigest() not in present:
            yield f"{os.path.basename(program)} is not linked from {os.path.basename(path)}"


def main():
    build, programs, objects = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
    defined = set().union(*(symbols(o, "--defined-only", "--extern-only") for o in objects))
    problems = [p for o in objects for p in check_object(o, defined)]
    problems += compiled_once(build, objects)
    if os.path.exists(os.path.join(build, "build.ninja")):
        problems += [p for program in programs for p in linked(build, objects, program)]
    tree.finish("core objects", problems, f"{len(objects)} objects, {len(programs)} programs")


main()
