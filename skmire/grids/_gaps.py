"""How long the gaps of gridded data are, and cells in blocks of that size."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skmire.grids._data import along


def gap_shape(arrays: Iterable[xr.DataArray], mask: Any = None) -> dict[Hashable, int]:
    """Return how many cells long gaps are, in the median, along each dimension that has any.

    A gap along a dimension is a run of missing cells. Of chunked data the runs are those of each
    chunk, one in memory at a time.

    Parameters
    ----------
    arrays : iterable of DataArray
        With missing values.
    mask : DataArray or array-like of bool, default=None
        Which of these are asked for.

    Returns
    -------
    shape : dict of hashable to int
        By dimension.
    """
    counts: dict[Hashable, NDArray[np.int64]] = {}
    for data in arrays:
        missing = data.variable.isnull()
        if mask is not None:
            missing = (missing & along("mask", mask, data).astype(bool)).transpose(*data.dims)
        for part in _chunks(missing):
            for dim, axis in zip(data.dims, range(missing.ndim), strict=True):
                found = np.bincount(_runs(np.moveaxis(part, axis, -1)), minlength=1)
                before = counts.get(dim, np.zeros(1, dtype=np.int64))
                counts[dim] = _sum(before, found)
    return {dim: _median(found) for dim, found in counts.items() if found.any()}


def blocks(
    index: Sequence[NDArray[np.int64]], dims: Sequence[Hashable], shape: Mapping[Hashable, int]
) -> NDArray[np.int64]:
    """Return the number of the block that each cell lies in.

    Parameters
    ----------
    index : sequence of ndarray of shape (n_cells,)
        Of the cells along each dimension.
    dims : sequence of hashable
        These dimensions.
    shape : mapping of hashable to int
        How many cells a block is long along them, 1 where nothing is said.

    Returns
    -------
    numbers : ndarray of shape (n_cells,)
    """
    number = np.zeros(len(index[0]), dtype=np.int64)
    for along_dim, dim in zip(index, dims, strict=True):
        block = along_dim // shape.get(dim, 1)
        number = number * (block.max(initial=0) + 1) + block
    return number


def _chunks(variable: xr.Variable) -> Iterable[NDArray[np.bool_]]:
    if variable.chunks is None:
        return [np.asarray(variable.values)]
    return (np.asarray(block.compute()) for block in variable.data.blocks.ravel())


def _runs(missing: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the lengths of the runs along the last axis."""
    padded = np.zeros((*missing.shape[:-1], missing.shape[-1] + 2), dtype=np.int8)
    padded[..., 1:-1] = missing
    steps = np.diff(padded.reshape(-1, padded.shape[-1]), axis=1)
    starts, ends = (np.nonzero(steps == way)[1] for way in (1, -1))
    return np.asarray(ends - starts)


def _sum(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    total = np.zeros(max(len(one), len(other)), dtype=np.int64)
    total[: len(one)] += one
    total[: len(other)] += other
    return total


def _median(counts: NDArray[np.int64]) -> int:
    """Return the lower median of lengths, of which there are so many each."""
    return int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
