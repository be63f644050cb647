"""Derivatives: the engine against mpmath and autograd, the queries against formulas, in units."""

import copy
import gc
import warnings

import mpmath as mp
import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skmire import Architecture, FixedSequence, MIREncoder, Trainer
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
)
from skmire.atoms import VariablePeriodic as Warped
from skmire.atoms._acceleration import SWITCH
from skmire.encoders._quadrature import integrate
from skmire.networks import (
    FourierFeatures,
    LayerStack,
    NonNegative,
    PositionalEncoding,
    calculus_of,
)
from skmire.networks._calculus import TRACE, AutogradCalculus, LayerCalculus
from skmire.peers import MultiplicativeFilters

# -- every atom, against formulas in forty digits ------------------------------------------------


def pulse(t, b):
    """The raised cosine as textbooks print it, with its value at the pole."""
    rest = 1 - (2 * b * t) ** 2
    if rest == 0:
        return mp.pi / 4 * mp.sincpi(1 / (2 * b))
    return mp.sincpi(t) * mp.cos(mp.pi * b * t) / rest


def root_pulse(t, b):
    if t == 0:
        return 1 + b * (4 / mp.pi - 1)
    if abs(4 * b * t) == 1:
        angle = mp.pi / (4 * b)
        return b / mp.sqrt(2) * (
            (1 + 2 / mp.pi) * mp.sin(angle) + (1 - 2 / mp.pi) * mp.cos(angle)
        )  # fmt: skip
    top = mp.sin(mp.pi * t * (1 - b)) + 4 * b * t * mp.cos(mp.pi * t * (1 + b))
    return top / (mp.pi * t * (1 - (4 * b * t) ** 2))


def precisely(function, *arguments):
    """Evaluate with three times the digits, as a quotient next to its pole loses many."""
    with mp.workprec(3 * mp.mp.prec):
        return function(*arguments)


def prolate(u, table, odd):
    """The table as its docstring says it, summed by mpmath."""
    if abs(u) > table.interval:
        amplitude, c, phase, drift = table.wave
        xi = abs(u)
        value = amplitude / xi * mp.cos(c * xi + phase + drift / xi)
        return value * mp.sign(u) if odd else value
    x = u / table.interval
    value = sum(a * mp.chebyt(k, 2 * x**2 - 1) for k, a in enumerate(table.series))
    return value * x if odd else value


EVEN, ODD = PSWF(scale=1.5), PSWF(c=5.0, order=1, scale=1.5)
HALF = mp.mpf("0.5")
# The atom, what it is, and where its poles are, besides 0.
FORMULAS = {
    "sinc": (Sinc(scale=2.0), lambda z: mp.sinc(2 * z), ()),
    "sinusoid": (Sinusoid(frequency=3.0, phase=0.5), lambda z: mp.sin(3 * z + HALF), ()),
    "gaussian": (Gaussian(scale=1.5), lambda z: mp.exp(-((1.5 * z) ** 2)), ()),
    "gabor": (Gabor(frequency=3.0, scale=1.5), lambda z: mp.cos(3 * z) * mp.exp(-((1.5 * z) ** 2)),
              ()),
    "raised_cosine": (RaisedCosine(scale=2.0, roll_off=0.5, amplitude=1.5),
                      lambda z: 1.5 * precisely(pulse, 2 * z, HALF), (0.5, -0.5)),
    "root_raised_cosine": (RootRaisedCosine(scale=2.0, roll_off=0.5),
                           lambda z: precisely(root_pulse, 2 * z, HALF), (0.25, -0.25)),
    "pswf": (EVEN, lambda z: prolate(1.5 * z, EVEN.table, odd=False), (4.0,)),
    "odd pswf": (ODD, lambda z: prolate(1.5 * z, ODD.table, odd=True), ()),
    "finer": (Warped(Sinusoid()), lambda z: mp.sin((abs(z) + 1) * z), (0.5,)),
    "warped": (Warped(Gabor()), lambda z: mp.cos((abs(z) + 1) * z)
               * mp.exp(-(((abs(z) + 1) * z) ** 2)), (0.5,)),
    "tanh": (FunctionAtom(torch.tanh), mp.tanh, ()),
    "relu": (ReLU(), lambda z: max(z, mp.mpf(0)), (0.5,)),
    "complex_gabor": (ComplexGabor(frequency=2.0, scale=0.5),
                      lambda z: mp.exp(2j * z - abs(z / 2) ** 2), ()),
}  # fmt: skip
KINKED = {"finer", "warped", "relu"}  # at 0, where there is no second derivative to compare


def small(atom, place):
    """Return a network of two layers, a unit of which is at `place` for the coordinates 0, 0."""
    field = LayerStack(
        [copy.deepcopy(atom), copy.deepcopy(atom)], in_features=2, out_features=1, hidden_width=2,
        generator=torch.Generator().manual_seed(2), dtype=torch.float64,
    )  # fmt: skip
    with torch.no_grad():
        field.affines[0].bias.real[0] = place
    return field


def in_digits(field, formula):
    """Return the network as a function of two numbers of mpmath."""
    numbers = [
        (mp.matrix(a.weight.tolist()), mp.matrix(a.bias.tolist())) for a in field.affines
    ]  # fmt: skip

    def function(x, y):
        values = mp.matrix([x, y])
        for weight, bias in numbers[:-1]:
            values = (weight * values + bias).apply(formula)
        return mp.re((numbers[-1][0] * values + numbers[-1][1])[0])

    return function


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives_of_every_atom_to_ten_digits(name):
    atom, formula, poles = FORMULAS[name]
    wanted = [(), (0,), (1,), (0, 0), (0, 1), (1, 1)]
    coords = torch.tensor([[0.0, 0.0], [0.3, -0.7]]).double()
    for place in (*poles, *([] if name in KINKED else [0.0])):
        field = small(atom, place)
        found = calculus_of(field)(coords, torch.eye(2).double(), wanted)[..., 0]
        with mp.workdps(40):
            function = in_digits(field, formula)
            truth = [
                [
                    mp.diff(function, tuple(p), (axes.count(0), axes.count(1)))
                    for p in coords.tolist()
                ]
                for axes in wanted
            ]
        truth = np.array(truth, dtype=float)
        off = np.abs(found.numpy() - truth)
        assert np.all(off <= 1e-10 * np.abs(truth).max(axis=1, keepdims=True)), off


@pytest.mark.parametrize(
    "name", ["sinusoid", "sinc", "gaussian", "gabor", "raised_cosine", "root_raised_cosine", "tanh"]
)
@pytest.mark.parametrize("axes", [(0, 0, 1), (0, 0, 1, 1), (1, 1, 1, 1)])
def test_third_and_fourth_derivatives(name, axes):
    atom, formula, poles = FORMULAS[name]
    field = small(atom, (*poles, 0.0)[0])
    coords = torch.tensor([[0.0, 0.0]]).double()
    found = calculus_of(field)(coords, torch.eye(2).double(), [axes]).item()
    with mp.workdps(40):
        orders = axes.count(0), axes.count(1)
        truth = float(mp.diff(in_digits(field, formula), (0, 0), orders))
    assert found == pytest.approx(truth, rel=1e-9)


# -- the engine, against autograd ----------------------------------------------------------------

ATOMS = {
    **{name: atom for name, (atom, _, _) in FORMULAS.items() if not atom.is_complex},
    "steep": PSWF(c=60.0),
    "radial": PSWF(kind="radial", c=6.0),
    "rolled": RootRaisedCosine(roll_off=0.01),
}
BY_ATOM = pytest.mark.parametrize("name", ATOMS)


def stack(*atoms, n_dims=2, n_outputs=3, width=8, dtype=torch.float64):
    return LayerStack(
        [copy.deepcopy(atom) for atom in atoms], in_features=n_dims, out_features=n_outputs,
        hidden_width=width, generator=torch.Generator().manual_seed(0), dtype=dtype,
    )  # fmt: skip


def points(n, n_dims, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return (2 * torch.rand(n, n_dims, generator=generator, dtype=torch.float64) - 1).to(dtype)


def far(found, wanted):
    size = wanted.abs().amax(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    return ((found - wanted).abs() / size).max().item()


@BY_ATOM
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_layer_by_layer_is_autograd(name, n_outputs):
    field = stack(ATOMS[name], ATOMS[name], n_outputs=n_outputs)
    x = points(9, 2)
    one, many = points(2, 2), points(18, 2).reshape(2, 9, 2)
    for directions in (torch.eye(2).double(), one, many):
        for wanted in ([()], [(0,)], [(1,), (), (0,)], [TRACE, (1,)], [(0, 1), (0, 0), (0,)]):
            found = LayerCalculus(field)(x, directions, wanted)
            assert far(found, AutogradCalculus(field)(x, directions, wanted)) < 1e-9


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_so_are_fields_that_are_bent(n_outputs):
    field = NonNegative(stack(Sinusoid(frequency=3.0), Gaussian(scale=2.0), n_outputs=n_outputs))
    assert not isinstance(calculus_of(field), AutogradCalculus)
    x, many = points(9, 2), points(18, 2).reshape(2, 9, 2)
    for directions in (torch.eye(2).double(), many):
        for wanted in (
            [()],
            [(0,)],
            [TRACE, (1,)],
            [(0, 1), (), (0, 0)],
            [(0, 0, 1, 1), (0, 1, 1)],
        ):
            found = calculus_of(field)(x, directions, wanted)
            assert far(found, AutogradCalculus(field)(x, directions, wanted)) < 1e-9


@pytest.mark.parametrize("n_dims", [1, 3])
def test_any_order_in_any_dimension(n_dims):
    field = stack(Sinusoid(frequency=3.0), Gaussian(scale=2.0), Gabor(), n_dims=n_dims)
    x, directions = points(5, n_dims), torch.eye(n_dims).double()
    last = n_dims - 1
    wanted = [(0, 0, last), (0, last, last, last), (0, 0, 0, 0)]
    found = LayerCalculus(field)(x, directions, wanted)
    assert far(found, AutogradCalculus(field)(x, directions, wanted)) < 1e-9


def test_buffers_are_used_again_for_any_number_of_samples():
    field, directions = stack(Sinc(), Gaussian()), torch.eye(2).double()
    calculus, wanted = LayerCalculus(field), [(0, 0), (0, 1)]
    for n in (40, 7, 90):
        x = points(n, 2)
        assert (
            far(calculus(x, directions, wanted), AutogradCalculus(field)(x, directions, wanted))
            < 1e-9
        )


def test_graphs_go_with_the_answer_not_with_the_garbage():
    field = stack(ComplexGabor(), ComplexGabor())
    x, directions = points(5, 2), torch.eye(2).double()

    def tensors():
        return sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = tensors()
        AutogradCalculus(field)(x, directions, [(0,), (0, 0), TRACE])
        assert tensors() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("accelerated", ["0", "1"])
@BY_ATOM
def test_single_precision_is_as_good_as_autograds(name, accelerated, monkeypatch):
    monkeypatch.setenv(SWITCH, accelerated)
    field = stack(ATOMS[name], ATOMS[name], n_outputs=1, width=32, dtype=torch.float32)
    x, directions = points(300, 2, torch.float32), torch.eye(2)
    for wanted in ([(0,), (1,)], [(0, 0), (0, 1), TRACE]):
        double = copy.deepcopy(field).double()
        truth = AutogradCalculus(double)(x.double(), directions.double(), wanted)
        usual = far(AutogradCalculus(field)(x, directions, wanted).double(), truth)
        assert far(LayerCalculus(field)(x, directions, wanted).double(), truth) < 4 * usual + 2e-6


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", [n for n in ATOMS if n not in ("relu", "tanh", "warped", "steep")])
def test_kernels_write_what_double_precision_does(name, order):
    pytest.importorskip("numba", reason="it comes with the extra fast")
    t = torch.cat(
        [torch.linspace(-4, 4, 8_001), torch.tensor([1e-30, -1e-7, 1e-3, 0.25, 0.5, 1.0])]
    )
    t = t[t != 0] if name in ("radial", "finer") else t
    single, double = copy.deepcopy(ATOMS[name]).float(), copy.deepcopy(ATOMS[name]).double()
    found, truth = ([torch.empty_like(z) for _ in range(order + 1)] for z in (t, t.double()))
    single.jet(t.clone(), found, lambda: torch.empty_like(t))
    double.jet(t.double(), truth, lambda: torch.empty_like(t.double()))
    for a, b in zip(found, truth, strict=True):
        assert ((a - b).abs() / b.abs().clamp(min=1)).max() < 2e-4


def test_an_atom_of_ones_own_needs_no_derivatives():
    class Lorentzian(Atom):
        name = "lorentzian"
        base = {"scale": 1.0}  # noqa: RUF012

        def __init__(self, *, scale=None):
            super().__init__(scale=scale)

        def forward(self, z):
            return 1 / (1 + (self.scale * z) ** 2)

    class Tilted(Sinusoid):
        def forward(self, z):
            return super().forward(z) + 0.5 * z

    class Folded(Lorentzian):
        """Folds its scale, and does not say what is left."""

        @property
        def folded(self):
            return self.scale, None

    for atom in (Lorentzian(scale=2.0), Tilted(frequency=2.0), Folded(scale=2.0)):
        field, x, directions = stack(atom, atom), points(20, 2), torch.eye(2).double()
        wanted = [(), (0,), (0, 1), (0, 0, 1)]
        found = LayerCalculus(field)(x, directions, wanted)
        assert far(found, AutogradCalculus(field)(x, directions, wanted)) < 1e-9


# -- queries, against formulas in the user's units ------------------------------------------------

RNG = np.random.default_rng(0)
LOW, SIZE = np.array([5e6, -2.0, 10.0]), np.array([3e3, 0.04, 7.0])


def planted(n_dims, waves, amplitudes, offset, atom=None, **options):
    """Return an encoder whose fit is ``offset + sum amplitudes * atom(waves (X - LOW) + phase)``.

    The phases are 0, 1, 2 and so on. `waves` is (n_units, n_dims), `amplitudes` (n_outputs,
    n_units).
    """
    X = LOW[:n_dims] + RNG.uniform(size=(40, n_dims)) * SIZE[:n_dims]
    y = RNG.uniform(size=(40, len(amplitudes))) * 50 + 200
    encoder = MIREncoder(
        search=FixedSequence([atom or Sinusoid()]), hidden_width=len(waves),
        max_epochs=1, dtype="float64", random_state=0, **options,
    )  # fmt: skip
    encoder.fit(X, y[:, 0] if len(amplitudes) == 1 else y)
    units, values = encoder.coordinate_scaling_, encoder.value_scaling_
    first, last = encoder.network_.affines
    for name, parameter in encoder.network_.atoms[0].named_parameters():
        parameter.data.fill_(0.0 if name == "phase" else 1.0)
    phases = np.arange(len(waves)) + waves @ (units.centre - LOW[:n_dims])
    for parameter, numbers in (
        (first.weight, waves * units.half_range),
        (first.bias, phases),
        (last.weight, amplitudes / values.half_range[:, None]),
        (last.bias, (offset - values.centre) / values.half_range),
    ):
        parameter.data = torch.tensor(numbers)
    return encoder, X


def wave(X, waves, k):
    """Return the k-th derivative of the sine of each unit, (n_samples, n_units)."""
    return np.sin((X - LOW[: X.shape[1]]) @ waves.T + np.arange(len(waves)) + k * np.pi / 2)


def close(found, wanted, rel=1e-9):
    assert found.shape == wanted.shape
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, wanted, rtol=0, atol=rel * max(np.abs(wanted).max(), 1e-300))


def test_the_integral_is_over_what_was_fitted_whatever_the_scaling():
    coords = RNG.uniform([0, 0], [10, 1], size=(300, 2))
    found = [
        MIREncoder(
            search=FixedSequence("gaussian", 1), coordinate_scaling=kind, hidden_width=16,
            max_epochs=30, random_state=0,
        ).fit(coords, 1 + 0.1 * coords[:, 0]).integral()[0]
        for kind in ("per_axis", "isotropic")
    ]  # fmt: skip
    np.testing.assert_allclose(found, 15 * np.prod(np.ptp(coords, axis=0)) / 10, rtol=0.05)


@pytest.mark.parametrize("scaling", ["per_axis", "isotropic"])
@pytest.mark.parametrize("n_outputs", [1, 2, 3])
@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_queries_are_derivatives_in_the_users_units(n_dims, n_outputs, scaling):
    waves = RNG.normal(size=(5, n_dims)) * 3 / SIZE[:n_dims]
    amplitudes = RNG.normal(size=(n_outputs, 5)) * [[1.0], [20.0], [3e-4]][n_outputs - 1]
    fit, X = planted(n_dims, waves, amplitudes, 7.0, coordinate_scaling=scaling)

    def as_y(array):
        return array[:, 0] if n_outputs == 1 else array

    close(fit.predict(X), as_y(7.0 + wave(X, waves, 0) @ amplitudes.T))
    slopes = np.einsum("nu,mu,ud->nmd", wave(X, waves, 1), amplitudes, waves)
    bends = np.einsum("nu,mu,ud,ue->nmde", wave(X, waves, 2), amplitudes, waves, waves)
    v = RNG.normal(size=X.shape) * SIZE[:n_dims]
    for axis in range(n_dims):  # each in its own unit
        close(fit.jacobian(X)[..., axis], slopes[..., axis])
        close(fit.gradient(X)[..., axis], as_y(slopes)[..., axis])
        for other in range(n_dims):
            close(fit.hessian(X)[..., axis, other], as_y(bends)[..., axis, other])
    close(fit.laplacian(X), as_y(np.einsum("nmdd->nm", bends)))
    close(fit.directional_derivative(X, v), as_y(np.einsum("nmd,nd->nm", slopes, v)))
    close(fit.directional_derivative(X, v[0]), as_y(slopes @ v[0]))
    for order in ((1, 0, 0), (2, 0, 2), (0, 1, 1), (1, 2, 1), (4, 0, 0)):
        order = order[:n_dims]
        if 1 <= sum(order) <= 4:
            factor = np.prod(waves ** np.array(order), axis=1)
            close(
                fit.derivative(X, order), as_y((wave(X, waves, sum(order)) * factor) @ amplitudes.T)
            )


def test_one_coordinate_takes_a_number_for_an_order():
    fit, X = planted(1, np.array([[1e-3]]), np.array([[2.0]]), 0.0)
    np.testing.assert_array_equal(fit.derivative(X, 3), fit.derivative(X, [3]))


@pytest.mark.parametrize("n_dims", [2, 3])
def test_a_gradient_field_does_not_curl_and_a_curl_does_not_diverge(n_dims):
    waves = RNG.normal(size=(6, n_dims)) * 3 / SIZE[:n_dims].max()
    across = RNG.normal(size=(6, 3))
    size = np.abs(waves).sum() * np.abs(waves).max()
    fit, X = planted(n_dims, waves, waves.T, 0.0)  # the gradient of -cos, summed
    assert np.abs(fit.curl(X)).max() < 1e-13 * size
    close(fit.divergence(X), wave(X, waves, 1) @ (waves**2).sum(axis=1))
    turned = np.cross(waves, across) if n_dims == 3 else waves[:, ::-1] * [-1, 1]
    fit, X = planted(n_dims, waves, turned.T, 0.0)
    assert np.abs(fit.divergence(X)).max() < 1e-12 * size
    turning = np.cross(waves, turned) if n_dims == 3 else (waves**2).sum(axis=1)
    close(fit.curl(X), wave(X, waves, 1) @ turning)


def cube(z):
    return z * z * z


def test_the_laplacian_of_a_harmonic_function_is_zero():
    scale = 1e-3
    waves = scale * np.array([[1.0, 0.0], [1.0, 1.0], [1.0, -1.0]])
    fit, X = planted(2, waves, np.array([[2.0, -0.5, -0.5]]), 0.0, atom=FunctionAtom(cube))
    fit.network_.affines[0].bias.data -= torch.arange(3.0).double()  # no phases: x**3 - 3 x y**2
    x, y = scale * (X - LOW[:2]).T
    close(fit.predict(X), x**3 - 3 * x * y**2)
    assert np.abs(fit.hessian(X)).max() > 6e-6
    assert np.abs(fit.laplacian(X)).max() < 1e-13 * 6e-6


@pytest.mark.parametrize("atom", ["sinusoid", "gaussian"])
def test_fits_have_the_derivatives_of_what_they_fit(atom):
    x = np.linspace(-2, 2, 100)[:, None]
    fit = MIREncoder(
        search=FixedSequence([atom]), trainer=Trainer(optimizer="lbfgs"), hidden_width=16,
        max_epochs=50, dtype="float64", random_state=0,
    ).fit(x, np.exp(-(x[:, 0] ** 2)))  # fmt: skip
    inner = x[10:-10]
    bell = np.exp(-(inner[:, 0] ** 2))
    assert np.abs(fit.gradient(inner)[:, 0] + 2 * inner[:, 0] * bell).max() < 0.03
    assert np.abs(fit.laplacian(inner) - (4 * inner[:, 0] ** 2 - 2) * bell).max() < 0.15


def test_a_constant_coordinate_has_no_derivatives():
    X = np.column_stack([RNG.uniform(size=(40, 2)), np.full(40, 3.5)])
    fit = MIREncoder(["gaussian"], hidden_width=8, max_epochs=1, random_state=0).fit(X, X)
    assert np.all(fit.hessian(X)[..., 2, :] == 0)
    assert np.all(fit.curl(X)[:, 0] == fit.gradient(X)[:, 2, 1])
    only = MIREncoder(["gaussian"], hidden_width=8, max_epochs=1).fit(X[:, 2:], X[:, 0])
    assert np.all(only.laplacian(X[:, 2:]) == 0)


@pytest.mark.parametrize("extent", [1e-30, 1e30])
def test_second_derivatives_of_tiny_and_huge_units_are_finite(extent):
    x = np.linspace(0, 1, 40)[:, None]
    options = {"hidden_width": 8, "max_epochs": 2, "random_state": 0}
    plain = MIREncoder(["gaussian"], **options).fit(x, x[:, 0] ** 2)
    fit = MIREncoder(["gaussian"], **options).fit(x * extent, x[:, 0] ** 2)
    np.testing.assert_allclose(
        fit.laplacian(x * extent) * extent**2, plain.laplacian(x), rtol=1e-3, atol=1e-4
    )


def test_units_of_axes_and_lengths_of_directions_may_differ_by_far():
    x = RNG.uniform(size=(40, 2))
    options = {"hidden_width": 8, "max_epochs": 2, "random_state": 0}
    plain = MIREncoder(["gaussian"], **options).fit(x, x[:, 0] ** 2)
    units = np.array([1e6, 1e-9])
    fit = MIREncoder(["gaussian"], **options).fit(x * units, x[:, 0] ** 2)
    for order in ((4, 0), (0, 4), (3, 1)):
        found = fit.derivative(x * units, order) * np.prod(units ** np.array(order))
        np.testing.assert_allclose(found, plain.derivative(x, order), rtol=1e-3, atol=1e-2)
    v = np.full((40, 2), [1.0, -2.0])
    lengths = 10.0 ** np.linspace(-150, 150, 40)[:, None]
    np.testing.assert_allclose(
        plain.directional_derivative(x, v * lengths) / lengths[:, 0],
        plain.directional_derivative(x, v), rtol=1e-6,
    )  # fmt: skip


def test_memory_of_a_hessian_is_bounded_in_many_dimensions():
    X = RNG.uniform(size=(200, 40))
    fit = MIREncoder(["sinusoid"], hidden_width=64, max_epochs=1).fit(X, X[:, 0])
    sizes = []

    class Watched(LayerCalculus):
        def _room(self, name, *shape):
            sizes.append(np.prod(shape))
            return super()._room(name, *shape)

    calculus = Watched(fit.network_)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skmire.encoders._queries.calculus_of", lambda network: calculus)
        fit.hessian(X)
    assert max(sizes) < 2**22  # numbers; of all rows at once there were eleven millions


@pytest.mark.parametrize("atom", ["sinusoid", "complex_gabor"])
def test_blocks_and_the_callers_mode_change_nothing(atom):
    X = RNG.uniform(size=(1_200, 2))
    fit = MIREncoder(
        search=FixedSequence(atom, 2), hidden_width=128, max_epochs=1, dtype="float64"
    ).fit(X[:50], X[:50])
    rows = np.r_[0:5, 500:520, 1_190:1_200]
    v = RNG.normal(size=X.shape)
    with torch.inference_mode():
        asked = fit.hessian(X), fit.directional_derivative(X, v)
    alone = fit.hessian(X[rows]), fit.directional_derivative(X[rows], v[rows])
    for many, few in zip(asked, alone, strict=True):
        np.testing.assert_allclose(many[rows], few, rtol=1e-8, atol=1e-10)


# -- integrals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_integrals_and_what_they_may_be_off(n_outputs):
    waves = RNG.normal(size=(4, 2)) * 8 / SIZE[:2]
    amplitudes = RNG.normal(size=(n_outputs, 4))
    fit, _ = planted(2, waves, amplitudes, 0.5)
    box = LOW[:2, None] + SIZE[:2, None] * [[-0.2, 0.7], [0.1, 1.1]]
    for ends in (box, None):
        value, error = fit.integral(ends)
        if ends is None:
            half = fit.coordinate_scaling_.half_range[:, None] * [-1, 1]
            ends = fit.coordinate_scaling_.centre[:, None] + half
        a, b = (ends - LOW[:2, None]).T
        corners = sum(  # the twofold antiderivative of a sine is its negative
            sign * -np.sin(waves @ np.array([x, y]) + np.arange(4))
            for x, y, sign in ((b[0], b[1], 1), (a[0], b[1], -1), (b[0], a[1], -1), (a[0], a[1], 1))
        )
        truth = amplitudes @ (corners / waves.prod(axis=1)) + 0.5 * np.prod(b - a)
        assert value.shape == error.shape == (() if n_outputs == 1 else (2,))
        assert np.all(np.abs(value - truth) <= error + 1e-10 * np.abs(truth).max())
        assert np.all(error <= 1e-6 * np.prod(b - a) * (np.abs(amplitudes).sum() + 0.5))


@pytest.mark.parametrize(
    ("shape", "whole", "rough"),
    [
        (np.abs, lambda t: t * abs(t) / 2, 1.0),
        (expit, lambda t: np.logaddexp(0, t), 1e4),
        (lambda t: np.heaviside(t, 1.0), lambda t: max(t, 0.0), 1.0),
    ],
)
def test_the_stated_error_covers_kinks_and_steps_wherever_they_are(shape, whole, rough):
    n_points, missed = 0, 0
    for place in np.random.default_rng(0).uniform(0.1, 0.9, size=60):

        def function(points, place=place):
            nonlocal n_points
            n_points += len(points)
            return shape(rough * (points - place))

        value, error = integrate(
            function, np.zeros(1), np.ones(1), angular_frequency=np.full(1, 3.0), tolerance=1e-6,
            max_points=10_000, precision=0.0, rounding=0.0,
        )  # fmt: skip
        truth = (whole(rough * (1 - place)) - whole(-rough * place)) / rough
        assert error < 2e-6
        missed += abs(value - truth) > error
    assert missed <= 1  # the last change of all panels together misses many of these
    assert n_points < 60 * 1_000  # they are halved where it helps


@pytest.mark.parametrize("tolerance", [1.1e-5, 1.4e-5, 1.9e-5])
def test_many_small_changes_of_one_sign_do_not_settle_every_panel(tolerance):
    def bowls(points):  # as smooth as a pass of halving leaves something of in every one of them
        return np.abs(np.sin(np.pi * 500 * points)) ** 5

    value, error = integrate(
        bowls, np.zeros(1), np.ones(1), angular_frequency=np.full(1, 500 * np.pi),
        tolerance=tolerance, max_points=10**6, precision=0.0, rounding=0.0,
    )  # fmt: skip
    truth = 16 / (15 * np.pi)
    assert abs(value - truth) <= error <= 1.001 * tolerance * truth


def test_the_stated_error_covers_rounding():
    waves, amplitudes = RNG.normal(size=(5, 2)) * 20 / SIZE[:2], RNG.normal(size=(1, 5))
    fit, _ = planted(2, waves, amplitudes, 3e3)
    exact, _ = fit.integral()
    fit.network_ = fit.network_.float()
    value, error = fit.integral()
    assert 0 < abs(value - exact) <= error


def test_an_integral_stops_at_the_rounding_of_single_precision_and_says_so():
    n_points = 0

    def waves(points):  # in single precision, as a network has its coordinates
        nonlocal n_points
        n_points += len(points)
        return 1.5 + np.sin(3e3 * points.astype(np.float32), dtype=np.float64)

    with pytest.warns(ConvergenceWarning, match='rounded to so few digits.*dtype="float64"'):
        value, error = integrate(
            waves, np.zeros(1), np.ones(1), angular_frequency=np.full(1, 3e3), tolerance=3e-8,
            max_points=10**7, precision=0.0, rounding=3e3 * np.finfo(np.float32).eps,
        )  # fmt: skip
    assert abs(value - 1.5 - (1 - np.cos(3e3)) / 3e3) <= error < 1e-5
    assert n_points < 200_000


def test_integrals_that_do_not_converge_say_so():
    fit, _ = planted(2, np.array([[1.0, 2e4]]), np.array([[1.0]]), 0.0)
    with pytest.warns(ConvergenceWarning, match="Raise max_points"):
        _, error = fit.integral(max_points=500)
    assert error > 0


def test_a_box_without_extent_has_no_integral():
    fit, _ = planted(2, np.array([[1.0, 2.0]]), np.array([[1.0]]), 0.0)
    assert fit.integral([[3.0, 3.0], [0.0, 1.0]]) == (0, 0)


# -- refusals --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    X = RNG.uniform(size=(30, 2))
    options = {"hidden_width": 8, "max_epochs": 1, "random_state": 0}
    return (
        MIREncoder(["gaussian"], **options).fit(X, X[:, 0]),
        MIREncoder(["gaussian"], **options).fit(
            RNG.uniform(size=(30, 4)), RNG.uniform(size=(30, 4))
        ),
    )


Z = np.zeros((3, 2))


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (
            lambda f, g: f.curl(Z),
            r"one output for each coordinate; this fit has 1 output\(s\) and 2",
        ),
        (lambda f, g: f.divergence(Z), "Fit the components along the coordinates"),
        (lambda f, g: g.curl(np.zeros((3, 4))), "2 and 3 dimensions; this fit has 4.*jacobian"),
        (lambda f, g: f.derivative(Z, (3, 2)), r"sum must be 1 to 4; got \(3, 2\)"),
        (lambda f, g: f.derivative(Z, (0, 0)), "Values come from predict"),
        (lambda f, g: f.derivative(Z, 2), "each of the 2 coordinate.*got 2"),
        (lambda f, g: f.derivative(Z, (1.5, 1)), "whole number"),
        (lambda f, g: f.derivative(Z, (-1, 2)), "at least 0"),
        (lambda f, g: f.derivative(Z, (np.inf, 1)), "sum must be 1 to 4"),
        (lambda f, g: f.derivative(Z, [[1], [1, 2]]), "order must hold real numbers, in rows of"),
        (lambda f, g: f.derivative(Z, None), "order is None"),
        (lambda f, g: f.directional_derivative(Z, [1.0]), r"got shape \(1,\). Pass a component"),
        (lambda f, g: f.directional_derivative(Z, [1.0, np.nan]), "with NaN or infinity"),
        (lambda f, g: f.directional_derivative(Z, "up"), "v must hold real numbers"),
        (lambda f, g: f.integral([0, 1]), r"of shape \(2, 2\), finite.*got \[0.0, 1.0\]"),
        (lambda f, g: f.integral([[0, 1], [1, 0]]), "in this order"),
        (lambda f, g: f.integral([[0, 1], [0, np.inf]]), "finite"),
        (lambda f, g: f.integral(tolerance=0), "tolerance must be above 0"),
        (lambda f, g: f.integral(tolerance="low"), "which is text. Parse it"),
        (lambda f, g: f.integral(max_points=100), "at least 320 for 2.*got 100. Raise it"),
        (lambda f, g: f.hessian([[0.0, np.nan]]), "X contains NaN"),
    ],
)
def test_what_does_not_fit_is_refused(ask, told, fitted):
    with pytest.raises(ValueError, match=told):
        ask(*fitted)


@pytest.mark.parametrize(
    "ask",
    ["gradient", "jacobian", "hessian", "laplacian", "divergence", "curl", "directional_derivative",
     "derivative", "integral", "to_torch"],
)  # fmt: skip
def test_nothing_can_be_derived_before_the_fit(ask):
    arguments = {"directional_derivative": (Z, Z), "derivative": (Z, (1, 0)), "integral": (),
                 "to_torch": ()}.get(ask, (Z,))  # fmt: skip
    with pytest.raises(NotFittedError):
        getattr(MIREncoder(), ask)(*arguments)


# -- torch in, torch out ---------------------------------------------------------------------------


@pytest.fixture(params=["sinusoid", "root_raised_cosine", "pswf", "finer", "complex_gabor"])
def taken(request):
    X = RNG.uniform(size=(40, 2)) * SIZE[:2] + LOW[:2]
    fit = MIREncoder(
        search=FixedSequence(request.param, 2), hidden_width=8, max_epochs=2, dtype="float64",
        random_state=0,
    ).fit(X, X - LOW[:2])  # fmt: skip
    return fit, fit.to_torch(), torch.tensor(X[:6])


def test_the_module_is_the_fit(taken):
    fit, field, X = taken
    np.testing.assert_allclose(field(X).detach().numpy(), fit.predict(X), rtol=1e-12)
    np.testing.assert_allclose(field(X[0]).detach().numpy(), fit.predict(X)[0], rtol=1e-12)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.zero_()
    assert np.abs(fit.predict(X)).max() > 0  # a copy
    again = copy.deepcopy(fit.to_torch())
    np.testing.assert_array_equal(again(X).detach().numpy(), fit.to_torch()(X).detach().numpy())


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_the_module_works_under_torch_func(taken):
    fit, field, X = taken
    close(torch.func.vmap(torch.func.jacrev(field))(X).detach().numpy(), fit.jacobian(X))
    close(torch.func.vmap(torch.func.hessian(field))(X).detach().numpy(), fit.hessian(X))


@pytest.mark.parametrize("shape", [(3, 1), (3, 3), (1,), ()])
def test_the_module_refuses_points_of_another_width(shape):
    X = RNG.uniform(size=(40, 2))
    fit = MIREncoder(["gaussian"], hidden_width=8, max_epochs=1, random_state=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"features, but the field is expecting 2 features"):
        fit.to_torch()(torch.zeros(shape))


def test_a_loss_on_derivatives_reaches_the_parameters(taken):
    _, field, X = taken
    X = X.requires_grad_(True)

    def loss():
        values = field(X)
        (slope,) = torch.autograd.grad(values[:, 0].sum(), X, create_graph=True)
        return (slope * torch.tensor(SIZE[:2])).norm(dim=1).sub(1).square().mean()

    weight = field.field.affines[0].weight
    (found,) = torch.autograd.grad(loss(), weight)
    with torch.no_grad():
        weight[0, 0] += 1e-6
    above = loss().item()
    with torch.no_grad():
        weight[0, 0] -= 2e-6
    assert found[0, 0].real.item() == pytest.approx(
        (above - loss().item()) / 2e-6, rel=1e-4, abs=1e-7
    )


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    "network",
    [
        Architecture(encoding=PositionalEncoding(3)),
        Architecture(encoding=FourierFeatures(8, scale=1.0), residual=True),
        MultiplicativeFilters(input_scale=5.0),
    ],
)
def test_the_module_takes_points_one_by_one_whatever_the_network(network):
    X = RNG.uniform(size=(40, 2))
    fit = MIREncoder(
        search=FixedSequence("gaussian", 2), network=network, hidden_width=8, max_epochs=1,
        dtype="float64", random_state=0,
    ).fit(X, X[:, 0])  # fmt: skip
    field, X = fit.to_torch(), X[:6]
    close(field(torch.tensor(X)[None]).detach().numpy(), fit.predict(X)[None])
    close(
        torch.func.vmap(torch.func.grad(field))(torch.tensor(X)).detach().numpy(), fit.gradient(X)
    )
    close(
        torch.func.vmap(torch.func.hessian(field))(torch.tensor(X)).detach().numpy(), fit.hessian(X)
    )


@pytest.mark.parametrize(("offset", "size"), [(1e5, 1e-2), (0.0, 1e60)])
def test_the_module_has_the_users_units_in_the_precision_of_the_coordinates(offset, size):
    X = RNG.uniform(size=(40, 2))
    options = {"hidden_width": 8, "max_epochs": 1, "random_state": 0}
    fit = MIREncoder(["gaussian"], **options).fit(X, offset + size * X[:, 0])
    values = fit.to_torch()(torch.tensor(X)).detach()
    assert values.dtype == torch.float64
    np.testing.assert_allclose(values - offset, fit.predict(X) - offset, rtol=0, atol=1e-5 * size)


def test_one_dimensional_targets_have_no_axis():
    X = RNG.uniform(size=(40, 2))
    fit = MIREncoder(["gaussian"], hidden_width=8, max_epochs=1, random_state=0).fit(X, X[:, 0])
    field = fit.to_torch()
    values = field(torch.tensor(X, dtype=torch.float32))
    assert values.shape == (40,)
    assert values.dtype == torch.float32
    np.testing.assert_allclose(values.detach().numpy(), fit.predict(X), atol=1e-5)


def test_the_module_exports(taken):
    fit, field, X = taken
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own
        program = torch.export.export(field, (X,), dynamic_shapes=({0: torch.export.Dim("n")},))
    more = torch.cat([X, X + 1.0])
    np.testing.assert_allclose(
        program.module()(more).detach().numpy(), fit.predict(more), rtol=1e-12
    )
