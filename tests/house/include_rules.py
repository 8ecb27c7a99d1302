# SPDX-License-Identifier: BSD-2-Clause
"""Who may include whom. A file belongs to the first row of the table that its path matches; every include that the row
does not allow is an error. Quoted includes are written from the root; <...> is for what is not in the tree."""

import fnmatch
import re

import tree

FREESTANDING = ("<stdint.h>", "<stddef.h>", "<stdbool.h>")
CORE_HEADERS = ("monitor-core/engine.h", "monitor-core/machine.h", "monitor-core/observe.h", "monitor-core/play.h", "pmap/*", "policy/*")
COMMANDS = ("collectors/command.h", "datasets/command.h", "monitor-core/launch/command.h", "reports/command.h")

# path of the file, what it may include
RULES = (
    ("policy/*", FREESTANDING + ("policy/*",)),
    ("pmap/*", FREESTANDING + ("pmap/*", "policy/numa.h")),
    # The hosted part of the monitor: starts it, reads what it sends, writes result sets and traces.
    ("monitor-core/launch/*", ("<*>", "monitor-core/*", "pmap/*", "policy/*", "datasets/*", "reports/result*.h", "reports/show.h", "replay/cli.h", "replay/run_counts.h")),
    ("monitor-core/x86/*", FREESTANDING + ("monitor-core/*", "pmap/*", "policy/*")),
    ("monitor-core/*", FREESTANDING + ("monitor-core/*", "pmap/*", "policy/*")),
    ("datasets/command*", ("<*>", "datasets/*", "policy/numa.h", "replay/cli.h")),
    ("datasets/*", ("<*>", "datasets/*", "policy/numa.h")),
    ("reports/command*", ("<*>", "reports/*", "datasets/trace.h", "datasets/machine_file.h", "replay/cli.h")),
    ("reports/*", ("<*>", "reports/*", "datasets/guard.h", "datasets/plural.h", "datasets/target.h", "datasets/trace.h", "datasets/trace_collect.h", "datasets/machine_file.h", "policy/numa.h")),
    # replay/driver.h: a policy as it is typed means the same to `live` as to `replay`.
    ("collectors/command*", ("<*>", "collectors/*", "datasets/*", "replay/cli.h", "replay/driver.h") + CORE_HEADERS),
    ("collectors/*", ("<*>", "collectors/*", "datasets/*") + CORE_HEADERS),
    ("replay/main.c", ("<*>", "replay/*") + COMMANDS),
    ("replay/*", ("<*>", "replay/*", "datasets/*", "reports/result.h", "reports/show.h") + CORE_HEADERS),
    ("tests/*", ("*",)),
)
# A room's commands are its own and the program's: no other file sees them.
OWN_ONLY = COMMANDS

INCLUDE = re.compile(r'^\s*#\s*include\s+(<[^>]+>|"[^"]+")', re.M)


def violations(path, text):
    allowed = next((row[1] for row in RULES if fnmatch.fnmatch(path, row[0])), ())
    for written in INCLUDE.findall(text):
        name = written if written.startswith("<") else written[1:-1]
        good = any(fnmatch.fnmatch(name, pattern) for pattern in allowed)
        if name in OWN_ONLY and path != "replay/main.c" and path.split("/")[0] not in (name.split("/")[0], "tests"):
            good = False
        if not good:
            yield f"{path} must not include {written}"


# What the check itself must find, and what it must let pass.
PLANTED = (
    ("policy/x.c", '#include "policy/policy.h"\n#include <stdint.h>\n', 0),
    ("policy/x.c", "#include <string.h>\n", 1),
    ("policy/x.c", '#  include "pmap/memmap.h"\n', 1),
    ("pmap/x.c", '#include "policy/policy.h"\n', 1),
    ("monitor-core/x.c", '#include "replay/driver.h"\n#include <stdio.h>\n', 2),
    ("datasets/x.c", '#include "replay/cli.h"\n', 1),
    ("datasets/command_x.c", '#include "replay/cli.h"\n#include <hdf5.h>\n', 0),
    ("datasets/command_x.c", '#include "replay/driver.h"\n', 1),
    ("reports/x.c", '#include "replay/driver.h"\n', 1),
    ("reports/x.c", '#include "datasets/command.h"\n', 1),
    ("replay/x.c", '#include "datasets/command.h"\n', 1),
    ("replay/x.c", '#include "cli.h"\n', 1),
    ("replay/x.c", '#include "monitor-core/transfer.h"\n', 1),
    ("replay/main.c", '#include "datasets/command.h"\n', 0),
    ("elsewhere/x.c", "#include <stdint.h>\n", 1),
)


def main():
    problems = []
    for path, text, expected in PLANTED:
        found = len(list(violations(path, text)))
        if found != expected:
            problems.append(f"planted in {path}: {text!r}: {found} found, {expected} expected")
    paths = tree.files(".c", ".h")
    for path in paths:
        problems += violations(path, tree.read(path))
    tree.finish("include rules", problems, f"{len(paths)} files")


main()
