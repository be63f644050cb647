"""What a saved encoder says of itself, so that a version that cannot read it can say so.

The format is raised by one whenever the state of a fitted encoder changes in a way that an older
version would misread; `opened` then also turns states of older formats into the present one.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from skmire._digest import described
from skmire.measurements import Domain, PointValues, Readout

FORMAT = 4

_STAMP = "_skmire_saved"


def stamp() -> dict[str, Any]:
    """Return the format and the version that this installation writes."""
    return {"format": FORMAT, "version": version("skmire")}


def blank(kind: type[Any], stamp: dict[str, Any]) -> Any:
    """Return an object of `kind` without any state, once its saved state is known to be legible.

    A pickle calls this before it reads the state, which may name what this version has not got.
    """
    _refuse_newer(stamp)
    return object.__new__(kind)


def stamped(state: dict[str, Any]) -> dict[str, Any]:
    """Return `state` with the stamp, for formats such as skops that save the state alone."""
    return {**state, _STAMP: stamp()}


def opened(state: dict[str, Any]) -> dict[str, Any]:
    """Return `state` without its stamp.

    Raises
    ------
    ValueError
        If it is of a newer format than this version knows.
    """
    state = dict(state)
    saved = state.pop(_STAMP, stamp())
    _refuse_newer(saved)
    if saved["format"] < 2 and "network_" in state:
        state.update(_of_points(state))
    if saved["format"] < 3 and "network_" in state:  # measurements have got a parameter since
        measurement = described(state["measurement_"])
        state["_settled"] = {**state["_settled"], "measurement": measurement}
    if saved["format"] < 4:  # what is made when asked for
        state = {k: v for k, v in state.items() if k not in ("search_results_", "loss_curve_")}
    return state


def _of_points(state: dict[str, Any]) -> dict[str, Any]:
    """Return what a fitted encoder holds since format 2, of one that had no measurements."""
    units, values = state["coordinate_scaling_"], state["value_scaling_"]
    domain = Domain(units.centre - units.half_range, units.centre + units.half_range)
    measurement = PointValues()
    return {
        "measurement_": measurement,
        "_readout": Readout(measurement, domain, units, values, values),
        "_measured_ndim": state["_y_ndim"],
        "_settled": {**state["_settled"], "measurement": described(measurement)},
    }


def _refuse_newer(stamp: dict[str, Any]) -> None:
    if stamp["format"] > FORMAT:
        raise ValueError(
            f"The encoder was saved by skmire {stamp['version']} in format {stamp['format']}, but "
            f"skmire {version('skmire')} reads formats up to {FORMAT}. Open it with skmire "
            f"{stamp['version']} or newer."
        )
