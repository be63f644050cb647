"""The coordinates that a field is a function of."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.indexes import PandasMultiIndex

from skmire.grids._codecs import Codec, codec_of, length_of, of_calendar
from skmire.grids._conventions import is_explained, is_latitude, is_longitude, is_time, unit_of
from skmire.grids._embeddings import Circle, Embedding, Line, Part, Sphere

Array = NDArray[np.float64]
Periods = Mapping[str, Any]

_TURN = 360.0  # degrees
_WHOLE = 1 - 1e-9  # turns, but for rounding
_AROUND = 3 / 4  # of a period: labels that reach as far lie all around it, gaps and all
_NEARLY = 0.8  # of the globe, above which what would be radians is asked about
ONCE = 1.1  # turns at most of what goes round once, as some grids repeat a few columns


def refuse_unknown(names: Iterable[Hashable], known: Iterable[Hashable]) -> None:
    """Refuse names of coordinates that a field is no function of."""
    known = list(known)
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            f"The field is a function of {known}, not of {unknown}. Name one of those, as the data "
            "that was fitted does."
        )


@dataclass(frozen=True)
class Axis:
    """A coordinate, with the extent that it was fitted on.

    Attributes
    ----------
    name : str
    dims : tuple of hashable
        Of its labels; ``(name,)`` if it is a dimension's own.
    codec : Codec
        Between labels and numbers.
    low, high : float
        The fitted range. Of a period that is covered as a whole, `high` comes one period after
        `low`.
    slack : float
        By how much a number may lie outside: rounding of the labels.
    attrs : dict
    period : float or None
    turn : float or None
        What the numbers of a region's longitudes may differ by, and be of one place.
    """

    name: str
    dims: tuple[Hashable, ...]
    codec: Codec
    low: float
    high: float
    slack: float
    attrs: dict[str, Any]
    period: float | None
    turn: float | None = None

    @property
    def is_regular(self) -> bool:
        """Whether the labels are those of a dimension."""
        return self.dims == (self.name,)

    @property
    def is_whole(self) -> bool:
        """Whether a period is covered as a whole."""
        return self.period is not None and self.high - self.low >= _WHOLE * self.period

    @property
    def is_time(self) -> bool:
        return is_time(self.name, self.attrs, self.codec.unit)

    @property
    def unit(self) -> str:
        """What its numbers count, "" if nobody says."""
        return self.codec.unit or unit_of(self.attrs) or ""

    def contains(self, numbers: Array) -> NDArray[np.bool_]:
        """Return which numbers are in the fitted range."""
        if self.period is not None:
            beyond = (numbers - self.low + self.slack) % self.period
            return np.asarray(beyond <= self.high - self.low + 2 * self.slack)
        return (numbers >= self.low - self.slack) & (numbers <= self.high + self.slack)

    def turned(self, numbers: Array) -> Array:
        """Return longitudes of a region, those that another convention counts brought into it."""
        if self.turn is None:
            return numbers
        least = self.low - self.slack
        inside = least + (numbers - least) % self.turn
        return np.where(self.contains(numbers) | ~self.contains(inside), numbers, inside)


def axis_of(
    labels: xr.DataArray, name: str, periods: Periods | Literal["auto"], *, sphere: bool
) -> Axis:
    """Return the axis of a coordinate's labels.

    Parameters
    ----------
    labels : DataArray
        Of any shape; some may be missing, but not all.
    name : str
        Of the coordinate.
    periods : mapping of str to number or duration, or "auto"
        In the coordinate's unit, durations along times; ``"auto"`` finds longitudes that go once
        round, or over the seam.
    sphere : bool
        Whether longitudes are on a sphere, and so periodic however far they go.

    Returns
    -------
    axis : Axis
    """
    codec = codec_of(name, labels.values)
    numbers = codec.encode(labels.values)
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        raise ValueError(
            f"The coordinate {name!r} holds no number at all. Give it labels, or drop it."
        )
    low, high = least, most = float(numbers.min()), float(numbers.max())
    longitude = is_longitude(name, labels.attrs)
    period = None
    if periods != "auto" and name in periods:
        period = length_of(codec, f"The period along {name!r}", periods[name])
    if period is None and longitude and (sphere or periods == "auto"):
        period = _TURN
    if period is not None:
        low, high = _arc(numbers, period)
    if period is not None and periods == "auto" and not sphere:
        extent, arc = most - least, high - low
        # What is shorter round the circle crosses the seam; where all is covered, nothing is. What
        # goes on after a turn is counted, not measured: columns that are called "lon".
        seam = arc < extent - (1 - _WHOLE) * period or arc >= _WHOLE * period
        if not seam or extent >= ONCE * period:
            period, low, high = None, least, most
    if period is not None and high - low > _AROUND * period:  # a gap within, not a region's outside
        low, high = least, least + period
    rounding = np.finfo(labels.dtype).eps if labels.dtype.kind == "f" else np.finfo(np.float64).eps
    slack = 4 * float(rounding) * max(abs(low), abs(high))
    region = longitude and period is None and periods == "auto" and high - low < _TURN
    turn = _TURN if region else None
    return Axis(name, labels.dims, codec, low, high, slack, dict(labels.attrs), period, turn)


def _arc(numbers: Array, period: float) -> tuple[float, float]:
    """Return the ends of the arc that leaves out the widest gap, or a period if there is none."""
    least = float(numbers.min())
    around = np.unique((numbers - least) % period)
    gaps = np.diff(around, append=period + around[0])
    widest = len(gaps) - 1 - int(gaps[::-1].argmax())  # of several the one outside all labels
    # A gap such as between all neighbours is none. Rounding may have doubled a place, 0 and 360.
    # Of two labels there are no others to compare with.
    usual = max(1.5 * float(np.median(gaps)), period / 36)
    if gaps[widest] <= usual and len(np.unique(numbers)) > 2:
        return least, least + period
    low = least + float(around[(widest + 1) % len(around)])
    return low, low + period - float(gaps[widest])


def embedding_of(axes: Sequence[Axis], *, sphere: bool) -> Embedding:
    """Return where the places of the coordinates are: on lines, circles and a sphere.

    Raises
    ------
    ValueError
        If a sphere is asked for and there is no latitude or no longitude.
    """
    found = on_the_globe(axes) if sphere else {}
    if sphere and [len(some) for some in found.values()] != [1, 1]:
        raise ValueError(
            "sphere=True needs one latitude and one longitude in degrees among the coordinates, "
            'told by their standard_name, their units, such as "degrees_north", or the names '
            f'"lat" and "lon"; got {[axis.name for axis in axes]}. Rename them, or give them '
            "units; of radians, assign np.rad2deg first."
        )
    pair = (found["latitude"][0], found["longitude"][0]) if sphere else ()
    parts: list[Part] = [Sphere(pair)] if pair else []
    for i, axis in enumerate(axes):
        if i not in pair:
            parts.append(Line((i,)) if axis.period is None else Circle((i,), axis.period))
    return Embedding(tuple(parts))


def on_the_globe(axes: Sequence[Axis]) -> dict[str, list[int]]:
    """Return which axes are latitudes and which longitudes; ask if they look like radians."""
    found = by_kind([(axis.name, axis.attrs) for axis in axes])
    # Latitudes of a region are as narrow in degrees, longitudes that go round are not.
    widest = 0.0 if found["longitude"] else np.pi
    globe = {
        "latitude": (-np.pi / 2, np.pi / 2, widest),
        "longitude": (-np.pi, 2 * np.pi, 2 * np.pi),
    }
    told = [(axes[i], *globe[kind]) for kind, some in found.items() for i in some]
    if found["latitude"] and all(_like_radians(*one) for one in told):
        warnings.warn(
            f"The coordinates {[axis.name for axis, *_ in told]} lie where radians would, and are "
            "taken to be in degrees. Are they in radians? Then assign np.rad2deg of them; if not, "
            'give them units of "degrees_north" and "degrees_east".',
            stacklevel=2,
        )
    return found


def cos_latitudes(axes: Sequence[Axis], numbers: Array) -> Array:
    """Return the cosines of the latitudes, as the areas of cells go."""
    latitudes = on_the_globe(axes)["latitude"]
    if len(latitudes) != 1:
        raise ValueError(
            "cos_latitude=True needs one latitude in degrees among the coordinates, told by its "
            f'standard_name, its units, such as "degrees_north", or the name "lat"; got '
            f"{[axis.name for axis in axes]}. Of radians, assign np.rad2deg first."
        )
    return np.asarray(np.cos(np.deg2rad(numbers[:, latitudes[0]])).clip(0))


def by_kind(coords: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, list[int]]:
    """Return which coordinates are latitudes, and which longitudes, by name and attributes."""
    return {
        kind: [i for i, (name, attrs) in enumerate(coords) if told(name, attrs)]
        for kind, told in (("latitude", is_latitude), ("longitude", is_longitude))
    }


def _like_radians(axis: Axis, low: float, high: float, widest: float) -> bool:
    rounding = 1e-3
    within = low - rounding <= axis.low and axis.high <= high + rounding
    return within and axis.high - axis.low >= _NEARLY * widest and unit_of(axis.attrs) is None


def axis_names(
    data: xr.Dataset, dims: Sequence[Hashable], wanted: Sequence[str] | None, *, bare: bool
) -> list[str] | None:
    """Return the coordinates that a variable of these dimensions is a function of.

    Parameters
    ----------
    data : Dataset
        Has the coordinates.
    dims : sequence of hashable
        Of the variable.
    wanted : sequence of str or None
        By the user's choice; ``None`` means those of the dimensions, and where a dimension has
        none, as of scattered points and curvilinear grids, those that lie along it: of floats and
        times, of whole numbers that metadata or the name explain, and levels of an index.
    bare : bool
        Whether a dimension without any coordinate counts by its indices.

    Returns
    -------
    names : list of str, or None
        ``None`` if the coordinates do not reach along every dimension.
    """
    if wanted is not None:
        names = [n for n in wanted if set(_dims_of(data, n)) <= set(dims)]
        reached = {dim for name in names for dim in _dims_of(data, name)}
        return names if reached == set(dims) else None
    # The levels of a MultiIndex lie along its dimension.
    several = {d: i for d in dims if isinstance(i := data.xindexes.get(d), PandasMultiIndex)}
    unnamed = {d for d in dims if d not in data.coords or d in several}
    _ask_about_places(data, dims, {*dims} - unnamed, refuse=bare)
    levels = {name for index in several.values() for name in index.index.names}
    there = {
        str(name): labels
        for name, labels in data.coords.items()
        if labels.dims and set(labels.dims) <= unnamed and name not in labels.dims
    }
    along = [name for name, labels in there.items() if name in levels or _is_place(name, labels)]
    reached = {dim for name in along for dim in data[name].dims}
    if len(along) < len(reached):
        along, reached = [], set()
    if len(along) > len(reached) > 1:
        raise ValueError(
            f"Which coordinates along {sorted(map(str, reached))} the field is a function of is "
            f"not clear: there are {along}. Name them, as in GridEncoder(coords={along[:2]})."
        )
    names = []
    for dim in dims:
        if dim not in unnamed or (dim not in reached and bare):
            names.append(str(dim))
        elif dim not in reached:
            return None
        else:
            names += [name for name in along if dim in data[name].dims and name not in names]
    left = [
        name
        for name, labels in there.items()
        if labels.dtype.kind in "iu" and labels.ndim == 1 and name not in along
    ]
    if left:
        warnings.warn(
            f"The coordinates {left} hold whole numbers, of which neither name nor attributes say "
            "what they are, so the field is no function of them. Name all that it is a function "
            f"of, as in GridEncoder(coords={[*along, *left]}), or without {left}.",
            stacklevel=6,  # of who calls fit
        )
    return names


def _ask_about_places(
    data: xr.Dataset, dims: Sequence[Hashable], named: set[Hashable], *, refuse: bool
) -> None:
    """Say that places along an index of counts or texts, as of stations, are not fitted."""
    counted = [
        dim
        for dim in dims
        if dim in named
        and not _is_place(str(dim), data[dim])
        and unit_of(data[dim].attrs) in (None, "1")
    ]
    there = [
        (str(name), labels)
        for name, labels in data.coords.items()
        if labels.dims and {*labels.dims} <= {*counted}
    ]
    kinds = by_kind([(name, labels.attrs) for name, labels in there])
    if not all(kinds.values()):
        return
    pair = [there[i] for some in kinds.values() for i in some]
    reached = {dim for _, labels in pair for dim in labels.dims}
    coords = [str(dim) for dim in dims if dim not in reached] + [name for name, _ in pair]
    texts = [dim for dim in counted if dim in reached and data[dim].dtype.kind not in "iu"]
    told = (
        f"Along {sorted(map(str, reached))} lie {[name for name, _ in pair]}, but also labels of "
        "its own, {}. Name the coordinates that the field is a function of, as in "
        f"GridEncoder(coords={coords})"
    )
    if not texts:
        warnings.warn(
            told.format("whole numbers, of which the field is then a function instead")
            + f", or {[str(dim) for dim in dims]}.",
            stacklevel=7,  # of who calls fit
        )
    elif refuse:
        raise ValueError(told.format("which are no numbers") + ".")


def _is_place(name: str, labels: xr.DataArray) -> bool:
    """Return whether a coordinate along points is one of the field: floats, times, what is told."""
    kind = labels.dtype.kind
    return (
        kind in "fmM"
        or (kind in "iu" and is_explained(name, labels.attrs))
        or (kind == "O" and of_calendar(labels.values))
    )


def _dims_of(data: xr.Dataset, name: str) -> tuple[Hashable, ...]:
    return data[name].dims if name in data.variables else (name,) if name in data.dims else ()
