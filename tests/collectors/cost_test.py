# SPDX-License-Identifier: BSD-2-Clause
"""What recording costs: at 10,000 samples a second less than 2 % of one core, for the whole command and while it records.

In CPU time, which other programs lengthen little: the recorder's own threads, as the kernel accounts them, and as the
recorder tells it. Related to the samples that came, since a busy machine lets fewer of them happen. A sanitized
program's start and end cost what its checks cost: there the bound holds while it records.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

MIRRORBALL, TOUCH = os.environ["MIRRORBALL"], os.environ["TOUCH"]
SECONDS, RATE, SHARE = 10, 10000, 0.02
TICK = os.sysconf("SC_CLK_TCK")
SKIP = 77


def own_seconds(pid):
    """CPU time of an ended process that nobody has waited for yet, without its children's."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        field = f.read().rsplit(")", 1)[1].split()
    return (int(field[11]) + int(field[12])) / TICK


class Cost(unittest.TestCase):
    def test_ten_seconds(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out.h5")
            with subprocess.Popen([MIRRORBALL, "record", "--source", "faults", "--duration", str(SECONDS), "-o", out, "--",
                                   TOUCH, "20000", "1", str(RATE)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True) as recorder:
                used = own_seconds(recorder.pid)
                said = recorder.stderr.read()
        self.assertEqual(recorder.returncode, 0, said)
        self.assertNotIn("kernel counted", said, "received + lost are not what the kernel counted")
        self.assertNotIn("found no room", said)
        samples, records = map(int, re.search(r": (\d+) samples, (\d+) records", said).groups())
        self.assertEqual(samples, records)
        self.assertGreater(samples, SECONDS * RATE / 4, "the host is too busy to say anything")
        cost = re.search(r"cost: ([\d.]+) % of one core for ([\d.]+) s, and (\d+) ms before and (\d+) ms after", said)
        during, before, after = float(cost[1]) / 100 * float(cost[2]), float(cost[3]) / 1000, float(cost[4]) / 1000
        print(f"{samples} samples: {during * 1000:.0f} ms while recording, {before * 1000:.0f} before, {after * 1000:.0f} after;"
              f" {used * 1000:.0f} by the kernel's account")
        self.assertAlmostEqual(before + during + after, used, delta=0.03 + 0.1 * used)
        self.assertLess(during, SHARE * samples / RATE)
        with open(MIRRORBALL, "rb") as program:
            if b"__asan_init" not in program.read():
                self.assertLess(used, SHARE * samples / RATE)


if __name__ == "__main__":
    probe = subprocess.run([MIRRORBALL, "probe", "--format", "csv"], capture_output=True, text=True, check=False)
    if not re.search(r'^"faults","works"', probe.stdout, re.M):
        print("skipped: page faults cannot be recorded here")
        sys.exit(SKIP)
    unittest.main()
