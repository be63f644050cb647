"""A fit watched through scikit-learn's callbacks, and ended early by them."""

import inspect
import re
import threading
import time

import numpy as np
import pytest
import torch
from sklearn.callback import CallbackSupportMixin, ProgressBar, ScoringMonitor
from sklearn.callback._callback_context import CallbackContext
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

from skmire import FixedSequence, LayerSearch, MIREncoder
from skmire._callbacks import progress_bar
from skmire.atoms import FunctionAtom
from skmire.metrics import psnr, psnr_scorer
from skmire.search import DivergenceError

X = np.linspace(-1, 1, 64)[:, None]
Y = np.sin(9 * X[:, 0]) + 0.3 * X[:, 0]
PAIR = ["sinusoid", "gaussian"]


def runaway(z):
    return z * float("nan")


class Watcher:
    """A callback by scikit-learn's protocol, that writes everything down."""

    def __init__(self, stop=lambda context: False, query=False):
        self.begun, self.ended, self.phases = [], [], []
        self.queried, self.predictions = [], []
        self.stop, self.query = stop, query

    def setup(self, estimator, context):
        self.phases.append("setup")

    def teardown(self, estimator, context):
        self.phases.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.ended.append(context.task_name)
        if self.query and fitted_estimator is not None:
            self.queried.append(context.task_name)
            self.predictions.append(fitted_estimator.predict(X))
        return self.stop(context)


GROWTH = LayerSearch(2, mode="growth", epochs=(2, 3))
BOTH = pytest.mark.parametrize("search", [GROWTH, LayerSearch(2)], ids=lambda s: s.mode)


def watched(watcher, search=GROWTH, dictionary=PAIR, **options):
    options = {"hidden_width": 16, "random_state": 0, **options}
    encoder = MIREncoder(dictionary, search, **options)
    return encoder.set_callbacks(watcher).fit(X, Y)


def test_a_callback_sees_layers_candidates_and_epochs():
    watcher = Watcher()
    watched(watcher)
    assert watcher.phases == ["setup", "teardown"]
    assert watcher.begun.count("epoch") == 2 * 2 + 2 * 3
    assert [n for n in watcher.begun if n.startswith("layer")] == ["layer 1", "layer 2"]
    candidates = [n for n in watcher.begun if n.startswith("candidate")]
    assert candidates == ["candidate sinusoid", "candidate gaussian"] * 2
    assert sorted(watcher.begun) == sorted(watcher.ended)


def test_a_callback_that_stops_an_epoch_ends_the_candidate():
    fitted = watched(Watcher(lambda context: context.task_name == "epoch"))
    assert set(fitted.search_results_["outcome"]) == {"stopped by a callback"}
    assert fitted.search_results_["epochs"].tolist() == [1, 1, 1, 1]


def test_a_callback_that_stops_a_layer_ends_the_search():
    fitted = watched(Watcher(lambda context: context.task_name == "layer 1"))
    assert len(fitted.activations_) == 1


@pytest.mark.parametrize("stopped", ["layer 1", "scales", "rates", "layer 2", "finalists", "fit"])
def test_a_callback_that_stops_a_round_leaves_the_best_so_far(stopped):
    watcher = Watcher(lambda context: context.task_name == stopped)
    fitted = watched(watcher, LayerSearch(2), max_epochs=12)
    rounds = list(dict.fromkeys(fitted.search_results_["stage"].tolist()))
    decided = ["layer 1", "scales", "rates", "layer 2", "finalists", "fit"]
    cut = decided[: decided.index(stopped) + 1]
    assert rounds == [*cut, *(r for r in ("finalists", "fit") if r not in cut)]
    *rest, last = fitted.search_result_.trace
    assert last.chosen
    assert last.n_samples == len(X)
    if stopped not in ("finalists", "fit"):
        best = min((c for c in rest if c.stage in cut), key=lambda c: c.loss)
        assert [c.atom for c in rest if c.stage == "finalists"] == [best.atom] == [last.atom]
        assert last.scales == best.scales


def test_a_callback_that_stops_a_candidate_leaves_out_those_after():
    fitted = watched(Watcher(lambda context: context.task_name == "candidate sinusoid"))
    assert fitted.search_results_["atom"].tolist() == ["sinusoid", "sinusoid"]


@BOTH
def test_a_callback_can_query_the_fit_as_it_stands(search):
    watcher = Watcher(query=True)
    fitted = watched(watcher, search, max_epochs=12)
    assert len(watcher.predictions) >= 10
    assert all(p.shape == Y.shape and np.isfinite(p).all() for p in watcher.predictions)
    np.testing.assert_array_equal(watcher.predictions[-1], fitted.predict(X))


@BOTH
def test_a_callback_is_shown_the_best_network_of_a_round(search):
    watcher = Watcher(query=True)
    fitted = watched(watcher, search, [FunctionAtom(runaway), "relu", "sinusoid"], max_epochs=30)
    first = [c for c in fitted.search_result_.trace if c.stage == "layer 1"]
    best = min(first[1:], key=lambda c: c.loss)  # the very first has diverged
    end = watcher.queried.index("layer 1")
    its_own = watcher.queried.index(f"candidate {best.atom}")
    np.testing.assert_array_equal(watcher.predictions[end], watcher.predictions[its_own])


@BOTH
def test_tasks_that_begin_also_end_when_a_candidate_diverges(search):
    watcher = Watcher()
    watched(watcher, search, ["gaussian", FunctionAtom(runaway)])
    assert sorted(watcher.begun) == sorted(watcher.ended)


@BOTH
def test_tasks_that_begin_also_end_when_every_candidate_diverges(search):
    watcher = Watcher()
    with pytest.raises(DivergenceError):
        watched(watcher, search, [FunctionAtom(runaway)])
    failed = [name for name in watcher.begun if name == "fit"]  # the fit itself has failed
    assert sorted(watcher.begun) == sorted([*watcher.ended, *failed])


@BOTH
def test_tasks_that_begin_also_end_when_a_fit_goes_on(search):
    watcher = Watcher()
    fitted = watched(watcher, search, warm_start=True, max_epochs=3)
    fitted.fit(X, Y)
    assert watcher.phases == ["setup", "teardown"] * 2
    assert sorted(watcher.begun) == sorted(watcher.ended)


# -- side by side --------------------------------------------------------------------------------

FOUR = ["gaussian", "sinusoid", "sinc", "gabor"]


def several(watcher, **options):
    search = LayerSearch(2, mode="growth", epochs=(12, 12))
    encoder = MIREncoder(FOUR, search, hidden_width=16, random_state=0, **options)
    return encoder.set_callbacks(watcher)


@pytest.mark.parametrize("stopped", ["candidate gaussian", "candidate sinusoid", "candidate gabor"])
def test_a_stop_leaves_out_the_same_candidates_whatever_n_jobs(stopped):
    one, two = (
        several(Watcher(lambda context: context.task_name == stopped), n_jobs=n_jobs).fit(X, Y)
        for n_jobs in (1, 2)
    )
    kept = FOUR[: FOUR.index(stopped.removeprefix("candidate ")) + 1]
    for fit in (one, two):
        assert fit.search_results_["atom"].tolist() == kept * 2
    assert one.search_results_["loss"].tolist() == two.search_results_["loss"].tolist()


def test_nothing_goes_on_after_a_stopped_fit():
    watcher = Watcher(lambda context: context.task_name == "candidate gaussian")
    several(watcher, n_jobs=2).fit(X, Y)
    begun, threads = list(watcher.begun), threading.active_count()
    assert sorted(begun) == sorted(watcher.ended)
    time.sleep(0.3)
    assert watcher.begun == begun
    assert threading.active_count() <= threads


class Broken(Watcher):
    """A callback that fails when the task of this name ends."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def on_fit_task_end(self, estimator, context, **asked):
        if context.task_name == self.name:
            raise OSError("disk full")
        return super().on_fit_task_end(estimator, context)


def threads_of_a_new_thread():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return seen[0]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_in_a_candidate_comes_out_when_all_have_returned(n_jobs):
    watcher, before = Broken("candidate sinusoid"), threads_of_a_new_thread()
    with pytest.raises(OSError, match="disk full"):
        several(watcher, n_jobs=n_jobs).fit(X, Y)
    begun = list(watcher.begun)
    time.sleep(0.3)
    assert watcher.begun == begun
    assert threads_of_a_new_thread() == torch.get_num_threads() == before


@pytest.mark.parametrize("name", ["epoch", "candidate sinc", "layer 2", "fit"])
def test_a_callback_that_fails_leaves_the_encoder_as_it_was(name):
    fresh = several(Broken(name))
    with pytest.raises(OSError, match="disk full"):
        fresh.fit(X, Y)
    assert not any(attribute.endswith("_") for attribute in vars(fresh))
    fit = several(Watcher()).fit(X, Y)
    before = fit.predict(X)
    with pytest.raises(OSError, match="disk full"):
        fit.set_callbacks(Broken(name)).fit(np.c_[X, X], Y)
    np.testing.assert_array_equal(fit.predict(X), before)


# -- scikit-learn's own --------------------------------------------------------------------------


def encoder(**options):
    return MIREncoder(PAIR, GROWTH, hidden_width=16, random_state=0, **options)


def test_the_scoring_monitor_has_a_score_for_every_epoch_of_every_candidate():
    monitor = ScoringMonitor(scoring=psnr_scorer)
    fit = encoder().set_callbacks(monitor).fit(X, Y)
    rows = monitor.get_logs(include_lineage=True).data_as_pandas
    assert (rows["task_name"] == "epoch").sum() == 2 * 2 + 2 * 3
    assert set(rows["task_name"]) == {
        "fit", "layer 1", "layer 2", "candidate sinusoid", "candidate gaussian", "epoch",
    }  # fmt: skip
    whole = rows[rows["task_name"] == "fit"]
    assert whole["score"].tolist() == [psnr(Y, fit.predict(X))]
    of_layers = rows[rows["task_name"] == "layer 1"]["score"].tolist()
    assert of_layers == [psnr(Y, next(fit.staged_predict(X)))]


def test_the_scoring_monitor_weighs_as_the_fit_does():
    monitor, weights = ScoringMonitor(scoring=["r2"]), np.linspace(0, 2, len(X))
    fit = encoder().set_callbacks(monitor).fit(X, Y, sample_weight=weights)
    rows = monitor.get_logs().data
    whole = [row["r2"] for row in rows if row["task_name"] == "fit"]
    assert whole == [r2_score(Y, fit.predict(X), sample_weight=weights)]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_scoring_monitor_goes_with_the_clones_of_a_grid_search(n_jobs):
    monitor = ScoringMonitor(scoring="r2")
    model = encoder().set_callbacks(monitor)
    grid = {"search__n_layers": [1, 2], "search__epochs": [None]}
    search = GridSearchCV(model, grid, cv=2, refit=False, n_jobs=n_jobs, error_score="raise")
    search.fit(X, Y)
    fits = [row for row in monitor.get_logs().data if row["estimator_name"] == "MIREncoder"]
    assert len({row["task_id_path"][:-1] for row in fits if row["task_name"] == "epoch"}) == 12


def test_the_progress_bar_tells_layers_and_candidates(capsys):
    encoder().set_callbacks(ProgressBar()).fit(X, Y)
    shown = capsys.readouterr().out
    for name in ("MIREncoder - fit", "layer 1", "layer 2", "sinusoid", "gaussian"):
        assert name in shown
    assert re.search(r"layer 2.*100%", shown)


def test_there_is_a_progress_bar_where_rich_is():
    pytest.importorskip("rich", reason="rich draws the bars")
    assert isinstance(progress_bar(), ProgressBar)


def test_a_stopped_sequence_says_so():
    watcher = Watcher(lambda context: context.task_name == "epoch")
    fit = watched(watcher, search=FixedSequence("sinusoid", 1))
    assert fit.search_results_["outcome"].tolist() == ["stopped by a callback"]
    assert fit.n_iter_ == 1


def test_stopping_leaves_a_fit_that_answers_and_scores():
    fit = watched(Watcher(lambda context: context.task_name == "epoch"))
    assert np.isfinite(fit.predict(X)).all()
    assert np.isfinite(fit.gradient(X)).all()


def test_watching_changes_nothing():
    plain = encoder().fit(X, Y)
    seen = encoder().set_callbacks(ScoringMonitor(scoring="r2")).fit(X, Y)
    for one, other in zip(plain.network_.parameters(), seen.network_.parameters(), strict=True):
        assert torch.equal(one, other)


# -- the contract --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (CallbackSupportMixin._init_callback_context, {"max_subtasks": None}),
        (
            CallbackContext.subcontext,
            {
                "task_name": "epoch",
                "task_id": None,
                "max_subtasks": 0,
                "sequential_subtasks": True,
            },
        ),
        (
            CallbackContext.call_on_fit_task_begin,
            {"estimator": None, "X": X, "y": Y, "metadata": {}},
        ),
        (
            CallbackContext.call_on_fit_task_end,
            {
                "estimator": None,
                "X": X,
                "y": Y,
                "metadata": {},
                "reconstruction_attributes": None,
            },
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_scikit_learn_still_takes_what_the_library_gives(function, arguments):
    # The interface is experimental: a failure here means that skmire/_callbacks.py has to follow.
    inspect.signature(function).bind(None, **arguments)
