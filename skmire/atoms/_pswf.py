"""The prolate spheroidal atom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from skmire.atoms._acceleration import jet_kernel, kernel
from skmire.atoms._base import Atom, Pull, Spare, add_gradient, go_back
from skmire.atoms._horner import horner
from skmire.atoms._prolate import prolate_table
from skmire.atoms._sinc import split_at


class PSWF(Atom):
    r"""Prolate spheroidal wave function, the band-limited function most concentrated in [-1, 1].

    .. math:: T\,\psi(w x) + s

    `psi` is the order-0 (m = 0) wave function of bandwidth `c`, evaluated from a table fitted
    once: a Chebyshev series, to 1e-12, for :math:`|w x| \le L`, with L the first extremum of
    :math:`\xi\,\psi(\xi)` beyond :math:`\max(2, 16/c)`, and from there on the wave
    :math:`\frac{A}{\xi}\cos(c\,\xi + \phi + \kappa/\xi)`, which is the function's own asymptotic
    form with three constants chosen so that value, slope and curvature are continuous at L.

    ``kind="angular"`` is the angular function psi_n, a bell on [-1, 1] for ``order=0``, continued
    to all x by its integral equation and scaled to a largest magnitude of 1 on [-1, 1]. It has no
    poles and its spectrum is confined to angular frequencies up to `c w`.

    ``kind="radial"`` is the radial function :math:`R_{0n}(c, 1 + |u|)`, scaled to 1 at 0: the
    form the paper draws. It has a cusp at 0, where its derivative is taken as 0.

    The paper writes the radial equation and describes the angular function; it gives neither the
    bandwidth (its drawings look like c of about 4) nor the fit it used.

    Parameters
    ----------
    kind : {"angular", "radial"}, default="angular"
        Which of the two functions.
    c : float, default=4.0
        Bandwidth, in (0, 100].
    order : int, default=0
        The number n of zeros in (-1, 1).
    scale : float, default=None
        `w`. Base configuration: 1.
    amplitude : float, default=None
        `T`. Base configuration: 1.
    offset : float, default=None
        `s`. Base configuration: 0.

    References
    ----------
    - MIRE: Matched Implicit Neural Representations, CVPR 2025.
    - Slepian and Pollak, Prolate spheroidal wave functions, Fourier analysis and uncertainty I,
      Bell System Technical Journal 40, 1961.

    Examples
    --------
    >>> import torch
    >>> from skmire.atoms import PSWF
    >>> PSWF(c=4.0)(torch.tensor([0.0, 1.0])).tolist()
    [0.9999..., 0.1193...]
    """

    name = "pswf"
    base: Mapping[str, float] = {"scale": 1.0, "amplitude": 1.0, "offset": 0.0}
    matched_scales: ClassVar[tuple[float, float]] = (0.3, 1.3)
    scale: nn.Parameter
    amplitude: nn.Parameter
    offset: nn.Parameter

    def __init__(
        self,
        *,
        kind: Literal["angular", "radial"] = "angular",
        c: float = 4.0,
        order: int = 0,
        scale: float | None = None,
        amplitude: float | None = None,
        offset: float | None = None,
    ) -> None:
        if kind not in ("angular", "radial"):
            raise ValueError(f"PSWF(kind=...) must be 'angular' or 'radial', got {kind!r}.")
        if not 0 < c <= 100:
            raise ValueError(f"PSWF(c=...) must lie in (0, 100], got {c}.")
        if not order >= 0 or order % 1 != 0:
            raise ValueError(f"PSWF(order=...) must be an integer of at least 0, got {order}.")
        super().__init__(scale=scale, amplitude=amplitude, offset=offset)
        self.kind, self.c, self.order = kind, float(c), int(order)
        self.smoothness = 2 if kind == "angular" else 0
        self.table = prolate_table(kind, self.c, self.order)
        self._rename({"kind": kind, "c": self.c, "order": self.order})

    def forward(self, z: Tensor) -> Tensor:
        return self._of_scaled(self.scale * z)

    def formula(self, t: Tensor) -> Tensor:
        return self(t) if self.folded[0] is None else self._of_scaled(t)

    def _of_scaled(self, u: Tensor) -> Tensor:
        inside, near, far = split_at(u, self.table.interval)
        psi = torch.lerp(self._wave(far), self._series(near), inside)
        return self.amplitude * psi + self.offset

    @property
    def folded(self) -> tuple[nn.Parameter | None, None]:
        return self.scale if self.table.is_stable_in_powers else None, None

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        if not self.table.is_stable_in_powers:
            return super().sweep(t, spare)
        if compiled := self._kernel(kernel("pswf", t), t):
            values, slope, psi = spare(), spare(), spare()
            compiled(values, slope, psi)
        else:
            psi, slope = self._derived(t, 2, spare)
            slope.mul_(self.amplitude)
            values = torch.mul(psi, self.amplitude, out=spare()).add_(self.offset)

        def pull(cotangent: Tensor) -> Tensor:
            add_gradient(self.offset, cotangent.sum())
            (by_amplitude,) = go_back(cotangent, slope, psi)
            add_gradient(self.amplitude, by_amplitude)
            return cotangent

        return values, pull

    def evaluate(self, t: Tensor, spare: Spare) -> Tensor:
        if not self.table.is_stable_in_powers:
            return self.formula(t)
        if compiled := self._kernel(kernel("pswf", t), t):
            compiled(psi := spare(), None)
            return psi
        return self._psi(t, spare).mul_(self.amplitude).add_(self.offset)

    @torch.no_grad()
    def jet(self, t: Tensor, out: Sequence[Tensor], spare: Spare) -> None:
        if len(out) > 3 or not self.table.is_stable_in_powers:
            return super().jet(t, out, spare)
        if compiled := self._kernel(jet_kernel("pswf", t, out), t):
            return compiled()
        for place, derivative in zip(out, self._derived(t, max(len(out), 2), spare), strict=False):
            torch.mul(derivative, self.amplitude, out=place)
        out[0].add_(self.offset)

    def _kernel(
        self, compiled: Callable[..., None] | None, t: Tensor
    ) -> Callable[..., None] | None:
        table = self.table
        constants = (*table.as_arrays, table.interval, self.kind == "angular", self._is_odd)
        return compiled and partial(compiled, t, *constants, self.amplitude, self.offset)

    @property
    def _is_odd(self) -> bool:
        return self.kind == "angular" and self.order % 2 == 1

    def _psi(self, u: Tensor, spare: Spare) -> Tensor:
        """Return psi at `u`, without a graph."""
        size = torch.abs(u, out=spare())
        inside = torch.lt(size, self.table.interval, out=spare())
        x, place = self._place(size, spare)
        near = horner(place, self._powers(u), spare())
        if self._is_odd:
            near.mul_(x)
        angle, inverse = self._angle(size, spare)
        far = angle.cos_().mul_(inverse).mul_(self.table.wave[0])
        psi = torch.lerp(far, near, inside, out=near)
        return psi.mul_(torch.sign(u, out=inside)) if self._is_odd else psi

    def _derived(self, u: Tensor, n: int, spare: Spare) -> list[Tensor]:
        """Return psi and its derivatives at `u`, two or three in all, without a graph."""
        interval, (amplitude, c, _, drift) = self.table.interval, self.table.wave
        size, sign = torch.abs(u, out=spare()), torch.sign(u, out=spare())
        inside = torch.lt(size, interval, out=spare())
        x, place = self._place(size, spare)
        near, powers = [], self._powers(u)
        for _ in range(n):
            near.append(horner(place, powers, spare()))
            powers = [k * p for k, p in enumerate(powers)][1:]
        # By the place, 2 x**2 - 1 or 2 x - 1, which the chain rule takes to u.
        is_angular = self.kind == "angular"
        across = (4 if is_angular else 2) / interval
        stretch = torch.mul(x, across, out=spare()) if is_angular else across
        if n > 2:
            near[2].mul_(stretch).mul_(stretch)
            if is_angular:
                near[2].add_(near[1], alpha=across / interval)
        near[1].mul_(stretch)
        if self._is_odd:
            for k in range(n - 1, 0, -1):
                near[k].mul_(x).add_(near[k - 1], alpha=k / interval)
            near[0].mul_(x)
        angle, inverse = self._angle(size, spare)
        tail = torch.cos(angle, out=place).mul_(inverse).mul_(amplitude)
        rate = torch.mul(inverse, inverse, out=x).mul_(-drift).add_(c)
        swing = angle.sin_().mul_(amplitude)
        fall = torch.addcmul(tail, swing, rate, out=spare()).mul_(inverse).neg_()
        far = [tail, fall]
        if n > 2:
            # -(tail rate^2 + (2 drift / xi^3) swing / xi + 2 fall / xi)
            rest = swing.mul_(inverse).mul_(inverse).mul_(inverse).mul_(drift).add_(fall)
            far.append(rest.mul_(inverse).mul_(2).addcmul_(tail, rate.mul_(rate)).neg_())
        for k, (outer, inner) in enumerate(zip(far, near, strict=True)):
            torch.lerp(outer, inner, inside, out=inner)
            if k % 2 != self._is_odd:
                inner.mul_(sign)
        return near

    def _powers(self, u: Tensor) -> Sequence[float]:
        return self.table.powers if u.dtype == torch.float64 else self.table.single_powers

    def _place(self, size: Tensor, spare: Spare) -> tuple[Tensor, Tensor]:
        """Return abs(u)/L, at most 1, and the variable of the series."""
        x = torch.mul(size, 1 / self.table.interval, out=spare()).clamp_(max=1)
        place = torch.mul(x, x, out=spare()) if self.kind == "angular" else spare().copy_(x)
        return x, place.mul_(2).sub_(1)

    def _angle(self, size: Tensor, spare: Spare) -> tuple[Tensor, Tensor]:
        """Return the argument of the wave's cosine, and 1/xi; writes to `size`."""
        _, c, phase, drift = self.table.wave
        xi = (size if self.kind == "angular" else size.add_(1)).clamp_(min=self.table.interval)
        inverse = torch.reciprocal(xi, out=spare())
        return xi.mul_(c).add_(inverse, alpha=drift).add_(phase), inverse

    def _series(self, u: Tensor) -> Tensor:
        x = u / self.table.interval
        twice_t = 4 * x.square() - 2 if self.kind == "angular" else 4 * x.abs() - 2
        total = _clenshaw(twice_t, self.table.series)
        return total * x if self.kind == "angular" and self.order % 2 else total

    def _wave(self, u: Tensor) -> Tensor:
        amplitude, c, phase, drift = self.table.wave
        xi = u.abs() if self.kind == "angular" else 1 + u.abs()
        wave = amplitude / xi * torch.cos(c * xi + phase + drift / xi)
        return wave * u.sign() if self.kind == "angular" and self.order % 2 else wave


def _clenshaw(twice_t: Tensor, series: tuple[float, ...]) -> Tensor:
    """Sum a Chebyshev series at ``twice_t / 2`` by Clenshaw's recurrence."""
    older = torch.zeros_like(twice_t)
    newer = torch.full_like(twice_t, series[-1])
    for coefficient in series[-2:0:-1]:
        older, newer = newer, torch.addcmul(coefficient - older, twice_t, newer)
    return torch.addcmul(series[0] - older, twice_t, newer, value=0.5)
