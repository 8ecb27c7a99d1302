#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The guest's ACPI tables as ACPICA's compiler reads them: what it disassembles is what is meant, and it compiles again
without a word. usage: acpi_test.py TEST_PROGRAM"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]


def expected(vcpus, disks):
    """The namespace as it should read, comments and white space left out."""
    processors = "".join(
        f'Device(CP{i:02X}){{Name(_HID,"ACPI0007")Name(_UID,0x{i:02X})}}' for i in range(vcpus))
    serial = ('Device(CO01){Name(_HID,EisaId("PNP0501"))Name(_UID,0x01)Name(_CRS,ResourceTemplate(){'
              'IO(Decode16,0x03F8,0x03F8,0x01,0x08,)IRQ(Edge,ActiveHigh,Exclusive,){4}})}')
    drives = "".join(
        f'Device(VD{i:02X}){{Name(_HID,"LNRO0005")Name(_UID,0x{i:02X})Name(_CRS,ResourceTemplate(){{'
        f'Memory32Fixed(ReadWrite,0x{0xd0000000 + i * 0x1000:08X},0x00001000,)'
        f'Interrupt(ResourceConsumer,Edge,ActiveHigh,Exclusive,,,){{0x{5 + i:08X},}}}})}}' for i in range(disks))
    return ('DefinitionBlock("","DSDT",2,"MIRROR","GUESTVM",0x00000001){Name(_S5,Package(0x04){0x05,0x00,0x00,0x00})'
            f'Scope(_SB){{{processors}{serial}{drives}}}}}')


def bare(text):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    return re.sub(r"\s+", "", text)


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    words = done.stdout + done.stderr
    bad = [line for line in words.splitlines() if re.search(r"warning|error|invalid|incorrect", line, re.I)
           and not re.search(r"\b0 Errors, 0 Warnings", line)]
    assert done.returncode == 0 and not bad, f"{' '.join(command)}: {bad or words}"


def check(vcpus, disks):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([PROGRAM, "--filter=guest_acpi/dump", "--verbose=0"], check=True, capture_output=True,
                       env=os.environ | {"DUMP": folder, "VCPUS": str(vcpus), "DISKS": str(disks)})
        for name in ("xsdt", "facp", "apic", "dsdt"):
            run(folder, "iasl", "-d", f"{name}.aml")
        with open(os.path.join(folder, "dsdt.dsl"), encoding="ascii") as file:
            got, want = bare(file.read()), expected(vcpus, disks)
        assert got == want, f"{vcpus} CPUs, {disks} disks:\n{got}\n{want}"
        for name in ("facp", "apic", "dsdt"):
            run(folder, "iasl", "-p", "again", f"{name}.dsl")


if not shutil.which("iasl"):
    print("acpi_test: skipped: iasl is not installed (acpica-tools)")
    sys.exit(77)
for case in ((1, 0), (2, 1), (16, 4), (64, 8)):
    check(*case)
