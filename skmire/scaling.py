"""Between the user's units and the network's: coordinates in [-1, 1], values within [-1, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scaling"]

Array = NDArray[np.float64]
CoordinateScaling = Literal["per_axis", "isotropic"]


@dataclass(frozen=True)
class Scaling:
    """Affine map of one side of the data, ``scaled = (users - centre) / half_range``.

    A column without extent has half range 0 and is 0 when scaled: the fit does not depend on a
    constant coordinate, and a constant target is met exactly.

    Parameters
    ----------
    centre, half_range : ndarray of shape (n_columns,)
        In the user's units.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.scaling import Scaling
    >>> scaling = Scaling.of_coordinates(np.array([[0.0, 5.0], [10.0, 5.0]]), "per_axis")
    >>> scaling.scale(np.array([[2.5, 5.0]])).tolist()
    [[-0.5, 0.0]]
    >>> scaling.unscale(np.array([[1.0, 0.0]])).tolist()
    [[10.0, 5.0]]
    """

    centre: Array
    half_range: Array

    @property
    def factor(self) -> Array:
        """Scaled units in one of the user's, 0 in a column without extent."""
        empty = self.half_range < np.finfo(np.float64).tiny  # whose inverse would overflow
        return np.where(empty, 0.0, 1 / np.where(empty, 1.0, self.half_range))

    @classmethod
    def of_coordinates(cls, X: Array, kind: CoordinateScaling) -> Self:
        """Return the map that takes the extent of `X` to the box [-1, 1].

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_dims)
            Coordinates in the user's units.
        kind : {"per_axis", "isotropic"}
            Each axis to [-1, 1], or one factor for all, the longest axis's.

        Returns
        -------
        scaling : Scaling
        """
        low, high = X.min(axis=0), X.max(axis=0)
        half = high / 2 - low / 2  # halved first: the difference itself may overflow
        if kind == "isotropic":
            half = np.where(half > 0, half.max(), 0.0)
        return cls(low / 2 + high / 2, half)

    @classmethod
    def of_values(cls, y: Array, weights: Array | None) -> Self:
        """Return the map that gives each output mean 0 and largest magnitude 1.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_outputs)
            Values in the user's units.
        weights : ndarray of shape (n_samples,) or None
            Of the samples, for the mean.

        Returns
        -------
        scaling : Scaling
        """
        # Clipped, as rounding can take the mean of equal values off them.
        mean = np.clip(np.average(y, axis=0, weights=weights), y.min(axis=0), y.max(axis=0))
        return cls(mean, np.abs(y - mean).max(axis=0))

    @classmethod
    def of_magnitudes(cls, y: Array) -> Self:
        """Return the map that gives each output largest magnitude 1 and leaves 0 where it is.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_outputs)
            Values in the user's units.

        Returns
        -------
        scaling : Scaling
        """
        return cls(np.zeros(y.shape[1]), np.abs(y).max(axis=0))

    def scale(self, users: Array) -> Array:
        """Return values in the user's units as the network sees them.

        Parameters
        ----------
        users : ndarray of shape (n_samples, n_columns)
            In the user's units.

        Returns
        -------
        scaled : ndarray of shape (n_samples, n_columns)
            Within [-1, 1] wherever `users` is within the extent.
        """
        return (users - self.centre) * self.factor

    def unscale(self, scaled: Array) -> Array:
        """Return the network's values in the user's units.

        Parameters
        ----------
        scaled : ndarray of shape (n_samples, n_columns)
            As the network sees them.

        Returns
        -------
        users : ndarray of shape (n_samples, n_columns)
            What `scale` would have been given.
        """
        return scaled * self.half_range + self.centre
