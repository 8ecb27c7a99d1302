# SPDX-License-Identifier: BSD-2-Clause
"""Static analysis of the rooms' own sources (not of tests, nor of generated files) by clang-tidy (.clang-tidy) or
cppcheck, with the build's compile commands.

usage: analysis.py tidy|paths|cppcheck BUILD

tidy: suspicious constructs, seconds in all; paths: leaks and double frees over paths, seconds per file."""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

import tree

BUILD = sys.argv[2]
# To cppcheck 2.10 an array that a loop fills counts as uninitialised and a nameless parameter as another one; the
# compilers know better.
CPPCHECK = ["--enable=warning,portability,performance", "--inline-suppr", "-q", "-j2", "--suppress=uninitvar",
            "--suppress=legacyUninitvar", "--suppress=arrayIndexThenCheck", "--suppress=funcArgOrderDifferent",
            "--template={file}:{line}: {message} [{id}]"]


def entries():
    """The compile commands of the rooms' sources in C."""
    rooms = tuple(room + "/" for room in tree.ROOMS if room != "tests")
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        return [entry for entry in json.load(file)
                if entry["file"].endswith(".c") and os.path.relpath(entry["file"], tree.ROOT).startswith(rooms)]


def tidy(path):
    checks = "-clang-analyzer-*" if sys.argv[1] == "tidy" else "-bugprone-*"
    command = ["clang-tidy", "-p", BUILD, "--quiet", f"--checks={checks}", path]
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if re.search(r": (?:warning|error): ", line)] or (
        [f"{path}: clang-tidy failed: {done.stderr.strip()}"] if done.returncode else [])


def cppcheck():
    cache = os.path.join(BUILD, "cppcheck")
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, "commands.json"), "w", encoding="utf-8") as file:
        json.dump(entries(), file)
    command = ["cppcheck", f"--project={cache}/commands.json", *CPPCHECK, f"--cppcheck-build-dir={cache}"]
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()


def main():
    tool = "cppcheck" if sys.argv[1] == "cppcheck" else "clang-tidy"
    if not shutil.which(tool):
        tree.skip(tool, "not installed")
    paths = sorted({os.path.relpath(entry["file"], tree.ROOT) for entry in entries()})
    if sys.argv[1] == "cppcheck":
        found = cppcheck()
    else:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            found = [line for lines in pool.map(tidy, paths) for line in lines]
    problems = sorted({line.replace(tree.ROOT + "/", "") for line in found if line.strip()})
    tree.finish(tool, problems, f"{len(paths)} files")


main()
