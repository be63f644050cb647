"""The affine map of a layer."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from skmire._module import PlainModule
from skmire.networks._weight_init import WEIGHT_INITS, Place, uniform


class Affine(PlainModule):
    """Affine map ``W x + b`` that starts where its place in a network says.

    Real and imaginary part of complex weights are drawn alike. The draws are made in double
    precision on the CPU, so that they depend on neither dtype nor device.

    Parameters
    ----------
    place : Place
    init : str
        One of `WEIGHT_INITS`.
    bias : float
        Biases are drawn from U(-bias, bias).
    generator : torch.Generator
        On the CPU.
    dtype : torch.dtype
        Real or complex.
    """

    def __init__(
        self,
        place: Place,
        init: str,
        bias: float,
        *,
        generator: torch.Generator,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()

        def start(draw: Callable[[], Tensor]) -> nn.Parameter:
            values = torch.complex(draw(), draw()) if dtype.is_complex else draw()
            return nn.Parameter(values.to(dtype))

        self.weight = start(lambda: WEIGHT_INITS[init](place, generator))
        self.bias = start(lambda: uniform(bias, (place.out_features,), generator))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``W x + b``."""
        if self.weight.is_complex() and not x.is_complex():
            x = x.to(self.weight.dtype)
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the shape for torch's representation of a network."""
        out_features, in_features = self.weight.shape
        return f"{in_features}, {out_features}"
