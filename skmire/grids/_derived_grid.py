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

from skmire.grids._axes import Axis
from skmire.grids._codecs import per_unit
from skmire.grids._conventions import derived_attrs
from skmire.grids._data import ARRAY
from skmire.grids._fields import Field, Query
from skmire.grids._fitted_grid import FittedGrid
from skmire.grids._queries import Chunks

Array = NDArray[np.float64]


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
        fields = [field for field in self.fields_ if coord in field.names]
        if not fields:
            raise ValueError(f"The field is a function of {self._all_names}, not of {coord!r}.")
        axis = fields[0].axes[fields[0].axis(coord)]
        factor, unit = _rate(axis, datetime_unit)
        by = {unit: order}
        what = f"derivative by {coord}" if order == 1 else f"second derivative by {coord}"
        return self._derivative(
            partial(_one, coord, order, factor**order),
            lambda name: (_name(order, name, coord), what, by),
            {**(coords or {}), **coords_kwargs},
            chunks,
            only=fields,
        )

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
        asked = {**(coords or {}), **coords_kwargs}
        parts = [
            self.differentiate(name, asked, datetime_unit=datetime_unit, chunks=chunks)
            for name in self._all_names
        ]
        return xr.merge(
            [part if isinstance(part, xr.Dataset) else part.to_dataset() for part in parts],
            combine_attrs="override",
            compat="override",
            join="outer",
        )

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
            By which coordinates, all in one unit; ``None`` means all but times. If the fit is on a
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
        if dims is None:
            axes = {axis.name: axis for field in self.fields_ for axis in field.axes}
            dims = [name for name, axis in axes.items() if not axis.is_time] or list(axes)
        fields = [field for field in self.fields_ if {*dims} <= {*field.names}]
        if not fields:
            raise ValueError(
                f"dims must be of the coordinates of one field, {self._all_names}; got "
                f"{list(dims)}."
            )
        axes = {axis.name: axis for axis in fields[0].axes}
        rates = {name: _rate(axes[name], datetime_unit) for name in dims}
        units = {unit for _, unit in rates.values()}
        if len(units) > 1:
            told = ", ".join(f"{name} ({unit or 'unknown'})" for name, (_, unit) in rates.items())
            raise ValueError(
                f"A Laplacian adds up derivatives by coordinates in one unit; got {told}. Name "
                f"some of one unit, as in laplacian(dims={list(dims)[:1]}), or give them units."
            )
        return self._derivative(
            partial(_sum_of_second, tuple((name, rate**2) for name, (rate, _) in rates.items())),
            lambda name: (
                "laplacian" if name is None else f"laplacian_{name}",
                f"Laplacian by {', '.join(dims)}",
                dict.fromkeys(units, 2),
            ),
            {**(coords or {}), **coords_kwargs},
            chunks,
            only=fields,
        )

    @property
    def _all_names(self) -> list[str]:
        return list(dict.fromkeys(name for field in self.fields_ for name in field.names))

    def _derivative(
        self,
        query: Query,
        told: Any,
        asked: Mapping[Any, Any],
        chunks: Chunks,
        *,
        only: list[Field],
    ) -> Any:
        def called(variable: Hashable) -> tuple[Hashable, dict[str, Any]]:
            name = self._name if variable == ARRAY else variable
            new, what, by = told(name)
            attrs = self._known[variable][1]
            return new, derived_attrs("" if name is None else str(name), attrs, what, by)

        return self._answers(query, asked, called, chunks, only=only)


def _rate(axis: Axis, datetime_unit: str | None) -> tuple[float, str]:
    factor, unit = per_unit(axis.codec, datetime_unit)
    return factor, unit or axis.unit


def _name(order: int, name: Hashable, coord: str) -> str:
    times = "" if order == 1 else str(order)
    return f"d{times}{'' if name is None else name}_d{coord}{times}"


def _one(coord: str, order: int, factor: float, field: Field, numbers: Array) -> Array:
    found = field.gradient(numbers) if order == 1 else field.curvature(numbers)
    return found[:, :, field.axis(coord)] * factor


def _sum_of_second(factors: Sequence[tuple[str, float]], field: Field, numbers: Array) -> Array:
    sphere = field.embedding.sphere
    pair = [field.names[i] for i in sphere.of] if sphere else []
    rest = [(name, factor) for name, factor in factors if name not in pair]
    total = np.zeros((len(numbers), len(field.variables)))
    if len(rest) < len(factors):
        total += field.on_sphere(numbers)
    if rest:
        second = field.curvature(numbers)
        for name, factor in rest:
            total += second[:, :, field.axis(name)] * factor
    return total
