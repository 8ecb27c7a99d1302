# SPDX-License-Identifier: BSD-2-Clause
"""Every command line that the user is shown does what it says: in docs/usage.md and in the help of the commands."""
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from command_tools import PROGRAM, run

ROOT = os.getcwd()


def documented():
    """Command lines of the sh blocks of docs/usage.md, in order."""
    with open(os.path.join(ROOT, "docs/usage.md")) as text:
        for block in re.findall(r"^```sh\n(.*?)^```", text.read(), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield line


def examples(command):
    """Command lines of the section on examples in the help."""
    text = run(command, "--help").stdout
    return re.findall(r"^ +(mirrorball .*)$", text[text.lower().index("examples"):], re.M)


class Documented(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        os.symlink(os.path.join(ROOT, "datasets"), os.path.join(cls.folder.name, "datasets"))
        bin_ = os.path.join(cls.folder.name, "bin")
        os.mkdir(bin_)
        os.symlink(shutil.which(PROGRAM) or os.path.abspath(PROGRAM), os.path.join(bin_, "mirrorball"))
        cls.env = dict(os.environ, PATH=bin_ + ":" + os.environ["PATH"], NO_COLOR="1")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def does(self, line):
        done = subprocess.run(["sh", "-c", line], cwd=self.folder.name, env=self.env, capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, 0, "%s\n%s" % (line, done.stderr))
        self.assertNotEqual(done.stdout + str(shlex.split(line).count("-o")), "0", "says nothing: " + line)

    def test_usage(self):
        lines = list(documented())
        self.assertGreater(len(lines), 8)
        for line in lines:
            with self.subTest(line):
                self.does(line)

    def test_help(self):
        for command in ("compare", "replay", "sweep", "policies"):
            lines = examples(command)
            self.assertGreaterEqual(len(lines), 2, command)
            for line in lines:
                with self.subTest(line):
                    self.does(line)


if __name__ == "__main__":
    unittest.main()
