"""Quadrature over a box, with an estimate of its error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_BLOCK = 2**16  # points


def integrate(
    function: Callable[[Array], Array],
    low: Array,
    high: Array,
    *,
    angular_frequency: Array,
    tolerance: float,
    max_points: int,
) -> tuple[Array, Array]:
    """Integrate by products of composite Gauss-Legendre rules, halving the panels.

    Parameters
    ----------
    function : callable
        From points, (n, n_dims), to values, (n, n_outputs).
    low, high : ndarray of shape (n_dims,)
        The box.
    angular_frequency : ndarray of shape (n_dims,)
        About how fast the function varies: a first panel is half a turn long.
    tolerance : float
        Of the change by halving, as a share of the integral of the magnitude.
    max_points : int
        Of one rule. Two rules are tried in any case.

    Returns
    -------
    integral, error : ndarray of shape (n_outputs,)
        The error is the last change.
    """
    turns = np.minimum(angular_frequency * (high - low) / np.pi, max_points)
    panels = np.maximum(np.ceil(turns), 1).astype(int)
    while panels.max() > 1 and float(np.prod(8.0 * 2 * panels)) > max_points:
        panels = (panels + 1) // 2
    before, _ = _rule(function, low, high, panels)
    while True:
        panels = 2 * panels
        value, magnitude = _rule(function, low, high, panels)
        error = np.abs(value - before)
        if np.all(error <= tolerance * magnitude):
            return value, error
        if float(np.prod(16.0 * panels)) > max_points:
            warnings.warn(
                f"The integral still changed by {error.max():.2g} at {np.prod(8 * panels):,} "
                f"points, more than the tolerance of {tolerance:g} allows. Raise max_points or the "
                "tolerance, or take a smaller box.",
                ConvergenceWarning,
                stacklevel=3,
            )
            return value, error
        before = value


def _rule(
    function: Callable[[Array], Array], low: Array, high: Array, panels: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Return the integrals of the function and of its magnitude by one rule."""
    value, magnitude = np.zeros(1), np.zeros(1)
    for points, weights in _points(low, high, panels):
        values = function(points)
        value = value + weights @ values
        magnitude = magnitude + weights @ np.abs(values)
    return value, magnitude


def _points(low: Array, high: Array, panels: NDArray[np.int64]) -> Iterator[tuple[Array, Array]]:
    """Yield the nodes of a product rule and their weights, in blocks."""
    halves = (high - low) / panels / 2
    axes = [
        (a + half * (2 * np.arange(n)[:, None] + 1 + _NODES)).ravel()
        for a, half, n in zip(low, halves, panels, strict=True)
    ]
    weights = [np.tile(_WEIGHTS, n) * half for half, n in zip(halves, panels, strict=True)]
    shape = [len(axis) for axis in axes]
    size = int(np.prod(shape))
    for start in range(0, size, _BLOCK):
        index = np.unravel_index(np.arange(start, min(start + _BLOCK, size)), shape)
        yield (
            np.stack([axis[i] for axis, i in zip(axes, index, strict=True)], axis=1),
            np.prod([w[i] for w, i in zip(weights, index, strict=True)], axis=0),
        )
