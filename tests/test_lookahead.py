"""The look-ahead: sequences of full depth, judged between the samples."""

import copy
import pickle
import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree
from sklearn.utils._param_validation import InvalidParameterError

from skmire import (
    ActivationDictionary,
    Architecture,
    FixedSequence,
    LayerSearch,
    MIREncoder,
    Trainer,
)
from skmire.atoms import Atom, FunctionAtom, Gaussian, Sinusoid, make_atom
from skmire.atoms._propagation import input_spread
from skmire.networks import PositionalEncoding
from skmire.search import (
    BayesSearch,
    BeamSearch,
    DivergenceError,
    HalvingSearch,
    ProjectionSearch,
    SearchProblem,
    _contest,
    _forecast,
)
from skmire.search._copies import copy_of, to_be_judged_on
from skmire.search._side_by_side import n_turns, train_side_by_side
from skmire.training import Evaluation, Training

X = np.linspace(-1, 1, 100)[:, None]
Y = np.sin(9 * X[:, 0]) + 0.3 * X[:, 0]
FOUR = ["relu", "gaussian", "sinusoid", "sinc"]


def fit(dictionary=FOUR, search=None, trainer=None, data=(X, Y), **options):
    options = {"hidden_width": 16, "max_epochs": 12, "random_state": 0, **options}
    search = LayerSearch(2) if search is None else search
    return MIREncoder(dictionary, search, trainer, dtype="float64", **options).fit(*data)


@cache
def searched(n_layers=3, init="matched", selection="auto"):
    search = LayerSearch(n_layers, selection=selection)
    return fit(ActivationDictionary(FOUR, init=init), search)


def stages(fitted):
    """Return the candidates by round, in the order of the rounds."""
    rounds = {}
    for candidate in fitted.search_result_.trace:
        rounds.setdefault(candidate.stage, []).append(candidate)
    return rounds


def is_single(candidate):
    return len(set(candidate.atom.split("-"))) == 1


def runaway(z):
    return z * float("nan")


# -- the rounds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_layers", [1, 2, 3, 4])
def test_the_rounds_are_layers_and_scales_and_then_finalists_and_the_fit(n_layers):
    deeper = [f"layer {layer}" for layer in range(2, n_layers + 1)]
    rates = ["rates"] if n_layers > 1 else []  # those of hidden layers
    assert list(stages(searched(n_layers))) == [
        "layer 1", "scales", *rates, *deeper, "finalists", "fit",
    ]  # fmt: skip


def test_first_every_atom_stands_alone_in_all_layers():
    assert [c.atom for c in stages(searched())["layer 1"]] == ["-".join([a] * 3) for a in FOUR]


def test_every_network_has_full_depth():
    assert {c.layer for c in searched().search_result_.trace} == {3}
    assert {len(c.scales) for c in searched().search_result_.trace} == {3}


def test_a_layer_is_decided_by_what_stands_in_it_and_all_after_it():
    rounds = stages(searched())
    before = [*rounds["layer 1"], *rounds["scales"]]
    for layer in (2, 3):
        best = min(before, key=lambda c: c.loss).atom.split("-")
        for candidate in rounds[f"layer {layer}"]:
            sequence = candidate.atom.split("-")
            assert sequence[: layer - 1] == best[: layer - 1]
            assert len(set(sequence[layer - 1 :])) == 1
        before += rounds[f"layer {layer}"]


def test_no_network_is_trained_twice_in_the_rounds():
    for n_layers in (1, 2, 3, 4):
        rounds = stages(searched(n_layers))
        cheap = [
            (c.atom, c.scales, c.factors)
            for name, candidates in rounds.items()
            if name not in ("finalists", "fit")
            for c in candidates
        ]
        assert len(set(cheap)) == len(cheap)
        finalists = [(c.atom, c.scales, c.factors) for c in rounds["finalists"]]
        assert len(set(finalists)) == len(finalists) <= 5
        assert len(set(finalists) - set(cheap)) <= 2  # the leader at half its scale, and rate


def test_rounds_are_cheap_and_finalists_train_in_full():
    table = fit(max_epochs=60).search_results_
    whole = np.isin(table["stage"], ["finalists", "fit"])
    assert set(table["epochs"][whole]) == {60}
    assert set(table["epochs"][~whole]) == {10}


def test_all_networks_of_all_rounds_share_their_seed():
    assert len(set(searched().search_results_["seed"].tolist())) == 1


def test_few_epochs_still_give_every_network_one():
    assert fit(max_epochs=1).search_results_["epochs"].min() == 1


# -- samples held out ----------------------------------------------------------------------------


def test_a_fifth_is_held_out_until_the_sequence_is_found():
    for candidate in searched().search_result_.trace:
        if candidate.stage == "fit":
            assert candidate.n_samples == 100
            assert candidate.training.kept.held_out is None
        else:
            assert candidate.n_samples == 80
            assert candidate.loss == candidate.training.kept.loss("both")
            assert candidate.loss != candidate.training.kept.loss("train")


def test_the_fit_is_what_is_returned_and_all_that_is_chosen():
    fitted = searched()
    result = fitted.search_result_
    (last,) = result.path
    assert last is result.trace[-1]
    assert last.atom == "-".join(fitted.activations_)
    assert result.networks == (fitted.network_,)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == last.epochs == 12
    assert fitted.best_loss_ == last.loss
    inputs = fitted.value_scaling_.scale(fitted.predict(X)[:, None])
    targets = fitted.value_scaling_.scale(Y[:, None])
    assert last.loss == pytest.approx(np.mean((inputs - targets) ** 2), rel=1e-6)


@pytest.mark.parametrize("n_layers", [2, 3])
@pytest.mark.parametrize("selection", ["held_out", "train"])
def test_the_finalists_are_the_best_two_of_different_atoms_the_best_single_one_and_gentler_leaders(
    selection, n_layers
):
    rounds = stages(searched(n_layers, selection=selection))
    finalists = [(c.atom, c.factors) for c in rounds.pop("finalists")]
    rounds.pop("fit", None)
    cheap = sorted((c for candidates in rounds.values() for c in candidates), key=lambda c: c.loss)
    other = next(c for c in cheap if c.atom != cheap[0].atom)
    single = next(c for c in cheap if is_single(c))
    wanted = [(c.atom, c.factors) for c in (cheap[0], other, single)]
    first, hidden, rate = cheap[0].factors
    if selection == "held_out":
        wanted.append((cheap[0].atom, (first / 2, hidden, rate)))
        wanted.append((cheap[0].atom, (first, hidden, rate / 2)))
    assert finalists == list(dict.fromkeys(wanted))


def test_the_rates_found_are_those_of_the_network_and_go_where_it_goes():
    fitted = searched(2, selection="train")
    last = fitted.search_result_.path[-1]
    rates = [a.step_rate for a in fitted.network_.sequence]
    usual = [make_atom(name).matched_step_rate for name in fitted.activations_]
    assert rates == [last.factors[2] * rate for rate in usual]
    assert rates != usual  # or this tests nothing
    again = FixedSequence.from_result(fitted.search_result_)
    for other in (
        fit(search=again, max_epochs=2),
        pickle.loads(pickle.dumps(fitted)),
        copy.deepcopy(fitted).partial_fit(X, Y),
    ):
        assert [a.step_rate for a in other.network_.sequence] == rates
    assert fitted.search_results_["factors"][-1].split() == [f"{f:.4g}" for f in last.factors]


def test_with_matched_scales_a_step_rate_is_the_atoms_own_unless_its_scale_is_fixed():
    for atom, rate in ((Sinusoid(), 2.0), (Sinusoid(frequency=3.0), 1.0), (Gaussian(), 1.0)):
        for init, found in (("matched", rate), ("base", 1.0), (9.0, 1.0)):
            fitted = fit(ActivationDictionary([atom], init=init), FixedSequence(atom, 2))
            assert [a.step_rate for a in fitted.network_.sequence] == [found] * 2
            refitted = fit(search=FixedSequence(list(fitted.network_.sequence)))
            expected = atom.matched_step_rate if not atom.start else 1.0
            assert {a.step_rate for a in refitted.network_.sequence} == {expected}


@pytest.mark.parametrize("optimizer", ["lbfgs", torch.optim.NAdam])
def test_rates_that_change_nothing_are_not_tried(optimizer):
    rounds = stages(fit(trainer=Trainer(optimizer), max_epochs=4))
    assert "rates" not in rounds
    assert {c.factors[2] for cs in rounds.values() for c in cs} == {1.0}


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_networks_that_are_compared_have_equal_time(monkeypatch, n_jobs):
    shares = {}

    def train(problem, trainer, plans, *, epochs, seconds, **kwargs):
        turns = n_turns(problem, len(plans))
        shares.setdefault(epochs, []).append(seconds / turns)
        return train_side_by_side(problem, trainer, plans, epochs=epochs, seconds=None, **kwargs)

    monkeypatch.setattr(_contest, "train_side_by_side", train)
    monkeypatch.setattr(_contest, "_ENOUGH", 0)
    fit(time_limit=1e4, max_epochs=12, n_jobs=n_jobs)
    cheap = shares[2]
    assert len(cheap) > 4
    assert cheap == pytest.approx([cheap[0]] * len(cheap), rel=0.01)
    assert shares[12][-1] > 10 * cheap[0]  # that of the fit


def test_the_fit_is_the_best_finalist():
    rounds = stages(searched())
    best = min(rounds["finalists"], key=lambda c: c.loss)
    (last,) = rounds["fit"]
    assert (last.atom, last.factors) == (best.atom, best.factors)


@pytest.mark.parametrize("seed", range(3))
def test_the_sequence_found_is_no_worse_than_the_best_single_atom(seed):
    rounds = stages(fit(random_state=seed))
    (last,) = rounds["fit"]
    found = next(c for c in rounds["finalists"] if (c.atom, c.factors) == (last.atom, last.factors))
    assert found.loss <= min(c.loss for c in rounds["finalists"] if is_single(c))


@pytest.mark.parametrize(("n", "kept"), [(2, 2), (5, 5), (19, 19), (20, 16), (25, 20)])
def test_few_samples_are_judged_by_themselves(n, kept):
    fitted = fit(data=(X[:n], Y[:n]))
    rounds = stages(fitted)
    assert {c.n_samples for c in rounds["layer 1"]} == {kept}
    assert rounds.get("fit", rounds["finalists"])[-1].n_samples == n
    assert ("fit" in rounds) == (kept < n)
    assert np.isfinite(fitted.predict(X)).all()


BLIND = {
    "lookahead": LayerSearch(2),
    "both": LayerSearch(2, selection="both"),
    "beam": BeamSearch(2, 2),
    "halving": HalvingSearch(2, 4),
    "projection": ProjectionSearch(2, 20, 2),
    "bayes": BayesSearch(2, 6),
}


@pytest.mark.parametrize("name", BLIND)
def test_too_few_samples_to_hold_some_out_try_no_other_scales_and_rates(name):
    few = fit(search=BLIND[name], data=(X[::6], Y[::6]), max_epochs=6).search_result_.trace
    assert {c.factors for c in few} == {(1.0, 1.0, 1.0)}
    assert {c.judge for c in few} == {"train"}
    enough = fit(search=BLIND[name], data=(X[::4], Y[::4]), max_epochs=6).search_result_.trace
    assert {c.factors for c in enough} != {(1.0, 1.0, 1.0)}
    assert "train" not in {c.judge for c in enough}


def test_the_samples_alone_try_other_scales_and_rates_where_they_are_asked_for():
    search = LayerSearch(2, selection="train")
    rounds = stages(fit(search=search, data=(X[::6], Y[::6]), max_epochs=6))
    assert {"scales", "rates"} <= rounds.keys()


def test_few_samples_are_not_fitted_by_what_swings_between_them():
    def wave(x):
        return np.sin(3 * x[:, 0]) + 0.3 * np.cos(5 * x[:, 0])

    few = np.sort(np.random.default_rng(1).uniform(-1, 1, 18))[:, None]
    between = np.linspace(few.min(), few.max(), 200)[:, None]
    fitted = MIREncoder(hidden_width=64, max_epochs=300, random_state=0).fit(few, wave(few))
    assert np.sqrt(np.mean((fitted.predict(between) - wave(between)) ** 2)) < 0.25


def test_repeated_samples_count_as_one_of_the_few():
    few = stages(fit(data=(np.repeat(X[:19], 5, axis=0), np.repeat(Y[:19], 5))))
    assert "fit" not in few


@pytest.mark.parametrize("n", [30, 19])
def test_weights_are_repeated_rows(n):
    counts = np.random.default_rng(0).integers(1, 4, n)
    trainer = Trainer(batch_size=1000)
    order = np.random.default_rng(1).permutation(counts.sum())
    repeated = fit(
        trainer=trainer, data=(X[:n].repeat(counts, axis=0)[order], Y[:n].repeat(counts)[order])
    )
    weighted = fit(trainer=trainer, data=(X[:n], Y[:n], counts.astype(float)))
    assert weighted.activations_ == repeated.activations_
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-6)


def test_a_trainer_that_stops_early_judges_by_the_samples_it_holds_out():
    rounds = stages(fit(trainer=Trainer(early_stopping=True, validation_fraction=0.3)))
    assert "fit" not in rounds
    assert {c.n_samples for candidates in rounds.values() for c in candidates} == {70}
    (chosen,) = (c for c in rounds["finalists"] if c.chosen)
    assert chosen.loss == min(c.loss for c in rounds["finalists"])
    assert chosen.loss == chosen.training.kept.loss("both")


def test_held_out_samples_count_by_their_weight():
    # Half of the samples say the opposite, and next to nothing.
    against = np.random.default_rng(0).uniform(size=len(X)) < 0.5
    values, weights = np.where(against, -Y, Y), np.where(against, 1e-9, 1.0)
    model = MIREncoder(FOUR, LayerSearch(2), hidden_width=32, max_epochs=60, random_state=0)
    for candidate in stages(model.fit(X, values, weights))["finalists"]:
        assert candidate.loss < 0.05
    assert np.mean((model.predict(X) - Y) ** 2) < 0.05 * np.var(Y)


# -- selection by the samples themselves ---------------------------------------------------------


def test_selection_by_the_training_samples_returns_a_finalist_as_it_is():
    fitted = searched(selection="train")
    rounds = stages(fitted)
    assert list(rounds)[-1] == "finalists"
    assert {c.n_samples for c in rounds["finalists"]} == {100}
    (chosen,) = fitted.search_result_.path
    assert chosen is min(rounds["finalists"], key=lambda c: c.loss)
    assert chosen.loss == fitted.best_loss_ == chosen.training.kept.loss("train")


def test_selection_by_the_training_samples_starts_from_a_larger_scale_and_rate():
    for first, other in zip(
        stages(searched(selection="train"))["layer 1"], stages(searched())["layer 1"], strict=True
    ):
        assert (first.factors, other.factors) == ((2.0, 1.0, 2.0), (1.0, 1.0, 1.0))
        # By how much the spread of what enters an atom differs: behind a scale that is larger
        # atoms hand on another amount, and the next scale makes up for that.
        spreads = [
            [s * input_spread(started[:i]) for i, s in enumerate(c.scales)]
            for c in (first, other)
            for started in [[atom.fresh(atom.at_scale(s)) for atom, s in zip(
                map(make_atom, c.atom.split("-")), c.scales, strict=True)]]
        ]  # fmt: skip
        factors = np.divide(*spreads).tolist()
        assert factors == pytest.approx([1] * 3 if "relu" in first.atom else [2, 1, 1], rel=1e-5)


def test_selection_by_the_training_samples_finds_noise_worth_memorising():
    rng = np.random.default_rng(0)
    noisy = Y + rng.normal(scale=0.5, size=Y.shape)
    by_train, by_held_out = (
        fit(search=LayerSearch(2, selection=selection), data=(X, noisy), max_epochs=60)
        for selection in ("train", "held_out")
    )
    assert by_train.best_loss_ < by_held_out.best_loss_


# -- scales --------------------------------------------------------------------------------------


def test_the_best_atoms_are_tried_at_half_and_twice_their_scale():
    rounds = stages(searched())
    starts = {c.atom: c.scales[0] for c in rounds["layer 1"]}
    ranked = sorted(rounds["layer 1"], key=lambda c: c.loss)
    stretching = [c.atom for c in ranked if not c.atom.startswith("relu")]
    tried = [(c.atom, c.scales[0] / starts[c.atom]) for c in rounds["scales"]]
    assert tried[:6] == [(atom, by) for atom in stretching for by in (0.5, 2.0)]


def test_hidden_scales_are_climbed_too():
    x = np.linspace(-1, 1, 400)[:, None]
    y = np.sin(25 * x[:, 0])
    small = ActivationDictionary(["sinusoid"], init=(20.0, 0.5))
    fitted = fit(small, data=(x, y), max_epochs=60, hidden_width=32)
    hidden = [c.scales[1] for c in stages(fitted)["scales"]]
    assert hidden[3:5] == pytest.approx([0.5 / 1.5, 0.75])  # beside twice the first scale
    assert max(hidden) >= 0.5 * 1.5**2  # and on while that is better
    assert fitted.search_result_.path[-1].scales[1] > 0.5


def test_a_scale_that_is_far_too_small_is_climbed_out_of():
    x = np.linspace(-1, 1, 400)[:, None]
    y = np.sin(25 * x[:, 0])
    small = ActivationDictionary(["sinusoid"], init=(4.0, 3.0))
    fitted = fit(small, data=(x, y), max_epochs=60, hidden_width=32)
    scales = [c.scales[0] for c in stages(fitted)["scales"]]
    assert scales[:3] == [2.0, 8.0, 16.0]  # twice, and on while that is better
    assert fitted.search_result_.path[-1].scales[0] > 4.0


@pytest.mark.parametrize("init", [("uniform", 1, 9), ("normal", 5, 1)])
def test_parameters_that_are_drawn_are_tried_at_no_other_scale(init):
    fitted = searched(init=init)
    assert "scales" not in stages(fitted)
    assert list(stages(fitted))[-2:] == ["finalists", "fit"]


@pytest.mark.parametrize("init", ["base", "unit", 3.0, (4.0, 2.0)])
def test_every_other_start_is_tried_at_other_scales(init):
    assert len(stages(searched(init=init))["scales"]) >= 6


def test_a_scale_that_the_user_fixed_stays_even_if_it_leads():
    dictionary = [Sinusoid(frequency=9.0), "relu", "gaussian"]
    rounds = stages(fit(dictionary, max_epochs=60))
    assert min(rounds["layer 1"], key=lambda c: c.loss).atom.startswith("sinusoid")
    assert {c.atom for c in rounds["scales"]} == {"gaussian-gaussian"}
    everywhere = [c for candidates in rounds.values() for c in candidates]
    starts = {c.scales[0] for c in everywhere if c.atom.startswith("sinusoid")}
    assert starts == {9.0}


def test_atoms_without_a_scale_are_never_tried_at_another():
    rounds = stages(fit(["relu", torch.tanh]))
    assert list(rounds) == ["layer 1", "rates", "layer 2", "finalists", "fit"]


# -- divergence ----------------------------------------------------------------------------------


def test_an_atom_that_diverges_is_recorded_and_not_tried_again():
    fitted = fit([FunctionAtom(runaway), "gaussian", "sinusoid"], LayerSearch(3))
    bad = [c for c in fitted.search_result_.trace if "runaway" in c.atom]
    assert [c.stage for c in bad] == ["layer 1"]
    assert np.isnan(bad[0].loss)
    assert bad[0].training.outcome.startswith("diverged")
    assert not bad[0].chosen
    assert np.isfinite(fitted.predict(X)).all()


def test_that_all_diverge_is_an_error_that_says_what_to_do():
    with pytest.raises(
        DivergenceError, match=r"round 'layer 1' diverged \(runaway.*Lower the trainer's learning"
    ):
        fit([FunctionAtom(runaway)])


class Picky(Atom):
    """A bell that is not a number for scales out of a range, nor for too many rows."""

    name = "picky"
    base = {"scale": 1.0}  # noqa: RUF012 - as the docstring of Atom has it

    def __init__(self, *, scale=None, least=0.0, most=1e9, rows=10_000):
        super().__init__(scale=scale)
        self.least, self.most, self.rows = least, most, rows

    def forward(self, z):
        works = self.least < self.values()["scale"] < self.most and len(z) <= self.rows
        return torch.exp(-((self.scale * z) ** 2)) * (1.0 if works else float("nan"))


def test_scales_that_all_diverge_are_passed_over():
    fitted = fit(ActivationDictionary([Picky(least=2, most=4)], init=3.0))
    rounds = stages(fitted)
    assert [c.scales for c in rounds["scales"]] == [(1.5, 3.0), (6.0, 3.0), (3.0, 2.0), (3.0, 4.5)]
    assert np.isnan([c.loss for c in rounds["scales"]]).all()
    assert fitted.search_result_.path[-1].scales == (3.0, 3.0)


def test_a_winner_that_diverges_on_all_samples_gives_way_to_the_next():
    # In one batch: 80 rows while a fifth is held out, and 100 in the end.
    trainer = Trainer(batch_size=1000, learning_rate=1e-2)
    fitted = fit([Picky(scale=6.0, rows=90), "relu"], LayerSearch(1), trainer, max_epochs=60)
    rounds = stages(fitted)
    best = min(rounds["finalists"], key=lambda c: c.loss)
    assert "picky" in best.atom  # or this tests nothing
    *lost, last = rounds["fit"]
    assert lost[0].atom == best.atom
    assert np.isnan([c.loss for c in lost]).all()
    assert last.chosen
    assert last.n_samples == 100
    assert fitted.activations_ == [last.atom] == ["relu"]


def test_that_every_finalist_diverges_on_all_samples_is_an_error():
    with pytest.raises(DivergenceError, match="round 'fit' diverged"):
        fit([Picky(rows=90, scale=4.0)], LayerSearch(2), Trainer(batch_size=1000))


# -- how long the fit trains ---------------------------------------------------------------------


def test_the_fit_takes_as_many_epochs_as_ended_best():
    """Noise is learnt late: of many epochs, few are worth it where there is much of it."""
    rng = np.random.default_rng(0)
    options = {"max_epochs": 200, "hidden_width": 64}
    options["trainer"] = Trainer(average=True)  # whose losses do not waver from epoch to epoch
    for noise, few in ((0.0, False), (1.0, True)):
        fitted = fit(["sinusoid"], data=(X, Y + noise * rng.standard_normal(len(X))), **options)
        rounds = stages(fitted)
        best = min(rounds["finalists"], key=lambda c: c.loss)
        fewer = rounds.get("fewer epochs", [])
        assert bool(fewer) == few
        assert [c.atom for c in fewer] == [best.atom] * len(fewer)
        assert [c.effective_epochs for c in fewer] == [80, 33][: len(fewer)]
        ends = {c.effective_epochs: c.training.held_out_curve[-1] for c in (best, *fewer)}
        assert fitted.n_iter_ == min(ends, key=ends.get)


def test_a_training_that_gave_up_says_nothing_of_its_end():
    kept, last = (Evaluation(np.ones(1), np.full(1, held_out)) for held_out in (1.0, 2.0))
    for curve, end in (([], None), ([1.0], None), ([1.0, 2.0], 0.8 * 2 + 0.2)):
        given = Training(kept, last, np.ones((len(curve), 1)), np.array(curve), 0.0, "stopped")
        found = _contest._end(given, 2, "both")
        assert np.isnan(found) if end is None else found == end


def test_fewer_epochs_that_end_worse_leave_the_fit_as_it_was(monkeypatch):
    """Where no other samples are held out for the search, the judged network is the fit."""
    monkeypatch.setattr(_contest, "_RISEN", 0.0)  # so that they are tried
    fitted = fit(["sinusoid"], LayerSearch(2), Trainer(early_stopping=True))
    assert [c.effective_epochs for c in stages(fitted)["fewer epochs"]] == [5, 2]
    (chosen,) = fitted.search_result_.path
    assert chosen.stage == "finalists"
    assert fitted.n_iter_ == 12


# -- axes ----------------------------------------------------------------------------------------


def two_axes(seed):
    """A wave along one axis of two: its bandwidths differ by more than the twofold stretch."""
    x = np.random.default_rng(seed).uniform(-1, 1, (300, 2))
    return x, np.sin(12 * x[:, 0]) + 0.2 * x[:, 1]


@pytest.mark.parametrize("alike", [0.0, 1e6])
def test_the_best_finalist_is_also_tried_with_all_axes_alike(monkeypatch, alike):
    """And goes on so if its loss is lower by more than chance: here never, or in any case."""
    assert 0.95 < _contest._ALIKE < 1
    monkeypatch.setattr(_contest, "_ALIKE", alike)
    fitted = fit(["sinusoid"], data=two_axes(0), max_epochs=60, hidden_width=32)
    rounds = stages(fitted)
    assert list(rounds)[-3:] == ["finalists", "even axes", "fit"]
    best = min(rounds["finalists"], key=lambda c: c.loss)
    (even,) = rounds["even axes"]
    assert (even.atom, even.scales) == (best.atom, best.scales)
    assert even.loss != best.loss
    # The fit starts as the one of the two did: from stretched weights or not.
    first = fitted.search_result_.networks[-1].affines[0].weight.detach().numpy()
    ratio = np.abs(first).mean(axis=0)
    assert (ratio[0] > 1.3 * ratio[1]) == (alike == 0)


def test_one_axis_is_not_tried_twice():
    assert "even axes" not in stages(searched())


# -- budget --------------------------------------------------------------------------------------


@pytest.mark.parametrize("enough", [0, 10**6])
@pytest.mark.filterwarnings("ignore:The time limit of")  # on a busy machine
def test_a_time_limit_ends_the_search_with_a_fit_on_all_samples(monkeypatch, enough):
    monkeypatch.setattr(_contest, "_ENOUGH", enough)  # epochs
    begun = time.monotonic()
    fitted = fit(max_epochs=100_000, time_limit=1.5)
    assert time.monotonic() - begun < 6
    rounds = stages(fitted)
    more = [] if enough else ["scales", "rates", "layer 2"]  # else there is no time
    assert list(rounds) == ["layer 1", *more, "finalists", "fit"]
    assert rounds["fit"][0].training.outcome == "time limit"
    # The fit has a fair share of the time, not what the rounds have left over.
    assert rounds["fit"][0].training.seconds > 0.05


@pytest.mark.parametrize(("needed", "kept"), [(1000.0, 75.0), (10.0, 20.0)])
def test_of_a_time_limit_the_fit_has_three_quarters_or_twice_what_it_needs(
    monkeypatch, needed, kept
):
    left, shares = [100.0], []

    def train(*args, seconds, **kwargs):
        shares.append(seconds)
        left[0] -= seconds  # as if every round took its share
        return train_side_by_side(*args, seconds=None, **kwargs)

    monkeypatch.setattr(_contest, "train_side_by_side", train)
    monkeypatch.setattr(_forecast, "seconds_ahead", lambda *_: needed)
    monkeypatch.setattr(SearchProblem, "seconds_left", property(lambda _: left[0]))
    x = np.random.default_rng(0).uniform(-1, 1, (60, 2)) * [1, 5]
    fit(["sinusoid", "gaussian"], data=(x, np.sin(5 * x[:, 0]) + x[:, 1]), max_epochs=2)
    *rounds, last = shares
    # A round that tries less than it might leaves its share to those after it, the last to the fit.
    assert last >= kept
    assert last == pytest.approx(kept, abs=0.2 * (100 - kept))
    assert last == pytest.approx(100 - sum(rounds))


@pytest.mark.parametrize("selection", ["held_out", "train"])
def test_the_number_of_workers_changes_nothing(selection):
    one, two = (fit(search=LayerSearch(3, selection=selection), n_jobs=n_jobs) for n_jobs in (1, 2))
    for column in set(one.search_results_) - {"seconds"}:
        mine, theirs = one.search_results_[column], two.search_results_[column]
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_many_samples_are_judged_on_a_copy_of_fewer_with_as_many_to_a_parameter():
    x = np.linspace(-1, 1, 25_000)[:, None]
    fitted = fit(
        ["gaussian", "sinusoid"], LayerSearch(1), Trainer(batch_size=4096),
        (x, np.sin(90 * x[:, 0])), max_epochs=1, hidden_width=64,
    )  # fmt: skip
    rounds = stages(fitted)
    (last,) = rounds.pop("fit")
    assert (last.n_samples, last.hidden_width) == (25_000, 64)
    assert fitted.network_.affines[0].weight.shape == (64, 1)
    for candidate in (c for candidates in rounds.values() for c in candidates):
        assert candidate.n_samples == pytest.approx(8_192, rel=0.1)
        share = candidate.n_samples / 20_000  # four fifths of them
        assert candidate.hidden_width == pytest.approx(64 * share**0.5, abs=1)


def rough_at_one_end(x):
    return 0.1 * np.sin(3 * x[:, 0]) + np.where(x[:, 0] > 0.5, np.sin(40 * x[:, 1]), 0.0)


def judged_on(x, dictionary=("gaussian", "sinusoid"), signal=rough_at_one_end, **options):
    """Return the problem that a fit sets a search, and the one that sequences are judged on."""
    seen = []

    class Watched(FixedSequence):
        def search(self, problem, trainer):
            seen.extend([problem, to_be_judged_on(problem, held_out=True)])
            return super().search(problem, trainer)

    MIREncoder(
        dictionary, Watched("relu", 1), max_epochs=1, hidden_width=16, random_state=0, **options
    ).fit(x, signal(x))
    return seen


def spacing(samples):
    """Return the median distance to the nearest other sample."""
    return np.median(KDTree(samples.inputs).query(samples.inputs, k=2)[0][:, 1])


def test_many_samples_are_judged_in_a_window_where_they_lie_as_close():
    whole, judged = judged_on(np.random.default_rng(0).uniform(-1, 1, (20_000, 2)))
    side = judged.bandwidth / whole.bandwidth
    np.testing.assert_allclose(side, (8_192 / 16_000) ** 0.5)
    assert len(judged.samples) == pytest.approx(8_192, rel=0.05)
    assert len(judged.held_out) == pytest.approx(len(judged.samples) / 4, rel=0.1)
    for part in (judged.samples, judged.held_out):
        assert part.inputs.abs().max() == pytest.approx(1, abs=0.01)
    kept = 0.8  # the others are held out
    assert side[0] * spacing(judged.samples) * kept**0.5 == pytest.approx(
        spacing(whole.samples), rel=0.02
    )


def test_so_are_those_that_are_to_be_represented_and_copies_are_windows_of_the_window():
    x = np.random.default_rng(0).uniform(-1, 1, (20_000, 2))
    whole, _ = judged_on(x)
    judged = to_be_judged_on(whole, held_out=False)
    copy, trainer = copy_of(judged, Trainer(), 1 / 4)
    assert judged.held_out is copy.held_out is None
    for problem, n in ((judged, 8_192), (copy, 2_048)):
        side = problem.bandwidth / whole.bandwidth
        np.testing.assert_allclose(side, (n / 20_000) ** 0.5, rtol=0.03)
        assert len(problem.samples) == pytest.approx(n, rel=0.1)
        assert side[0] * spacing(problem.samples) == pytest.approx(spacing(whole.samples), rel=0.05)
    steps = [len(p.samples) / t.batch_size_for(p.samples) for p, t in ((copy, trainer),)]
    assert steps == pytest.approx([len(judged.samples) / 512], rel=0.01)


def test_with_little_time_the_window_is_small():
    whole, _ = judged_on(np.random.default_rng(0).uniform(-1, 1, (20_000, 2)))
    hurried = to_be_judged_on(whole, held_out=True, hurried=True)
    assert len(hurried.samples) == pytest.approx(2_048, rel=0.1)


def test_the_window_is_one_where_there_is_something_to_learn():
    rng = np.random.default_rng(0)
    whole, judged = judged_on(rng.uniform(-1, 1, (40_000, 2)))
    x, values, width = whole.samples.inputs, whole.samples.targets, (8_192 / 32_000) ** 0.5 * 2
    others = []
    for _ in range(100):
        low = torch.as_tensor(rng.uniform(-1, 1 - width, 2))
        others.append(float(values[((x >= low) & (x <= low + width)).all(1)].var()))
    assert judged.samples.targets.var() > np.quantile(others, 0.7)


@pytest.mark.parametrize(
    "options",
    [
        {"dictionary": [Gaussian(scale=5.0), "sinusoid"]},
        {"dictionary": ActivationDictionary(["sinusoid", "gabor"], init=(30.0, 1.0))},
        {"network": Architecture(encoding=PositionalEncoding(4))},
        {"dictionary": [FunctionAtom(torch.cos), "sinusoid"]},
        {"dictionary": ["relu", "sinusoid"]},
        {"signal": lambda x: 1.0 * (np.hypot(*(x - 0.97).T) < 0.03)},
        {"trainer": Trainer(early_stopping=True, validation_fraction=0.002)},
    ],
)
def test_where_no_window_stands_for_the_whole_samples_are_judged_from_everywhere(options):
    whole, judged = judged_on(np.random.default_rng(0).uniform(-1, 1, (25_000, 2)), **options)
    assert len(judged.samples) == 16_384
    assert judged.bandwidth is whole.bandwidth
    assert whole.held_out is None or judged.held_out is whole.held_out
    assert spacing(judged.samples) > spacing(whole.samples)


@pytest.mark.parametrize("bandwidth", [[0.0, 0.0], [1.2, 0.5]])
def test_a_signal_too_slow_for_scales_to_shrink_is_judged_everywhere(bandwidth):
    whole, _ = judged_on(np.random.default_rng(0).uniform(-1, 1, (25_000, 2)))
    slow = replace(whole, bandwidth=np.array(bandwidth))
    assert len(to_be_judged_on(slow, held_out=True).samples) == 16_384


def test_a_copy_never_has_fewer_units_than_networks_need():
    x = np.linspace(-1, 1, 25_000)[:, None]
    trainer = Trainer(batch_size=4096)
    table = fit(
        ["relu"], LayerSearch(1, selection="train"), trainer, (x, x[:, 0]), max_epochs=1
    ).search_results_
    assert set(table["hidden_width"].tolist()) == {16}
    wide = fit(
        ["relu"], LayerSearch(1, selection="train"), trainer, (x, x[:, 0]), max_epochs=1,
        hidden_width=40,
    ).search_results_  # fmt: skip
    assert wide["hidden_width"].min() == 32


def test_a_copy_takes_as_many_steps_as_the_whole():
    x = np.linspace(-1, 1, 4_000)[:, None]
    seen = []

    class Counting(Trainer):
        def train(self, network, samples, *args, **kwargs):
            seen.append((len(samples), self.batch_size_for(samples)))
            return super().train(network, samples, *args, **kwargs)

    fit(["relu"], LayerSearch(1, selection="train"), Counting(batch_size=400), (x, x[:, 0]))
    assert set(seen) == {(1_000, 100), (4_000, 400)}


# -- kinds of atoms ------------------------------------------------------------------------------


def test_complex_and_warped_atoms_and_functions_stand_side_by_side():
    fitted = fit(["complex_gabor", "finer", torch.tanh, Gaussian(scale=3.0)], LayerSearch(3))
    assert np.isfinite(fitted.search_results_["loss"]).all()
    assert np.isfinite(fitted.gradient(X)).all()


def test_one_atom_in_one_layer_is_a_search_all_the_same():
    rounds = stages(fit(["relu"], LayerSearch(1)))
    assert [len(candidates) for candidates in rounds.values()] == [1, 1, 1]


# -- options -------------------------------------------------------------------------------------


def test_the_look_ahead_is_the_default():
    assert LayerSearch().mode == "lookahead"


def test_epochs_of_layers_are_refused_as_they_are_for_the_growth():
    with pytest.raises(ValueError, match=r"epochs=\(3, 5\)\) is for mode='growth'"):
        fit(search=LayerSearch(2, epochs=(3, 5)))


def test_another_mode_is_refused():
    with pytest.raises(InvalidParameterError, match="'mode' parameter of LayerSearch"):
        fit(search=LayerSearch(2, mode="beam"))
