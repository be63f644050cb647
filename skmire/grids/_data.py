"""What may be fitted, as a data set whose variables and coordinates are told apart."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from skmire.grids._axes import axis_names

#: What a DataArray is called as the only variable of a data set.
ARRAY = "<this array>"


class Chosen(NamedTuple):
    """A variable, or several that are fitted jointly, and the coordinates it is a function of."""

    variables: tuple[Hashable, ...]
    dims: tuple[Hashable, ...]
    coords: list[str]


def as_dataset(data: Any, coords: Sequence[str] | None) -> xr.Dataset:
    """Return a DataArray, Dataset or frame as a Dataset.

    Parameters
    ----------
    data : DataArray, Dataset or DataFrame
        Of a frame, every numeric column that is no coordinate becomes a variable along `points`.
    coords : sequence of str or None
        Columns of a frame or variables of a Dataset that are coordinates.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If there is no such coordinate.
    """
    if isinstance(data, xr.DataArray):
        dataset = xr.Dataset({ARRAY: data.variable}, data.coords)
    elif isinstance(data, xr.Dataset):
        dataset = data
    elif hasattr(data, "iloc") and getattr(data, "ndim", 0) == 2:
        levels = [name for name in data.index.names if name is not None]
        if coords is None:
            named = [str(name) for name in (*levels, *data.columns)]
            raise ValueError(
                "Which columns of a frame are coordinates cannot be told. Name them, as in "
                f"GridEncoder(coords={named[:2]})."
            )
        data = data.reset_index([name for name in levels if name in coords])
        if twice := sorted({str(name) for name in data.columns[data.columns.duplicated()]}):
            raise ValueError(
                f"The columns of a frame must have different names; {twice} are there twice. "
                "Rename one, or leave it out, as in frame.loc[:, ~frame.columns.duplicated()]."
            )
        dim = "points"
        while dim in {str(name) for name in data.columns}:
            dim += "_"  # else that column would be its labels
        columns = {str(name): (dim, column.to_numpy()) for name, column in data.items()}
        dataset = xr.Dataset(columns)
    else:
        raise TypeError(
            "A GridEncoder is fitted on a DataArray, a Dataset or a pandas DataFrame; got "
            f"{type(data).__name__}. Give arrays labels, as in xr.DataArray(values, coords=...), "
            "or fit a MIREncoder."
        )
    for label in {*dataset.dims} & {*dataset.coords} - {*dataset.xindexes}:
        dataset = dataset.set_xindex([label])
    if coords is None:
        return dataset
    there = {str(name) for name in (*dataset.variables, *dataset.dims)}
    if unknown := [name for name in coords if name not in there]:
        raise ValueError(
            f"coords must name coordinates of the data, which has {sorted(there - {ARRAY})}; got "
            f"{unknown}."
        )
    return dataset.set_coords([name for name in coords if name in dataset.data_vars])


def refuse_other_kinds(asked: str, data: Any, coords: Iterable[str]) -> None:
    """Refuse what is neither a DataArray nor a Dataset."""
    if not isinstance(data, xr.DataArray | xr.Dataset):
        raise TypeError(
            f"{asked} takes a DataArray or a Dataset with the coordinates {[*coords]}; got "
            f"{type(data).__name__}. Make a Dataset of a frame, as in "
            f"frame.reset_index().to_xarray().set_coords({[*coords]})."
        )


def choices(
    dataset: xr.Dataset, coords: Sequence[str] | None, *, is_array: bool, joint: bool
) -> list[Chosen]:
    """Return what is to be fitted: variables of numbers with a coordinate along each dimension.

    Raises
    ------
    ValueError
        If there are none, or those to be fitted jointly lie along different dimensions.
    """
    found = []
    for name, variable in dataset.data_vars.items():
        if variable.dtype.kind not in "iufb" or not variable.dims:
            continue
        names = axis_names(dataset, variable.dims, coords, bare=is_array)
        texts = [name for name in names or () if _is_text(dataset[name])]
        if names and (is_array or not texts):
            _refuse_ambiguous(dataset, names)
            found.append(Chosen((name,), variable.dims, names))
    if not found:
        told = {
            str(n).replace(ARRAY, "data"): f"{v.dtype} along {dict(v.sizes)}"
            for n, v in dataset.data_vars.items()
        }
        raise ValueError(
            "There is nothing to fit: a variable must hold real numbers, and a coordinate of "
            f"numbers or times must lie along each of its dimensions. Got {told}, with the "
            f"coordinates {coords if coords is not None else sorted(map(str, dataset.coords))}. "
            "Select along other dimensions, as in da.isel(...), make their labels variables: "
            "da.to_dataset(dim=...), or name the coordinates along them: GridEncoder(coords=...). "
            'Make numbers of durations, da / np.timedelta64(1, "D"), and of objects, '
            "da.astype(float)."
        )
    if not joint:
        return found
    dims = {chosen.dims for chosen in found}
    if len(dims) > 1:
        raise ValueError(
            "joint=True needs variables along the same dimensions in the same order; got "
            f"{ {str(c.variables[0]): c.dims for c in found} }. Select some of them, or transpose."
        )
    return [Chosen(tuple(c.variables[0] for c in found), *found[0][1:])]


def _refuse_ambiguous(dataset: xr.Dataset, names: Sequence[str]) -> None:
    """Refuse labels of a dimension's only coordinate that no query finds."""
    for name in names:
        along_it = [other for other in names if name in dataset[other].dims]
        if along_it != [name]:
            continue  # points, which need not have a place, and may share a part of it
        index = dataset[name].to_index()
        finite = f"da.isel({name}=np.isfinite(da[{name!r}]))"
        for wrong, what, cure in (
            (index.isna() | index.isin([np.inf, -np.inf]), "missing or infinite", finite),
            (index.duplicated(), "there twice", f"da.drop_duplicates({name!r})"),
        ):
            if wrong.any():
                raise ValueError(
                    f"The labels along a dimension must be known, finite and different; along "
                    f"{name!r}, {index[wrong][0]} is {what}. Leave it out, as in {cure}."
                )


def _is_text(labels: xr.DataArray) -> bool:
    kind = labels.dtype.kind
    return kind in "US" or (kind == "O" and any(isinstance(label, str) for label in labels.values))


def is_scattered(dataset: xr.Dataset, chosen: Chosen, dim: Hashable) -> bool:
    """Return whether a dimension is one of points, whose neighbours may lie far apart."""
    along_it = [name for name in chosen.coords if dataset[name].dims == (dim,)]
    return dim not in along_it and len(along_it) > 1


def not_fitted(dataset: xr.Dataset, chosen: Sequence[Chosen]) -> xr.Dataset:
    """Return the variables that are not fitted, but for those as large as what is.

    With the coordinates along dimensions that no fitted variable has.
    """
    fitted = {name for some in chosen for name in some.variables}
    dims = {dim for some in chosen for dim in some.dims}
    left = [
        name
        for name, variable in dataset.variables.items()
        if name not in fitted and not dims <= {*variable.dims}
        if name in dataset.data_vars or not {*variable.dims} <= dims
    ]
    kept = dataset.variables
    data_vars = {name: kept[name] for name in left if name in dataset.data_vars}
    coords = {name: kept[name] for name in left if name in dataset.coords}
    return xr.Dataset(data_vars, coords).compute()


def lies_along(given: Any, data: xr.DataArray) -> bool:
    """Return whether a mask or weights have dimensions of the data alone, or an array its shape."""
    if isinstance(given, xr.DataArray):
        return {*given.dims} <= {*data.dims}
    if isinstance(given, xr.Dataset):
        return False  # which `along` refuses
    return given is None or np.shape(given) == data.shape


def along(name: str, given: Any, data: xr.DataArray) -> xr.Variable:
    """Return a DataArray that lies along dimensions of the data, or an array of their shape.

    Raises
    ------
    TypeError
        If it is a Dataset.
    ValueError
        If it does not, or has other labels.
    """
    if isinstance(given, xr.Dataset):
        raise TypeError(
            f"{name} must be a DataArray or an array; got a Dataset. Give one of its variables, as "
            f"in {name}[{next(iter(given), 'name')!r}]."
        )
    if not isinstance(given, xr.DataArray):
        if np.shape(given) == data.shape:
            return xr.Variable(data.dims, np.asarray(given))
        raise ValueError(
            f"{name} must lie along dimensions of the data, {dict(data.sizes)}; got an array of "
            f"shape {np.shape(given)}. Pass a DataArray along some of them, or an array of the "
            "same shape."
        )
    if any(data.sizes.get(dim) != n for dim, n in given.sizes.items()):
        raise ValueError(
            f"{name} must lie along dimensions of the data, {dict(data.sizes)}; got "
            f"{dict(given.sizes)}. Give it some of these."
        )
    for dim in given.dims:
        labels = [some.indexes[dim] for some in (given, data) if dim in some.indexes]
        if len(labels) == 2 and not labels[0].equals(labels[1]):
            raise ValueError(
                f"The labels of {name} must be those of the data; along {dim!r} they differ. Bring "
                f"them together, as in {name}.reindex_like(data)."
            )
    return given.variable


def mask_along(mask: Any, data: xr.DataArray) -> xr.Variable:
    """Return a mask of bools as `along` does; where it is missing, it is false."""
    given = along("mask", mask, data)
    told: xr.Variable = given.notnull() & given.astype(bool)
    return told


def has_gaps(data: xr.DataArray, mask: Any) -> bool:
    """Return whether something is missing where it is to be filled; of chunks, whether it may."""
    if data.dtype.kind != "f" or data.chunks is not None:
        return data.dtype.kind == "f"
    where = True if mask is None else mask_along(mask, data)
    return bool((data.variable.isnull() & where).any())


def weights_along(weights: Any, dataset: xr.Dataset, chosen: Chosen) -> xr.Variable | None:
    """Return weights as a variable along some of the dimensions of what is fitted."""
    if weights is None:
        return None
    return along("weights", weights, dataset[chosen.variables[0]]).compute()
