"""Prolate spheroidal wave functions of order m = 0, in NumPy, and their tables for the atom.

SciPy's ``pro_ang1`` is NaN from abs(x) = 1 outwards and wrong for large c, and ``pro_rad1`` is NaN
at 1, so the functions are computed here as Xiao and Rokhlin do: from the eigenvectors of a
tridiagonal matrix in normalised Legendre polynomials.

References
----------
Xiao, Rokhlin and Yarvin, Prolate spheroidal wavefunctions, quadrature and interpolation,
Inverse Problems 17, 2001.
Slepian and Pollak, Prolate spheroidal wave functions, Fourier analysis and uncertainty I, 1961.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import pi, sqrt
from typing import Literal

import numpy as np
from numpy.polynomial import Chebyshev, Legendre
from numpy.polynomial.chebyshev import cheb2poly
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal
from scipy.special import spherical_jn

Kind = Literal["angular", "radial"]
Array = NDArray[np.float64]


class Prolate:
    """Angular function psi_n of bandwidth c, continued to all real x.

    Within [-1, 1] it is summed in Legendre polynomials; beyond, by the integral equation
    ``lambda psi(x) = int exp(i c x t) psi(t) dt``, which turns them into spherical Bessel
    functions. Scaled so that its largest magnitude on [-1, 1] is 1, and positive where x first
    leaves 0.

    Parameters
    ----------
    c : float
        Bandwidth, above 0.
    order : int
        n, the number of zeros in (-1, 1).

    Raises
    ------
    ValueError
        If double precision cannot continue the function beyond [-1, 1].
    """

    def __init__(self, c: float, order: int) -> None:
        self.c = c
        degrees = np.arange(order % 2, order + 2 * int(c) + 60, 2)
        weights = _eigenvector(degrees, c, order // 2) * np.sqrt(degrees + 0.5)
        self._degrees = degrees
        self._bessel_weights = weights * np.where(degrees // 2 % 2, -1.0, 1.0)
        coefficients = np.zeros(degrees[-1] + 1)
        coefficients[degrees] = weights
        self._inner = Legendre(coefficients)

        x = np.linspace(0, 1, 401)
        inner, outer = self._inner(x), self._outer(x)
        top = float(x[np.argmax(np.abs(inner))])
        if top < 1:
            for _ in range(3):
                top -= self._inner.deriv()(top) / self._inner.deriv(2)(top)
        peak = abs(float(self._inner(top)))
        ratio = inner @ outer / (outer @ outer)
        if np.abs(inner - ratio * outer).max() > 1e-11 * peak:
            raise ValueError(
                f"PSWF(c={c}, order={order}) cannot be continued beyond [-1, 1] in double "
                "precision; raise c or lower the order."
            )
        scale = np.sign(inner[np.argmax(np.abs(inner) > 1e-3 * peak)]) / peak
        self._inner *= scale
        self._bessel_weights *= scale * ratio

    def __call__(self, x: Array) -> Array:
        """Return psi at `x`, of the same shape."""
        return np.where(np.abs(x) <= 1, self._inner(np.clip(x, -1, 1)), self._outer(x))

    def _outer(self, x: Array) -> Array:
        terms = spherical_jn(self._degrees[:, None], np.abs(np.ravel(x)) * self.c)
        odd = np.sign(x) if self._degrees[0] else 1.0
        return np.asarray((self._bessel_weights @ terms).reshape(np.shape(x)) * odd)


def _eigenvector(degrees: NDArray[np.int64], c: float, index: int) -> Array:
    """Weights of a wave function in normalised Legendre polynomials of these degrees."""
    k, j = degrees, degrees[:-1]
    diagonal = k * (k + 1) + c**2 * (2 * k * (k + 1) - 1) / ((2 * k + 3) * (2 * k - 1))
    beside = c**2 * (j + 1) * (j + 2) / ((2 * j + 3) * np.sqrt((2 * j + 1) * (2 * j + 5)))
    _, vectors = eigh_tridiagonal(diagonal, beside, select="i", select_range=(index, index))
    return np.asarray(vectors[:, 0])


@dataclass(frozen=True)
class ProlateTable:
    """A wave function as a Chebyshev series on abs(u) <= interval and a decaying wave beyond.

    Attributes
    ----------
    interval : float
        Where the series ends and the wave begins.
    series : tuple of float
        Chebyshev coefficients in ``2 (u/interval)**2 - 1`` (angular; times ``u/interval`` for
        an odd order) or in ``2 |u|/interval - 1`` (radial).
    wave : tuple of (amplitude, c, phase, drift)
        Beyond: ``amplitude / xi * cos(c xi + phase + drift / xi)``, with xi = abs(u) for the
        angular kind and 1 + abs(u) for the radial: the leading asymptotic form of the function.
        Its three constants make value, slope and curvature continuous.
    """

    interval: float
    series: tuple[float, ...]
    wave: tuple[float, float, float, float]

    @cached_property
    def powers(self) -> tuple[float, ...]:
        """Coefficients of the series in powers of its variable, lowest first."""
        return tuple(cheb2poly(np.array(self.series)).tolist())

    @cached_property
    def single_powers(self) -> tuple[float, ...]:
        """Coefficients of a shorter series, for single precision; an odd number of them."""
        degrees = np.arange(len(self.series))
        rest = np.cumsum((np.abs(self.series) * degrees**2)[::-1])[::-1]  # of the derivative too
        n = max(int(np.sum(rest > 4e-7)), 3)
        powers = cheb2poly(np.array(self.series[:n])).tolist()
        return tuple(powers + [0.0] * (1 - n % 2))

    @cached_property
    def as_arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """These coefficients and those of the wave, in single precision."""
        return np.array(self.single_powers, np.float32), np.array(self.wave, np.float32)

    @cached_property
    def is_stable_in_powers(self) -> bool:
        """Whether the series can be summed in powers, without terms that cancel."""
        return sum(map(abs, self.powers)) < 1_000


@lru_cache(maxsize=64)
def prolate_table(kind: Kind, c: float, order: int) -> ProlateTable:
    """Fit the table of one wave function, the series to 1e-12 of its largest value.

    Parameters
    ----------
    kind : {"angular", "radial"}
        The angular function of u, or the radial function of 1 + abs(u), which is the same
        continuation from 1 outwards, scaled to 1 at u = 0.
    c : float
        Bandwidth.
    order : int
        n.

    Returns
    -------
    table : ProlateTable
    """
    psi = Prolate(c, order)
    shift, unit = 0.0, 1.0
    if kind == "radial":
        shift, unit = 1.0, float(psi(np.ones(1))[0])
        if abs(unit) < 1e-4:
            raise ValueError(
                f"PSWF(kind='radial', c={c}, order={order}) is too small at 1 to be scaled to it "
                "in double precision; lower c or use kind='angular'."
            )
    odd = kind == "angular" and order % 2 == 1

    def flattened(xi: Array) -> Array:
        return xi * psi(xi) / unit

    # Joined at an extremum of xi psi(xi), the wave's constants follow without a system to solve.
    start = max(2.0, 16 / c) + shift
    stretch = Chebyshev.interpolate(flattened, 40, [start, start + 3 * pi / c])
    slopes = stretch.deriv().roots()
    real = np.sort(slopes[np.abs(slopes.imag) < 1e-8].real)
    inside = real[(real > start) & (real < start + 3 * pi / c)]
    wanes = np.abs(stretch(np.linspace(start, start + 3 * pi / c, 200))).max() < 1e-11
    end = start if wanes else float(inside[0])
    interval = end - shift

    def of_variable(t: Array) -> Array:
        u = interval * (np.sqrt((1 + t) / 2) if kind == "angular" else (1 + t) / 2)
        value = psi(u + shift) / unit
        return np.divide(value * interval, u) if odd else value

    check = np.linspace(-1, 1, 401)[1:]  # an odd order's quotient has no value at u = 0
    wanted = of_variable(check)
    size = np.sqrt((1 + check) / 2) if odd else 1.0
    largest = float(np.abs(size * wanted).max())
    if largest > 1e5:
        raise ValueError(
            f"PSWF(c={c}, order={order}) grows to {largest:.0e} beyond [-1, 1], which leaves "
            "double precision nothing within; raise c or lower the order."
        )
    tolerance = 1e-12 * max(1.0, largest)
    for degree in range(16, 400, 4):
        series = Chebyshev.interpolate(of_variable, degree)
        if np.abs(size * (series(check) - wanted)).max() < tolerance:
            series = Chebyshev.interpolate(of_variable, degree + 4)  # for the derivatives
            break
    else:
        raise ValueError(f"PSWF(c={c}, order={order}) needs too long a series; lower c.")
    wave = (0.0, c, 0.0, 0.0) if wanes else _wave(end, c, series, interval, kind, odd)
    return ProlateTable(interval, tuple(series.coef.tolist()), wave)


def _wave(
    end: float, c: float, series: Chebyshev, interval: float, kind: Kind, odd: bool
) -> tuple[float, float, float, float]:
    """Constants of the wave that continues the series from `end`, an extremum of xi psi."""
    p, q, r = (float(series.deriv(m)(1.0)) if m else float(series(1.0)) for m in range(3))
    if kind == "radial":  # t = 2 u / L - 1
        value, slope, curvature = p, 2 * q / interval, 4 * r / interval**2
    else:  # t = 2 (u / L)**2 - 1
        value, slope, curvature = p, 4 * q / interval, (16 * r + 4 * q) / interval**2
    if odd:  # times u / L
        slope, curvature = slope + value / interval, curvature + 2 * slope / interval
    # With g = xi f and g' = 0: g'' = -(phase')**2 g.
    amplitude = end * value
    square = -(2 * slope + end * curvature) / amplitude
    rate = sqrt(square) if square > 0 else c  # almost waned: what is left is rounding
    drift = (c - rate) * end**2
    phase = -c * end - drift / end
    return amplitude, c, phase, drift
