# SPDX-License-Identifier: BSD-2-Clause
"""Sizes of functions (none over 100 lines, 95 of 100 at most 50) and of files (none over 500), by universal-ctags.

usage: sizes.py [CTAGS]"""

import json
import shutil
import subprocess
import sys

import tree

FUNCTION_MAX, FUNCTION_P95, FILE_MAX = 100, 50, 500


def functions(ctags, paths):
    """(lines, name, path) of every C function, longest last."""
    command = [ctags, "--output-format=json", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--fields=+ne", "-f", "-"]
    tags = subprocess.run(command + paths, cwd=tree.ROOT, capture_output=True, text=True, check=True).stdout
    for tag in map(json.loads, tags.splitlines()):
        if "end" in tag:
            yield tag["end"] - tag["line"] + 1, tag["name"], tag["path"]


def main():
    ctags = sys.argv[1] if len(sys.argv) > 1 else shutil.which("ctags")
    version = ctags and subprocess.run([ctags, "--version"], capture_output=True, text=True, check=False).stdout
    if not version or "Universal" not in version:
        tree.skip("sizes", "universal-ctags is not installed")
    paths = tree.files(".c", ".h")
    found = sorted(functions(ctags, paths))
    problems = [f"{path}: {name} has {n} lines, more than {FUNCTION_MAX}" for n, name, path in found if n > FUNCTION_MAX]
    p95 = found[len(found) * 95 // 100][0]
    if p95 > FUNCTION_P95:
        problems.append(f"5 of 100 functions are longer than {p95} lines; at most {FUNCTION_P95} is the rule")
    for path in tree.files(".c", ".h", ".py", ".sh", "CMakeLists.txt"):
        lines = tree.read(path).count("\n")
        if lines > FILE_MAX:
            problems.append(f"{path} has {lines} lines, more than {FILE_MAX}")
    if list(functions(ctags, ["tests/house/planted_long.c"]))[0][:2] != (6, "violations_are_found"):
        problems.append("the planted function of 6 lines was not measured")
    median = found[len(found) // 2][0]
    good = f"{len(found)} functions: median {median}, 95 % at most {p95}, longest {found[-1][0]} lines; {len(paths)} files"
    tree.finish("sizes", problems, good)


main()
