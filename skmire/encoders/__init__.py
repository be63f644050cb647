"""The estimators."""

from skmire.encoders._mirencoder import MIREncoder

__all__ = ["MIREncoder"]
