"""The estimators."""

from skmire.encoders._mirencoder import MIREncoder
from skmire.encoders._occupancy_encoder import OccupancyEncoder
from skmire.encoders._radiance_encoder import RadianceEncoder

__all__ = ["MIREncoder", "OccupancyEncoder", "RadianceEncoder"]
