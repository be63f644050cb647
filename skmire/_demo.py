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
from skmire.display._rounds import short_name
from skmire.encoders import MIREncoder
from skmire.metrics import decibels, psnr, ssim
from skmire.search import BaseLayerSearch, Candidate, SearchProblem, SearchResult
from skmire.search._contest import Contest, Effort
from skmire.search._lookahead import singles
from skmire.training import Trainer

Array = NDArray[np.float64]

_SEARCH = """
The search, round by round. Decibels are PSNR: on pixels held out and on those trained on, whose
losses decide, by four fifths and one fifth. sinc² stands for two layers of sinc, × 0.5 for half the
first scale; a second number is the factor of hidden scales, a third that of the steps between
hidden layers.
"""
_SINGLE = """
As finalists, which have not seen the pixels held out: the sequence found, and one atom in all
layers at its matched scale, {} epochs each.
"""


@dataclass(frozen=True)
class Score:
    """How well one network does that was trained on the pixels not held out, in dB."""

    name: str
    held_out: float
    fitted: float
    epochs: int
    seconds: float


class SingleAtoms(BaseLayerSearch):
    """Every atom in all layers, trained as the finalists of a search are, on the same pixels.

    Parameters
    ----------
    n_layers : int
    leave_out : list of str
        Names of atoms not to train.
    """

    def __init__(self, n_layers: int = 3, leave_out: Sequence[str] = ()) -> None:
        self.n_layers = n_layers
        self.leave_out = leave_out

    @property
    def depth(self) -> int:
        return self.n_layers

    def search(self, problem: SearchProblem, trainer: Trainer) -> SearchResult:
        entries = [
            entry
            for entry in singles(problem, "held_out", self.n_layers)
            if entry.atoms[0].name not in self.leave_out
        ]
        contest = Contest(problem, trainer, "held_out", cost=len(entries))
        contest.problem = contest.judged  # so that none is trained on the pixels held out
        return contest.fit(contest.round("single atoms", entries, Effort()))


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

    print(_SEARCH)
    print("\n".join(search_table(encoder)))
    fit = encoder.predict(coords).reshape(pixels.shape)
    matched = found(encoder)
    print(
        f"\nThe fit, {matched.name}, trained on all {len(coords)} pixels, has on these "
        f"{psnr(pixels, fit, data_range=1.0):.2f} dB and SSIM {ssim(pixels, fit):.4f}. "
        f"The search took {seconds:.0f} s.\n{_SINGLE.format(encoder.n_iter_)}"
    )
    others = [s for s in single_atoms(encoder, pixels) if s.name != matched.name]
    scores = [matched, *others]
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


def search_table(encoder: MIREncoder) -> Iterator[str]:
    """Yield the lines of a table of the search's candidates."""
    trace = encoder.search_result_.trace
    stage = max(len(c.stage) for c in trace)
    name = max(len(short_name(c)) for c in trace)
    yield f"{'round':{stage}}  {'sequence':{name}}  epochs  held out  trained on  seconds"
    for c in trace:
        s = score(c, encoder)
        told = c.training.outcome if c.training.diverged else ""
        yield f"{c.stage:{stage}}  {s.name:{name}}  {s.epochs:6}  {_figures(s)}  {told}".rstrip()


def _figures(s: Score) -> str:
    held_out = f"{s.held_out:8.2f}" if np.isfinite(s.held_out) else f"{'-':>8}"
    return f"{held_out}  {s.fitted:10.2f}  {s.seconds:7.1f}"


def score(candidate: Candidate, encoder: MIREncoder) -> Score:
    """Return how well a candidate of an encoder's search does."""
    squares = encoder.value_scaling_.half_range**2
    kept = candidate.training.kept

    def quality(losses: Array | None) -> float:
        return np.nan if losses is None else float(decibels(1.0, (losses * squares).mean()))

    return Score(
        short_name(candidate),
        quality(kept.held_out),
        quality(kept.train),
        candidate.epochs,
        candidate.training.seconds,
    )


def found(encoder: MIREncoder) -> Score:
    """Return the score of the sequence found when it was a finalist, not trained on all pixels."""
    result = encoder.search_result_
    fit = result.path[-1]
    finals = [c for c in result.trace if c.stage == "finalists"]
    return next(score(c, encoder) for c in finals if (c.atom, c.factors) == (fit.atom, fit.factors))


def single_atoms(encoder: MIREncoder, image: Array) -> Sequence[Score]:
    """Return the scores of all networks of one atom at its matched scale, as finalists.

    Those that were finalists are not trained again.
    """
    trace = encoder.search_result_.trace
    singles = {(c.atom, c.factors) for c in trace if c.stage == "layer 1"}
    known = [c for c in trace if c.stage == "finalists" and (c.atom, c.factors) in singles]
    names = [c.atom.split("-")[0] for c in known]
    scores = [score(c, encoder) for c in known]
    if len(names) < len(encoder.dictionary_):
        search = SingleAtoms(len(encoder.activations_), names)
        trainer = clone(encoder.trainer_).set_params(polish=False)  # as finalists are not
        rest = clone(encoder).set_params(search=search, trainer=trainer, verbose=0)
        watch(rest)
        rest.fit(*grid_samples(image, n_dims=2))
        scores += [score(c, rest) for c in rest.search_result_.trace]
    return scores


def score_table(scores: Sequence[Score]) -> Iterator[str]:
    """Yield the lines of a table of scores: the sequence found, and the others, best first."""
    width = max(len(s.name) for s in scores)
    yield f"{'network':{width}}  held out  trained on  seconds"
    matched, *others = scores
    yield f"{matched.name:{width}}  {_figures(matched)}  found"
    for s in sorted(others, key=lambda s: np.nan_to_num(-s.held_out, nan=np.inf)):
        yield f"{s.name:{width}}  {_figures(s)}"


def verdict(scores: Sequence[Score]) -> str:
    """Say in one sentence whether the search was worth it."""
    matched, *others = scores
    best = max(others, key=lambda s: np.nan_to_num(s.held_out, nan=-np.inf))
    gap = matched.held_out - best.held_out
    if gap >= 0:
        return (
            f"On the pixels held out, {matched.name}, which the search found, leads the best of "
            f"the others, {best.name}, by {gap:.2f} dB."
        )
    return (
        f"Another wins here: on the pixels held out, {best.name} is {-gap:.2f} dB better than "
        f"{matched.name}, which the search found."
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
    figure = figures.Figure(figsize=(12, 9), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(3, 5))
    ReconstructionDisplay.from_estimator(encoder, image, axes=above.subplots(1, 4))
    SearchDisplay.from_estimator(encoder, data_range=1.0, ax=below.subplots())
    return figure
