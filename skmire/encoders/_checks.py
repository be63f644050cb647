"""Samples as users hand them over, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight, validate_data

Array = NDArray[np.float64]


def checked_samples(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    *,
    n_outputs: int | None,
) -> tuple[Array, Array, Array | None]:
    """Return the samples that count, in float64, and their weights, of mean 1.

    Parameters
    ----------
    estimator : BaseEncoder
        Learns the number and names of features, or holds the samples to those it knows.
    X, y, sample_weight : array-like
        As in ``fit``.
    n_outputs : int or None
        What `y` must have; ``None`` in a first fit.

    Returns
    -------
    coords : ndarray of shape (n_samples, n_dims)
    values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    weights : ndarray of shape (n_samples,) or None
    """
    if issparse(y):
        raise TypeError("y must be dense, got a sparse matrix; pass y.toarray().")
    coords, values = validate_data(
        estimator,
        X,
        y,
        reset=n_outputs is None,
        dtype=np.float64,
        multi_output=True,
        y_numeric=True,
        ensure_min_samples=2,
    )
    values = np.asarray(values, dtype=np.float64)
    if n_outputs is not None and columns(values).shape[1] != n_outputs:
        raise ValueError(
            f"y has {columns(values).shape[1]} outputs, but the encoder was fitted with "
            f"{n_outputs}."
        )
    if sample_weight is None:
        return coords, values, None
    weights = _check_sample_weight(
        sample_weight, coords, dtype=np.float64, ensure_non_negative=True
    )
    counts = weights > 0
    if counts.sum() < 2:
        raise ValueError(
            f"At least 2 samples must have a weight above 0, got {counts.sum()}: a minimum of 2 "
            "is required."
        )
    weights = weights[counts]
    return coords[counts], values[counts], weights / weights.mean()


def columns(values: Array) -> Array:
    """Return values of one or several outputs as a table of one column an output."""
    return values.reshape(len(values), -1)
