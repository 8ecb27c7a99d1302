# SPDX-License-Identifier: BSD-2-Clause
"""The monitor stays small enough to be read: lines of monitor-core/ without launch/, comments and blank lines left out.

usage: monitor_size.py"""

import os
import re

import tree

# The aim was 6,500 lines; this holds what there is from growing on.
LINES_MAX = 9050
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')", re.S)


def lines(text):
    """How many lines are left; a comment sign inside a string begins nothing."""
    bare = COMMENT.sub(lambda m: m.group(1) or "\n" * m.group(0).count("\n"), text)
    return sum(bool(line.strip()) for line in bare.splitlines())


def main():
    problems = []
    planted = '/* a\n b */\nint x; /* c */\n\nchar *s = "/*";\n// d\nint y; /* e\n*/ int z;\n'
    if lines(planted) != 4:
        problems.append(f"the planted text of 4 lines counts {lines(planted)}")
    paths = [p for p in tree.files(".c", ".h", ".S", ".ld", rooms=("monitor-core",)) if not p.startswith("monitor-core/launch/")]
    count = {path: lines(tree.read(path)) for path in paths}
    total = sum(count.values())
    if total > LINES_MAX:
        problems.append(f"the monitor has {total} lines, more than {LINES_MAX}")
    parts = {}
    for path, n in count.items():
        parts[os.path.dirname(path)] = parts.get(os.path.dirname(path), 0) + n
    shares = ", ".join(f"{folder} {n}" for folder, n in sorted(parts.items()))
    tree.finish("monitor_size", problems, f"{total} lines of at most {LINES_MAX}: {shares}; {len(paths)} files")


main()
