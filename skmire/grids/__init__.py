"""Grids with labels: xarray in, xarray out, and ``da.mire``."""

from skmire.grids._accessor import MireAccessor
from skmire.grids._encoder import GridEncoder

__all__ = ["GridEncoder", "MireAccessor"]
