# SPDX-License-Identifier: BSD-2-Clause
"""Every command line that the user is shown does what it says: in docs/usage.md and in the help of the commands. Output
shown in docs/usage.md is the output; `command_docs.py --update` writes it anew."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from command_tools import PROGRAM, run

ROOT = os.getcwd()
USAGE = os.path.join(ROOT, "docs/usage.md")
# A block of commands and, where it is shown, the output of the last one.
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(\n```text\n)?(?(2)(.*?)^```\n)", re.M | re.S)


class Place:
    """A folder from which the command lines of the documents work."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        os.symlink(os.path.join(ROOT, "datasets"), os.path.join(self.folder.name, "datasets"))
        bin_ = os.path.join(self.folder.name, "bin")
        os.mkdir(bin_)
        os.symlink(os.path.abspath(shutil.which(PROGRAM) or PROGRAM), os.path.join(bin_, "mirrorball"))
        self.env = {"ASAN_OPTIONS": "detect_leaks=0", **os.environ, "NO_COLOR": "1",
                    "PATH": bin_ + ":" + os.environ["PATH"]}

    def run(self, line):
        return subprocess.run(["sh", "-c", line], cwd=self.folder.name, env=self.env, capture_output=True, text=True,
                              timeout=120)


def commands(block):
    return [line for line in block.splitlines() if line.strip()]


def usage():
    with open(USAGE) as file:
        return file.read()


def stripped(text):
    """Without spaces at the ends of lines."""
    return re.sub(r" +$", "", text, flags=re.M)


class Documented(unittest.TestCase):
    def does(self, place, line):
        done = place.run(line)
        self.assertEqual(done.returncode, 0, "%s\n%s" % (line, done.stderr))
        return stripped(done.stdout)

    def test_usage(self):
        place, blocks = Place(), BLOCK.findall(usage())
        self.addCleanup(place.folder.cleanup)
        self.assertGreater(len(blocks), 8)
        for block, shown, expected in blocks:
            with self.subTest(block):
                outputs = [self.does(place, line) for line in commands(block)]
                if shown:
                    self.assertEqual(outputs[-1], expected, "tests/replay/command_docs.py --update brings it up to date")

    def test_examples_of_the_help(self):
        place = Place()
        self.addCleanup(place.folder.cleanup)
        for command in ("compare", "replay", "sweep", "policies"):
            text = run(command, "--help").stdout
            lines = re.findall(r"^ +(mirrorball .*)$", text[text.index("Examples"):], re.M)
            self.assertGreaterEqual(len(lines), 2, command)
            for line in lines:
                if "--paper" not in line:  # has a test of its own
                    with self.subTest(line):
                        self.does(place, line)


def update():
    place = Place()

    def renew(block):
        outputs = [stripped(place.run(line).stdout) for line in commands(block.group(1))]
        shown = "\n```text\n%s```\n" % outputs[-1] if block.group(2) else ""
        return "```sh\n%s```\n%s" % (block.group(1), shown)

    text = BLOCK.sub(renew, usage())
    with open(USAGE, "w") as file:
        file.write(text)
    place.folder.cleanup()


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    else:
        unittest.main()
