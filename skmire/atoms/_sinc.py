"""The sinc atom, and the one careful sinc that every pole of the family is written with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from skmire.atoms._acceleration import jet_kernel, kernel
from skmire.atoms._base import Atom, Pull, Spare
from skmire.atoms._horner import horner

# Taylor coefficients of sin(z)/z in z**2: (-1)**k / (2k + 1)!
_SERIES = (
    1.0,
    -1 / 6,
    1 / 120,
    -1 / 5_040,
    1 / 362_880,
    -1 / 39_916_800,
    1 / 6_227_020_800,
    -1 / 1_307_674_368_000,
    1 / 355_687_428_096_000,
)
_SLOPE_SERIES = tuple(2 * k * term for k, term in enumerate(_SERIES))[1:]  # times z
_RADIUS = 0.5  # within it the series serves; outside, autograd's quotient rule loses 4 eps at most

_TINY = 1e-30  # next to 0 the quotient itself is right in all digits, and only 0/0 to be avoided


def sinc(z: Tensor) -> Tensor:
    """Return sin(z)/z, right in value and in every derivative at 0 and next to it.

    ``torch.sinc`` has a NaN second derivative at 0, and any form that divides by z loses
    precision as z shrinks: by eps/z in the first derivative, by eps/z**2 in the second.
    """
    inside, near, far = split_at(z, _RADIUS)
    square = near.square()
    terms = _SERIES if z.dtype == torch.float64 else _SERIES[:5]
    series = terms[-1] * square
    for coefficient in terms[-2:0:-1]:
        series = (series + coefficient) * square
    return torch.lerp(far.sin() / far, series + terms[0], inside)


def sinc_(z: Tensor, spare: Spare) -> Tensor:
    """Put sin(z)/z in the place of `z`, without a graph."""
    size = torch.abs(z, out=spare()).clamp_(min=_TINY)
    return torch.sin(size, out=z).div_(size)


def sinc_and_slope(z: Tensor, spare: Spare) -> tuple[Tensor, Tensor]:
    """Return sin(z)/z and its derivative, without a graph."""
    values, share = _sinc_and_share(z, spare)
    return values, share.mul_(z)


def sinc_jet(z: Tensor, rate: float, spare: Spare) -> list[Tensor]:
    """Return sin(z)/z and two derivatives by t, where `z` grows with t at `rate`.

    By ``z s'' + 2 s' + z s = 0``.
    """
    values, share = _sinc_and_share(z, spare)
    slope = torch.mul(share, z, out=spare()).mul_(rate)
    return [values, slope, share.mul_(2).add_(values).mul_(-(rate**2))]


def _sinc_and_share(z: Tensor, spare: Spare) -> tuple[Tensor, Tensor]:
    """Return s = sin(z)/z, and s'/z, which is even and smooth as s is; without a graph."""
    terms = _SLOPE_SERIES if z.dtype == torch.float64 else _SLOPE_SERIES[:4]
    size = torch.abs(z, out=spare())
    inside = torch.lt(size, _RADIUS, out=spare())
    values = torch.sin(size.clamp_(min=_TINY), out=spare()).div_(size)
    share = torch.cos(size, out=spare()).sub_(values)
    share.div_(size.clamp_(min=_RADIUS)).div_(size)
    near = torch.clamp(z, -_RADIUS, _RADIUS, out=size)
    series = horner(near.mul_(near), terms, spare())
    return values, torch.lerp(share, series, inside, out=share)


def split_at(z: Tensor, radius: float) -> tuple[Tensor, Tensor, Tensor]:
    """Split `z` for two formulas, one for abs(z) < radius and one from there on.

    Returns the indicator of the inside, and for each formula an argument that is `z` where the
    formula serves and harmless elsewhere (0 inside, `radius` outside), so that no inf * 0 comes
    back from the unused one. ``torch.lerp(outer, inner, indicator)`` puts the two together
    exactly; ``torch.where``, which would do as well, is slower.
    """
    indicator = (z.detach().abs() < radius).to(z.dtype)
    near = z * indicator
    return indicator, near, z - near + radius * indicator


class Sinc(Atom):
    r"""Sinc, the ideal low-pass filter.

    .. math:: \operatorname{sinc}(x) = \frac{\sin(a x)}{a x}

    Un-normalised: 1 at 0, first zeros at :math:`\pm\pi/a`. The pole at 0 is removable and removed.
    Its spectrum is flat up to the angular frequency `a` and zero above.

    Parameters
    ----------
    scale : float, default=None
        The angular frequency `a`. Base configuration: 1.

    References
    ----------
    MIRE: Matched Implicit Neural Representations, CVPR 2025.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import Sinc
    >>> Sinc(scale=torch.pi)(torch.tensor([0.0, 0.5])).tolist()
    [1.0, 0.6366...]
    """

    name = "sinc"
    base: Mapping[str, float] = {"scale": 1.0}
    matched_scales: ClassVar[tuple[float, float]] = (1.5, 3.6)
    scale: nn.Parameter

    def __init__(self, *, scale: float | None = None) -> None:
        super().__init__(scale=scale)

    def forward(self, z: Tensor) -> Tensor:
        return sinc(self.scale * z)

    def formula(self, t: Tensor) -> Tensor:
        return sinc(t)

    @property
    def folded(self) -> tuple[nn.Parameter, None]:
        return self.scale, None

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        if compiled := kernel("sinc", t):
            values, slope = spare(), spare()
            compiled(t, values, slope)
        else:
            values, slope = sinc_and_slope(t, spare)
        return values, lambda cotangent: cotangent.mul_(slope)

    def jet(self, t: Tensor, out: Sequence[Tensor], spare: Spare) -> None:
        if compiled := jet_kernel("sinc", t, out):
            return compiled(t)
        if len(out) > 3:
            return super().jet(t, out, spare)
        found = sinc_jet(t, 1.0, spare) if len(out) > 2 else sinc_and_slope(t, spare)
        for place, derivative in zip(out, found, strict=False):
            place.copy_(derivative)

    def evaluate(self, t: Tensor, spare: Spare) -> Tensor:
        if compiled := kernel("sinc", t):
            compiled(t, values := spare(), None)
            return values
        return sinc_(t, spare)
