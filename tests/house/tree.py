# SPDX-License-Identifier: BSD-2-Clause
"""What the house checks share: the files of the tree, and how a check ends."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ("policy", "pmap", "monitor-core", "replay", "collectors", "datasets", "reports", "tests")
SKIP = 77


def files(*suffixes, rooms=ROOMS):
    """Paths relative to the root, sorted, of the rooms' files that end in one of the suffixes."""
    found = []
    for room in rooms:
        for folder, folders, names in os.walk(os.path.join(ROOT, room)):
            folders[:] = [f for f in folders if f != "__pycache__"]
            found += [os.path.relpath(os.path.join(folder, n), ROOT) for n in names if n.endswith(suffixes)]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def finish(check, problems, good):
    """One line per problem; the exit status."""
    for problem in problems:
        print(f"{check}: {problem}")
    if not problems:
        print(f"{check}: {good}")
    sys.exit(1 if problems else 0)


def skip(check, why):
    print(f"{check}: skipped: {why}")
    sys.exit(SKIP)
