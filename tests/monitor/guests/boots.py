# SPDX-License-Identifier: BSD-2-Clause
"""Boots unmodified Debian guests, and one hostile guest of our own, on the monitor in an emulated NUMA machine.

usage: boots.py BUILD CASE"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import emulator
from emulator import vm

STIR = "tests/monitor_stir.elf"  # the monitor, and the policy stir (tests/monitor/stir.h)
FAILED = "FAILED|BUG:|Oops|Call Trace|Kernel panic|rcu:.*stall|segfault|general protection"

PROMPT = r"# (\x1b\[6n)?$"  # busybox asks the terminal where its cursor is


class Bad(Exception):
    """The monitor did what it should not; one line."""


def expect(truth, text):
    if not truth:
        raise Bad(text)


class Boot:
    """One machine from power-on to power-off."""

    def __init__(self, build, config, seconds, image="monitor.elf", **machine):
        self.build = build
        folder = emulator.need(build)
        self.cpus = machine.get("cpus", 1)
        with emulator.monitor(os.path.join(build, image), folder, config, **machine) as m:
            self.lines = m.finish(seconds)
            self.telemetry, self.seconds = m.telemetry(), m.seconds


def said(boot):
    """What each VM wrote, by name: a slow line may have come in pieces, each behind the name."""
    texts = {}
    for line in boot.lines:
        name, rest = re.fullmatch(r"(?:\[(\w+)\] )?(.*)", line).groups()
        texts[name] = texts.get(name, "") + rest
    return texts


def check_ended(boot, *names, crashed=()):
    """The machine ended as it should: every VM with its reason, no panic, nothing lost."""
    t = boot.telemetry
    expect(t.end is not None and t.hello is not None, "the telemetry does not end")
    expect(not t.end["panicked"], f"panic: {t.end['why']}")
    expect(t.hello["cpus"] == boot.cpus, f"{t.hello['cpus']} CPUs run guests, not {boot.cpus}")
    expect(t.torn == 0, f"in {t.torn} reports nodes and VMs do not agree on the accesses")
    expect(t.bad == 0, f"{t.bad} bytes of telemetry make no sense")
    for name in names:
        want = 2 if name in crashed else 1
        expect(t.vm[name]["end"] == want, f"VM {name} ended with {t.vm[name]['end']} ({t.vm[name]['why']}), not {want}")
        expect(t.vm[name]["private"] == 0, f"VM {name} has ended and still has {t.vm[name]['private']} pages")
    own, total = (sum(row[key] for row in t.node.values()) for key in ("monitor", "total"))
    expect(own < total * 0.015, f"the monitor has {own >> 10} KiB of {total >> 10} for itself")


def check_said(boot, text, times=1):
    found = sum(one.count(text) for one in said(boot).values())
    expect(found >= times, f"{times} times {text!r} was to be seen, {found} were")


def check_clean(boot, *but):
    for line in boot.lines:
        if re.search(FAILED, line) and not any(word in line for word in but):
            raise Bad(f"on the console: {line}")


def exits(boot):
    total = dict.fromkeys(emulator.EXITS, 0)
    for row in boot.telemetry.vcpu.values():
        for kind, count in row["exits"].items():
            total[kind] += count
    return total


def one(build):
    boot = Boot(build, "policy = first_touch\n" + vm("one", "compute:1,churn:1,sleep:1,poweroff", more=""), 120)
    check_clean(boot)
    check_ended(boot, "one")
    check_said(boot, "guest: done, 0 failed")
    counted = exits(boot)
    expect(counted["cpuid"] > 10 and counted["touch"] > 100 and counted["halt"] > 1, f"exits {counted}")
    return f"{boot.seconds:.0f} s, {sum(counted.values())} exits"


def nothing(build):
    """A configuration without a VM is whole; a text is none, nor is one for a policy that the monitor does not have."""
    boot = Boot(build, "# nothing\n", 60, nodes=2, cpus=2, memory=512)
    check_ended(boot)
    boot = Boot(build, "# all the CPUs there may be\n", 60, nodes=2, cpus=64, memory=2048)
    check_ended(boot)
    check_said(boot, "CPUs: 64; nodes: 2; VMs: 0")
    boot = Boot(build, "# more than there may be\n", 120, nodes=2, cpus=72, memory=2048)
    boot.cpus = 64
    check_ended(boot)
    check_said(boot, "64 of the machine's 73 CPUs are used")
    check_said(boot, "CPUs: 64; nodes: 2; VMs: 0")
    boot = Boot(build, b"policy = first_touch\n", 60, memory=512)
    check_said(boot, "panic: configuration: not of this version; make it again: mirrorball monitor config")
    boot = Boot(build, "policy = stir:pages=3\n", 60, memory=512)
    check_said(boot, "panic: configuration: unknown policy stir")
    return f"{boot.seconds:.0f} s"


def changed(build):
    """A kernel that has changed since the configuration was made, of the same size, is not started; a byte is enough."""
    folder = emulator.need(build)
    with tempfile.TemporaryDirectory() as place:
        kernel, text, made = (os.path.join(place, name) for name in ("kernel", "text", "made"))
        shutil.copy(os.path.join(folder, "vmlinuz-cloud"), kernel)
        with open(text, "w", encoding="utf-8") as file:
            file.write("[vm one]\nkernel = k\n")
        subprocess.run([os.path.join(build, "mirrorball"), "monitor", "config", text, "-o", made, f"k={kernel}"], check=True)
        with open(made, "rb") as file:
            config = file.read()
        with open(kernel, "r+b") as file:
            file.seek(os.path.getsize(kernel) // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))
        boot = Boot(build, config, 60, memory=512, modules=[("k", kernel)])
    check_said(boot, "panic: VM one: cannot be loaded: a module is not the file that the configuration was made with")
    return f"{boot.seconds:.0f} s"


def two(build):
    config = "policy = migrep:trigger=256\n" + "".join(
        vm(name, "checksum:5:0:8+churn:1,poweroff", vcpus=2) for name in ("left", "right"))
    boot = Boot(build, config, 400, nodes=4, cpus=4, memory=1536)
    check_clean(boot)
    check_ended(boot, "left", "right")
    check_said(boot, "guest: up, 2 CPUs", 2)
    check_said(boot, "guest: checksum ok", 2)
    check_said(boot, "guest: done, 0 failed", 2)
    e = boot.telemetry.engine
    return f"{boot.seconds:.0f} s, {e['moves']} moves, {e['copies']} copies, {e['collapses']} collapses"


def sliced(build):
    config = "policy = first_touch\nslice_ms = 3\n" + "".join(
        vm(name, "vectors:6+checksum:6:0:8,poweroff", vcpus=2) for name in ("left", "right"))
    boot = Boot(build, config, 400, nodes=2, cpus=1, memory=1024)
    check_clean(boot)
    check_ended(boot, "left", "right")
    check_said(boot, "guest: vectors ok", 2)
    check_said(boot, "guest: checksum ok", 2)
    expect(boot.telemetry.engine["switches"] > 500, f"{boot.telemetry.engine['switches']} switches are not time-sharing")
    return f"{boot.seconds:.0f} s, {boot.telemetry.engine['switches']} switches"


def stir(build, seconds=20, cpus=2, enough=50000, patience=2):
    """A host that is too slow for so many moves gets more time."""
    config = "policy = stir:pages=512,tick_ns=20000000\npoison = 1\nslice_ms = 5\n" + "".join(
        vm(name, f"checksum:{seconds}:3:12+vectors:{seconds}:1,poweroff", vcpus=2) for name in ("left", "right"))
    boot = Boot(build, config, 300 + 4 * seconds, STIR, nodes=4, cpus=cpus, memory=1536)
    check_clean(boot)
    check_ended(boot, "left", "right")
    check_said(boot, "guest: checksum ok", 2)
    check_said(boot, "guest: vectors ok", 2)
    e = boot.telemetry.engine
    done = f"{boot.seconds:.0f} s, {e['moves']} moves, {e['copies']} copies, {e['collapses']} collapses, {e['shootdowns']} shootdowns"
    if e["moves"] >= enough and e["copies"] >= enough / 10 and e["collapses"] >= enough / 100:
        return done
    expect(patience, f"too little was moved: {done}")
    print(f"stir: in {seconds} s of the guests only {done}: once more, for longer", flush=True)
    return stir(build, 2 * seconds, cpus, enough, patience - 1)


def hot(build, image=STIR, seconds=10):
    config = "policy = stir:pages=128,seen=1,tick_ns=20000000\npoison = 1\n" + vm("hot", f"hot:{seconds}:0:4,poweroff", vcpus=2)
    boot = Boot(build, config, 200 + seconds, image, nodes=2, cpus=2, memory=512)
    check_clean(boot)
    check_ended(boot, "hot")
    check_said(boot, "guest: hot ok")
    e = boot.telemetry.engine
    return f"{boot.seconds:.0f} s, {e['moves']} moves, {e['collapses']} collapses"


def planted(build, fault="no_wait"):
    """A monitor with a fault planted in its shootdown (tests/monitor/space) is found, by wrong data or a guest that dies
    of them; the right one is not. A guest that only stands still proves nothing."""
    right = hot(build)
    for _ in range(3):
        try:
            hot(build, f"tests/monitor_{fault}.elf", 60)  # a guest that sees wrong data ends at once
        except Bad as bad:
            return f"{fault}: {bad}; the right one: {right}"
        except TimeoutError:
            pass
    raise Bad(f"{fault} was not found")


def planted_early(build):
    return planted(build, "early_copy")


def lost(build):
    """Every 16th interrupt between CPUs is lost: pages move and virtual CPUs wake each other all the same, some a little
    later. How much later shows on an idle host only."""
    config = "policy = stir:pages=128,seen=1,tick_ns=20000000\npoison = 1\n" + vm("hot", "hot:10:0:4,relay:200,poweroff", vcpus=2)
    boot = Boot(build, config, 300, "tests/monitor_lose.elf", nodes=2, cpus=2, memory=512)
    check_clean(boot)
    check_ended(boot, "hot")
    check_said(boot, "guest: hot ok")
    found = re.search(r"guest: relay ok (.*? us, worst \d+ us)", "".join(said(boot).values()))
    expect(found, "relay does not end well")
    return f"{boot.seconds:.0f} s, {boot.telemetry.engine['shootdowns']} shootdowns, relay: {found.group(1)}"


def disk_image(build, name, megabytes):
    path = os.path.join(build, "guests", name)
    if not os.path.exists(path) or os.path.getsize(path) != megabytes << 20:
        subprocess.run([os.path.join(build, "tests", "guest_init"), "image", path, str(megabytes)], check=True)
    return path


def resident(build, guests, shared, megabytes=100):
    """MiB in use by all guests while each holds the whole image in its page cache, and what the disks did."""
    image = disk_image(build, f"disk-{megabytes}.img", megabytes)
    names = ["data"] * guests if shared else [f"data{i}" for i in range(guests)]
    config = "policy = first_touch\n" + "".join(
        vm(f"g{i}", "read:0:600,poweroff", memory=224, disks=name) for i, name in enumerate(names))
    for i, name in enumerate(sorted(set(names))):
        config += f"[disk {name}]\ndrive = {i}\nmode = shared\n"
    drives = [(image, False)] * len(set(names))
    with emulator.monitor(os.path.join(build, "monitor.elf"), emulator.need(build), config, nodes=2, cpus=2,
                          memory=2048, drives=drives) as m:
        m.wait("guest: read (ok|FAILED)", 300, guests)
        end = m.telemetry().engine["time"]
        for _ in range(60):  # until the telemetry has told of this moment; a busy host makes that long
            time.sleep(0.5)
            t, console = m.telemetry(), list(m.lines)
            if t.engine["time"] > end + 3000000000:
                break
    for line in console:
        expect("FAILED" not in line, line)
    read, blocks = sum(row["drive_blocks"] for row in t.disk.values()), megabytes << 8
    expect(read <= len(set(names)) * blocks * 1.01, f"{read} blocks came from the drives, an image has {blocks}")
    private = sum(row["private"] for row in t.vm.values())
    mapped = sum(row["shared"] for row in t.vm.values())
    expect(mapped >= guests * blocks * 0.95, f"{mapped} pages of {guests} guests show the disk, {guests * blocks} could")
    return private >> 8, t.engine["shared"] >> 8


def disk(build, numbers=(2,)):
    """The paper's Figure 6: memory of guests of one image, the image held once, or once by each guest."""
    print("guests  disk shared: private  disk  all    not shared: private  disk  all   (MiB)")
    held = {}
    for guests in numbers:
        held[guests] = resident(build, guests, True), resident(build, guests, False)
        (private, once), (private_own, own) = held[guests]
        print(f"{guests:6}  {private:20} {once:5} {private + once:4}  {private_own:19} {own:5} {private_own + own:4}", flush=True)
    for guests, ((_, once), (_, own)) in held.items():
        expect(95 <= once <= 105, f"{guests} guests hold {once} MiB of one image of 100")
        expect(95 * guests <= own <= 105 * guests, f"{guests} guests hold {own} MiB of as many images")
    return "one image of 100 MiB is held once"


def written(build):
    """Blocks that a guest writes to a shared disk are its own, a persistent disk keeps them."""
    image = disk_image(build, "disk-8.img", 8)
    with tempfile.TemporaryDirectory() as folder:
        own = os.path.join(folder, "own.img")
        shutil.copy(image, own)
        config = "policy = first_touch\n"
        config += vm("writer", "write:0:300+write:1:200,sleep:3,poweroff", disks="data,own")
        config += vm("reader", "sleep:4,read:0,poweroff", disks="data")
        config += "[disk data]\ndrive = 0\nmode = shared\n[disk own]\ndrive = 1\nmode = persistent\n"
        boot = Boot(build, config, 240, nodes=2, cpus=2, drives=[(image, False), (own, True)])
        check_clean(boot)
        check_ended(boot, "writer", "reader")
        check_said(boot, "guest: write ok", 2)
        check_said(boot, "guest: read ok 2048 blocks")
        with open(own, "rb") as new, open(image, "rb") as old:
            changed = [i for i in range(2048) if new.read(4096) != old.read(4096)]
        expect(changed == list(range(200)), f"the persistent disk differs in {len(changed)} blocks, 200 were written")
    return f"{boot.seconds:.0f} s"


def console(build):
    """A shell on the serial port answers; the guest is started again, answers again and finds on the shared disk what it
    wrote before; the other runs on."""
    config = "policy = first_touch\n" + vm("shell", "shell", disks="data") + vm("other", "checksum:5:1:8,sleep:600,poweroff")
    config += "[disk data]\ndrive = 0\nmode = shared\n"
    drives = [(disk_image(build, "disk-8.img", 8), False)]
    with emulator.monitor(os.path.join(build, "monitor.elf"), emulator.need(build), config, nodes=2, cpus=2,
                          drives=drives) as m:
        for command, answer in (("echo $((6*7))-one\n", "42-one"),
                                ("echo $((6*7))-kept > /dev/vda; sync; echo written-$((6*7))\n", "written-42"),
                                ("reboot -f\n", "VM shell: starts again")):
            m.wait(PROMPT, 120)
            m.send(command)
            m.wait(answer, 60)
        m.wait(r"\[shell\] guest: up", 120, 2)
        m.wait(PROMPT, 60)
        m.send("head -c 7 /dev/vda; echo $((6*7))-two\n")
        m.wait("42-kept", 60)
        m.wait("42-two", 60)
        m.wait(r"\[other\] guest: checksum ok", 120)
        m.send("poweroff -f\n")
        m.wait("VM shell: powered off", 60)
        m.send("\x01x")
        lines = m.finish(60)
        t = m.telemetry()
    expect(t.vm["shell"]["resets"] == 1, f"{t.vm['shell']['resets']} resets")
    expect(t.end is not None and not t.end["panicked"], "the machine did not end well")
    return f"{len(lines)} lines"


def crash(build):
    """A kernel that loses its own tables, one that panics for ever, one whose kernel is none: each ends or stays alone."""
    config = "policy = first_touch\n"
    config += vm("triple", "reboot", more="quiet reboot=t,f")
    config += vm("panic", "panic", more="quiet panic=1 reboot=t,f")
    config += vm("well", "checksum:10:2:8,sleep:5,poweroff", vcpus=2)
    boot = Boot(build, config, 240, nodes=2, cpus=2)
    check_clean(boot, "[panic]")
    check_ended(boot, "well", "triple", "panic", crashed=("triple", "panic"))
    check_said(boot, "guest: checksum ok")
    for name in ("triple", "panic"):
        expect("triple fault" in boot.telemetry.vm[name]["why"], f"VM {name}: why: {boot.telemetry.vm[name]['why']!r}")
    return f"{boot.seconds:.0f} s; {boot.telemetry.vm['triple']['why']}"


ENDS = ("off", "triple", "tables", "no_tables", "odd_access", "execute")


def hostile(build, seeds=(1,), rounds=3000):
    """The fuzzing guest in all its ways out, beside a guest full of secrets."""
    image = disk_image(build, "disk-8.img", 8)
    config = "policy = stir:pages=64\npoison = 1\n" + vm("victim", "secret:20:64,write:0:64,poweroff", disks="data")
    names = []
    for seed in seeds:
        for i, end in enumerate(ENDS):
            names.append(f"{end}{seed}")
            config += f"[vm {end}{seed}]\nkernel = fuzz.img\nvcpus = {1 + i % 2}\nmemory_mb = 64\ndisks = data\n"
            config += f"cmdline = seed={seed * 100 + i} rounds={rounds} end={end}\n"
    config += "[disk data]\ndrive = 0\nmode = shared\n"
    boot = Boot(build, config, 400, STIR, nodes=2, cpus=2, memory=2048, drives=[(image, False)])
    t = boot.telemetry
    check_clean(boot)
    check_said(boot, "guest: secret ok")
    check_said(boot, "guest: write ok")
    expect(t.end is not None and not t.end["panicked"], "the monitor did not end well")
    for name, text in said(boot).items():
        for count in re.findall(r"(\d+) SECRET", text):
            expect(count == "0", f"VM {name} has seen {count} words of the victim's")
    through = sum("fuzz: ok" in text for text in said(boot).values())
    for name in names:
        row = t.vm[name]
        want = 1 if name.startswith("off") else 2
        expect(row["end"] == want, f"VM {name} ended with {row['end']} ({row['why']}), not {want}")
        expect(row["private"] == 0, f"VM {name} has ended and still has {row['private']} pages")
    expect(t.vm["victim"]["end"] == 1, f"the victim ended with {t.vm['victim']['end']}")
    came, went, held = t.engine["touches"], t.engine["freed"], t.engine["shared"]
    expect(came == went + held, f"{came} pages came, {went} went, {held} are held by the disk")
    ended = {name: (t.vm[name]["end"], t.vm[name]["why"]) for name in names}
    for name, (end, why) in ended.items():
        print(f"  {name}: {('', 'powered off', 'crashed', 'out of memory', 'forbidden')[end]} {why}")
    expect(through >= len(names) // 2, f"{through} of {len(names)} hostile guests came to the end of their rounds")
    return f"{boot.seconds:.0f} s, {through} of {len(names)} came through all rounds"


def hostile_long(build):
    return hostile(build, (2, 3), 20000)


def stopped(build):
    """A run that is ended while its VMs are busy: what they are said to have accessed is what the nodes have seen."""
    import h5py
    emulator.need(build)
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "stopped.h5")
        command = [os.path.join(build, "mirrorball"), "monitor", "run", "--vm", "debian", "--vm", "debian", "--set", "harvest_ms=5",
                   "--timeout", "100", "-o", out]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
            said_by, text = {"debian1": 0, "debian2": 0}, ""
            for line in run.stdout:
                text += line
                for name in said_by:
                    said_by[name] += line.startswith(f"[{name}]")
                if said_by and min(said_by.values()) > 20:
                    said_by.clear()
                    run.send_signal(signal.SIGINT)
        expect(run.returncode == 1 and "stopped by the operator" in text, f"ended with {run.returncode}: {text}")
        with h5py.File(out) as f:
            vms, all_seen = int(f["vm_traffic"]["accesses"].sum()), int(f["summary"]["misses"][0])
    expect(vms == all_seen > 0, f"accesses: {vms} of the VMs, {all_seen} of the nodes")
    return f"{vms} accesses"


def figure6(build):
    return disk(build, (1, 2, 4))


def soak(build):
    return stir(build, 600, 4)


def generic(build):
    """The kernel of linux-image-amd64, which has its file systems in modules."""
    config = "policy = migrep\n" + vm("big", "checksum:10:0:8+churn:1,poweroff", vcpus=2, memory=384, kernel="vmlinuz")
    boot = Boot(build, config, 300, nodes=2, cpus=2)
    check_clean(boot)
    check_ended(boot, "big")
    check_said(boot, "guest: checksum ok")
    return f"{boot.seconds:.0f} s"


CASES = {f.__name__: f for f in (nothing, changed, one, two, sliced, stir, planted, planted_early, lost, disk, written, console, crash, stopped, hostile, hostile_long, figure6, soak, generic)}


def main():
    build, case = sys.argv[1:]
    try:
        print(f"{case}: {CASES[case](build)}")
    except (Bad, TimeoutError, emulator.Crashed) as bad:
        latest = emulator.Machine.latest
        print("\n".join([*latest.console(), *latest.stalled] if latest else []))
        print(f"{case}: {bad}")
        sys.exit(1)


if __name__ == "__main__":
    main()
