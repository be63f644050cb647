"""A grid of values as a table of samples."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def grid_samples(
    grid: ArrayLike, *, n_dims: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the samples of a regular grid, at their indices.

    Parameters
    ----------
    grid : array-like of shape (n_1, ..., n_d) or (n_1, ..., n_d, n_outputs)
        An image, a volume, a recording.
    n_dims : int, default=None
        Number of dimensions d. ``None`` takes all of a grid of one or two dimensions, and of one
        of three takes two: an image with its channels.

    Returns
    -------
    coords : ndarray of shape (n_samples, d)
        Indices along the axes, the last axis fastest (``ij`` order): row and column for images.
    values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        What the grid holds at these indices, NaN where it is masked.

    Raises
    ------
    ValueError
        If the grid does not have `n_dims` or `n_dims` + 1 axes, or is complex.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.datasets import grid_samples
    >>> coords, values = grid_samples(np.zeros((4, 6, 3)))
    >>> coords.shape, values.shape
    ((24, 2), (24, 3))
    """
    if np.iscomplexobj(grid):
        raise ValueError(
            "grid_samples takes real numbers, and the grid is complex. Pass np.stack([grid.real, "
            "grid.imag], axis=-1), two outputs, with n_dims."
        )
    array = np.asarray(np.ma.filled(np.ma.asarray(grid, np.float64), np.nan))
    d = min(array.ndim, 2) if n_dims is None else n_dims
    if d < 1 or array.ndim not in (d, d + 1):
        raise ValueError(
            f"A grid of {d} dimensions has {d} axes, or {d + 1} with several outputs; got an "
            f"array of shape {array.shape}. Pass n_dims if the last axis is not what it seems."
        )
    coords = grid_points([np.arange(n, dtype=np.float64) for n in array.shape[:d]])
    return coords, array.reshape(len(coords), *array.shape[d:])


def grid_points(axes: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the points of the grid over these `axes`, one a row, the last axis fastest."""
    mesh = np.meshgrid(*axes, indexing="ij")
    return np.stack([coordinate.ravel() for coordinate in mesh], axis=1)


def grid_axes(places: NDArray[Any], n_places: int) -> list[NDArray[Any]] | None:
    """Return the axes of a grid, if `places`, so many of them different, are one a crossing."""
    axes = [np.unique(column) for column in places.T]
    return axes if prod(map(len, axes)) == n_places else None
