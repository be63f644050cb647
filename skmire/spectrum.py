"""The bandwidth of a signal, from its samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.spatial import cKDTree

__all__ = ["estimate_bandwidth", "overall_bandwidth", "relative_bandwidth"]

Array = NDArray[np.float64]

_PAIRS_FROM = 4_096  # samples that are compared with their neighbours, at most
_TOP = 4  # the share of the frequencies, 1/4, whose power is taken for noise
_MOST_NOISE = 0.75  # of the differences that noise would explain
_LEAST_SIGNAL = 0.02  # of the power; with less there is nothing to estimate
_CHANCE = 0.01  # that noise alone is taken for a signal somewhere in a spectrum
_DROWNED = 6.0  # standard deviations of the noise of pairs; a signal below them is not to be seen
_LEAST_KEPT = 64  # samples, for neighbours further apart
_MANY = 1_000_000  # samples, of which a tree takes long to build and few are asked
_SAME = 1e-6  # of an axis' extent: coordinates nearer than that are one, but for rounding
_LONGEST = 10  # tolerances that the coordinates taken for one may lie apart
_ULPS = 8  # units in the last place that a single coordinate is off by rounding
_APART = 0.01  # of the mean distance of coordinates, nearer than which few are by chance
_COVERED = 0.5  # of a grid, or of a line of it, at least, to speak of a spectrum
_LIGHT = 0.1  # of the mean weight, below which a cell of a grid counts as missing
_ASTRAY = (1 / 3, 1.5)  # times what lines say: pairs say a little less, and beyond that mislead
_BURST = 4  # times nearer than on the mean are most neighbours in bursts
_COLUMNS = 64  # of white noise, at least
_CELLS = 2**20  # in the lines whose spectra are taken, at most


def estimate_bandwidth(coords: Array, values: Array, weights: Array | None = None) -> Array:
    r"""Return the root mean square angular frequency of a signal along each axis.

    .. math::

        \omega_k^2 = \frac{\int \omega_k^2\,S(\omega)\,d\omega}{\int S(\omega)\,d\omega}
        = \frac{\operatorname{E}\,(\partial f/\partial x_k)^2}{\operatorname{Var} f},

    with S the power spectrum, and noise, whose power does not fall with frequency, taken off. On a
    full regular grid the spectrum is that of the samples under a sine window. Elsewhere pairs of
    near neighbours serve: for small lags h, :math:`\operatorname{E}\,(f(x+h)-f(x))^2 = 2\,
    \operatorname{Var} n + \operatorname{Var} f\,\sum_k \omega_k^2 h_k^2`, a structure function
    whose intercept is the noise n. On a grid of which no more than half is missing, pairs are
    held to spectra of its lines, what is missing interpolated: where a step on one axis changes
    more than many on another, pairs say nothing of that, and the spectra serve. Pairs alone serve
    where a single coordinate comes in bursts, far nearer to each other than bursts are.

    What varies faster than the samples can tell is taken for noise.

    Parameters
    ----------
    coords : ndarray of shape (n_samples, n_dims)
        Coordinates.
    values : ndarray of shape (n_samples, n_outputs)
        Values there; outputs count by their variance.
    weights : ndarray of shape (n_samples,), default=None
        Weights of the samples, above 0. If they differ, the pairs serve, on a grid too.

    Returns
    -------
    bandwidth : ndarray of shape (n_dims,)
        Radians per unit of each coordinate; 0 along an axis on which nothing varies, or where
        there is no telling the signal from noise.

    References
    ----------
    - Yaglom, Correlation Theory of Stationary and Related Random Functions I, 1987, for spectral
      moments and structure functions.
    - Cressie, Statistics for Spatial Data, 1993, section 2.4, for the variogram and its nugget.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.spectrum import estimate_bandwidth
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> estimate_bandwidth(x, np.sin(20 * x)).round().tolist()
    [20.0]
    """
    folded = (_folded(column, alone=coords.shape[1] == 1) for column in coords.T)
    axes, columns = zip(*folded, strict=True)
    coords, values, weights = merged(np.column_stack(columns), values, weights)
    if not np.ptp(values, axis=0).any():
        return np.zeros(coords.shape[1])
    centred = values - np.average(values, axis=0, weights=weights)
    centred = centred / np.abs(centred).max()
    shape = tuple(map(len, axes))
    size = np.prod(shape, dtype=float)
    if size > len(coords) / _COVERED or (len(axes) == 1 and _is_in_bursts(axes[0])):
        return _by_pairs(coords, centred, weights, axes)
    places = tuple(map(np.searchsorted, axes, coords.T))
    known, field = np.zeros(shape, dtype=bool), np.zeros((*shape, centred.shape[1]))
    known[places], field[places] = weights >= _LIGHT * weights.mean(), centred
    by_lines = np.array([_along_lines(axis, k, field, known) for k, axis in enumerate(axes)])
    if size == len(coords) and np.ptp(weights) == 0 and all(map(_is_even, axes)):
        return by_lines
    by_pairs = _by_pairs(coords, centred, weights, axes)
    low, high = (factor * by_lines for factor in _ASTRAY)
    agree = (low <= by_pairs) & (by_pairs <= high)
    return by_pairs if (agree | (by_lines == 0)).all() else by_lines


def overall_bandwidth(per_axis: Array) -> float:
    """Return one bandwidth for all axes: the root mean square of those on which the signal varies.

    Parameters
    ----------
    per_axis : ndarray of shape (n_dims,)
        As `estimate_bandwidth` returns it, for coordinates in [-1, 1].

    Returns
    -------
    bandwidth : float
        Radians per unit of the box. At least 1, a third of a turn from end to end: what is slower
        is not told from a trend.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.spectrum import overall_bandwidth
    >>> overall_bandwidth(np.array([30.0, 40.0, 0.0])), overall_bandwidth(np.zeros(2))
    (35.35..., 1.0)
    """
    varying = per_axis[per_axis > 0]
    return max(float(np.sqrt(np.mean(np.square(varying)))), 1.0) if varying.size else 1.0


def relative_bandwidth(per_axis: Array) -> Array:
    """Return by how much each axis differs from all together, at most by a factor of 2.

    Parameters
    ----------
    per_axis : ndarray of shape (n_dims,)
        As `estimate_bandwidth` returns it, for coordinates in [-1, 1].

    Returns
    -------
    factors : ndarray of shape (n_dims,)
        In [1/2, 2]: estimates are rough, and more gained little on real signals.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.spectrum import relative_bandwidth
    >>> relative_bandwidth(np.array([10.0, 10.0])).tolist()
    [1.0, 1.0]
    >>> relative_bandwidth(np.array([100.0, 0.0])).tolist()
    [1.0, 0.5]
    """
    return np.clip(per_axis / overall_bandwidth(per_axis), 1 / 2, 2)


def merged(coords: Array, values: Array, weights: Array | None) -> tuple[Array, Array, Array]:
    """Return the samples in the order of their coordinates, those of one place as one."""
    order = np.argsort(coords[:, 0])
    apart = bool(np.diff(coords[order, 0]).all())  # by the first coordinate alone
    if not apart:
        order = np.lexsort(coords.T[::-1])
    coords, values = coords[order], values[order]
    weights = np.ones(len(order)) if weights is None else weights[order]
    if apart:
        return coords, values, weights
    first = np.flatnonzero(np.r_[True, np.diff(coords, axis=0).any(axis=1)])
    if len(first) == len(coords):
        return coords, values, weights
    total = np.add.reduceat(weights, first)
    sums = np.add.reduceat(values * weights[:, None], first, axis=0)
    return coords[first], sums / total[:, None], total


def _folded(column: Array, *, alone: bool) -> tuple[Array, Array]:
    """Return the different coordinates, and all; what differs by rounding alone is the same.

    A coordinate by itself is as precise as its type; one of several may have been computed from
    others. Where as near neighbours make chains, as the times within a burst do, nothing is the
    same.
    """
    values, place = np.unique(column, return_inverse=True)
    tolerance = np.ptp(values) * min(_SAME, _APART / len(values))
    if alone:
        tolerance = min(tolerance, _ULPS * np.spacing(np.abs(values).max()))
    begins = np.r_[True, np.diff(values) > tolerance]
    ends = np.r_[begins[1:], True]
    if (values[ends] - values[begins] > _LONGEST * tolerance).any():
        return values, column
    axis = values[begins]
    return axis, axis[np.cumsum(begins) - 1][place]


def _along_lines(axis: Array, k: int, field: Array, known: NDArray[np.bool_]) -> float:
    """Return the bandwidth along an axis of a grid, what is missing interpolated on its lines.

    What that makes of white noise is taken off as noise.
    """
    n = len(axis)
    lines = np.moveaxis(field, k, 0).reshape(n, -1, field.shape[-1])
    mask = np.moveaxis(known, k, 0).reshape(n, -1)
    enough = np.flatnonzero(mask.mean(axis=0) >= _COVERED)
    if not len(enough):  # all light
        return 0.0
    enough = enough[:: -(-n * len(enough) // _CELLS)]
    lines, mask = lines[:, enough], mask[:, enough]
    step = np.ptp(axis) / max(n - 1, 1)
    if mask.all() and _is_even(axis):
        return bandwidth_along(lines, step)
    even = np.linspace(axis[0], axis[-1], n)
    draws = (n, len(enough), -(-_COLUMNS // len(enough)))
    noise = _interpolated(axis, np.random.default_rng(0).normal(size=draws), mask, even)
    return bandwidth_along(_interpolated(axis, lines, mask, even), step, noise)


def _is_even(axis: Array) -> bool:
    return bool(np.ptp(np.diff(axis)) <= 0.01 * np.ptp(axis) / len(axis)) if len(axis) > 1 else True


def _is_in_bursts(axis: Array) -> bool:
    """Whether most neighbours are far nearer than on the mean: no even grid does them justice."""
    return len(axis) > 2 and bool(_BURST * np.median(np.diff(axis)) < np.ptp(axis) / len(axis))


def _interpolated(axis: Array, lines: Array, known: NDArray[np.bool_], at: Array) -> Array:
    """Return lines of values at other places, linear between those that are known."""
    n, here = len(axis), np.arange(len(axis))[:, None]
    before = np.maximum.accumulate(np.where(known, here, -1))
    after = np.minimum.accumulate(np.where(known, here, n)[::-1])[::-1]
    left = before[np.searchsorted(axis, at, side="right") - 1]
    right = after[np.minimum(np.searchsorted(axis, at), n - 1)]
    left, right = np.where(left < 0, right, left), np.where(right == n, left, right)
    share = (at[:, None] - axis[left]) / np.where(left == right, 1.0, axis[right] - axis[left])
    share = np.where(left == right, 0.0, share)[..., None]
    low, high = (np.take_along_axis(lines, i[..., None], axis=0) for i in (left, right))
    return np.asarray(low + share * (high - low))


def bandwidth_along(field: Array, step: float, white: Array | None = None) -> float:
    """Return the root mean square angular frequency along the first axis of a field on a grid.

    Parameters
    ----------
    field : ndarray of shape (n, ...)
        Of mean 0.
    step : float
        Between neighbours along the first axis.
    white : ndarray of shape (n, ...), default=None
        What white noise has become, where it was interpolated: its power falls with frequency.
    """
    n = len(field)
    if n < 4:
        return 0.0
    window = np.sin(np.pi * (np.arange(n) + 0.5) / n)

    def power_of(columns: Array) -> Array:
        spectrum = np.fft.rfft(columns.reshape(n, -1) * window[:, None], axis=0)
        return np.asarray(np.square(np.abs(spectrum)).sum(axis=1))

    power = power_of(field)
    shape = np.ones(len(power)) if white is None else power_of(white)
    lines = np.full(len(power), 2.0)  # of either sign
    lines[0] = 1.0
    if n % 2 == 0:
        lines[-1] = 1.0
    top = slice(-max(len(power) // _TOP, 1), None)
    noise = np.median(power[top] / shape[top]) * shape
    clear = _clear(power, noise, n_columns=field.size // n)
    left = np.where(clear, lines * (power - noise), 0.0)
    if left.sum() <= _LEAST_SIGNAL * (lines @ power):
        return 0.0
    frequencies = 2 * np.pi * np.fft.rfftfreq(n, step)
    of_window = np.pi / (n * step)  # that of a constant under the window
    square = (frequencies**2 @ left) / left.sum() - of_window**2
    return float(np.sqrt(max(square, 0.0)))


def _clear(power: Array, noise: Array, *, n_columns: int) -> NDArray[np.bool_]:
    """Return which lines of a spectrum, averaged with those around, noise does not explain.

    The noise of frequencies at which there is no signal has no mean once its level is taken off,
    but by far the largest part in a mean of squared frequencies.
    """
    width = min(len(power) // 16, 8) + 1
    around, expected = (np.convolve(part, np.ones(width), "same") for part in (power, noise))
    # Noise has a chi-squared distribution, of two degrees of freedom for each line and column;
    # under a window neighbouring lines are correlated.
    sure = np.log(len(power) / _CHANCE) / (n_columns * (width + 1) / 2)
    most = expected * (1 + np.sqrt(2 * sure) + sure)  # Laurent and Massart, 2000
    return np.asarray(around > most)


def _by_pairs(coords: Array, centred: Array, weights: Array, axes: Sequence[Array]) -> Array:
    """Root mean square frequencies along all axes, from differences of near neighbours.

    Between neighbours that are very near a signal may differ by much less than noise does. Then
    half of the samples are left out, whose neighbours are further apart, and again.
    """
    spacing = np.array([np.ptp(axis) / len(axis) for axis in axes])
    varying = spacing > 0
    bandwidth = np.zeros(len(spacing))
    if not varying.any():
        return bandwidth
    # Distances in spacings of each axis, so that a grid's neighbours are not all along one.
    places = coords[:, varying] / spacing[varying]
    total = np.average(np.square(centred).sum(axis=1), weights=weights)
    order = np.random.default_rng(0).permutation(len(places))
    while True:
        kept = slice(None) if len(order) == len(places) else np.sort(order)
        slopes, noise, drowned = _structure(places[kept], centred[kept], weights[kept])
        order = order[: len(order) // 2]
        if not drowned or len(order) < _LEAST_KEPT:
            break
    variance = total - noise / 2
    if variance >= _LEAST_SIGNAL * total:
        bandwidth[varying] = np.sqrt(slopes / variance) / spacing[varying]
    return bandwidth


def _structure(places: Array, centred: Array, weights: Array) -> tuple[Array, float, bool]:
    """Return slopes and intercept of the structure function, and whether noise drowns it."""
    n, n_dims = places.shape
    n_neighbours = min(6 * n_dims, n - 1)
    chosen = np.arange(0, n, -(-n // _PAIRS_FROM))
    tree = cKDTree(places, compact_nodes=n < _MANY, balanced_tree=n < _MANY)
    _, near = tree.query(places[chosen], n_neighbours + 1)
    pairs = np.stack([np.repeat(chosen, n_neighbours), near[:, 1:].ravel()])
    lags = np.square(places[pairs[0]] - places[pairs[1]])
    unit = np.median(lags.sum(axis=1))  # of bursts a tiny part of the spacing
    lags /= unit
    differences = np.square(centred[pairs[0]] - centred[pairs[1]]).sum(axis=1)
    importance = 1 / (lags.sum(axis=1) + 1)  # near pairs tell more, if not the nearest alone
    importance *= np.sqrt(weights[pairs[0]] * weights[pairs[1]])
    columns = np.column_stack([lags, np.ones(len(lags))]) * importance[:, None]
    targets = differences * importance
    *slopes, noise = nnls(columns, targets)[0]
    least = 1 + _DROWNED / np.sqrt(len(chosen))
    drowned = bool(targets.sum() < least * noise * importance.sum())
    if not all(slopes):  # what is rough looks like noise along the axis that is sampled best
        noise *= _MOST_NOISE
        slopes = nnls(columns[:, :-1], targets - noise * importance)[0]
    return np.array(slopes) / unit, noise, drowned
