"""How one network is fitted."""

import copy
import sys
from unittest.mock import patch

import numpy as np
import pytest
import torch
from sklearn.utils._param_validation import InvalidParameterError

from skmire import ActivationDictionary, FixedSequence, MIREncoder, Trainer
from skmire.atoms import Gaussian, Sinusoid, make_atom
from skmire.networks import Field, LayerStack
from skmire.networks._sweep import LayerSweep
from skmire.peers import finer
from skmire.search import single_thread, threads_restored
from skmire.testing._search_setting import Log, WatchedTask
from skmire.training import LOSSES, Evaluation, Samples, _averaged, _run
from skmire.training._averaged import Averaged
from skmire.training._guard import Guard
from skmire.training._optimizers import OPTIMIZERS, make_optimizer
from skmire.training._run import Run

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, size=(60, 2))
Y = np.sin(3 * X[:, 0]) + X[:, 1]


def encoder(trainer=None, *, atoms=("sinusoid",), **options):
    options = {"hidden_width": 16, "max_epochs": 5, "random_state": 0, **options}
    return MIREncoder(
        search=FixedSequence(list(atoms)), trainer=trainer, dtype="float64", **options
    )


FORMULAS = {
    "squared": lambda r: r**2,
    "absolute": np.abs,
    "huber": lambda r: np.where(np.abs(r) <= 0.1, r**2, 2 * 0.1 * (np.abs(r) - 0.05)),
}


OF_LABELS = {"logistic": lambda values, targets: np.logaddexp(0, -4 * np.sign(targets) * values)}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("target", [0.03, -0.5])
def test_losses_are_their_formulas(loss, target):
    values = torch.linspace(-1, 1, 41, dtype=torch.float64, requires_grad=True)
    targets = torch.full((41,), target, dtype=torch.float64)
    predicted = values.detach().numpy()
    if LOSSES[loss].of_labels:
        expected = OF_LABELS[loss](predicted, target)
    else:
        expected = FORMULAS[loss](predicted - target)
    losses = LOSSES[loss].value(values, targets)
    np.testing.assert_allclose(losses.detach().numpy(), expected, atol=1e-12)
    losses.sum().backward()
    slope = LOSSES[loss].slope(values.detach(), targets)
    np.testing.assert_allclose(slope.numpy(), values.grad.numpy(), atol=1e-12)


def test_a_loss_of_labels_is_refused_for_values():
    with pytest.raises(ValueError, match=r"is for labels, which MIREncoder does not fit\. Take"):
        encoder(Trainer(loss="logistic")).fit(X, Y)


@pytest.mark.parametrize("loss", FORMULAS)
def test_the_loss_that_is_reported_is_that_of_the_prediction(loss):
    fitted = encoder(Trainer(loss=loss)).fit(X, Y)
    residuals = (fitted.predict(X) - Y) / fitted.value_scaling_.half_range
    assert fitted.best_loss_ == pytest.approx(FORMULAS[loss](residuals).mean(), rel=1e-9)


class Elsewhere(torch.Tensor):
    """A tensor that says it is on another device, where blocks are larger."""

    is_cpu = False


@pytest.mark.parametrize("kind", [torch.Tensor, Elsewhere])
@pytest.mark.parametrize("loss", FORMULAS)
def test_evaluation_is_weighted_and_goes_in_blocks(loss, kind):
    n = 100_000
    y = torch.rand(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    w = torch.arange(n, dtype=torch.float64)[:, None]
    w = w / w.mean()
    samples = Samples(torch.zeros_like(y).as_subclass(kind), y, w)
    expected = (w.numpy() * FORMULAS[loss](y.numpy())).mean(axis=0)
    losses = Trainer(loss=loss).evaluate(lambda inputs: inputs, samples)
    np.testing.assert_allclose(losses, expected, rtol=1e-10)


def test_of_very_many_samples_some_say_what_the_loss_is(monkeypatch):
    x = np.linspace(-1, 1, 40_000)[:, None]
    y = np.sin(20 * x[:, 0]) + 0.3 * np.random.default_rng(0).normal(size=len(x))
    weights = np.linspace(0, 1, len(x))
    monkeypatch.setattr("skmire.training._evaluate._MOST", 10_000)
    all_of_them, by_some = (
        encoder(Trainer(polish=False), time_limit=limit).fit(x, y, sample_weight=weights).best_loss_
        for limit in (None, 1e4)
    )
    assert by_some == pytest.approx(all_of_them, rel=0.03)
    assert by_some != all_of_them


def test_some_of_the_samples_are_the_same_ones_each_time():
    column = torch.arange(100.0)[:, None]
    samples = Samples(column, column, torch.ones_like(column))
    assert samples.some(100) is samples
    first, second = samples.some(10), samples.some(10)
    assert len(first) == 10
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.inputs, first.targets)
    assert len(first.inputs.unique()) == 10
    assert float(first.weights.mean()) == pytest.approx(1)
    few = Samples(column, column, (column < 1).float())
    assert few.some(2) is few or few.some(2).weights.isfinite().all()
    assert sum(few.some(n) is few for n in range(1, 50)) > 0


@pytest.fixture
def steps(monkeypatch):
    """Step sizes of the optimiser's steps, and sizes of the batches it saw."""
    rates = []
    step = torch.optim.Adam.step

    def recording(self, *args, **kwargs):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", recording)
    return rates


def test_the_step_size_falls_geometrically_to_its_share(steps):
    encoder(Trainer(learning_rate=1e-2, decay=0.01, cooldown=0.0, batch_size=20)).fit(X, Y)
    progress = np.arange(15) / 15
    np.testing.assert_allclose(steps, 1e-2 * 0.01**progress, rtol=1e-12)


def test_no_decay_keeps_the_step_size(steps):
    encoder(Trainer(learning_rate=1e-2, decay=1.0, cooldown=0.0, batch_size=60)).fit(X, Y)
    assert steps == [1e-2] * 5


def test_the_step_size_grows_first_and_falls_to_0_at_last(steps):
    trainer = Trainer(learning_rate=1e-2, decay=0.01, batch_size=20, warmup=0.4, cooldown=0.3)
    encoder(trainer).fit(X, Y)
    progress = np.arange(15) / 15
    ends = np.minimum(progress / 0.4, 1) * np.minimum((1 - progress) / 0.3, 1)
    expected = 1e-2 * 0.01**progress * ends
    np.testing.assert_allclose(steps, expected, rtol=1e-12)


class States:
    """A callback's view of the weights: those of each epoch."""

    def __init__(self):
        self.seen = []

    def start(self, name, **kwargs):
        return self

    def finish(self, field=None):
        self.seen.append([p.detach().clone() for p in field.parameters()])
        return False


def epoch_by_epoch(trainer, samples, epochs=7):
    """Return a network trained, and its weights after each epoch as callbacks see them."""
    network = LayerStack(
        [Sinusoid(frequency=5.0)], in_features=1, out_features=1, hidden_width=8,
        generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    )  # fmt: skip
    states = States()
    trainer.train(
        network, samples, samples, epochs=epochs, seconds=None,
        generator=torch.Generator().manual_seed(0), task=states,
    )  # fmt: skip
    return network, states.seen


def wave(n=64):
    x = torch.linspace(-1, 1, n, dtype=torch.float64)[:, None]
    return Samples(x, torch.sin(4 * x))


def test_weights_are_averaged_over_epochs_as_shamir_and_zhang_have_it():
    _, alone = epoch_by_epoch(Trainer(batch_size=16), wave())
    _, averaged = epoch_by_epoch(Trainer(average=True, batch_size=16), wave())
    for t in range(1, 8):
        # The recursion w_t = (1 - 9 / (t + 8)) w + 9 / (t + 8) x_t, written out as one sum.
        factors = [9 / (i + 8) * np.prod([1 - 9 / (j + 8) for j in range(i + 1, t + 1)])
                   for i in range(1, t + 1)]  # fmt: skip
        assert sum(factors) == pytest.approx(1)
        for k, mean in enumerate(averaged[t - 1]):
            expected = sum(f * state[k] for f, state in zip(factors, alone, strict=False))
            torch.testing.assert_close(mean, expected, rtol=1e-10, atol=1e-14)


def test_a_network_is_left_in_the_best_average():
    trainer = Trainer(average=True, batch_size=16, learning_rate=0.05)
    network, averaged = epoch_by_epoch(trainer, wave())
    samples, losses = wave(), []
    for state in averaged:
        copied = copy.deepcopy(network)
        for own, other in zip(copied.parameters(), state, strict=True):
            own.data.copy_(other)
        losses.append(float(trainer.evaluate(copied, samples).mean()))
    best = averaged[int(np.argmin(losses))]
    for own, other in zip(network.parameters(), best, strict=True):
        torch.testing.assert_close(own.detach(), other, rtol=0, atol=0)


@pytest.mark.parametrize("how", [{"batch_size": "all"}, {"optimizer": "lbfgs"}])
def test_nothing_is_averaged_where_batches_are_not_random(how):
    _, alone = epoch_by_epoch(Trainer(**how), wave())
    _, averaged = epoch_by_epoch(Trainer(average=True, **how), wave())
    for one, other in zip(alone[-1], averaged[-1], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("seed", range(5))
def test_the_last_average_is_kept_where_it_is_better_than_that_of_the_best_steps(seed):
    # Losses of steps are those of the network on its way, not of its average.
    network = LayerStack(
        [Sinusoid(frequency=5.0)], in_features=1, out_features=1, hidden_width=8,
        generator=torch.Generator().manual_seed(seed), dtype=torch.float64,
    )  # fmt: skip
    samples, trainer = wave(), Trainer(average=True, batch_size=8, learning_rate=0.1)
    training = trainer.train(
        network, samples, None, epochs=30, seconds=None,
        generator=torch.Generator().manual_seed(seed), task=WatchedTask(Log()),
    )  # fmt: skip
    assert training.kept.train <= training.last.train
    np.testing.assert_array_equal(trainer.evaluate(network, samples), training.kept.train)


def test_what_was_taken_back_has_no_part_in_the_average():
    field = Cliff()
    average = Averaged(field)
    for value, since, expected in ((1e6, 0, 1e6), (1.0, 1, 1.0), (2.0, 1, 1.9)):
        field.value.data.fill_(value)
        average.add(field, since=since)
        assert float(average.field.value.detach()) == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:The time limit of")  # on a busy machine
def test_time_moves_the_schedule_too(steps):
    fitted = encoder(Trainer(learning_rate=1e-2, decay=0.1), time_limit=0.3, max_epochs=10**6)
    fitted.fit(X, Y)
    assert np.all(np.diff(steps) <= 0)
    assert steps[-1] < 1.5e-3


@pytest.mark.parametrize(
    ("n", "batch_size", "n_steps"),
    [(60, 20, 3), (60, 25, 3), (60, 100, 1), (60, "auto", 2), (1600, "auto", 16), (5, 1, 5)],
)
def test_an_epoch_is_a_pass_in_even_batches(steps, monkeypatch, n, batch_size, n_steps):
    sizes = []
    take = Samples.take
    monkeypatch.setattr(Samples, "take", lambda self, rows: sizes.append(rows) or take(self, rows))
    x = np.linspace(0, 1, n)[:, None]
    encoder(Trainer(batch_size=batch_size), max_epochs=1).fit(x, np.sin(9 * x[:, 0]))
    batches = [rows for rows in sizes if isinstance(rows, torch.Tensor)]
    assert len(steps) == len(batches) == n_steps
    assert np.ptp([len(rows) for rows in batches]) <= 1
    assert torch.cat(batches).sort().values.tolist() == list(range(n))


@pytest.mark.parametrize(("width", "batch_size", "wanted"), [(8, 60, 1), (400, 60, 2)])
def test_small_steps_are_taken_on_one_thread(monkeypatch, width, batch_size, wanted):
    seen, sweep = set(), LayerSweep.__call__

    def watching(self, *arguments):
        seen.add(torch.get_num_threads())
        return sweep(self, *arguments)

    monkeypatch.setattr(LayerSweep, "__call__", watching)
    with threads_restored():
        torch.set_num_threads(2)
        options = {"atoms": ["sinusoid"] * 3, "hidden_width": width, "max_epochs": 1}
        encoder(Trainer(batch_size=batch_size), **options).fit(X, Y)
        assert seen == {wanted}
        assert torch.get_num_threads() == 2


@pytest.mark.parametrize("rate", [1e-3, 0.3])
def test_the_state_of_least_held_out_loss_is_kept(rate):
    trainer = Trainer(
        learning_rate=rate, decay=1.0, polish=False, early_stopping=True, n_iter_no_change=100
    )
    training = encoder(trainer, max_epochs=12).fit(X, Y).search_result_.trace[0].training
    assert len(training.held_out_curve) == 12
    assert training.kept.loss("held_out") == pytest.approx(training.held_out_curve.min())
    assert training.kept.loss("held_out") <= training.last.loss("held_out")
    assert training.last.loss("held_out") == pytest.approx(training.held_out_curve[-1])


class Constant(Field):
    """A field of one number, which moves towards the samples it is trained on."""

    def __init__(self):
        super().__init__()
        self.value = torch.nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, coords):
        return self.value.expand(len(coords), 1)


def test_the_kept_state_can_be_an_earlier_one():
    trainer = Trainer(learning_rate=0.01, decay=1.0, early_stopping=True, n_iter_no_change=100)
    zeros = torch.zeros(8, 1, dtype=torch.float64)
    field = Constant()
    # Trained towards 0 while the held-out samples ask for 1: each epoch is worse than the last.
    training = trainer.train(
        field,
        Samples(zeros, zeros),
        Samples(zeros, zeros + 1),
        epochs=12,
        seconds=None,
        generator=torch.Generator().manual_seed(0),
        task=WatchedTask(Log()),
    )
    assert np.all(np.diff(training.held_out_curve) > 0)
    assert training.kept.loss("held_out") == training.held_out_curve[0]
    assert training.last.loss("held_out") == training.held_out_curve[-1]
    assert float(field.value.detach()) == pytest.approx(0.99, abs=1e-3)


def test_early_stopping_stops_and_says_so():
    trainer = Trainer(early_stopping=True, n_iter_no_change=3, tol=0.9)
    training = encoder(trainer, max_epochs=60).fit(X, Y).search_result_.trace[0].training
    assert training.outcome == "early stopping"
    assert len(training.curve) < 60


def test_without_early_stopping_nothing_is_held_out():
    training = encoder().fit(X, Y).search_result_.trace[0].training
    assert training.outcome == "completed"
    assert training.held_out_curve is None
    assert training.kept.held_out is None


def test_samples_of_one_place_are_held_out_together_whatever_their_order():
    place = torch.arange(60) % 20
    inputs = torch.stack([place / 7.0, -place / 3.0], dim=1)
    parts = []
    for order in (torch.arange(60), torch.arange(60).flip(0)):
        data = Samples(inputs[order], place[order, None].double())
        kept, out = data.split(0.25, torch.Generator().manual_seed(0))
        assert (len(kept), len(out)) == (45, 15)
        assert not set(kept.targets.ravel().tolist()) & set(out.targets.ravel().tolist())
        parts.append(set(out.targets.ravel().tolist()))
    assert parts[0] == parts[1]


def test_samples_of_a_single_place_are_split_all_the_same():
    data = Samples(torch.zeros(10, 2), torch.arange(10.0)[:, None])
    kept, out = data.split(0.2, torch.Generator().manual_seed(0))
    assert (len(kept), len(out)) == (8, 2)


@pytest.mark.parametrize(("fraction", "held"), [(0.1, 6), (0.5, 30), (1e-6, 1), (0.9999, 59)])
def test_the_share_held_out_is_the_one_asked_for(fraction, held):
    order = torch.arange(60.0)[:, None]
    kept, out = Samples(order, order, order + 1).split(fraction, torch.Generator().manual_seed(0))
    assert len(out) == held
    assert sorted(torch.cat([kept.inputs, out.inputs])[:, 0].tolist()) == list(range(60))
    assert kept.weights.mean() == pytest.approx(1)
    assert out.weights.mean() == pytest.approx(1)


def test_a_weight_of_two_is_a_row_twice():
    weights = np.ones(len(X))
    weights[:10] = 2
    trainer = Trainer(batch_size=1000)
    weighted = encoder(trainer, max_epochs=10).fit(X, Y, sample_weight=weights)
    twice = encoder(trainer, max_epochs=10).fit(np.r_[X, X[:10]], np.r_[Y, Y[:10]])
    plain = encoder(trainer, max_epochs=10).fit(X, Y)
    np.testing.assert_allclose(weighted.predict(X), twice.predict(X), rtol=1e-7, atol=1e-8)
    assert np.abs(plain.predict(X) - twice.predict(X)).max() > 1e-4


def test_the_scale_of_the_weights_does_not_matter():
    weights = RNG.uniform(0.5, 2, len(X))
    one, thousand = (encoder().fit(X, Y, sample_weight=k * weights) for k in (1, 1024))
    np.testing.assert_array_equal(one.predict(X), thousand.predict(X))


def test_complex_weights_train():
    fitted = encoder(
        Trainer(learning_rate=1e-2), atoms=["complex_gabor", "sinusoid"], max_epochs=20
    ).fit(X, Y)
    assert fitted.loss_curve_[-1] < 0.5 * fitted.loss_curve_[0]


def test_evaluations_fall_back_on_the_training_part():
    both = Evaluation(np.array([1.0, 3.0]), np.array([5.0, 7.0]))
    assert (both.loss("train"), both.loss("held_out")) == (2.0, 6.0)
    assert Evaluation(np.array([1.0, 3.0])).loss("held_out") == 2.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimizer", "sgd"),
        ("learning_rate", 0.0),
        ("learning_rate", "fast"),
        ("optimizer_options", "weight_decay=1"),
        ("warmup", 1.0),
        ("warmup", -0.1),
        ("decay", 0.0),
        ("decay", 1.5),
        ("batch_size", 0),
        ("batch_size", "most"),
        ("batch_size", 2.5),
        ("loss", "l2"),
        ("early_stopping", "yes"),
        ("validation_fraction", 0.0),
        ("validation_fraction", 1.0),
        ("n_iter_no_change", 0),
        ("tol", -0.1),
        ("tol", 1.0),
    ],
)
def test_invalid_parameters_are_refused_by_name(name, value):
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of Trainer"):
        encoder(Trainer().set_params(**{name: value})).fit(X, Y)


# -- optimisers ----------------------------------------------------------------------------------

SETTINGS = {
    "adam": {"learning_rate": 1e-2},
    "adamw": {"learning_rate": 1e-2},
    "lbfgs": {},
    "muon": {"learning_rate": 3e-2},
    "soap": {"learning_rate": 1e-2},
    torch.optim.NAdam: {"learning_rate": 1e-2},
    torch.optim.RMSprop: {"learning_rate": 3e-3, "optimizer_options": {"alpha": 0.9}},
}
BY_NAME = pytest.mark.parametrize("optimizer", SETTINGS, ids=str)


@BY_NAME
def test_every_optimiser_fits(optimizer):
    if optimizer in ("muon", "soap"):
        pytest.importorskip("pytorch_optimizer", reason="it comes with the extra optim")
    trainer = Trainer(optimizer, batch_size="auto", **SETTINGS[optimizer])
    options = {"dictionary": ActivationDictionary(init=3.0), "max_epochs": 100}
    fitted = encoder(trainer, atoms=["sinusoid", "gaussian"], **options).fit(X, Y)
    assert fitted.score(X, Y) > 0.99
    again = encoder(trainer, atoms=["sinusoid", "gaussian"], **options).fit(X, Y)
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))


def test_the_names_cover_every_rule():
    assert set(OPTIMIZERS) == {name for name in SETTINGS if isinstance(name, str)}


def test_adamw_without_weight_decay_is_adam():
    adam, adamw, decayed = (
        encoder(Trainer(name, optimizer_options=options), max_epochs=10).fit(X, Y).predict(X)
        for name, options in (("adam", None), ("adamw", None), ("adamw", {"weight_decay": 1.0}))
    )
    np.testing.assert_allclose(adamw, adam, rtol=1e-9)
    assert np.abs(decayed - adam).max() > 1e-6


def test_lbfgs_finds_the_least_squares_of_a_linear_problem():
    """One number and full batches: a Newton-like method lands on the mean."""
    samples = Samples(torch.zeros(8, 1).double(), torch.arange(8.0).double()[:, None] - 3.5)
    field = Constant()
    Trainer("lbfgs").train(
        field, samples, None, epochs=5, seconds=None,
        generator=torch.Generator().manual_seed(0), task=WatchedTask(Log()),
    )  # fmt: skip
    assert float(field.value.detach()) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("optimizer", ["muon", "soap"])
def test_rules_for_real_weights_refuse_complex_ones(optimizer):
    pytest.importorskip("pytorch_optimizer", reason="it comes with the extra optim")
    with pytest.raises(ValueError, match=r"needs real weights.*Gabor in place of ComplexGabor"):
        encoder(Trainer(optimizer), atoms=["complex_gabor", "sinusoid"]).fit(X, Y)


@pytest.mark.parametrize("optimizer", ["muon", "soap"])
def test_without_the_extra_its_name_is_said(monkeypatch, optimizer):
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(ImportError, match=r'pip install "skmire\[optim\]"'):
        encoder(Trainer(optimizer)).fit(X, Y)


def stack(*atoms, width=256):
    """Return an untrained network of two inputs and one output."""
    return LayerStack(
        list(atoms), in_features=2, out_features=1, hidden_width=width,
        generator=torch.Generator().manual_seed(0), dtype=torch.float32,
    )  # fmt: skip


def shares_of(network):
    """Return the share of Adam's step size that each parameter has, by its id."""
    groups = make_optimizer("adam", {}, network, 1e-3).param_groups
    return {id(p): group["share"] for group in groups for p in group["params"]}


def test_muon_is_for_the_matrices_between_hidden_layers():
    pytest.importorskip("pytorch_optimizer", reason="it comes with the extra optim")
    # The shares of which all differ.
    network = stack(*(Sinusoid(frequency=w) for w in (30.0, 300.0, 30.0)))
    optimizer = make_optimizer("muon", {}, network, 1e-3)
    by_muon = {id(p) for g in optimizer.param_groups if g["use_muon"] for p in g["params"]}
    assert by_muon == {id(network.affines[i].weight) for i in (1, 2)}
    held = [id(p) for g in optimizer.param_groups for p in g["params"]]
    assert sorted(held) == sorted(id(p) for p in network.parameters())
    with pytest.raises(TypeError, match="Muon has no option 'speed'"):
        make_optimizer("muon", {"speed": 3}, network, 1e-3)


def test_weights_before_a_large_scale_take_smaller_steps():
    network = stack(Sinusoid(frequency=3_000.0), Gaussian(scale=10.0), make_atom("relu"))
    shares = shares_of(network)
    first, second, third, last = (shares[id(affine.weight)] for affine in network.affines)
    assert first == pytest.approx(1 / 3 / (1e-3 * 3_000 * 3**0.5))
    assert (second, third, last) == (1.0, 1.0, 1.0)
    assert shares[id(network.affines[0].bias)] == first
    assert shares[id(network.sequence[0].frequency)] == 1.0
    faster = make_optimizer("adam", {}, network, 1e-2)
    assert sorted(group["share"] for group in faster.param_groups) == pytest.approx(
        [first / 10, 1 / 3 / (1e-2 * 10 * 257**0.5), 1.0]
    )


@pytest.mark.parametrize(("width", "rate", "share"), [(256, 1, 1), (64, 1, 4), (512, 3, 1.5)])
def test_steps_between_hidden_layers_go_with_the_rate_and_the_inverse_of_the_width(
    width, rate, share
):
    atom = Gaussian(scale=1.0)
    atom.step_rate = rate
    network = stack(atom, copy.deepcopy(atom), Gaussian(scale=1.0), width=width)
    shares = shares_of(network)
    first, second, third, last = (shares[id(affine.weight)] for affine in network.affines)
    assert (first, second, third, last) == pytest.approx((1, share, 256 / width, 1))


def test_steps_beyond_what_a_unit_may_turn_are_not_taken():
    atom = Sinusoid(frequency=10.0)
    atom.step_rate = 1e3
    shares = shares_of(stack(atom, copy.deepcopy(atom), width=64))
    assert max(shares.values()) == pytest.approx(1 / 3 / (1e-3 * 10 * 65**0.5))


# -- divergence ----------------------------------------------------------------------------------


class Cliff(Field):
    """A field that is fitted at 0, and far off once a step has carried it past 1."""

    def __init__(self):
        super().__init__()
        self.value = torch.nn.Parameter(torch.full((), 0.5, dtype=torch.float64))

    def forward(self, coords):
        height = torch.where(self.value.abs() < 1, self.value, 1e6 * self.value)
        return height.expand(len(coords), 1)


def train(field, samples, trainer, epochs=40):
    return trainer.train(
        field, samples, None, epochs=epochs, seconds=None,
        generator=torch.Generator().manual_seed(0), task=WatchedTask(Log()),
    )  # fmt: skip


def test_a_loss_that_explodes_goes_back_and_on_with_a_smaller_step(caplog):
    targets = torch.linspace(-0.1, 0.1, 8, dtype=torch.float64)[:, None]
    samples = Samples(torch.zeros_like(targets), targets)
    with caplog.at_level("INFO", logger="skmire"):
        training = train(field := Cliff(), samples, Trainer(learning_rate=3.0, decay=1.0))
    assert training.n_returns > 0
    assert training.outcome == "completed"
    assert abs(float(field.value.detach())) < 0.5
    assert "back to a better state, with 0.3 of the step size" in caplog.text
    assert np.isfinite(training.curve).any()
    assert train(Cliff(), samples, Trainer(learning_rate=1e-2)).n_returns == 0


def test_a_step_that_explodes_after_the_last_loss_is_undone():
    """The losses of an epoch are those before its updates: the last one's effect is not in them."""
    targets = torch.linspace(-1, 1, 8, dtype=torch.float64)[:, None]
    samples = Samples(torch.zeros_like(targets), targets)
    for epochs in range(1, 8):
        training = train(Cliff(), samples, Trainer(learning_rate=3.0, decay=1.0), epochs)
        assert training.kept.loss("train") < 0.8
        assert not training.diverged


def test_a_return_lessens_every_step():
    network = LayerStack(
        [Sinusoid(frequency=3_000.0)],
        in_features=1, out_features=1, hidden_width=8,
        generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    )  # fmt: skip
    zeros = torch.zeros(8, 1, dtype=torch.float64)
    run = Run(Trainer(), network, Samples(zeros, zeros), 1, None, torch.Generator(), True)
    rates = []
    for n_returns in (0, 1):
        run.guard.n_returns = n_returns
        run._start_smaller(0)
        run._set_rate(0.0)
        rates.append(sorted(group["lr"] for group in run.optimizer.param_groups))
    np.testing.assert_allclose(rates[1], np.multiply(rates[0], 0.3))


def test_what_diverges_at_any_step_size_is_given_up_at_its_best_state():
    class Broken(Constant):
        def forward(self, coords):
            return super().forward(coords) / (self.value == 1)  # finite at its start alone

    zeros = torch.zeros(8, 1, dtype=torch.float64)
    training = train(field := Broken(), Samples(zeros, zeros), Trainer(), epochs=30)
    assert training.outcome.startswith("stopped: the loss rose again and again")
    assert not training.diverged  # there is a state to keep
    assert float(field.value.detach()) == 1.0
    assert len(training.curve) < 30


def test_what_is_nowhere_finite_has_diverged():
    class Nowhere(Constant):
        def forward(self, coords):
            return super().forward(coords) * torch.nan

    zeros = torch.zeros(8, 1, dtype=torch.float64)
    training = train(Nowhere(), Samples(zeros, zeros), Trainer(), epochs=30)
    assert training.diverged


def test_a_held_out_loss_that_is_no_number_keeps_the_state_before():
    class Fragile(Constant):
        def forward(self, coords):
            values = super().forward(coords)
            return torch.where((coords > 0.5) & (self.value < 0.995), torch.nan, values)

    zeros = torch.zeros(8, 1, dtype=torch.float64)
    trainer = Trainer(learning_rate=1e-3, decay=1.0, early_stopping=True)
    training = trainer.train(
        Fragile(), Samples(zeros, zeros), Samples(zeros + 1, zeros), epochs=8, seconds=None,
        generator=torch.Generator().manual_seed(0), task=WatchedTask(Log()),
    )  # fmt: skip
    assert not training.diverged
    assert np.isfinite([training.kept.loss("held_out"), training.kept.loss("train")]).all()


def test_a_state_chosen_by_held_out_samples_may_fit_the_others_badly():
    """Noise, which is over-fitted: the best epoch is an early one, its training loss high."""
    noise = np.random.default_rng(0).standard_normal(60)
    trainer = Trainer(learning_rate=1e-2, early_stopping=True, n_iter_no_change=1_000)
    fitted = encoder(trainer, atoms=["sinusoid", "sinusoid"], max_epochs=400).fit(X, noise)
    training = fitted.search_result_.trace[0].training
    assert training.kept.loss("held_out") == pytest.approx(training.held_out_curve.min())
    assert training.kept.loss("train") > 10 * training.curve.min()


@pytest.mark.parametrize("seed", range(20))
def test_rare_events_are_no_divergence(seed):
    """Batches with a spike have a loss far above those without: that is the signal."""
    rng = np.random.default_rng(seed)
    losses = np.zeros(4_000)
    losses[rng.choice(4_000, 8, replace=False)] = 1.0
    guard = Guard(Constant(), constant=losses.mean(), look=losses.mean, patience=4)
    for _ in range(100):
        windows = rng.permutation(losses).reshape(16, -1).mean(axis=1)
        assert all(guard.accepts(loss) for loss in windows)
        guard.end_stretch(np.array([windows.mean()]))
        assert guard.end_epoch(windows.mean())
    assert guard.n_returns == 0


def test_a_network_that_fell_back_to_a_constant_has_lost_its_fit():
    seen = iter([1.0, 0.9])
    guard = Guard(field := Constant(), constant=1.0, look=lambda: next(seen), patience=4)
    for losses in ([0.9, 0.6, 0.3], [0.1, 0.09, 0.08]):
        before = float(field.value.detach())
        assert all(guard.accepts(loss) for loss in losses)
        with torch.no_grad():
            field.value.sub_(0.1)
        guard.end_stretch(np.array([np.mean(losses)]))
    assert guard.accepts(0.2)
    assert not guard.accepts(0.95)
    assert guard.n_returns == 1
    assert guard.factor < 1
    assert guard.best_losses == pytest.approx(0.09)
    assert float(field.value.detach()) == before  # where the best stretch began


def crept(losses, patience=4):
    """Return a guard and its field after epochs of these losses, and what it said of each."""
    guard = Guard(field := Constant(), constant=1.0, look=lambda: 1.0, patience=patience)
    accepted = []
    for loss in losses:
        with torch.no_grad():
            field.value.sub_(0.1)
        guard.end_stretch(np.array([loss]))
        accepted.append(guard.end_epoch(loss))
    return guard, float(field.value.detach()), accepted


def test_a_loss_that_stays_above_its_best_is_taken_back_however_small():
    guard, value, accepted = crept([2e-5, 1e-5, *[1.6e-5] * 4])
    assert accepted == [True] * 5 + [False]
    assert guard.n_returns == 1
    assert value == pytest.approx(0.9)  # where the best stretch began


def test_a_network_taken_back_has_time_to_find_its_way():
    _, _, accepted = crept([2e-5, 1e-5, *[1.6e-5] * 8])
    assert np.flatnonzero(np.logical_not(accepted)).tolist() == [5, 9]


def test_that_losses_creep_up_is_no_reason_to_give_up():
    guard, *_ = crept([1e-5, *[1.6e-5] * 80])
    assert guard.n_returns == 20
    assert not guard.gave_up


@pytest.mark.parametrize(
    "losses", [[1e-5, *[1.6e-5] * 3, 1.4e-5, *[1.6e-5] * 3], [1e-5, *[1.4e-5] * 12]]
)
def test_epochs_that_differ_are_no_rise(losses):
    _, value, accepted = crept(losses)
    assert all(accepted)
    assert value == pytest.approx(1 - 0.1 * len(losses))


class Replayed(Constant):
    """A field whose loss against 0 is what a list says, step by step, and the last of it then."""

    def __init__(self, losses):
        super().__init__()
        self.losses, self.n_steps = losses, 0

    def forward(self, coords):
        values = super().forward(coords)
        if not torch.is_grad_enabled():
            return values
        loss = self.losses[min(self.n_steps, len(self.losses) - 1)]
        self.n_steps += 1
        return values - values.detach() + loss**0.5


@pytest.mark.parametrize(
    ("n_batches", "n_epochs", "returns_after"),
    [
        (16, 40, 20),  # four epochs
        (2, 200, 48),  # 64 steps
        (1, 200, None),  # losses of single batches rise and fall
        (16, 22, None),  # too late to recover
    ],
)
def test_steps_become_smaller_after_a_return(n_batches, n_epochs, returns_after, caplog):
    """The loss is half as large in the 16th epoch as before it and afterwards."""
    samples = Samples(*[torch.zeros(8 * n_batches, 1, dtype=torch.float64)] * 2)
    losses = [1.0] * 15 * n_batches + [0.5] * n_batches + [1.0]
    trainer = Trainer(batch_size=8, decay=1.0, cooldown=0.0, average=False)
    rates = []

    with caplog.at_level("INFO", logger="skmire"), single_thread():
        run = Run(trainer, Replayed(losses), samples, n_epochs, None, torch.Generator(), True)
        for epoch in range(min(n_epochs, 60)):
            run.epoch(epoch)
            rates.append(run.optimizer.param_groups[0]["lr"])
    first = np.flatnonzero(np.diff(rates))
    if returns_after is None:
        assert len(first) == 0
        assert not caplog.records
    else:
        assert first[0] + 1 == returns_after
        np.testing.assert_allclose(rates[returns_after], 0.3 * rates[0])
        assert f"The loss rose in epoch {returns_after};" in caplog.text


@pytest.mark.parametrize("seed", range(2))
def test_steps_that_are_too_large_for_the_end_become_smaller(seed):
    x = np.linspace(-1, 1, 512)[:, None]
    y = np.sin(40 * x[:, 0]) + 0.3 * np.sin(97 * x[:, 0] + 1)
    trainer, losses = Trainer(learning_rate=4e-3), []
    for patience in (4, 10**9):
        encoder = finer(trainer=trainer, hidden_width=32, max_epochs=40, random_state=seed)
        with patch.object(_run, "_PATIENCE", patience):
            (candidate,) = encoder.fit(x, y).search_result_.trace
        losses.append(candidate.training.kept.loss("train"))
    assert losses[0] < losses[1] / 100


def test_what_makes_no_optimiser_is_refused():
    with pytest.raises(TypeError, match=r"class of torch.optim's kind; .* made a dict"):
        encoder(Trainer(lambda parameters, lr: {})).fit(X, Y)
    with pytest.raises(ValueError, match='optimizer="lbfgs" gives it all of them'):
        encoder(Trainer(torch.optim.LBFGS)).fit(X, Y)
    with pytest.raises(ValueError, match="must not hold 'lr'"):
        encoder(Trainer(optimizer_options={"lr": 1.0})).fit(X, Y)


def test_the_average_lies_where_the_network_does():
    """A copy of a network comes back on the CPU; on an accelerator it has to be moved there."""
    network = LayerStack(
        [Gaussian()], in_features=1, out_features=1, hidden_width=4,
        generator=torch.Generator().manual_seed(0), dtype=torch.float32,
    )  # fmt: skip
    with patch.object(_averaged, "AveragedModel", wraps=_averaged.AveragedModel) as made:
        Averaged(network)
    assert made.call_args.args == (network, torch.device("cpu"))
