"""The estimators."""

from skmire.encoders._mirencoder import MIREncoder
from skmire.encoders._occupancy_encoder import OccupancyEncoder

__all__ = ["MIREncoder", "OccupancyEncoder"]
