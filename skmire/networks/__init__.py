"""The networks: layers of atoms, as functions from coordinates to values."""

from skmire.networks._architecture import Architecture
from skmire.networks._field import Field
from skmire.networks._layer_stack import LayerStack
from skmire.networks._sweep import sweep_of

__all__ = ["Architecture", "Field", "LayerStack", "sweep_of"]
