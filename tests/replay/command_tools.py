# SPDX-License-Identifier: BSD-2-Clause
"""What the end-to-end tests of the commands share: running the program, and a small trace made on the fly."""
import json
import os
import random
import subprocess
import tempfile
import unittest

PROGRAM = os.environ.get("MIRRORBALL", "build/mirrorball")
CPUS = 4
PAGE = 4096


def run(*args, **more):
    """The finished process of `mirrorball ARGS`, with text output."""
    more.setdefault("timeout", 120)
    # In sanitised builds the leak checker itself dies now and then while OpenMP's threads end: leaks are looked for in
    # the unit tests.
    env = {"ASAN_OPTIONS": "detect_leaks=0", **os.environ, "NO_COLOR": "1", **more.pop("env", {})}
    more.setdefault("capture_output", True)
    return subprocess.run([PROGRAM, *map(str, args)], text=True, env=env, **more)


def records(seed=1, count=60000):
    """(time, cpu, page, op): a private, a read-shared, a read-mostly and a write-shared region, and one that changes
    its user half-way. Some CPU is always on time, none misses twice within 400 ns."""
    random_ = random.Random(seed)
    for i in range(count):
        cpu = i % CPUS
        region = random_.random()
        op = "r"
        if region < 0.35:
            page = cpu * 20 + random_.randrange(20)
            op = "w" if random_.random() < 0.3 else "r"
        elif region < 0.60:
            page = 100 + random_.randrange(30)
            op = "i" if random_.random() < 0.5 else "r"
        elif region < 0.70:
            page = 140 + random_.randrange(10)
            op = "w" if random_.random() < 0.01 else "r"
        elif region < 0.80:
            page = 160 + random_.randrange(20)
            op = "w" if random_.random() < 0.5 else "r"
        else:
            owner = cpu if i < count // 2 else (cpu + 1) % CPUS
            page = 200 + owner * 10 + random_.randrange(10)
        yield 1000 + i * 125, cpu, page, op


def write_csv(path, rows, nodes=False):
    """A CSV trace; with `nodes`, the page was recorded on node page % CPUS."""
    with open(path, "w") as out:
        out.write("time_ns,cpu,address,op" + (",node" if nodes else "") + "\n")
        for time, cpu, page, op in rows:
            node = ",%d" % (page % CPUS) if nodes else ""
            out.write("%d,%d,0x%x,%s%s\n" % (time, cpu, 0x100000 + page * PAGE, op, node))


def import_csv(csv, trace):
    done = run("import", csv, "-o", trace)
    assert done.returncode == 0, done.stderr


class CommandTest(unittest.TestCase):
    """A folder of its own with a.h5 (with recorded nodes) and b.h5 (without)."""

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.folder = cls._folder.name
        cls.a, cls.b = cls.path("a.h5"), cls.path("b.h5")
        write_csv(cls.path("a.csv"), records(1), nodes=True)
        write_csv(cls.path("b.csv"), records(2, 8000))
        import_csv(cls.path("a.csv"), cls.a)
        import_csv(cls.path("b.csv"), cls.b)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def good(self, *args, **more):
        done = run(*args, **more)
        self.assertEqual(done.returncode, 0, "%s: %s" % (args, done.stderr))
        self.assertEqual(done.stderr, "", "nothing but results when stderr is no terminal")
        return done.stdout

    def json(self, *args, **more):
        return json.loads(self.good(*args, "--format", "json", **more))

    def bad(self, code, *args, says=".", **more):
        """The command ends with this code, says it in one line, and leaves nothing on stdout nor in the folder."""
        before = sorted(os.listdir(self.folder))
        done = run(*args, **more)
        self.assertEqual(done.returncode, code, "%s: %s" % (args, done.stderr))
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertRegex(done.stderr, says)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        return done.stderr
