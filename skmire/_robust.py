"""The range of values of which some may be anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skmire.spectrum import merged

Array = NDArray[np.float64]

_USUAL = 4.0  # times the deviation of nine tenths of the values
_NEIGHBOURS = 13  # of which more than half must agree: of a twentieth at random, hardly ever
_PLACES = 20_000  # looked at, at most
_LEAST = 1e-9  # of the largest deviation: what is smaller does not bear being divided by
_EXACT = 1e-9  # of a sum of weights: whole ones are as good as repeated samples


def robust_range(coords: Array, values: Array, weights: Array | None) -> tuple[Array, Array]:
    """Return the median of each output, and a largest deviation in which outliers have no part.

    That is four times the deviation that nine tenths of the values stay within, or where most of
    the values are alike, as around a small bright spot, the largest that neighbours agree on.

    Parameters
    ----------
    coords : ndarray of shape (n_samples, n_columns)
        Where the values are; neighbours are near by the extent of each column.
    values : ndarray of shape (n_samples, n_outputs)
    weights : ndarray of shape (n_samples,) or None
        Of the samples.

    Returns
    -------
    centre, half_range : ndarray of shape (n_outputs,)
    """
    centre = _quantile(values, 0.5, weights)
    sizes = np.abs(values - centre)
    most = sizes.max(axis=0)
    usual = _USUAL * _quantile(sizes, 0.9, weights)
    if (usual < most).any():
        usual = np.maximum(usual, np.abs(_agreed(coords, values - centre, weights)).max(axis=0))
    return centre, np.clip(usual, _LEAST * most, most)


def _quantile(values: Array, share: float, weights: Array | None) -> Array:
    """Return the value of each column that a share of the samples' weight does not exceed."""
    order = np.argsort(values, axis=0)
    up_to = np.cumsum(np.ones(values.shape) if weights is None else weights[order], axis=0)
    at = np.argmax(up_to >= share * up_to[-1] * (1 - _EXACT), axis=0)
    rows = np.take_along_axis(order, at[None], axis=0)
    return np.asarray(np.take_along_axis(values, rows, axis=0)[0])


def _agreed(coords: Array, values: Array, weights: Array | None) -> Array:
    """Return the medians over neighbours, of places, as samples of one place are one."""
    places, means, _ = merged(coords, values, weights)
    extent = np.ptp(places, axis=0)
    scaled = places[:, extent > 0] / extent[extent > 0]
    if not scaled.size:
        return means
    chosen = scaled[:: -(-len(scaled) // _PLACES)]
    _, near = cKDTree(scaled).query(chosen, min(_NEIGHBOURS, len(scaled)))
    return np.asarray(np.median(means[near.reshape(len(chosen), -1)], axis=1))
