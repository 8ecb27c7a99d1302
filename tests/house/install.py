# SPDX-License-Identifier: BSD-2-Clause
"""`cmake --install` puts the program, its manual page and its completion where Debian looks for them.

usage: install.py CMAKE BUILD"""

import os
import subprocess
import sys
import tempfile

import tree

sys.path.insert(0, os.path.join(tree.ROOT, "tests/monitor/launch"))
import kernel


def finds_image(prefix, image):
    """The installed program starts the installed image."""
    path = os.path.join(prefix, "kernel")
    with open(path, "wb") as file:
        file.write(kernel.make())
    command = [os.path.join(prefix, "bin/mirrorball"), "monitor", "run", "--dry-run", "--memory", "256M", "--vm",
               f"kernel={path},mem=64M"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=prefix)
    return [] if image in done.stdout else [f"the installed program does not find its {image}: {done.stderr}"]


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
        # A build without a compiler for the image has none.
        image = "libexec/mirrorball/monitor.elf"
        if os.path.isfile(os.path.join(sys.argv[2], "monitor.elf")):
            if not os.path.isfile(os.path.join(prefix, image)):
                problems.append(f"{image} is not installed")
            problems += finds_image(prefix, image)
        command = [os.path.join(prefix, "bin/mirrorball"), "machines", "flash-8"]
        if not problems and "flash-8" not in subprocess.run(command, capture_output=True, text=True, check=False,
                                                            cwd=prefix).stdout:
            problems.append("the installed program does not know its machines")
    tree.finish("install", problems, "program, monitor, manual page, completion")


main()
