"""Anything array-like as float64 numbers, or why it is none."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils._missing import is_pandas_na

Array = NDArray[np.float64]

_SHORT = reprlib.Repr()
_SHORT.maxother = 80
_UNIT = (
    "Give dates and durations a unit and an origin, as in "
    "(time - time[0]) / np.timedelta64(1, 's')."
)


def as_numbers(name: str, given: Any) -> Array:
    """Return anything array-like as float64 numbers; what is missing or masked is NaN.

    Parameters
    ----------
    name : str
        What errors call it.
    given : array-like
        Frames are read column by column, whatever the types of the others. Text is no number,
        though it may read as one: what a file holds is parsed where it is read.

    Returns
    -------
    numbers : ndarray
        Of any shape, in C order, as sums depend on it in the last digit.

    Raises
    ------
    ValueError, TypeError
        If it holds anything else than real numbers.
    """
    if given is None:
        raise ValueError(f"{name} is None; pass an array or a frame of numbers.")
    if issparse(given):
        raise TypeError(
            f"{name} must be dense, got a sparse matrix; pass {name}.toarray() if its zeros are "
            "meant."
        )
    if isinstance(given, torch.Tensor):
        given = _of_tensor(name, given)
    columns = _columns_of(given)
    if columns is None:
        array = _real(name, "", given)
        masked = isinstance(given, np.ma.MaskedArray)
        return np.where(np.ma.getmaskarray(given), np.nan, array) if masked else array
    numbers = [_real(name, f"column {label!r}", column) for label, column in columns]
    return np.ascontiguousarray(np.stack(numbers, axis=1)) if numbers else np.empty((len(given), 0))


def row_name(given: Any, row: int) -> str:
    """Return how to call a row: by its position and, if it differs, by its label in pandas.

    Parameters
    ----------
    given : array-like
    row : int
        Its position.

    Returns
    -------
    name : str
    """
    label = given.index[row] if hasattr(given, "iloc") else row
    return f"row {row}" + (f" (index {label})" if str(label) != str(row) else "")


def _of_tensor(name: str, tensor: torch.Tensor) -> NDArray[Any]:
    """Return the entries of a tensor of any dtype that has numbers, in double precision."""
    if tensor.requires_grad:
        raise ValueError(
            f"{name} is a tensor that requires grad, but no gradient flows through an "
            f"estimator; pass {name}.detach()."
        )
    try:
        tensor = tensor.cpu().resolve_conj().resolve_neg()
        array: NDArray[Any] = (tensor if tensor.is_complex() else tensor.double()).numpy()
    except (RuntimeError, TypeError) as error:
        raise TypeError(
            f"{name} must be a tensor whose entries can be read, got one of {tensor.dtype}, "
            f"{tensor.layout}, on {tensor.device} ({error}). Pass a dense one of real numbers, "
            "as to_dense() and dequantize() return."
        ) from None
    return array


def _columns_of(given: Any) -> list[tuple[Any, Any]] | None:
    """Return the names and columns of a frame of pandas or polars."""
    if hasattr(given, "iloc") and given.ndim == 2:
        return list(given.items())
    if hasattr(given, "get_columns"):
        return [(column.name, column) for column in given.get_columns()]
    return None


def _real(name: str, column: str, given: Any) -> Array:
    """Return an array, or a column of a frame, in float64."""
    try:
        array = np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{name} must hold real numbers, in rows of one length: {str(error).rstrip('.')}. Pass "
            "an array or a frame of numbers."
        ) from None
    start = f"{name} must hold real numbers: "
    kind = array.dtype.kind
    if kind in "mM":
        raise ValueError(f"{start}{column or 'it'} holds {array.dtype}. {_UNIT}")
    if kind == "c":
        raise ValueError(
            f"{start}{f'{column}: ' * bool(column)}Complex data not supported, got {array.dtype}. "
            "Pass real and imaginary parts as two columns."
        )
    if column and array.ndim != 1:
        raise ValueError(f"{start}{column} holds arrays. Make each of their entries a column.")
    if kind in "biuf":
        return np.asarray(array, dtype=np.float64, order="C")
    entries = np.asarray(given, dtype=object)
    wrong = [(place, no) for place, entry in np.ndenumerate(entries) if (no := _why_not(entry))]
    if wrong:  # of text, shown is what could not be parsed either
        place, (kind_of, why, cure) = min(wrong, key=lambda no: _reads_as_number(entries[no[0]]))
        if len(place) == 2:
            column = f"column {place[1]}"
        where = ", ".join(filter(None, (column, row_name(given, place[0]) if place else "it")))
        raise kind_of(f"{start}{where} holds {_SHORT.repr(entries[place])}{why}. {cure}")
    numbers = [np.nan if _is_missing(entry) else float(entry) for entry in entries.flat]
    return np.array(numbers, dtype=np.float64).reshape(entries.shape)


def _why_not(entry: Any) -> tuple[type[Exception], str, str] | None:
    """Return, if an object is no number, the error that this is, why, and the cure."""
    if isinstance(entry, float) or _is_missing(entry):
        return None
    if isinstance(entry, str | bytes):
        return (
            ValueError,
            ", which is text",
            "Parse it, as with pandas.to_numeric, or leave it out.",
        )
    # What pandas, datetime and cftime call points and spans of time has one of these.
    timely = any(hasattr(entry, name) for name in ("year", "hour", "days"))
    if timely or isinstance(entry, np.datetime64 | np.timedelta64):
        return ValueError, "", _UNIT
    try:
        float(entry)
    except (TypeError, ValueError, OverflowError) as error:
        return TypeError, f" ({error})", "Leave it out, or turn it into numbers."
    return None


def _is_missing(entry: Any) -> bool:
    return entry is None or bool(is_pandas_na(entry))


def _reads_as_number(entry: Any) -> bool:
    """Return whether `float` takes an entry, as it takes text of digits."""
    try:
        float(entry)
    except (TypeError, ValueError, OverflowError):
        return False
    return True
