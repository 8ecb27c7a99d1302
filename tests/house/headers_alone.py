# SPDX-License-Identifier: BSD-2-Clause
"""Each header compiles alone, twice included, as C11, without a warning; the core's as freestanding.

usage: headers_alone.py COMPILER[,COMPILER...] [FLAG...]"""

import concurrent.futures
import shutil
import subprocess
import sys

import tree

CORE = ("policy/", "pmap/", "monitor-core/")


def check(compiler, header, flags):
    core = header.startswith(CORE)
    mode = ["-std=c11", "-ffreestanding", "-Wconversion"] if core else ["-std=gnu11", "-D_GNU_SOURCE"]
    command = [compiler, *mode, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", tree.ROOT, *flags, "-xc", "-"]
    source = f'#include "{header}"\n#include "{header}"\n'
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    return f"{header} does not compile alone with {compiler}:\n{done.stderr}" if done.returncode else None


def main():
    compilers = [c for c in sys.argv[1].split(",") if shutil.which(c)]
    headers = tree.files(".h")
    jobs = [(c, h) for c in compilers for h in headers]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda job: check(*job, sys.argv[2:]), jobs))
    if not check(compilers[0], "house_has_no_such.h", []):
        results.append("a header that does not exist passed the check")
    tree.finish("headers", [r for r in results if r], f"{len(headers)} headers, {' and '.join(compilers)}")


main()
