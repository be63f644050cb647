"""Whose loss decides between sequences: that of samples held out, trained on, or both."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions

from skmire.datasets._grids import grid_axes
from skmire.search._base import SearchProblem
from skmire.training import Judge
from skmire.training._samples import numbered

Selection = Judge | Literal["auto"]

#: What the parameter `selection` of a search may be.
SELECTIONS = StrOptions({"auto", *get_args(Judge)})

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
    # In single precision, so that what rounding has moved apart is one line.
    places = torch.cat([part.inputs for part in parts]).float()
    axes = grid_axes(places.cpu().numpy(), int(numbered(places).max()) + 1)
    if axes is None:
        return "held_out"
    steps = {k: np.diff(axis) for k, axis in enumerate(axes) if len(axis) > 1}
    if not steps or any(step.max() >= _UNEVEN * np.median(step) for step in steps.values()):
        return "held_out"
    bandwidth = np.ones(len(axes)) if problem.bandwidth is None else problem.bandwidth
    changes = [float(bandwidth[k] * np.median(step)) for k, step in steps.items()]
    return "both" if max(changes) <= _ALIKE * min(changes) else "held_out"
