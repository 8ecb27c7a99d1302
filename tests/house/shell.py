# SPDX-License-Identifier: BSD-2-Clause
"""Every shell script, and the completion that the program prints, passes shellcheck; `run` answers as its help says and,
with stand-ins for the package tools, asks for what is missing.

usage: shell.py COMPLETION"""

import os
import shutil
import subprocess
import sys
import tempfile

import tree


def setup(user, **tools):
    """`run build` where no package is installed, as this user, with these one-line scripts as tools."""
    with tempfile.TemporaryDirectory() as folder:
        tools = {"dpkg-query": "exit 1", "id": f"echo {user}", "cmake": "exit 99", **tools}
        for name, line in tools.items():
            path = os.path.join(folder, name.replace("_", "-"))
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\n{line}\n")
            os.chmod(path, 0o755)
        env = {**os.environ, "PATH": folder + ":" + os.environ["PATH"]}
        return subprocess.run([os.path.join(tree.ROOT, "run"), "build"], capture_output=True, text=True, check=False,
                              env=env, stdin=subprocess.DEVNULL)


def check_setup():
    line = "apt-get update && apt-get install -y --no-install-recommends gcc"
    refused = setup(1000, sudo="exit 1", apt_get="echo called; exit 0")
    if refused.returncode != 1 or line not in refused.stderr or "called" in refused.stdout:
        yield f"run without a way to install: exit {refused.returncode}, {refused.stderr!r}"
    failed = setup(0, apt_get='echo "apt: $*"; exit 1')
    if failed.returncode != 1 or line not in failed.stderr or "apt: -q update" not in failed.stdout:
        yield f"run with an apt-get that fails: exit {failed.returncode}, {failed.stderr!r}"
    done = setup(1000, sudo='[ "$1" = -n ] || exec "$@"', apt_get='echo "apt: $*"')
    if done.returncode != 99 or "missing packages" not in done.stdout or "libhdf5-dev" not in done.stdout:
        yield f"run with sudo: exit {done.returncode}, {done.stdout!r} {done.stderr!r}"


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
    problems += check_setup()
    tree.finish("shell", problems, f"{len(scripts)} scripts and the completion")


main()
