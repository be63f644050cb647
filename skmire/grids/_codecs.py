"""Labels of a coordinate as float64 numbers, and back: plain numbers, dates, durations, cftime."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmire._optional import require

Array = NDArray[np.float64]

#: Nanoseconds in the units of time that numbers may count, the longest first.
_UNITS = {
    "D": 86_400 * 10**9, "h": 3_600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3,
    "ns": 1,
}  # fmt: skip
_NAMES = {
    "D": "day", "h": "hour", "m": "minute", "s": "second", "ms": "millisecond",
    "us": "microsecond", "ns": "nanosecond",
}  # fmt: skip
_NEAR = np.datetime64("1678-01-01"), np.datetime64("2262-01-01")  # years that count nanoseconds
_EXACT = 2**50  # ticks that the product of a float64 and a whole number still tells apart


class Codec(ABC):
    """A map between the labels of a coordinate and numbers.

    Attributes
    ----------
    unit : str or None
        What a number counts, where the codec knows it.
    """

    unit: str | None

    @abstractmethod
    def encode(self, labels: NDArray[Any]) -> Array:
        """Return labels as numbers, what is missing as NaN."""

    @abstractmethod
    def decode(self, numbers: Array) -> NDArray[Any]:
        """Return numbers as labels of the kind that the codec was made for."""


@dataclass(frozen=True)
class Numbers(Codec):
    """Numbers as they are; labels of single precision stay so."""

    dtype: np.dtype[Any]
    unit: None = None

    def encode(self, labels: NDArray[Any]) -> Array:
        return np.asarray(labels, dtype=np.float64)

    def decode(self, numbers: Array) -> NDArray[Any]:
        return numbers.astype(self.dtype if self.dtype.kind == "f" else np.float64)


class _Times(Codec):
    """What counts units of time."""

    per: str

    @property
    def unit(self) -> str:  # type: ignore[override]
        return _NAMES[self.per]


@dataclass(frozen=True)
class Dates(_Times):
    """numpy's dates since an origin, or its durations, where the origin is none.

    Numbers go back to whole ticks of `tick`, the finest that float64 tells apart over the extent.
    """

    origin: Any
    per: str
    tick: str

    def encode(self, labels: NDArray[Any]) -> Array:
        refuse_other_calendars(self, np.asarray(labels))
        since = np.asarray(labels) - (0 if self.origin is None else self.origin)
        # Whole units first: nanoseconds of centuries have more digits than float64.
        unit = np.array(1, f"timedelta64[{self.per}]")
        known = ~np.isnat(since)
        numbers = np.full(since.shape, np.nan)
        whole = since[known] // unit
        numbers[known] = whole + (since[known] - whole * unit) / unit
        return numbers

    def decode(self, numbers: Array) -> NDArray[Any]:
        ticks = _UNITS[self.per] // _UNITS[self.tick]
        missing = ~np.isfinite(numbers)
        counted = np.rint(np.where(missing, 0, numbers) * ticks).astype(np.int64)
        since = counted.astype(f"timedelta64[{self.tick}]")
        labels = since if self.origin is None else self.origin + since
        return np.where(missing, np.array("NaT", labels.dtype), labels)


@dataclass(frozen=True)
class Calendar(_Times):
    """Dates of cftime, in their own calendar."""

    origin: Any
    per: str

    @property
    def _since(self) -> dict[str, Any]:
        return {
            "units": f"{_NAMES[self.per]}s since {self.origin.isoformat(sep=' ')}",
            "calendar": self.origin.calendar,
            "has_year_zero": self.origin.has_year_zero,
        }

    def encode(self, labels: NDArray[Any]) -> Array:
        refuse_other_calendars(self, np.asarray(labels))
        dates = np.asarray(labels, dtype=object)
        there = ~_is_missing(dates)
        numbers = np.full(dates.shape, np.nan)
        if there.any():
            numbers[there] = _cftime().date2num(dates[there], **self._since)
        return numbers

    def decode(self, numbers: Array) -> NDArray[Any]:
        dates = _cftime().num2date(numbers, **self._since, only_use_cftime_datetimes=True)
        return np.asarray(dates, dtype=object)


def codec_of(name: str, labels: NDArray[Any]) -> Codec:
    """Return the codec for the labels of a coordinate.

    Parameters
    ----------
    name : str
        What errors call it.
    labels : ndarray
        Of any shape.

    Returns
    -------
    codec : Codec
        Of times, the unit is the longest that is no longer than the median step between labels.

    Raises
    ------
    ValueError
        If the labels are neither numbers nor times.
    """
    labels = np.asarray(labels)
    kind = labels.dtype.kind
    if kind in "iuf":
        return Numbers(labels.dtype)
    if kind in "mM":
        known = labels[~np.isnat(labels)]
        if known.size:
            return _dates(known)
    first = _first(labels)
    if of_calendar(labels):
        known = labels[~_is_missing(labels)]
        in_seconds = Calendar(min(known), "s")
        per = _unit_for(in_seconds.encode(known) * 1e9)
        return Calendar(in_seconds.origin, "us" if per == "ns" else per)  # cftime's finest
    if isinstance(first, datetime):  # xarray makes all others numpy's
        raise ValueError(
            f"A coordinate of times must be without a zone; {name!r} has times of a zone, such as "
            f"{first}. Make them plain UTC: tz_convert(None) of its pandas index, or "
            ".dt.tz_convert(None) of a column."
        )
    what = f"a label such as {first!r}" if first is not None else f"labels of {labels.dtype}"
    raise ValueError(
        f"A coordinate of the field must hold numbers or times; {name!r} has {what}. Select along "
        f"it, as in da.sel({name}=...), or make its labels variables: da.to_dataset(dim={name!r})."
    )


def of_calendar(labels: NDArray[Any]) -> bool:
    """Return whether labels are dates of cftime."""
    first = _first(labels)
    return hasattr(first, "calendar") and hasattr(first, "has_year_zero")


def refuse_other_labels(name: str, codec: Codec, labels: NDArray[Any]) -> None:
    """Refuse labels of a coordinate of numbers that are none, and dates of another calendar."""
    if isinstance(codec, Numbers) and labels.size and labels.dtype.kind not in "iufb":
        first = labels.ravel()[0]
        raise ValueError(
            f"Labels along {name!r} must be numbers, as those that were fitted are; got {first!r}. "
            "Give numbers, or a 1-D array of them."
        )
    refuse_other_calendars(codec, labels)


def refuse_other_calendars(codec: Codec, labels: NDArray[Any]) -> None:
    """Refuse dates that are of another calendar than the codec's."""
    if isinstance(codec, Calendar):
        own = codec.origin.calendar
    elif isinstance(codec, Dates) and codec.origin is not None:
        own = "numpy's"
    else:
        return
    dates = labels.dtype.kind == "M" or isinstance(_first(labels), date)
    got = _first(labels).calendar if of_calendar(labels) else "numpy's" if dates else own
    if got != own:
        raise ValueError(
            f"Dates must be of the calendar that was fitted, {own}; got {got}. Convert the data "
            "with da.convert_calendar(...) before the fit, or what is asked."
        )


def _first(labels: NDArray[Any]) -> Any:
    """Return the first of objects that is not missing, or None."""
    objects = labels.flat if labels.dtype.kind == "O" else ()
    return next((label for label in objects if label is not None and label == label), None)


def _is_missing(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which objects are None or NaN."""
    missing = [label is None or label != label for label in labels.flat]
    return np.array(missing, dtype=bool).reshape(labels.shape)


def _dates(known: NDArray[Any]) -> Dates:
    origin = known.min() if known.dtype.kind == "M" else None
    since = known - origin if origin is not None else known
    counted = _UNITS[np.datetime_data(since.dtype)[0]]
    nanoseconds = since.astype(np.int64).astype(np.float64) * counted  # more than an integer holds
    extent = float(np.abs(nanoseconds).max())
    # Next to an origin that nanoseconds do not reach, the finest are the labels' own.
    finest = "ns" if origin is None or _NEAR[0] < origin <= known.max() < _NEAR[1] else "us"
    fine = [
        unit
        for unit in ("ns", "us", "ms", "s")
        if extent / _UNITS[unit] < _EXACT and _UNITS[unit] >= _UNITS[finest]
    ]
    per = _unit_for(nanoseconds)
    # A tick is no longer than the unit, whatever the extent.
    tick = fine[0] if fine and _UNITS[fine[0]] <= _UNITS[per] else per
    return Dates(origin, per, tick)


def _unit_for(nanoseconds: Array) -> str:
    """Return the longest unit that is no longer than the median step between times."""
    steps = np.diff(np.unique(nanoseconds))
    step = np.median(steps) if steps.size else _UNITS["D"]
    # Dates of cftime are whole microseconds, whose difference may have lost a little.
    return next((unit for unit, length in _UNITS.items() if length <= step * (1 + 1e-9)), "ns")


def _cftime() -> Any:
    return require("cftime", extra="netcdf", purpose="A calendar of cftime")


def per_unit(codec: Codec, wanted: str | None) -> tuple[float, str | None]:
    """Return by how much a rate of change grows in a unit of time of the user's, and its name.

    Parameters
    ----------
    codec : Codec
        Of the coordinate. Of plain numbers the unit stays.
    wanted : str or None
        As numpy calls it, from ``"D"`` to ``"ns"``; ``None`` is the codec's own.

    Raises
    ------
    ValueError
        If numpy's name is none of these.
    """
    if wanted is not None and wanted not in _UNITS:
        raise ValueError(f"datetime_unit must be one of {sorted(_UNITS)}, got {wanted!r}.")
    if wanted is None or not isinstance(codec, _Times):
        return 1.0, codec.unit
    return _UNITS[wanted] / _UNITS[codec.per], _NAMES[wanted]


def length_of(codec: Codec, what: str, length: Any) -> float:
    """Return a spacing or a period of labels in the unit of the codec's numbers.

    Parameters
    ----------
    codec : Codec
    what : str
        What errors call it.
    length : number, timedelta64 or timedelta
        A duration along times, else a number.

    Raises
    ------
    ValueError
        If it is not above 0, or of the wrong kind.
    """
    if isinstance(codec, _Times):
        if isinstance(length, int | float):
            raise ValueError(
                f"{what} must be a duration, got {length!r}. Give it a unit, as in "
                'np.timedelta64(6, "h").'
            )
        number = float(np.timedelta64(length) / np.array(1, f"timedelta64[{codec.per}]"))
    elif isinstance(length, np.timedelta64 | timedelta):
        raise ValueError(f"{what} must be a number, got {length!r}. Durations are along times.")
    else:
        number = float(length)
    if not number > 0:
        raise ValueError(f"{what} must be above 0, got {length!r}.")
    return number
