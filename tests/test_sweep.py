"""The fast sweep of a layer stack, against autograd through forward."""

import copy

import pytest
import torch

from skmire import Architecture, FixedSequence, MIREncoder
from skmire.atoms import (
    PSWF,
    Atom,
    ComplexGabor,
    FunctionAtom,
    Gabor,
    Gaussian,
    RaisedCosine,
    RootRaisedCosine,
    Sinusoid,
    _acceleration,
)
from skmire.atoms import VariablePeriodic as Warped
from skmire.atoms._acceleration import SWITCH, kernel
from skmire.atoms._base import go_back
from skmire.atoms._dictionary import REGISTRY
from skmire.networks import LayerStack, MeanField, calculus_of, sweep_of
from skmire.networks._calculus import AutogradCalculus
from skmire.networks._sweep import AutogradSweep, LayerSweep, _blocks

REAL = [make() for make in REGISTRY.values() if not make().is_complex]
VARIANTS = [
    FunctionAtom(torch.tanh),
    Warped(Gaussian()),
    Warped(Gabor()),
    Warped(RaisedCosine()),
    *(pulse(roll_off=b) for pulse in (RaisedCosine, RootRaisedCosine) for b in (0.01, 1.0)),
    *(PSWF(c=c, order=order) for c in (2.0, 10.0, 60.0) for order in (0, 1, 2)),
    PSWF(kind="radial", c=6.0),
]
ATOMS = pytest.mark.parametrize("atom", [*REAL, *VARIANTS], ids=lambda atom: atom.name)


def network(*atoms, dtype=torch.float64, width=24):
    scales = (30.0, 10.0, 7.0)
    return LayerStack(
        [a.fresh(a.at_scale(s)) for a, s in zip(atoms, scales, strict=False)],
        in_features=2,
        out_features=3,
        hidden_width=width,
        generator=torch.Generator().manual_seed(0),
        dtype=dtype,
    )


def samples(n=2_500, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.rand(n, d, generator=generator, dtype=torch.float64) for d in (2, 3))
    return (2 * x - 1).to(dtype), y.to(dtype)


def gradients(sweep, field, x, y):
    """Return the gradient of the mean squared error, parameter by parameter."""
    sweep(field)(x, lambda values, rows: values.sub_(y[rows]).mul_(2 / y.numel()))
    return {name: p.grad.clone() for name, p in field.named_parameters() if p.grad is not None}


def farthest(found, wanted):
    """Return the largest difference in a parameter's gradient, relative to that gradient."""
    assert found.keys() == wanted.keys()
    return max(
        ((found[name] - wanted[name]).abs().max() / (wanted[name].abs().max() + 1e-12)).item()
        for name in wanted
    )


@ATOMS
def test_the_sweep_is_autograd(atom):
    field = network(atom, atom, atom)
    x, y = samples()
    x[:3] = 0.0  # where units of the first layer are at their biases
    wanted = gradients(AutogradSweep, field, x, y)
    assert farthest(gradients(LayerSweep, field, x, y), wanted) < 1e-9


@pytest.mark.parametrize("accelerated", ["0", "1"])
@ATOMS
def test_the_sweep_is_as_precise_as_autograd_in_single_precision(atom, accelerated, monkeypatch):
    monkeypatch.setenv(SWITCH, accelerated)
    field = network(atom, atom, atom, dtype=torch.float32)
    double, (x, y) = copy.deepcopy(field).double(), samples(dtype=torch.float32)
    truth = gradients(AutogradSweep, double, x.double(), y.double())
    size = max(gradient.abs().max() for gradient in truth.values())  # sums of a scalar's cancel

    def error(sweep):
        found = gradients(sweep, field, x, y)
        return max((found[name] - truth[name]).abs().max() for name in truth) / size

    assert error(LayerSweep) < 5 * error(AutogradSweep) + 1e-6


@pytest.mark.parametrize("atom", [*REAL, *VARIANTS[:8]], ids=lambda atom: atom.name)
def test_values_and_slopes_at_the_poles_and_next_to_them(atom):
    places = [0.0, 1 / 6, 0.5, 1.0, 2.0, 0.25, 3.7, 12.0]
    near = [p + s * e for p in places for e in (0, 1e-12, 1e-7, 1e-3, 0.1) for s in (-1, 1)]
    z = torch.tensor(near, dtype=torch.float64).reshape(8, -1)
    leaf = z.clone().requires_grad_(True)
    wanted = atom(leaf)
    wanted.sum().backward()
    gain, shift = atom.folded
    with torch.no_grad():
        t = z.clone() if gain is None else z * gain
        t = t if shift is None else t + shift
        values, pull = atom.sweep(t.clone(), lambda: torch.empty_like(t))
        torch.testing.assert_close(values, wanted.detach(), rtol=1e-12, atol=1e-12)
        alone = atom.evaluate(t.clone(), lambda: torch.empty_like(t))
        torch.testing.assert_close(alone, wanted.detach(), rtol=1e-12, atol=1e-12)
        slope = pull(torch.ones_like(values))
        slope = slope if gain is None else slope * gain
    if atom.name != "relu":  # at its kink either side will do
        torch.testing.assert_close(slope, leaf.grad, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("n", [1, 7, 1_024, 1_025, 3_000])
def test_blocks_add_up(n):
    field = network(REAL[0], VARIANTS[2], REAL[1])
    x, y = samples(n)
    wanted = gradients(AutogradSweep, field, x, y)
    assert farthest(gradients(LayerSweep, field, x, y), wanted) < 1e-9


@pytest.mark.parametrize("accelerated", ["0", "1"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("atom", [*REAL, *VARIANTS, ComplexGabor()], ids=lambda atom: atom.name)
def test_of_no_samples_all_gradients_are_zero(atom, dtype, accelerated, monkeypatch):
    monkeypatch.setenv(SWITCH, accelerated)
    for field in (network(atom, atom, dtype=dtype), MeanField([network(atom, dtype=dtype)] * 2)):
        sweep, (x, y) = sweep_of(field), samples(100, dtype=dtype)
        sweep(x, lambda values, rows, y=y: values.sub_(y[rows]))
        sweep(x[:0], lambda values, rows: values)
        assert not any(p.grad.any() for p in field.parameters() if p.requires_grad)


@pytest.mark.parametrize(("n", "ends"), [(0, [(0, 0)]), (5, [(0, 5)])])
def test_a_device_that_is_to_be_filled_takes_all_samples_at_once(n, ends):
    found = _blocks(torch.empty(n, 2, device="meta"), 2)
    assert [(rows.start, rows.stop) for rows in found] == ends


def test_a_sweep_starts_anew_each_time_and_takes_the_present_parameters():
    field, (x, y) = network(*REAL[:3]), samples(100)
    sweep = LayerSweep(field)
    respond = lambda values, rows: values.sub_(y[rows])  # noqa: E731
    sweep(x, respond)
    first = {name: p.grad.clone() for name, p in field.named_parameters()}
    sweep(x, respond)
    assert all(torch.equal(p.grad, first[name]) for name, p in field.named_parameters())
    with torch.no_grad():
        for p in field.parameters():
            p.add_(0.01)
    sweep(x, respond)
    again = {name: p.grad.clone() for name, p in field.named_parameters()}
    for p in field.parameters():
        p.grad = None
    values = field(x)
    values.backward(values.detach() - y)
    wanted = {name: p.grad for name, p in field.named_parameters()}
    assert farthest(again, wanted) < 1e-9


@pytest.mark.parametrize("atom", REAL, ids=lambda atom: atom.name)
def test_frozen_atoms_get_no_gradient(atom):
    field, (x, y) = network(atom, atom), samples(50)
    field.sequence[0].requires_grad_(False)
    wanted = gradients(AutogradSweep, field, x, y)
    found = gradients(LayerSweep, field, x, y)
    assert not any(name.startswith("atoms.0.") for name in found)
    assert farthest(found, wanted) < 1e-9


def test_autograd_goes_in_blocks_too(monkeypatch):
    field = network(ComplexGabor(), Gaussian(), Gaussian())
    x, y = samples(300)
    wanted = gradients(sweep_of, field, x, y)
    monkeypatch.setattr("skmire.networks._sweep._AUTOGRAD_BLOCK", 128)
    assert farthest(gradients(sweep_of, field, x, y), wanted) < 1e-12


def test_complex_atoms_go_by_autograd():
    assert isinstance(sweep_of(network(REGISTRY["complex_gabor"](), REAL[0])), AutogradSweep)
    assert isinstance(sweep_of(network(*REAL[:2])), LayerSweep)


@ATOMS
def test_a_fit_by_the_sweep_is_a_fit_by_autograd(atom, monkeypatch):
    x = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None].numpy()
    y = (3 * x[:, 0]) ** 2
    options = {"hidden_width": 16, "max_epochs": 3, "dtype": "float64", "random_state": 0}
    encoder = MIREncoder(search=FixedSequence([atom, atom]), **options)
    swept = encoder.fit(x, y).predict(x)
    monkeypatch.setattr("skmire.measurements._sweep.sweep_of", AutogradSweep)
    torch.testing.assert_close(
        torch.tensor(swept), torch.tensor(encoder.fit(x, y).predict(x)), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("n", [1, 1_500])
@ATOMS
def test_the_values_of_a_sweep_are_those_of_forward(atom, n):
    field = network(atom, atom, atom)
    x, _ = samples(n)
    sweep = sweep_of(field)
    torch.testing.assert_close(sweep.values(x), field(x).detach(), rtol=1e-9, atol=1e-10)
    with torch.no_grad():
        field.affines[0].weight.mul_(1.1)
    torch.testing.assert_close(sweep.values(x), field(x).detach(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("accelerated", ["0", "1"])
@ATOMS
def test_predictions_compute_no_slopes(atom, accelerated, monkeypatch):
    monkeypatch.setenv(SWITCH, accelerated)

    def refuse(self, t, spare):
        raise AssertionError("slopes were computed")

    for dtype in (torch.float32, torch.float64):
        field, (x, _) = network(atom, atom, dtype=dtype), samples(100, dtype=dtype)
        wanted = field(x).detach()
        with monkeypatch.context() as patch:
            for kind in {type(a) for a in field.modules() if isinstance(a, Atom)}:
                if kind.sweep is not Atom.sweep:
                    patch.setattr(kind, "sweep", refuse)
            found = sweep_of(field).values(x)
        rough = 1e-9 if dtype == torch.float64 else 2e-4 * wanted.abs().max().item()
        torch.testing.assert_close(found, wanted, rtol=0, atol=rough)


def test_values_follow_a_sweep_of_its_own():
    class Doubled(Gaussian):
        def sweep(self, t, spare):
            values, pull = super().sweep(t, spare)
            return 2 * values, pull

    t = torch.linspace(-1, 1, 5).double()
    with torch.no_grad():
        found = Doubled().evaluate(t.clone(), lambda: torch.empty_like(t))
    torch.testing.assert_close(found, 2 * torch.exp(-t.square()))


# -- compiled kernels ----------------------------------------------------------------------------

COMPILED = [atom for atom in [*REAL, *VARIANTS] if atom.name not in ("relu", "tanh")]


def swept(atom, t):
    """Return values and slopes of the sweep at `t`, and the values alone."""
    with torch.no_grad():
        values, pull = atom.sweep(t.clone(), lambda: torch.empty_like(t))
        values = values.clone()
        slopes = pull(torch.ones_like(t))
        return values, slopes, atom.evaluate(t.clone(), lambda: torch.empty_like(t))


@pytest.fixture
def compiled():
    pytest.importorskip("numba", reason="it comes with the extra fast")


@pytest.mark.parametrize("atom", COMPILED, ids=lambda atom: atom.name)
def test_kernels_are_right_everywhere(atom, compiled, monkeypatch):
    """In particular at the poles, next to them, far out, and where formulas take over."""
    places = torch.cat(
        [
            torch.linspace(-4, 4, 40_001),  # steps of 2e-4, so every place where they do
            torch.tensor([0.0, -0.0, 1e-30, 1e-12, -1e-7, 1e-3, 0.16667, 0.25, 0.5, 1.0]),
            torch.linspace(-100, 100, 1_001),
        ]
    )
    single, double = copy.deepcopy(atom).float(), copy.deepcopy(atom).double()
    fast, truth = swept(single, places), swept(double, places.double())
    monkeypatch.setenv(SWITCH, "0")
    for found, plain, wanted in zip(fast, swept(single, places), truth, strict=True):
        size = wanted.abs().clamp(min=1)  # the steep ones by their size
        error, usual = ((x - wanted).abs() / size for x in (found, plain))
        assert error.max() < 2 * usual.max() + 5e-6
        assert error.median() < 1e-6


def test_sine_and_cosine_of_large_arguments(compiled):
    x = torch.linspace(-1e4, 1e4, 100_003)
    sine, cosine = torch.empty_like(x), torch.empty_like(x)
    kernel("sinusoid", x)(x, sine, cosine)
    assert (sine - x.double().sin()).abs().max() < 6e-7
    assert (cosine - x.double().cos()).abs().max() < 6e-7


@pytest.mark.parametrize("accelerated", ["0", "1"])
@pytest.mark.parametrize("name", ["gaussian", "gabor"])
def test_bells_are_right_in_all_their_digits(name, accelerated, monkeypatch):
    """Where a product with a weight of 1e10 would show it, and not denormal beyond."""
    monkeypatch.setenv(SWITCH, accelerated)
    x = torch.linspace(-7, 7, 10_001)
    atom = REGISTRY[name]().float()
    with torch.no_grad():
        found = atom.evaluate(x.clone(), lambda: torch.empty_like(x))
        far = atom.evaluate(torch.tensor([7.1, -1e3, 1e30]), lambda: torch.empty(3))
    wanted = copy.deepcopy(atom).double()(x.double()).detach()
    size = (-x.double().square()).exp()
    assert ((found - wanted).abs() / size).max() < 5e-6  # of squares up to 49, known to 24 bits
    assert far.abs().max() < 2.1e-22
    assert far.min() > 1.8e-22 or name == "gabor"


@pytest.mark.parametrize("accelerated", ["0", "1"])
@pytest.mark.parametrize("atom", COMPILED, ids=lambda atom: atom.name)
def test_nothing_hides_what_is_not_a_number(atom, accelerated, monkeypatch):
    monkeypatch.setenv(SWITCH, accelerated)
    atom = copy.deepcopy(atom).float()
    t = torch.linspace(0.5, 2, 39)  # longer than a vector of the processor
    t[17] = torch.nan
    values, _, alone = swept(atom, t)
    assert torch.equal(values.isnan(), t.isnan())
    assert torch.equal(alone.isnan(), t.isnan())


@pytest.mark.parametrize("accelerated", ["0", "1"])
@pytest.mark.parametrize("n", [1, 511, 512, 513, 100_003])
def test_going_back(n, accelerated, monkeypatch):
    monkeypatch.setenv(SWITCH, accelerated)
    generator = torch.Generator().manual_seed(0)
    cotangent, slope, first, second = torch.randn(4, n, generator=generator)
    before = cotangent.clone()
    (alone,) = go_back(cotangent.clone(), slope, first)
    dots = go_back(cotangent, slope, first, second)
    assert torch.equal(cotangent, before * slope)
    for found, by in zip((alone, *dots), (first, first, second), strict=True):
        torch.testing.assert_close(found.double(), before.double() @ by.double(), rtol=0, atol=5e-3)


def test_kernels_are_for_single_precision_on_the_processor(compiled, monkeypatch):
    t = torch.zeros(4, 4)
    assert kernel("sinc", t) is not None
    assert kernel("sinc", t.double()) is None
    assert kernel("sinc", t.t()[:2]) is None
    assert kernel("sinc", t.to("meta")) is None
    monkeypatch.setenv(SWITCH, "0")
    assert kernel("sinc", t) is None


def test_without_numba_training_goes_on_without(monkeypatch):
    def broken(name):
        raise ImportError("numba needs an older numpy")

    monkeypatch.setattr(_acceleration, "_kernels", _acceleration._kernels.__wrapped__)
    monkeypatch.setattr(_acceleration, "find_spec", lambda name: None)
    assert kernel("sinc", torch.zeros(4)) is None
    monkeypatch.setattr(_acceleration, "find_spec", lambda name: object())
    monkeypatch.setattr(_acceleration, "import_module", broken)
    with pytest.warns(UserWarning, match="goes on without it.*needs an older numpy"):
        assert kernel("sinc", torch.zeros(4)) is None


def test_far_outside_values_stay_in_their_range(compiled):
    """A float of 1e9 says nothing of its sine, but that it lies in [-1, 1]."""
    t = torch.tensor([1e5, 1e6, 1e7, -1e9, 3e9, 1e20, -1e38])
    for name in ("sinusoid", "sinc"):
        values, slope = torch.empty_like(t), torch.empty_like(t)
        kernel(name, t)(t, values, slope)
        assert values.abs().max() <= 1.0 + 1e-6
        assert slope.abs().max() <= 1.0 + 1e-6


def test_what_overrides_a_formula_is_trained_by_its_own():
    class Tilted(Sinusoid):
        def forward(self, z):
            return super().forward(z) + 0.5 * z

    class Tilts:
        def forward(self, z):
            return super().forward(z) + 0.5 * z

    class Mixed(Tilts, Sinusoid):
        pass

    class Renamed(RaisedCosine):
        name = "my_pulse"

    class Stretched(Sinusoid):
        """Says anew what it folds, and leaves the sweep to autograd."""

        def forward(self, z):
            return torch.tanh(self.frequency * z + self.phase)

        @property
        def folded(self):
            return self.frequency, self.phase

        def formula(self, t):
            return torch.tanh(t)

    x, y = samples(100)
    for field in (network(Tilted(), Mixed(), Renamed()), network(Mixed(), Stretched())):
        found = gradients(sweep_of, field, x, y)
        assert farthest(found, gradients(AutogradSweep, field, x, y)) < 1e-9
    single = network(Tilted(), Mixed(), dtype=torch.float32)
    x, y = samples(100, dtype=torch.float32)
    torch.testing.assert_close(sweep_of(single).values(x), single(x), rtol=1e-3, atol=1e-4)


def test_a_subclass_keeps_what_it_does_not_override():
    class Renamed(Sinusoid):
        name = "my_sinusoid"

    class Fast:
        def sweep(self, t, spare):
            return super().sweep(t, spare)

    class Mixed(Fast, Sinusoid):
        pass

    assert Renamed.sweep is Sinusoid.sweep
    assert Renamed.jet is Sinusoid.jet
    assert Mixed.sweep is Fast.sweep
    assert Mixed.folded is Sinusoid.folded  # for the sweep reads what is folded


class Squared(LayerStack):
    def forward(self, coords):
        return super().forward(coords) ** 2


class Lifted(LayerStack):
    def hidden(self, coords):
        return super().hidden(coords) + 1


class MeanSquared(MeanField):
    def forward(self, coords):
        return super().forward(coords) ** 2


def field_of(kind):
    if kind is MeanSquared:
        return kind([network(Sinusoid(), Gaussian())])
    field = network(Sinusoid(), Gaussian())
    field.__class__ = kind
    return field


@pytest.mark.parametrize("kind", [Squared, Lifted, MeanSquared])
def test_what_overrides_a_network_is_trained_and_derived_by_its_own(kind):
    field, (x, y) = field_of(kind), samples(100)
    found = gradients(sweep_of, field, x, y)
    assert farthest(found, gradients(AutogradSweep, field, x, y)) < 1e-9
    assert (sweep_of(field).values(x) == field(x)).all()
    slopes = calculus_of(field)(x, torch.eye(2).double(), [(), (0,)])
    assert (slopes == AutogradCalculus(field)(x, torch.eye(2).double(), [(), (0,)])).all()


def test_the_fit_of_such_a_network_predicts_what_its_module_does():
    class Shape(Architecture):
        def build(self, *args, **options):
            field = super().build(*args, **options)
            field.__class__ = Squared
            return field

    x = torch.linspace(-1, 1, 64).double()[:, None]
    encoder = MIREncoder(
        search=FixedSequence("sinusoid", 2), network=Shape(), hidden_width=16, max_epochs=9
    ).fit(x.numpy(), x[:, 0].numpy() ** 2)
    with torch.no_grad():
        wanted = encoder.to_torch()(x).numpy().ravel()
    assert encoder.predict(x.numpy()) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("accelerated", ["0", "1"])
@pytest.mark.parametrize("atom", ["raised_cosine", "pswf", "gabor", "complex_gabor"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_queries_do_not_mind_the_callers_mode(atom, accelerated, dtype, monkeypatch):
    monkeypatch.setenv(SWITCH, accelerated)
    x = torch.linspace(-1, 1, 64).double()[:, None].numpy()
    encoder = MIREncoder(
        search=FixedSequence(atom, 2), hidden_width=16, max_epochs=2, dtype=dtype, random_state=0
    ).fit(x, x[:, 0] ** 2)
    values, slopes = encoder.predict(x), encoder.gradient(x)
    with torch.inference_mode():
        assert (encoder.predict(x) == values).all()
        assert (encoder.gradient(x) == slopes).all()
    with torch.no_grad():
        plain = encoder.network_(torch.tensor(x, dtype=getattr(torch, dtype)))
    scaled = encoder.value_scaling_.unscale(plain.double().numpy())[:, 0]
    assert abs(values - scaled).max() < (1e-5 if dtype == "float32" else 1e-12)
