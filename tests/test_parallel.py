"""Candidates on joblib's backends: the result is the same on each, bit for bit."""

import warnings

import joblib
import numpy as np
import pytest
import sklearn

from skmire import LayerSearch, MIREncoder, ProjectionSearch
from skmire.search import BayesSearch
from skmire.search._side_by_side import side_by_side
from skmire.testing._search_setting import difference

X = np.linspace(-1, 1, 80)[:, None]
Y = np.sin(9 * X[:, 0]) + 0.3 * X[:, 0]
SEARCHES = [
    LayerSearch(2),
    LayerSearch("auto", max_layers=2),
    LayerSearch(2, mode="growth"),
    ProjectionSearch(2, 20, 3),
    BayesSearch(2, 6),
]


def fit(search, **options):
    return MIREncoder(
        ["sinusoid", "gaussian", "complex_gabor"], search, hidden_width=8, max_epochs=6,
        random_state=0, **options,
    ).fit(X, Y)  # fmt: skip


def assert_alike(one, other):
    assert difference(one.search_result_, other.search_result_) == ""
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_a_backend_changes_nothing(search, backend):
    plain = fit(search)
    with joblib.parallel_config(backend, n_jobs=2):
        assert_alike(fit(search), plain)


def test_workers_of_dask_change_nothing():
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")
    plain = fit(LayerSearch(2))
    with (
        distributed.Client(
            processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None
        ),
        joblib.parallel_config("dask"),
    ):
        assert_alike(fit(LayerSearch(2)), plain)


def test_the_backend_asked_for_is_the_one_that_works(monkeypatch):
    class Noting(joblib.parallel.ThreadingBackend):
        submitted = 0

        def submit(self, func, callback=None):
            Noting.submitted += 1
            return super().submit(func, callback)

    monkeypatch.setitem(joblib.parallel.BACKENDS, "noting", Noting)
    with joblib.parallel_config("noting", n_jobs=2):
        fitted = fit(LayerSearch(2))
    stages = fitted.search_results_["stage"].tolist()
    assert Noting.submitted >= stages.count("layer 1") + stages.count("finalists") > 4


def test_workers_have_the_configuration_and_the_filters_of_warnings_stay():
    def configured(wanted):
        return sklearn.get_config()["assume_finite"] is wanted

    with warnings.catch_warnings(), sklearn.config_context(assume_finite=True):
        warnings.simplefilter("ignore", FutureWarning)
        before = list(warnings.filters)
        with joblib.parallel_config("threading", n_jobs=2):
            assert all(side_by_side(configured, [(True,)] * 50, n_jobs=None))
        assert warnings.filters == before
