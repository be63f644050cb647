"""Smaller problems that stand for a large one while sequences are judged."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from sklearn.base import clone

from skmire._random import torch_stream
from skmire.search._base import SearchProblem
from skmire.training import Samples, Trainer

_HELD_OUT = 0.2  # of the samples, to judge by
_MOST_SAMPLES = 16_384  # that a sequence is judged on
_LEAST_SAMPLES, _LEAST_WIDTH = 256, 32  # of a copy
_FEW = 20  # places: with fewer, none are held out


def to_be_judged_on(problem: SearchProblem, *, held_out: bool) -> SearchProblem:
    """Return the problem that sequences are judged on: `problem` itself, if that can be."""
    if held_out and problem.held_out is None and int(problem.samples.places.max()) + 1 >= _FEW:
        kept, others = problem.samples.split(_HELD_OUT, torch_stream(problem.seed, "judged"))
        others = thinned(others, _MOST_SAMPLES, problem.seed)
        problem = replace(problem, samples=kept, held_out=others)
    return _with_samples(problem, _MOST_SAMPLES)


def copy_of(
    problem: SearchProblem, trainer: Trainer, share: float
) -> tuple[SearchProblem, Trainer]:
    """Return a problem of a share of the samples, as many to a parameter, in as many steps."""
    if share == 1 or len(problem.samples) * share < _LEAST_SAMPLES:
        return problem, trainer
    batch = trainer.batch_size_for(len(problem.samples))
    steps_alike = clone(trainer).set_params(batch_size=max(round(batch * share), 1))
    return _with_samples(problem, round(len(problem.samples) * share)), steps_alike


def _with_samples(problem: SearchProblem, n: int) -> SearchProblem:
    """Return the problem with `n` of its samples, or all if it has fewer, and fewer units."""
    total = len(problem.samples)
    if n >= total:
        return problem
    width = min(
        problem.hidden_width, max(round(problem.hidden_width * sqrt(n / total)), _LEAST_WIDTH)
    )
    return replace(problem, samples=thinned(problem.samples, n, problem.seed), hidden_width=width)


def thinned(samples: Samples, n: int, seed: int) -> Samples:
    """Return `n` of the samples, drawn at random, or all if there are fewer."""
    if n >= len(samples):
        return samples
    stream = torch_stream(seed, "copy")
    return samples.split(1 - n / len(samples), stream, by=samples.places)[0]
