"""The atoms' values and derivatives as compiled loops, in single precision.

One pass over memory does what takes many with torch's own operations, and sine and cosine of an
argument come together. Imported by `_acceleration` alone, where numba is installed. Each kernel
takes flat arrays: the inputs ``t``, and those it writes to; where derivatives are None, it is
compiled to the values alone. Sine and cosine are good to about 4e-7 for arguments up to 1e4, and
within [-1, 1] for all.

The compiler makes vector instructions of a loop that has no branches, calls nothing, and takes no
index but its own: hence the slices, and the numbers picked by ``a if c else b``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import float32, int32, njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Wanted = Floats | None

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
_LOG2E = float32(1 / math.log(2))
# ln(2) in two parts, the first of few bits.
_LOG2 = (float32(0.693359375), float32(-2.12194440e-4))


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
    """Return sin(z)/z and two derivatives, from the sine and cosine of z; series near 0."""
    zz = z * z
    near = zz < float32(0.16)
    safe = float32(1) if near else z
    quotient = sine / safe
    slope = (cosine - quotient) / safe
    series = ((float32(-1 / 5_040) * zz + float32(1 / 120)) * zz + float32(-1 / 6)) * zz
    rise = ((float32(-1 / 840) * zz + float32(1 / 30)) * zz + float32(-1 / 3)) * z
    bend = ((float32(1 / 6_480) * zz + float32(-1 / 168)) * zz + float32(1 / 10)) * zz
    return (
        series + float32(1) if near else quotient,
        rise if near else slope,
        bend + float32(-1 / 3) if near else -quotient - float32(2) * slope / safe,
    )


@njit(fastmath=_FLAGS, nogil=True, error_model="numpy")
def _bell(x: Any) -> Any:  # pragma: no cover
    """Return exp(-x**2), cut as `bell` cuts it: a polynomial (Cephes, expf) times a power of 2."""
    y = x * x
    y = float32(50) if y > float32(50) else y  # which leaves a NaN
    halvings = np.rint(y * _LOG2E)
    r = halvings * _LOG2[0] - y + halvings * _LOG2[1]
    p = (float32(1.9875691500e-4) * r + float32(1.3981999507e-3)) * r + float32(8.3334519073e-3)
    p = ((p * r + float32(4.1665795894e-2)) * r + float32(1.6666665459e-1)) * r + float32(0.5)
    bits = np.int32(np.int32(127) - np.int32(halvings)) << np.int32(23)
    return (p * r * r + r + float32(1)) * np.int32(bits).view(np.float32)


@_kernel
def go_back(
    cotangent: Floats, slope: Floats, first: Floats, second: Wanted, dots: Floats
) -> None:  # pragma: no cover
    """Write the dot products of the cotangent; then multiply it by the slope."""
    a, b = np.zeros(_CHUNK, np.float32), np.zeros(_CHUNK, np.float32)  # a sum a lane
    for start in range(0, cotangent.size, _CHUNK):
        c, s = cotangent[start : start + _CHUNK], slope[start : start + _CHUNK]
        f = first[start : start + _CHUNK]
        for i in range(c.size):
            a[i] += c[i] * f[i]
        if second is not None:
            g = second[start : start + _CHUNK]
            for i in range(c.size):
                b[i] += c[i] * g[i]
        for i in range(c.size):
            c[i] *= s[i]
    dots[0] = a.astype(np.float64).sum()
    if second is not None:
        dots[1] = b.astype(np.float64).sum()


@_kernel
def sinusoid(
    t: Floats, values: Floats, slope: Wanted, curvature: Wanted = None
) -> None:  # pragma: no cover
    for i in range(t.size):
        sine, cosine = _sine_cosine(t[i])
        values[i] = sine
        if slope is not None:
            slope[i] = cosine
        if curvature is not None:
            curvature[i] = -sine


@_kernel
def finer(
    t: Floats,
    a: Any,
    p: Any,
    values: Floats,
    slope: Wanted,
    by_a: Wanted = None,
    by_p: Wanted = None,
    curvature: Wanted = None,
) -> None:  # pragma: no cover
    """Evaluate sin(a (abs(t) + 1) t + p)."""
    for i in range(t.size):
        size = abs(t[i])
        warped = (size + float32(1)) * t[i]
        sine, cosine = _sine_cosine(a * warped + p)
        values[i] = sine
        if slope is not None:
            steep = a * (float32(2) * size + float32(1))
            slope[i] = steep * cosine
            if curvature is not None:
                sign = float32(t[i] > float32(0)) - float32(t[i] < float32(0))
                curvature[i] = float32(2) * a * sign * cosine - steep * steep * sine
        if by_a is not None:
            by_a[i] = cosine * warped
            by_p[i] = cosine  # type: ignore[index]


@_kernel
def gaussian(
    t: Floats, values: Floats, slope: Wanted, curvature: Wanted = None
) -> None:  # pragma: no cover
    for i in range(t.size):
        value = _bell(t[i])
        values[i] = value
        if slope is not None:
            slope[i] = float32(-2) * t[i] * value
        if curvature is not None:
            curvature[i] = (float32(4) * t[i] * t[i] - float32(2)) * value


@_kernel
def sinc(
    t: Floats, values: Floats, slope: Wanted, curvature: Wanted = None
) -> None:  # pragma: no cover
    for i in range(t.size):
        sine, cosine = _sine_cosine(t[i])
        value, rise, bend = _sinc(t[i], sine, cosine)
        values[i] = value
        if slope is not None:
            slope[i] = rise
        if curvature is not None:
            curvature[i] = bend


@_kernel
def gabor(
    t: Floats,
    a: Any,
    g: Any,
    values: Floats,
    slope: Wanted,
    by_a: Wanted = None,
    by_g: Wanted = None,
    curvature: Wanted = None,
) -> None:  # pragma: no cover
    """Evaluate cos(a t) exp(-(g t)**2); its derivatives by a and g lack factors -1 and -2 g."""
    twice = float32(2) * g * g
    for i in range(t.size):
        sine, cosine = _sine_cosine(a * t[i])
        window = _bell(g * t[i])
        value = window * cosine
        values[i] = value
        if slope is not None:
            quadrature, across = window * sine, t[i] * value
            rise = -a * quadrature - twice * across
            slope[i] = rise
            if by_a is not None:
                by_a[i] = t[i] * quadrature
                by_g[i] = t[i] * across  # type: ignore[index]
            if curvature is not None:
                turn = a * (twice * t[i] * quadrature - a * value)
                curvature[i] = turn - twice * (value + t[i] * rise)


@_kernel
def raised_cosine(
    t: Floats,
    b: Any,
    amplitude: Any,
    values: Floats,
    slope: Wanted,
    by_b: Wanted = None,
    by_amplitude: Wanted = None,
    curvature: Wanted = None,
) -> None:  # pragma: no cover
    half = _PI * float32(0.5)
    for i in range(t.size):
        size = abs(t[i])
        y = _PI * size
        sine, cosine = _sine_cosine(y)
        low, rest = _sine_cosine(b * y)  # cosine and sine of pi/2 (1 - v), the other way round
        v = float32(2) * b * size
        s, ds, dds = _sinc(y, sine, cosine)
        r, dr, ddr = _sinc(half * (float32(1) - v), rest, low)
        share = float32(1) / (float32(1) + v)
        pulse = half * s * r * share
        values[i] = amplitude * pulse
        if slope is not None:
            by_v = half * s * share * (-half * dr - r * share)
            along = amplitude * (_PI * half * ds * r * share + float32(2) * b * by_v)
            slope[i] = along if t[i] > 0 else -along
            if by_b is not None:
                by_b[i] = float32(2) * size * by_v
                by_amplitude[i] = pulse  # type: ignore[index]
            if curvature is not None:
                # Derivatives by v of the window, r times share.
                falling = share * (-half * dr - r * share)
                bent = share * (half * half * ddr - float32(2) * falling)
                twice = float32(2) * b
                across = _PI * _PI * dds * r * share + twice * twice * s * bent
                across = across + float32(2) * _PI * twice * ds * falling
                curvature[i] = amplitude * half * across


@_kernel
def root_raised_cosine(
    t: Floats,
    b: Any,
    amplitude: Any,
    values: Floats,
    slope: Wanted,
    by_b: Wanted = None,
    by_amplitude: Wanted = None,
    curvature: Wanted = None,
) -> None:  # pragma: no cover
    one = float32(1)
    for i in range(t.size):
        y = _PI * abs(t[i])
        s, c = _sine_cosine(y)
        sb, cb = _sine_cosine(b * y)
        core, d_core, dd_core = _sinc(y * (one - b), s * cb - c * sb, c * cb + s * sb)
        lower, d_lower, dd_lower = _sinc(_QUARTER - b * y, (cb - sb) * _ROOT, (cb + sb) * _ROOT)
        upper, d_upper, dd_upper = _sinc(_QUARTER + b * y, (cb + sb) * _ROOT, (cb - sb) * _ROOT)
        plus, minus = (c + s) * _ROOT, (c - s) * _ROOT  # cos(y - pi/4), cos(y + pi/4)
        skirt = plus * lower + minus * upper
        pulse = (one - b) * core + b * skirt
        values[i] = amplitude * pulse
        if slope is not None:
            by_width = minus * d_upper - plus * d_lower
            along = b * (minus * lower - plus * upper + b * by_width)
            along = amplitude * _PI * ((one - b) * (one - b) * d_core + along)
            slope[i] = along if t[i] > 0 else -along
            if by_b is not None:
                steeper = b * y * by_width - (one - b) * y * d_core
                by_b[i] = skirt - core + steeper
                by_amplitude[i] = pulse  # type: ignore[index]
            if curvature is not None:
                bent = b * b * (plus * dd_lower + minus * dd_upper) - skirt
                bent = bent - float32(2) * b * (minus * d_lower + plus * d_upper)
                rest = (one - b) * (one - b) * (one - b) * dd_core
                curvature[i] = amplitude * _PI * _PI * (rest + b * bent)


@_kernel
def pswf(
    u: Floats,
    powers: Floats,
    wave: Floats,
    interval: Any,
    angular: bool,
    odd: bool,
    amplitude: Any,
    offset: Any,
    values: Floats,
    slope: Wanted,
    by_amplitude: Wanted = None,
    curvature: Wanted = None,
) -> None:  # pragma: no cover
    """Evaluate a polynomial within the interval and a decaying wave beyond, as `PSWF` says.

    The number of powers is one more than a multiple of 2.
    """
    one, two = float32(1), float32(2)
    height, c, phase, drift = wave[0], wave[1], wave[2], wave[3]
    is_odd, beside = float32(odd), float32(not angular)
    across, highest = one / interval, powers[-1]
    polynomial, derivative = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    second, unused = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    places = np.empty(_CHUNK, np.float32)
    for start in range(0, u.size, _CHUNK):
        here = u[start : start + _CHUNK]
        for i in range(here.size):
            x = abs(here[i]) * across
            x = one if x > one else x
            places[i] = two * x * (x + beside * (one - x)) - one
            polynomial[i] = highest
        if slope is not None:
            for i in range(here.size):
                derivative[i] = float32(0)
                second[i] = float32(0)
        for k in range(powers.size - 2, -1, -2):  # two at a time, as memory is the slower part
            upper, lower = powers[k], powers[k - 1]
            if slope is None:
                for i in range(here.size):
                    polynomial[i] = (polynomial[i] * places[i] + upper) * places[i] + lower
            else:
                for i in range(here.size):
                    p, d, t = polynomial[i], derivative[i], places[i]
                    if curvature is not None:  # half the second derivative
                        h = second[i] * t + d
                        second[i] = h * t + d * t + p
                    d = d * t + p
                    p = p * t + upper
                    derivative[i] = d * t + p
                    polynomial[i] = p * t + lower
        psi = polynomial
        if slope is not None:
            rise = slope[start : start + _CHUNK]
            psi = unused
        if by_amplitude is not None:
            psi = by_amplitude[start : start + _CHUNK]
        if curvature is not None:
            bend = curvature[start : start + _CHUNK]
        for i in range(here.size):
            size = abs(here[i])
            x = size * across
            x = one if x > one else x
            xi = size + beside
            xi = interval if xi < interval else xi  # which leaves a NaN
            inverse = one / xi
            sine, cosine = _sine_cosine(c * xi + drift * inverse + phase)
            tail = height * cosine * inverse
            sign = float32(here[i] > float32(0)) - float32(here[i] < float32(0))
            p = polynomial[i]
            inner = p * (one + is_odd * (x - one))  # times x for an odd order
            value = inner if size < interval else tail
            psi[i] = value * (one + is_odd * (sign - one))
            if slope is not None:
                fall = -(height * sine * (c - drift * inverse * inverse) + tail) * inverse
                stretch = (two + (one - beside) * (two * two * x - two)) * across
                tilt = derivative[i] * stretch
                along = tilt * (one + is_odd * (x - one)) + is_odd * p * across
                along = along if size < interval else fall
                rise[i] = amplitude * along * (sign + is_odd * (one - sign))
                if curvature is not None:
                    bent = two * second[i] * stretch * stretch
                    bent = bent + derivative[i] * (one - beside) * two * two * across * across
                    bent = bent * (one + is_odd * (x - one)) + is_odd * two * tilt * across
                    rate = c - drift * inverse * inverse
                    wave_bent = height * sine * (two * drift * inverse * inverse) * inverse
                    wave_bent = -(tail * rate * rate + wave_bent * inverse + two * fall * inverse)
                    bent = bent if size < interval else wave_bent
                    bend[i] = amplitude * bent * (one + is_odd * (sign - one))
        out = values[start : start + _CHUNK]
        for i in range(here.size):
            out[i] = amplitude * psi[i] + offset
