"""How fast a training step and a prediction are, as shares of the machine's own matrix rate.

For each atom, side by side in one run: a plain loop (all points in one batch, torch's autograd and
Adam), skmire's training (batches of 1,024, one Adam step each), and skmire's prediction. What is
counted are the matrix products alone: 2 operations per weight and point forward, the same again
for the weights' gradient, and for the inputs' except in the first layer. The matrix rate is the
best of products of 2,048 x 2,048 matrices right before each measurement.

    python benchmarks/throughput.py [--atoms sinusoid gaussian] [--csv benchmarks/throughput.csv]
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import sklearn
import torch
from records import kernels

import skmire
from skmire.atoms import make_atom
from skmire.encoders._queries import in_blocks, values_at
from skmire.networks import LayerStack
from skmire.training import Samples, Trainer
from skmire.training._run import Run

ATOMS = (
    "sinusoid", "gaussian", "sinc", "gabor", "finer", "pswf", "raised_cosine",
    "root_raised_cosine",
)  # fmt: skip
N_DIMS, N_OUTPUTS = 2, 3


def matrix_rate(dtype: torch.dtype = torch.float32) -> float:
    """Return operations per second of a large product, the best of three."""
    a, b, c = (torch.rand(2_048, 2_048, dtype=dtype) for _ in range(3))
    return max(2 * 2_048**3 / seconds(lambda: torch.mm(a, b, out=c)) for _ in range(3))


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def operations(width: int, n_layers: int) -> tuple[int, int]:
    """Return operations per point of a prediction, and of a training step."""
    forward = 2 * (N_DIMS * width + (n_layers - 1) * width**2 + width * N_OUTPUTS)
    return forward, 3 * forward - 2 * N_DIMS * width


def network(
    atom: str, width: int, n_layers: int, n_dims: int = N_DIMS, n_outputs: int = N_OUTPUTS
) -> LayerStack:
    scales = [make_atom(atom).image_scales[min(i, 1)] for i in range(n_layers)]
    return LayerStack(
        [make_atom(atom).fresh(make_atom(atom).at_scale(scale)) for scale in scales],
        in_features=n_dims,
        out_features=n_outputs,
        hidden_width=width,
        generator=torch.Generator().manual_seed(0),
        dtype=torch.float32,
    )


def plain_step(field: LayerStack, samples: Samples) -> Callable[[], object]:
    """Return a full-batch step as public code for coordinate networks takes it."""
    optimizer = torch.optim.Adam(field.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        ((field(samples.inputs) - samples.targets) ** 2).mean().backward()
        optimizer.step()

    return step


def epoch(field: LayerStack, samples: Samples) -> Callable[[], object]:
    """Return an epoch of skmire's trainer."""
    generator = torch.Generator().manual_seed(0)
    trainer = Trainer(learning_rate=1e-4)
    run = Run(trainer, field, samples, 10**6, None, generator, True)
    return lambda: run.epoch(0)


def prediction(field: LayerStack, coords: np.ndarray) -> Callable[[], object]:
    """Return a prediction as an encoder makes it, in units of the network."""

    def same(values: np.ndarray) -> np.ndarray:
        return values

    return lambda: in_blocks(field, coords, values_at(), scale=same, unscale=same)


def measure(work: Callable[[], object], flops: float, repeats: int) -> tuple[float, float]:
    """Return the median share of the matrix rate, and the median seconds."""
    if repeats > 1:  # what takes a minute a step is not helped by a warm cache
        work()
    shares, times = [], []
    for _ in range(repeats):
        rate = matrix_rate()
        times.append(seconds(work))
        shares.append(flops / times[-1] / rate)
    return statistics.median(shares), statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atoms", nargs="+", default=ATOMS)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--points", type=int, default=65_536)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--csv", default=None)
    options = parser.parse_args()

    generator = torch.Generator().manual_seed(0)
    samples = Samples(
        2 * torch.rand(options.points, N_DIMS, generator=generator) - 1,
        2 * torch.rand(options.points, N_OUTPUTS, generator=generator) - 1,
    )
    coords = samples.inputs.double().numpy()
    forward, training = (options.points * n for n in operations(options.width, options.layers))
    load = os.getloadavg()[0]
    print(
        f"skmire {skmire.__version__}, torch {torch.__version__}, scikit-learn "
        f"{sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}\n"
        f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, load "
        f"{load:.1f}, {matrix_rate() / 1e9:.0f} Gflop/s; seed 0; width {options.width}, "
        f"{options.layers} layers, {options.points} points, median of {options.repeats}; "
        f"{kernels()}\n"
    )
    print(f"{'atom':20} {'plain loop':>11} {'training':>9} {'times':>6} {'predict':>8}")
    rows = []
    for atom in options.atoms:
        plain, _ = measure(
            plain_step(network(atom, options.width, options.layers), samples),
            training,
            max(options.repeats // 2, 1),
        )
        field = network(atom, options.width, options.layers)
        trained, _ = measure(epoch(field, samples), training, options.repeats)
        predict, _ = measure(prediction(field, coords), forward, options.repeats)
        print(
            f"{atom:20} {plain:11.2f} {trained:9.2f} {trained / plain:6.1f} {predict:8.2f}",
            flush=True,
        )
        rows.append((atom, plain, trained, predict))
    if options.csv:
        with open(options.csv, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["atom", "plain_loop", "training", "predict"])
            writer.writerows(rows)


if __name__ == "__main__":
    main()
