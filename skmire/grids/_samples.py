"""The known cells of an array as a table, chunk by chunk and no more than wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skmire._optional import require

Array = NDArray[np.float64]
Slices = tuple[slice, ...]

_SLAB = 2**22  # cells of an array in memory that are looked at together
_AT_ONCE = 8  # chunks whose cells are put together


class Cells(NamedTuple):
    """Known cells.

    Attributes
    ----------
    place : ndarray of shape (n,)
        Index in the flat array.
    rank : ndarray of shape (n,)
        Where there are too many, those of the lowest ranks stay.
    values : ndarray of shape (n, n_variables)
    """

    place: NDArray[np.int64]
    rank: NDArray[np.uint64]
    values: Array


def known_cells(variables: Sequence[xr.Variable], limit: int | None, seed: int) -> Cells:
    """Return the cells where all variables are known, or a sample of them.

    Parameters
    ----------
    variables : sequence of Variable
        Of the same dimensions. Of chunked ones no more than a few chunks are loaded at a time.
    limit : int or None
        How many cells at most.
    seed : int
        Of the ranks by which they are drawn. A rank depends on the place alone, so the same cells
        are drawn however the array is chunked.

    Returns
    -------
    cells : Cells
        In the order of the flat array.

    Raises
    ------
    ValueError
        If a value is infinite.
    """
    shape = variables[0].shape
    if any(variable.chunks for variable in variables):
        cells = _of_chunks(variables, limit, seed)
    else:
        cells = Cells(np.empty(0, int), np.empty(0, np.uint64), np.empty((0, len(variables))))
        for part in _slabs(shape):
            found = _cells([variable[part].values for variable in variables], part, shape, seed)
            cells = _together([cells, _lowest(found, limit)], limit)
    order = np.argsort(cells.place)
    return _taken(cells, order)


def _of_chunks(variables: Sequence[xr.Variable], limit: int | None, seed: int) -> Cells:
    dask = require("dask", extra="distributed", purpose="An array in chunks")
    alike = xr.Dataset({str(i): v.chunk({}) for i, v in enumerate(variables)}).unify_chunks()
    arrays = [alike[str(i)].data for i in range(len(variables))]
    shape = arrays[0].shape
    blocks = [array.to_delayed().ravel() for array in arrays]
    one = dask.delayed(_chunk, pure=False)
    parts = [
        one([array[i] for array in blocks], part, shape, limit, seed)
        for i, part in enumerate(_slices(arrays[0].chunks))
    ]
    several = dask.delayed(_together, pure=False)
    while len(parts) > 1:
        parts = [several(parts[i : i + _AT_ONCE], limit) for i in range(0, len(parts), _AT_ONCE)]
    (cells,) = dask.compute(parts[0])
    return Cells(*cells)


def _chunk(
    blocks: list[NDArray[Any]], part: Slices, shape: tuple[int, ...], limit: int | None, seed: int
) -> Cells:
    return _lowest(_cells(blocks, part, shape, seed), limit)


def _cells(
    blocks: Sequence[NDArray[Any]], part: Slices, shape: tuple[int, ...], seed: int
) -> Cells:
    """Return the known cells of a part of the array."""
    values = np.stack([np.asarray(block, dtype=np.float64).ravel() for block in blocks], axis=1)
    if np.isinf(values).any():
        raise ValueError(
            "The values must be finite or missing, and some are infinite. Make these missing, as "
            "in da.where(np.isfinite(da))."
        )
    known = np.flatnonzero(~np.isnan(values).any(axis=1))
    inside = np.unravel_index(known, blocks[0].shape)
    place = np.zeros(len(known), dtype=np.int64)
    for index, along, length in zip(inside, part, shape, strict=True):
        place = place * length + index + along.start
    return Cells(place, _rank(place, seed), values[known])


def _together(parts: Sequence[Cells], limit: int | None) -> Cells:
    return _lowest(Cells(*map(np.concatenate, zip(*parts, strict=True))), limit)


def _lowest(cells: Cells, limit: int | None) -> Cells:
    """Return the cells of the lowest ranks, as many as wanted."""
    if limit is None or len(cells.rank) <= limit:
        return cells
    stay = np.argpartition(cells.rank, limit)[:limit]
    return _taken(cells, stay)


def _taken(cells: Cells, which: NDArray[np.intp]) -> Cells:
    return Cells(cells.place[which], cells.rank[which], cells.values[which])


def _rank(place: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """Return numbers that look random and are another one for every place.

    The finaliser of SplitMix64: Steele, Lea & Flood, Fast Splittable Pseudorandom Number
    Generators, OOPSLA 2014.
    """
    z = place.astype(np.uint64) + np.uint64(seed)
    z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _slabs(shape: tuple[int, ...]) -> Iterator[Slices]:
    """Yield parts of an array along its first dimension."""
    rows = max(_SLAB // max(int(np.prod(shape[1:])), 1), 1)
    for start in range(0, shape[0], rows):
        first = slice(start, min(start + rows, shape[0]))
        yield (first, *(slice(0, length) for length in shape[1:]))


def _slices(chunks: tuple[tuple[int, ...], ...]) -> Iterator[Slices]:
    """Yield the part of the array that each chunk is, the last dimension fastest."""
    ends = [np.cumsum(lengths) for lengths in chunks]
    for where in product(*(range(len(lengths)) for lengths in chunks)):
        yield tuple(
            slice(int(ends[d][i]) - chunks[d][i], int(ends[d][i])) for d, i in enumerate(where)
        )


def at_cells(variable: xr.Variable, dims: tuple[Any, ...], index: Sequence[Any]) -> Array:
    """Return the numbers of a variable at cells.

    Parameters
    ----------
    variable : Variable
        Along some of the dimensions.
    dims : tuple
        Of the array that the cells are in.
    index : sequence of ndarray
        Of the cells along each of `dims`.

    Returns
    -------
    numbers : ndarray of shape (n,)
    """
    where = dict(zip(dims, index, strict=True))
    taken = variable.values[tuple(where[dim] for dim in variable.dims)]
    return np.broadcast_to(np.asarray(taken, dtype=np.float64), len(index[0]))
