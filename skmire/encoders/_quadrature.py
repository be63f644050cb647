"""Quadrature over a box, with an estimate of its error."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.polynomial import Legendre
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skmire.datasets._grids import grid_points

Array = NDArray[np.float64]

_DEGREE = 7
_HIGHEST = Legendre.basis(_DEGREE)
# Gauss-Lobatto: with nodes at the ends, no step hides between the last node and the next panel.
_NODES = np.r_[-1.0, np.sort(_HIGHEST.deriv().roots()), 1.0]
_WEIGHTS = 2 / (_DEGREE * (_DEGREE + 1) * _HIGHEST(_NODES) ** 2)
_BLOCK = 2**16  # points


def integrate(
    function: Callable[[Array], Array],
    low: Array,
    high: Array,
    *,
    angular_frequency: Array,
    tolerance: float,
    max_points: int,
    precision: float,
    rounding: float,
) -> tuple[Array, Array]:
    """Integrate by products of Gauss-Lobatto rules, halving the panels that are not settled.

    What a panel may be off is the geometric mean of its last two changes, if that is more than the
    last: of a kink or a step, one change may be small by chance. Of many panels, these add up as
    independent errors do, and thrice that is taken, beside the change of the sum.

    Parameters
    ----------
    function : callable
        From points, (n, n_dims), to values, (n, n_outputs).
    low, high : ndarray of shape (n_dims,)
        The box.
    angular_frequency : ndarray of shape (n_dims,)
        About how fast the function varies: a first panel is half a turn long.
    tolerance : float
        Of the error, as a share of the integral of the magnitude.
    max_points : int
        Where the function is evaluated at most, enough for a panel and its halves.
    precision : float
        What all values may be off together, as a share of the magnitude; part of the error.
    rounding : float
        What each may be off for itself. Halving averages it out, by the root of the points.

    Returns
    -------
    integral, error : ndarray of shape (n_outputs,)
    """
    n_dims = len(low)
    cost = least_points(n_dims)
    turns = np.minimum(angular_frequency * (high - low) / np.pi, max_points)
    panels = np.maximum(np.ceil(turns), 1).astype(int)
    while panels.max() > 1 and cost * float(np.prod(panels, dtype=float)) > max_points:
        panels = (panels + 1) // 2
    half = (high - low) / panels / 2
    centres = grid_points(
        [a + h * (2 * np.arange(n) + 1) for a, h, n in zip(low, half, panels, strict=True)]
    )
    coarse, _ = _rule(function, centres, half)
    used = len(centres) * len(_NODES) ** n_dims
    before = np.zeros_like(coarse)
    share = 1 / len(centres)  # of the box, in a panel
    value, change, squares, magnitude = np.zeros((4, coarse.shape[1]))  # of settled panels
    while True:
        half = half / 2
        centres = centres[:, None] + half * np.array(list(product((-1, 1), repeat=n_dims)))
        fine, sizes = _rule(function, centres.reshape(-1, n_dims), half)
        used += len(fine) * len(_NODES) ** n_dims
        fine, sizes = (a.reshape(*centres.shape[:2], -1) for a in (fine, sizes))
        changes = fine.sum(axis=1) - coarse
        off = np.maximum(np.abs(changes), np.sqrt(np.abs(changes) * before))
        total = magnitude + sizes.sum(axis=(0, 1))
        error = np.abs(change + changes.sum(axis=0)) + 3 * np.sqrt(squares + (off**2).sum(axis=0))
        allowed = np.where(total > 0, tolerance * total, 1.0)
        # The panels that matter least are settled, for half of what is left of a quarter each, of
        # the root of the squares and of the sum: were all settled, the error would be allowed.
        shares = np.max(off / allowed, axis=1) ** 2
        order = np.argsort(shares)
        left = max(1 / 16 - np.max(np.sqrt(squares) / allowed) ** 2, 0.0)
        sums = np.abs(change + np.cumsum(changes[order], axis=0)) / allowed
        most = (np.abs(change) / allowed + 1 / 4) / 2
        fits = (np.cumsum(shares[order]) < left / 2) & np.all(sums <= most, axis=1)
        n_settled = np.flatnonzero(fits).max(initial=-1) + 1
        settled, others = order[:n_settled], order[n_settled:]
        converged = bool(np.all(error <= tolerance * total))
        # Twice in a row, changes were no larger than the rounding of values there makes them.
        floor = rounding * np.maximum(sizes.sum(axis=1), total * share)
        larger = np.maximum(np.abs(changes), before / 2**n_dims)
        noisy = np.all((before > 0) & (larger <= floor), axis=1)
        rounded = bool(shares[noisy].sum() > shares.sum() / 2)
        needed = used * np.max(error / allowed) ** 2 if rounded else 0.0
        next_ones = len(others) * 2**n_dims * (cost - len(_NODES) ** n_dims)
        if converged or max(used + next_ones, needed) > max_points:
            if not converged:
                cure = (
                    'The values are rounded to so few digits: fit with dtype="float64", or raise '
                    "the tolerance."
                    if rounded
                    else "Raise max_points or the tolerance, or take a smaller box."
                )
                warnings.warn(
                    f"The integral may still be off by {error.max():.2g} after {used:,} points, "
                    f"more than the tolerance of {tolerance:g} allows. {cure}",
                    ConvergenceWarning,
                    stacklevel=3,
                )
            return value + fine.sum(axis=(0, 1)), error + precision * total
        value = value + fine[settled].sum(axis=(0, 1))
        magnitude = magnitude + sizes[settled].sum(axis=(0, 1))
        change = change + changes[settled].sum(axis=0)
        squares = squares + (off[settled] ** 2).sum(axis=0)
        before = np.repeat(np.abs(changes[others]), 2**n_dims, axis=0)
        share /= 2**n_dims
        centres, coarse = (a[others].reshape(-1, a.shape[-1]) for a in (centres, fine))


def least_points(n_dims: int) -> int:
    """Return the points of one panel and its halves, the least that an integral takes."""
    return int(len(_NODES) ** n_dims * (1 + 2**n_dims))


def _rule(function: Callable[[Array], Array], centres: Array, half: Array) -> tuple[Array, Array]:
    """Return the integrals over panels of the function and of its magnitude, (n, n_outputs)."""
    nodes = half * grid_points([_NODES] * len(half))
    weights = np.prod(half) * grid_points([_WEIGHTS] * len(half)).prod(axis=1)
    found = []
    rows = max(_BLOCK // len(nodes), 1)
    for start in range(0, len(centres), rows):
        points = centres[start : start + rows, None] + nodes
        values = function(points.reshape(-1, len(half))).reshape(*points.shape[:2], -1)
        found.append((weights @ values, weights @ np.abs(values)))
    integrals, magnitudes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return integrals, magnitudes
