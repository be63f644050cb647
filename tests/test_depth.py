"""How many layers a search comes to by itself."""

from functools import cache

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from skmire import (
    BayesSearch,
    BeamSearch,
    ExhaustiveSearch,
    HalvingSearch,
    LayerSearch,
    MIREncoder,
    ProjectionSearch,
)
from skmire.testing import check_search
from skmire.testing._search_setting import Log, WatchedTask, difference, run
from skmire.training import Trainer

X = np.linspace(-1, 1, 300)[:, None]
WAVE = np.sin(2 * X[:, 0])
CHIRP = np.sin(40 * X[:, 0] ** 2)
SEARCHES = [
    LayerSearch("auto", max_layers=3),
    LayerSearch("auto", max_layers=3, selection="train"),
    BeamSearch("auto", 2, max_layers=3),
    HalvingSearch("auto", 4, max_layers=3),
    ProjectionSearch("auto", 20, 2, max_layers=3),
    BayesSearch("auto", 6, max_layers=3),
]


def fit(y=CHIRP, search=None, dictionary=("sinusoid", "gaussian", "relu"), **options):
    options = {"hidden_width": 32, "max_epochs": 180, "random_state": 0, **options}
    trainer = Trainer(batch_size=80)
    search = LayerSearch("auto") if search is None else clone(search)
    return MIREncoder(list(dictionary), search, trainer, **options).fit(X, y)


@cache
def searched(signal="chirp"):
    return fit({"chirp": CHIRP, "wave": WAVE}[signal])


def depths(fitted):
    """Return the least loss of each depth that was tried, by the number of layers."""
    least = {}
    for candidate in fitted.search_result_.trace:
        if candidate.stage.startswith("depth"):
            assert candidate.stage == f"depth {candidate.layer}"
            least[candidate.layer] = min(least.get(candidate.layer, np.inf), candidate.loss)
    return least


def test_signals_come_to_different_depths():
    wave, chirp = searched("wave"), searched("chirp")
    assert len(wave.activations_) != len(chirp.activations_)


@pytest.mark.parametrize("signal", ["wave", "chirp"])
def test_layers_are_added_while_each_takes_enough_off_the_loss(signal):
    fitted = searched(signal)
    least = depths(fitted)
    n = len(fitted.activations_)
    assert list(least) == list(range(1, n + 2))
    for layer in range(1, n):
        assert least[layer + 1] <= (0.9 if layer < 3 else 0.7) * least[layer]
    assert least[n + 1] > (0.9 if n < 3 else 0.7) * least[n]


def test_after_that_all_networks_have_the_depth_found():
    fitted = searched()
    stages = fitted.search_results_["stage"].tolist()
    layers = fitted.search_results_["layer"].tolist()
    n = len(fitted.activations_)
    after = [n for stage, n in zip(stages, layers, strict=True) if not stage.startswith("depth")]
    assert set(after) == {n}
    columns = (fitted.search_results_[name] for name in ("atom", "scales", "factors"))
    tried = zip(*columns, strict=True)
    whole = ("finalists", "fewer epochs", "fit")
    cheap = [key for key, s in zip(tried, stages, strict=True) if s not in whole]
    assert len(set(cheap)) == len(cheap)  # none of the depth's is trained again as a layer's


def test_the_search_goes_on_as_one_that_was_told_the_depth():
    auto = searched("wave")
    told = fit(WAVE, LayerSearch(len(auto.activations_)))
    assert auto.activations_ == told.activations_
    np.testing.assert_array_equal(auto.predict(X), told.predict(X))


@pytest.mark.parametrize("max_layers", [1, 2, 3])
def test_there_are_no_more_layers_than_max_layers(max_layers):
    search = LayerSearch("auto", max_layers=max_layers)
    fitted = fit(WAVE, search=search)
    assert search.depth == len(fitted.activations_) == max(depths(fitted)) == max_layers


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_a_search_that_finds_the_depth_keeps_all_promises(search):
    check_search(search)


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_every_search_tries_the_same_depths(search):
    options = {"max_epochs": 12}
    found, first = fit(search=search, **options), fit(search=SEARCHES[0], **options)
    if search.selection == "train":
        assert list(depths(found))[:2] == [1, 2]
    else:
        assert depths(found) == depths(first)


def test_the_depth_does_not_depend_on_the_number_of_workers():
    one, two = (fit(n_jobs=n_jobs, max_epochs=18, hidden_width=16) for n_jobs in (1, 2))
    assert difference(one.search_result_, two.search_result_) == ""


def test_a_callback_that_wants_an_end_ends_the_deepening():
    task = WatchedTask(Log(), stop=True)
    result = run(LayerSearch("auto"), task=task)
    assert {candidate.layer for candidate in result.trace} == {1}


def test_a_depth_whose_networks_all_diverge_ends_the_deepening(monkeypatch):
    train = Trainer.train

    def shallow(self, network, *args, **options):
        if len(network.sequence) > 2:
            network.affines[0].weight.data.fill_(float("nan"))
        return train(self, network, *args, **options)

    monkeypatch.setattr(Trainer, "train", shallow)
    fitted = fit()
    assert list(depths(fitted)) == [1, 2, 3]
    assert len(fitted.activations_) == 2


@pytest.mark.filterwarnings("ignore:The time limit of")  # on a busy machine
def test_a_time_limit_ends_with_a_fit():
    fitted = fit(max_epochs=100_000, time_limit=1.5)
    assert fitted.search_results_["stage"][-1] == "fit"


@pytest.mark.parametrize("n_layers", ["deep", 0, 1.5])
def test_other_depths_are_refused(n_layers):
    with pytest.raises(InvalidParameterError, match="'n_layers' parameter of BeamSearch"):
        fit(search=BeamSearch(n_layers))


def test_a_growth_and_an_exhaustive_search_want_a_number():
    with pytest.raises(ValueError, match=r"n_layers='auto'\) is for mode='lookahead'.*a number"):
        fit(search=LayerSearch("auto", mode="growth"))
    with pytest.raises(InvalidParameterError, match="'n_layers' parameter of ExhaustiveSearch"):
        fit(search=ExhaustiveSearch("auto"))


def test_further_training_goes_on_at_the_depth_found():
    fitted = fit(max_epochs=12).set_params(warm_start=True)
    found = fitted.activations_
    assert fitted.fit(X, CHIRP).activations_ == found
    with pytest.raises(ValueError, match="the number of layers cannot change: it was 6 and is"):
        fitted.set_params(search__n_layers=2).fit(X, CHIRP)
