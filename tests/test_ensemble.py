"""Several networks of the sequence found, and their mean as the fit."""

import pickle
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from sklearn.exceptions import NotFittedError

from skmire import (
    EnsembleSearch,
    FixedSequence,
    LayerSearch,
    MIREncoder,
    OccupancyEncoder,
    RadianceEncoder,
    Trainer,
)
from skmire.atoms import ComplexGabor, Gaussian, Sinusoid
from skmire.display import SearchDisplay
from skmire.measurements import GradientValues
from skmire.networks import Architecture, MeanField, calculus_of, sweep_of
from skmire.search import BaseLayerSearch, _ensemble_search
from skmire.testing._search_setting import problem
from skmire.training._shares import groups_of

RNG = np.random.default_rng(0)
X, POINTS = RNG.uniform(-2, 2, (150, 2)), RNG.uniform(-2, 2, (400, 2))
PAIR = ["sinusoid", "gaussian"]


def wave(X):
    return np.sin(2 * X[:, 0]) * np.cos(X[:, 1] + 1)


Y = wave(X)


def fit(search, dictionary=PAIR, **options):
    plain = {"hidden_width": 16, "max_epochs": 12, "random_state": 0, "dtype": "float64"}
    return MIREncoder(dictionary, search, **plain | options).fit(X, Y)


@pytest.fixture(scope="module")
def fitted():
    return fit(EnsembleSearch(LayerSearch(2), 3))


@pytest.mark.parametrize("ask", [
    "predict", "gradient", "hessian", "laplacian", "field_at",
])  # fmt: skip
def test_every_answer_is_the_mean_of_those_of_its_networks(fitted, ask):
    each = [getattr(encoder, ask)(POINTS) for encoder in fitted.estimators_]
    assert np.ptp(each, axis=0).max() > 1e-6  # they do differ
    np.testing.assert_allclose(getattr(fitted, ask)(POINTS), np.mean(each, axis=0), atol=1e-12)


def test_its_gradient_is_that_of_its_values(fitted):
    step = 1e-5
    for axis, slope in enumerate(fitted.gradient(POINTS).T):
        shift = step * np.eye(2)[axis]
        across = fitted.predict(POINTS + shift) - fitted.predict(POINTS - shift)
        np.testing.assert_allclose(slope, across / (2 * step), atol=1e-6)


def test_its_squared_error_is_at_most_the_mean_of_theirs(fitted):
    errors = [
        np.mean((fitted.estimators_[i].predict(POINTS) - wave(POINTS)) ** 2) for i in range(3)
    ]
    assert np.mean((fitted.predict(POINTS) - wave(POINTS)) ** 2) < np.mean(errors)


@pytest.mark.parametrize("search", [
    LayerSearch(2), LayerSearch(2, mode="growth"), FixedSequence(["sinusoid", "gaussian"]),
], ids=repr)  # fmt: skip
def test_the_first_network_is_that_of_the_search_alone(search):
    many, one = fit(EnsembleSearch(search, 2)), fit(search)
    np.testing.assert_array_equal(many.estimators_[0].predict(POINTS), one.predict(POINTS))
    assert many.activations_ == one.activations_
    assert many.best_loss_ == one.best_loss_
    assert many.loss_curve_ == one.loss_curve_


def test_one_network_is_no_ensemble():
    np.testing.assert_array_equal(
        fit(EnsembleSearch(FixedSequence("gaussian", 2), 1)).predict(POINTS),
        fit(FixedSequence("gaussian", 2)).predict(POINTS),
    )


def test_more_networks_leave_those_before_as_they_are():
    two, three = (fit(EnsembleSearch(FixedSequence("gaussian", 2), n)) for n in (2, 3))
    for i in range(2):
        np.testing.assert_array_equal(
            two.estimators_[i].predict(POINTS), three.estimators_[i].predict(POINTS)
        )


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_the_result_does_not_depend_on_the_number_of_workers(fitted, n_jobs):
    other = fit(EnsembleSearch(LayerSearch(2), 3), n_jobs=n_jobs)
    np.testing.assert_array_equal(other.predict(POINTS), fitted.predict(POINTS))


def test_its_trace_has_a_row_for_every_network(fitted):
    table = fitted.search_results_
    (first,) = np.flatnonzero(table["chosen"])
    members = table["stage"] == "members"
    assert members.sum() == 2
    assert set(table["atom"][members]) == {table["atom"][first]}
    assert (table["epochs"][members] == table["epochs"][first]).all()
    assert len(set(table["seed"][members]) | {table["seed"][first]}) == 3


def test_atoms_that_are_kept_are_kept_in_all_networks():
    given = FixedSequence(["sinusoid", "gaussian"], train_atoms=False)
    for kept in fit(EnsembleSearch(given, 3)).network_.each:
        first = fit(given).network_
        assert kept.scales == pytest.approx(first.scales, rel=1e-12)


def trained_so(monkeypatch, change):
    """Have the trainings of the other networks changed as `change` says, by their number."""
    train = _ensemble_search.train_side_by_side

    def changed(*args, **kwargs):
        for i, (network, training) in enumerate(train(*args, **kwargs)):
            yield network, change(i, training)

    monkeypatch.setattr(_ensemble_search, "train_side_by_side", changed)


def worse(training, times, **changes):
    kept = training.kept
    return replace(training, kept=replace(kept, train=kept.train * times), **changes)


def test_networks_that_diverge_are_left_out(monkeypatch):
    trained_so(monkeypatch, lambda i, t: replace(t, outcome="diverged: so") if i else t)
    encoder = fit(EnsembleSearch(FixedSequence("gaussian", 2), 3))
    assert len(encoder.network_.each) == len(encoder.estimators_) == 2
    assert np.isnan(encoder.search_results_["loss"]).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("times", "cut_short", "n"), [(100, True, 2), (100, False, 3), (1, True, 3)]
)
def test_a_network_cut_short_is_left_out_where_it_is_much_worse(monkeypatch, times, cut_short, n):
    trained_so(monkeypatch, lambda i, t: worse(t, times, cut_short=cut_short) if i else t)
    assert len(fit(EnsembleSearch(FixedSequence("gaussian", 2), 3)).network_.each) == n


class Hasty(FixedSequence):
    """A search whose own network a time limit cut short."""

    def search(self, problem, trainer):
        result = super().search(problem, trainer)
        (row,) = result.trace
        row = replace(row, training=worse(row.training, 100, cut_short=True))
        return replace(result, trace=(row,))


@pytest.mark.parametrize("n", [2, 3])
def test_the_first_network_too_is_left_out_if_it_was_cut_short(n):
    encoder = fit(EnsembleSearch(Hasty("gaussian", 2), n))
    table = encoder.search_results_
    assert len(encoder.network_.each) == len(encoder.estimators_) == n - 1
    (leader,) = np.flatnonzero(table["chosen"])
    assert leader == 1 + np.argmin(table["loss"][1:])
    assert encoder.best_loss_ == table["loss"][leader]
    assert encoder.n_iter_ == len(encoder.loss_curve_) == 12
    error = np.mean((encoder.estimators_[0].predict(X) - Y) ** 2)
    assert encoder.estimators_[0].best_loss_ == pytest.approx(
        error / encoder.value_scaling_.half_range[0] ** 2
    )


@pytest.mark.parametrize(("search", "trainer", "planned"), [
    (FixedSequence("gaussian", 2), Trainer(early_stopping=True, n_iter_no_change=1, tol=0.9), 12),
    (LayerSearch(2, mode="growth"), None, 6),
    (LayerSearch(2, mode="growth", epochs=(3, 5)), None, 5),
    (Hasty("gaussian", 2), None, 12),
], ids=["early stopping", "growth", "epochs of its own", "cut short"])  # fmt: skip
def test_the_others_have_the_epochs_that_were_planned(monkeypatch, search, trainer, planned):
    train, asked = _ensemble_search.train_side_by_side, []

    def watched(*args, epochs, **kwargs):
        asked.append(epochs)
        return train(*args, epochs=epochs, **kwargs)

    monkeypatch.setattr(_ensemble_search, "train_side_by_side", watched)
    encoder = fit(EnsembleSearch(search, 2), trainer=trainer)
    assert asked == [planned]
    if trainer is not None:
        assert encoder.n_iter_ < planned


def test_with_noise_the_others_have_as_few_epochs_as_the_fit():
    noisy = Y + np.random.default_rng(1).normal(0, 2, len(Y))
    encoder = MIREncoder(
        PAIR, EnsembleSearch(LayerSearch(2), 3), hidden_width=32, max_epochs=60, random_state=0
    ).fit(X, noisy)
    table = encoder.search_results_
    assert "fewer epochs" in table["stage"]
    (first,) = np.flatnonzero(table["chosen"])
    assert (table["epochs"][table["stage"] == "members"] == table["epochs"][first]).all()
    assert encoder.n_iter_ < 60


def test_each_network_has_a_record_of_its_own(fitted):
    table = fitted.search_results_
    rows = [*np.flatnonzero(table["chosen"]), *np.flatnonzero(table["stage"] == "members")]
    for row, encoder in zip(rows, fitted.estimators_, strict=True):
        assert encoder.best_loss_ == table["loss"][row]
        assert encoder.n_iter_ == len(encoder.loss_curve_) == table["epochs"][row]
        last = list(encoder.staged_predict(POINTS))[-1]
        np.testing.assert_array_equal(last, encoder.predict(POINTS))
        np.testing.assert_array_equal(
            encoder.search_result_.path[-1].training.curve.mean(axis=1), encoder.loss_curve_
        )
    alone = len(pickle.dumps(fitted.estimators_[1]))
    assert alone < 0.6 * len(pickle.dumps(fitted))


def test_the_stages_of_a_growth_lead_to_each_network():
    encoder = fit(EnsembleSearch(LayerSearch(2, mode="growth"), 3))
    before, _ = encoder.staged_predict(POINTS)
    for member in encoder.estimators_:
        first, last = member.staged_predict(POINTS)
        np.testing.assert_array_equal(first, before)
        np.testing.assert_array_equal(last, member.predict(POINTS))
        assert member.n_iter_ == len(member.loss_curve_) == 12


def test_after_further_training_each_has_epochs_of_its_own(monkeypatch):
    trained_so(monkeypatch, lambda i, t: replace(t, curve=t.curve[:5]) if i else t)
    encoder = fit(EnsembleSearch(FixedSequence("gaussian", 2), 3)).partial_fit(X, Y)
    assert [member.n_iter_ for member in encoder.estimators_] == [13, 13, 6]
    assert [len(member.loss_curve_) for member in encoder.estimators_] == [13, 13, 6]


def test_after_further_training_each_has_the_networks_it_led_to(fitted):
    encoder = pickle.loads(pickle.dumps(fitted)).partial_fit(X, Y)
    assert encoder.n_iter_ == 13
    each = [member.predict(POINTS) for member in encoder.estimators_]
    np.testing.assert_allclose(encoder.predict(POINTS), np.mean(each, axis=0), atol=1e-12)
    assert {member.n_iter_ for member in encoder.estimators_} == {13}


def test_a_constant_that_is_not_told_is_settled_for_each_network():
    slopes = np.stack([2 * np.cos(2 * X[:, 0]), np.zeros(len(X))], axis=1)
    encoder = MIREncoder(
        PAIR, EnsembleSearch(FixedSequence("gaussian", 2), 3), measurement=GradientValues(),
        hidden_width=16, max_epochs=12, random_state=0, dtype="float64",
    ).fit(X, slopes)  # fmt: skip
    for part in (encoder, *encoder.estimators_):
        assert part.field_at(X).mean() == pytest.approx(0, abs=1e-12)
    each = [part.field_at(POINTS) for part in encoder.estimators_]
    np.testing.assert_allclose(encoder.field_at(POINTS), np.mean(each, axis=0), atol=1e-12)


@pytest.mark.parametrize("inner", [FixedSequence("gaussian", 2), LayerSearch(2, mode="growth")])
def test_a_picture_of_the_search_is_that_of_the_search_alone(inner):
    axes = [SearchDisplay.from_estimator(fit(s)).ax_ for s in (inner, EnsembleSearch(inner, 3))]
    one, many = ([line.get_xydata().tolist() for line in ax.lines] for ax in axes)
    assert many == one
    plt.close("all")


@pytest.mark.parametrize("selection", ["train", "held_out"])
def test_a_picture_of_rounds_has_the_others_beside_the_path(selection):
    fitted = fit(EnsembleSearch(LayerSearch(2, selection=selection), 3))
    ax = SearchDisplay.from_estimator(fitted).ax_
    said = [text.get_text() for text in ax.texts]
    assert any(text.startswith("members") for text in said)
    assert not any(text.startswith("further training") for text in said)
    (path,) = [line for line in ax.lines if len(line.get_xdata()) > 1 and line.get_lw() == 1.5]
    n_members = sum(c.stage == "members" for c in fitted.search_result_.trace)
    assert max(path.get_ydata()) < len(ax.get_yticklabels()) - n_members
    plt.close("all")


class Slowed(FixedSequence):
    """A sequence found to be better at a quarter of its rates."""

    def search(self, problem, trainer):
        result = super().search(problem, trainer)
        for atom in result.network.sequence:
            atom.step_rate *= 0.25
        return result


@pytest.mark.parametrize("atom", ["sinusoid", "relu"])
def test_step_rates_are_those_of_the_network_found(atom):
    first, second = fit(EnsembleSearch(Slowed(atom, 2), 2)).network_.each
    rates = [atom.step_rate for atom in first.sequence]
    assert [atom.step_rate for atom in second.sequence] == rates


class Told(BaseLayerSearch):
    """A fixed sequence that keeps what it was asked, and says how axes were stretched."""

    depth = 1

    def __init__(self, stretch=()):
        self.stretch = stretch

    def search(self, problem, trainer):
        self.asked = problem
        result = FixedSequence("gaussian", 1).search(problem, trainer)
        (row,) = result.trace
        return replace(result, trace=(replace(row, stretch=self.stretch),))


@pytest.mark.parametrize(
    ("stretch", "even"), [((), False), ((2.0, 0.5), False), ((1.0, 1.0), True)]
)
def test_axes_are_stretched_as_those_of_the_network_found(monkeypatch, stretch, even):
    train, seen = _ensemble_search.train_side_by_side, []

    def watched(problem, *args, **kwargs):
        seen.append(problem.stretch.tolist())
        return train(problem, *args, **kwargs)

    monkeypatch.setattr(_ensemble_search, "train_side_by_side", watched)
    setting = problem(bandwidth=np.array([40.0, 4.0]))
    inputs = setting.samples.inputs
    samples = replace(setting.samples, inputs=torch.cat([inputs, inputs], dim=1))
    EnsembleSearch(Told(stretch), 2).search(replace(setting, samples=samples), Trainer())
    assert (np.ptp(seen) == 0) == even


@pytest.mark.parametrize(("n", "share"), [(1, 1.0), (2, 1 / 1.75), (4, 1 / 3.25)])
def test_a_time_limit_is_shared_out_between_the_search_and_the_others(n, share):
    finder, begun = Told(), time.monotonic()
    EnsembleSearch(finder, n).search(problem(deadline=begun + 1e6), Trainer())
    assert finder.asked.deadline - begun == pytest.approx(share * 1e6, abs=10)


def test_a_fit_goes_on_where_it_was(fitted):
    encoder = pickle.loads(pickle.dumps(fitted))
    before = np.mean((encoder.predict(X) - Y) ** 2)
    for _ in range(20):
        encoder.partial_fit(X, Y)
    assert np.mean((encoder.predict(X) - Y) ** 2) < 0.8 * before
    assert len(encoder.network_.each) == 3


def test_a_fit_cannot_go_on_with_another_number_of_networks(fitted):
    encoder = pickle.loads(pickle.dumps(fitted)).set_params(search__n_networks=4)
    with pytest.raises(ValueError, match="the number of networks cannot change: it was 3 and is"):
        encoder.partial_fit(X, Y)


def test_a_fit_cannot_go_on_with_another_search_inside():
    encoder = fit(EnsembleSearch(FixedSequence("gaussian", 2), 2))
    with pytest.raises(ValueError, match="the sequence cannot change: it was 'gaussian' and is"):
        encoder.set_params(search__layer_search__atoms="sinusoid").partial_fit(X, Y)
    alone = pickle.loads(pickle.dumps(encoder)).set_params(search=FixedSequence("gaussian", 2))
    with pytest.raises(ValueError, match="the number of networks cannot change: it was 2 and is"):
        alone.partial_fit(X, Y)
    one = fit(FixedSequence("gaussian", 2))
    one.set_params(search=EnsembleSearch(FixedSequence("gaussian", 2), 1)).partial_fit(X, Y)
    inner = LayerSearch(2)
    with pytest.raises(ValueError, match="the kind of search cannot change"):
        encoder.set_params(search__layer_search=inner).partial_fit(X, Y)


def test_complex_atoms_and_several_outputs():
    values = np.stack([Y, 2 * Y + 1], axis=1)
    encoder = MIREncoder(
        search=EnsembleSearch(FixedSequence("complex_gabor", 2), 2), hidden_width=8, max_epochs=4,
        random_state=0, dtype="float64",
    ).fit(X, values)  # fmt: skip
    each = [member.predict(POINTS) for member in encoder.estimators_]
    np.testing.assert_allclose(encoder.predict(POINTS), np.mean(each, axis=0), atol=1e-12)
    assert encoder.transform(POINTS).shape == (400, 2 * 2 * 8)
    field = encoder.to_torch()
    inside = field(torch.tensor(POINTS)).detach().numpy()
    np.testing.assert_allclose(inside, encoder.predict(POINTS), atol=1e-10)


def test_each_network_answers_alone():
    encoder = fit(EnsembleSearch(FixedSequence("gaussian", 2), 2))
    before = encoder.predict(POINTS)
    _, second = encoder.estimators_
    second.partial_fit(X, Y)
    np.testing.assert_array_equal(encoder.predict(POINTS), before)
    (lone,) = second.estimators_
    assert lone is second
    with pytest.raises(NotFittedError):
        _ = MIREncoder().estimators_


def test_the_fit_is_linear_in_its_features(fitted):
    design = np.column_stack([fitted.transform(POINTS), np.ones(len(POINTS))])
    found = fitted.predict(POINTS)
    weights = np.linalg.lstsq(design, found, rcond=None)[0]
    np.testing.assert_allclose(design @ weights, found, atol=1e-8)


def test_shapes_scenes_and_measurements_take_it():
    search, plain = EnsembleSearch(FixedSequence("gaussian", 2), 2), {"hidden_width": 8}
    plain |= {"max_epochs": 2, "random_state": 0}
    shape = OccupancyEncoder(search=search, **plain).fit(X, Y > 0)
    assert shape.predict_proba(POINTS).shape == (400, 2)
    slopes = MIREncoder(search=search, measurement=GradientValues(), **plain)
    assert slopes.fit(X, np.stack([Y, Y], axis=1)).predict(POINTS).shape == (400, 2)
    origins = np.where(np.arange(150)[:, None] % 2, [0.0, 0.0, -3.0], [-3.0, 0.0, 0.0])
    rays = np.column_stack([origins, RNG.uniform(-0.3, 0.3, (150, 3)) - origins])
    scene = RadianceEncoder(search=search, **plain).fit(rays, RNG.uniform(size=(150, 3)))
    assert scene.predict(rays[:5]).shape == (5, 3)


@pytest.mark.parametrize(
    "wrong", [{"n_networks": 0}, {"n_networks": 1.5}, {"layer_search": "beam"}]
)
def test_wrong_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=f"The '{next(iter(wrong))}' parameter of EnsembleSearch"):
        fit(EnsembleSearch(**wrong))


# -- the field -------------------------------------------------------------------------------------


def members(n, dtype=torch.float64):
    return [
        Architecture().build(
            [Sinusoid(frequency=3.0), Gaussian(scale=1.5)], in_features=2, out_features=2,
            hidden_width=6, generator=torch.Generator().manual_seed(i), dtype=dtype,
        )
        for i in range(n)
    ]  # fmt: skip


@pytest.mark.parametrize("block", [16, 1_024])
def test_sweeps_agree_with_autograd(monkeypatch, block):
    monkeypatch.setattr("skmire.networks._sweep._BLOCK", block)
    complex_one = Architecture().build(
        [ComplexGabor(), ComplexGabor()], in_features=2, out_features=2, hidden_width=6,
        generator=torch.Generator().manual_seed(7), dtype=torch.float64,
    )  # fmt: skip
    field, inputs = MeanField([*members(2), complex_one]), torch.rand(50, 2).double()
    sweep = sweep_of(field)
    torch.testing.assert_close(sweep.values(inputs), field(inputs).detach())
    field(inputs).square().sum().backward()
    wanted = [p.grad.clone() for p in field.parameters()]
    sweep(inputs, lambda values, rows: 2 * values)
    for parameter, gradient in zip(field.parameters(), wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


@pytest.mark.parametrize("apart", [False, True])
def test_steps_of_each_network_are_those_it_takes_alone(apart):
    field = MeanField(members(3))

    def told(network):
        groups = groups_of(network, 1e-3, hidden_apart=apart)
        return {p: (g["share"], g["hidden"]) for g in groups for p in g["params"]}

    together = told(field)
    for network in field.each:
        assert {p: together[p] for p in network.parameters()} == told(network)


def test_derivatives_are_the_means_of_the_members():
    parts = members(2)
    inputs, directions = torch.rand(9, 2).double(), torch.eye(2).double()
    wanted = [(), (0,), (0, 1), (-1, -1), (0, 0, 1)]
    each = [calculus_of(part)(inputs, directions, wanted) for part in parts]
    found = calculus_of(MeanField(parts))(inputs, directions, wanted)
    torch.testing.assert_close(found, (each[0] + each[1]) / 2)


def test_its_last_map_is_that_of_its_features():
    field, inputs = MeanField(members(3)), torch.rand(9, 2).double()
    torch.testing.assert_close(field.output(field.hidden(inputs)), field(inputs))
    assert field.n_parameters == 3 * field.each[0].n_parameters
