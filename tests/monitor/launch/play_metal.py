# SPDX-License-Identifier: BSD-2-Clause
"""Every linked policy that a log can feed decides the same in the bare-metal monitor as in replay: one log of each, all
played in one boot of an emulated NUMA machine. Classes that look at accessed bits or load are refused when the log is
written: it does not hold what they see. usage: play_metal.py"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.environ.get("MIRRORBALL", "build/mirrorball")
SPECS = ("migrep:trigger=16",)  # besides the defaults: more orders
MOVING = ("migrep", "migrate_only", "replicate_only", "competitive", "ace", "platinum")


def mirrorball(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"mirrorball {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def main():
    if not shutil.which("qemu-system-x86_64"):
        print("skipped: no qemu-system-x86_64")
        sys.exit(77)
    if not os.path.exists(os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "monitor.elf")):
        print("skipped: no monitor.elf beside the program (a sanitized build has none)")
        sys.exit(77)
    policies = json.loads(mirrorball("policies", "--format", "json"))
    fed = [p["name"] for p in policies if not {"accessed", "load"} & set(p["observes"])]
    recorded = [name for name in fed if name != "as_recorded"]  # the bundled trace has no nodes of its own
    with tempfile.TemporaryDirectory() as folder:
        logs, digests, moved = [], {}, {}
        for spec in [*recorded, *SPECS]:
            logs.append(os.path.join(folder, spec.replace(":", "-") + ".log"))
            text = mirrorball("replay", "datasets/traces/pmake.h5", "--policy", spec, "--write-log", logs[-1])
            digests[logs[-1]] = re.search("digest of decisions: ([0-9a-f]{16})", text)[1]
        text = mirrorball("monitor", "play", "--metal", *logs)
        for line in text.splitlines():
            path, rest = line.split(": ", 1)
            here = re.search(r"(\d+) moves, (\d+) copies, \d+ collapses, digest ([0-9a-f]{16}), the same in the monitor$", rest)
            if not here or here[3] != digests.pop(path):
                sys.exit(f"not as in the replay: {line}")
            moved[os.path.basename(path)] = int(here[1]) + int(here[2])
        if digests:
            sys.exit(f"not played: {', '.join(digests)}")
        idle = [name for name, n in moved.items() if name.startswith(MOVING) and n == 0]
        if idle:
            sys.exit(f"moved nothing, which shows nothing: {', '.join(idle)}")
        print(f"{len(logs)} policies, {sum(moved.values())} moves and copies: the same decisions")


main()
