"""How long the gaps of gridded data are, and cells in blocks of that size."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.utils.validation import has_fit_parameter

from skmire.grids._data import mask_along
from skmire.training._samples import FEW

_ENOUGH = 10


def gap_shape(arrays: Sequence[xr.DataArray], mask: Any = None) -> dict[Hashable, int]:
    """Return how many cells long gaps are, in the median, along each dimension that has any.

    A gap along a dimension is a run of cells that are missing in any of the arrays. Of chunked data
    the lines along a dimension are gone through a few chunks at a time.

    Parameters
    ----------
    arrays : sequence of DataArray
        With missing values, along the same dimensions.
    mask : DataArray or array-like of bool, default=None
        Which of these are asked for.

    Returns
    -------
    shape : dict of hashable to int
        By dimension.
    """
    first = arrays[0]
    missing = reduce(or_, (data.variable.isnull() for data in arrays))
    if mask is not None:
        missing = (missing & mask_along(mask, first)).transpose(*first.dims)
    shape = {}
    for axis, dim in enumerate(first.dims):
        counts = np.zeros(first.sizes[dim] + 1, dtype=np.int64)
        for part in _lines(missing, dim):
            counts += np.bincount(_runs(np.moveaxis(part, axis, -1)), minlength=len(counts))
        if counts.any():
            shape[dim] = _median(counts)
    return shape


def enough_blocks(
    index: Sequence[NDArray[np.int64]], dims: Sequence[Hashable], shape: Mapping[Hashable, int]
) -> dict[Hashable, int]:
    """Return the shape, its longest side halved until cells lie in enough blocks to choose from."""
    shape = dict(shape)
    while max(shape.values(), default=1) > 1:
        if len(np.unique(blocks(index, dims, shape))) >= _ENOUGH:
            break
        longest = max(shape, key=lambda dim: shape[dim])
        shape[longest] = -(-shape[longest] // 2)
    return shape


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
    block = tuple(i // shape.get(dim, 1) for i, dim in zip(index, dims, strict=True))
    counts = [int(along_dim.max(initial=0)) + 1 for along_dim in block]
    return np.asarray(np.ravel_multi_index(block, counts))


def _lines(variable: xr.Variable, dim: Hashable) -> Iterable[NDArray[np.bool_]]:
    """Yield parts of an array that have all of a dimension."""
    if variable.chunks is None:
        return [np.asarray(variable.values)]
    parts = variable.chunk({dim: -1}).data.blocks.ravel()
    return (np.asarray(part.compute()) for part in parts)


def _runs(missing: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the lengths of the runs along the last axis."""
    padded = np.zeros((*missing.shape[:-1], missing.shape[-1] + 2), dtype=np.int8)
    padded[..., 1:-1] = missing
    steps = np.diff(padded.reshape(-1, padded.shape[-1]), axis=1)
    starts, ends = (np.nonzero(steps == way)[1] for way in (1, -1))
    return np.asarray(ends - starts)


def _median(counts: NDArray[np.int64]) -> int:
    """Return the lower median of lengths, of which there are so many each."""
    return int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))


def groups_of(
    encoder: Any,
    block_shape: Any,
    shape: dict[Hashable, int],
    dims: Sequence[Hashable],
    index: Sequence[NDArray[np.int64]],
) -> NDArray[np.int64] | None:
    """Return the block of each known cell, if there is one of several cells.

    Raises
    ------
    ValueError
        If the encoder takes no groups, or the blocks are too few to hold some out.
    """
    if block_shape == "gaps":
        shape = enough_blocks(index, dims, shape)
    if all(n == 1 for n in shape.values()):
        return None
    if not has_fit_parameter(encoder, "groups"):
        raise ValueError(
            f"block_shape={block_shape!r} needs an encoder whose fit takes groups, and "
            f"that of {type(encoder).__name__} does not. Leave block_shape out."
        )
    numbers = blocks(index, dims, shape)
    if (n_blocks := len(np.unique(numbers))) < FEW:
        raise ValueError(
            f"block_shape must leave at least {FEW} blocks to hold some out of, and "
            f"{shape} leaves {n_blocks}. Give smaller numbers of cells."
        )
    return numbers
