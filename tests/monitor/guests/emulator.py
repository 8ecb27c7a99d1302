# SPDX-License-Identifier: BSD-2-Clause
"""Boots guests for the tests: on the monitor in an emulated NUMA machine, or on an emulated machine without it. Reads
what the monitor sends on its second serial port by a decoder of its own (monitor-core/telemetry.h is the format)."""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

SKIP = 77
EXITS = ("interrupt", "halt", "cpuid", "msr_read", "msr_write", "port", "mmio", "touch", "map", "copy",
         "collapse", "hint", "exception", "hypercall", "shutdown", "other")


class Crashed(Exception):
    """The emulator itself, not what runs on it."""


def need(build, *more):
    """The folder of the guests; ends with a clear word where something is missing (`more`: files in it)."""
    folder = os.path.join(build, "guests")
    if not shutil.which("qemu-system-x86_64"):
        print("guests: skipped: qemu-system-x86_64 is not installed")
        sys.exit(SKIP)
    for name in ("vmlinuz-cloud", "initrd.img", *more):
        if not os.path.exists(os.path.join(folder, name)):
            print(f"guests: skipped: {folder}/{name} is not there; make it with: cmake --build {build} --target guests")
            sys.exit(SKIP)
    return folder


def numa(nodes, cpus, memory, apart=0):
    """QEMU's arguments for so many CPUs and equal nodes, distance 20; the CPUs fill them in blocks, but for those that stand
    apart, the first on node 0."""
    yield from ("-smp", str(apart + cpus))
    for node in range(nodes):
        yield from ("-object", f"memory-backend-ram,id=ram{node},size={memory // nodes}M")
        mine = [cpu for cpu in range(cpus) if cpu * nodes // cpus == node] if cpus >= nodes else [node] * (node < cpus)
        mine = [*range(apart * (node == 0)), *(apart + cpu for cpu in mine)]
        text = f"node,nodeid={node},memdev=ram{node}" + "".join(f",cpus={cpu}" for cpu in mine)
        yield from ("-numa", text)
    for a in range(nodes):
        for b in range(nodes):
            yield from ("-numa", f"dist,src={a},dst={b},val={10 if a == b else 20}")


class Machine:
    """A running emulator; its console as lines, as they come. Ends with `close` at the latest (a with statement).
    Of one that does not do in time what it should, `stalled` keeps what could be found out before it was ended."""

    latest = None

    def __init__(self, arguments, folder=None, counted=False):
        """`counted`: time passes by 2 ns for each instruction, whatever the host does."""
        Machine.latest = self
        self.folder = folder
        self.stalled = []
        self.lines, self.partial, self.ended = [], "", False
        self.changed = threading.Condition()
        self.start = time.monotonic()
        tcg = ["tcg,thread=single", "-icount", "shift=1,sleep=off"] if counted else ["tcg,thread=multi"]
        command = ["qemu-system-x86_64", "-accel", *tcg, "-nodefaults", "-no-user-config", "-no-reboot",
                   "-display", "none", "-serial", "stdio", "-monitor", "unix:monitor,server=on,wait=off" if folder else "none",
                   *arguments]
        self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is TimeoutError and self.folder and self.process.poll() is None:
            self.stalled = list(self._look())
        self.close()

    def _ask(self, *questions):
        """Answers of the emulator's own console; it echoes what it is asked."""
        with socket.socket(socket.AF_UNIX) as console:
            console.settimeout(20)
            console.connect(os.path.join(self.folder, "monitor"))
            text = ""
            for question in ("", *questions):
                console.sendall((question + "\n").encode() if question else b"")
                before = len(text)
                while not text[before:].endswith("(qemu) "):
                    answer = console.recv(65536)
                    if not answer:
                        raise OSError("it has ended")
                    text += answer.decode(errors="replace")
            return text.replace("\r", "")

    def _look(self):
        """Where each processor is, three times a second apart, what its APIC has pending or in service, and what each
        virtual CPU did meanwhile. The emulator's number of a CPU is one more than the monitor's where its first runs no guests."""
        before = self.telemetry()
        for _ in range(3):
            try:
                text = self._ask("info registers -a")
                text += self._ask(*(f"info lapic {cpu}" for cpu in re.findall(r"^CPU#(\d+)", text, re.M)))
            except OSError as error:
                yield f"the emulator does not answer: {error}"
                break
            yield from re.findall(r"^(?:CPU#\d+|RIP=.*|CR0=.*|dumping local APIC.*|ISR\s.*|IRR\s.*)$", text, re.M)
            time.sleep(1)
        after = self.telemetry()
        yield f"engine {after.engine}"
        yield from (f"VM {name}: {row}" for name, row in after.vm.items())
        for number, row in after.vcpu.items():
            old = before.vcpu.get(number, row)
            new = {kind: count - old["exits"][kind] for kind, count in row["exits"].items() if count > old["exits"][kind]}
            yield (f"virtual CPU {number} of VM {row['vm']} on CPU {row['cpu']}: {(row['guest'] - old['guest']) / 1e9:.2f} s "
                   f"in the guest, {(row['monitor'] - old['monitor']) / 1e9:.2f} s in the monitor, exits {new}")

    def _read(self):
        while True:
            data = os.read(self.process.stdout.fileno(), 65536)
            with self.changed:
                *whole, self.partial = (self.partial + data.decode(errors="replace").replace("\r", "")).split("\n")
                self.lines += whole
                self.ended = not data
                if not data and self.partial:
                    self.lines.append(self.partial)
                self.changed.notify_all()
            if not data:
                return

    def wait(self, pattern, seconds, count=1):
        """Until so many lines (or the prompt) match; the last match. Raises TimeoutError with the console's end."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                found = [m for m in (re.search(pattern, line) for line in [*self.lines, self.partial]) if m]
                if len(found) >= count:
                    return found[-1]
                if self.ended or not self.changed.wait(max(0, deadline - time.monotonic())):
                    raise TimeoutError(f"no {pattern!r} {'before the end' if self.ended else f'in {seconds} s'}")

    def console(self, most=40):
        with self.changed:
            return [*self.lines[-most:], *([self.partial] if self.partial else [])]

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def finish(self, seconds):
        """Waits until the machine has switched itself off; the lines."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"the machine still runs after {seconds} s") from error
        self.reader.join()
        self.seconds = time.monotonic() - self.start
        if self.process.returncode < 0:
            raise Crashed(f"the emulator has ended by signal {-self.process.returncode}")
        return self.lines

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def telemetry(self):
        with open(os.path.join(self.folder, "telemetry"), "rb") as file:
            return Telemetry(file.read())


def native(folder, command_line, kernel="vmlinuz-cloud", initrd="initrd.img", cpus=1, memory=512, drives=(),
           counted=False):
    """The same guest without the monitor."""
    arguments = ["-cpu", "max", "-machine", "q35", "-smp", str(cpus), "-m", f"{memory}M", "-kernel",
                 os.path.join(folder, kernel), "-initrd", os.path.join(folder, initrd), "-append", command_line]
    for drive in drives:
        arguments += ["-drive", f"file={drive},format=raw,if=virtio,snapshot=on"]
    return Machine(arguments, counted=counted)


def monitor(image, folder, config, modules=(), nodes=1, cpus=1, memory=1024, drives=(), machine="q35",
            counted=False):
    """The monitor with that configuration: a text, or the bytes that it gets as they are. Kernels and initrd are modules
    by their names in `folder`; `modules` are further (name, path); drives: (path, writable). The emulator's first CPU runs
    no guests where it is not the only one (monitor-core/x86/percpu.c): there is one more."""
    place = tempfile.mkdtemp(prefix="mirrorball-test-")
    if isinstance(config, str):
        names = [(name, os.path.join(folder, name)) for name in ("vmlinuz-cloud", "vmlinuz", "initrd.img", "compile.img", "fuzz.img")]
        modules = [*modules, *((name, path) for name, path in names if re.search(rf"= {re.escape(name)}$", config, re.M))]
    for name, path in modules:
        os.symlink(os.path.abspath(path), os.path.join(place, name))
    with open(os.path.join(place, "config" if isinstance(config, bytes) else "text"), "wb") as file:
        file.write(config if isinstance(config, bytes) else config.encode())
    if isinstance(config, str):
        program = os.path.abspath(os.path.join(folder, "../mirrorball"))
        subprocess.run([program, "monitor", "config", "text", "-o", "config", "--any-policy",
                        *(f"{name}={name}" for name, _ in modules)], cwd=place, check=True)
    arguments = ["-cpu", "max,+svm", "-machine", machine, "-m", f"{memory}M",
                 *numa(nodes, cpus, memory, apart=int(cpus > 1)), "-serial", "file:telemetry", "-kernel", os.path.abspath(image), "-initrd",
                 ",".join(["config config", *(f"{name} {name}" for name, _ in modules)])]
    for i, (path, writable) in enumerate(drives):
        mode = "off" if writable else "on"
        arguments += ["-drive", f"file={os.path.abspath(path)},format=raw,if=none,id=d{i},readonly={mode}",
                      "-device", f"nvme,drive=d{i},serial=d{i}"]
    return Machine(arguments, place, counted)


def vm(name, do, vcpus=1, memory=256, disks="", kernel="vmlinuz-cloud", initrd="initrd.img", more="quiet"):
    """A section of the configuration for a Debian guest."""
    text = f"[vm {name}]\nkernel = {kernel}\ninitrd = {initrd}\nvcpus = {vcpus}\nmemory_mb = {memory}\n"
    if disks:
        text += f"disks = {disks}\n"
    return text + f"cmdline = console=ttyS0 {more} do={do}\n"


def named(fields, values):
    return dict(zip(fields.split(), values))


class Telemetry:
    """The last state of every counter: hello, node[n], vm[name], vcpu[n], engine, disk[name], text[], end. torn: reports in
    which the nodes have seen other accesses than the VMs have made."""

    def __init__(self, data):
        self.hello, self.engine, self.end, self.text = None, None, None, []
        self.node, self.vm, self.vcpu, self.disk, self.bad, self.torn = {}, {}, {}, {}, 0, 0
        at = 0
        while at + 12 <= len(data):
            kind, size = data[at + 2], int.from_bytes(data[at + 4:at + 6], "little")
            whole = data[at:at + 8 + size]
            if data[at:at + 2] != b"MB" or zlib.crc32(whole).to_bytes(4, "little") != data[at + 8 + size:at + 12 + size]:
                at += 1
                self.bad += 1
                continue
            at += 12 + size
            self._take(kind, whole[8:])

    def _take(self, kind, body):
        if kind == 1:
            self.hello = named("version nodes cpus vms tsc_khz memory npages slots", struct.unpack_from("<4I2Q2I", body))
        elif kind == 2:
            n, _, total, free, own = struct.unpack_from("<2I3Q", body)
            seen = struct.unpack_from("<32Q", body, 32)
            self.node[n] = {"total": total, "free": free, "monitor": own, "reads": seen[::2], "writes": seen[1::2]}
        elif kind == 3:
            fields = "vm vcpus state end first pages private shared touches cow resets"
            row = named(fields, struct.unpack_from("<8I3Q", body))
            row["why"] = body[-96:].split(b"\0")[0].decode()
            row["accesses"] = sum(struct.unpack_from("<16Q", body, 56))
            self.vm[body[-128:-96].split(b"\0")[0].decode()] = row
            if row["vm"] == self.hello["vms"] - 1:
                seen = sum(sum(node["reads"]) + sum(node["writes"]) for node in self.node.values())
                self.torn += seen != sum(vm["accesses"] for vm in self.vm.values())
        elif kind == 4:
            row = named("number vm index cpu guest monitor used", struct.unpack_from("<4I3Q", body))
            row["exits"] = dict(zip(EXITS, struct.unpack_from(f"<{len(EXITS)}Q", body, 40)))
            self.vcpu[row["number"]] = row
        elif kind == 5:
            self.engine = self._engine(body)
        elif kind == 6:
            row = named("drive_reads drive_blocks hits maps copies private let_go resident", struct.unpack_from("<8Q", body, 8))
            self.disk[body[72:].split(b"\0")[0].decode()] = row
        elif kind == 8:
            self.text.append(body.split(b"\0")[0].decode(errors="replace"))
        elif kind == 9:
            time_ns, panicked = struct.unpack_from("<QI", body)
            self.end = {"time": time_ns, "panicked": panicked, "why": body[16:].split(b"\0")[0].decode()}

    @staticmethod
    def _engine(body):
        words = struct.unpack(f"<{len(body) // 8}Q", body)
        first = "time digest touches moves copies drops watches collapses hints samplings freed fallbacks reclaims"
        last = "shootdowns kicks wait tables harvests shared switches vcpu_migrations idle".split()
        return {**named(first, words), **dict(zip(last, words[-len(last):]))}
