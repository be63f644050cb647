"""What a network is to the rest of the library: a field over the unit box."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from skmire._module import PlainModule


class Field(PlainModule, ABC):
    """Differentiable function of coordinates, in the unit box [-1, 1]^d, to values.

    It knows neither the user's units nor what its values are for.
    """

    @abstractmethod
    def forward(self, coords: Tensor) -> Tensor:
        """Return the values at `coords`.

        Parameters
        ----------
        coords : Tensor of shape (n_samples, n_dims)

        Returns
        -------
        values : Tensor of shape (n_samples, n_outputs)
        """

    @property
    def n_parameters(self) -> int:
        """Number of trainable real numbers; a complex weight counts two."""
        return sum(
            p.numel() * (2 if p.is_complex() else 1) for p in self.parameters() if p.requires_grad
        )
