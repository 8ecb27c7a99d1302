# SPDX-License-Identifier: BSD-2-Clause
"""monitor config: the file that it makes, and what it says about everything that it makes none of."""

import os
import subprocess
import tempfile
import unittest
import zlib

import kernel

PROGRAM = os.path.abspath(os.environ.get("MIRRORBALL", "build/mirrorball"))


class Config(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name, content in (("kernel, of mine", kernel.make()), ("initrd", b"x" * 100), ("image", b"x" * 100)):
            with open(self.path(name), "wb") as file:
                file.write(content)

    def path(self, name):
        return os.path.join(self.folder, name)

    def one_line(self, code, pattern, *arguments):
        done = subprocess.run([PROGRAM, "monitor", *arguments], capture_output=True, timeout=20, cwd=self.folder, text=True)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (code, 1), done.stderr)
        self.assertRegex(done.stderr, pattern)

    def test_config_for_a_boot_loader(self):
        def put(text):
            with open(self.path("text"), "w", encoding="utf-8") as file:
                file.write(text)
            return ("config", "text", "-o", "made")

        text, modules = "[vm a]\nkernel = k\ninitrd = i\n", ("k=kernel, of mine", "i=initrd")
        for code, pattern, given, *arguments in (
                (1, "text: VM a: there is no module i; name its file: i=FILE", text, modules[0]), (1, "nowhere: No such file", text, "k=nowhere"),
                (1, "text: line 2: vcpus is a number from 1 to 16: 17", "[vm a]\nvcpus = 17\n"), (1, "unknown policy: own", "policy = own:x=1\n"),
                (1, "text: VM a: cannot be loaded: not a Linux bzImage", text, "k=initrd", "i=image"),
                (1, "no such parameter: x", "policy = migrep:x=1\n", "--any-policy"), (1, "text: is empty", ""),
                (1, "x/made: cannot be written", text, *modules, "-o", "x/made"), (2, "a module is NAME=FILE", text, "initrd"),
                (2, "initrd is named twice", text, "k=initrd", "i=initrd"), (2, "there are two modules k", text, modules[0], "k=initrd"),
                (2, "no blanks, and not config: 'config=initrd'", text, "config=initrd"), (2, "not config: 'a b=initrd'", text, "a b=initrd")):
            self.one_line(code, pattern, *put(given), *arguments)
        for name in ("text", "initrd", "./kernel, of mine"):
            arguments = put(text)
            size = os.path.getsize(self.path(name))
            self.one_line(2, "would overwrite a file that is read", *arguments, *modules, "-o", name)
            self.assertEqual(os.path.getsize(self.path(name)), size)
        self.one_line(2, "no --output", "config", "text")
        self.assertFalse(os.path.exists(self.path("made")))
        for given, *arguments in ((text, *modules), ("policy = own:x=1\n", "--any-policy")):
            done = subprocess.run([PROGRAM, "monitor", *put(given), *arguments], cwd=self.folder, capture_output=True, timeout=20, text=True)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            with open(self.path("made"), "rb") as file:
                made = file.read()
            self.assertEqual((made[:8], made[8:12]), (b"MBoConf2", zlib.crc32(made[12:]).to_bytes(4, "little")))
            os.remove(self.path("made"))


if __name__ == "__main__":
    unittest.main()
