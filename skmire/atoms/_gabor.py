"""The Gabor wavelets, real and complex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from skmire.atoms._acceleration import jet_kernel, kernel
from skmire.atoms._base import Atom, Pull, Spare, add_gradient, go_back
from skmire.atoms._gaussian import bell, bell_


class Gabor(Atom):
    r"""Real Gabor wavelet.

    .. math:: \cos(a x)\,\exp(-(g x)^2)

    The real part of the paper's complex wavelet, in real arithmetic throughout. No poles. Its
    spectrum is a pair of Gaussian bells of width `g` around :math:`\pm a`.

    Parameters
    ----------
    frequency : float, default=None
        The angular frequency `a`. Base configuration: 1.
    scale : float, default=None
        `g`, the inverse width of the window. Base configuration: 1.

    See Also
    --------
    ComplexGabor : The paper's form.

    References
    ----------
    - MIRE: Matched Implicit Neural Representations, CVPR 2025.
    - Saragadam et al., WIRE: Wavelet Implicit Neural Representations, CVPR 2023.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Gabor
    >>> Gabor()(torch.tensor([0.0, 1.0])).tolist()
    [1.0, 0.1987...]
    """

    name = "gabor"
    base: Mapping[str, float] = {"frequency": 1.0, "scale": 1.0}
    scale_parameters = ("frequency", "scale")
    matched_scales: ClassVar[tuple[float, float]] = (0.5, 1.4)
    frequency: nn.Parameter
    scale: nn.Parameter

    def __init__(self, *, frequency: float | None = None, scale: float | None = None) -> None:
        super().__init__(frequency=frequency, scale=scale)

    def forward(self, z: Tensor) -> Tensor:
        return (self.frequency * z).cos() * bell(self.scale * z)

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        values, slope, by_frequency, by_scale = spare(), spare(), spare(), spare()
        a, g = self.frequency, self.scale
        if compiled := kernel("gabor", t):
            compiled(t, a, g, values, slope, by_frequency, by_scale)
        else:
            window, angle = bell_(torch.mul(t, g, out=by_scale)), torch.mul(t, a, out=slope)
            quadrature = torch.sin(angle, out=by_frequency).mul_(window)
            torch.cos(angle, out=values).mul_(window)
            across = torch.mul(t, values, out=by_scale)
            torch.mul(quadrature, -a, out=slope).add_(across, alpha=-2 * float(g) ** 2)
            quadrature.mul_(t)
            across.mul_(t)

        def pull(cotangent: Tensor) -> Tensor:
            dots = go_back(cotangent, slope, by_frequency, by_scale)
            add_gradient(a, -dots[0])
            add_gradient(g, -2 * g * dots[1])
            return cotangent

        return values, pull

    @torch.no_grad()
    def jet(self, t: Tensor, out: Sequence[Tensor], spare: Spare) -> None:
        if compiled := jet_kernel("gabor", t, out):
            return compiled(t, self.frequency, self.scale)
        # Of F = exp(i a t - (g t)^2), both parts: F_(k+1) = (i a - 2 g^2 t) F_k - 2 g^2 k F_(k-1)
        a, twice = float(self.frequency), 2 * float(self.scale) ** 2
        window, wave = bell_(torch.mul(t, self.scale, out=spare())), torch.mul(t, a, out=spare())
        torch.cos(wave, out=out[0]).mul_(window)
        quadrature = [torch.sin(wave, out=wave).mul_(window), window, *(spare() for _ in out[2:])]
        for k in range(len(out) - 1):
            for part, other, rate in ((out, quadrature, -a), (quadrature, out, a)):
                torch.mul(part[k], t, out=part[k + 1]).mul_(-twice).add_(other[k], alpha=rate)
                if k:
                    part[k + 1].add_(part[k - 1], alpha=-twice * k)

    def evaluate(self, t: Tensor, spare: Spare) -> Tensor:
        values = spare()
        if compiled := kernel("gabor", t):
            compiled(t, self.frequency, self.scale, values, None, None, None)
            return values
        torch.mul(t, self.frequency, out=values).cos_()
        return values.mul_(bell_(t.mul_(self.scale)))


class ComplexGabor(Atom):
    r"""Complex Gabor wavelet.

    .. math:: \exp(i a x)\,\exp(-|g x|^2)

    Layers that read it have complex weights; a complex weight counts two parameters. No poles.
    Its spectrum is one Gaussian bell of width `g` around `a`.

    Parameters
    ----------
    frequency : float, default=None
        The angular frequency `a`. Base configuration: 1.
    scale : float, default=None
        `g`, the inverse width of the window. Base configuration: 1.
    handover : {"real", "modulus"}, default="real"
        What a real atom in the next layer sees of ``W h + b``: its real part, or its modulus. The
        paper leaves it open. The network's output is always the real part, as in WIRE.

    See Also
    --------
    Gabor : Its real part, in real arithmetic.

    References
    ----------
    - MIRE: Matched Implicit Neural Representations, CVPR 2025.
    - Saragadam et al., WIRE: Wavelet Implicit Neural Representations, CVPR 2023.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import ComplexGabor
    >>> ComplexGabor(frequency=torch.pi, scale=0.0)(torch.tensor([1.0])).real.tolist()
    [-1.0]
    """

    name = "complex_gabor"
    base: Mapping[str, float] = {"frequency": 1.0, "scale": 1.0}
    scale_parameters = ("frequency", "scale")
    matched_scales: ClassVar[tuple[float, float]] = (0.5, 1.4)
    frequency: nn.Parameter
    scale: nn.Parameter
    is_complex = True

    def __init__(
        self,
        *,
        frequency: float | None = None,
        scale: float | None = None,
        handover: Literal["real", "modulus"] = "real",
    ) -> None:
        if handover not in ("real", "modulus"):
            raise ValueError(
                f"ComplexGabor(handover=...) must be 'real' or 'modulus', got {handover!r}."
            )
        super().__init__(frequency=frequency, scale=scale)
        self.handover = handover
        self._rename({"handover": handover})

    def forward(self, z: Tensor) -> Tensor:
        g = self.scale.square()
        if z.is_complex():
            modulus = z.real.square() + z.imag.square()
            return torch.exp(
                torch.complex(-self.frequency * z.imag - g * modulus, self.frequency * z.real)
            )
        return torch.exp(torch.complex(-g * z.square(), self.frequency * z))

    def hand_over(self, z: Tensor) -> Tensor:
        return z.real if self.handover == "real" else z.abs()
