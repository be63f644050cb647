"""How time and memory of a fit grow with samples, width, depth and dimensions.

Each row is a process of its own: a fit of random values under a time limit, longer by a second for
every 300,000 samples, which are scattered; three sinusoid layers of 256 units on two coordinates
unless said. Printed are the seconds before the first step, samples trained on per second, the
seconds of the whole fit, coordinates answered per second by ``predict``, and by how much the fit
raised the process's largest memory, beside what the data themselves take.

    python benchmarks/scaling.py [--seconds 4] [--csv benchmarks/scaling.csv]
"""

import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

import numpy as np

BASE = {"samples": 100_000, "width": 256, "depth": 3, "dims": 2}
ROWS = [
    *({"samples": 10**k} for k in range(3, 8)),
    *({"width": width} for width in (64, 128, 512, 1_024)),
    *({"depth": depth} for depth in (1, 2, 5, 8)),
    *({"dims": dims} for dims in (1, 3, 6)),
]
COLUMNS = (
    "samples", "width", "depth", "dims", "before_s", "samples_per_s", "fit_s", "queries_per_s",
    "mib",
)  # fmt: skip
PER_SECOND = 300_000  # samples that are set up, at least


def largest_memory():
    """Return the most memory that this process has held, in MiB."""
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def measure(samples, width, depth, dims, seconds):
    """Return the figures of one row; to be run in a process of its own."""
    from skmire import FixedSequence, MIREncoder
    from skmire.training._run import Run

    rng = np.random.default_rng(0)

    def fit(n, limit):
        x, y = rng.uniform(-1, 1, (n, dims)), rng.standard_normal(n)
        encoder = MIREncoder(
            search=FixedSequence("sinusoid", depth),
            hidden_width=width,
            max_epochs=10**6,
            time_limit=limit,
            random_state=0,
        )
        held = largest_memory()
        begun = time.perf_counter()
        encoder.fit(x, y)
        return encoder, x, begun, time.perf_counter() - begun, largest_memory() - held

    fit(1_000, 0.2)  # loads and compiles what is loaded and compiled once
    work = {"samples": 0, "seconds": 0.0, "first": 0.0}
    step, epoch = Run._step, Run.epoch

    def counted(run, batch):
        work["samples"] += len(batch)
        return step(run, batch)

    def timed(run, number):
        begun = time.perf_counter()
        work["first"] = work["first"] or begun
        losses = epoch(run, number)
        work["seconds"] += time.perf_counter() - begun
        return losses

    with patch.object(Run, "_step", counted), patch.object(Run, "epoch", timed):
        limit = seconds + samples / PER_SECOND
        encoder, x, begun, took, grown = fit(samples, limit)
    before = work["first"] - begun
    queries = x[:200_000]
    encoder.predict(queries[:1_000])
    begun = time.perf_counter()
    encoder.predict(queries)
    rate = len(queries) / (time.perf_counter() - begun)
    return before, work["samples"] / work["seconds"], took, rate, grown


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="time limit of a fit")
    parser.add_argument("--csv", type=Path, default=None)
    parser.add_argument("--row", type=json.loads, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row is not None:
        print(json.dumps(measure(**options.row, seconds=options.seconds)))
        return
    print(
        f"skmire {version('skmire')}, torch {version('torch')}, numpy {np.__version__}, Python "
        f"{platform.python_version()}; {platform.machine()}, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}; seed 0; time limit {options.seconds:g} s and more\n"
    )
    print(
        f"{'samples':>10} {'width':>6} {'depth':>6} {'dims':>5} {'before':>7} {'samples/s':>10} "
        f"{'fit':>7} {'queries/s':>10} {'memory':>10}"
    )
    rows = []
    for changed in ROWS:
        setting = {**BASE, **changed}
        command = [sys.executable, __file__, "--seconds", str(options.seconds)]
        done = subprocess.run(
            [*command, "--row", json.dumps(setting)], capture_output=True, text=True, check=True
        )
        found = before, rate, took, queries, grown = json.loads(done.stdout.splitlines()[-1])
        rows.append([*setting.values(), *(round(number, 2) for number in found)])
        print(
            f"{setting['samples']:10,} {setting['width']:6} {setting['depth']:6} "
            f"{setting['dims']:5} {before:5.1f} s {rate:10,.0f} {took:5.1f} s "
            f"{queries:10,.0f} {grown:6.0f} MiB",
            flush=True,
        )
    if options.csv:
        with options.csv.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(rows)


if __name__ == "__main__":
    main()
