"""The networks: layers of atoms, as functions from coordinates to values."""

from skmire.networks._architecture import Architecture
from skmire.networks._calculus import calculus_of
from skmire.networks._field import Field
from skmire.networks._layer_stack import LayerStack
from skmire.networks._scaled_field import ScaledField
from skmire.networks._sweep import sweep_of

__all__ = ["Architecture", "Field", "LayerStack", "ScaledField", "calculus_of", "sweep_of"]
