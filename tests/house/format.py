# SPDX-License-Identifier: BSD-2-Clause
"""Every C file is as clang-format writes it."""

import shutil
import subprocess

import tree


def main():
    if not shutil.which("clang-format"):
        tree.skip("format", "clang-format is not installed")
    paths = tree.files(".c", ".h")
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths], cwd=tree.ROOT, capture_output=True, text=True,
                          check=False)
    problems = sorted({line.split(":")[0] + ": run clang-format -i on it" for line in done.stderr.splitlines()
                       if "clang-format-violations" in line})
    if done.returncode and not problems:
        problems = [done.stderr]
    planted = subprocess.run(["clang-format", "--dry-run", "-Werror", "--assume-filename=policy/x.c"], cwd=tree.ROOT,
                             input="int  x ;\n", capture_output=True, text=True, check=False)
    if planted.returncode == 0:
        problems.append("a planted violation passed")
    tree.finish("format", problems, f"{len(paths)} files")


main()
