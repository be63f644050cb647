"""Where a field lives, in the user's units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Domain:
    """Where a field is asked for, in the user's units: a box, or a ball with nothing outside.

    Parameters
    ----------
    low, high : ndarray of shape (n_dims,)
        The ends of the box along each axis.
    is_ball : bool, default=False
        Whether the field lives on the ball in the box, and is 0 outside it. In a plain box it goes
        on beyond, as far as the network extrapolates.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.measurements import Domain
    >>> disc = Domain.ball(2, radius=3.0)
    >>> disc.n_dims, disc.holds(np.array([[2.0, 2.0], [2.5, 2.5]])).tolist()
    (2, [True, False])
    """

    low: Array
    high: Array
    is_ball: bool = False

    @classmethod
    def around(cls, points: Array) -> Self:
        """Return the smallest box that holds all `points`.

        Parameters
        ----------
        points : ndarray of shape (n_points, n_dims)
            In the user's units.

        Returns
        -------
        domain : Domain
        """
        return cls(points.min(axis=0), points.max(axis=0))

    @classmethod
    def ball(cls, n_dims: int, *, radius: float) -> Self:
        """Return a ball about the origin.

        Parameters
        ----------
        n_dims : int
            Number of coordinates.
        radius : float
            Above 0.

        Returns
        -------
        domain : Domain
        """
        return cls(np.full(n_dims, -radius), np.full(n_dims, radius), is_ball=True)

    @property
    def n_dims(self) -> int:
        """Number of coordinates."""
        return len(self.low)

    @property
    def radius(self) -> float:
        """Half the longest side, which is the radius of a ball."""
        return float((self.high / 2 - self.low / 2).max())

    def holds(self, points: Array) -> NDArray[np.bool_]:
        """Return at which of the points there is a field: all, unless it is a ball.

        Parameters
        ----------
        points : ndarray of shape (..., n_dims)
            In the user's units.

        Returns
        -------
        inside : ndarray of bool of shape (...)
            Its boundary counts as inside.
        """
        return self.mask(torch.tensor(points, device="cpu")).numpy()

    def mask(self, points: Tensor) -> Tensor:
        """Return the same as `holds`, of a tensor.

        Parameters
        ----------
        points : Tensor of shape (..., n_dims)
            In the user's units, in double precision.

        Returns
        -------
        inside : Tensor of bool of shape (...)
            Its boundary counts as inside.
        """
        if not self.is_ball:
            return torch.ones(points.shape[:-1], dtype=torch.bool, device=points.device)
        centre = torch.tensor(self.low / 2 + self.high / 2).to(points)
        inside: Tensor = torch.linalg.vector_norm(points - centre, dim=-1) <= self.radius
        return inside
