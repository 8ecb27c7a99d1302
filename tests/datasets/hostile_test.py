# SPDX-License-Identifier: BSD-2-Clause
"""Files in HDF5's oldest format, whose metadata carries no checksums, with bytes changed: the program must end by itself
with 0 or 1 and at most one line of error, whatever the library makes of them.

usage: hostile_test.py [MUTATIONS [FIRST]]"""

import os
import random
import subprocess
import sys
import tempfile
import time

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: h5py and numpy are not installed")
    sys.exit(77)

MIRRORBALL = os.environ["MIRRORBALL"]
MUTATIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
FIRST = int(sys.argv[2]) if len(sys.argv) > 2 else 0
LOOPS = 2376  # this one lets HDF5 1.10 run for ever
SECONDS = 10  # enough is enough on a slow machine, but never less than a quarter
RECORDS, PAGES = 600, 40
COMMANDS = (["info", "--verify"], ["compare", "--policy", "first_touch", "--machine", "flash-4", "--format", "csv"])
WORDS = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff" * 4, b"\xff" * 8, b"\x00" * 8, b"\x01\x00\x00\x00", b"\x00\x00\x00\x40")


def columns(f, **how):
    rng = np.random.default_rng(5)
    f.create_dataset("trace/dt", data=rng.integers(0, 300, RECORDS, dtype="<u4"), **how)
    f.create_dataset("trace/page", data=rng.integers(0, PAGES, RECORDS, dtype="<u4"), **how)
    f.create_dataset("trace/cpu", data=rng.integers(0, 4, RECORDS).astype("u1"), **how)
    f.create_dataset("trace/flags", data=rng.integers(0, 2, RECORDS).astype("u1"), **how)
    f["pages/address"] = np.arange(PAGES, dtype="<u8") * 8192
    f["pages/node"] = np.arange(PAGES, dtype="u1") % 4


def plain(f):
    """Contiguous columns; strings of variable length, which live in a global heap."""
    columns(f)
    f.attrs.update(format="mirrorball-trace", version=1, cpus=4, source="h5py", note="n" * 300, labels="synthetic")


def packed(f):
    """Chunks in a B-tree, a compound table, strings of fixed length, a table of gaps."""
    columns(f, chunks=(RECORDS,), shuffle=True, compression="gzip", compression_opts=1)
    f["chunks"] = np.array([(9, 0, PAGES - 1, RECORDS)], [("first_time", "<u8"), ("least_page", "<u4"),
                                                          ("greatest_page", "<u4"), ("count", "<u4")])
    f["trace/gaps"] = np.array([(5, 1 << 32)], [("record", "<u8"), ("more", "<u8")])
    f.attrs.update(format=np.bytes_("mirrorball-trace"), cpus=4, name=np.bytes_("a"), cpu_node=np.arange(4))


def foreign(f):
    """What only the library reads: short chunks, big-endian integers, other filters."""
    columns(f, chunks=(100,), scaleoffset=0)
    f["trace/tid"] = np.arange(RECORDS, dtype=">u4")
    f.create_dataset("trace/latency", data=np.arange(RECORDS, dtype="<i8"), chunks=(64,), fletcher32=True)
    f.attrs.update(cpus=np.int8(4), note="x" * 5000)


def metadata(path):
    """Positions that are no raw data of a contiguous column or of a chunk: what steers the library."""
    size = os.path.getsize(path)
    raw = np.zeros(size, bool)

    def mark(_, item):
        if isinstance(item, h5py.Dataset):
            if item.chunks:
                for i in range(item.id.get_num_chunks()):
                    chunk = item.id.get_chunk_info(i)
                    raw[chunk.byte_offset:chunk.byte_offset + chunk.size] = True
            elif item.id.get_offset() is not None:
                raw[item.id.get_offset():item.id.get_offset() + item.id.get_storage_size()] = True

    with h5py.File(path, "r") as f:
        f.visititems(mark)
    positions = np.flatnonzero(~raw).tolist()
    with open(path, "rb") as file:
        data = file.read()
    # Most of the metadata is empty room; three of four changes go where there is something.
    return data, positions, [p for p in positions if data[p]]


def mutate(data, positions, filled, seed):
    rng = random.Random(seed)
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.choice(filled if rng.random() < 0.75 else positions)
        what = rng.randrange(3)
        if what == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            out[at] = rng.randrange(256)
        else:
            word = rng.choice(WORDS)
            out[at:at + len(word)] = word
    return bytes(out[:len(data)])


def wrong(run):
    """What is wrong with the way the program ended; None: nothing."""
    if run.returncode not in (0, 1):
        return f"exit code {run.returncode}"
    lines = run.stderr.count(b"\n")
    if lines > 1 or (run.returncode == 1) != (lines == 1):
        return f"exit code {run.returncode} with {lines} lines of error: {run.stderr[:300]!r}"
    return None


def main():
    began, refused, done = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory(prefix="mirrorball-hostile-") as folder:
        good, bad = os.path.join(folder, "good.h5"), os.path.join(folder, "bad.h5")
        # In a sanitized build: what HDF5 itself loses or asks for is not held against the program.
        with open(os.path.join(folder, "leaks"), "w", encoding="ascii") as file:
            file.write("leak:libhdf5\n")
        os.environ["LSAN_OPTIONS"] = f"suppressions={file.name}:print_suppressions=0"
        os.environ["ASAN_OPTIONS"] = "allocator_may_return_null=1"
        seeds = []
        for make in (plain, packed, foreign):
            with h5py.File(good, "w", libver="earliest") as f:
                make(f)
            for command in COMMANDS:
                run = subprocess.run([MIRRORBALL, command[0], good, *command[1:]], capture_output=True, check=False)
                assert run.returncode == 0, f"{make.__name__}: not even the good file is read: {run.stderr}"
            seeds.append(metadata(good))
        for i in (LOOPS, *range(FIRST, FIRST + MUTATIONS)):
            if done >= MUTATIONS // 4 and time.monotonic() - began > SECONDS:
                break
            with open(bad, "wb") as file:
                file.write(mutate(*seeds[i % len(seeds)], i))
            command = COMMANDS[i // len(seeds) % len(COMMANDS)]
            try:
                run = subprocess.run([MIRRORBALL, command[0], bad, *command[1:]], capture_output=True, check=False,
                                     timeout=100)
                problem = wrong(run)
            except subprocess.TimeoutExpired:
                problem = "no end after 100 s"
            if problem:
                print(f"mutation {i} ({' '.join(command)}): {problem}")
                return 1
            refused += run.returncode
            done += 1
    assert refused > done // 10, f"only {refused} of {done} mutations were refused: they miss what matters"
    print(f"{done} mutations, {refused} refused")
    return 0


sys.exit(main())
