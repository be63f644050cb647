"""The estimator: what a user gives it and gets from it."""

import pickle
import subprocess
import sys
import time
import tracemalloc
from functools import partial
from itertools import pairwise
from unittest.mock import patch

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

from skmire import ActivationDictionary, FixedSequence, LayerSearch, MIREncoder, Trainer, _memory
from skmire._memory import available
from skmire.search import SearchResult

RNG = np.random.default_rng(0)
# Metres east of an origin far away, a depth in kilometres: nothing like the unit box.
X = RNG.uniform(size=(80, 2)) * [3e3, 0.04] + [5e6, -2.0]
Y = 250.0 + 40 * np.sin((X[:, 0] - 5e6) / 500) * (X[:, 1] + 2) / 0.04
SMOOTH = ActivationDictionary(["sinusoid", "gaussian"], init="unit")


def encoder(**options):
    defaults = {
        "dictionary": SMOOTH,
        "search": LayerSearch(2),
        "hidden_width": 16,
        "max_epochs": 4,
        "dtype": "float64",
        "random_state": 0,
    }
    return MIREncoder(**{**defaults, **options})


@pytest.fixture(scope="module")
def fitted():
    return encoder().fit(X, Y)


def weights(fit):
    return torch.cat(
        [torch.view_as_real(p).ravel() if p.is_complex() else p.detach().ravel()
         for p in fit.network_.parameters()]
    )  # fmt: skip


# -- values and gradients ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "shape"),
    [(Y, ()), (Y[:, None], (1,)), (np.column_stack([Y, 1e-6 * X[:, 0], Y**2]), (3,))],
    ids=["1-D", "one column", "three columns"],
)
def test_shapes_follow_y(y, shape):
    fit = encoder().fit(X, y)
    assert fit.predict(X[:7]).shape == (7, *shape)
    assert fit.gradient(X[:7]).shape == (7, *shape, 2)
    assert fit.predict(X).dtype == fit.gradient(X).dtype == np.float64


@pytest.mark.parametrize("scaling", ["per_axis", "isotropic"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_the_gradient_is_that_of_predict_in_the_users_units(scaling, outputs):
    y = Y if outputs == 1 else np.column_stack([Y, 1e-3 * np.cos(X[:, 1] * 50)])
    fit = encoder(coordinate_scaling=scaling).fit(X, y)
    gradient = fit.gradient(X[:20])
    for axis, step in enumerate([3e3 * 1e-4, 0.04 * 1e-4]):
        move = np.zeros(2)
        move[axis] = step
        ahead, behind = X[:20] + move, X[:20] - move
        width = (ahead - behind)[:, axis].reshape(-1, *[1] * (y.ndim - 1))  # as rounded
        slope = (fit.predict(ahead) - fit.predict(behind)) / width
        size = np.abs(slope).max(axis=0)
        np.testing.assert_allclose(gradient[..., axis] / size, slope / size, atol=1e-5)


def test_predictions_in_blocks_are_those_of_small_batches(fitted):
    many = RNG.uniform(size=(150_000, 2)) * [3e3, 0.04] + [5e6, -2.0]
    whole = fitted.predict(many)
    rows = np.r_[0:50, 65_500:65_600, 131_040:131_100, 149_950:150_000]
    np.testing.assert_allclose(whole[rows], fitted.predict(many[rows]), rtol=1e-10)


def test_gradients_in_blocks_are_those_of_small_batches(fitted):
    many = RNG.uniform(size=(70_000, 2)) * [3e3, 0.04] + [5e6, -2.0]
    rows = np.r_[0:50, 65_500:65_600, 69_950:70_000]
    np.testing.assert_allclose(
        fitted.gradient(many)[rows], fitted.gradient(many[rows]), rtol=1e-8, atol=1e-10
    )


def test_staged_predict_ends_with_predict(fitted):
    (alone,) = fitted.staged_predict(X)  # the look-ahead has no stages
    np.testing.assert_array_equal(alone, fitted.predict(X))
    grown = encoder(search=LayerSearch(2, mode="growth")).fit(X, Y)
    stages = list(grown.staged_predict(X))
    assert len(stages) == 2
    np.testing.assert_array_equal(stages[-1], grown.predict(X))
    assert not np.array_equal(stages[0], stages[1])


def test_nothing_can_be_asked_before_the_fit():
    for ask in ("predict", "gradient"):
        with pytest.raises(NotFittedError):
            getattr(encoder(), ask)(X)
    with pytest.raises(NotFittedError):
        list(encoder().staged_predict(X))


# -- units ---------------------------------------------------------------------------------------


def test_units_change_nothing_but_the_units(fitted):
    a, b = np.array([1e-3, 25.0]), np.array([40.0, -7.0])
    other = encoder().fit(X * a + b, Y * 0.02 - 5)
    np.testing.assert_allclose(other.predict(X * a + b), fitted.predict(X) * 0.02 - 5, rtol=1e-6)
    slopes = fitted.gradient(X) * 0.02 / a
    np.testing.assert_allclose(
        other.gradient(X * a + b), slopes, atol=1e-6 * np.abs(slopes).max(axis=0).min()
    )


def test_isotropic_scaling_keeps_the_aspect():
    fit = encoder(coordinate_scaling="isotropic").fit(X, Y)
    assert np.ptp(fit.coordinate_scaling_.half_range) == 0
    extent = np.ptp(fit.coordinate_scaling_.scale(X), axis=0)
    assert extent[0] == pytest.approx(2)
    assert extent[1] / extent[0] == pytest.approx(np.ptp(X[:, 1]) / np.ptp(X[:, 0]), rel=1e-6)


def test_a_constant_coordinate_has_no_influence():
    padded = np.column_stack([X, np.full(len(X), 3.5)])
    fit = encoder().fit(padded, Y)
    assert np.all(fit.gradient(padded)[:, 2] == 0)
    np.testing.assert_array_equal(fit.predict(padded), fit.predict(padded + np.array([0, 0, 9])))


def test_a_constant_target_is_met_exactly():
    y = np.column_stack([Y, np.full(len(Y), 0.1)])
    fit = encoder().fit(X, y)
    assert np.all(fit.predict(X + 1)[:, 1] == 0.1)
    assert np.all(fit.gradient(X)[:, 1] == 0)
    assert np.all(encoder().fit(X, np.full(len(X), 4.25)).predict(X) == 4.25)


# -- randomness ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [None, 2, -1])
def test_the_same_seed_gives_the_same_network_whatever_n_jobs(fitted, n_jobs):
    assert torch.equal(weights(encoder(n_jobs=n_jobs).fit(X, Y)), weights(fitted))


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_the_same_seed_gives_the_same_network_in_other_backends(fitted, backend):
    with joblib.parallel_config(backend, n_jobs=2):
        fit = encoder().fit(X, Y)
    assert torch.equal(weights(fit), weights(fitted))


def test_another_seed_gives_another_network(fitted):
    assert not torch.equal(weights(encoder(random_state=1).fit(X, Y)), weights(fitted))


def test_a_random_state_instance_moves_on():
    state = np.random.RandomState(0)
    one, two = (encoder(random_state=state).fit(X, Y) for _ in range(2))
    assert not torch.equal(weights(one), weights(two))


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("random_state", [0, np.random.RandomState(3)])
def test_a_fit_leaves_global_state_alone(n_jobs, random_state):
    np_state, torch_state = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    grad = torch.is_grad_enabled()
    encoder(n_jobs=n_jobs, random_state=random_state).fit(X, Y).predict(X)
    np.testing.assert_equal(np.random.get_state(), np_state)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert torch.get_num_threads() == threads
    assert torch.get_default_dtype() == dtype
    assert torch.is_grad_enabled() == grad


# -- parameters ----------------------------------------------------------------------------------


def test_clones_and_nested_parameters():
    original = encoder(trainer=Trainer(learning_rate=1e-3))
    assert original.get_params()["search__n_layers"] == 2
    assert original.get_params()["dictionary__init"] == "unit"
    other = clone(original).set_params(search__n_layers=3, trainer__learning_rate=5e-3)
    assert (other.search.n_layers, other.trainer.learning_rate) == (3, 5e-3)
    assert (original.search.n_layers, original.trainer.learning_rate) == (2, 1e-3)


def test_a_fit_leaves_the_parameters_as_given():
    given = encoder(trainer=Trainer())
    before = {name: repr(value) for name, value in given.get_params().items()}
    held = (given.dictionary, given.search, given.trainer)
    given.fit(X, Y)
    assert {name: repr(value) for name, value in given.get_params().items()} == before
    assert (given.dictionary, given.search, given.trainer) == held
    assert given.search_ is not given.search
    assert given.trainer_ is not given.trainer


def test_grid_search_reaches_the_collaborators():
    grid = {"search__n_layers": [1, 2], "trainer__learning_rate": [1e-3, 1e-2]}
    search = GridSearchCV(encoder(trainer=Trainer()), grid, cv=2, error_score="raise").fit(X, Y)
    best = search.best_estimator_
    assert len(search.cv_results_["params"]) == 4
    assert len(best.activations_) == search.best_params_["search__n_layers"]
    assert best.trainer_.learning_rate == search.best_params_["trainer__learning_rate"]


# -- weights -------------------------------------------------------------------------------------


def test_rows_of_weight_zero_are_as_if_absent():
    mask = RNG.uniform(size=len(X)) < 0.7
    wild = np.where(mask[:, None], X, X * 7), np.where(mask, Y, 1e9)
    weighted = encoder().fit(*wild, sample_weight=mask.astype(float))
    removed = encoder().fit(X[mask], Y[mask])
    np.testing.assert_allclose(weighted.predict(X), removed.predict(X), rtol=1e-9)
    assert weighted.activations_ == removed.activations_


# -- going on ------------------------------------------------------------------------------------


def test_warm_start_goes_on():
    fit = encoder(warm_start=True).fit(X, Y)
    n_iter, sequence, loss = fit.n_iter_, fit.activations_, fit.best_loss_
    scaling = fit.value_scaling_
    fit.fit(X, Y)
    assert n_iter == 4
    assert fit.n_iter_ == len(fit.loss_curve_) == 8
    assert fit.activations_ == sequence
    assert fit.value_scaling_ is scaling
    assert fit.best_loss_ < loss
    np.testing.assert_array_equal(list(fit.staged_predict(X))[-1], fit.predict(X))


def test_an_interrupt_leaves_the_fit_before():
    first, again = encoder(), encoder(warm_start=True).fit(X, Y)
    before = again.predict(X)
    for fit in (first, again):
        interrupted = patch.object(Trainer, "train", side_effect=KeyboardInterrupt)
        with interrupted, pytest.raises(KeyboardInterrupt):
            fit.fit(X, Y)
    assert not hasattr(first, "network_")
    np.testing.assert_array_equal(again.predict(X), before)


def test_without_warm_start_a_fit_starts_anew(fitted):
    fit = encoder().fit(X[:40], Y[:40]).fit(X, Y)
    assert torch.equal(weights(fit), weights(fitted))


@pytest.mark.parametrize(
    ("change", "was"),
    [
        ({"hidden_width": 32}, "hidden_width cannot change: it was 16 and is now 32"),
        ({"dtype": "float32"}, "dtype cannot change: it was 'float64'"),
        ({"coordinate_scaling": "isotropic"}, "coordinate_scaling cannot change"),
        ({"search__n_layers": 3}, "the number of layers cannot change: it was 2 and is now 3"),
        ({"search": FixedSequence("sinusoid", 2)}, "the kind of search cannot change"),
        ({"dictionary": ["gaussian"]}, "the dictionary cannot change"),
        ({"dictionary": ActivationDictionary(SMOOTH.atoms, init=2.0)}, "the dictionary cannot"),
    ],
)
def test_warm_start_refuses_what_the_network_cannot_follow(change, was):
    fit = encoder(warm_start=True, search=LayerSearch(2)).fit(X, Y)
    before = fit.predict(X)
    with pytest.raises(ValueError, match=was):
        fit.set_params(**change).fit(X, Y)
    np.testing.assert_array_equal(fit.predict(X), before)


def test_warm_start_refuses_another_sequence():
    fit = encoder(warm_start=True, search=FixedSequence("gaussian", 2)).fit(X, Y)
    with pytest.raises(ValueError, match="the sequence cannot change: it was 'gaussian' and is"):
        fit.set_params(search__atoms="sinusoid").fit(X, Y)
    assert fit.set_params(search__atoms="gaussian").fit(X, Y).n_iter_ == 8


MODES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": partial(torch.autocast, "cpu", dtype=torch.bfloat16),
    "default device": partial(torch.device, "meta"),
}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_the_callers_modes_of_torch_do_not_matter(mode):
    def made():
        fit = encoder(dtype="float32").fit(X, Y)
        asked = fit.predict(X), fit.gradient(X), fit.transform(X)
        opened = pickle.loads(pickle.dumps(fit)).partial_fit(X, Y)
        own = fit.to_torch()(torch.tensor(X, device="cpu"))
        return *asked, opened.predict(X), own.shape, own.device

    expected = made()
    with mode():
        answers = made()
    np.testing.assert_equal(answers, expected)


def test_the_callers_default_device_does_not_matter():
    torch.set_default_device("meta")
    try:
        values = encoder().fit(X, Y).predict(X)
    finally:
        torch.set_default_device(None)
    np.testing.assert_array_equal(values, encoder().fit(X, Y).predict(X))


def test_memory_of_a_query_is_that_of_its_answer():
    fit = encoder(hidden_width=4, search=FixedSequence("sinusoid", 1)).fit(X, np.c_[Y, Y, Y])
    many = np.tile(X, (5_000, 1))
    fit.predict(many[:10])
    tracemalloc.start()
    answer = fit.predict(many)
    peak = tracemalloc.get_traced_memory()[1]  # of NumPy's arrays
    tracemalloc.stop()
    assert peak < 1.2 * answer.nbytes + 2**24


@pytest.mark.parametrize(("size", "gained"), [(1_000, -2.0), (100, 5.0)])
def test_more_of_a_signal_does_not_cost_what_was_fitted_and_teaches_a_small_fit(size, gained):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, (4_000, 1))
    truth = (np.sin(2 * x) + 0.3 * np.sin(9 * x)).ravel()
    y = truth + 0.02 * rng.standard_normal(len(x))
    fit = MIREncoder(
        search=FixedSequence("sinusoid"), hidden_width=32, max_epochs=20, random_state=0
    )
    errors = []
    for start in range(0, len(x), size):
        fit.partial_fit(x[start : start + size], y[start : start + size])
        errors.append(10 * np.log10(np.mean((fit.predict(x) - truth) ** 2)))
    assert errors[0] - np.mean(errors[-3:]) > gained


def test_partial_fit_fixes_scaling_and_sequence():
    fit = encoder(trainer=Trainer(learning_rate=1e-2)).partial_fit(X, Y)
    first = encoder(trainer=Trainer(learning_rate=1e-2)).fit(X, Y)
    np.testing.assert_array_equal(fit.predict(X), first.predict(X))
    scalings = fit.coordinate_scaling_, fit.value_scaling_
    fit.partial_fit(X[:30] + 1, Y[:30] * 3)
    assert (fit.coordinate_scaling_, fit.value_scaling_) == scalings
    assert fit.activations_ == first.activations_
    assert fit.n_iter_ == len(fit.loss_curve_) == first.n_iter_ + 1
    assert not np.array_equal(fit.predict(X), first.predict(X))


def test_what_partial_fit_adds_does_not_grow_with_the_calls():
    def size():
        return len(pickle.dumps(fit)) - fit.search_result_.path[-1].training.curve.nbytes

    fit = encoder(search=FixedSequence("gaussian", 1), max_epochs=2).fit(X, Y)
    with patch.object(SearchResult, "table") as table:
        size_of_one = fit.partial_fit(X, Y) and size()
        for _ in range(20):
            fit.partial_fit(X, Y)
        assert size() < size_of_one + 100
    assert table.call_count == 0  # made when asked for
    assert fit.search_results_["stage"].tolist() == ["", "partial_fit"]
    assert fit.search_results_["epochs"].tolist() == [2, 21]
    assert fit.n_iter_ == len(fit.loss_curve_) == 23
    assert fit.best_loss_ == fit.search_results_["loss"][-1]


def test_a_whole_training_between_batches_has_a_row_of_its_own():
    fit = encoder(search=FixedSequence("gaussian", 1), warm_start=True).fit(X, Y)
    fit.partial_fit(X, Y).partial_fit(X, Y).fit(X, Y).partial_fit(X, Y)
    assert fit.search_results_["epochs"].tolist() == [4, 2, 4, 1]
    assert fit.search_results_["effective_epochs"].tolist() == [4, 6, 10, 11]


@pytest.mark.parametrize("name", ["search_results_", "loss_curve_"])
def test_what_is_made_when_asked_for_is_not_there_before_a_fit(name):
    assert not hasattr(encoder(), name)
    with pytest.raises(NotFittedError):
        getattr(encoder(), name)


def test_partial_fit_refuses_other_numbers_of_outputs():
    fit = encoder().partial_fit(X, Y)
    with pytest.raises(ValueError, match="y has 2 outputs, but the encoder was fitted with 1"):
        fit.partial_fit(X, np.column_stack([Y, Y]))


# -- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("search", [LayerSearch(2), FixedSequence("sinusoid", 2)])
@pytest.mark.filterwarnings("ignore:The time limit of")  # on a busy machine
def test_a_time_limit_ends_the_fit(search):
    begun = time.perf_counter()
    fit = encoder(search=search, time_limit=0.6, max_epochs=10**6).fit(X, Y)
    assert time.perf_counter() - begun < 6
    assert set(fit.search_results_["outcome"]) == {"time limit"}
    assert np.isfinite(fit.predict(X)).all()


@pytest.mark.parametrize("search", [LayerSearch(2), FixedSequence("sinusoid", 2)])
def test_a_fit_that_a_time_limit_ends_as_it_begins_says_so(search):
    told = "ended the fit after 1 of 60 epochs.* Raise time_limit"
    with pytest.warns(ConvergenceWarning, match=told) as caught:
        encoder(search=search, time_limit=1e-9, max_epochs=60).fit(X, Y)
    assert caught[0].filename == __file__
    encoder(search=search, time_limit=1e-9, max_epochs=4).fit(
        X, Y
    )  # few are all that was asked for


def test_a_time_limit_that_is_not_reached_ends_nothing():
    fit = encoder(time_limit=600).fit(X, Y)
    assert set(fit.search_results_["outcome"]) == {"completed"}
    assert all(a <= b for a, b in pairwise(fit.search_results_["layer"]))


def test_torch_and_numba_are_imported_before_the_time_of_a_fit_runs():
    code = """
import sys
import numpy as np
from skmire import FixedSequence, MIREncoder

class Watched(FixedSequence):
    def search(self, problem, trainer):
        self.before = set(sys.modules)
        result = super().search(problem, trainer)
        late = {m for m in set(sys.modules) - self.before if m.split(".")[0] in ("torch", "numba")}
        print(len(late) < 5, "torch._dynamo" in self.before)  # some come with a compilation
        return result

x = np.linspace(0, 1, 20)[:, None]
MIREncoder(search=Watched("gaussian", 1), hidden_width=8, max_epochs=2, time_limit=60).fit(x, x)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"]


def test_what_cannot_fit_is_refused_before_it_is_tried(fitted, monkeypatch):
    monkeypatch.setattr("skmire._memory.available", lambda: 1_000)
    x = np.zeros((40_000, fitted.n_features_in_))
    with pytest.raises(MemoryError, match=r"answer for 40,000 coordinates needs .* GiB"):
        fitted.predict(x)
    with pytest.raises(MemoryError, match=r"Fitting 10,000 samples needs .*partial_fit"):
        clone(fitted).fit(np.arange(20_000.0).reshape(-1, 2), np.zeros(10_000))
    monkeypatch.setattr("skmire._memory.available", lambda: None)  # where the system does not say
    assert len(fitted.predict(x)) == 40_000


def test_a_row_is_predicted_without_asking_the_system_or_moving_the_network(fitted):
    with patch("skmire._memory.available") as asked, patch.object(torch.nn.Module, "to") as moved:
        fitted.predict(X[:1])
        fitted.gradient(X[:1])
        fitted.transform(X[:1])
    assert asked.call_count == moved.call_count == 0


def test_the_systems_word_on_memory_is_read(tmp_path, monkeypatch):
    meminfo = tmp_path / "meminfo"
    monkeypatch.setattr("skmire._memory._MEMINFO", meminfo)
    assert available() is None
    meminfo.write_text("MemTotal:  8 kB\nMemAvailable:  3 kB\n")
    assert available() == 3_072
    meminfo.write_text("MemTotal:  8 kB\n")
    assert available() is None


class Bend:
    """An activation without a name of its own."""

    def __call__(self, z):
        return z.tanh()


def test_a_fit_of_a_callable_goes_on():
    fit = encoder(dictionary=None, search=FixedSequence(Bend(), 2), warm_start=True).fit(X, Y)
    fit.fit(X, Y)
    fit.partial_fit(X, Y)
    with pytest.raises(ValueError, match="the sequence cannot change"):
        fit.set_params(search=FixedSequence("sinusoid", 2)).fit(X, Y)


def test_samples_held_out_stay_so_when_a_fit_goes_on():
    held_out, train = [], Trainer.train

    def watched(self, field, samples, apart, **options):
        held_out.append(apart.inputs.clone())
        return train(self, field, samples, apart, **options)

    trainer = Trainer(early_stopping=True)
    fit = encoder(search=FixedSequence("sinusoid", 2), trainer=trainer, warm_start=True)
    with patch.object(Trainer, "train", watched):
        for _ in range(3):
            fit.fit(X, Y)
    for again in held_out[1:]:
        torch.testing.assert_close(again, held_out[0])


def test_rows_of_weight_0_do_not_count_in_a_score(fitted):
    counts = np.ones(len(X))
    counts[[3, 7]] = 0
    known = counts > 0
    wanted = fitted.score(X[known], Y[known])
    y, places = np.where(known, Y, np.nan), np.where(known[:, None], X, np.nan)
    assert fitted.score(places, y, counts) == pytest.approx(wanted)
    with pytest.raises(ValueError, match="one weight a sample"):
        fitted.score(X, Y, counts[1:])


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200])
def test_the_score_does_not_depend_on_the_unit(size, fitted):
    y = np.column_stack([Y, np.cos(X[:, 1])])
    wanted = encoder().fit(X, y).score(X, y)
    assert encoder().fit(X, y * [1, size]).score(X, y * [1, size]) == pytest.approx(wanted)
    assert fitted.score(X, Y) == r2_score(Y, fitted.predict(X))


def test_files_that_a_container_has_read_are_no_memory_in_use(tmp_path):
    for name, told in (("max", "4096"), ("current", "4000"), ("stat", "anon 10\nfile 3000\n")):
        (tmp_path / f"memory.{name}").write_text(told)
    with patch.object(_memory, "_CONTAINER", tmp_path):
        assert available() == 96
        (tmp_path / "memory.stat").write_text("anon 10\nactive_file 1000\ninactive_file 2000\n")
        assert available() == 3096
