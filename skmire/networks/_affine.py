"""The affine map of a layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from skmire._module import PlainModule


class Affine(PlainModule):
    """Affine map ``W x + b`` whose weights come from a given generator.

    Weights and biases are drawn from U(-k, k), k = 1/sqrt(in_features): torch's own default, which
    the paper's ablation found best. Complex ones draw real and imaginary part so. The draws are
    made in double precision on the CPU, so that they depend on neither dtype nor device.

    Parameters
    ----------
    in_features, out_features : int
    generator : torch.Generator
        On the CPU.
    dtype : torch.dtype
        Real or complex.
    """

    def __init__(
        self, in_features: int, out_features: int, *, generator: torch.Generator, dtype: torch.dtype
    ) -> None:
        super().__init__()

        def draw(*shape: int) -> nn.Parameter:
            parts = (*shape, 2) if dtype.is_complex else shape
            uniform = torch.rand(parts, generator=generator, dtype=torch.float64)
            values = (2 * uniform - 1) / in_features**0.5
            if dtype.is_complex:
                values = torch.view_as_complex(values)
            return nn.Parameter(values.to(dtype))

        self.weight = draw(out_features, in_features)
        self.bias = draw(out_features)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``W x + b``."""
        if self.weight.is_complex() and not x.is_complex():
            x = x.to(self.weight.dtype)
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the shape for torch's representation of a network."""
        out_features, in_features = self.weight.shape
        return f"{in_features}, {out_features}"
