"""An encoder for whoever has labelled coordinates: xarray in, xarray out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from numbers import Integral
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import xarray as xr
from sklearn.base import _fit_context, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skmire.encoders import MIREncoder
from skmire.grids._axes import axis_of, by_kind, cos_latitudes, embedding_of
from skmire.grids._data import (
    ARRAY,
    Chosen,
    as_dataset,
    choices,
    has_gaps,
    is_scattered,
    lies_along,
    mask_along,
    not_fitted,
    weights_along,
)
from skmire.grids._derived_grid import DerivedGrid
from skmire.grids._fields import Extrapolate, Field, Zeros
from skmire.grids._gaps import gap_shape, groups_of
from skmire.grids._labels import numbers_of, with_indices
from skmire.grids._samples import at_cells, known_cells


class Read(NamedTuple):
    """A field that is to be trained, and what on."""

    field: Field
    places: Any
    values: Any
    options: dict[str, Any]


class GridEncoder(DerivedGrid):
    """A continuous field behind labelled data, asked and answered in xarray's terms.

    Coordinates become numbers, and go back to labels: dates of numpy and cftime count in a unit of
    time from an origin, longitudes may lie on a circle, and latitudes and longitudes on a sphere.
    What is missing (NaN) is not fitted. Answers have the name, attributes, dimensions, coordinates
    and precision of the data.

    Parameters
    ----------
    encoder : estimator, default=None
        What is fitted inside, on a table of coordinates and values. ``None`` means ``MIREncoder()``
        with this object's `random_state`. Any regressor of scikit-learn will do; derivatives need
        ``jacobian`` and ``hessian``.
    coords : sequence of str, default=None
        The coordinates that the field is a function of. ``None`` means those of the dimensions;
        where dimensions have none, as of scattered points and curvilinear grids, those of floats or
        times along them, and of whole numbers that their name or attributes explain; and else, of a
        DataArray, the indices.
    periodic : "auto", None or dict of str to number or duration, default="auto"
        Coordinates that come back after a period, by name; along times it is a duration, such as
        ``np.timedelta64(365, "D")``. They lie on a circle, so that there is no seam.
        ``"auto"`` finds longitudes that go once round, or across the date line.
    sphere : bool, default=False
        Whether latitude and longitude are points on the sphere: no seam, and no poles. Variables
        of a Dataset that lack either stay as they are, if others have both.
    extrapolate : {"nan", "raise", "allow"}, default="nan"
        What becomes of queries outside the fitted range, which is the extent of the coordinates,
        missing cells included. It may be changed after `fit`.
    cos_latitude : bool, default=False
        Whether samples are weighted by the cosine of their latitude, as the cells of a grid in
        degrees are by their areas. Variables of a Dataset that have none are not, if others have.
    joint : bool, default=False
        Whether the variables of a Dataset are the outputs of one encoder, fitted where all of them
        are known. If not, each has an encoder of its own.
    block_shape : mapping of str to int or "gaps", default=None
        How many cells along each dimension are held out together, where a search holds some out to
        judge by; 1 along those that are not named, and along all for ``None``. ``"gaps"`` are as
        many as runs of missing cells have, in the median along each dimension, or fewer if there
        would not be ten blocks: a fit that is to bridge gaps is then judged by how it does.
    max_samples : int or None, default=262144
        How many known cells are fitted at most; of more, so many are drawn at random. ``None``
        means all.
    random_state : int, RandomState instance or None, default=None
        Of that draw, and of the default encoder.

    Attributes
    ----------
    encoders_ : dict of hashable to estimator
        The fitted encoders inside, by the names of variables.
    fields_ : list of Field
        These with what their coordinates are: labels, ranges and places.
    grid_ : Dataset
        The fitted coordinates, without data.
    n_samples_ : dict of hashable to int
        How many cells were fitted, by variable.

    See Also
    --------
    MireAccessor : The same as ``da.mire``.
    skmire.MIREncoder : The encoder inside.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> from skmire import FixedSequence, MIREncoder
    >>> from skmire.grids import GridEncoder
    >>> lat, lon = np.linspace(60, 40, 21), np.linspace(0, 30, 31)
    >>> waves = np.sin(lat[:, None] / 5) + np.cos(lon / 8)
    >>> sst = xr.DataArray(
    ...     waves,
    ...     {"lat": ("lat", lat, {"units": "degrees_north"}), "lon": lon},
    ...     name="sst",
    ...     attrs={"units": "K"},
    ... )
    >>> encoder = MIREncoder(search=FixedSequence("sinusoid", 2), hidden_width=64, random_state=0)
    >>> grid = GridEncoder(encoder).fit(sst.where(sst.lon != 7))
    >>> finer = grid.upsample(lon=2)
    >>> dict(finer.sizes), float(abs(finer[:, ::2] - sst).max()) < 0.1
    ({'lat': 21, 'lon': 61}, True)
    >>> slope = grid.differentiate("lat", lat=50.0, lon=[7, 8])
    >>> slope.name, slope.shape, slope.attrs["units"]
    ('dsst_dlat', (2,), 'K / degree')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "encoder": [None, HasMethods(["fit", "predict"])],
        "coords": [None, list, tuple],
        "periodic": [None, StrOptions({"auto"}), dict],
        "sphere": ["boolean"],
        "extrapolate": [StrOptions({"nan", "raise", "allow"})],
        "cos_latitude": ["boolean"],
        "joint": ["boolean"],
        "block_shape": [None, StrOptions({"gaps"}), Mapping],
        "max_samples": [None, Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    n_samples_: dict[Any, int]

    def __init__(
        self,
        encoder: Any = None,
        *,
        coords: Sequence[str] | None = None,
        periodic: Mapping[str, Any] | Literal["auto"] | None = "auto",
        sphere: bool = False,
        extrapolate: Extrapolate = "nan",
        cos_latitude: bool = False,
        joint: bool = False,
        block_shape: Mapping[Hashable, int] | Literal["gaps"] | None = None,
        max_samples: int | None = 2**18,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.encoder = encoder
        self.coords = coords
        self.periodic = periodic
        self.sphere = sphere
        self.extrapolate = extrapolate
        self.cos_latitude = cos_latitude
        self.joint = joint
        self.block_shape = block_shape
        self.max_samples = max_samples
        self.random_state = random_state

    def set_params(self, **params: Any) -> Self:
        """Set parameters, and those of the encoder, as in ``encoder__max_epochs``.

        Parameters
        ----------
        **params : dict
            Values by name.

        Returns
        -------
        self : object
            The encoder, with these parameters.

        Raises
        ------
        ValueError
            If there is no such parameter, or no encoder yet to hold it.
        """
        if params.get("encoder", self.encoder) is None:
            for name in params:
                if name.startswith("encoder__"):
                    raise ValueError(
                        f"{name} cannot be set while encoder=None: there is no object yet to hold "
                        "it. Give the encoder one, as in GridEncoder(MIREncoder())."
                    )
        super().set_params(**params)
        return self

    def fit(self, data: Any, weights: Any = None, gaps: Any = None) -> Self:
        """Find the field behind labelled data.

        Parameters
        ----------
        data : DataArray, Dataset or DataFrame
            Values on a grid, on a curvilinear one, or along scattered points; NaN where they are
            missing. Of a Dataset, the variables of real numbers are fitted that have a coordinate
            along each dimension; of a frame, all columns of numbers that are no coordinates.
            Chunked data are read a few chunks at a time.
        weights : DataArray or array-like, default=None
            Of the samples, at least 0: along dimensions of the data, or of its shape. Of a Dataset,
            the variables that lack some of these have none.
        gaps : DataArray or array-like of bool, default=None
            Which of the missing cells are gaps, for ``block_shape="gaps"``, and not land, say;
            ``None`` means all.

        Returns
        -------
        self : object
            The fitted encoder.

        Raises
        ------
        TypeError
            If the data are of another kind.
        ValueError
            If there is nothing to fit, the coordinates are not clear, or a parameter is not as
            documented.
        """
        fitted: Self = self._fit(data, weights, gaps)
        return fitted

    @_fit_context(prefer_skip_nested_validation=False)
    def _fit(
        self,
        data: Any,
        weights: Any = None,
        gaps: Any = None,
        *,
        only_gaps: bool = False,
        rehearsal: Callable[[Self], object] | None = None,
    ) -> Self:
        """Fit all variables, or those with gaps, if a question in rehearsal is one to be answered.

        All are read and checked before the first is trained, which takes longest.
        """
        dataset = as_dataset(data, self.coords)
        is_array = isinstance(data, xr.DataArray)
        chosen = choices(dataset, self.coords, is_array=is_array, joint=self.joint)
        if isinstance(self.periodic, dict):
            named = {name for some in chosen for name in some.coords}
            if unknown := sorted(set(self.periodic) - named):
                raise ValueError(f"periodic must name coordinates, {sorted(named)}; got {unknown}.")
        dims = {dim for some in chosen for dim in some.dims}
        if isinstance(self.block_shape, Mapping) and not {*self.block_shape} <= dims:
            raise ValueError(
                f"block_shape must name dimensions, {sorted(map(str, dims))}; got "
                f"{[*self.block_shape]}. Leave out the others."
            )
        seed = int(check_random_state(self.random_state).randint(2**31))
        firsts = [dataset[some.variables[0]] for some in chosen]
        to_fill = _or_all(lies_along(gaps, data) for data in firsts)
        if gaps is not None:  # refused now, and not when they are filled
            for first in compress(firsts, to_fill):
                mask_along(gaps, first)
        kinds = [by_kind([(name, dataset[name].attrs) for name in c.coords]) for c in chosen]
        reads = [
            self._read(
                dataset,
                some,
                weights if weighted else None,
                gaps,
                seed,
                sphere=self.sphere and has_both,
                cos_latitude=self.cos_latitude and has_latitude,
            )
            for some, filled, weighted, has_both, has_latitude in zip(
                chosen,
                to_fill,
                _or_all(lies_along(weights, data) for data in firsts),
                _or_all(all(kind.values()) for kind in kinds),
                _or_all(bool(kind["latitude"]) for kind in kinds),
                strict=True,
            )
            if not only_gaps or (filled and has_gaps(dataset[some.variables[0]], gaps))
        ]
        fields = [read.field for read in reads]
        if rehearsal is not None:
            blank = [replace(field, encoder=Zeros(len(field.variables))) for field in fields]
            rehearsal(self._with(blank, dataset, chosen, data))
        for read in reads:
            read.field.encoder.fit(read.places, read.values, **read.options)
        self.n_samples_ = {
            data.name if is_array else name: len(read.values)
            for read in reads
            for name in read.field.variables
        }
        return self._with(fields, dataset, chosen, data)

    def _with(
        self, fields: list[Field], dataset: xr.Dataset, chosen: list[Chosen], data: Any
    ) -> Self:
        """Return this object, with fields of the data and what answers need to know of these."""
        is_array = isinstance(data, xr.DataArray)
        self.fields_ = fields
        coords = dataset.coords.to_dataset()
        away = {*coords.dims} - {dim for some in chosen for dim in some.dims}
        self.grid_ = coords.drop_dims(away).compute().drop_attrs(deep=False)
        self._is_array = is_array
        self._name = data.name if is_array else None
        self._attrs = {} if is_array else dict(dataset.attrs)
        self._left = not_fitted(dataset, chosen)
        self._known = {
            name: (
                dataset[name].dtype if dataset[name].dtype.kind == "f" else np.dtype(np.float64),
                dict(dataset[name].attrs),
            )
            for field in fields
            for name in field.variables
        }
        return self

    def _block_shape(self, dataset: xr.Dataset, chosen: Chosen, gaps: Any) -> dict[Hashable, int]:
        """Return how many cells of these variables are held out together, by dimension."""
        if self.block_shape is None:
            return {}
        if self.block_shape == "gaps":
            arrays = [dataset[name] for name in chosen.variables]
            mask = gaps if ARRAY in chosen.variables or lies_along(gaps, arrays[0]) else None
            shape = gap_shape(arrays, mask)
            return {dim: n for dim, n in shape.items() if not is_scattered(dataset, chosen, dim)}
        given: dict[Hashable, Any] = {**self.block_shape}
        for dim, n in given.items():
            if type(n) is bool or not isinstance(n, Integral) or n < 1:
                raise ValueError(
                    f"block_shape must hold integers of at least 1, got {n!r} along {dim!r}. Give "
                    "the number of cells."
                )
        return {dim: n for dim, n in given.items() if dim in chosen.dims}

    def _read(
        self,
        dataset: xr.Dataset,
        chosen: Chosen,
        weights: Any,
        gaps: Any,
        seed: int,
        *,
        sphere: bool,
        cos_latitude: bool,
    ) -> Read:
        """Return one field that is not trained yet, and its samples."""
        periods = {} if self.periodic is None else self.periodic
        axes = tuple(axis_of(dataset[name], name, periods, sphere=sphere) for name in chosen.coords)
        embedding = embedding_of(axes, sphere=sphere)
        shape = self._block_shape(dataset, chosen, gaps)
        variables = [dataset[name].variable for name in chosen.variables]
        cells = known_cells(variables, self.max_samples, seed)
        index = np.unravel_index(cells.place, variables[0].shape)
        inside = self.encoder
        encoder = MIREncoder(random_state=self.random_state) if inside is None else clone(inside)
        field = Field(chosen.variables, chosen.dims, axes, embedding, encoder)
        labels = with_indices(dataset.coords.to_dataset(), field)
        numbers = np.stack(
            [at_cells(numbers_of(axis, labels).compute(), chosen.dims, index) for axis in axes],
            axis=1,
        )
        there = np.isfinite(numbers).all(axis=1)  # of curvilinear grids, land may have no place
        if np.count_nonzero(there) < 2:
            called = "" if ARRAY in chosen.variables else f" of {[*chosen.variables]}"
            raise ValueError(
                f"At least two cells must be known; of the {variables[0].size:,}{called} there are "
                f"{np.count_nonzero(there)}. Pass data with more values, or without the variable, "
                "as in ds.drop_vars(...)."
            )
        options: dict[str, Any] = {}
        along = weights_along(weights, dataset, chosen)
        if along is not None or cos_latitude:
            of_cells = np.ones(len(numbers))
            if along is not None:
                of_cells = of_cells * at_cells(along, chosen.dims, index)
            if cos_latitude:
                of_cells = of_cells * cos_latitudes(axes, numbers)
            options["sample_weight"] = of_cells[there]
        values = cells.values[there]
        groups = groups_of(encoder, self.block_shape, shape, chosen.dims, index)
        if groups is not None:
            options["groups"] = groups[there]
        targets = values[:, 0] if len(variables) == 1 else values
        return Read(field, embedding.places(numbers[there]), targets, options)


def _or_all(suits: Iterable[bool]) -> list[bool]:
    """Return what suits which field, or that it does all, to be refused by the first, if none."""
    found = list(suits)
    return found if any(found) else [True] * len(found)
