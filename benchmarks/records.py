"""What benchmarks print before their figures, and the CSV files that they keep these in.

What is in a file is not measured again.
"""

import argparse
import csv
import io
import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch
from joblib import Parallel, delayed

from skmire.atoms._acceleration import kernel


def setting():
    """Return on what figures are measured: versions, the machine and how busy it is."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("skmire", "torch", "numpy"))
    return (
        f"{libraries}, Python {platform.python_version()}; {platform.machine()}, "
        f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, load "
        f"{os.getloadavg()[0]:.1f}, {kernels()}"
    )


def kernels(dtype=torch.float32):
    """Return whether atoms are computed by numba's kernels."""
    there = kernel("sinc", torch.zeros(1, dtype=dtype))
    return f"{'with' if there else 'without'} numba's kernels"


def read(path):
    """Return the rows of a file as dicts of text, none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def fill(path, columns, measured, keys):
    """Measure side by side what is not in a file yet: the rows of keys, which they begin with.

    Those of a key are written together.
    """
    done = [tuple(row.values()) for row in read(path)]
    wanted = [k for k in keys if not any(row[: len(k)] == tuple(map(str, k)) for row in done)]
    jobs = (delayed(measured)(*key) for key in wanted)
    for rows in Parallel(n_jobs=-1, return_as="generator")(jobs):
        append(path, columns, *rows)


def fill_and_report(about, name, columns, measured, keys, report):
    """Do what a benchmark does that fills a file of its name with `measured`, and reports on it.

    Its command line names another file, or asks for the report of what is there alone.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=Path(f"benchmarks/{name}.csv"))
    parser.add_argument("--report", action="store_true", help="only print what the file holds")
    options = parser.parse_args()
    print(f"{setting()}; seed 0")
    if not options.report:
        fill(options.csv, columns, measured, keys)
    report(read(options.csv))


def append(path, columns, *rows):
    """Add rows to a file, all or none of them, after a first line of the columns if it is new.

    The file is written anew beside the old one and moved into its place: a kill leaves either of
    them whole. So one process at a time may write to a file.
    """
    before = path.read_bytes() if path.exists() else b""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows if before else [columns, *rows])
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        file.write(before + text.getvalue().encode())
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
