"""Samples as users hand them over: refused in words, or turned into float64 arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

Array = NDArray[np.float64]

_LARGEST = 1e290  # sums and differences of so large numbers are still finite


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
    coords = checked_coordinates(estimator, X, reset=n_outputs is None, min_samples=2)
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
    values = _numbers("y", y)
    if values.ndim not in (1, 2) or 0 in values.shape[1:]:
        raise ValueError(
            "y must hold one value a sample, of shape (n_samples,), or one row a sample, of shape "
            f"(n_samples, n_outputs); got shape {values.shape}. Bring it to one of these."
        )
    if len(values) != len(coords):
        raise ValueError(
            f"X and y must have one row for each sample; got {len(coords)} rows in X and "
            f"{len(values)} in y."
        )
    _finite("y", values)
    if n_outputs is not None and columns(values).shape[1] != n_outputs:
        raise ValueError(
            f"y has {columns(values).shape[1]} outputs, but the encoder was fitted with "
            f"{n_outputs}; pass as many, or fit a clone of the encoder."
        )
    if sample_weight is None:
        return coords, values, None
    weights = _checked_weights(sample_weight, len(coords))
    counts = weights > 0
    weights = weights[counts] / weights.max()  # their sum is finite, however large they are
    return coords[counts], values[counts], weights / weights.mean()


def checked_coordinates(
    estimator: Any, X: ArrayLike, *, reset: bool, min_samples: int = 1
) -> Array:
    """Return coordinates in float64.

    Parameters
    ----------
    estimator : BaseEncoder
        Learns the number and names of features if `reset`, or holds `X` to those it knows.
    X : array-like of shape (n_samples, n_dims)
    reset : bool
    min_samples : int, default=1

    Returns
    -------
    coords : ndarray of shape (n_samples, n_dims)
    """
    coords = _numbers("X", X)
    if coords.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {coords.ndim}D array instead: X of shape {coords.shape}. "
            "Reshape your data to one row a sample and one column a coordinate: X.reshape(-1, 1) "
            "if there is one coordinate, X.reshape(1, -1) if there is one sample."
        )
    check_array(
        coords,
        ensure_all_finite=False,
        ensure_min_samples=min_samples,
        estimator=estimator,
        input_name="X",
    )
    _finite("X", coords)
    try:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    except ValueError as error:
        if "feature names" not in str(error):
            raise
        known = list(estimator.feature_names_in_)
        raise ValueError(f"{error}Pass the columns {known}, in this order.") from None
    return coords


@contextmanager
def features_kept_on_failure(estimator: Any) -> Iterator[None]:
    """Put back what a failing fit has learnt of the features, so that the last fit still holds."""
    names = ("n_features_in_", "feature_names_in_")
    before = {name: vars(estimator)[name] for name in names if name in vars(estimator)}
    try:
        yield
    except BaseException:
        for name in names:
            vars(estimator).pop(name, None)
        vars(estimator).update(before)
        raise


def _checked_weights(sample_weight: ArrayLike, n_samples: int) -> Array:
    weights = _numbers("sample_weight", sample_weight)
    if weights.ndim == 0:
        weights = np.full(n_samples, weights)
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must hold one weight a sample, of shape ({n_samples},); got shape "
            f"{weights.shape}."
        )
    _finite("sample_weight", weights)
    if (weights < 0).any():
        raise ValueError(
            "Negative values in data passed to `sample_weight`: weights are at least 0, got "
            f"{weights.min():g} for sample {weights.argmin()}. A weight of 0 leaves a sample out."
        )
    if (n_positive := np.count_nonzero(weights)) < 2:
        raise ValueError(
            f"A minimum of 2 samples must have a weight that is not zero, got {n_positive}."
        )
    return weights


def _numbers(name: str, given: Any) -> Array:
    """Turn anything array-like into real float64 numbers, or say why it cannot be."""
    if issparse(given):
        raise TypeError(
            f"{name} must be dense, got a sparse matrix; pass {name}.toarray() if its zeros are "
            "meant."
        )
    if isinstance(given, torch.Tensor):
        if given.requires_grad:
            raise ValueError(
                f"{name} is a tensor that requires grad, but no gradient flows through an "
                f"estimator; pass {name}.detach()."
            )
        given = (given.float() if given.dtype == torch.bfloat16 else given).cpu().numpy()
    if np.ma.is_masked(given):
        raise ValueError(
            f"{name} is a masked array with {np.ma.getmaskarray(given).sum()} masked values. Drop "
            "these samples."
        )
    try:
        kind = np.asarray(given).dtype
        if kind.kind in "mM":
            raise ValueError(
                f"{kind} is no number. Give dates and durations a unit and an origin, as in "
                "(time - time[0]) / np.timedelta64(1, 's')"
            )
        if kind.kind == "c":
            raise ValueError(
                f"Complex data not supported, got {kind}. Pass real and imaginary parts as two "
                "columns of y"
            )
        array: Array = check_array(
            given,
            dtype=np.float64,
            order="C",  # sums depend on it, in the last digit
            ensure_2d=False,
            allow_nd=True,
            ensure_all_finite=False,
            ensure_min_samples=0,
            ensure_min_features=0,
        )
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} must hold real numbers: {error}.") from None
    return array


def _finite(name: str, array: Array) -> None:
    """Refuse what is not a number, infinite or too large to be summed."""
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(array) < _LARGEST)
    if not bad.any():
        return
    rows = np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))
    what, cure = f"magnitudes above {_LARGEST:g}", " or take a larger unit"
    if not np.isfinite(array).all():
        what, cure = "NaN" if np.isnan(array).any() else "infinity", ""
    raise ValueError(
        f"Input {name} contains {what}, in {len(rows)} of {len(array)} rows, the first of which "
        f"is row {rows[0]}. Drop these samples{cure}."
    )


def columns(values: Array) -> Array:
    """Return values of one or several outputs as a table of one column an output."""
    return values.reshape(len(values), -1)
