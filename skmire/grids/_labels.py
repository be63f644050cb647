"""The coordinates of an answer: xarray's own semantics of what is asked for."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skmire.grids._axes import ONCE, Axis, refuse_unknown
from skmire.grids._codecs import Numbers, length_of, refuse_other_labels
from skmire.grids._fields import Field

Array = NDArray[np.float64]


def labels_for(grid: xr.Dataset, field: Field, asked: Mapping[Any, Any]) -> xr.Dataset:
    """Return the coordinates of an answer, xarray having done the work.

    Parameters
    ----------
    grid : Dataset
        The coordinates that were fitted, without data.
    field : Field
    asked : mapping
        New labels by the names of axes: scalars, 1-D arrays, or DataArrays; axes that are not named
        keep the fitted ones.

    Returns
    -------
    labels : Dataset
        Holds every axis, those without labels as indices.
    """
    away = {dim for dim in grid.dims if dim not in field.dims}
    base = with_indices(grid.drop_dims(away), field)
    if not asked:
        return base
    _refuse_parts(field, asked)
    taken = [axis for axis in field.axes if axis.name in asked]
    shared = {dim for axis in taken if not axis.is_regular for dim in axis.dims}
    base = base.drop_dims(shared)
    for axis in taken:
        if shared & {*axis.dims}:
            # A dimension of its own, for xarray to replace.
            ends = axis.codec.decode(np.array([axis.low, axis.low + 1.0]))
            base = base.assign_coords({axis.name: (axis.name, ends, axis.attrs)})
    # Of one label nothing can be interpolated.
    single = [
        name
        for name, labels in base.coords.items()
        if name not in base.dims
        and any(base.sizes[dim] == 1 and dim in asked for dim in labels.dims)
    ]
    base = base.drop_vars(single)
    for axis in taken:
        base = _turned(base, axis)
        given = asked[axis.name]
        given = given[1] if isinstance(given, tuple) else given
        if getattr(given, "chunks", None) is None:
            refuse_other_labels(axis.name, axis.codec, np.asarray(given))
    found = base.interp(dict(asked))
    return found.assign_coords(
        {d: found[d] for d in found.dims if d in found.coords and d not in found.indexes}
    )


def _turned(base: xr.Dataset, axis: Axis) -> xr.Dataset:
    """Return a grid with a turn more on both sides of a circle, for the coordinates along it."""
    numbers = axis.codec.encode(base[axis.name].values)
    others = [name for name in base.coords if axis.name in base[name].dims and name != axis.name]
    period = axis.period
    if period is None or not others or np.ptp(numbers) >= ONCE * period:
        return base
    parts = [base]
    for turned in (numbers - period, numbers + period):
        # The first meridian may be there again, as 360 after 0.
        new = (
            np.abs(turned - (numbers.min() + numbers.max()) / 2)
            > np.ptp(numbers) / 2 + 1e-6 * period
        )
        labels = axis.codec.decode(turned[new])
        parts.append(base[{axis.name: new}].assign_coords({axis.name: labels}))
    return xr.concat(parts, axis.name, coords="minimal", compat="override", join="outer")


def _refuse_parts(field: Field, asked: Mapping[Any, Any]) -> None:
    """Refuse to replace one of the coordinates that lie along the same dimensions."""
    replaced = {dim for axis in field.axes if axis.name in asked for dim in axis.dims}
    together = [axis.name for axis in field.axes if replaced & {*axis.dims}]
    if left := [name for name in together if name not in asked]:
        raise ValueError(
            f"{together} were fitted along the same dimensions, so all of them are to be given; "
            f"{left} are missing. Name them too."
        )


def with_indices(
    grid: xr.Dataset, field: Field, sizes: Mapping[Hashable, int] | None = None
) -> xr.Dataset:
    """Return a grid whose dimensions without labels have indices: as many as were fitted.

    Raises
    ------
    ValueError
        If the sizes are others: of a part, nobody knows where it begins.
    """
    counted = {
        axis.name: round(axis.high) + 1
        for axis in field.axes
        if axis.is_regular and axis.name not in grid.coords
    }
    for name, n in counted.items():
        if (given := (sizes or {}).get(name, n)) != n:
            raise ValueError(
                f"A dimension without labels must be as long as the one that was fitted; {name!r} "
                f"was {n}, and is {given}. Say which of its cells these are, as in "
                f"da.assign_coords({name}=np.arange(start, start + {given}))."
            )
    return grid.assign_coords({name: np.arange(n) for name, n in counted.items()})


def dims_of(field: Field, labels: xr.Dataset, asked: Mapping[Any, Any]) -> list[Hashable]:
    """Return the dimensions of an answer: new ones in the places of those they are instead of."""
    dims: dict[Hashable, None] = {}
    for dim in field.dims:
        new = [axis.name for axis in field.axes if axis.name in asked and dim in axis.dims]
        dims.update(
            dict.fromkeys(d for name in new for d in labels[name].dims) if new else {dim: None}
        )
    return list(dims)


def numbers_of(axis: Axis, labels: xr.Dataset) -> xr.Variable:
    """Return the labels of an axis as numbers, lazily if they are chunked."""
    variable = labels[axis.name].variable
    if isinstance(axis.codec, Numbers) and variable.chunks is None:
        return xr.Variable(variable.dims, axis.codec.encode(variable.values))
    encoded: xr.Variable = xr.apply_ufunc(
        axis.codec.encode, variable, dask="parallelized", output_dtypes=[np.float64]
    )
    return xr.Variable(encoded.dims, encoded.data)


def finer(grid: xr.Dataset, axis: Axis, factor: int) -> NDArray[Any]:
    """Return the labels of an axis and `factor` - 1 between every two, spaced evenly.

    Of a period that is covered as a whole, and once, there are some between the last and the first,
    too.
    """
    labels = grid[axis.name].values
    numbers = axis.codec.encode(labels)
    steps = np.diff(numbers)
    period = axis.period
    if period is not None and len(numbers) > 1 and np.ptp(numbers) < ONCE * period:
        turn = np.copysign(period, np.median(steps - period * np.rint(steps / period)))
        steps[steps / turn < -0.5] += turn  # 0 comes after 350
        last = turn - steps.sum()
        if axis.is_whole and last / turn > 1e-6:  # else the first is there again, as 360 after 0
            steps = np.append(steps, last)
    parts = np.arange(factor) / factor
    between = numbers[: len(steps), None] + steps[:, None] * parts
    new = axis.codec.decode(np.append(between.ravel(), numbers[len(steps) :]))
    if new.dtype.kind in "mM":
        new = new.astype(np.promote_types(new.dtype, labels.dtype))
    else:
        new = new.astype(np.result_type(new, labels))
    new[::factor] = labels  # as they were, to the last bit
    return new


def regular(axes: Mapping[str, Axis], spacing: Any, region: Mapping[str, Any]) -> dict[str, Any]:
    """Return the labels of a regular grid along some axes, by name."""
    if not isinstance(spacing, Mapping):
        if isinstance(spacing, np.timedelta64 | timedelta):
            raise ValueError(
                f"A spacing for all coordinates must be a number; got {spacing!r}. Name the one "
                'that a duration is along, as in {"time": np.timedelta64(1, "D")}.'
            )
        spacing = {name: spacing for name, axis in axes.items() if axis.codec.unit is None}
    refuse_unknown((*spacing, *region), axes)
    asked: dict[str, Any] = {}
    for name, axis in axes.items():
        where: Any = region.get(name)
        if name in region and np.ndim(where) == 0 and not isinstance(where, slice):
            asked[name] = where
        elif name in spacing:
            ends = _ends_of(axis, where) if name in region else (axis.low, axis.high)
            step = length_of(axis.codec, f"The spacing along {name!r}", spacing[name])
            asked[name] = xr.Variable((name,), _spaced(axis, step, *ends), axis.attrs)
        elif name in region or not axis.is_regular:
            raise ValueError(f"spacing has none for {name!r}: give one, or one label in region.")
    return asked


def _ends_of(axis: Axis, region: Any) -> tuple[float, float]:
    """Return the ends of a region along an axis as numbers, xarray having read them."""
    if isinstance(region, slice) and region.step is None:
        fitted = axis.codec.decode(np.array([axis.low, axis.high]))
        ends = (region.start, region.stop)
        region = [own if end is None else end for own, end in zip(fitted, ends, strict=True)]
    if np.shape(region) == (2,):
        refuse_other_labels(axis.name, axis.codec, np.asarray(region))
        own = xr.Dataset(coords={axis.name: axis.codec.decode(axis.low + np.arange(2.0))})
        read = own.interp({axis.name: list(region)})[axis.name]
        low, high = (float(end) for end in axis.codec.encode(read.values))
        if high < low and (period := axis.period or axis.turn) is not None:
            high = low + (high - low) % period
        if low <= high:
            return low, high
    raise ValueError(
        f"A region has two ends along a coordinate, the lower first; along {axis.name!r} it has "
        f"{region!r}. Give it two in order, or one label to stay at."
    )


def _spaced(axis: Axis, spacing: float, low: float, high: float) -> NDArray[Any]:
    """Return labels from `low` on, up to `high`, the spacing in the unit of the axis's numbers."""
    steps = (high - low) / spacing
    n_steps = int(np.floor(steps * (1 + 1e-12) + 1e-9))
    numbers = low + spacing * np.arange(n_steps + 1, dtype=np.float64)
    if axis.is_whole and axis.period is not None and n_steps > 0:
        turned = numbers[-1] - numbers[0] >= axis.period * (1 - 1e-9)
        numbers = numbers[:-1] if turned else numbers
    return axis.codec.decode(numbers)
