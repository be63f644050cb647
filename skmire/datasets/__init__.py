"""Signals to fit: samples of grids, and images that ship with other packages."""

from skmire.datasets._grids import grid_samples
from skmire.datasets._images import load_image

__all__ = ["grid_samples", "load_image"]
