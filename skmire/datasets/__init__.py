"""Signals to fit: samples of grids, images that ship with other packages, and toy signals."""

from skmire.datasets._grids import grid_samples
from skmire.datasets._images import load_image
from skmire.datasets._signals import SIGNALS, Signal, load_signal

__all__ = ["SIGNALS", "Signal", "grid_samples", "load_image", "load_signal"]
