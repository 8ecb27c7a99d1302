# SPDX-License-Identifier: BSD-2-Clause
"""`cmake --install` puts the program, its manual page and its completion where Debian looks for them.

usage: install.py CMAKE BUILD"""

import os
import subprocess
import sys
import tempfile

import tree


def main():
    problems = []
    with tempfile.TemporaryDirectory() as prefix:
        command = [sys.argv[1], "--install", sys.argv[2], "--prefix", prefix]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            problems.append(done.stderr)
        for path in ("bin/mirrorball", "share/man/man1/mirrorball.1", "share/bash-completion/completions/mirrorball"):
            if not os.path.isfile(os.path.join(prefix, path)):
                problems.append(f"{path} is not installed")
        command = [os.path.join(prefix, "bin/mirrorball"), "machines", "flash-8"]
        if not problems and "flash-8" not in subprocess.run(command, capture_output=True, text=True, check=False,
                                                            cwd=prefix).stdout:
            problems.append("the installed program does not know its machines")
    tree.finish("install", problems, "program, manual page, completion")


main()
