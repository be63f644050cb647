"""What derivatives of a fit cost, in predictions, and how exact they are in single precision.

For each number of coordinates and outputs, in one run: `predict`; skmire's values and gradient,
Laplacian and Hessian; what torch offers for the same (backward through ``forward``,
``vmap(jacfwd)``, ``vmap(hessian)``); and central differences of `predict`. Rounds are interleaved,
and a time is divided by that of the prediction of its own round. The share is that of the machine's
rate of large matrix products which the matrix work of the query reaches, so that a slow `predict`
flatters nobody. What is not skmire's is measured on an eighth of the points, in blocks of 4,096, as
its time is proportional to them and its memory too.

    python benchmarks/derivatives.py [--points 1000000] [--dims 2 3] [--atoms sinusoid]
    SKMIRE_ACCELERATE=0 python benchmarks/derivatives.py   # as installed without numba
    python benchmarks/derivatives.py --dtype float64 --ours
"""

from __future__ import annotations

import argparse
import copy
import os
import platform
import resource
import statistics
import warnings
from collections.abc import Callable

import numpy as np
import torch
from records import kernels
from throughput import matrix_rate, network, seconds

import skmire
from skmire.encoders._queries import Query, derivatives_at, in_blocks, values_at
from skmire.networks import LayerStack
from skmire.networks._calculus import TRACE

N_LAYERS, RIVAL_BLOCK, RIVAL_PART = 3, 4_096, 8
# By coordinates and outputs: value and gradient at most, and the Laplacian.
GOALS = {(2, 1): (2.5, 5.0), (2, 3): (3.3, None), (3, 1): (2.5, None), (3, 3): (4.5, None)}


def ask(field: LayerStack, coords: np.ndarray, query: Query, share: int) -> np.ndarray:
    """Return what an encoder does, in units of the network."""

    def same(values: np.ndarray) -> np.ndarray:
        return values

    return in_blocks(field, coords, query, scale=same, unscale=same, share=share)


def in_pieces(
    function: Callable[[torch.Tensor], torch.Tensor], coords: np.ndarray, dtype: torch.dtype
) -> np.ndarray:
    pieces = torch.tensor(coords, dtype=dtype).split(RIVAL_BLOCK)
    return torch.cat([function(piece).detach() for piece in pieces]).double().numpy()


def backward(field: LayerStack) -> Callable[[torch.Tensor], torch.Tensor]:
    def gradient(coords: torch.Tensor) -> torch.Tensor:
        coords = coords.clone().requires_grad_(True)
        columns = field(coords).unbind(1)
        return torch.stack(
            [torch.autograd.grad(c.sum(), coords, retain_graph=True)[0] for c in columns], dim=1
        )

    return gradient


def differences(field: LayerStack, coords: np.ndarray, order: int) -> np.ndarray:
    """Return the gradient or the Laplacian by central differences, steps as rounding asks."""
    eps = torch.finfo(field.output.bias.dtype).eps / 2
    step = eps ** (1 / (order + 2)) / 30  # 30 radians are the fastest of the first layer's units
    moves = step * np.eye(coords.shape[1])
    sides = [[ask(field, coords + s * m, values_at(), 1) for s in (1, -1)] for m in moves]
    if order == 1:
        return np.stack([(a - b) / (2 * step) for a, b in sides], axis=-1)
    middle = ask(field, coords, values_at(), 1)
    return sum((a + b - 2 * middle) / step**2 for a, b in sides)


def rows(
    field: LayerStack, coords: np.ndarray, width: int
) -> dict[str, tuple[Callable[[], np.ndarray], int, float, str]]:
    """Return what is measured: work, its points, matrix operations a point, and what it yields."""
    n_points, n_dims = coords.shape
    n_outputs = len(field.affines[-1].bias)
    ours = [()] + [(i,) for i in range(n_dims)]
    pairs = [(i, j) for i in range(n_dims) for j in range(i, n_dims)]
    forward = 2 * (n_dims * width + (N_LAYERS - 1) * width**2 + width * n_outputs)
    few = coords[: n_points // RIVAL_PART]
    identity, dtype = np.eye(n_dims), field.output.bias.dtype

    def query(wanted):
        return lambda: ask(field, coords, derivatives_at(identity, wanted), 2)

    def per_point(function):
        def of_all(some):
            return torch.func.vmap(function)(some)

        return lambda: in_pieces(of_all, few, dtype)

    def single(point):
        return field(point[None])[0]

    def trace(point):
        return torch.func.hessian(single)(point).diagonal(dim1=-2, dim2=-1).sum(-1)

    part = len(few)
    return {
        "predict": (lambda: ask(field, coords, values_at(), 1), n_points, forward, "values"),
        "skmire, value and gradient": (
            query(ours), n_points, forward * (1 + min(n_dims, n_outputs)), "gradient",
        ),
        "skmire, Laplacian": (query([TRACE]), n_points, forward * (n_dims + 2), "laplacian"),
        "skmire, Hessian": (query(pairs), n_points, forward * (1 + n_dims + len(pairs)), "hessian"),
        "torch, backward": (
            lambda: in_pieces(backward(field), few, dtype),
            part,
            forward * (1 + n_outputs),
            "gradient",
        ),
        "torch, vmap(jacfwd)": (
            per_point(torch.func.jacfwd(single)), part, forward * (1 + n_dims), "gradient",
        ),
        "torch, vmap(hessian), Laplacian": (per_point(trace), part, np.nan, "laplacian"),
        "differences, gradient": (
            lambda: differences(field, few, 1), part, forward * 2 * n_dims, "gradient",
        ),
        "differences, Laplacian": (
            lambda: differences(field, few, 2), part, forward * (2 * n_dims + 1), "laplacian",
        ),
    }  # fmt: skip


def errors(field: LayerStack, coords: np.ndarray, found: dict[str, np.ndarray], kinds) -> dict:
    """Return root mean square errors against double precision, as shares of the size."""
    double = copy.deepcopy(field).double()
    n_dims = coords.shape[1]
    firsts = [(i,) for i in range(n_dims)]
    pairs = [(i, j) for i in range(n_dims) for j in range(i, n_dims)]
    truth = {
        "values": ask(double, coords, values_at(), 1),
        "gradient": ask(double, coords, derivatives_at(np.eye(n_dims), firsts), 2),
        "laplacian": ask(double, coords, derivatives_at(np.eye(n_dims), [TRACE]), 2)[..., 0],
        "hessian": ask(double, coords, derivatives_at(np.eye(n_dims), pairs), 2),
    }
    shares = {}
    for name, answer in found.items():
        wanted = truth[kinds[name]]
        answer = answer[: len(coords)]
        if answer.shape[-1] == n_dims + 1 and kinds[name] == "gradient":  # the value comes first
            answer = answer[..., 1:]
        answer = answer[..., 0] if answer.ndim > wanted.ndim else answer
        off = answer - wanted
        shares[name] = float(np.sqrt(np.mean(off**2) / np.mean(wanted**2)))
    return shares


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--dims", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--atoms", nargs="+", default=["sinusoid"])
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--ours", action="store_true", help="leave out what is not skmire's")
    options = parser.parse_args()
    dtype = getattr(torch, options.dtype)
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
    print(
        f"skmire {skmire.__version__}, torch {torch.__version__}, numpy {np.__version__}, Python "
        f"{platform.python_version()}\n{platform.machine()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}, "
        f"{matrix_rate(dtype) / 1e9:.0f} Gflop/s; seed 0; width {options.width}, "
        f"{N_LAYERS} layers, {options.points:,} points, {options.dtype}, median of "
        f"{options.repeats} rounds; {kernels(dtype)}"
    )
    for atom in options.atoms:
        for (n_dims, n_outputs), goals in GOALS.items():
            if n_dims not in options.dims:
                continue
            field = network(atom, options.width, N_LAYERS, n_dims, n_outputs).to(dtype)
            coords = np.random.default_rng(0).uniform(-1, 1, (options.points, n_dims))
            work = {
                name: row
                for name, row in rows(field, coords, options.width).items()
                if not options.ours or name.startswith(("predict", "skmire"))
            }
            for name, (run, *_) in rows(field, coords[:4_096], options.width).items():
                if name in work:
                    run()  # so that kernels are compiled
            before = peak()
            answer = work["skmire, value and gradient"][0]()
            grown = peak() - before
            times = {name: [] for name in work}
            shares = {name: [] for name in work}
            found = {}
            for _ in range(options.repeats):
                for name, (run, n_points, flops, _) in work.items():
                    rate = matrix_rate(dtype)
                    kept = []
                    took = seconds(lambda run=run, kept=kept: kept.append(run())) / n_points
                    found[name] = kept[0][:500]
                    times[name].append(took)
                    shares[name].append(flops / took / rate)
            off = errors(field, coords[:500], found, {n: w[3] for n, w in work.items()})
            print(
                f"\n{atom}, {n_dims} coordinates, {n_outputs} output(s); the answer of value and "
                f"gradient has {answer.nbytes / 2**20:.0f} MiB, memory grew by {grown:.0f} MiB\n"
                f"{'':34}{'microseconds':>12}{'predictions':>13}{'goal':>6}{'share':>7}{'error':>9}"
            )
            for name in work:
                ratio = statistics.median(
                    t / p for t, p in zip(times[name], times["predict"], strict=True)
                )
                share = statistics.median(shares[name])
                goal = {"skmire, value and gradient": goals[0], "skmire, Laplacian": goals[1]}
                print(
                    f"{name:34}{1e6 * statistics.median(times[name]):12.2f}{ratio:13.2f}"
                    f"{goal.get(name) or '':>6}{'' if np.isnan(share) else f'{share:.2f}':>7}"
                    f"{off[name]:9.1e}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
