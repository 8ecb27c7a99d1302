# SPDX-License-Identifier: BSD-2-Clause
"""The sharing table of a trace, computed from the file with h5py and numpy alone (none of our code).

usage: table.py TRACE.h5...     prints one JSON object: file name -> table"""

import json
import os
import sys

import h5py
import numpy as np


def columns(path):
    """(address, node or None, cpu, kind, weight) of every record, and the number of CPUs."""
    with h5py.File(path, "r") as f:
        page = f["trace/page"][:]
        address = f["pages/address"][:][page]
        node = f["pages/node"][:][page] if "node" in f["pages"] else None
        cpu = f["trace/cpu"][:].astype(int)
        weight = f["trace/weight"][:].astype(np.int64) if "weight" in f["trace"] else np.ones(len(cpu), np.int64)
        cpus = int(f.attrs["cpus"]) if "cpus" in f.attrs else int(cpu.max()) + 1
        return address, node, cpu, f["trace/flags"][:] & 3, weight, cpus


def first_index(page, where, pages, none):
    """Index of each page's first record among those at `where`."""
    first = np.full(pages, none)
    np.minimum.at(first, page[where], np.flatnonzero(where))
    return first


def table(address, node, cpu, kind, weight, cpus):
    pages, page = np.unique(address, return_inverse=True)
    n, records = len(pages), len(page)
    misses = np.zeros((n, cpus), np.int64)
    np.add.at(misses, (page, cpu), weight)
    total, sharers = misses.sum(1), (misses > 0).sum(1)
    write = (kind == 1) | (kind == 3)
    writes = np.zeros(n, np.int64)
    np.add.at(writes, page[write], weight[write])
    toucher = cpu[first_index(page, np.ones(records, bool), n, records)]
    second = first_index(page, cpu != toucher[page], n, records)
    late = np.zeros(n, bool)
    late[page[write & (np.arange(records) >= second[page])]] = True
    private = sharers == 1
    read_shared = ~private & ~late
    mostly = ~private & late & (writes * 50 < total)
    classes = {
        "private": private,
        "read-shared by all": read_shared & (sharers == cpus),
        "read-shared by some": read_shared & (sharers < cpus),
        "read-mostly": mostly,
        "write-shared": ~private & late & ~mostly,
    }
    best = misses.max(1)
    everything = total.sum()
    local = {
        "first_touch": misses[np.arange(n), toucher].sum(),
        "best_static": best.sum(),
        "replicated": np.where(read_shared | mostly, total, best).sum(),
    }
    result = {
        "records": records,
        "misses": int(everything),
        "pages": n,
        "cpu_misses": [int(x) for x in misses.sum(0)],
        "kinds": [int(weight[kind == k].sum()) for k in range(4)],
        "sharing": {name: [int(which.sum()), int(total[which].sum())] for name, which in classes.items()},
        "local_share": {name: round(float(x / everything), 9) for name, x in local.items()},
    }
    if node is not None:
        result["local_share"]["recorded"] = round(float(weight[node == cpu].sum() / everything), 9)
    return result


def main():
    tables = {os.path.basename(path): table(*columns(path)) for path in sys.argv[1:]}
    json.dump(tables, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
