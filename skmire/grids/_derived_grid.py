"""Derivatives of a fitted grid, with units and names."""

from __future__ import annotations

from abc import ABC
from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmire.grids._axes import Axis, by_kind, refuse_unknown
from skmire.grids._codecs import per_unit
from skmire.grids._conventions import derived_attrs
from skmire.grids._data import ARRAY
from skmire.grids._fields import Field
from skmire.grids._fitted_grid import FittedGrid
from skmire.grids._queries import Chunks

Array = NDArray[np.float64]
Named = list[tuple[Hashable, dict[Any, Any]]]


class DerivedGrid(FittedGrid, ABC):
    """Derivatives by the coordinates of the fields that a subclass has fitted.

    They are exact for the fit, by the chain rule through the places on circles and spheres.
    """

    def differentiate(
        self,
        coord: str,
        coords: Mapping[Any, Any] | None = None,
        *,
        order: int = 1,
        datetime_unit: str | None = None,
        chunks: Chunks = None,
        **coords_kwargs: Any,
    ) -> Any:
        """Return the derivative of the fit by a coordinate.

        Parameters
        ----------
        coord : str
            Of the coordinates that were fitted.
        coords : mapping, default=None
            Where, as in `interp`; the fitted grid by default.
        order : {1, 2}, default=1
            How often it is derived.
        datetime_unit : {"D", "h", "m", "s", "ms", "us", "ns"}, default=None
            Per which unit of time, if `coord` holds dates or durations; ``None`` is the longest
            that is no longer than the median step of the fitted labels.
        chunks : int, "auto" or mapping of dimension to int, default=None
            As in `interp`.
        **coords_kwargs : dict
            `coords`, by keyword.

        Returns
        -------
        derivative : DataArray or Dataset
            As was fitted, named as in ``dtemperature_dlat``, with the unit of the values per unit
            of the coordinate if the attributes tell both. Degrees stay degrees: along a parallel
            they are not all of one length.

        Raises
        ------
        NotFittedError
            If nothing is fitted.
        TypeError
            If the encoder inside has no derivatives.
        ValueError
            If there is no such coordinate or order.
        """
        check_is_fitted(self)
        if order not in (1, 2):
            raise ValueError(f"order must be 1 or 2, got {order!r}.")
        refuse_unknown([coord], self._axes)
        fields = [field for field in self.fields_ if coord in field.names]
        axis = fields[0].axes[fields[0].axis(coord)]
        factor, unit = _rate(axis, datetime_unit)
        what = f"derivative by {coord}" if order == 1 else f"second derivative by {coord}"

        def called(field: Field, variable: Hashable) -> Named:
            return [self._derived(variable, _letters(order, coord), what, {unit: order})]

        asked = {**(coords or {}), **coords_kwargs}
        query = partial(_one, coord, order, factor**order)
        return self._as_fitted(self._answers(query, asked, called, chunks, fields), asked)

    def gradient(
        self,
        coords: Mapping[Any, Any] | None = None,
        *,
        datetime_unit: str | None = None,
        chunks: Chunks = None,
        **coords_kwargs: Any,
    ) -> xr.Dataset:
        """Return the derivatives of the fit by every coordinate.

        Parameters
        ----------
        coords : mapping, default=None
            Where, as in `interp`; the fitted grid by default.
        datetime_unit : {"D", "h", "m", "s", "ms", "us", "ns"}, default=None
            As in `differentiate`.
        chunks : int, "auto" or mapping of dimension to int, default=None
            As in `interp`.
        **coords_kwargs : dict
            `coords`, by keyword.

        Returns
        -------
        gradient : Dataset
            The answers of `differentiate`, one for each variable and coordinate.

        Raises
        ------
        NotFittedError
            If nothing is fitted.
        TypeError
            If the encoder inside has no derivatives.
        """
        check_is_fitted(self)
        rates = {name: _rate(axis, datetime_unit) for name, axis in self._axes.items()}

        def called(field: Field, variable: Hashable) -> Named:
            return [
                self._derived(variable, _letters(1, by), f"derivative by {by}", {rates[by][1]: 1})
                for by in field.names
            ]

        asked = {**(coords or {}), **coords_kwargs}
        query = partial(_all, {name: factor for name, (factor, _) in rates.items()})
        return self._together(self._answers(query, asked, called, chunks), asked)

    def laplacian(
        self,
        coords: Mapping[Any, Any] | None = None,
        *,
        dims: Sequence[str] | None = None,
        datetime_unit: str | None = None,
        chunks: Chunks = None,
        **coords_kwargs: Any,
    ) -> Any:
        """Return the sum of the second derivatives of the fit by some of its coordinates.

        Parameters
        ----------
        coords : mapping, default=None
            Where, as in `interp`; the fitted grid by default.
        dims : sequence of str, default=None
            By which coordinates, all in one unit, of variables that have them all; ``None`` means
            all of each variable's own but times. If the fit is on a
            sphere, latitude and longitude go together, and their part is the Laplacian along the
            sphere, per square degree of a great circle. Else it is the plain sum, in which degrees
            of longitude count as those of latitude.
        datetime_unit : {"D", "h", "m", "s", "ms", "us", "ns"}, default=None
            As in `differentiate`.
        chunks : int, "auto" or mapping of dimension to int, default=None
            As in `interp`.
        **coords_kwargs : dict
            `coords`, by keyword.

        Returns
        -------
        laplacian : DataArray or Dataset
            As was fitted, in the unit of the values per squared unit of the coordinates, if these
            are known.

        Raises
        ------
        NotFittedError
            If nothing is fitted.
        TypeError
            If the encoder inside has no derivatives.
        ValueError
            If there are no such coordinates, or in several units.
        """
        check_is_fitted(self)
        fields = [field for field in self.fields_ if {*(dims or ())} <= {*field.names}]
        if not fields or (dims is not None and not dims):
            raise ValueError(
                f"dims must be of the coordinates of one field, {list(self._axes)}; got "
                f"{list(dims or ())}."
            )

        def called(field: Field, variable: Hashable) -> Named:
            rates = _rates_of_one_unit(field, dims, datetime_unit)
            what = f"Laplacian by {', '.join(rates)}"
            units = {unit for _, unit in rates.values()}
            return [self._derived(variable, "laplacian_{}", what, dict.fromkeys(units, 2))]

        asked = {**(coords or {}), **coords_kwargs}
        query = partial(_sum_of_second, dims, datetime_unit)
        return self._as_fitted(self._answers(query, asked, called, chunks, fields), asked)

    def _derived(
        self, variable: Hashable, letters: str, what: str, by: Mapping[str, int]
    ) -> tuple[Hashable, dict[Any, Any]]:
        """Return the name and attributes of a derivative: `letters` around those of a variable."""
        name = self._name if variable == ARRAY else variable
        called = "" if name is None else str(name)
        attrs = derived_attrs(called, self._known[variable][1], what, by)
        return letters.format(called).strip("_"), attrs


def _rate(axis: Axis, datetime_unit: str | None) -> tuple[float, str]:
    factor, unit = per_unit(axis.codec, datetime_unit)
    return factor, unit or axis.unit


def _rates_of_one_unit(
    field: Field, dims: Sequence[str] | None, datetime_unit: str | None
) -> dict[str, tuple[float, str]]:
    """Return the rates of the coordinates of a Laplacian and their units, which must be one."""
    axes = {axis.name: axis for axis in field.axes}
    if dims is None:
        dims = [name for name, axis in axes.items() if not axis.is_time] or list(axes)
    rates = {name: _rate(axes[name], datetime_unit) for name in dims}
    counted = {
        # Latitudes and longitudes without units are told by their names, and so in degrees.
        name: unit or ("degree" if any(by_kind([(name, {})]).values()) else "unknown")
        for name, (_, unit) in rates.items()
    }
    if len({*counted.values()}) > 1:
        told = ", ".join(f"{name} ({unit})" for name, unit in counted.items())
        raise ValueError(
            f"A Laplacian adds up derivatives by coordinates in one unit; got {told}. Name "
            f"some of one unit, as in laplacian(dims={list(dims)[:1]}), or give them units."
        )
    return rates


def _letters(order: int, coord: str) -> str:
    times = "" if order == 1 else str(order)
    return f"d{times}{{}}_d{coord}{times}"


def _one(coord: str, order: int, factor: float, field: Field, numbers: Array) -> Array:
    i = field.axis(coord)
    found = field.gradient(numbers)[:, :, i] if order == 1 else field.seconds(numbers, [i])[:, :, 0]
    return found * factor


def _all(factors: Mapping[str, float], field: Field, numbers: Array) -> Array:
    found: Array = field.gradient(numbers) * np.array([factors[name] for name in field.names])
    return found.reshape(len(numbers), -1)


def _sum_of_second(
    dims: Sequence[str] | None, datetime_unit: str | None, field: Field, numbers: Array
) -> Array:
    rates = _rates_of_one_unit(field, dims, datetime_unit)
    factors = {name: rate**2 for name, (rate, _) in rates.items()}
    sphere = field.embedding.sphere
    pair = [field.names[i] for i in sphere.of] if sphere else []
    rest = {name: factor for name, factor in factors.items() if name not in pair}
    which = [field.axis(name) for name in rest]
    scale = np.array([*rest.values()])
    if len(rest) == len(factors):
        return np.asarray(field.seconds(numbers, which) @ scale)
    derived = field.by_places(numbers)
    plain = field.embedding.curvature(numbers, *derived)[:, :, which] @ scale
    return np.asarray(field.embedding.on_sphere(numbers, *derived) + plain)
