"""What the metadata of climate and forecast data (CF) say of a coordinate, and of a derivative."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Attrs = Mapping[str, Any]

_DEGREES = re.compile(
    r"degrees?(_?(north|south|east|west|true|[NSEWT]))?|°([NSEW])?", re.IGNORECASE
)
_TIMES = {
    "s", "sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes", "h", "hr", "hrs",
    "hour", "hours", "d", "day", "days",
}  # fmt: skip


def is_latitude(name: str, attrs: Attrs) -> bool:
    """Return whether it is the latitude in degrees, by what CF says or by its name."""
    return _is("latitude", "north", {"lat", "latitude"}, name, attrs)


def is_longitude(name: str, attrs: Attrs) -> bool:
    """Return whether it is the longitude in degrees, by what CF says or by its name."""
    return _is("longitude", "east", {"lon", "long", "longitude"}, name, attrs)


def _is(standard: str, towards: str, names: set[str], name: str, attrs: Attrs) -> bool:
    units = str(attrs.get("units", "")).lower()
    if "standard_name" in attrs:
        return attrs["standard_name"] == standard and not units.strip().startswith("rad")
    if re.search(rf"([_°]|degrees?)({towards}|{towards[0]})$", units):
        return bool(_DEGREES.fullmatch(units))
    return name.lower() in names and (not units or bool(_DEGREES.fullmatch(units)))


def is_time(name: str, attrs: Attrs, codec_unit: str | None) -> bool:
    """Return whether a coordinate counts time, as dates, or as numbers that say so."""
    return (
        codec_unit is not None
        or (name.lower() == "time" and unit_of(attrs) is None)
        or attrs.get("axis") == "T"
        or attrs.get("standard_name") == "time"
        or unit_of(attrs) in _TIMES
    )


def is_explained(name: str, attrs: Attrs) -> bool:
    """Return whether metadata or the name say that numbers are places or times, and no counts."""
    told = is_latitude(name, attrs) or is_longitude(name, attrs) or is_time(name, attrs, None)
    return told or "axis" in attrs or "positive" in attrs


def unit_of(attrs: Attrs) -> str | None:
    """Return what a coordinate's numbers count: the degree, whatever its direction; of dates, days.

    None where the metadata do not say.
    """
    units = str(attrs.get("units", "")).strip()
    if _DEGREES.fullmatch(units):
        return "degree"
    return units.partition(" since ")[0] or None


def derived_attrs(name: str, attrs: Attrs, what: str, by: Mapping[str, int]) -> dict[str, Any]:
    """Return the attributes of a derivative.

    Parameters
    ----------
    name : str
        Of the variable that is derived.
    attrs : mapping
        Its attributes. Their standard name, range and cell methods hold for it alone; what is left
        of them is the grid mapping.
    what : str
        The derivative in words, to stand before the name of the variable.
    by : mapping of str to int
        How often it is derived by each unit; a unit of "" is unknown.

    Returns
    -------
    attrs : dict
        With units if both are known.
    """
    called = attrs.get("long_name") or str(attrs.get("standard_name", name)).replace("_", " ")
    found: dict[str, Any] = {"long_name": f"{what} of {called}" if called else what}
    if str(attrs.get("units", "")).strip() and "" not in by:
        below = [
            (unit if unit.isalpha() else f"({unit})") + (str(n) if n != 1 else "")
            for unit, n in by.items()
            if unit != "1"
        ]
        found["units"] = " / ".join([str(attrs["units"]), *below])
    if "grid_mapping" in attrs:
        found["grid_mapping"] = attrs["grid_mapping"]
    return found
