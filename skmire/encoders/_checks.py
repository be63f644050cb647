"""Samples as users hand them over: refused in words, or turned into float64 arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from skmire.encoders._numbers import as_numbers, row_name

Array = NDArray[np.float64]

_OF_GRID = "Of an image or a volume, skmire.datasets.grid_samples makes X and y"
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
    coords = _coordinates(estimator, X, reset=n_outputs is None, min_samples=2)
    values = checked_values(estimator, y, coords.shape, n_outputs=n_outputs)
    weights = None if sample_weight is None else _checked_weights(sample_weight, len(coords))
    counts = np.full(len(coords), True) if weights is None else weights > 0
    refuse_missing("X", coords, X, counts=counts)
    refuse_missing("y", values, y, counts=counts)
    if weights is None:
        return coords, values, None
    weights = weights[counts] / weights.max()  # their sum is finite, however large they are
    return coords[counts], values[counts], weights / weights.mean()


def checked_values(
    estimator: Any, y: ArrayLike, shape: tuple[int, ...], *, n_outputs: int | None
) -> Array:
    """Return values in float64, of the right shape; what is missing is not looked for.

    Parameters
    ----------
    estimator : BaseEncoder
    y : array-like
        As in ``fit``.
    shape : tuple of int
        Of `X`.
    n_outputs : int or None
        What `y` must have; ``None`` in a first fit.

    Returns
    -------
    values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None. Pass "
            "the values at X."
        )
    values = as_numbers("y", y)
    if values.ndim not in (1, 2) or 0 in values.shape[1:]:
        raise ValueError(
            "y must hold one value a sample, of shape (n_samples,), or one row a sample, of shape "
            f"(n_samples, n_outputs); got shape {values.shape}. Bring it to one of these."
            + (f" {_OF_GRID}." if values.ndim > 2 else "")
        )
    if len(values) != shape[0]:
        cure = "Pass both of the same samples"
        if values.shape[1:] == shape[:1]:
            cure = "Transpose y if its columns are the samples"
        elif shape[1:] == values.shape[:1]:
            cure = "Transpose X if its columns are the samples"
        elif values.size == shape[0]:
            cure = f"Pass y.ravel() if it has the order of the rows of X. {_OF_GRID}"
        raise ValueError(
            f"X and y must have one row for each sample; got {shape[0]} rows in X and "
            f"{len(values)} in y. {cure}."
        )
    if n_outputs is not None and columns(values).shape[1] != n_outputs:
        raise ValueError(
            f"y has {columns(values).shape[1]} outputs, but the encoder was fitted with "
            f"{n_outputs}; pass as many, or fit a clone of the encoder."
        )
    return values


def checked_groups(
    groups: ArrayLike | None, X: ArrayLike, sample_weight: ArrayLike | None
) -> NDArray[np.int64] | None:
    """Return a number for the group of each sample that counts, ``None`` if there are no groups.

    Parameters
    ----------
    groups : array-like of shape (n_samples,) or None
        Labels that can be told apart and sorted.
    X, sample_weight : array-like
        As in ``fit``, and checked.

    Returns
    -------
    numbers : ndarray of shape (n_samples,) or None
    """
    if groups is None:
        return None
    labels, n_samples = np.asarray(groups), np.shape(X)[0]
    if labels.shape != (n_samples,):
        raise ValueError(
            f"groups must hold one label a sample, of shape ({n_samples},); got shape "
            f"{labels.shape}. Pass one for each row of X."
        )
    try:
        numbers = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    except TypeError as error:
        raise ValueError(
            f"groups must hold labels of one kind, such as numbers or text: {error}. Bring them to "
            "one kind, as in [str(label) for label in groups]."
        ) from None
    if sample_weight is None:
        return numbers
    counts = np.broadcast_to(as_numbers("sample_weight", sample_weight) > 0, labels.shape)
    return numbers[counts]


def checked_coordinates(estimator: Any, X: ArrayLike) -> Array:
    """Return the coordinates of a query in float64.

    Parameters
    ----------
    estimator : BaseEncoder
        Fitted; holds `X` to the number and names of features it knows.
    X : array-like of shape (n_samples, n_dims)

    Returns
    -------
    coords : ndarray of shape (n_samples, n_dims)
    """
    coords = _coordinates(estimator, X, reset=False, min_samples=1)
    refuse_missing("X", coords, X)
    return coords


def checked_points(points: ArrayLike, n_dims: int, *, what: str = "") -> Array:
    """Return the coordinates of a query of a field in float64, where `X` holds something else.

    Parameters
    ----------
    points : array-like of shape (n_samples, n_dims)
    n_dims : int
        Coordinates of the field.
    what : str, default=""
        What errors call them, if there is more to say.

    Returns
    -------
    coords : ndarray of shape (n_samples, n_dims)
    """
    coords, what = as_numbers("points", points), what or f"the field's {n_dims} coordinate(s)"
    if coords.ndim != 2 or coords.shape[1] != n_dims:
        raise ValueError(
            f"points must hold one row a point and {what} as columns; "
            f"got shape {coords.shape}. The field is what the values in y were measured of: what X "
            "held in fit goes to predict."
        )
    if not len(coords):
        raise ValueError(
            f"points must hold at least one row; got none, shape {coords.shape}. Pass more, one "
            "row a point."
        )
    refuse_missing("points", coords, points)
    return coords


def _coordinates(estimator: Any, X: ArrayLike, *, reset: bool, min_samples: int) -> Array:
    """Return coordinates of the right shape and names, which are learnt if `reset`."""
    coords = as_numbers("X", X)
    if coords.ndim != 2:
        column, row = "np.reshape(X, (-1, 1))", "np.reshape(X, (1, -1))"
        if hasattr(X, "to_frame"):  # a series, of pandas or polars
            column = "X.to_frame()"
        elif hasattr(X, "reshape"):
            column, row = "X.reshape(-1, 1)", "X.reshape(1, -1)"
        raise ValueError(
            f"Expected 2D array, got {coords.ndim}D array instead: X of shape {coords.shape}. "
            f"Reshape your data to one row a sample and one column a coordinate: {column} if there "
            f"is one coordinate, {row} if there is one sample."
        )
    for axis, least, what, cure in (
        (0, min_samples, "sample", "one row a sample"),
        (1, 1, "feature", "one column a coordinate"),
    ):
        if coords.shape[axis] < least:
            if axis == 0 and len(coords) == 1 < coords.shape[1]:
                cure += "; transpose X if its columns are the samples"
            raise ValueError(
                f"Found array with {coords.shape[axis]} {what}(s) (shape={coords.shape}) while a "
                f"minimum of {least} is required by {type(estimator).__name__}. Pass more, {cure}."
            )
    try:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    except ValueError as error:
        known = list(getattr(estimator, "feature_names_in_", ()))
        cure = (
            f"Pass the columns {known}, in this order."
            if known
            else "Pass one column for each coordinate of the fit."
        )
        raise ValueError(f"{str(error).rstrip()}\n{cure}") from None
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


def weights_of(sample_weight: ArrayLike, n_samples: int) -> Array:
    """Return one weight a sample, as numbers; one number is that of all."""
    weights = as_numbers("sample_weight", sample_weight)
    if weights.ndim == 0:
        weights = np.full(n_samples, weights)
    if weights.shape != (n_samples,):
        flat = weights.size == n_samples
        raise ValueError(
            f"sample_weight must hold one weight a sample, of shape ({n_samples},); got shape "
            f"{weights.shape}. Pass {'sample_weight.ravel()' if flat else 'one for each row of X'}."
        )
    return weights


def _checked_weights(sample_weight: ArrayLike, n_samples: int) -> Array:
    weights = weights_of(sample_weight, n_samples)
    cure = "Give samples to be left out a weight of 0"
    refuse_missing("sample_weight", weights, sample_weight, cure=cure)
    if (weights < 0).any():
        raise ValueError(
            "Negative values in data passed to `sample_weight`: weights are at least 0, got "
            f"{weights.min():g} in {row_name(sample_weight, int(weights.argmin()))}. {cure}."
        )
    if (n_positive := np.count_nonzero(weights)) < 2:
        raise ValueError(
            "A minimum of 2 samples must have a weight that is not zero, got "
            f"{n_positive}. Pass more samples that count, or no sample_weight."
        )
    return weights


def refuse_missing(
    name: str,
    array: Array,
    given: ArrayLike,
    *,
    counts: NDArray[np.bool_] | None = None,
    cure: str = "Drop these samples",
) -> None:
    """Refuse what is missing, infinite or too large to be summed, in the rows that count."""
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(array) < _LARGEST).reshape(len(array), -1).all(axis=1)
    if counts is not None:
        bad &= counts
    if not bad.any():
        return
    what = f"magnitudes above {_LARGEST:g}"
    if isinstance(given, np.ma.MaskedArray) and np.ma.getmaskarray(given)[bad].any():
        what = "masked values"
    elif not np.isfinite(array[bad]).all():
        what = "NaN" if np.isnan(array[bad]).any() else "infinity"
    elif cure.startswith("Drop"):
        cure += " or take a larger unit"
    _refuse_rows(name, what, np.asarray(bad), given, cure)


def _refuse_rows(name: str, what: str, bad: NDArray[np.bool_], given: ArrayLike, cure: str) -> None:
    raise ValueError(
        f"Input {name} contains {what}, in {np.count_nonzero(bad)} of {len(bad)} rows, the first "
        f"of which is {row_name(given, int(bad.argmax()))}. {cure}."
    )


def checked_labels(
    estimator: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> NDArray[Any]:
    """Return labels as one dimension, or say that they are none.

    Those of weight 0 are not looked at; they are replaced by one that counts.
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None. Pass "
            "the labels at X."
        )
    labels = column_or_1d(y, warn=True)
    masked = (
        np.ma.getmaskarray(y).ravel() if np.ma.isMaskedArray(y) else np.zeros(len(labels), bool)
    )
    if sample_weight is not None:
        weights = as_numbers("sample_weight", sample_weight)
        counts = weights != 0
        if weights.shape == labels.shape and counts.any():
            labels = np.where(counts, labels, labels[counts][0])
            masked = masked & counts
    if masked.any():
        _refuse_rows("y", "masked values", masked, y, "Leave these samples out")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(
            "Input y contains NaN or infinity, and a label is neither. Leave these samples out."
        )
    try:
        check_classification_targets(labels)
    except ValueError as error:
        raise ValueError(
            f"{type(estimator).__name__} needs labels of two kinds. {error} Of a density, take "
            "what is above a threshold, as in y > 0.5; for values, take MIREncoder."
        ) from None
    return np.asarray(labels)


def columns(values: Array) -> Array:
    """Return values of one or several outputs as a table of one column an output."""
    return values.reshape(len(values), -1)
