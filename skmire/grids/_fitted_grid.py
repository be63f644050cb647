"""What a fitted grid answers: values anywhere, gaps filled, residuals."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Hashable, Mapping
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skmire.grids._axes import Axis, refuse_unknown
from skmire.grids._data import ARRAY, lies_along, mask_along, refuse_other_kinds
from skmire.grids._fields import Asked, Extrapolate, Field, Query
from skmire.grids._labels import finer, regular, with_indices
from skmire.grids._queries import Chunks, answers, filled

Grid = TypeVar("Grid", xr.DataArray, xr.Dataset)
#: From a field and one of its variables to the names and attributes of what is asked of it.
Called = Callable[[Field, Hashable], list[tuple[Hashable, dict[Any, Any]]]]

#: What a file says of a variable, and not of how it is packed there, which does not suit a fit.
_SAID = {"grid_mapping", "coordinates"}


class FittedGrid(BaseEstimator, ABC):
    """Queries of the fields that a subclass has fitted.

    Attributes
    ----------
    fields_ : list of Field
        One for each variable, or one for all of them.
    grid_ : Dataset
        The fitted coordinates, without data.
    """

    extrapolate: Extrapolate
    fields_: list[Field]
    grid_: xr.Dataset
    _name: Hashable
    _is_array: bool
    _attrs: dict[Any, Any]
    _left: xr.Dataset  # variables that are not fitted, such as bounds and the mapping of a grid
    _known: dict[Hashable, tuple[np.dtype[Any], dict[Any, Any]]]

    @property
    def encoders_(self) -> dict[Hashable, Any]:
        """The fitted encoders inside by variable; one and the same if they were fitted jointly."""
        check_is_fitted(self)
        return {
            self._name if self._is_array else name: field.encoder
            for field in self.fields_
            for name in field.variables
        }

    def interp(
        self,
        coords: Mapping[Any, Any] | None = None,
        *,
        chunks: Chunks = None,
        **coords_kwargs: Any,
    ) -> Any:
        """Return the fit at other coordinates, as xarray's ``interp`` does.

        Parameters
        ----------
        coords : mapping, default=None
            New labels by the names of coordinates: a number or date, which drops the dimension; a
            1-D array, of which several span a grid; or DataArrays, which are taken point by point
            along the dimensions that they share. Coordinates that are not named keep the fitted
            labels; of scattered points and curvilinear grids all are to be named.
        chunks : int, "auto" or mapping of dimension to int, default=None
            If given, the answer is a Dask array of such chunks, computed when asked for. It is
            lazy without, too, if the labels are Dask arrays.
        **coords_kwargs : dict
            `coords`, by keyword.

        Returns
        -------
        values : DataArray or Dataset
            As was fitted, with its name, attributes, dimensions in their order and coordinates.
            Floats keep their precision, all else becomes float64.

        Raises
        ------
        NotFittedError
            If nothing is fitted.
        ValueError
            If a coordinate is unknown or, with ``extrapolate="raise"``, outside the fitted range.
        """
        asked = {**(coords or {}), **coords_kwargs}
        return self._as_fitted(self._answers(Field.values, asked, self._as_it_was, chunks), asked)

    def interp_like(self, other: xr.DataArray | xr.Dataset, *, chunks: Chunks = None) -> Any:
        """Return the fit at the coordinates of another object.

        Parameters
        ----------
        other : DataArray or Dataset
            The labels of its coordinates of the same names are taken, along one dimension or, as
            the latitudes of a curvilinear grid, along several. Coordinates that it does not have
            keep the fitted labels.
        chunks : int, "auto" or mapping of dimension to int, default=None
            As in `interp`; ``None`` means those of `other`.

        Returns
        -------
        values : DataArray or Dataset
            As was fitted.

        Raises
        ------
        NotFittedError
            If nothing is fitted.
        """
        check_is_fitted(self)
        refuse_other_kinds("interp_like", other, self._axes)
        asked = self._labels_of(other)
        if chunks is None and other.chunks:
            dims = {dim for labels in asked.values() for dim in labels.dims}
            chunks = {dim: size for dim, size in other.chunksizes.items() if dim in dims}
        return self.interp(asked, chunks=chunks)

    def upsample(
        self,
        factor: int | Mapping[str, int] | None = None,
        *,
        chunks: Chunks = None,
        **factors: int,
    ) -> Any:
        """Return the fit on a finer grid, which holds the fitted labels.

        Parameters
        ----------
        factor : int or mapping of str to int, default=None
            Into how many each step between labels is divided: along every coordinate, or by name.
        chunks : int, "auto" or mapping of dimension to int, default=None
            As in `interp`.
        **factors : int
            `factor`, by keyword.

        Returns
        -------
        values : DataArray or Dataset
            As was fitted. Of n labels there are ``(n - 1) * factor + 1`` then, and ``n * factor``
            along a period that is covered as a whole.

        Raises
        ------
        NotFittedError
            If nothing is fitted.
        ValueError
            If a factor is no whole number above 0, or a coordinate is not one of a dimension.
        """
        check_is_fitted(self)
        axes = self._axes
        of_all = 1 if factor is None else factor
        given = factor if isinstance(factor, Mapping) else dict.fromkeys(axes, of_all)
        by_name = {**given, **factors}
        asked = {}
        for name, times in by_name.items():
            if times == 1:
                continue
            if name not in axes or not axes[name].is_regular:
                raise ValueError(
                    f"upsample divides steps along dimensions that were fitted; {name!r} is none. "
                    "Ask for a grid of your own: grid(spacing=...)."
                )
            if not isinstance(times, Integral) or times < 1:
                raise ValueError(f"A factor must be a whole number above 0, got {times!r}.")
            grid = with_indices(self.grid_, next(f for f in self.fields_ if name in f.names))
            labels = finer(grid, axes[name], int(times))
            asked[name] = xr.Variable((name,), labels, axes[name].attrs)
        return self.interp(asked, chunks=chunks)

    def grid(
        self,
        spacing: Any,
        region: Mapping[str, Any] | None = None,
        *,
        chunks: Chunks = None,
    ) -> Any:
        """Return the fit on a regular grid.

        Parameters
        ----------
        spacing : float or mapping
            Of the labels, in the unit of the coordinate; durations along times. A number is for
            all coordinates but times.
        region : mapping of str to pair of labels, slice, or one label, default=None
            The ends along a coordinate, the lower first but over a seam, or where to stay along it.
            Dates may be text. The fitted range where there is none.
        chunks : int, "auto" or mapping of dimension to int, default=None
            As in `interp`.

        Returns
        -------
        values : DataArray or Dataset
            As was fitted. Coordinates of dimensions that neither `spacing` nor `region` tell of
            keep the fitted labels.

        Raises
        ------
        NotFittedError
            If nothing is fitted.
        ValueError
            If a coordinate is unknown or lacks a spacing, or its ends are none.
        """
        check_is_fitted(self)
        return self.interp(regular(self._axes, spacing, region or {}), chunks=chunks)

    def fill_gaps(self, data: Grid, mask: Any = None, *, keep_known: bool = True) -> Grid:
        """Return data with what is missing filled in by the fit.

        Parameters
        ----------
        data : DataArray or Dataset
            With the coordinates of the fit, whatever their labels. If the fit is of a Dataset, the
            name says which of its variables it is.
        mask : DataArray or array-like of bool, default=None
            Where to fill, along dimensions of the data or of its shape; elsewhere, as on land, what
            is missing stays so, and in variables of a Dataset that lack some of its dimensions.
        keep_known : bool, default=True
            Whether the known values stay, bit by bit. If not, they are the fit's, too.

        Returns
        -------
        filled : DataArray or Dataset
            As `data`, in all but the missing values, and not packed in a file. Whole numbers
            become float64 if the known ones do not stay. Lazy if it is chunked.

        Raises
        ------
        NotFittedError
            If nothing is fitted.
        ValueError
            If the fit has no such variable or `data` no such coordinate.
        """
        check_is_fitted(self)
        refuse_other_kinds("fill_gaps", data, self._axes)
        if isinstance(data, xr.Dataset):
            there = self._fitted_of(data)
            own = [v for v in there if lies_along(mask, data[v])] or there
            return data.assign(
                {v: self.fill_gaps(data[v], mask, keep_known=keep_known) for v in own}
            )
        field, output = self._variable(data)
        n_answers = len(field.variables)
        ask = Asked(field, Field.values, self.extrapolate, np.dtype(np.float64), n_answers)
        over = None if mask is None else mask_along(mask, data)
        coords = with_indices(data.coords.to_dataset(), field, data.sizes)
        old = data if keep_known or data.dtype.kind == "f" else data.astype(np.float64)
        new = old.copy(
            data=filled(old.variable, ask, output, coords, over, keep_known=keep_known).data
        )
        new.encoding = {key: how for key, how in data.encoding.items() if key in _SAID}
        return new

    def residual(self, data: Grid) -> Grid:
        """Return data less the fit at its coordinates.

        Parameters
        ----------
        data : DataArray or Dataset
            With the coordinates of the fit; of a Dataset, all fitted variables are taken.

        Returns
        -------
        residual : DataArray or Dataset
            In the unit of the data. Lazy if it is chunked. Of a Dataset, with what has no
            dimensions, such as the mapping of a grid.

        Raises
        ------
        NotFittedError
            If nothing is fitted.
        ValueError
            If the fit has no such variable or `data` no such coordinate.
        """
        check_is_fitted(self)
        refuse_other_kinds("residual", data, self._axes)
        if isinstance(data, xr.Dataset):
            rests = {v: self.residual(data[v]) for v in self._fitted_of(data)}
            bare = {name: v for name, v in data.data_vars.items() if not v.dims}
            return xr.Dataset({**bare, **rests}, attrs=data.attrs)
        rest = data - self.fill_gaps(data, keep_known=False)
        called = data.attrs.get("long_name", "data" if data.name is None else data.name)
        rest.attrs = {
            "long_name": f"{called} less its fit",
            **{key: data.attrs[key] for key in ("units", "grid_mapping") if key in data.attrs},
        }
        return rest

    @property
    def _axes(self) -> dict[str, Axis]:
        """The axes of all fields, by name."""
        return {axis.name: axis for field in self.fields_ for axis in field.axes}

    def _fitted_of(self, data: xr.Dataset) -> list[Hashable]:
        """Return which variables of a Dataset were fitted."""
        own = [self._name if self._is_array else v for f in self.fields_ for v in f.variables]
        there = [name for name in own if name in data.data_vars]
        if not there:
            raise ValueError(
                f"The Dataset has none of the fitted variables, {list(self.encoders_)}. Rename it."
            )
        return there

    # -- what the answers are called -------------------------------------------------------------

    def _as_it_was(self, field: Field, variable: Hashable) -> list[tuple[Hashable, dict[Any, Any]]]:
        return [(variable, self._known[variable][1])]

    def _variable(self, data: xr.DataArray) -> tuple[Field, int]:
        """Return the field that data are of, and their place among its variables."""
        wanted = ARRAY if self._is_array else data.name
        for field in self.fields_:
            if wanted in field.variables:
                # A dimension counts by its indices if it did when it was fitted.
                there = {*data.coords, *({*data.dims} - {*self.grid_.coords})}
                if missing := [name for name in field.names if name not in there]:
                    raise ValueError(
                        f"The data must have the coordinates {field.names}; {missing} are missing."
                    )
                return field, field.variables.index(wanted)
        raise ValueError(
            f"The fit has the variables {list(self.encoders_)}, and none that is called "
            f"{data.name!r}. Rename the data to one of them."
        )

    def _labels_of(self, other: xr.DataArray | xr.Dataset) -> dict[str, xr.DataArray]:
        return {
            name: other.coords[name].reset_coords(drop=True)
            for name in sorted(self._axes)
            if name in other.coords and other.coords[name].ndim
        }

    def _answers(
        self,
        query: Query,
        asked: Mapping[Any, Any],
        called: Called,
        chunks: Chunks,
        only: list[Field] | None = None,
    ) -> dict[Hashable, xr.DataArray]:
        """Return the answers of some or all fields by their new names."""
        check_is_fitted(self)
        refuse_unknown(asked, self._axes)
        found: dict[Hashable, xr.DataArray] = {}
        for field in self.fields_ if only is None else only:
            dtype = np.result_type(*(self._known[v][0] for v in field.variables))
            named = [(name, *new) for name in field.variables for new in called(field, name)]
            ask = Asked(field, query, self.extrapolate, dtype, len(named))
            own = {name: labels for name, labels in asked.items() if name in field.names}
            variables, labels = answers(self.grid_, ask, own, chunks)
            for (name, new, attrs), variable in zip(named, variables, strict=True):
                variable.attrs = dict(attrs)
                typed = variable.astype(self._known[name][0], copy=False)
                found[new] = xr.DataArray(typed, coords=labels.coords, name=new)
        sizes = {dim: n for answer in found.values() for dim, n in answer.sizes.items()}
        if isinstance(chunks, Mapping) and not {*chunks} <= {*sizes}:
            raise ValueError(
                f"chunks must name dimensions of the answer, {list(sizes)}; got "
                f"{sorted(str(dim) for dim in {*chunks} - {*sizes})}. Leave these out."
            )
        return found

    def _as_fitted(self, found: dict[Hashable, xr.DataArray], asked: Mapping[Any, Any]) -> Any:
        """Return answers, one for each variable, as a DataArray or a Dataset, as was fitted."""
        if not self._is_array:
            return self._together(found, asked)
        ((name, single),) = found.items()
        return single.rename(self._name if name == ARRAY else name)

    def _together(
        self, found: dict[Hashable, xr.DataArray], asked: Mapping[Any, Any]
    ) -> xr.Dataset:
        """Return answers, with what was not fitted and is not along a dimension that is new."""
        new = xr.Dataset(found, attrs=self._attrs)
        axes = [axis for field in self.fields_ for axis in field.axes if axis.name in asked]
        gone = {dim for axis in axes for dim in axis.dims}
        sizes = {**self._left.sizes, **new.sizes}
        stay = {
            name: variable
            for name, variable in self._left.variables.items()
            if not gone & {*variable.dims} and all(sizes[d] == n for d, n in variable.sizes.items())
        }
        coords = {name: stay.pop(name) for name in self._left.coords if name in stay}
        return new.assign(stay).assign_coords(coords)
