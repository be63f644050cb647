"""Matched implicit neural representations, as scikit-learn estimators."""

from importlib.metadata import version

from skmire.atoms import ActivationDictionary

__version__ = version("skmire")

__all__ = ["ActivationDictionary"]
