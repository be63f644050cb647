"""The networks: layers of atoms, as functions from coordinates to values."""

from skmire.networks._architecture import Architecture
from skmire.networks._field import Field
from skmire.networks._layer_stack import LayerStack
from skmire.networks._sweep import Sweep, sweep_of

__all__ = ["Architecture", "Field", "LayerStack", "Sweep", "sweep_of"]
