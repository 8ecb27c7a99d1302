#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the guests' files from Debian's own packages, without root: vmlinuz-cloud and vmlinuz (linux-image-cloud-amd64,
linux-image-amd64), and initrd.img with busybox, the modules that the kernels need for their disks, and our /init;
compile.img is the same with a compiler and sources in /compile.

What is there already stays: a second run needs no network. usage: make_guests.py FOLDER INIT"""

import os
import shutil
import stat
import subprocess
import sys
import tempfile

KERNELS = {"vmlinuz-cloud": "linux-image-cloud-amd64", "vmlinuz": "linux-image-amd64"}
SOURCES = ("monitor-core/sched.c", "monitor-core/disk.c", "monitor-core/devices/virtio_block.c")
MODULES = ("virtio_mmio", "virtio_blk", "virtio_pci", "ext4", "crc32c_generic")


class Problem(Exception):
    """One line: what, where, what to do."""


def output(command, advice, **options):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        last = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        raise Problem(f"{' '.join(command)}: {' '.join(last)}; {advice}") from error


def fetch(package, folder):
    """Downloads and unpacks the package that the meta package stands for; answers the kernel's version."""
    update = "is there a network? As root: apt-get update"
    depends = output(["apt-cache", "depends", "--important", package], "this needs Debian's apt").split()
    real = next((word for word in depends if word.startswith("linux-image-") and word != package), None)
    if not real:
        raise Problem(f"{package}: no such package here; {update}")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        output(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", real], update, cwd=place)
        archive = next(name for name in os.listdir(place) if name.endswith(".deb"))
        tree = os.path.join(folder, package)
        shutil.rmtree(tree, ignore_errors=True)
        shutil.rmtree(tree + ".part", ignore_errors=True)
        output(["dpkg-deb", "-x", os.path.join(place, archive), tree + ".part"], "is the disk full?")
    keep_needed(tree + ".part")
    os.rename(tree + ".part", tree)


def module_file(tree, name):
    """The module's path, or None where the kernel has it built in."""
    for folder, _, names in os.walk(os.path.join(tree, "lib/modules")):
        for found in names:
            if found.replace("-", "_") == name + ".ko":
                return os.path.join(folder, found)
    return None


def with_needs(tree, name, order):
    """Appends the module after everything that its own .modinfo says it needs."""
    path = module_file(tree, name)
    if not path or path in order:
        return
    with open(path, "rb") as file:
        text = file.read()
    at = text.index(b"\0depends=") + len(b"\0depends=")
    for needed in text[at:text.index(b"\0", at)].decode().split(","):
        if needed:
            with_needs(tree, needed.replace("-", "_"), order)
    order.append(path)


def keep_needed(tree):
    """The kernel and our modules only: a twentieth of what was unpacked."""
    kept = []
    for name in MODULES:
        with_needs(tree, name, kept)
    for folder, _, names in os.walk(tree):
        for path in (os.path.join(folder, name) for name in names):
            if path not in kept and not os.path.basename(path).startswith("vmlinuz-"):
                os.unlink(path)


class Archive:
    """A cpio archive in the "newc" format that the kernel unpacks."""

    def __init__(self):
        self.data = bytearray()
        self.count = 0
        self.folders = set()

    def add(self, name, mode, content=b"", device=(0, 0)):
        self.count += 1
        encoded = name.encode() + b"\0"
        fields = [self.count, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0]
        self.data += b"070701" + "".join(f"{field:08X}" for field in fields).encode() + encoded
        self.data += bytes(-len(self.data) % 4) + content
        self.data += bytes(-len(self.data) % 4)

    def folder(self, name):
        if name and name not in self.folders:
            self.folder(os.path.dirname(name))
            self.folders.add(name)
            self.add(name, stat.S_IFDIR | 0o755)

    def file(self, name, path, mode=0o755):
        self.folder(os.path.dirname(name))
        with open(path, "rb") as source:
            self.add(name, stat.S_IFREG | mode, source.read())

    def link(self, name, target):
        self.folder(os.path.dirname(name))
        self.add(name, stat.S_IFLNK | 0o777, target.encode())


def add_compiler(archive, folder):
    """GCC's compiler proper, the assembler, what they are linked with, preprocessed sources, and the object files that
    come out here."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
    advice = "as root: apt-get install gcc"
    tools = {name: shutil.which(output(["gcc", "-print-prog-name=" + name], advice).strip()) for name in ("cc1", "as")}
    libraries = set()
    for name, path in tools.items():
        if not path:
            raise Problem(f"{name}: not found; {advice}")
        archive.file("compile/" + name, path)
        libraries |= {word for word in output(["ldd", path], advice).split() if word.startswith("/")}
    for path in sorted(libraries):
        archive.file(path[1:], path)
    for source in SOURCES:
        name = os.path.join(folder, os.path.basename(source)[:-2])
        output(["gcc", "-E", "-P", "-ffreestanding", "-I", root, os.path.join(root, source), "-o", name + ".i"], advice)
        output([tools["cc1"], "-quiet", "-fpreprocessed", "-O2", name + ".i", "-o", name + ".s"], advice)
        output([tools["as"], "-o", name + ".o", name + ".s"], advice)
        for path in (name + ".i", name + ".o"):
            archive.file("compile/" + os.path.basename(path), path, 0o644)


def make_initrd(folder, init, trees, compiler=False):
    busybox = shutil.which("busybox")
    if not busybox:
        raise Problem("busybox: not found; as root: apt-get install busybox-static")
    archive = Archive()
    archive.folder("dev")
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.file("init", init)
    archive.file("bin/busybox", busybox)
    for applet in output([busybox, "--list"], "is it busybox-static?").split():
        if applet != "busybox":
            archive.link("bin/" + applet, "busybox")
    for tree in trees:
        order = []
        for name in MODULES:
            with_needs(tree, name, order)
        version, = os.listdir(os.path.join(tree, "lib/modules"))
        for path in order:
            archive.file(f"modules/{version}/{os.path.basename(path)}", path, 0o644)
        names = "".join(os.path.basename(path) + "\n" for path in order)
        archive.add(f"modules/{version}/order", stat.S_IFREG | 0o644, names.encode())
    if compiler:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            add_compiler(archive, place)
    archive.add("TRAILER!!!", 0)
    return bytes(archive.data)


def replace(path, content):
    """Whole or not at all, and untouched when nothing changed."""
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == content:
                return
    with open(path + ".part", "wb") as file:
        file.write(content)
    os.rename(path + ".part", path)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, init = map(os.path.abspath, sys.argv[1:])
    os.makedirs(folder, exist_ok=True)
    trees = []
    for name, package in KERNELS.items():
        tree = os.path.join(folder, package)
        if not os.path.isdir(tree):
            print(f"guests: fetching {package}", file=sys.stderr)
            fetch(package, folder)
        kernel = next(file for file in os.listdir(os.path.join(tree, "boot")) if file.startswith("vmlinuz-"))
        with open(os.path.join(tree, "boot", kernel), "rb") as file:
            replace(os.path.join(folder, name), file.read())
        trees.append(tree)
    replace(os.path.join(folder, "initrd.img"), make_initrd(folder, init, trees))
    replace(os.path.join(folder, "compile.img"), make_initrd(folder, init, trees, compiler=True))
    print(f"guests: {folder}: {', '.join(KERNELS)}, initrd.img, compile.img")


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        sys.exit(f"guests: {problem}")
