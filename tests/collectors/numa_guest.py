# SPDX-License-Identifier: BSD-2-Clause
"""Debian on an emulated machine of four nodes runs `mirrorball record --source faults` and `mirrorball live --apply` on
a program whose pages start on the wrong node: its numa_maps show them moved, its checksums hold.

usage: numa_guest.py BUILD"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "monitor", "guests"))

import emulator  # noqa: E402
import make_guests  # noqa: E402

NODES, PAGES, SECONDS = 4, 2048, 240


def libraries(program):
    """What the dynamic linker would load, itself included."""
    text = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return sorted(set(re.findall(r"(/\S+) \(0x", text)))


def extra_initrd(build):
    """A second archive behind the guests' own: the kernel unpacks both."""
    archive = make_guests.Archive()
    for program in ("mirrorball", "tests/wrong_node"):
        path = os.path.join(build, program)
        archive.file("bin/" + os.path.basename(program), path)
        for library in libraries(path) if program == "mirrorball" else ():
            archive.file(library.lstrip("/"), library)
    for folder in ("proc", "sys", "tmp"):
        archive.folder(folder)
    archive.file("numa_guest.sh", os.path.join(HERE, "numa_guest.sh"))
    archive.add("TRAILER!!!", 0)
    return bytes(archive.data)


def boot(build, guests):
    folder = tempfile.mkdtemp(prefix="mirrorball-numa-")
    initrd = os.path.join(folder, "initrd")
    with open(initrd, "wb") as out, open(os.path.join(guests, "initrd.img"), "rb") as base:
        shutil.copyfileobj(base, out)
        out.write(bytes(-out.tell() % 4))
        out.write(extra_initrd(build))
    arguments = ["-machine", "q35", "-cpu", "max", "-m", "1024",
                 *emulator.numa(NODES, NODES, 1024), "-kernel", os.path.join(guests, "vmlinuz-cloud"),
                 "-initrd", initrd, "-append", "console=ttyS0 quiet rdinit=/numa_guest.sh numa_balancing=disable"]
    with emulator.Machine(arguments, folder) as machine:
        try:
            machine.wait("^result: end", SECONDS)
            return machine.lines
        except TimeoutError as error:
            sys.exit("\n".join([*machine.console(), f"numa_guest: {error}"]))


class Told:
    """What the guest printed behind "result:"."""

    def __init__(self, lines):
        self.lines = lines

    def one(self, pattern):
        for line in self.lines:
            found = re.search(pattern, line)
            if found:
                return found
        sys.exit("\n".join([*self.lines[-60:], f"numa_guest: nothing said {pattern!r}"]))


def check(truth, told, text):
    if not truth:
        sys.exit("\n".join([*told.lines[-60:], f"numa_guest: {text}"]))


def on_node(text, node):
    found = re.search(rf"\bN{node}=(\d+)", text)
    return int(found.group(1)) if found else 0


def main():
    build = os.path.abspath(sys.argv[1])
    guests = emulator.need(build)
    told = Told(boot(build, guests))
    check(told.one(r"result: nodes (\d+)").group(1) == str(NODES), told, "not all nodes are there")
    told.one(r"result: record exit 0 checksum ok")
    info = json.loads(told.one(r"info: (.*)").group(1))
    text = json.dumps(info)
    check("page-touch" in text, told, "the trace does not say that it is of page touches")
    before = told.one(r"result: places +(N.*)").group(1)
    check(on_node(before, 0) == PAGES, told, f"without --apply pages moved: {before}")
    after = told.one(r"result: places --apply (N.*)").group(1)
    check(on_node(after, 3) >= PAGES * 95 // 100, told, f"after --apply the pages are on {after}")
    for how in ("", "--apply "):
        told.one(rf"result: live +{how}exit 0")
        told.one(rf"result: program +{how}exit 0 checksum ok")
    print(f"numa_guest: {on_node(after, 3)} of {PAGES} pages moved from node 0 to node 3, contents right")


main()
