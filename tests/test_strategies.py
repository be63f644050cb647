"""What is special to each of the searches that judge whole sequences."""

import gc
import itertools
import sys
import time
import weakref

import numpy as np
import optuna
import pytest
import torch
from sklearn.base import clone

from skmire import (
    ActivationDictionary,
    BayesSearch,
    BeamSearch,
    ExhaustiveSearch,
    HalvingSearch,
    LayerSearch,
    MIREncoder,
    ProjectionSearch,
)
from skmire.atoms import make_atom
from skmire.measurements import Domain, Measurement, Readout
from skmire.networks import LayerStack
from skmire.scaling import Scaling
from skmire.search import _projection_search
from skmire.search._tangent import _linearised, tangent_kernel, tangent_loss
from skmire.testing._search_setting import difference
from skmire.training import Samples

X = np.linspace(0, 1, 120)[:, None]
Y = np.sin(25 * X[:, 0] ** 2)
THREE = ["gaussian", "gabor", "sinusoid"]


def fit(search, dictionary=THREE, **options):
    plain = {"hidden_width": 16, "max_epochs": 12, "random_state": 0}
    return MIREncoder(dictionary, search, **plain | options).fit(X, Y)


def stages(fitted):
    """How many networks each round trained."""
    names, counts = np.unique(fitted.search_results_["stage"], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def judged(fitted, stage):
    """The losses of a round by sequence, scales and factors."""
    table = fitted.search_results_
    rows = table["stage"] == stage
    keys = zip(*(table[name][rows] for name in ("atom", "scales", "factors")), strict=True)
    return dict(zip(keys, table["loss"][rows].tolist(), strict=True))


# -- weights -------------------------------------------------------------------------------------

LOUD = X[:, 0] > 0.6  # a region of noise, louder than the signal


def noisy(seed):
    """The signal, and noise in a region: of other seeds the same values in another order."""
    values = np.where(LOUD, np.random.default_rng(0).normal(scale=3, size=len(X)), Y)
    values[LOUD] = np.random.default_rng(seed).permutation(values[LOUD])
    return values


@pytest.mark.parametrize("search", [
    LayerSearch(2), LayerSearch("auto", max_layers=2), LayerSearch(2, mode="growth"),
    LayerSearch(2, selection="train"), BeamSearch(2, 2), HalvingSearch(2, 9),
    ProjectionSearch(2, 40, 3), BayesSearch(2, 6), ExhaustiveSearch(2),
], ids=repr)  # fmt: skip
def test_noise_of_little_weight_does_not_sway_the_choice(search):
    def found(seed, weight):
        model = MIREncoder(
            THREE, clone(search), hidden_width=16, max_epochs=12, random_state=0, dtype="float64"
        ).fit(X, noisy(seed), None if weight is None else np.where(LOUD, weight, 1.0))
        return model.search_result_, [c.loss for c in model.search_result_.trace]

    (one, losses), (other, others) = (found(seed, 1e-9) for seed in (1, 2))
    np.testing.assert_allclose(losses, others, rtol=1e-4)
    assert [c.atom for c in one.trace] == [c.atom for c in other.trace]
    assert [c.chosen for c in one.trace] == [c.chosen for c in other.trace]
    # Without weights it does matter, or this would show nothing.
    losses, others = (found(seed, None)[1] for seed in (1, 2))
    assert len(losses) != len(others) or not np.allclose(losses, others, rtol=1e-3)


def test_a_region_of_no_weight_has_no_part_in_the_search():
    weights = np.where(LOUD, 0.0, 1.0)
    whole = MIREncoder(THREE, LayerSearch(2), hidden_width=16, max_epochs=12, random_state=0)
    rest = clone(whole)
    result = whole.fit(X, noisy(1), weights).search_result_
    assert difference(result, rest.fit(X[~LOUD], Y[~LOUD]).search_result_) == ""


# -- beam and exhaustive search ------------------------------------------------------------------


def test_a_beam_of_one_is_the_greedy_search():
    beam, greedy = fit(BeamSearch(2, 1)), fit(LayerSearch(2))
    assert beam.search_results_["atom"].tolist() == greedy.search_results_["atom"].tolist()
    np.testing.assert_array_equal(beam.predict(X), greedy.predict(X))


def test_a_wider_beam_tries_what_a_narrow_one_tries_and_more():
    narrow, wide = (judged(fit(BeamSearch(2, width)), "layer 2") for width in (1, 3))
    assert set(narrow) < set(wide)
    assert min(wide.values()) <= min(narrow.values())


def test_exhaustive_search_trains_every_sequence_and_keeps_the_best():
    fitted = fit(ExhaustiveSearch(2))
    losses = judged(fitted, "sequences")
    assert {atoms for atoms, *_ in losses} == {f"{a}-{b}" for a in THREE for b in THREE}
    assert "-".join(fitted.activations_) == min(losses, key=losses.get)[0]


def test_the_finalists_of_others_do_not_beat_the_oracle_at_its_own_scales():
    oracle = judged(fit(ExhaustiveSearch(2)), "sequences")
    for search in (
        LayerSearch(2), BeamSearch(2), HalvingSearch(2, 9), ProjectionSearch(2), BayesSearch(2, 9),
    ):  # fmt: skip
        finalists = judged(fit(search), "finalists")
        for key in set(finalists) & set(oracle):
            assert finalists[key] == oracle[key]  # the same network, whichever search trains it


def test_too_many_sequences_are_refused_before_any_is_trained():
    with pytest.raises(
        ValueError, match=r"3 atoms in 4 layers make 81, more than max_sequences=80"
    ):
        fit(ExhaustiveSearch(4, max_sequences=80))


def test_exhaustive_search_holds_few_networks_at_a_time(monkeypatch):
    made, alive = [], []
    build = LayerStack.__init__

    def counted(self, *args, **kwargs):
        build(self, *args, **kwargs)
        made.append(weakref.ref(self))
        gc.collect()
        alive.append(sum(ref() is not None for ref in made))

    monkeypatch.setattr(LayerStack, "__init__", counted)
    fit(ExhaustiveSearch(2))
    assert len(made) == 10  # nine sequences and the fit
    assert max(alive) <= 4


# -- halving -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_sequences", "factor"), [(0, 3), (27, 3), (40, 2)])
def test_each_rung_keeps_one_in_factor_until_three_are_left(n_sequences, factor):
    fitted = fit(HalvingSearch(2, n_sequences, factor=factor))
    counts = stages(fitted)
    rungs = [counts[f"rung {i}"] for i in range(1, len(counts) - 1)]
    assert counts["fit"] == 1
    last = rungs[-1] // factor
    assert last <= 3 < rungs[-1]
    # The best single atom may join, and the leader at half its first scale and half its rate.
    assert last < counts["finalists"] <= last + 3
    for before, after in itertools.pairwise(rungs):
        assert after == before // factor


def test_a_rung_has_factor_times_the_epochs_of_the_one_before():
    table = fit(HalvingSearch(2, 30, factor=2)).search_results_
    epochs = [
        set(table["epochs"][table["stage"] == stage].tolist())
        for stage in dict.fromkeys(table["stage"].tolist())
    ]
    assert epochs[-4:] == [{3}, {6}, {12}, {12}]  # the last is the fit


def test_those_that_go_on_are_the_best_of_their_rung():
    fitted = fit(HalvingSearch(2, 27))
    first, then = judged(fitted, "rung 1"), judged(fitted, "finalists")
    if "rung 2" in stages(fitted):
        then = judged(fitted, "rung 2")
        assert len(then) == len(first) // 3
    kept = {key for key, _ in sorted(first.items(), key=lambda item: item[1])[: len(then)]}
    assert set(then) == kept


@pytest.mark.filterwarnings("ignore:The time limit of")
def test_halving_with_too_little_time_has_the_single_atoms_alone():
    four = [*THREE, "sinc"]
    brief = fit(HalvingSearch(2), four, time_limit=1e-3, max_epochs=10**5)
    assert stages(brief) == {"rung 1": 4, "finalists": 1, "fit": 1}
    assert stages(fit(HalvingSearch(2), four, time_limit=600, max_epochs=3))["rung 1"] > 12


def test_halving_by_the_samples_trained_on_takes_parts_of_them():
    x = np.linspace(0, 1, 3_000)[:, None]
    fitted = MIREncoder(
        THREE, HalvingSearch(1, 0, selection="train"), hidden_width=60, max_epochs=2, random_state=0
    ).fit(x, np.sin(25 * x[:, 0] ** 2))
    table = fitted.search_results_
    assert table["n_samples"].tolist()[-3:] == [3_000] * 3
    assert table["n_samples"][0] < 3_000
    assert table["hidden_width"][0] < 60
    assert set(table["epochs"]) == {2}
    assert "fit" not in table["stage"]  # the finalists have seen all samples


def test_the_pool_holds_every_atom_alone_at_three_scales():
    fitted = fit(HalvingSearch(1, 0))
    singles = [atoms for atoms, *_ in judged(fitted, "rung 1")]
    assert sorted(singles) == sorted(THREE * 3)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_single_atom_is_a_finalist_of_the_halving(seed):
    fitted = fit(HalvingSearch(3, 60), random_state=seed)
    rungs = [judged(fitted, f"rung {i}") for i in range(1, len(stages(fitted)) - 1)]
    singles = [
        {key: loss for key, loss in rung.items() if len(set(key[0].split("-"))) == 1}
        for rung in rungs
    ]
    latest = next(losses for losses in reversed(singles) if losses)
    assert min(latest, key=latest.get) in judged(fitted, "finalists")


# -- projection ----------------------------------------------------------------------------------

KINDS = [["sinusoid", "gabor"], ["relu", "relu", "sinc"], ["complex_gabor", "complex_gabor"],
         ["gaussian", "complex_gabor"]]  # fmt: skip


def network(atoms, n_outputs=1):
    return LayerStack(
        [make_atom(atom) for atom in atoms], in_features=2, out_features=n_outputs, hidden_width=6,
        generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    )  # fmt: skip


def random_samples(n, seed, *, weighted=False):
    rng = np.random.default_rng(seed)
    weights = torch.tensor(rng.uniform(0.1, 2, (n, 1))) if weighted else None
    return Samples(
        torch.tensor(rng.uniform(-1, 1, (n, 2))), torch.tensor(rng.normal(size=(n, 1))), weights
    )


def jacobian(field, coords):
    """The gradient of each value by all weights and biases, by autograd, as real numbers."""
    rows = []
    for value in field(coords)[:, 0]:
        gradients = torch.autograd.grad(value, list(field.affines.parameters()), retain_graph=True)
        parts = [torch.view_as_real(g) if g.is_complex() else g for g in gradients]
        rows.append(torch.cat([part.flatten() for part in parts]))
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("atoms", KINDS)
def test_the_tangent_kernel_is_that_of_the_gradients(atoms):
    field, some, others = network(atoms), random_samples(7, 0), random_samples(5, 1)
    found = tangent_kernel(*(_linearised(field, s)[0] for s in (some, others)))
    a, b = (jacobian(field, s.inputs) for s in (some, others))
    np.testing.assert_allclose(found.numpy(), a @ b.T, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("atoms", KINDS)
def test_projection_solves_the_least_squares_of_the_linearised_network(atoms, weighted):
    field = network(atoms)
    samples, held_out = (random_samples(n, n, weighted=weighted) for n in (30, 9))
    (a, start, wanted, roots), (b, others, values, weights) = (
        (
            jacobian(field, s.inputs), field(s.inputs).detach().numpy(), s.targets.numpy(),
            np.ones((len(s), 1)) if s.weights is None else s.weights.numpy(),
        )
        for s in (samples, held_out)
    )  # fmt: skip
    roots = np.sqrt(roots)
    unit = np.square(roots * a).sum() / len(a)  # the mean eigenvalue

    def solved(ridge):
        rows = np.vstack([roots * a, np.sqrt(ridge * unit) * np.eye(a.shape[1])])
        right = np.vstack([roots * (wanted - start), np.zeros((a.shape[1], 1))])
        return np.linalg.lstsq(rows, right)[0]

    left = roots * (wanted - start - a @ solved(1e-2))
    assert tangent_loss(field, samples, held_out, "train") == pytest.approx(np.mean(left**2))
    losses = [
        np.mean(weights * (values - others - b @ solved(ridge)) ** 2)
        for ridge in (1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1)
    ]
    found = tangent_loss(field, samples, held_out, "held_out")
    assert found == pytest.approx(min(losses), rel=1e-4)


class WithOrigin(Measurement):
    """The sum of the values at a point and at the origin."""

    def domain(self, X):
        return Domain(np.array([-2.0, -2.0]), np.array([2.0, 2.0]))

    def measure(self, field, X):
        return field(torch.stack([X, torch.zeros_like(X)], dim=1)).sum(1)


@pytest.mark.parametrize("atoms", KINDS)
def test_what_is_measured_is_projected_on_its_own_gradients(atoms):
    field, plain, others = network(atoms), random_samples(7, 0), random_samples(5, 1)
    box = Scaling(np.zeros(2), np.full(2, 2.0))
    one = Scaling(np.zeros(1), np.ones(1))
    readout = Readout(WithOrigin(), WithOrigin().domain(None), box, one, one)
    measured = [Samples(s.inputs, s.targets, readout=readout) for s in (plain, others)]
    origin = torch.zeros(1, 2).double()
    a, b = (jacobian(field, s.inputs / 2) + jacobian(field, origin) for s in measured)
    found = tangent_kernel(*(_linearised(field, s)[0] for s in measured))
    np.testing.assert_allclose(found.numpy(), a @ b.T, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        _linearised(field, measured[0])[1],
        (field(plain.inputs / 2) + field(origin)).detach(),
        rtol=1e-12,
    )


class TwoColumns(Measurement):
    """The values, and those of the points of positive first coordinate alone."""

    def domain(self, X):
        return Domain(np.array([-1.0, -1.0]), np.array([1.0, 1.0]))

    def n_outputs(self, n_dims, n_columns):
        return 1

    def measure(self, field, X):
        right = X[:, 0] > 0
        column = X.new_zeros(len(X), 1)
        if right.any():
            column = column.index_put((right.nonzero()[:, 0],), field(X[right]))
        return torch.cat([field(X), column], dim=1)


def test_every_column_is_projected_by_its_own_gradients():
    field, plain = network(["sinusoid", "gaussian"]), random_samples(9, 0)
    box, two = Scaling(np.zeros(2), np.ones(2)), Scaling(np.zeros(2), np.ones(2))
    one = Scaling(np.zeros(1), np.ones(1))
    readout = Readout(TwoColumns(), TwoColumns().domain(None), box, one, two)
    samples = Samples(plain.inputs, torch.zeros(9, 2).double(), readout=readout)
    (kernel_parts, values) = _linearised(field, samples)
    kernel = tangent_kernel(kernel_parts, kernel_parts).numpy()
    a = jacobian(field, plain.inputs)
    both = np.stack([a, np.where(plain.inputs[:, :1].numpy() > 0, a, 0)], axis=1)
    both = both.reshape(18, -1)
    np.testing.assert_allclose(kernel, both @ both.T, rtol=1e-10, atol=1e-12)
    assert values.shape == (18, 1)
    assert 0 < tangent_loss(field, samples, samples, "held_out") < values.square().mean()


def test_a_network_that_is_not_finite_ranks_last():
    samples = random_samples(8, 0)
    loss = tangent_loss(network([lambda z: z * float("nan")]), samples, samples, "held_out")
    assert loss == float("inf")


def test_projection_trains_only_what_it_keeps():
    counts = stages(fit(ProjectionSearch(3, n_kept=4)))
    assert set(counts) == {"projected", "finalists", "fit"}
    assert counts["projected"] in (4, 5)  # the best single atom may join


def test_projection_finds_the_scale_without_training():
    x = np.linspace(-1, 1, 400)[:, None]
    small = ActivationDictionary(["sinusoid"], init=(2.0, 1.0))
    fitted = MIREncoder(
        small, ProjectionSearch(2, 200, n_kept=1), hidden_width=32, max_epochs=60, random_state=0
    ).fit(x, np.sin(25 * x[:, 0]))
    (tried,) = judged(fitted, "projected")
    assert tried[1] == "8 1"


def test_scales_that_are_drawn_are_projected_as_they_are():
    drawn = ActivationDictionary(THREE, init=("uniform", 1.0, 9.0))
    table = fit(ProjectionSearch(1, n_kept=20), drawn).search_results_
    assert sorted(table["atom"][table["stage"] == "projected"].tolist()) == sorted(THREE)


@pytest.mark.filterwarnings("ignore:The time limit of")  # on a busy machine
def test_projecting_takes_a_quarter_of_a_time_limit_at_most(monkeypatch):
    begun = []

    def slow(*args):
        begun.append(time.monotonic())
        time.sleep(0.1)
        return 1.0

    monkeypatch.setattr(_projection_search, "tangent_loss", slow)
    fit(ProjectionSearch(3), time_limit=2.0)
    assert 1 <= len(begun) <= 6
    begun.clear()
    fit(ProjectionSearch(1))
    assert len(begun) == 15  # three atoms at five scales


# -- bayes ---------------------------------------------------------------------------------------


def test_bayes_without_optuna_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r'BayesSearch needs optuna.*"skmire\[bayes\]"'):
        fit(BayesSearch(2))


@pytest.mark.parametrize(("n_trials", "proposed"), [(1, 0), (3, 0), (4, 1), (14, 11)])
def test_the_trials_are_the_single_atoms_and_as_many_more_as_asked_for(n_trials, proposed):
    fitted = fit(BayesSearch(3, n_trials))
    assert {atoms for atoms, *_ in judged(fitted, "singles")} == {"-".join([a] * 3) for a in THREE}
    assert stages(fitted).get("trials", 0) == proposed


def test_proposed_scales_are_around_those_of_the_dictionary():
    table = fit(BayesSearch(2, 40), ActivationDictionary(THREE, init=(8.0, 2.0))).search_results_
    scales = np.array([s.split() for s in table["scales"][table["stage"] == "trials"]], float)
    assert np.all((scales >= [2, 1]) & (scales <= [32, 4]))
    assert np.all(np.ptp(scales, axis=0) > [8, 1])


def test_drawn_scales_are_none_of_the_proposals():
    drawn = ActivationDictionary(THREE, init=("uniform", 1.0, 9.0))
    table = fit(BayesSearch(2, 12), drawn).search_results_
    rounds = np.isin(table["stage"], ["singles", "trials"])
    sequences = table["atom"][rounds].tolist()
    assert len(set(sequences)) == len(sequences) <= 9  # none is trained twice


def test_proposals_learn_from_the_losses():
    bad = [lambda z: 0 * z + 30, lambda z: 0 * z + 60, lambda z: 0 * z + 90]
    atoms = [make_atom(f) for f in bad]
    for i, atom in enumerate(atoms):
        atom.name = f"bad{i}"
    table = fit(BayesSearch(1, 40), ["gaussian", *atoms]).search_results_
    proposed = table["atom"][table["stage"] == "trials"]
    assert np.mean(proposed[-12:] == "gaussian") > 0.6  # at random it were a quarter


def test_bayes_leaves_no_word_behind_and_optunas_own_as_it_was(capfd):
    optuna.logging.set_verbosity(optuna.logging.INFO)
    fit(BayesSearch(1, 5))
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert "".join(capfd.readouterr()) == ""
