"""Signals to fit: samples of grids, images and text over them, toy signals, and a scene."""

from skmire.datasets._grids import grid_samples
from skmire.datasets._images import load_image
from skmire.datasets._signals import SIGNALS, Signal, load_signal
from skmire.datasets._solids import Solids, coloured_solids
from skmire.datasets._text_mask import text_mask

__all__ = [
    "SIGNALS",
    "Signal",
    "Solids",
    "coloured_solids",
    "grid_samples",
    "load_image",
    "load_signal",
    "text_mask",
]
