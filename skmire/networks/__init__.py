"""The networks: layers of atoms, as functions from coordinates to values."""

from skmire.networks._architecture import Architecture, BaseArchitecture
from skmire.networks._calculus import calculus_of
from skmire.networks._encodings import FourierFeatures, PositionalEncoding
from skmire.networks._field import Field
from skmire.networks._layer_stack import LayerStack
from skmire.networks._layered_field import LayeredField
from skmire.networks._mean_field import MeanField
from skmire.networks._non_negative import NonNegative
from skmire.networks._radiance_field import RadianceArchitecture, RadianceField
from skmire.networks._scaled_field import ScaledField
from skmire.networks._sweep import sweep_of

__all__ = [
    "Architecture",
    "BaseArchitecture",
    "Field",
    "FourierFeatures",
    "LayerStack",
    "LayeredField",
    "MeanField",
    "NonNegative",
    "PositionalEncoding",
    "RadianceArchitecture",
    "RadianceField",
    "ScaledField",
    "calculus_of",
    "sweep_of",
]
