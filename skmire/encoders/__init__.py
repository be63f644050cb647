"""The estimators."""

from skmire.encoders._base import BaseEncoder
from skmire.encoders._mirencoder import MIREncoder

__all__ = ["BaseEncoder", "MIREncoder"]
