# SPDX-License-Identifier: BSD-2-Clause
"""What ./run datasets does for one trace: captured again, boot.h5 starts with the kernel, has the shares of the bundled one,
and where kernel and emulator are those it was made with, the very same records.

usage: make_test.py MIRRORBALL GUESTS     GUESTS: the folder with Debian's kernels (the target guests makes it)"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
except ImportError:
    print("skipped: h5py is not installed")
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT, BUNDLED = (os.path.join(ROOT, name) for name in ("datasets/make/make_traces.py", "datasets/traces/boot.h5"))
KERNEL = 32  # a record's flag


def made_with(path):
    with h5py.File(path, "r") as file:
        return file.attrs["host"], file.attrs["kernel"]


class Make(unittest.TestCase):
    def run_script(self, out, *names):
        return subprocess.run([sys.executable, SCRIPT, *sys.argv[1:3], out, *names], capture_output=True, text=True, check=False)

    def test_boot(self):
        with tempfile.TemporaryDirectory(prefix="mirrorball-make-test-") as out:
            done = self.run_script(out, "boot")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(len(re.findall("^boot .* good$", done.stdout, re.M)), 5, done.stdout)
            with h5py.File(os.path.join(out, "boot.h5"), "r") as file:
                self.assertTrue(file["trace/flags"][0] & KERNEL)
            if made_with(os.path.join(out, "boot.h5")) == made_with(BUNDLED):
                self.assertRegex(done.stdout, "digest [0-9a-f]{16}: the bundled one")

    def test_inputs_are_the_same_each_time(self):
        """What the guest starts from: no address, time or path of one run is in it."""
        sys.path.insert(0, os.path.dirname(SCRIPT))
        import make_traces
        for name in make_traces.TRACES:
            with self.subTest(name), tempfile.TemporaryDirectory(prefix="a-") as one, tempfile.TemporaryDirectory(prefix="bc-") as other:
                try:
                    first = make_traces.make_initrd(name, one)
                    second = make_traces.make_initrd(name, other)
                except (make_traces.Problem, OSError) as missing:
                    print(f"{name}: not looked at: {missing}")
                    continue
                with open(first, "rb") as a, open(second, "rb") as b:
                    self.assertTrue(a.read() == b.read())

    def test_unknown_name(self):
        with tempfile.TemporaryDirectory(prefix="mirrorball-make-test-") as out:
            done = self.run_script(out, "reboot")
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
            self.assertIn("reboot: no such trace; there are pmake", done.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if not shutil.which("qemu-system-x86_64") or not os.path.exists(os.path.join(sys.argv[2], "vmlinuz-cloud")):
        print("skipped: no qemu-system-x86_64, or no kernel (the target guests fetches it)")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
