"""Which sequence of atoms a search finds, and what it says about it."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.utils._param_validation import InvalidParameterError

from skmire import ActivationDictionary, FixedSequence, LayerSearch, MIREncoder, Trainer
from skmire.atoms import FunctionAtom, Gaussian, Sinusoid
from skmire.search import DivergenceError

X = np.linspace(-1, 1, 64)[:, None]
Y = np.sin(9 * X[:, 0]) + 0.3 * X[:, 0]
PAIR = ["sinusoid", "gaussian"]
STILL = Trainer(learning_rate=1e-12)


def fit(dictionary=None, search=None, trainer=None, **options):
    options = {"hidden_width": 16, "max_epochs": 8, "random_state": 0, **options}
    return MIREncoder(
        PAIR if dictionary is None else dictionary, search, trainer, dtype="float64", **options
    ).fit(X, Y)


def growth(n_layers=3, **options):
    """Search as the paper does it."""
    return LayerSearch(n_layers, mode="growth", **options)


BOTH = pytest.mark.parametrize("mode", ["lookahead", "growth"])


def runaway(z):
    return z * float("nan")


# -- epochs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_layers", "max_epochs", "shares"),
    [
        (3, 400, (100, 100, 200)),
        (3, 100, (25, 25, 50)),
        (1, 7, (7,)),
        (2, 100, (50, 50)),
        (5, 80, (10, 10, 10, 10, 40)),
        (3, 1, (1, 1, 1)),
    ],
)
def test_epochs_are_shared_out_half_to_the_last_layer(n_layers, max_epochs, shares):
    assert LayerSearch(n_layers=n_layers).layer_epochs(max_epochs) == shares


@pytest.mark.parametrize("n_layers", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("max_epochs", [14, 99, 101, 1000])
def test_the_shares_sum_to_max_epochs(n_layers, max_epochs):
    shares = LayerSearch(n_layers=n_layers).layer_epochs(max_epochs)
    assert sum(shares) == max_epochs
    assert np.ptp(shares[:-1] or (0,)) <= 1
    assert n_layers == 1 or shares[-1] == max_epochs - max_epochs // 2


def test_few_epochs_still_give_every_layer_one():
    for n_layers in (2, 3, 4, 5, 6):
        shares = LayerSearch(n_layers=n_layers).layer_epochs(2 * n_layers)
        assert sum(shares) == 2 * n_layers
        assert min(LayerSearch(n_layers=n_layers).layer_epochs(1)) == 1


def test_given_epochs_are_trained():
    table = fit(search=growth(2, epochs=(3, 5))).search_results_
    assert table["epochs"].tolist() == [3, 3, 5, 5]


@pytest.mark.parametrize("epochs", [(3,), (3, 5, 7), (), (3, 0), (3, 2.5), [-1, 4]])
def test_other_epochs_are_refused(epochs):
    with pytest.raises(ValueError, match="one integer of at least 1 for each of the 2 layers"):
        fit(search=growth(2, epochs=epochs))


# -- the trace -----------------------------------------------------------------------------------

THREE = ["gaussian", "sinc", "sinusoid"]


@pytest.fixture(scope="module")
def searched():
    return fit(THREE, growth(3, epochs=(2, 3, 4)))


def test_every_atom_is_tried_at_every_layer_in_order(searched):
    trace = searched.search_result_.trace
    assert [(c.layer, c.atom) for c in trace] == [(i, a) for i in (1, 2, 3) for a in THREE]


def test_the_least_loss_of_a_layer_is_chosen(searched):
    trace = searched.search_result_.trace
    for layer in (1, 2, 3):
        candidates = [c for c in trace if c.layer == layer]
        least = min(candidates, key=lambda c: c.loss)
        assert [c for c in candidates if c.chosen] == [least]
        assert searched.activations_[layer - 1] == least.atom
        assert least.loss == least.training.kept.loss("train")


def test_each_stage_grows_on_the_one_before(searched):
    networks = searched.search_result_.networks
    for i, network in enumerate(networks):
        assert [a.name for a in network.sequence] == searched.activations_[: i + 1]
    assert networks[-1] is searched.network_


def test_epochs_are_counted_along_the_path_and_in_all(searched):
    result = searched.search_result_
    assert result.effective_epochs == searched.n_iter_ == 2 + 3 + 4
    assert [c.effective_epochs for c in result.path] == [2, 5, 9]
    assert {c.layer: c.effective_epochs for c in result.trace} == {1: 2, 2: 5, 3: 9}
    assert result.total_epochs == 3 * (2 + 3 + 4)
    curves = [c.training.curve.mean(axis=1) for c in result.path]
    np.testing.assert_array_equal(searched.loss_curve_, np.concatenate(curves))
    assert searched.best_loss_ == result.path[-1].loss


def test_the_table_is_the_trace(searched):
    table = searched.search_results_
    assert list(table) == [
        "stage", "layer", "atom", "scales", "factors", "seed", "n_samples", "hidden_width",
        "epochs", "effective_epochs", "loss", "judge", "train_loss", "held_out_loss", "seconds",
        "outcome", "chosen",
    ]  # fmt: skip
    assert table["stage"].tolist() == [f"layer {layer}" for layer in table["layer"]]
    assert set(table["n_samples"]) == {64}
    assert set(table["hidden_width"]) == {16}
    assert {len(column) for column in table.values()} == {9}
    assert table["loss"].tolist() == [c.loss for c in searched.search_result_.trace]
    assert np.isnan(table["held_out_loss"]).all()
    assert table["chosen"].sum() == 3
    assert set(table["outcome"]) == {"completed"}
    assert (table["seconds"] > 0).all()


def test_candidates_of_a_layer_share_their_seed(searched):
    seeds = searched.search_results_["seed"].reshape(3, 3)
    assert (seeds == seeds[:, :1]).all()
    assert len(set(seeds[:, 0].tolist())) == 3


@BOTH
def test_another_atom_in_the_dictionary_changes_no_other_candidate(mode):
    search = LayerSearch(1, mode=mode)
    few = fit(ActivationDictionary(PAIR, init=("uniform", 1, 9)), search)
    more = fit(ActivationDictionary(["relu", *PAIR], init=("uniform", 1, 9)), search)
    few, more = (
        {c.atom: c.loss for c in e.search_result_.trace if c.stage == "layer 1"}
        for e in (few, more)
    )
    assert {name: more[name] for name in PAIR} == few


def test_a_dictionary_of_one_is_layerwise_training():
    fitted = fit(["gaussian"], growth())
    assert fitted.activations_ == ["gaussian"] * 3
    assert len(fitted.search_result_.trace) == 3
    assert all(c.chosen for c in fitted.search_result_.trace)


@BOTH
def test_a_complex_atom_works_amid_real_ones(mode):
    fitted = fit(["complex_gabor", "sinc"], LayerSearch(mode=mode), max_epochs=8)
    assert np.isfinite(fitted.search_results_["loss"]).all()
    assert np.isfinite(fitted.gradient(X)).all()


def test_a_complex_atom_works_in_any_layer():
    mixed = fit(search=FixedSequence(["sinusoid", "complex_gabor", "gaussian"]), max_epochs=20)
    assert mixed.loss_curve_[-1] < mixed.loss_curve_[0]
    assert np.isfinite(mixed.gradient(X)).all()


# -- the options ---------------------------------------------------------------------------------


def test_earlier_atoms_stay_as_found_if_asked_to():
    stay = fit(search=growth(train_earlier=False), trainer=Trainer(learning_rate=1e-2))
    go_on = fit(search=growth(), trainer=Trainer(learning_rate=1e-2))
    for fitted, same in ((stay, True), (go_on, False)):
        networks = fitted.search_result_.networks
        for before, after in pairwise(networks):
            for a, b in zip(before.sequence, after.sequence, strict=False):
                assert (a.values() == b.values()) is same


def test_earlier_atoms_start_from_the_parameters_found():
    fitted = fit(search=growth(2, epochs=(8, 1)), trainer=STILL)
    first, second = fitted.search_result_.networks
    assert second.sequence[0].values() == pytest.approx(first.sequence[0].values(), abs=1e-9)


def test_comparing_the_last_state():
    fast = Trainer(learning_rate=0.3, decay=1.0, cooldown=0.0, polish=False)
    fitted = fit(search=growth(2, compare="last"), trainer=fast, max_epochs=24)
    differ = 0
    for c in fitted.search_result_.trace:
        assert c.loss == c.training.last.loss("train")
        differ += c.training.last.loss("train") != c.training.kept.loss("train")
    assert differ


def test_selection_on_held_out_samples():
    table = fit(search=growth(2, selection="held_out")).search_results_
    assert np.isfinite(table["held_out_loss"]).all()
    np.testing.assert_array_equal(table["loss"], table["held_out_loss"])
    assert (table["held_out_loss"] != table["train_loss"]).all()


@BOTH
@pytest.mark.parametrize(
    ("selection", "column"), [("held_out", "held_out_loss"), ("train", "train_loss")]
)
def test_selection_with_early_stopping(mode, selection, column):
    search = LayerSearch(2, mode=mode, selection=selection)
    table = fit(search=search, trainer=Trainer(early_stopping=True)).search_results_
    assert np.isfinite(table["held_out_loss"]).all()
    np.testing.assert_array_equal(table["loss"], table[column])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_layers", 0),
        ("n_layers", 1.5),
        ("epochs", 10),
        ("mode", "ahead"),
        ("selection", "test"),
        ("compare", "first"),
        ("train_earlier", "no"),
    ],
)
def test_invalid_parameters_are_refused(name, value):
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of LayerSearch"):
        fit(search=LayerSearch().set_params(**{name: value}))


# -- divergence ----------------------------------------------------------------------------------


@pytest.mark.parametrize("compare", ["best", "last"])
def test_a_candidate_that_diverges_is_recorded_and_passed_over(compare):
    fitted = fit([FunctionAtom(runaway), "gaussian"], growth(2, compare=compare))
    bad = [c for c in fitted.search_result_.trace if c.atom == "runaway"]
    assert len(bad) == 2
    assert all(c.training.outcome.startswith("diverged") for c in bad)
    assert all(np.isnan(c.loss) and not c.chosen for c in bad)
    assert fitted.activations_ == ["gaussian"] * 2
    assert np.isfinite(fitted.predict(X)).all()


@pytest.mark.parametrize("search", [LayerSearch(1), growth(1), FixedSequence(runaway, 1)])
def test_nothing_but_divergence_is_an_error_that_says_what_to_do(search):
    with pytest.raises(
        DivergenceError,
        match=r"runaway.*diverged.*learning_rate \(now 0\.0\d+\)|"
        r"diverged \(runaway.*learning_rate \(now 0\.0\d+\)",
    ):
        fit([runaway], search)


# -- fixed sequences -----------------------------------------------------------------------------


def test_one_name_is_repeated():
    assert fit(search=FixedSequence("sinc", 2)).activations_ == ["sinc", "sinc"]
    assert fit(search=FixedSequence("sinc")).activations_ == ["sinc"] * 3


def test_a_sequence_is_trained_once_for_all_epochs():
    fitted = fit(search=FixedSequence(["sinc", Gaussian, Sinusoid(frequency=3.0)]))
    assert fitted.activations_ == ["sinc", "gaussian", "sinusoid(frequency=3.0)"]
    assert fitted.search_results_["epochs"].tolist() == [8]
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 8


def test_a_name_is_looked_up_in_the_dictionary_first():
    own = Gaussian(scale=2.0)
    own.name = "bump"
    fitted = fit(ActivationDictionary([own]), FixedSequence("bump", 2), STILL, max_epochs=1)
    assert [a.values()["scale"] for a in fitted.network_.sequence] == pytest.approx([2.0, 2.0])


def test_the_dictionary_says_how_the_atoms_start():
    for init, scales in (("base", [30, 10]), ("unit", [1, 1]), ((4.0, 2.0), [4, 2])):
        fitted = fit(
            ActivationDictionary(init=init), FixedSequence("gaussian", 2), STILL, max_epochs=1
        )
        assert [a.values()["scale"] for a in fitted.network_.sequence] == pytest.approx(scales)


def test_a_sequence_found_is_reused_with_its_parameters(searched):
    reused = FixedSequence.from_result(searched.search_result_)
    again = fit(THREE, reused, STILL, max_epochs=1)
    assert again.activations_ == searched.activations_
    for found, atom in zip(searched.network_.sequence, again.network_.sequence, strict=True):
        assert atom.values() == pytest.approx(found.values(), abs=1e-9)
    assert fit(THREE, reused).activations_ == searched.activations_


def test_an_empty_sequence_is_refused():
    with pytest.raises(ValueError, match="at least one atom"):
        fit(search=FixedSequence([]))


@BOTH
def test_global_state_of_torch_is_used_by_no_search(mode):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    fit(ActivationDictionary(PAIR, init=("normal", 1, 0.5)), LayerSearch(2, mode=mode))
    assert torch.equal(state, torch.get_rng_state())
