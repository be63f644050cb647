"""Queries of fitted fields over labelled coordinates, at once or chunk by chunk."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skmire._optional import require
from skmire.grids._fields import Asked
from skmire.grids._labels import dims_of, labels_for, numbers_of

Chunks = int | str | Mapping[Any, Any] | None

_ANSWERS = "__answers__"  # the dimension of what is asked, until it is told apart


def answers(
    grid: xr.Dataset, ask: Asked, asked: Mapping[Any, Any], chunks: Chunks
) -> tuple[list[xr.Variable], xr.Dataset]:
    """Return what is asked of a field, one by one, and the coordinates of all of it.

    Parameters
    ----------
    grid : Dataset
        The fitted coordinates.
    ask : Asked
        The field, and what is asked of it.
    asked : mapping
        New labels by the names of axes.
    chunks : int, "auto", mapping or None
        How the answer is chunked, of a mapping along dimensions that it has; ``None`` computes it
        at once, unless labels are chunked.

    Returns
    -------
    found : list of Variable
    labels : Dataset
        Without the indices of dimensions that have no labels.
    """
    field = ask.field
    labels = labels_for(grid, field, asked)
    dims = dims_of(field, labels, asked)
    columns = [numbers_of(axis, labels) for axis in field.axes]
    chunks = _of_indices(labels, asked) if chunks is None else chunks
    if chunks is not None:
        sizes = {dim: size for column in columns for dim, size in column.sizes.items()}
        columns = _chunked(columns, {dim: sizes[dim] for dim in dims}, chunks, ask.dtype)
    with warnings.catch_warnings():
        # Dask warns that labels along several dimensions span more chunks than each of them has.
        warnings.filterwarnings("ignore", "Increasing number of chunks")
        both = xr.apply_ufunc(
            ask,
            *columns,
            output_core_dims=[[_ANSWERS]],
            dask="parallelized",
            output_dtypes=[ask.dtype],
            dask_gufunc_kwargs={"output_sizes": {_ANSWERS: ask.n_answers}},
        ).transpose(*dims, _ANSWERS)
    bare = [a.name for a in field.axes if a.name not in {*grid.coords, *asked} and a.is_regular]
    return [both[{_ANSWERS: i}] for i in range(ask.n_answers)], labels.drop_vars(bare)


def _of_indices(labels: xr.Dataset, asked: Mapping[Any, Any]) -> Chunks:
    """Return the chunks of what was asked in chunks and is in memory now, being an index."""
    found: dict[Any, Any] = {}
    for name, given in asked.items():
        variable: Any = xr.Variable(*given[:2]) if isinstance(given, tuple) else given
        if getattr(variable, "chunks", None) and labels[name].chunks is None:
            found.update(zip(variable.dims, variable.chunks, strict=True))
    return found or None


def _chunked(
    columns: list[xr.Variable], sizes: Mapping[Hashable, int], chunks: Chunks, dtype: np.dtype[Any]
) -> list[xr.Variable]:
    purpose = "An answer in chunks"
    array = require("dask.array.core", extra="distributed", purpose=purpose)
    if isinstance(chunks, Mapping):
        wanted = {i: chunks[dim] for i, dim in enumerate(sizes) if dim in chunks}
    else:
        wanted = dict.fromkeys(range(len(sizes)), chunks)
    parts = array.normalize_chunks(wanted, tuple(sizes.values()), dtype=dtype)
    by_dim = dict(zip(sizes, parts, strict=True))
    return [column.chunk({dim: by_dim[dim] for dim in column.dims}) for column in columns]


def filled(
    values: xr.Variable,
    ask: Asked,
    output: int,
    coords: xr.Dataset,
    mask: xr.Variable | None,
    *,
    keep_known: bool,
) -> xr.Variable:
    """Return the values with what is missing filled in, and all else as it was.

    Parameters
    ----------
    values : Variable
    ask : Asked
    output : int
        Which of the field's variables.
    coords : Dataset
        Has the labels of the field's axes.
    mask : Variable or None
        Of bools, along some of the dimensions: where to fill.
    keep_known : bool
        If not, the known values are the fit's, too.

    Returns
    -------
    filled : Variable
        Of the same type. Chunked as the values are.
    """
    columns = [numbers_of(axis, coords) for axis in ask.field.axes]
    where = xr.Variable((), True) if mask is None else mask

    def fill(old: NDArray[Any], where: NDArray[np.bool_], *columns: NDArray[Any]) -> NDArray[Any]:
        new = np.array(old)
        gaps = np.broadcast_to(where, old.shape) & (np.isnan(old) if keep_known else True)
        index = np.nonzero(gaps)
        wanted = [np.broadcast_to(column, old.shape)[index] for column in columns]
        if index[0].size:
            new[index] = ask(*wanted)[:, output]
        return new

    if values.chunks is not None:
        sizes = dict(zip(values.dims, values.chunks, strict=True))
        columns = [column.chunk({dim: sizes[dim] for dim in column.dims}) for column in columns]
        where = where.chunk({dim: sizes[dim] for dim in where.dims})
    answer: xr.Variable = xr.apply_ufunc(
        fill, values, where, *columns, dask="parallelized", output_dtypes=[values.dtype]
    )
    return xr.Variable(values.dims, answer.data, values.attrs)
