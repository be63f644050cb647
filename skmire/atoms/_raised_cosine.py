"""The raised cosine and its square root, written without a pole."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from skmire.atoms._acceleration import kernel
from skmire.atoms._base import Atom, Pull, Spare, add_gradient, fold_into_unit
from skmire.atoms._sinc import sinc

_NEAR_POLE = 0.2  # where the quotient has lost a digit or two


class _Pulse(Atom):
    """What the two pulses share: rate 1/T, roll-off in [0, 1] and amplitude."""

    base: Mapping[str, float] = {"scale": 1.0, "roll_off": 0.5, "amplitude": 1.0}
    _kernel: ClassVar[str]
    scale: nn.Parameter
    roll_off: nn.Parameter
    amplitude: nn.Parameter

    def __init__(
        self,
        *,
        scale: float | None = None,
        roll_off: float | None = None,
        amplitude: float | None = None,
    ) -> None:
        if roll_off is not None and not 0 <= roll_off <= 1:
            raise ValueError(
                f"{type(self).__name__}(roll_off=...) must lie in [0, 1], got {roll_off}."
            )
        super().__init__(scale=scale, roll_off=roll_off, amplitude=amplitude)

    def values(self) -> dict[str, float]:
        return {**super().values(), "roll_off": float(fold_into_unit(self.roll_off.detach()))}

    def forward(self, z: Tensor) -> Tensor:
        return self.amplitude * self._pulse(self.scale * z, fold_into_unit(self.roll_off))

    @property
    def folded(self) -> tuple[nn.Parameter, None]:
        return self.scale, None

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        b = fold_into_unit(self.roll_off)
        if compiled := kernel(self._kernel, t):
            pulse, slope, by_b = spare(), spare(), spare()
            compiled(t, b, pulse, slope, by_b)
        else:
            pulse, slope, by_b = self._swept(t, b, spare)

        def pull(cotangent: Tensor) -> Tensor:
            add_gradient(self.amplitude, torch.dot(cotangent.ravel(), pulse.ravel()))
            cotangent.mul_(self.amplitude)
            inward = torch.where(torch.remainder(self.roll_off, 2) <= 1, 1.0, -1.0)
            add_gradient(self.roll_off, inward * torch.dot(cotangent.ravel(), by_b.ravel()))
            return cotangent.mul_(slope)

        return torch.mul(pulse, self.amplitude, out=spare()), pull

    def _swept(self, t: Tensor, b: Tensor, spare: Spare) -> tuple[Tensor, Tensor, Tensor]:
        """Return the pulse of unit amplitude and its derivatives by t and b; writes to `t`."""
        pulse, slope, by_b, divisor = self._quotient(t, float(b), spare)
        # Next to its poles the quotient loses digits, so the formula without them serves there.
        near = torch.nonzero((divisor.abs_() < _NEAR_POLE).ravel()).ravel()
        with torch.enable_grad():
            places = (t.ravel()[near] / math.pi).requires_grad_(True)  # t now holds pi t
            roll_offs = b.detach().expand(len(near)).clone().requires_grad_(True)
            careful = self._pulse(places, roll_offs)
            slopes = torch.autograd.grad(careful.sum(), [places, roll_offs])
        pulse.ravel()[near] = careful.detach()
        slope.ravel()[near], by_b.ravel()[near] = slopes
        return pulse, slope, by_b

    @abstractmethod
    def _pulse(self, t: Tensor, b: Tensor) -> Tensor:
        """Return the pulse of unit amplitude, written without a pole."""

    @abstractmethod
    def _quotient(self, t: Tensor, b: float, spare: Spare) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the pulse as a quotient, its derivatives by t and b, and what is 0 at poles."""


def to_positive(x: Tensor) -> Tensor:
    """Return abs(x), for use in an even function: its slope at 0 is 1 and its curvature 0.

    The slope 0 that ``torch.abs`` has at 0 would lose the even function's curvature there.
    """
    return x * (1 - 2 * (x.detach() < 0).to(x.dtype))


class RaisedCosine(_Pulse):
    r"""Raised cosine pulse.

    .. math::

        A\,\operatorname{sinc}\!\left(\frac{x}{T}\right)
        \frac{\cos(\pi b x/T)}{1 - (2 b x/T)^2},
        \qquad \operatorname{sinc}(u) = \frac{\sin \pi u}{\pi u}

    The poles at 0 and at :math:`|x| = T/(2b)` (value :math:`\tfrac{\pi}{4}
    \operatorname{sinc}\tfrac{1}{2b}`) are removable, and removed by writing, with
    :math:`v = |2bx/T|`,

    .. math::

        \frac{\cos(\pi v/2)}{1 - v^2}
        = \frac{\pi}{2}\,\frac{s\!\left(\tfrac{\pi}{2}(1-v)\right)}{1 + v},
        \qquad s(z) = \frac{\sin z}{z}.

    Its spectrum is flat up to :math:`\pi(1-b)/T`, falls as a raised cosine, and is zero above
    :math:`\pi(1+b)/T` radians. With roll-off 0 it is a sinc of scale :math:`\pi/T`.

    Parameters
    ----------
    scale : float, default=None
        The rate 1/T. Base configuration: 1.
    roll_off : float in [0, 1], default=None
        `b`. Base configuration: 0.5, which the paper leaves open. A training step that leaves
        [0, 1] is reflected at its ends.
    amplitude : float, default=None
        `A`. Base configuration: 1.

    References
    ----------
    - MIRE: Matched Implicit Neural Representations, CVPR 2025.
    - Proakis and Salehi, Digital Communications, 5th edition, section 9.2.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import RaisedCosine
    >>> RaisedCosine()(torch.tensor([0.0, 1.0])).round(decimals=4).abs().tolist()
    [1.0, 0.0]
    """

    name = "raised_cosine"
    matched_scales: ClassVar[tuple[float, float]] = (0.35, 5.0)
    _kernel = "raised_cosine"

    def _pulse(self, t: Tensor, b: Tensor) -> Tensor:
        t = to_positive(t)
        v = 2 * b * t
        half = math.pi / 2
        window = sinc(half * (1 - v)) / (1 + v)
        return half * sinc(math.pi * t) * window

    def _quotient(self, t: Tensor, b: float, spare: Spare) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        y, k = t.mul_(math.pi), (2 * b / math.pi) ** 2
        squares = torch.mul(y, y, out=spare())
        rest = torch.mul(squares, -k, out=spare()).add_(1)  # 1 - (2 b t)**2
        divisor = torch.mul(y, rest, out=spare())
        sine, window = torch.sin(y, out=spare()), torch.mul(y, b, out=spare())
        skew = torch.sin(window, out=spare()).mul_(sine)
        window.cos_()
        pulse = sine.mul_(window).div_(divisor)
        free = torch.cos(y, out=spare())
        slope = window.mul_(free).add_(skew, alpha=-b)
        torch.mul(squares, -3 * k, out=free).add_(1)
        slope.addcmul_(pulse, free, value=-1).div_(divisor).mul_(math.pi)
        by_b = squares.mul_(pulse).mul_(8 * b / math.pi**2).sub_(skew)
        return pulse, slope, by_b.div_(rest), rest.mul_(torch.clamp(y, -1, 1, out=divisor))


class RootRaisedCosine(_Pulse):
    r"""Root raised cosine pulse, whose spectrum is the square root of a raised cosine's.

    .. math::

        A\,\frac{\sin(\pi t(1-b)) + 4bt\cos(\pi t(1+b))}{\pi t\,(1 - (4bt)^2)},
        \qquad t = \frac{x}{T}

    The poles at 0 (value :math:`1 + b(4/\pi - 1)`) and at :math:`|t| = 1/(4b)` are removable, and
    removed by partial fractions: for t of either sign, with :math:`s(z) = \sin(z)/z`, it is

    .. math::

        (1-b)\,s(\pi t(1-b)) + b\left[
        \cos\!\left(\pi t - \tfrac{\pi}{4}\right) s\!\left(\tfrac{\pi}{4}(1-4bt)\right)
        + \cos\!\left(\pi t + \tfrac{\pi}{4}\right) s\!\left(\tfrac{\pi}{4}(1+4bt)\right)\right].

    Its spectrum is flat up to :math:`\pi(1-b)/T` and zero above :math:`\pi(1+b)/T` radians. With
    roll-off 0 it is a sinc of scale :math:`\pi/T`.

    Parameters
    ----------
    scale : float, default=None
        The rate 1/T. Base configuration: 1.
    roll_off : float in [0, 1], default=None
        `b`. Base configuration: 0.5, which the paper leaves open. A training step that leaves
        [0, 1] is reflected at its ends.
    amplitude : float, default=None
        `A`. Base configuration: 1.

    References
    ----------
    - MIRE: Matched Implicit Neural Representations, CVPR 2025.
    - Proakis and Salehi, Digital Communications, 5th edition, section 9.2.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import RootRaisedCosine
    >>> RootRaisedCosine(roll_off=0.5)(torch.tensor(0.0)).item()
    1.1366...
    """

    name = "root_raised_cosine"
    matched_scales: ClassVar[tuple[float, float]] = (0.4, 3.0)
    _kernel = "root_raised_cosine"

    def _pulse(self, t: Tensor, b: Tensor) -> Tensor:
        t = to_positive(t)
        v = 4 * b * t
        angle, quarter = math.pi * t, math.pi / 4
        apart = quarter * (1 + v)  # far from 0, as v is not negative
        skirt = (angle - quarter).cos() * sinc(quarter * (1 - v)) + (
            angle + quarter
        ).cos() * apart.sin() / apart
        return (1 - b) * sinc(angle * (1 - b)) + b * skirt

    def _quotient(self, t: Tensor, b: float, spare: Spare) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        y, m = t.mul_(math.pi), 4 * b / math.pi
        squares = torch.mul(y, y, out=spare())
        rest = torch.mul(squares, -(m * m), out=spare()).add_(1)  # 1 - (4 b t)**2
        divisor = torch.mul(y, rest, out=spare())
        lower, upper = torch.mul(y, 1 - b, out=spare()), torch.mul(y, 1 + b, out=spare())
        wave, beat = torch.cos(upper, out=spare()), upper.sin_()
        pulse = torch.sin(lower, out=spare()).addcmul_(y, wave, value=m).div_(divisor)
        inner, free = lower.cos_(), spare()
        slope = torch.mul(inner, 1 - b, out=spare()).add_(wave, alpha=m)
        slope.addcmul_(y, beat, value=-m * (1 + b))
        torch.mul(squares, -3 * m * m, out=free).add_(1)
        slope.addcmul_(pulse, free, value=-1).div_(divisor).mul_(math.pi)
        by_b = wave.mul_(4 / math.pi).sub_(inner).addcmul_(y, beat, value=-m)
        by_b.addcmul_(squares, pulse, value=8 * m / math.pi).div_(rest)
        return pulse, slope, by_b, rest.mul_(torch.clamp(y, -1, 1, out=divisor))
