"""The raised cosine and its square root, written without a pole."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from skmire.atoms._acceleration import jet_kernel, kernel
from skmire.atoms._base import Atom, Pull, Spare, add_gradient, fold_into_unit, go_back
from skmire.atoms._jets import product_jet, sine_jet
from skmire.atoms._sinc import sinc, sinc_, sinc_and_slope, sinc_jet


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
        return self._of_scaled(self.scale * z)

    def formula(self, t: Tensor) -> Tensor:
        return self._of_scaled(t)

    def _of_scaled(self, t: Tensor) -> Tensor:
        return self.amplitude * self._pulse(t, fold_into_unit(self.roll_off))

    @property
    def folded(self) -> tuple[nn.Parameter, None]:
        return self.scale, None

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        b = fold_into_unit(self.roll_off)
        if compiled := kernel(self._kernel, t):
            values, slope, by_b, pulse = spare(), spare(), spare(), spare()
            compiled(t, b, self.amplitude, values, slope, by_b, pulse)
        else:
            pulse, slope, by_b = self._swept(t, b, spare)
            slope.mul_(self.amplitude)
            values = torch.mul(pulse, self.amplitude, out=spare())

        def pull(cotangent: Tensor) -> Tensor:
            by_roll_off, by_amplitude = go_back(cotangent, slope, by_b, pulse)
            inward = torch.where(torch.remainder(self.roll_off, 2) <= 1, 1.0, -1.0)
            add_gradient(self.roll_off, inward * self.amplitude * by_roll_off)
            add_gradient(self.amplitude, by_amplitude)
            return cotangent

        return values, pull

    @torch.no_grad()
    def jet(self, t: Tensor, out: Sequence[Tensor], spare: Spare) -> None:
        if compiled := jet_kernel(self._kernel, t, out):
            return compiled(t, fold_into_unit(self.roll_off), self.amplitude)
        if len(out) > 3:
            return super().jet(t, out, spare)
        b = fold_into_unit(self.roll_off)
        pulse = self._bent(t, float(b), spare) if len(out) > 2 else self._swept(t, b, spare)
        for place, derivative in zip(out, pulse, strict=False):
            torch.mul(derivative, self.amplitude, out=place)

    def evaluate(self, t: Tensor, spare: Spare) -> Tensor:
        b = fold_into_unit(self.roll_off)
        if compiled := kernel(self._kernel, t):
            compiled(t, b, self.amplitude, values := spare(), None, None, None)
            return values
        return self._evaluated(t.abs_().mul_(math.pi), float(b), spare).mul_(self.amplitude)

    @abstractmethod
    def _pulse(self, t: Tensor, b: Tensor) -> Tensor:
        """Return the pulse of unit amplitude, written without a pole."""

    @abstractmethod
    def _evaluated(self, y: Tensor, b: float, spare: Spare) -> Tensor:
        """Return the pulse of unit amplitude at ``y = abs(pi t)``, without a graph."""

    @abstractmethod
    def _swept(self, t: Tensor, b: Tensor, spare: Spare) -> tuple[Tensor, Tensor, Tensor]:
        """Return the pulse of unit amplitude and its derivatives by t and b; writes to `t`."""

    @abstractmethod
    def _bent(self, t: Tensor, b: float, spare: Spare) -> list[Tensor]:
        """Return the pulse of unit amplitude and two derivatives by t; writes to `t`."""


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
    matched_scales: ClassVar[tuple[float, float]] = (0.35, 1.25)
    _kernel = "raised_cosine"

    def _pulse(self, t: Tensor, b: Tensor) -> Tensor:
        t = to_positive(t)
        v = 2 * b * t
        half = math.pi / 2
        window = sinc(half * (1 - v)) / (1 + v)
        return half * sinc(math.pi * t) * window

    def _evaluated(self, y: Tensor, b: float, spare: Spare) -> Tensor:
        window = torch.mul(y, -b, out=spare()).add_(math.pi / 2)  # pi/2 (1 - v)
        apart = torch.mul(y, 2 * b / math.pi, out=spare()).add_(1)
        sinc_(window, spare).div_(apart)
        return sinc_(y, spare).mul_(window).mul_(math.pi / 2)

    def _swept(self, t: Tensor, b: Tensor, spare: Spare) -> tuple[Tensor, Tensor, Tensor]:
        half = math.pi / 2
        sign, y = torch.sign(t, out=spare()), t.abs_().mul_(math.pi)
        inner = torch.mul(y, -b, out=spare()).add_(half)  # pi/2 (1 - v)
        share = torch.mul(y, b / half, out=spare()).add_(1).reciprocal_().mul_(half)
        core, d_core = sinc_and_slope(y, spare)
        window, d_window = sinc_and_slope(inner, spare)
        window.mul_(share)
        pulse = torch.mul(core, window, out=inner)
        by_v = d_window.mul_(core).mul_(-half).sub_(pulse, alpha=1 / half).mul_(share)
        slope = d_core.mul_(window).add_(by_v, alpha=float(b) / half).mul_(sign.mul_(math.pi))
        return pulse, slope, by_v.mul_(y).div_(half)

    def _bent(self, t: Tensor, b: float, spare: Spare) -> list[Tensor]:
        half, rate = math.pi / 2, math.pi * b
        below, above = (
            sinc_jet(torch.mul(t, along, out=spare()).add_(half), along, spare)
            for along in (-rate, rate)
        )  # the window in partial fractions, one for either pole
        window = [low.add_(high).mul_(half / 2) for low, high in zip(below, above, strict=True)]
        return product_jet(sinc_jet(t.mul_(math.pi), math.pi, spare), window, spare)


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
    matched_scales: ClassVar[tuple[float, float]] = (0.4, 0.85)
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

    def _evaluated(self, y: Tensor, b: float, spare: Spare) -> Tensor:
        quarter = math.pi / 4
        lower, upper = (torch.mul(y, s * b, out=spare()).add_(quarter) for s in (-1, 1))
        rest = spare()
        skirt = sinc_(lower, spare).mul_(torch.sub(y, quarter, out=rest).cos_())
        wave = torch.add(y, quarter, out=rest).cos_()
        other = spare()
        skirt.addcmul_(torch.sin(upper, out=other).div_(upper), wave)
        return sinc_(y.mul_(1 - b), spare).mul_(1 - b).add_(skirt, alpha=b)

    def _swept(self, t: Tensor, b: Tensor, spare: Spare) -> tuple[Tensor, Tensor, Tensor]:
        roll, quarter = float(b), math.pi / 4
        sign, y = torch.sign(t, out=spare()), t.abs_().mul_(math.pi)
        apart, near = (torch.mul(y, s * roll, out=spare()).add_(quarter) for s in (1, -1))
        lower, d_lower = sinc_and_slope(near, spare)
        upper = torch.addcmul(lower, d_lower, near, out=spare()).div_(apart)  # cos(near) / apart
        d_upper = near.mul_(lower).sub_(upper).div_(apart)
        core, d_core = sinc_and_slope(torch.mul(y, 1 - roll, out=apart), spare)
        d_core.mul_(1 - roll)
        plus = torch.sub(y, quarter, out=spare()).cos_()
        minus = torch.add(y, quarter, out=apart).cos_()
        by_width = d_upper.mul_(minus).addcmul_(plus, d_lower, value=-1).mul_(roll)
        skirt = torch.mul(plus, lower, out=d_lower).addcmul_(minus, upper)
        slope = minus.mul_(lower).addcmul_(plus, upper, value=-1).add_(by_width).mul_(roll)
        slope.add_(d_core, alpha=1 - roll).mul_(sign.mul_(math.pi))
        by_b = by_width.sub_(d_core).mul_(y).add_(skirt).sub_(core)
        return core.mul_(1 - roll).add_(skirt, alpha=roll), slope, by_b

    def _bent(self, t: Tensor, b: float, spare: Spare) -> list[Tensor]:
        quarter, narrow = math.pi / 4, math.pi * (1 - b)
        core = sinc_jet(torch.mul(t, narrow, out=spare()), narrow, spare)
        y = t.mul_(math.pi)
        lower, upper = (
            product_jet(
                sine_jet(torch.add(y, sign * quarter, out=spare()), math.pi, spare),
                sinc_jet(
                    torch.mul(y, -sign * b, out=spare()).add_(quarter), -sign * math.pi * b, spare
                ),
                spare,
            )
            for sign in (1, -1)
        )  # cos(y - pi/4) is sin(y + pi/4), and cos(y + pi/4) is -sin(y - pi/4)
        return [
            middle.mul_(1 - b).add_(low.sub_(high), alpha=b)
            for middle, low, high in zip(core, lower, upper, strict=True)
        ]
