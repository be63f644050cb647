"""The networks: layers of atoms, as functions from coordinates to values."""

from skmire.networks._field import Field
from skmire.networks._layer_stack import LayerStack

__all__ = ["Field", "LayerStack"]
