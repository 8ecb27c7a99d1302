# SPDX-License-Identifier: BSD-2-Clause
"""Every source file names its licence in its first lines and holds nothing that belongs in a developer's notes:
unfinished marks, conflict marks, paths of one machine, trailing blanks, tabs, control or private-use characters."""

import os
import re

import tree

LICENCE = "SPDX-License-Identifier: BSD-2-Clause"
SOURCES = (".c", ".h", ".py", ".sh", ".S")
TEXTS = SOURCES + (".md", ".txt", ".cmake", ".ini")
TOP = ("run", ".ci/run", "CMakeLists.txt", "CMakePresets.json", "README.md", ".clang-tidy", ".clang-format")
# Written in two parts, so that this file does not hold what it forbids.
FORBIDDEN = {
    "unfinished": re.compile("TO" + r"DO|FIX" + r"ME|\bXX" + r"X\b|not imple" + r"mented|place" + r"holder|for n" + "ow,", re.I),
    "conflict mark": re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.M),
    "path of one machine": re.compile(r"(?<![\w.$}/])/(?:home|root|Users|wo" + r"rk)/\w"),
    "trailing blank": re.compile(r"[ \t]+$", re.M),
    "tab": re.compile(r"\t"),
    "control character": re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ue000-\uf8ff]"),
}


def violations(path, text):
    if path.endswith(SOURCES) or path in ("run", ".ci/run"):
        if LICENCE not in "".join(text.splitlines(True)[:3]):
            yield f"{path}: no line '{LICENCE}' at the top"
    for what, pattern in FORBIDDEN.items():
        for match in pattern.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match[0]!r}"
    if text and not text.endswith("\n"):
        yield f"{path}: the last line has no end"


def main():
    problems = []
    planted = ("policy/x.c", "int x;\t\n/* TO" + "DO */ /ho" + "me/me/x", 6)
    found = len(list(violations(*planted[:2])))
    if found != planted[2]:
        problems.append(f"planted: {found} found, {planted[2]} expected")
    paths = tree.files(*TEXTS, rooms=tree.ROOMS + ("docs",))
    paths += [path for path in TOP if os.path.exists(os.path.join(tree.ROOT, path))]
    for path in paths:
        problems += violations(path, tree.read(path))
    tree.finish("text rules", problems, f"{len(paths)} files")


main()
