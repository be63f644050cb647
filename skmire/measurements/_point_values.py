"""Values at points: what a measurement is unless another is given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from skmire._domain import Domain
from skmire.measurements._base import Measurement
from skmire.measurements._pilot import Pilot
from skmire.networks import ScaledField

Array = NDArray[np.float64]


class PointValues(Measurement):
    """Values of the field at points: `X` holds coordinates, `y` the values there.

    See Also
    --------
    GradientValues : Derivatives at points.

    Examples
    --------
    >>> from skmire import MIREncoder
    >>> from skmire.measurements import PointValues
    >>> MIREncoder(measurement=PointValues())  # the same as MIREncoder()
    MIREncoder(measurement=PointValues())
    """

    shifts = True

    def domain(self, X: Array) -> Domain:
        return Domain.around(X)

    def measure(self, field: ScaledField, X: Tensor) -> Tensor:
        measured: Tensor = field(X)
        return measured

    def pilot(self, X: Array, y: Array, weights: Array | None, domain: Domain) -> Pilot:
        return Pilot(X, y, weights)
