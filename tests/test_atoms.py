"""Every atom against its textbook formula, and what every atom promises."""

import copy
import io
import math
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from mpmath.calculus.quadrature import GaussLegendre

from skmire.atoms import (
    PSWF,
    Atom,
    ComplexGabor,
    FunctionAtom,
    Gabor,
    Gaussian,
    RaisedCosine,
    ReLU,
    RootRaisedCosine,
    Sinc,
    Sinusoid,
    VariablePeriodic,
)

DIGITS = 50
FLOATS = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])

# --- The textbook, in mpmath: each formula as printed, its poles and all -------------------------
#
# `z` is complex, next to the real point `at`, which chooses the branch of a piecewise formula.
# At a kink a formula takes the documented convention.


def sinc(z, at, scale):
    return mp.sin(scale * z) / (scale * z)


def raised_cosine(z, at, scale, roll_off, amplitude):
    t = scale * z
    window = mp.cos(mp.pi * roll_off * t) / (1 - (2 * roll_off * t) ** 2)
    return amplitude * mp.sin(mp.pi * t) / (mp.pi * t) * window


def root_raised_cosine(z, at, scale, roll_off, amplitude):
    t, b = scale * z, roll_off
    above = mp.sin(mp.pi * t * (1 - b)) + 4 * b * t * mp.cos(mp.pi * t * (1 + b))
    return amplitude * above / (mp.pi * t * (1 - (4 * b * t) ** 2))


def complex_gabor(z, at, frequency, scale):
    return mp.exp(1j * frequency * z) * mp.exp(-((scale * z) ** 2))


def gabor(z, at, frequency, scale):
    return mp.cos(frequency * z) * mp.exp(-((scale * z) ** 2))


def gaussian(z, at, scale):
    return mp.exp(-((scale * z) ** 2))


def sinusoid(z, at, frequency, phase):
    return mp.sin(frequency * z + phase)


def relu(z, at):
    return z if at > 0 else mpf(0)


def tanh(z, at):
    return mp.tanh(z)


def warped(formula):
    def variable_periodic(z, at, **parameters):
        return formula((mp.sign(at) * z + 1) * z, at, **parameters)

    return variable_periodic


@lru_cache
def wave_function(c: float, order: int) -> Callable[[Any], Any]:
    """Psi of the integral equation, which Gauss-Legendre nodes turn into a matrix's eigenvector."""
    with mp.workdps(DIGITS):
        rule = GaussLegendre(mp).calc_nodes(5, mp.prec)
        nodes, weights = zip(*[(t, w) for t, w in rule if t > 0], strict=True)
        wave = mp.sin if order % 2 else mp.cos
        kernel = mp.matrix(
            [
                [2 * mp.sqrt(w * v) * wave(c * t * s) for s, v in zip(nodes, weights, strict=True)]
                for t, w in zip(nodes, weights, strict=True)
            ]
        )
        rough, vectors = np.linalg.eigh(np.array(kernel.tolist(), dtype=float))
        index = np.argsort(-np.abs(rough))[order // 2]
        vector = mp.matrix(vectors[:, index].tolist())
        for _ in range(2):  # Rayleigh's quotient: each step triples the digits
            value = (vector.T * kernel * vector)[0]
            shifted = kernel - (value + mpf(10) ** (5 - DIGITS)) * mp.eye(len(nodes))
            vector = mp.lu_solve(shifted, vector)
            vector /= mp.norm(vector)
        value = (vector.T * kernel * vector)[0]
        heights = [2 * mp.sqrt(w) * v / value for w, v in zip(weights, vector, strict=True)]

        def psi(z: Any) -> Any:
            return mp.fdot(heights, [wave(c * z * t) for t in nodes])

        grid = [mpf(k) / 64 for k in range(65)]
        k = max(range(65), key=lambda k: abs(psi(grid[k])))
        peak = psi(grid[k])
        if 0 < k < 64:
            peak = psi(
                mp.findroot(lambda x: mp.diff(psi, x), (grid[k - 1], grid[k + 1]), "anderson")
            )
        unit = abs(peak) * mp.sign(psi(mpf(1) / 1000))
        return lambda z: psi(z) / unit


def prolate(atom: PSWF) -> Callable[..., Any]:
    """The wave function up to the end of the stated interval; beyond it, the stated wave."""
    height, c, phase, drift = atom.table.wave
    radial = atom.kind == "radial"

    def pswf(z, at, scale, amplitude, offset):
        side = mp.sign(scale * at)
        u = scale * z
        if abs(scale * at) < atom.table.interval:
            psi = wave_function(atom.c, atom.order)
            if radial:
                return amplitude * psi(1 + side * u) / psi(mpf(1)) + offset
            return amplitude * psi(u) + offset
        xi = side * u + (1 if radial else 0)
        wave = height / xi * mp.cos(c * xi + phase + drift / xi)
        odd = not radial and atom.order % 2
        return amplitude * (side * wave if odd else wave) + offset

    return pswf


# --- The atoms ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """An atom, its formula, its poles and joins, and the symmetry it has."""

    label: str
    make: Callable[[], Atom]
    formula: Callable[..., Any]
    parity: int | None = 1

    def special(self) -> list[float]:
        """Points where the formula cannot be evaluated as it stands, or changes."""
        atom = self.make()
        scale = atom.start.get("scale", 1.0)
        if isinstance(atom, PSWF):
            join = atom.table.interval / scale
            return [0.0, join, -join]
        b = atom.values().get("roll_off", 0.0)
        if b == 0:
            return [0.0]
        pole = 1 / ((2 if isinstance(atom, RaisedCosine) else 4) * b * scale)
        return [0.0, pole, -pole]

    def points(self, dtype: torch.dtype) -> torch.Tensor:
        """The special points, both sides of each, and points anywhere."""
        rng = np.random.default_rng(20)
        steps = np.concatenate([[0.0], *[[10.0**-k, -(10.0**-k)] for k in range(1, 9)]])
        near = np.add.outer(self.special(), steps).ravel()
        wide = [rng.uniform(-r, r, 24) for r in (0.3, 3.0)]
        x = torch.tensor(np.concatenate([near, *wide, [50.0, -50.0, 17.3]]))
        return x.to(dtype).unique()

    def tolerance(self, dtype: torch.dtype) -> np.ndarray:
        """Error allowed in the value and two derivatives, in units of `size` below."""
        eps = torch.finfo(dtype).eps
        if "pswf" not in self.label:
            return eps * np.array([2.0, 4.0, 16.0])
        if dtype == torch.float32:
            return eps * np.array([16.0, 8.0, 64.0])
        # A series fitted to 1e-12 in value; each derivative costs up to its degree squared.
        return np.array([1e-12, 2e-11, 2e-9])


def _case(label: str, make: Callable[[], Atom], formula: Any, parity: int | None = 1) -> Case:
    return Case(label, make, formula, parity)


def _pulses(kind: type[Atom], formula: Any) -> list[Case]:
    settings = [
        {"roll_off": 0.0},
        {"roll_off": 0.25},
        {},
        {"roll_off": 1.0},
        {"roll_off": 0.25, "scale": 7.3},
        {"roll_off": 0.9, "scale": 7.3, "amplitude": -2.5},
        {"roll_off": 0.03},
    ]
    return [_case(kind(**s).name, lambda s=s: kind(**s), formula) for s in settings]


def _prolates() -> list[Case]:
    settings = [
        {},
        {"order": 1},
        {"order": 2},
        {"c": 10.0},
        {"scale": 7.3, "amplitude": -2.5, "offset": 0.3},
        {"kind": "radial"},
        {"kind": "radial", "order": 1},
        {"kind": "radial", "order": 2, "scale": 7.3},
    ]
    return [
        _case(
            PSWF(**s).name,
            lambda s=s: PSWF(**s),
            prolate(PSWF(**s)),
            -1 if s == {"order": 1} else 1,
        )
        for s in settings
    ]


CASES = [
    _case("sinc", Sinc, sinc),
    _case("sinc(scale=7.3)", lambda: Sinc(scale=7.3), sinc),
    *_pulses(RaisedCosine, raised_cosine),
    *_pulses(RootRaisedCosine, root_raised_cosine),
    *_prolates(),
    _case("gabor", Gabor, gabor),
    _case("gabor(7.3, 2)", lambda: Gabor(frequency=7.3, scale=2.0), gabor),
    _case("complex_gabor", ComplexGabor, complex_gabor, None),
    _case(
        "complex_gabor(7.3, 2)", lambda: ComplexGabor(frequency=7.3, scale=2.0), complex_gabor, None
    ),
    _case("gaussian", Gaussian, gaussian),
    _case("gaussian(7.3)", lambda: Gaussian(scale=7.3), gaussian),
    _case("sinusoid", Sinusoid, sinusoid, -1),
    _case("sinusoid(7.3, 0.4)", lambda: Sinusoid(frequency=7.3, phase=0.4), sinusoid, None),
    _case("relu", ReLU, relu, None),
    _case("finer", lambda: VariablePeriodic(Sinusoid()), warped(sinusoid), -1),
    _case("finer(7.3)", lambda: VariablePeriodic(Sinusoid(frequency=7.3)), warped(sinusoid), -1),
    _case("vp(gabor)", lambda: VariablePeriodic(Gabor()), warped(gabor), 1),
    _case("tanh", lambda: FunctionAtom(torch.tanh), tanh, -1),
]
EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)


# --- Value, slope and curvature -----------------------------------------------------------------


def reference(case: Case, parameters: Mapping[str, float], x: torch.Tensor) -> np.ndarray:
    """The formula and its first three derivatives at `x`, of shape (4, points).

    Cauchy's integral over a small circle steps over a removable pole, so the formula serves as
    it is printed; the trapezoidal rule with 8 points leaves (1e-5 bandwidth)**8 / 8!.
    """
    with mp.workdps(DIGITS):
        exact = {name: mpf(value) for name, value in parameters.items()}
        radius, count = mpf(10) ** -5, 8
        turns = [mp.expjpi((2 * mpf(k) + 1) / count) for k in range(count)]
        result = []
        for point in x.tolist():
            at = mpf(point)
            ring = [case.formula(at + radius * turn, at, **exact) for turn in turns]
            taylor = [
                mp.fdot(ring, [turn**-m for turn in turns]) / count / radius**m for m in range(4)
            ]
            result.append([complex(mp.factorial(m) * taylor[m]) for m in range(4)])
    return np.array(result).T


def derivatives(atom: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> np.ndarray:
    """The atom and its first two derivatives at `x` by autograd, of shape (3, points)."""
    x = x.clone().requires_grad_()
    y = atom(x)
    found = []
    for part in (y.real, y.imag) if y.is_complex() else (y,):
        (slope,) = torch.autograd.grad(part.sum(), x, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
        found.append(torch.stack([part, slope, curvature]).detach().double().numpy())
    return found[0] + 1j * found[1] if y.is_complex() else found[0] + 0j


@EVERY
@FLOATS
def test_value_slope_and_curvature_are_the_textbooks(case, dtype):
    # The reference sees the very numbers the atom sees: points and parameters as rounded.
    atom, x = case.make().to(dtype), case.points(dtype)
    parameters = {name.rpartition(".")[2]: p.item() for name, p in atom.named_parameters()}
    wanted, found = reference(case, parameters, x), derivatives(atom, x)
    # What rounding the point itself costs, and rounding the largest value.
    size = np.abs(wanted[:3]).max(axis=1, keepdims=True) + np.abs(x.numpy()) * np.abs(wanted[1:])
    error = np.abs(found - wanted[:3])
    excess = error - case.tolerance(dtype)[:, None] * size - 1e-30
    k, i = np.unravel_index(excess.argmax(), excess.shape)
    assert excess[k, i] <= 0, (
        f"derivative {k} at {x[i].item()!r}: {found[k, i]} for {wanted[k, i]}, "
        f"off by {error[k, i] / size[k, i]:.2g}"
    )


@pytest.mark.parametrize("b", [0.1, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("scale", [1.0, 7.3])
@FLOATS
def test_values_at_the_poles(b, scale, dtype):
    def values(kind, *x):
        atom = kind(roll_off=b, scale=scale).to(dtype)
        return atom(torch.tensor(x, dtype=dtype)).tolist()

    at_pole = math.pi / 4 * np.sinc(1 / (2 * b))
    pole = 1 / (2 * b * scale)
    tolerance = 64 * torch.finfo(dtype).eps
    found = values(RaisedCosine, 0.0, pole, -pole)
    assert found == pytest.approx([1.0, at_pole, at_pole], abs=tolerance)

    sine, cosine = math.sin(math.pi / (4 * b)), math.cos(math.pi / (4 * b))
    at_pole = b / math.sqrt(2) * ((1 + 2 / math.pi) * sine + (1 - 2 / math.pi) * cosine)
    pole = 1 / (4 * b * scale)
    found = values(RootRaisedCosine, 0.0, pole, -pole)
    assert found == pytest.approx([1 + b * (4 / math.pi - 1), at_pole, at_pole], abs=tolerance)


# --- Derivatives of every kind agree ------------------------------------------------------------


def _leaves(atom: Atom) -> dict[str, torch.Tensor]:
    """Parameters to differentiate; a roll-off at the end of its range has one side only."""
    return {
        name: p.detach().clone().requires_grad_()
        for name, p in atom.named_parameters()
        if not (name.endswith("roll_off") and p.item() in (0, 1))
    }


@EVERY
@pytest.mark.parametrize("times", [1, 2])
def test_autograd_agrees_with_differences(case, times):
    torch.manual_seed(0)  # gradgradcheck draws the gradients it is given
    atom = case.make()
    special = torch.tensor(case.special(), dtype=torch.float64)
    near = torch.cat([special + 1e-3, special - 2e-2])
    x = torch.cat([near, torch.tensor([-1.1, -0.42, 0.26, 0.9])])
    if atom.smoothness >= times:
        x = torch.cat([special, x])
    leaves = _leaves(atom)

    def value(x, *parameters):
        return torch.func.functional_call(atom, dict(zip(leaves, parameters, strict=True)), (x,))

    inputs = (x.requires_grad_(), *leaves.values())
    check = torch.autograd.gradcheck if times == 1 else torch.autograd.gradgradcheck
    assert check(value, inputs, rtol=1e-4, atol=1e-5)


@EVERY
def test_derivatives_that_smoothness_declares_are_continuous(case):
    atom = case.make()
    step = 1e-10
    special = torch.tensor(case.special(), dtype=torch.float64)
    left, right = derivatives(atom, special - step), derivatives(atom, special + step)
    size = np.maximum(1, np.abs(left).max(axis=1))
    for k in range(3):
        if k <= atom.smoothness:
            assert np.abs(left[k] - right[k]).max() < 1e-6 * size[k], f"derivative {k}"


@EVERY
# torch.func imports decompositions that torch 2.13 still scripts.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_functional_derivatives_agree_with_autograd(case):
    atom = case.make()
    x = case.points(torch.float64)
    wanted = derivatives(atom, x)
    found = np.zeros_like(wanted)
    for part, unit in ((torch.real, 1), (torch.imag, 1j))[: 1 + atom.is_complex]:

        def value(z, part=part):
            return part(atom(z))

        slope = torch.func.jacfwd(value)
        for k, f in enumerate((value, slope, torch.func.jacfwd(slope))):
            found[k] += unit * torch.func.vmap(f)(x).detach().numpy()
    size = np.abs(wanted).max(axis=1, keepdims=True)
    assert (np.abs(found - wanted) <= 1e-12 * size).all()


# --- Shape of the functions ---------------------------------------------------------------------

ANYWHERE = st.floats(-1e6, 1e6, allow_subnormal=False)


@EVERY
@FLOATS
def test_shape_and_precision_are_kept(case, dtype):
    # Parameters start in float64 and do not widen an input that has a dimension.
    for shape in [(), (0,), (3,), (2, 3, 4)]:
        atom = case.make() if shape else case.make().to(dtype)
        y = atom(torch.rand(shape).to(dtype))
        assert y.shape == shape
        assert y.dtype == (dtype.to_complex() if atom.is_complex else dtype)


@EVERY
@FLOATS
@given(x=ANYWHERE)
@settings(max_examples=15, deadline=None)
def test_finite_everywhere_with_finite_derivatives(case, dtype, x):
    atom = case.make().to(dtype)
    assert np.isfinite(derivatives(atom, torch.tensor([x], dtype=dtype))).all()


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.parity is not None], ids=lambda case: case.label
)
@given(x=ANYWHERE)
@settings(max_examples=15, deadline=None)
def test_symmetry(case, x):
    atom = case.make()
    z = torch.tensor([x], dtype=torch.float64)
    assert torch.equal(atom(-z), case.parity * atom(z))


@pytest.mark.parametrize(
    "make",
    [Sinc, RaisedCosine, RootRaisedCosine, PSWF, Gabor, ComplexGabor, Gaussian],
    ids=lambda make: make.name,
)
@given(x=ANYWHERE, scale=st.floats(-40, 40), b=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_highest_at_0_as_the_spectrum_has_no_negative_part(make, x, scale, b):
    atom = make(scale=scale, **({"roll_off": b} if "roll_off" in make.base else {}))
    middle, anywhere = atom(torch.tensor([0.0, x], dtype=torch.float64)).abs().tolist()
    assert anywhere <= middle * (1 + 1e-14)


@given(x=ANYWHERE, frequency=st.floats(-40, 40), phase=st.floats(-7, 7))
@settings(max_examples=30, deadline=None)
def test_sinusoids_stay_within_1(x, frequency, phase):
    atom = Sinusoid(frequency=frequency, phase=phase)
    z = torch.tensor([x], dtype=torch.float64)
    assert atom(z).abs() <= 1
    assert VariablePeriodic(atom)(z).abs() <= 1


# --- Reductions to one another ------------------------------------------------------------------

LINE = torch.linspace(-9, 9, 1001, dtype=torch.float64)


@pytest.mark.parametrize("rate", [1.0, 7.3])
def test_pulses_without_roll_off_are_sincs(rate):
    wanted = Sinc(scale=math.pi * rate)(LINE)
    for pulse in (RaisedCosine, RootRaisedCosine):
        found = pulse(roll_off=0.0, scale=rate)(LINE)
        torch.testing.assert_close(found, wanted, rtol=0, atol=5e-15)


@pytest.mark.parametrize("b", [0.25, 0.5, 1.0])
def test_spectra_of_the_pulses(b):
    # The raised cosine's is the square of its root's: unit in flat, half at pi, zero above.
    x = torch.linspace(-400, 400, 32_001, dtype=torch.float64)
    step = 800 / 32_000
    found = []
    for pulse in (RaisedCosine(roll_off=b), RootRaisedCosine(roll_off=b)):
        y = pulse(x).detach() * step
        found.append([(y * torch.cos(w * math.pi * x)).sum().item() for w in (0.0, 1.0, 1 + 2 * b)])
    (flat, half, none), (root_flat, root_half, root_none) = found
    assert (flat, half, none) == pytest.approx((1, 0.5, 0), abs=2e-3)
    assert (root_flat, root_half, root_none) == pytest.approx((1, math.sqrt(0.5), 0), abs=4e-3)


@pytest.mark.parametrize("frequency", [1.0, 7.3])
def test_finer_is_the_sinusoid_of_the_warp(frequency):
    found = VariablePeriodic(Sinusoid(frequency=frequency))(LINE)
    wanted = torch.sin(frequency * (LINE.abs() + 1) * LINE)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


def test_complex_gabor_on_real_input():
    a, g = 5.0, 0.7
    y = ComplexGabor(frequency=a, scale=g)(LINE)
    torch.testing.assert_close(y.real, Gabor(frequency=a, scale=g)(LINE), rtol=0, atol=1e-15)
    torch.testing.assert_close(y.abs(), Gaussian(scale=g)(LINE), rtol=0, atol=1e-15)
    torch.testing.assert_close(ComplexGabor(frequency=a, scale=g)(-LINE), y.conj().resolve_conj())
    on_complex = ComplexGabor(frequency=a, scale=g)(LINE.to(torch.complex128))
    torch.testing.assert_close(on_complex, y, rtol=0, atol=1e-15)


def test_complex_gabor_on_complex_input():
    a, g = 5.0, 0.7
    z = torch.complex(LINE, LINE.flip(0).sin())
    found = ComplexGabor(frequency=a, scale=g)(z)
    wanted = torch.exp(1j * a * z - (g * z).abs().square())
    torch.testing.assert_close(found, wanted, rtol=1e-13, atol=1e-15)


def test_handover():
    z = torch.tensor([3 + 4j, -1 + 0j])
    assert ComplexGabor().hand_over(z).tolist() == [3.0, -1.0]
    assert ComplexGabor(handover="modulus").hand_over(z).tolist() == [5.0, 1.0]
    wrapped = VariablePeriodic(ComplexGabor(handover="modulus"))
    assert wrapped.is_complex
    assert wrapped.hand_over(z).tolist() == [5.0, 1.0]


# --- Parameters that are trained ----------------------------------------------------------------

PULSES = pytest.mark.parametrize("pulse", [RaisedCosine, RootRaisedCosine])
PLACES = torch.tensor([0.0, 0.13, 0.61, 1.0, 2.3, 5.7], dtype=torch.float64)


def _with_roll_off(pulse, value):
    atom = pulse()
    with torch.no_grad():
        atom.roll_off.fill_(value)
    return atom


def _slope_in_roll_off(atom):
    """Gradient of each place's value in the roll-off."""
    return torch.stack(
        [torch.autograd.grad(y, atom.roll_off, retain_graph=True)[0] for y in atom(PLACES)]
    )


@PULSES
@given(value=st.floats(-30, 30).filter(lambda v: abs(v - round(v)) > 1e-3))
@settings(max_examples=40, deadline=None)
def test_roll_off_outside_its_range_is_reflected_and_can_return(pulse, value):
    atom = _with_roll_off(pulse, value)
    within = atom.values()["roll_off"]
    rest = value % 2
    assert within == pytest.approx(min(rest, 2 - rest), abs=1e-12)
    assert 0 <= within <= 1

    inside = pulse(roll_off=within)
    torch.testing.assert_close(atom(PLACES), inside(PLACES), rtol=0, atol=1e-12)
    direction = 1 if rest < 1 else -1
    slope = _slope_in_roll_off(atom)
    assert slope.abs().max() > 1e-4
    torch.testing.assert_close(slope, direction * _slope_in_roll_off(inside), rtol=0, atol=1e-10)


@PULSES
@pytest.mark.parametrize(("end", "inside"), [(0.0, 1e-9), (1.0, 1 - 1e-9), (-1.0, -1 + 1e-9)])
def test_roll_off_at_the_end_of_its_range_is_trained(pulse, end, inside):
    # At 1 the pulse depends on the roll-off as it does next to it: an atom that starts there moves.
    at_end = _slope_in_roll_off(_with_roll_off(pulse, end))
    nearby = _slope_in_roll_off(_with_roll_off(pulse, inside))
    torch.testing.assert_close(at_end.abs(), nearby.abs(), rtol=0, atol=1e-6)


@PULSES
def test_optimiser_step_across_the_end_leaves_a_valid_atom(pulse):
    atom = pulse(roll_off=0.99)
    optimiser = torch.optim.SGD(atom.parameters(), lr=5.0)
    crossed = False
    for _ in range(20):
        optimiser.zero_grad()
        (atom(PLACES) - RaisedCosine(roll_off=0.2)(PLACES).detach()).square().sum().backward()
        optimiser.step()
        crossed |= not 0 <= atom.roll_off.item() <= 1
        assert 0 <= atom.values()["roll_off"] <= 1
        assert torch.isfinite(atom(PLACES)).all()
    assert crossed, "the test must leave the range to say anything"


@EVERY
def test_every_parameter_is_trained(case):
    atom = case.make()
    before = dict(atom.named_parameters())
    loss = (atom(case.points(torch.float64)) - 0.3).abs().square().mean()
    if before:
        loss.backward()
    for name, p in before.items():
        assert p.grad is not None, name
        assert torch.isfinite(p.grad), name
        rigid = isinstance(atom, RaisedCosine) and name == "roll_off" and p.item() == 0  # even in b
        assert p.grad != 0 or rigid, name


@EVERY
def test_no_scale_leaves_a_finite_constant(case):
    atom = case.make()
    atom = atom.fresh(dict.fromkeys(atom.scale_parameters, 0.0))
    with torch.no_grad():
        for name in atom.scale_parameters:
            atom._scalar(name).fill_(0.0)
    if atom.scale_parameters:
        y = atom(torch.tensor([-3.0, 0.0, 7.0], dtype=torch.float64))
        assert torch.isfinite(y.abs()).all()
        assert (y == y[0]).all()


# --- Carried elsewhere --------------------------------------------------------------------------


class NoTensors(pickle.Unpickler):
    """Refuses whatever rebuilds a tensor, a storage or a parameter."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("torch") and any(
            word in name.lower() for word in ("rebuild", "tensor", "storage", "parameter", "dtype")
        ):
            raise AssertionError(f"The pickle holds {module}.{name}.")
        return super().find_class(module, name)


def _through_pickle(atom):
    return NoTensors(io.BytesIO(pickle.dumps(atom))).load()


def _through_joblib(atom):
    file = io.BytesIO()
    joblib.dump(atom, file)
    file.seek(0)
    return joblib.load(file)


@EVERY
@FLOATS
@pytest.mark.parametrize("carry", [_through_pickle, copy.deepcopy, _through_joblib])
def test_round_trips_are_exact(case, dtype, carry):
    atom = case.make().to(dtype)
    with torch.no_grad():
        for p in atom.parameters():
            p.add_(0.0123)
    for p in list(atom.parameters())[:1]:
        p.requires_grad_(False)
    back = carry(atom)
    x = case.points(dtype)
    assert type(back) is type(atom)
    assert back.name == atom.name
    assert back.start == atom.start
    assert back.values() == atom.values()
    assert torch.equal(back(x), atom(x))
    pairs = list(zip(back.named_parameters(), atom.named_parameters(), strict=True))
    for (name, mine), (wanted_name, wanted) in pairs:
        assert name == wanted_name
        assert mine.dtype == wanted.dtype
        assert mine.requires_grad == wanted.requires_grad
        assert mine.data_ptr() != wanted.data_ptr()


@EVERY
def test_pickled_parameters_are_numpy_arrays(case):
    for module in case.make().modules():
        for held, trained in module.__getstate__()["_parameters"].values():
            assert isinstance(held, np.ndarray)
            assert trained is True


class Layer(torch.nn.Module):
    def __init__(self, atom: Atom) -> None:
        super().__init__()
        self.atom = atom

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.atom(z)


@EVERY
def test_export_with_any_batch_size(case):
    layer = Layer(case.make())
    example = torch.rand(5, 3, dtype=torch.float64)
    shapes = ({0: torch.export.Dim("batch")},)
    exported = torch.export.export(layer, (example,), dynamic_shapes=shapes).module()
    for batch in (2, 34):
        z = case.points(torch.float64)[: 2 * batch].reshape(batch, 2).repeat(1, 2)[:, :3]
        torch.testing.assert_close(exported(z), layer(z), rtol=0, atol=0)


# --- Configured atoms ---------------------------------------------------------------------------

NAMES = [
    (Gaussian(), "gaussian"),
    (Gaussian(scale=12.0), "gaussian(scale=12.0)"),
    (Gaussian(scale=12), "gaussian(scale=12.0)"),
    (Gabor(scale=2.0, frequency=3.0), "gabor(frequency=3.0, scale=2.0)"),
    (RaisedCosine(roll_off=0.2), "raised_cosine(roll_off=0.2)"),
    (RootRaisedCosine(amplitude=2.0), "root_raised_cosine(amplitude=2.0)"),
    (PSWF(c=4.0, kind="angular", order=0), "pswf"),
    (PSWF(c=4), "pswf"),
    (PSWF(kind="radial"), "pswf(kind='radial')"),
    (PSWF(order=2, scale=3.0), "pswf(scale=3.0, order=2)"),
    (PSWF(c=8.0), "pswf(c=8.0)"),
    (PSWF(c=8), "pswf(c=8.0)"),
    (ComplexGabor(handover="modulus"), "complex_gabor(handover='modulus')"),
    (
        ComplexGabor(frequency=2.0, handover="modulus"),
        "complex_gabor(frequency=2.0, handover='modulus')",
    ),
    (ReLU(), "relu"),
    (VariablePeriodic(Sinusoid()), "finer"),
    (VariablePeriodic(Sinusoid(phase=0.5)), "finer(phase=0.5)"),
    (VariablePeriodic(Gabor(scale=2.0)), "variable_periodic(gabor(scale=2.0))"),
    (FunctionAtom(torch.tanh), "tanh"),
    (FunctionAtom(torch.nn.Softplus()), "Softplus"),
]


@pytest.mark.parametrize(
    ("atom", "name"), NAMES, ids=[f"{n}-{i}" for i, (_, n) in enumerate(NAMES)]
)
def test_the_name_shows_what_was_set(atom, name):
    assert atom.name == name


@EVERY
def test_declarations_are_consistent(case):
    atom = case.make()
    assert set(atom.start) <= set(atom.base)
    assert set(atom.scale_parameters) <= set(atom.base)
    assert list(atom.values()) == list(atom.base)
    assert atom.values() == {**atom.base, **atom.start}
    assert atom.at_scale(3.0) == {
        name: 3.0 if name in atom.scale_parameters else value for name, value in atom.base.items()
    }
    assert len(list(atom.parameters())) == len(atom.base)
    assert atom(torch.zeros(1)).is_complex() == atom.is_complex
    assert str(atom)


@EVERY
def test_fresh_keeps_what_was_fixed_and_the_original(case):
    atom = case.make()
    before = atom.values()
    wanted = {name: 0.5 + 0.01 * k for k, name in enumerate(atom.base)}
    new = atom.fresh(wanted)
    assert new is not atom
    assert type(new) is type(atom)
    assert new.name == atom.name
    assert new.values() == {**wanted, **atom.start}
    assert atom.values() == before
    with torch.no_grad():
        for p in new.parameters():
            p.add_(0.1)
    assert atom.values() == before
    assert new.fresh({}).values() == {**new.values(), **atom.start}
    assert all(p.requires_grad for p in new.parameters())


@EVERY
def test_configured_is_fixed_where_it_is_now(case):
    atom = case.make()
    with torch.no_grad():
        for p in atom.parameters():
            p.add_(0.0123)
    atom.requires_grad_(False)
    now = atom.values()
    fixed = atom.configured()
    assert fixed is not atom
    assert fixed.name == atom.name
    assert fixed.start == fixed.values() == now
    assert fixed.fresh(dict.fromkeys(atom.base, 0.5)).values() == now
    assert all(p.requires_grad for p in fixed.parameters())
    assert not any(p.requires_grad for p in atom.parameters())


PARAMETERS = [
    (kind, name)
    for kind in (
        Sinc,
        RaisedCosine,
        RootRaisedCosine,
        PSWF,
        Gabor,
        ComplexGabor,
        Gaussian,
        Sinusoid,
    )
    for name in kind.base
]


@pytest.mark.parametrize(("kind", "name"), PARAMETERS, ids=lambda v: getattr(v, "name", v))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_refused(kind, name, value):
    with pytest.raises(ValueError, match=rf"{kind.__name__}\({name}=\.\.\.\) must .*got {value}"):
        kind(**{name: value})


@PULSES
@pytest.mark.parametrize("value", [2, 1.0000001, -0.1, -1e-300])
def test_roll_off_beyond_its_range_is_refused(pulse, value):
    rule = rf"{pulse.__name__}\(roll_off=\.\.\.\) must lie in \[0, 1\], got {value}"
    with pytest.raises(ValueError, match=rule):
        pulse(roll_off=value)


def test_wrong_wrapping_and_handover_are_refused():
    with pytest.raises(TypeError, match=r"VariablePeriodic\(atom\) must be an Atom.*got 'gabor'"):
        VariablePeriodic("gabor")
    with pytest.raises(TypeError, match=r"must be an Atom.*got <class"):
        VariablePeriodic(Gabor)
    with pytest.raises(ValueError, match=r"must be 'real' or 'modulus', got 'imag'"):
        ComplexGabor(handover="imag")
