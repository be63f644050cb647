"""Whose loss decides between sequences: that of samples held out, trained on, or both."""

from __future__ import annotations

from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skmire.search._base import SearchProblem
from skmire.training import Judge

Selection = Judge | Literal["auto"]

_UNEVEN = 1.5  # usual steps along an axis: where one is that large, a line may be missing
_ALIKE = 3.0  # times what the signal changes from line to line along another axis, at most


def judge_of(selection: Selection, problem: SearchProblem) -> Judge:
    """Return the samples whose loss decides.

    By itself that is both where samples fill a grid along whose axes the signal changes alike from
    line to line. All else then lies between neighbours, within half a step of one, and a sample
    held out a whole step from the others. Elsewhere what is asked for may lie as far off as those
    held out do: in gaps, between lines far apart, between groups or views.
    """
    if selection != "auto":
        return selection
    samples = problem.samples
    if samples.together is not None or samples.readout is not None:
        return "held_out"
    parts = [samples] if problem.held_out is None else [samples, problem.held_out]
    steps = _steps_of_grid(np.concatenate([part.inputs.cpu().numpy() for part in parts]))
    if steps is None:
        return "held_out"
    bandwidth = np.ones_like(steps) if problem.bandwidth is None else problem.bandwidth
    changes = (steps * bandwidth)[steps > 0]
    return "both" if changes.max() <= _ALIKE * changes.min() else "held_out"


def _steps_of_grid(places: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """Return the steps along the axes of a grid, 0 where there is one line; None if it has gaps.

    In single precision, so that what rounding has moved apart is one line.
    """
    axes, code = [], np.zeros(len(places), dtype=np.int64)
    for column in places.astype(np.float32).T:
        lines, at = np.unique(column, return_inverse=True)
        code = code * len(lines) + at
        axes.append(lines)
    if len(np.unique(code)) != prod(map(len, axes)):
        return None
    steps = [np.diff(lines) for lines in axes]
    usual = np.array([np.median(step) if len(step) else 0.0 for step in steps])
    even = [np.all(step < _UNEVEN * each) for step, each in zip(steps, usual, strict=True)]
    return usual if all(even) and usual.any() else None
