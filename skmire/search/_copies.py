"""Smaller problems that stand for a large one while sequences are judged."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor

from skmire._random import torch_stream
from skmire.search._base import SearchProblem
from skmire.spectrum import overall_bandwidth
from skmire.training import Samples, Trainer

_HELD_OUT = 0.2  # of the samples, to judge by
_MOST_SAMPLES = 16_384  # that a sequence is judged on, where they are drawn from everywhere
_WINDOW = 8_192  # samples, where they are those of a window
_SMALL_WINDOW = 2_048  # samples, where there is little time
_WINDOWS = 15  # to choose from
_CALM = 0.01  # of the variance of the whole: with less, a window says nothing of it
_LEAST_SAMPLES, _LEAST_WIDTH = 256, 32  # of a copy
_FEW = 20  # places: with fewer, none are held out


def to_be_judged_on(
    problem: SearchProblem, *, held_out: bool, hurried: bool = False
) -> SearchProblem:
    """Return the problem that sequences are judged on: `problem` itself, if that can be."""
    if held_out and problem.held_out is None and int(problem.samples.places.max()) + 1 >= _FEW:
        kept, others = problem.samples.split(_HELD_OUT, torch_stream(problem.seed, "judged"))
        problem = replace(problem, samples=kept, held_out=others)
    for n in (_SMALL_WINDOW, _WINDOW) if hurried else (_WINDOW,):
        if len(problem.samples) > n and (window := _window(problem, n)) is not None:
            return window
    if problem.held_out is not None and len(problem.held_out) > _MOST_SAMPLES:
        few = thinned(problem.held_out, _MOST_SAMPLES, problem.seed)
        problem = replace(problem, held_out=few)
    return _with_samples(problem, _MOST_SAMPLES)


def _window(problem: SearchProblem, n: int) -> SearchProblem | None:
    """Return the problem in a part of its domain, made the unit box; None if none stands for it.

    There samples, about `n`, lie as close to each other, and to those held out, as they do in the
    whole. Of several windows at random, by how much values vary there, it is the one in the middle
    of all variation: what a network has still to learn lies where they vary.
    """
    samples, held_out = problem.samples, problem.held_out
    if problem.bandwidth is None or not _can_be_zoomed(problem):
        return None
    side = (n / len(samples)) ** (1 / samples.n_dims)
    bandwidth = problem.bandwidth * side
    if not np.isclose(overall_bandwidth(bandwidth), overall_bandwidth(problem.bandwidth) * side):
        return None  # so slow that scales would not shrink with the window
    stream = torch_stream(problem.seed, "window")
    found: list[tuple[float, int, Samples, Samples | None]] = []
    for number in range(_WINDOWS):
        low = 2 * (1 - side) * torch.rand(samples.n_dims, generator=stream) - 1
        inside = _inside(samples, low, side)
        others = None if held_out is None else _inside(held_out, low, side)
        if n / 2 <= len(inside) <= 2 * n and (others is None or len(others) > 0):
            found.append((float(inside.targets.var(0).sum()), number, inside, others))
    if len(found) < _WINDOWS // 2:
        return None
    found.sort()
    upto = np.cumsum([variance for variance, *_ in found])
    variance, _, inside, others = found[int(np.searchsorted(upto, upto[-1] / 2))]
    if variance < _CALM * float(samples.targets.var(0).sum()):
        return None
    if others is not None and int(others.places.max()) + 1 < _LEAST_SAMPLES:
        return None
    return replace(
        problem,
        samples=inside,
        held_out=others,
        hidden_width=_width(problem, len(inside)),
        bandwidth=bandwidth,
    )


def _can_be_zoomed(problem: SearchProblem) -> bool:
    """Return whether all scales follow from the bandwidth, and so from that of a part.

    Not those that the user fixed, and there are none in an atom without scales, or of an encoding.
    """
    fixed = any(
        not atom.scale_parameters or set(atom.scale_parameters) & set(atom.start)
        for atom in problem.dictionary
    )
    plain = problem.samples.readout is None and problem.architecture.reads_coordinates
    return plain and not fixed and problem.stretch is not None


def _inside(samples: Samples, low: Tensor, side: float) -> Samples:
    """Return the samples of a window, its low corner and the share of the box's side given."""
    low = low.to(samples.inputs)
    within = ((samples.inputs >= low) & (samples.inputs <= low + 2 * side)).all(1)
    part = samples.take(within.nonzero()[:, 0]).normalised()
    return replace(part, inputs=(part.inputs - low) / side - 1)


def copy_of(
    problem: SearchProblem, trainer: Trainer, share: float
) -> tuple[SearchProblem, Trainer]:
    """Return a problem of a share of the samples, as many to a parameter, in as many steps."""
    if share == 1 or len(problem.samples) * share < _LEAST_SAMPLES:
        return problem, trainer
    batch = trainer.batch_size_for(problem.samples)
    steps_alike = clone(trainer).set_params(batch_size=max(round(batch * share), 1))
    n = round(len(problem.samples) * share)
    return _window(problem, n) or _with_samples(problem, n), steps_alike


def _with_samples(problem: SearchProblem, n: int) -> SearchProblem:
    """Return the problem with `n` of its samples, or all if it has fewer, and fewer units."""
    if n >= len(problem.samples):
        return problem
    samples = thinned(problem.samples, n, problem.seed)
    return replace(problem, samples=samples, hidden_width=_width(problem, n))


def _width(problem: SearchProblem, n: int) -> int:
    """Return how many units there are to be for `n` of the samples."""
    width = problem.hidden_width
    return min(width, max(round(width * sqrt(n / len(problem.samples))), _LEAST_WIDTH))


def thinned(samples: Samples, n: int, seed: int) -> Samples:
    """Return `n` of the samples, drawn at random, or all if there are fewer."""
    if n >= len(samples):
        return samples
    stream = torch_stream(seed, "copy")
    return samples.split(1 - n / len(samples), stream, by=samples.places)[0]
