"""How long a training step takes: by samples a block, and on one thread or on those torch has.

What the sweep's block and the trainer's threshold for threads rest on. Steps of one network are
timed in turn, so that what else the machine does falls on all alike.

    python benchmarks/step_size.py
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable

import torch

import skmire
from skmire.atoms import make_atom
from skmire.networks import LayerStack, _sweep
from skmire.search import threads_restored

ROUNDS = 15
BLOCKS = (256, 512, 1_024)
SIZES = ((32, 32), (64, 64), (64, 256), (128, 256), (256, 256), (256, 1_024))  # width, samples


def step(atom: str, width: int, n_samples: int) -> tuple[Callable[[], None], int]:
    """Return a sweep over random samples, and how many products of weights it has a direction."""
    made = make_atom(atom)
    network = LayerStack(
        [made.fresh(made.at_scale(scale)) for scale in (30.0, 10.0, 10.0)],
        in_features=2,
        out_features=3,
        hidden_width=width,
        generator=torch.Generator().manual_seed(0),
        dtype=torch.float32,
    )
    generator = torch.Generator().manual_seed(0)
    inputs = 2 * torch.rand(n_samples, 2, generator=generator) - 1
    targets = torch.rand(n_samples, 3, generator=generator)
    sweep = _sweep.LayerSweep(network)

    def respond(values: torch.Tensor, rows: slice) -> torch.Tensor:
        return values.sub_(targets[rows]).mul_(2 / targets.numel())

    return lambda: sweep(inputs, respond), n_samples * network.n_parameters


def milliseconds(work: Callable[[], None]) -> float:
    work()
    begun = time.perf_counter()
    for _ in range(4):
        work()
    return (time.perf_counter() - begun) / 4 * 1e3


def main() -> None:
    threads = torch.get_num_threads()
    print(
        f"skmire {skmire.__version__}, torch {torch.__version__}, Python "
        f"{platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, {threads} "
        f"threads, load {os.getloadavg()[0]:.1f}; seed 0; median milliseconds of {ROUNDS} rounds\n"
    )
    print(f"{'1,024 samples, width 256':26}" + "".join(f"block {b:>5}  " for b in BLOCKS))
    chosen = _sweep._BLOCK
    for atom in ("sinusoid", "gaussian", "sinc", "gabor", "raised_cosine", "pswf"):
        work, _ = step(atom, 256, 1_024)
        times: dict[int, list[float]] = {block: [] for block in BLOCKS}
        for _ in range(ROUNDS):
            for block in BLOCKS:
                _sweep._BLOCK = block
                times[block].append(milliseconds(work))
        print(f"{atom:26}" + "".join(f"{statistics.median(t):11.2f}  " for t in times.values()))
    _sweep._BLOCK = chosen

    print(f"\n{'sinusoid':10} samples  million products  1 thread  {threads} threads")
    for width, n_samples in SIZES:
        work, products = step("sinusoid", width, n_samples)
        by_threads: dict[int, list[float]] = {1: [], threads: []}
        with threads_restored():
            for _ in range(ROUNDS):
                for count, taken in by_threads.items():
                    torch.set_num_threads(count)
                    taken.append(milliseconds(work))
        one, all_of_them = (statistics.median(taken) for taken in by_threads.values())
        print(
            f"width {width:4} {n_samples:8} {products / 1e6:17.2f} {one:9.2f} {all_of_them:10.2f}"
        )


if __name__ == "__main__":
    main()
