"""The Gaussian atom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from skmire.atoms._acceleration import jet_kernel, kernel
from skmire.atoms._base import Atom, Pull, Spare


class Gaussian(Atom):
    r"""Gaussian bell.

    .. math:: \exp(-(g x)^2)

    No poles. Its spectrum is a Gaussian too, :math:`\propto \exp(-\omega^2/(4 g^2))`: all but
    0.5 % of its amplitude lies below :math:`4 g` radians.

    Parameters
    ----------
    scale : float, default=None
        `g`, the inverse width. Base configuration: 1.

    References
    ----------
    - MIRE: Matched Implicit Neural Representations, CVPR 2025.
    - Ramasinghe and Lucey, Beyond Periodicity, ECCV 2022 (there with a = 1/(sqrt(2) g)).

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Gaussian
    >>> Gaussian(scale=2.0)(torch.tensor([0.0, 0.5])).tolist()
    [1.0, 0.3678...]
    """

    name = "gaussian"
    base: Mapping[str, float] = {"scale": 1.0}
    matched_scales: ClassVar[tuple[float, float]] = (0.4, 2.15)
    scale: nn.Parameter

    def __init__(self, *, scale: float | None = None) -> None:
        super().__init__(scale=scale)

    def forward(self, z: Tensor) -> Tensor:
        return bell(self.scale * z)

    def formula(self, t: Tensor) -> Tensor:
        return bell(t)

    @property
    def folded(self) -> tuple[nn.Parameter, None]:
        return self.scale, None

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        if compiled := kernel("gaussian", t):
            values, slope = spare(), spare()
            compiled(t, values, slope)
            return values, lambda cotangent: cotangent.mul_(slope)
        values = bell_(spare().copy_(t))
        return values, lambda cotangent: cotangent.mul_(t.mul_(values).mul_(-2))

    def jet(self, t: Tensor, out: Sequence[Tensor], spare: Spare) -> None:
        if compiled := jet_kernel("gaussian", t, out):
            return compiled(t)
        bell_(out[0].copy_(t))
        for k, place in enumerate(out[1:]):  # the recurrence of the Hermite polynomials
            torch.mul(t, out[k], out=place)
            if k:
                place.add_(out[k - 1], alpha=k)
            place.mul_(-2)

    def evaluate(self, t: Tensor, spare: Spare) -> Tensor:
        if compiled := kernel("gaussian", t):
            compiled(t, values := spare(), None)
            return values
        return bell_(t)


def bell(x: Tensor) -> Tensor:
    """Return exp(-x**2), cut at 2e-22 so that no denormal number slows what reads it."""
    return torch.exp(-x.square().clamp(max=50.0))


def bell_(x: Tensor) -> Tensor:
    """Put `bell` in the place of `x`."""
    return x.square_().clamp_(max=50.0).neg_().exp_()
