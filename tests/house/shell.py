# SPDX-License-Identifier: BSD-2-Clause
"""Every shell script, and the completion that the program prints, passes shellcheck; `run help` works.

usage: shell.py COMPLETION"""

import os
import shutil
import subprocess
import sys

import tree


def main():
    if not shutil.which("shellcheck"):
        tree.skip("shell", "shellcheck is not installed")
    problems = []
    scripts = [path for path in ("run", ".ci/run") if os.path.exists(os.path.join(tree.ROOT, path))]
    scripts += tree.files(".sh")
    for shell, path in [(None, path) for path in scripts] + [("bash", sys.argv[1])]:
        command = ["shellcheck", "--format=gcc", *(["--shell", shell] if shell else []), path]
        done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)
        problems += done.stdout.splitlines() + done.stderr.splitlines()
        if not os.path.exists(os.path.join(tree.ROOT, path)):
            problems.append(f"{path} is missing")
    for args, code in ((["help"], 0), ([], 0), (["nonsense"], 2)):
        done = subprocess.run([os.path.join(tree.ROOT, "run"), *args], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
        if done.returncode != code:
            problems.append(f"run {' '.join(args)}: exit {done.returncode}, {code} expected")
    tree.finish("shell", problems, f"{len(scripts)} scripts and the completion")


main()
