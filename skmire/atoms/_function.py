"""Plain callables as atoms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from skmire.atoms._base import Atom


class FunctionAtom(Atom):
    """Any elementwise torch function as an atom, without parameters of its own.

    A dictionary makes it of a plain callable. The function must be importable for the fitted
    model to be saved: a lambda is not.

    Parameters
    ----------
    function : callable
        Takes a tensor and returns one of the same shape.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import FunctionAtom
    >>> FunctionAtom(torch.tanh).name
    'tanh'
    """

    base: Mapping[str, float] = {}
    scale_parameters = ()

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)

    def forward(self, z: Tensor) -> Tensor:
        return self.function(z)
