"""The atoms' values and derivatives as compiled loops, in single precision.

One pass over memory does what takes many with torch's own operations, and sine and cosine of an
argument come together. Imported by `_acceleration` alone, where numba is installed. Each kernel
takes flat arrays: the inputs ``t``, and those it writes to. Sine and cosine are good to about
4e-7 for arguments up to 1e4, and within [-1, 1] for all.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import float32, int32, njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Not those that take a NaN for a number, by which training notices divergence; nor "reassoc", which
# would add up the parts of pi/2 first.
_FLAGS = {"contract", "arcp", "nsz"}
_kernel = njit(fastmath=_FLAGS, nogil=True, cache=True, error_model="numpy")
_part = njit(fastmath=_FLAGS, nogil=True, inline="always", error_model="numpy")

_PI, _QUARTER = float32(math.pi), float32(math.pi / 4)
_ROOT = float32(math.sqrt(0.5))
# pi/2 in three parts, the first two of few bits, so that small multiples of them are exact.
_HALVES = (float32(1.5703125), float32(4.837512969970703125e-4), float32(7.549789948768648e-8))
_TURNS = float32(2 / math.pi)
_CHUNK = 512


@_part
def _sine_cosine(x: Any) -> Any:  # pragma: no cover
    """Minimax polynomials (Cephes, sinf and cosf) on the rest after multiples of pi/2."""
    turns = np.rint(x * _TURNS)
    r = x - turns * _HALVES[0]
    r = r - turns * _HALVES[1]
    r = r - turns * _HALVES[2]
    # Beyond 1e6, where neighbouring floats are radians/20 apart, the rest may be anything.
    r = float32(1) if r > float32(1) else r  # which leaves a NaN
    r = float32(-1) if r < float32(-1) else r
    q, rr = int32(turns), r * r
    sine = (float32(-1.9515295891e-4) * rr + float32(8.3321608736e-3)) * rr
    sine = (sine + float32(-1.6666654611e-1)) * rr * r + r
    cosine = (float32(2.443315711809948e-5) * rr + float32(-1.388731625493765e-3)) * rr
    cosine = (cosine + float32(4.166664568298827e-2)) * rr * rr - float32(0.5) * rr + float32(1)
    s = cosine if q & 1 else sine
    c = sine if q & 1 else cosine
    return -s if q & 2 else s, -c if (q + 1) & 2 else c


@_part
def _sinc(z: Any, sine: Any, cosine: Any) -> Any:  # pragma: no cover
    """Return sin(z)/z and its derivative, from the sine and cosine of z; a series near 0."""
    zz = z * z
    near = zz < float32(0.16)
    safe = float32(1) if near else z
    quotient = sine / safe
    slope = (cosine - quotient) / safe
    series = ((float32(-1 / 5_040) * zz + float32(1 / 120)) * zz + float32(-1 / 6)) * zz
    rise = ((float32(-1 / 840) * zz + float32(1 / 30)) * zz + float32(-1 / 3)) * z
    return series + float32(1) if near else quotient, rise if near else slope


@_kernel
def sinusoid(t: Floats, values: Floats, slope: Floats) -> None:  # pragma: no cover
    for i in range(t.size):
        values[i], slope[i] = _sine_cosine(t[i])


@_kernel
def sinc(t: Floats, values: Floats, slope: Floats) -> None:  # pragma: no cover
    for i in range(t.size):
        sine, cosine = _sine_cosine(t[i])
        values[i], slope[i] = _sinc(t[i], sine, cosine)


@_kernel
def gabor(
    t: Floats, window: Floats, a: Any, g: Any, values: Floats, slope: Floats, quadrature: Floats
) -> None:  # pragma: no cover
    """From the window exp(-(g t)**2): the wavelet, its slope, and the window times sin(a t)."""
    twice = float32(2) * g * g
    for i in range(t.size):
        sine, cosine = _sine_cosine(a * t[i])
        values[i] = window[i] * cosine
        quadrature[i] = window[i] * sine
        slope[i] = -a * quadrature[i] - twice * t[i] * values[i]


@_kernel
def raised_cosine(
    t: Floats, b: Any, values: Floats, slope: Floats, by_b: Floats
) -> None:  # pragma: no cover
    half = _PI * float32(0.5)
    for i in range(t.size):
        size = abs(t[i])
        y = _PI * size
        sine, cosine = _sine_cosine(y)
        low, rest = _sine_cosine(b * y)  # cosine and sine of pi/2 (1 - v), the other way round
        v = float32(2) * b * size
        s, ds = _sinc(y, sine, cosine)
        r, dr = _sinc(half * (float32(1) - v), rest, low)
        share = float32(1) / (float32(1) + v)
        by_v = half * s * share * (-half * dr - r * share)
        values[i] = half * s * r * share
        along = _PI * half * ds * r * share + float32(2) * b * by_v
        slope[i] = along if t[i] > 0 else -along
        by_b[i] = float32(2) * size * by_v


@_kernel
def root_raised_cosine(
    t: Floats, b: Any, values: Floats, slope: Floats, by_b: Floats
) -> None:  # pragma: no cover
    one = float32(1)
    for i in range(t.size):
        y = _PI * abs(t[i])
        s, c = _sine_cosine(y)
        sb, cb = _sine_cosine(b * y)
        core, d_core = _sinc(y * (one - b), s * cb - c * sb, c * cb + s * sb)
        lower, d_lower = _sinc(_QUARTER - b * y, (cb - sb) * _ROOT, (cb + sb) * _ROOT)
        upper, d_upper = _sinc(_QUARTER + b * y, (cb + sb) * _ROOT, (cb - sb) * _ROOT)
        plus, minus = (c + s) * _ROOT, (c - s) * _ROOT  # cos(y - pi/4), cos(y + pi/4)
        skirt = plus * lower + minus * upper
        by_width = minus * d_upper - plus * d_lower
        values[i] = (one - b) * core + b * skirt
        along = (one - b) * (one - b) * d_core + b * (minus * lower - plus * upper + b * by_width)
        slope[i] = _PI * along if t[i] > 0 else -_PI * along
        by_b[i] = skirt - core - (one - b) * y * d_core + b * y * by_width


@_kernel
def pswf(
    u: Floats,
    powers: Floats,
    interval: Any,
    wave: Floats,
    angular: bool,
    odd: bool,
    values: Floats,
    slope: Floats,
) -> None:  # pragma: no cover
    """Evaluate a polynomial within the interval and a decaying wave beyond, as `PSWF` says."""
    one, two = float32(1), float32(2)
    amplitude, c, phase, drift = wave[0], wave[1], wave[2], wave[3]
    is_odd, beside = float32(odd), float32(not angular)
    across, highest = one / interval, powers[-1]
    total, derived = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    place, size = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    for start in range(0, u.size, _CHUNK):
        n = min(_CHUNK, u.size - start)
        # Loops that write to few arrays: the compiler makes vector instructions of these alone.
        for i in range(n):
            size[i] = abs(u[start + i])
        for i in range(n):
            x = min(size[i] * across, one)
            place[i] = two * x * (x + beside * (one - x)) - one
        for i in range(n):
            total[i] = highest
        for i in range(n):
            derived[i] = float32(0)
        for k in range(powers.size - 2, -1, -1):
            power = powers[k]
            for i in range(n):
                derived[i] = derived[i] * place[i] + total[i]
                total[i] = total[i] * place[i] + power
        for i in range(n):
            x = min(size[i] * across, one)
            inner = derived[i] * (two + (one - beside) * (two * two * x - two)) * across
            derived[i] = inner * (one + is_odd * (x - one)) + is_odd * total[i] * across
        for i in range(n):
            x = min(size[i] * across, one)
            total[i] = total[i] * (one + is_odd * (x - one))  # times x for an odd order
        for i in range(n):
            here = abs(u[start + i])
            inverse = one / max(here + beside, interval)
            sine, cosine = _sine_cosine(c * (here + beside) + drift * inverse + phase)
            tail = amplitude * cosine * inverse
            fall = -(amplitude * sine * (c - drift * inverse * inverse) + tail) * inverse
            sign = u[start + i] / max(here, float32(1e-30))  # and 0 at 0, without a branch
            value = total[i] if here < interval else tail
            along = derived[i] if here < interval else fall
            values[start + i] = value * (one + is_odd * (sign - one))
            slope[start + i] = along * (sign + is_odd * (one - sign))
