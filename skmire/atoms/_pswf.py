"""The prolate spheroidal atom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from skmire.atoms._acceleration import kernel
from skmire.atoms._base import Atom, Pull, Spare, add_gradient
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
    matched_scales: ClassVar[tuple[float, float]] = (0.3, 5.0)
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
        u = self.scale * z
        inside, near, far = split_at(u, self.table.interval)
        psi = torch.lerp(self._wave(far), self._series(near), inside)
        return self.amplitude * psi + self.offset

    @property
    def folded(self) -> tuple[nn.Parameter | None, None]:
        return self.scale if self.table.is_stable_in_powers else None, None

    def sweep(self, t: Tensor, spare: Spare) -> tuple[Tensor, Pull]:
        if not self.table.is_stable_in_powers:
            return super().sweep(t, spare)
        psi, slope = spare(), spare()
        if compiled := kernel("pswf", t):
            angular = self.kind == "angular"
            powers, wave = (
                np.array(numbers, np.float32)
                for numbers in (self.table.single_powers, self.table.wave)
            )
            is_odd = angular and self.order % 2 == 1
            compiled(t, powers, self.table.interval, wave, angular, is_odd, psi, slope)
        else:
            places = t.ravel()
            inside = places.abs() < self.table.interval
            for here, formula in (
                (inside, self._series_and_slope),
                (~inside, self._wave_and_slope),
            ):
                rows = torch.nonzero(here).ravel()
                psi.ravel()[rows], slope.ravel()[rows] = formula(places[rows])

        def pull(cotangent: Tensor) -> Tensor:
            add_gradient(self.amplitude, torch.dot(cotangent.ravel(), psi.ravel()))
            add_gradient(self.offset, cotangent.sum())
            return cotangent.mul_(self.amplitude).mul_(slope)

        return torch.addcmul(self.offset, psi, self.amplitude, out=spare()), pull

    def _series_and_slope(self, u: Tensor) -> tuple[Tensor, Tensor]:
        x = u / self.table.interval
        angular = self.kind == "angular"
        t = (2 * x.square() if angular else 2 * x.abs()).sub_(1)
        double = t.dtype == torch.float64
        total, derived = horner(t, self.table.powers if double else self.table.single_powers)
        inner = 4 * x if angular else 2 * x.sign()  # dt / dx
        if angular and self.order % 2:
            return total * x, (derived * inner).mul_(x).add_(total).div_(self.table.interval)
        return total, derived.mul_(inner).div_(self.table.interval)

    def _wave_and_slope(self, u: Tensor) -> tuple[Tensor, Tensor]:
        amplitude, c, phase, drift = self.table.wave
        xi = u.abs() if self.kind == "angular" else u.abs().add_(1)
        inverse = xi.reciprocal()
        angle = (c * xi).add_(inverse, alpha=drift).add_(phase)
        wave = angle.cos().mul_(inverse).mul_(amplitude)
        rate = inverse.square().mul_(-drift).add_(c)
        slope = angle.sin_().mul_(rate).mul_(amplitude).add_(wave).mul_(inverse).neg_()
        if self.kind == "angular" and self.order % 2:
            return wave.mul_(u.sign()), slope
        return wave, slope.mul_(u.sign())

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
