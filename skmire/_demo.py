"""The main job: fit an image, and say how the search compares with single atoms."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmire._callbacks import progress_bar
from skmire._optional import require
from skmire.datasets import grid_samples, load_image
from skmire.display import ReconstructionDisplay, SearchDisplay
from skmire.encoders import MIREncoder
from skmire.metrics import decibels, psnr, ssim
from skmire.search import FixedSequence, single_thread, threads_restored

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """How well one network reproduces the image."""

    name: str
    psnr: float
    ssim: float
    epochs: int
    seconds: float


def run_demo(
    image: str | PathLike[str] | None, *, max_side: int, output: str | PathLike[str], seed: int
) -> None:
    """Fit an image with the default encoder, compare with single atoms, write model and picture.

    Parameters
    ----------
    image : str, path-like or None
        File to fit; ``None`` takes the image that needs none.
    max_side : int
        Longest side in pixels.
    output : str or path-like
        Folder to write ``model.joblib`` and ``fit.png`` to; made if missing.
    seed : int
        Of the encoder.
    """
    pixels = load_image(image, max_side=max_side)
    if min(pixels.shape[:2]) < 11:
        raise ValueError(
            f"The image needs at least 11 pixels on each side, got {pixels.shape[:2]}; "
            "raise --max-side or take a less narrow image."
        )
    coords, values = grid_samples(pixels, n_dims=2)
    encoder = MIREncoder(random_state=seed, n_jobs=-1)
    print(f"Fitting {image or 'the astronaut'}: {len(coords)} pixels, {pixels.shape}.")
    watch(encoder)
    begun = time.perf_counter()
    encoder.fit(coords, values)
    seconds = time.perf_counter() - begun
    encoder.set_callbacks()

    print("\nThe search, judged by pixels held out until the fit, which is on all of them:\n")
    print("\n".join(search_table(encoder, data_range=1.0)))
    matched = score("-".join(encoder.activations_), encoder, pixels, seconds)
    print("\nOn the pixels themselves, beside single atoms at matched scales, trained as long:\n")
    scores = [matched, *single_atoms(encoder, pixels)]
    print("\n".join(score_table(scores)))
    print(f"\n{verdict(scores)}\n")
    for path in write(encoder, pixels, Path(output)):
        print(f"wrote {path}")


def watch(encoder: MIREncoder) -> None:
    """Show the progress of `encoder`: bars on a terminal, lines elsewhere."""
    bar = progress_bar() if sys.stderr.isatty() else None
    if bar is None:
        encoder.set_params(verbose=2)
    else:
        encoder.set_callbacks(bar)


def search_table(encoder: MIREncoder, *, data_range: float) -> Iterator[str]:
    """Yield the lines of a table of the search's candidates, as they were judged."""
    squares = encoder.value_scaling_.half_range**2
    name = max(len(c.atom) for c in encoder.search_result_.trace)
    yield f"{'round':9}  {'atoms':{name}}  {'scales':>17}  PSNR (dB)  seconds  chosen"
    for c in encoder.search_result_.trace:
        kept = c.training.kept
        losses = kept.train if kept.held_out is None else kept.held_out
        quality = float(decibels(data_range**2, (losses * squares).mean()))
        told = "*" if c.chosen else c.training.outcome if c.training.diverged else ""
        scales = " ".join(f"{scale:.3g}" for scale in c.scales)
        yield (
            f"{c.stage:9}  {c.atom:{name}}  {scales:>17}  {quality:9.2f}  "
            f"{c.training.seconds:7.1f}  {told}"
        ).rstrip()


def score(name: str, encoder: MIREncoder, image: Array, seconds: float) -> Score:
    """Return PSNR and SSIM of a fitted encoder on the image."""
    coords, _ = grid_samples(image, n_dims=2)
    fit = encoder.predict(coords).reshape(image.shape)
    return Score(name, psnr(image, fit, data_range=1.0), ssim(image, fit), encoder.n_iter_, seconds)


def single_atoms(encoder: MIREncoder, image: Array) -> Sequence[Score]:
    """Fit every network of one atom, of the same size and for the winner's effective epochs."""
    coords, values = grid_samples(image, n_dims=2)
    n_layers = len(encoder.activations_)

    def fit(name: str) -> Score:
        single = clone(encoder).set_params(
            search=FixedSequence(name, n_layers), max_epochs=encoder.n_iter_, verbose=0
        )
        begun = time.perf_counter()
        with single_thread():
            single.fit(coords, values)
        return score(f"{name} × {n_layers}", single, image, time.perf_counter() - begun)

    jobs = (joblib.delayed(fit)(name) for name in encoder.dictionary_.names)
    with threads_restored():
        scores: Sequence[Score] = joblib.Parallel(n_jobs=-1, prefer="threads")(jobs)
    return scores


def score_table(scores: Sequence[Score]) -> Iterator[str]:
    """Yield the lines of a table of scores, best first."""
    width = max(len(s.name) for s in scores)
    yield f"{'network':{width}}  PSNR (dB)    SSIM  epochs  seconds"
    for s in sorted(scores, key=lambda s: -s.psnr):
        yield f"{s.name:{width}}  {s.psnr:9.2f}  {s.ssim:.4f}  {s.epochs:6}  {s.seconds:7.1f}"


def verdict(scores: Sequence[Score]) -> str:
    """Say in one sentence whether the search was worth it."""
    matched, *singles = scores
    best = max(singles, key=lambda s: s.psnr)
    gap = matched.psnr - best.psnr
    first, *others = matched.name.split("-")
    if set(others) <= {first} and best.name == f"{first} × {1 + len(others)}":
        return (
            f"The search chose the best single atom, {best.name}; trained alone it is "
            f"{abs(gap):.2f} dB {'worse' if gap >= 0 else 'better'}."
        )
    if gap >= 0:
        return f"The matched sequence {matched.name} leads the best single atom by {gap:.2f} dB."
    return (
        f"A single atom is closer on the pixels themselves: {best.name} is {-gap:.2f} dB better "
        f"than the sequence {matched.name} that the search chose by those held out."
    )


def write(encoder: MIREncoder, image: Array, folder: Path) -> Iterator[Path]:
    """Write the model and the picture, each in one piece, and yield their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    figure = picture(encoder, image)
    for name, save in {
        "model.joblib": lambda path: joblib.dump(encoder, path),
        "fit.png": lambda path: figure.savefig(path, dpi=110, format="png"),
    }.items():
        part = folder / f".{name}.part"
        save(part)  # type: ignore[no-untyped-call]
        part.replace(folder / name)
        yield folder / name


def picture(encoder: MIREncoder, image: Array) -> Any:
    """Return the figure: truth, fit, error, gradient, and the search below."""
    figures = require("matplotlib.figure", extra="plot", purpose="the demo's picture")
    figure = figures.Figure(figsize=(12, 7.5), layout="constrained")
    grid = figure.add_gridspec(2, 4, height_ratios=(3, 4))
    ReconstructionDisplay.from_estimator(
        encoder, image, axes=[figure.add_subplot(grid[0, i]) for i in range(4)]
    )
    SearchDisplay.from_estimator(encoder, data_range=1.0, ax=figure.add_subplot(grid[1, :]))
    return figure
