"""What the values that an encoder fits measure of a field."""

from skmire._domain import Domain
from skmire.measurements._base import Measurement
from skmire.measurements._gradient_values import GradientValues
from skmire.measurements._line_integrals import LineIntegrals
from skmire.measurements._pilot import Pilot
from skmire.measurements._point_values import PointValues
from skmire.measurements._readout import Readout
from skmire.measurements._sweep import sweep_through
from skmire.measurements._volume_rendering import VolumeRendering

__all__ = [
    "Domain",
    "GradientValues",
    "LineIntegrals",
    "Measurement",
    "Pilot",
    "PointValues",
    "Readout",
    "VolumeRendering",
    "sweep_through",
]
