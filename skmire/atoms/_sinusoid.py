"""The sinusoid atom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from skmire.atoms._acceleration import jet_kernel, kernel
from skmire.atoms._base import Atom, Pull, Spare


class Sinusoid(Atom):
    r"""Sinusoid.

    .. math:: \sin(a x + p)

    No poles. Its spectrum is a line at the angular frequency `a`.

    Parameters
    ----------
    frequency : float, default=None
        The angular frequency `a`. Base configuration: 1.
    phase : float, default=None
        `p`, in radians. Base configuration: 0.

    References
    ----------
    - MIRE: Matched Implicit Neural Representations, CVPR 2025.
    - Sitzmann et al., Implicit Neural Representations with Periodic Activation Functions, 2020.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Sinusoid
    >>> Sinusoid(frequency=torch.pi)(torch.tensor([0.0, 0.5])).tolist()
    [0.0, 1.0]
    """

    name = "sinusoid"
    base: Mapping[str, float] = {"frequency": 1.0, "phase": 0.0}
    scale_parameters = ("frequency",)
    matched_scales: ClassVar[tuple[float, float]] = (1.5, 1.2)
    matched_step_rate: ClassVar[float] = 2.0
    frequency: nn.Parameter
    phase: nn.Parameter

    def __init__(self, *, frequency: float | None = None, phase: float | None = None) -> None:
        super().__init__(frequency=frequency, phase=phase)

    def forward(self, z: Tensor) -> Tensor:
        return (self.frequency * z + self.phase).sin()

    def formula(self, t: Tensor) -> Tensor:
        return t.sin()

    @property
    def folded(self) -> tuple[nn.Parameter, nn.Parameter]:
        return self.frequency, self.phase

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        if compiled := kernel("sinusoid", t):
            values, slope = spare(), spare()
            compiled(t, values, slope)
            return values, lambda cotangent: cotangent.mul_(slope)
        return torch.sin(t, out=spare()), lambda cotangent: cotangent.mul_(t.cos_())

    def jet(self, t: Tensor, out: Sequence[Tensor], spare: Spare) -> None:
        if compiled := jet_kernel("sinusoid", t, out):
            return compiled(t)
        for place, derivative in zip(out, (torch.sin, torch.cos), strict=False):
            derivative(t, out=place)
        for place, lower in zip(out[2:], out, strict=False):
            torch.neg(lower, out=place)

    def evaluate(self, t: Tensor, spare: Spare) -> Tensor:
        if compiled := kernel("sinusoid", t):
            compiled(t, values := spare(), None)
            return values
        return t.sin_()
