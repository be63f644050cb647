"""Matched implicit neural representations, as scikit-learn estimators."""

from importlib.metadata import version

from skmire.atoms import ActivationDictionary
from skmire.encoders import MIREncoder, OccupancyEncoder, RadianceEncoder
from skmire.networks import Architecture
from skmire.search import (
    BayesSearch,
    BeamSearch,
    EnsembleSearch,
    ExhaustiveSearch,
    FixedSequence,
    HalvingSearch,
    LayerSearch,
    ProjectionSearch,
)
from skmire.training import Trainer

__version__ = version("skmire")

__all__ = [
    "ActivationDictionary",
    "Architecture",
    "BayesSearch",
    "BeamSearch",
    "EnsembleSearch",
    "ExhaustiveSearch",
    "FixedSequence",
    "HalvingSearch",
    "LayerSearch",
    "MIREncoder",
    "OccupancyEncoder",
    "ProjectionSearch",
    "RadianceEncoder",
    "Trainer",
]
