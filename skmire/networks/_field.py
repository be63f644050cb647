"""What a network is to the rest of the library: a field over the unit box."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeGuard, TypeVar

from torch import Tensor

from skmire._module import PlainModule

Kind = TypeVar("Kind", bound="Field")

_FORMULA = ("forward", "hidden", "output")  # what a subclass may give a meaning of its own


class Field(PlainModule, ABC):
    """Differentiable function of coordinates, in the unit box [-1, 1]^d, to values.

    It knows neither the user's units nor what its values are for.

    Examples
    --------
    >>> import torch
    >>> from skmire.networks import Field
    >>> class Plane(Field):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = torch.nn.Parameter(torch.tensor([2.0, 3.0]))
    ...     def forward(self, coords):
    ...         return (coords * self.slope).sum(1, keepdim=True)
    >>> plane = Plane()
    >>> plane.n_parameters, plane(torch.ones(1, 2)).tolist()
    (2, [[5.0]])
    """

    def __init__(self) -> None:  # torch's own takes anything
        super().__init__()

    @abstractmethod
    def forward(self, coords: Tensor) -> Tensor:
        """Return the values at `coords`.

        Parameters
        ----------
        coords : Tensor of shape (n_samples, n_dims)
            In the unit box where there were samples; beyond it the field extrapolates.

        Returns
        -------
        values : Tensor of shape (n_samples, n_outputs)
            Scaled values, in the precision of `coords`.
        """

    @property
    def n_parameters(self) -> int:
        """Number of trainable real numbers; a complex weight counts two."""
        return sum(
            p.numel() * (2 if p.is_complex() else 1) for p in self.parameters() if p.requires_grad
        )


def computes_as(field: Field, kind: type[Kind]) -> TypeGuard[Kind]:
    """Return whether values are those of a class of fields, not of what a subclass overrides.

    What knows the formula of a class may take its place there, and nowhere else.
    """
    return isinstance(field, kind) and all(
        getattr(type(field), name, None) is getattr(kind, name, None) for name in _FORMULA
    )
