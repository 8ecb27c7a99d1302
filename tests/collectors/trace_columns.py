# SPDX-License-Identifier: BSD-2-Clause
"""The columns of a trace as h5py reads them, times absolute, pages by address and recorded node."""

import h5py
import numpy as np


def columns(f):
    """Of an open file: every column, times absolute, and the address of each record's page."""
    out = {k: f["trace"][k][:].astype(np.uint64) for k in f["trace"] if k != "gaps"}
    step = out["dt"].copy()
    if "gaps" in f["trace"]:
        step[f["trace/gaps"]["record"]] += f["trace/gaps"]["more"]
    step[0] = f["chunks"][0]["first_time"]
    out["time"] = np.cumsum(step)
    out["address"] = f["pages/address"][:][out["page"]]
    return out


def load(path):
    with h5py.File(path, "r") as f:
        out = columns(f)
        out["node"] = f["pages/node"][:][out["page"]] if "node" in f["pages"] else None
        out["attrs"] = {k: v.decode() if isinstance(v, bytes) else v for k, v in f.attrs.items()}
        out["collect"] = {k: f["collect"][k][:] for k in f["collect"]} if "collect" in f else {}
    return out
