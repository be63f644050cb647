"""Derivatives at points."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmire._domain import Domain
from skmire.datasets._grids import grid_points
from skmire.measurements._base import Measurement
from skmire.measurements._pilot import Pilot
from skmire.networks import ScaledField
from skmire.scaling import Scaling

Array = NDArray[np.float64]

_MOST_SAMPLES = 2_048  # of a pilot
_MOST_WAVES = 1_024


class GradientValues(Measurement):
    """Derivatives of the field: `X` holds coordinates, `y` the derivatives along each of them.

    `y` has a column a coordinate, in their order and in the field's unit per theirs. Of a field of
    several outputs it has so many for the first output, then for the second, and so on: what
    ``gradient`` returns, reshaped to a row a sample. A derivative that is a difference of
    neighbours belongs to the point midway between them.

    Derivatives leave a constant open. It is settled so that each output has mean 0 over the points
    of the last ``fit`` or ``partial_fit``, weighted as they were: to know it otherwise, add the
    difference to what ``field_at`` returns.

    See Also
    --------
    PointValues : Values at points.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import MIREncoder
    >>> from skmire.measurements import GradientValues
    >>> x = np.linspace(0, 6, 200)[:, None]
    >>> encoder = MIREncoder(["sinusoid"], measurement=GradientValues(), random_state=0)
    >>> encoder = encoder.fit(x, np.cos(x[:, 0]))
    >>> height = encoder.field_at([[1.6], [4.7]])  # of a sine
    >>> round(float(height[0] - height[1]), 1)
    2.0
    """

    differentiates = True

    def domain(self, X: Array) -> Domain:
        return Domain.around(X)

    def n_outputs(self, n_dims: int, n_columns: int) -> int:
        if n_columns % n_dims:
            raise ValueError(
                f"y must hold a derivative along each of the {n_dims} coordinates, for each output "
                f"of the field: a multiple of {n_dims} columns; got {n_columns}. Values at points, "
                "not derivatives, need no measurement."
            )
        return n_columns // n_dims

    def measure(self, field: ScaledField, X: Tensor) -> Tensor:
        points = X.detach().requires_grad_()
        slopes = [
            torch.autograd.grad(values.sum(), points, create_graph=True)[0]
            for values in field(points).unbind(-1)
        ]
        return torch.cat(slopes, dim=-1)

    def pilot(self, X: Array, y: Array, weights: Array | None, domain: Domain) -> Pilot:
        # Cosines by least squares: on a grid of nodes, a few steps would find the fast parts of the
        # field first, which derivatives tell most of, and its extent last.
        n_dims = domain.n_dims
        some = np.sort(np.random.default_rng(0).permutation(len(X))[:_MOST_SAMPLES])
        box = Scaling.of_coordinates(np.stack([domain.low, domain.high]), "per_axis")
        angles = np.pi / 2 * (box.scale(X[some]) + 1)
        along = max(int((min(len(some), _MOST_SAMPLES) / 8) ** (1 / n_dims)), 3)
        waves = _waves(n_dims, along)[:, None]
        cosines, sines = np.cos(waves * angles), -waves * np.sin(waves * angles)
        per_unit = np.pi / 2 * box.factor
        derived = np.stack(
            [
                per_unit[i] * np.where(np.arange(n_dims) == i, sines, cosines).prod(axis=-1)
                for i in range(n_dims)
            ]
        )  # (n_dims, n_waves, n_samples)
        slopes = y.reshape(len(y), -1, n_dims)
        importance = np.ones(len(X)) if weights is None else weights
        root = np.sqrt(importance[some])
        left = (derived * root).transpose(0, 2, 1).reshape(-1, len(waves))
        right = (slopes[some] * root[:, None, None]).transpose(2, 0, 1).reshape(len(left), -1)
        found = np.linalg.lstsq(left, right, rcond=1e-3)[0]
        values = cosines.prod(axis=-1).T @ found
        values -= np.average(values, axis=0, weights=importance[some])
        # The mean of squared frequencies is that of squared slopes, by the variance.
        variance = np.average(values**2, axis=0, weights=importance[some])
        squares = np.average(slopes**2, axis=0, weights=importance)
        ratio = np.divide(
            squares, variance[:, None], out=np.zeros_like(squares), where=variance[:, None] > 0
        )
        return Pilot(X[some], values, importance[some], np.sqrt(ratio.mean(axis=0)))

    def magnitudes(self, y: Array, half_range: Array) -> Array:
        # Those of an output together, per unit of the box: a direction in which the field is nearly
        # flat is not to count as much as one in which it is steep.
        n_dims = len(half_range)
        slopes = np.abs(y).max(axis=0).reshape(-1, n_dims) * half_range
        steepest = np.broadcast_to(slopes.max(axis=1, keepdims=True), slopes.shape)
        units = np.divide(steepest, half_range, out=np.zeros_like(slopes), where=half_range > 0)
        return np.asarray(units.ravel())

    def zero_mean_at(self, X: Array) -> Array:
        return X


def _waves(n_dims: int, along: int) -> Array:
    """Return numbers of half waves along each axis: fewer than `along`, and not all 0.

    In many dimensions, where there are too many of these, those of the least total.
    """
    if along**n_dims <= _MOST_WAVES:
        return grid_points([np.arange(along, dtype=float)] * n_dims)[1:]
    total, chosen, more = 1, list[list[int]](), list(_of_total(1, n_dims, along))
    while more and (total == 1 or len(chosen) + len(more) <= _MOST_WAVES):
        chosen += more  # all of a total or none, so that no axis comes before another
        total += 1
        more = list(islice(_of_total(total, n_dims, along), _MOST_WAVES + 1))
    return np.array(chosen, dtype=float)


def _of_total(total: int, n_dims: int, along: int) -> Iterator[list[int]]:
    for axes in combinations_with_replacement(range(n_dims), total):
        numbers = [axes.count(i) for i in range(n_dims)]
        if max(numbers) < along:
            yield numbers
