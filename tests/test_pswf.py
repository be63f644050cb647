"""The prolate spheroidal atom against SciPy, its integral equation and its own docstring."""

import itertools
import math
from functools import cache, lru_cache

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from numpy.polynomial import Legendre, Polynomial
from scipy.special import pro_ang1, pro_rad1

from skmire.atoms import PSWF

DOUBLE = torch.float64
KINDS = ("angular", "radial")


def evaluate(atom: PSWF, x) -> np.ndarray:
    return atom(torch.as_tensor(x, dtype=DOUBLE)).detach().numpy()


def derivatives(atom: PSWF, x) -> np.ndarray:
    """Value, slope and curvature at `x`, of shape (3, points)."""
    x = torch.as_tensor(x, dtype=DOUBLE).requires_grad_()
    y = atom(x)
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
    return torch.stack([y, slope, curvature]).detach().numpy()


@lru_cache
def reference(c: float, order: int):
    """Psi on all x in double precision, and the magnitude of its integral operator's eigenvalue.

    Eigenvector of the differential operator, as a dense matrix that holds the square of the
    Jacobi matrix of multiplication by x; continued by 800 Gauss-Legendre nodes.
    """
    k = np.arange(order + 2 * int(c) + 80)
    beside = k[1:] / np.sqrt(4.0 * k[1:] ** 2 - 1)
    times_x = np.diag(beside, 1) + np.diag(beside, -1)
    _, vectors = np.linalg.eigh(np.diag(k * (k + 1.0)) + c**2 * times_x @ times_x)
    inner = Legendre(vectors[:, order] * np.sqrt(k + 0.5))
    grid = np.linspace(0, 1, 1001)
    top = grid[np.abs(inner(grid)).argmax()]
    if 0 < top < 1:
        for _ in range(4):
            top -= inner.deriv()(top) / inner.deriv(2)(top)
    inner = inner * (np.sign(inner(1e-3)) / abs(inner(top)))
    t, w = np.polynomial.legendre.leggauss(800)
    wave, heights = np.sin if order % 2 else np.cos, w * inner(t)

    def outer(x):
        return wave(c * np.multiply.outer(x, t)) @ heights

    value = outer(np.array([top]))[0] / inner(top)

    def psi(x):
        x = np.asarray(x, dtype=float)
        return np.where(np.abs(x) <= 1, inner(np.clip(x, -1, 1)), outer(x) / value)

    return psi, abs(value)


def target(atom: PSWF):
    """The function the atom tabulates, of its scaled input."""
    psi, _ = reference(atom.c, atom.order)
    if atom.kind == "angular":
        return psi
    unit = float(psi(1.0))
    return lambda u: psi(1 + np.abs(u)) / unit


def _offered(kind: str, c: float, order: int) -> bool:
    """Whether double precision serves both the atom and the reference."""
    psi, value = reference(c, order)
    return value > 0.02 and (kind == "angular" or abs(psi(1.0)) > 1e-3)


GRID = [
    (kind, c, order)
    for kind, c, order in itertools.product(
        KINDS, (0.05, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 20.0, 40.0, 100.0), (0, 1, 2, 3, 5)
    )
    if _offered(kind, c, order)
]
SWEEP = pytest.mark.parametrize(("kind", "c", "order"), GRID)


def test_the_sweep_is_a_sweep():
    assert len(GRID) > 55
    assert {kind for kind, _, _ in GRID} == set(KINDS)


# --- Which functions they are -------------------------------------------------------------------


@pytest.mark.parametrize("c", [0.5, 1.0, 4.0, 10.0])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_angular_is_scipys_up_to_its_scale(c, order):
    x = np.linspace(-0.995, 0.995, 200)
    found, wanted = evaluate(PSWF(c=c, order=order), x), pro_ang1(0, order, c, x)[0]
    wanted *= (found @ wanted) / (wanted @ wanted)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-12)


@pytest.mark.parametrize("c", [1.0, 4.0])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_radial_is_scipys(c, order):
    atom = PSWF(kind="radial", c=c, order=order)
    u = np.linspace(0.01, atom.table.interval, 150)
    # SciPy's is NaN at 1; a polynomial through points next to it gives the limit.
    near = 0.1 + 0.09 * np.cos(np.pi * (np.arange(12) + 0.5) / 12)
    limit = np.polynomial.Chebyshev.fit(near, pro_rad1(0, order, c, 1 + near)[0], 11)(0.0)
    wanted = pro_rad1(0, order, c, 1 + u)[0] / limit
    np.testing.assert_allclose(evaluate(atom, u), wanted, rtol=0, atol=2e-9)
    np.testing.assert_allclose(evaluate(atom, -u), evaluate(atom, u), rtol=0, atol=0)


@pytest.mark.parametrize(("c", "order"), [(1.0, 0), (4.0, 0), (4.0, 1), (4.0, 2), (10.0, 0)])
def test_angular_solves_its_integral_equation_beyond_1(c, order):
    # psi inside from a symmetric eigenproblem in normalised Legendre polynomials at 30 digits,
    # psi outside from a quadrature of exp(i c x t) psi(t).
    with mp.workdps(30):
        degrees = range(order % 2, order + 2 * int(c) + 40, 2)
        size = len(degrees)
        operator = mp.zeros(size)
        for i, k in enumerate(degrees):
            below = mpf(k * k) / (4 * k * k - 1)
            above = mpf((k + 1) ** 2) / (4 * (k + 1) ** 2 - 1)
            operator[i, i] = k * (k + 1) + mpf(c) ** 2 * (below + above)
            if i + 1 < size:
                next_above = mpf((k + 2) ** 2) / (4 * (k + 2) ** 2 - 1)
                operator[i, i + 1] = operator[i + 1, i] = mpf(c) ** 2 * mp.sqrt(above * next_above)
        _, vectors = mp.eigsy(operator)
        weights = [vectors[i, order // 2] * mp.sqrt(k + mpf(1) / 2) for i, k in enumerate(degrees)]

        @cache
        def inside(t):
            before, now, total, at = mpf(0), mpf(1), mpf(0), 0
            for k in range(degrees[-1] + 1):  # Bonnet's recurrence
                if k == degrees[at]:
                    total += weights[at] * now
                    at += 1
                before, now = now, ((2 * k + 1) * t * now - k * before) / (k + 1)
            return total

        wave = mp.sin if order % 2 else mp.cos

        def integral(x):
            return mp.quad(
                lambda t: wave(c * x * t) * inside(t), [0, 1], method="gauss-legendre", maxdegree=5
            )

        value = integral(mpf(1)) / inside(mpf(1))
        x = np.array([0.0, 0.3, 0.8, 1.0, 1.3, 1.9, 2.2, 4.0])
        x = x[x < PSWF(c=c, order=order).table.interval]
        wanted = np.array([float(integral(mpf(point)) / value) for point in x])
    found = evaluate(PSWF(c=c, order=order), x)
    wanted *= (found @ wanted) / (wanted @ wanted)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-12)


@pytest.mark.parametrize("c", [0.5, 4.0, 10.0, 40.0])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_largest_magnitude_on_the_interval_is_1(c, order):
    atom = PSWF(c=c, order=order)
    largest = 0.0
    low, high = 0.0, 1.0
    for _ in range(4):  # close in on the largest
        x = np.linspace(low, high, 2001)
        y = np.abs(evaluate(atom, x))
        largest, at, step = y.max(), x[y.argmax()], x[1] - x[0]
        low, high = max(0.0, at - step), min(1.0, at + step)
    assert largest == pytest.approx(1, abs=5e-12)


@pytest.mark.parametrize("c", [1.0, 4.0, 10.0])
def test_zeros_sign_parity_and_orthogonality(c):
    t, w = np.polynomial.legendre.leggauss(80)
    values = []
    for order in range(5):
        atom = PSWF(c=c, order=order)
        y = evaluate(atom, np.linspace(-0.9999, 0.9999, 4000))
        assert np.count_nonzero(y[1:] * y[:-1] < 0) == order
        assert evaluate(atom, [1e-3])[0] > 0
        np.testing.assert_array_equal(evaluate(atom, -t), (-1) ** order * evaluate(atom, t))
        values.append(evaluate(atom, t))
    gram = np.array([[(w * a * b).sum() for b in values] for a in values])
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 1e-11


def test_radial_is_1_at_0_with_a_cusp():
    for order in (0, 1, 2):
        atom = PSWF(kind="radial", order=order)
        value, slope, curvature = derivatives(atom, [0.0])
        assert value == pytest.approx(1, abs=1e-12)
        assert slope == 0
        assert curvature == 0
        _, (left, right), _ = derivatives(atom, [-1e-9, 1e-9])
        assert left == pytest.approx(-right, abs=1e-7)
        psi, _ = reference(4.0, order)
        wanted = (psi(1.0) - psi(1.0 - 1e-6)) / 1e-6 / psi(1.0)
        assert right == pytest.approx(wanted, rel=1e-4)
        assert abs(right) > 0.3
        assert atom.smoothness == 0


# --- The table ----------------------------------------------------------------------------------


@SWEEP
def test_series_is_within_its_stated_error(kind, c, order):
    atom = PSWF(kind=kind, c=c, order=order)
    u = np.concatenate([np.linspace(0, atom.table.interval, 1503), [1 - 1e-9, 1 + 1e-9]])
    wanted, found = target(atom)(u), evaluate(atom, u)
    if kind == "angular":  # the scale is another test's
        wanted *= (found @ wanted) / (wanted @ wanted)
    largest = max(1.0, np.abs(wanted).max())
    # The reference's own rounding, which the continuation and the radial unit amplify.
    _, value = reference(c, order)
    unit = 1.0 if kind == "angular" else abs(reference(c, order)[0](1.0))
    rounding = 2e-14 * (1 / value + 1 / unit)
    assert np.abs(found - wanted).max() < 1.5e-12 * largest + rounding


@SWEEP
def test_interval_is_as_stated(kind, c, order):
    table = PSWF(kind=kind, c=c, order=order).table
    least = max(2.0, 16 / c)
    assert least <= table.interval <= least + 3 * math.pi / c
    if table.wave[0] == 0:
        return  # it waned before
    shift = 0 if kind == "angular" else 1
    end = table.interval + shift
    f = target(PSWF(kind=kind, c=c, order=order))

    def flat(xi):
        return xi * f(xi - shift)

    size = np.abs(flat(np.linspace(end, end + 2 * math.pi / c, 100))).max()
    step = 0.02 / c
    slope = (flat(np.array([end + step])) - flat(np.array([end - step])))[0] / (2 * step)
    assert abs(slope) < 0.002 * c * size + 1e-11 / step  # an extremum ...
    between = np.linspace(least + shift, end, 200)[1:-1]
    turns = np.diff(np.sign(np.diff(flat(between))))
    assert size < 1e-8 or np.count_nonzero(turns) <= (end - least - shift < 1e-9)  # ... the first


@SWEEP
def test_value_slope_and_curvature_are_continuous_at_the_join(kind, c, order):
    atom = PSWF(kind=kind, c=c, order=order)
    end = atom.table.interval
    largest = max(1.0, np.abs(evaluate(atom, np.linspace(0, end, 500))).max())
    for side in (1, -1):
        found = derivatives(atom, [side * np.nextafter(end, 0), side * end])
        jump = np.abs(found[:, 0] - found[:, 1])
        # c**k is what k derivatives of such a function weigh; a wave below 1e-11 is dropped.
        assert (jump < np.array([1.2e-11, 2e-9 * c, 2e-8 * c**2]) * largest).all()
        if atom.table.wave[0]:
            beyond = np.abs(evaluate(atom, np.linspace(end, end + 7 / c, 100))).max()
            rounding = np.array([1e-14, 1e-10 * c, 1e-8 * c**2]) * largest
            assert (jump < 1e-3 * beyond * c ** np.arange(3) + rounding).all()


@SWEEP
def test_wave_beyond_follows_the_function(kind, c, order):
    # The docstring gives no figure. Measured, of the largest value on the interval: at most
    # 1.9e-3 for orders 0 to 2 and 1e-2 for orders 3 and 5.
    atom = PSWF(kind=kind, c=c, order=order)
    end = atom.table.interval
    u = np.concatenate(
        [np.linspace(end, end + 60 / c, 1200), np.geomspace(end + 60 / c, end + 500 / c, 300)]
    )
    largest = max(1.0, np.abs(target(atom)(np.linspace(0, end, 500))).max())
    error = np.abs(evaluate(atom, u) - target(atom)(u))
    assert error.max() < (2e-3 if order < 3 else 1e-2) * largest
    assert np.abs(evaluate(atom, -u)).max() < largest


def test_wave_of_the_default_is_close():
    # 7e-5 of the peak, beyond a join where the function is down to 1 %.
    atom = PSWF()
    u = np.linspace(atom.table.interval, 60, 4000)
    assert np.abs(evaluate(atom, u) - target(atom)(u)).max() < 8e-5


def test_wave_has_the_stated_form():
    for kind, order in itertools.product(KINDS, (0, 1, 2)):
        atom = PSWF(kind=kind, order=order)
        height, c, phase, drift = atom.table.wave
        assert c == atom.c
        u = np.linspace(atom.table.interval + 0.01, 80, 500)
        xi = u + (kind == "radial")
        wanted = height / xi * np.cos(c * xi + phase + drift / xi)
        np.testing.assert_allclose(evaluate(atom, u), wanted, rtol=0, atol=1e-13)


def test_waned_function_ends_in_0():
    atom = PSWF(c=100.0)
    assert atom.table.interval == 2
    assert evaluate(atom, [2.0, 5.0, -70.0]).tolist() == [0.0, 0.0, 0.0]
    assert abs(evaluate(atom, [1.999])[0]) < 1e-11


@given(
    scale=st.floats(-40, 40),
    amplitude=st.floats(-10, 10),
    offset=st.floats(-10, 10),
    x=st.floats(-30, 30),
    kind=st.sampled_from(KINDS),
    order=st.sampled_from([0, 1, 2]),
)
@settings(max_examples=50, deadline=None)
def test_scale_amplitude_and_offset(scale, amplitude, offset, x, kind, order):
    plain = PSWF(kind=kind, order=order)
    atom = PSWF(kind=kind, order=order, scale=scale, amplitude=amplitude, offset=offset)
    wanted = amplitude * evaluate(plain, [scale * x]) + offset
    np.testing.assert_allclose(evaluate(atom, [x]), wanted, rtol=0, atol=1e-14)


# --- What it accepts ----------------------------------------------------------------------------


@given(
    kind=st.sampled_from(KINDS),
    c=st.floats(math.log(1e-3), math.log(100)).map(math.exp),
    order=st.integers(0, 12),
)
@settings(max_examples=120, deadline=None)
def test_an_atom_that_is_made_is_the_function(kind, c, order):
    assume(c <= 100)
    try:
        atom = PSWF(kind=kind, c=c, order=order)
    except ValueError as refusal:
        assert "PSWF(" in str(refusal)  # noqa: PT017 - a refusal is fine if it says of what
        return
    unit = np.abs(evaluate(atom, np.linspace(0, 1, 20_001)))
    if kind == "angular":
        assert unit.max() == pytest.approx(1, abs=1e-5)
    else:
        assert unit[0] == pytest.approx(1, abs=1e-6)
    assert np.isfinite(derivatives(atom, np.geomspace(1e-6, 1e5, 200))).all()


@pytest.mark.parametrize(
    ("c", "order"),
    [
        (29.18394762929147, 1),
        (32.376242675620155, 3),
        (34.09628733414925, 4),
        (45.68664181327924, 11),
    ],
)
def test_functions_that_have_almost_waned_are_offered(c, order):
    # c within (0, 100] and few zeros: nothing that double precision cannot do.
    atom = PSWF(c=c, order=order)
    u = np.linspace(0, 8, 999)
    np.testing.assert_allclose(evaluate(atom, u), target(atom)(u), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("c", "order"), [(0.010595187783792674, 7), (0.276851024786805, 10), (0.00288007774245357, 5)]
)
def test_functions_beyond_double_precision_are_refused_or_right(c, order):
    # So many zeros in [-1, 1] at so small a bandwidth: beyond 1 it grows by twelve digits.
    try:
        atom = PSWF(c=c, order=order)
    except ValueError as refusal:
        assert "PSWF(" in str(refusal)  # noqa: PT017
    else:
        largest = np.abs(evaluate(atom, np.linspace(0, 1, 20_001))).max()
        assert largest == pytest.approx(1, abs=1e-5)


def test_double_precision_has_an_end_and_says_so():
    with pytest.raises(ValueError, match=r"PSWF\(c=0.5, order=20\) cannot be continued.*raise c"):
        PSWF(c=0.5, order=20)
    with pytest.raises(ValueError, match=r"PSWF\(kind='radial', c=40.0, order=0\) is too small"):
        PSWF(kind="radial", c=40.0)


@pytest.mark.parametrize("c", [0, 0.0, -1.0, 100.1, math.inf, -math.inf, math.nan])
def test_bandwidths_out_of_range_are_refused(c):
    with pytest.raises(ValueError, match=rf"PSWF\(c=\.\.\.\) must lie in \(0, 100\], got {c}"):
        PSWF(c=c)


@pytest.mark.parametrize("kind", ["Angular", "both", "", None, 1])
def test_unknown_kinds_are_refused(kind):
    rule = rf"PSWF\(kind=\.\.\.\) must be 'angular' or 'radial', got {kind!r}"
    with pytest.raises(ValueError, match=rule):
        PSWF(kind=kind)


@pytest.mark.parametrize("order", [-1, 0.5, 1.0000001, math.nan, math.inf])
def test_orders_that_count_nothing_are_refused(order):
    rule = rf"PSWF\(order=\.\.\.\) must be an integer of at least 0, got {order}"
    with pytest.raises(ValueError, match=rule):
        PSWF(order=order)


@pytest.mark.parametrize("c", [1e-3, 0.01, 100, 100.0])
def test_ends_of_the_range_are_offered(c):
    atom = PSWF(c=c)
    assert atom.c == c
    assert evaluate(atom, [0.0])[0] == pytest.approx(1, abs=1e-12)


def test_tables_are_shared():
    assert PSWF(c=4).table is PSWF(c=4.0, scale=3.0).table
    assert PSWF(order=1).table is not PSWF().table


@pytest.mark.parametrize(("c", "order"), [(1.0, 0), (4.0, 0), (4.0, 3), (10.0, 2), (30.0, 1)])
def test_the_series_for_single_precision_is_shorter_and_as_good(c, order):
    table, x = PSWF(c=c, order=order).table, np.linspace(-1, 1, 2_001)
    long, short = Polynomial(table.powers), Polynomial(table.single_powers)
    assert len(short) < len(long)
    assert len(short) % 2 == 1  # which the compiled kernel counts on
    assert np.abs(short(x) - long(x)).max() < 3e-8
    assert np.abs(short.deriv()(x) - long.deriv()(x)).max() < 5e-7
