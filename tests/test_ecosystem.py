"""At home in scikit-learn: its compositions, its searches, its routing, its pictures."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LinearRegression
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import estimator_html_repr

from skmire import (
    ActivationDictionary,
    Architecture,
    FixedSequence,
    LayerSearch,
    MIREncoder,
    Trainer,
)
from skmire.metrics import psnr, psnr_scorer

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(90, 2)) * [4, 30] + [10, -60]
Y = np.sin(3 * X[:, 0]) + X[:, 1] / 30
FOLDS = KFold(2, shuffle=True, random_state=0)
GRID = {
    "search__n_layers": [1],
    "dictionary__atoms": [["sinusoid"], ["gaussian"]],
    "trainer__learning_rate": [1e-4, 1e-2],
}


def encoder(**options):
    defaults = {
        "dictionary": ActivationDictionary(["gaussian", "sinusoid"], init="unit"),
        "search": LayerSearch(1, mode="growth"),  # as quick as can be: the subject is sklearn
        "trainer": Trainer(learning_rate=1e-2, polish=False),
        "hidden_width": 16,
        "max_epochs": 20,
        "dtype": "float64",
        "random_state": 0,
    }
    return MIREncoder(**{**defaults, **options})


def nested(grid, *, step=None):
    return grid if step is None else {f"{step}__{name}": values for name, values in grid.items()}


# -- compositions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda *args: GridSearchCV(*args, cv=FOLDS, n_jobs=2, error_score="raise"),
        lambda *args: HalvingGridSearchCV(
            *args, cv=FOLDS, n_jobs=2, error_score="raise", min_resources=20, random_state=0
        ),
        lambda *args: RandomizedSearchCV(
            *args, cv=FOLDS, n_jobs=2, error_score="raise", n_iter=4, random_state=0
        ),
    ],
    ids=["grid", "halving", "randomized"],
)
@pytest.mark.parametrize("step", [None, "mirencoder"])
def test_searches_reach_the_collaborators_in_other_processes(make, step):
    model = encoder() if step is None else make_pipeline(StandardScaler(), encoder())
    search = make(model, nested(GRID, step=step)).fit(X, Y)
    best = search.best_estimator_ if step is None else search.best_estimator_[-1]
    prefix = "" if step is None else f"{step}__"
    assert len(best.activations_) == search.best_params_[f"{prefix}search__n_layers"]
    assert list(best.dictionary_.names) == search.best_params_[f"{prefix}dictionary__atoms"]
    rate = search.best_params_[f"{prefix}trainer__learning_rate"]
    assert best.trainer_.learning_rate == rate
    if not isinstance(search, HalvingGridSearchCV):  # which judges by 20 samples at first
        assert rate == 1e-2  # the other one hardly moves the weights
    again = clone(model).set_params(**search.best_params_).fit(X, Y)
    np.testing.assert_array_equal(search.predict(X), again.predict(X))


def test_whole_collaborators_can_be_searched_over():
    grid = {"search": [FixedSequence("sinusoid", 1), LayerSearch(1)], "trainer": [None, Trainer()]}
    search = GridSearchCV(encoder(), grid, cv=FOLDS, n_jobs=2, error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 4


def test_a_search_over_what_was_not_given_says_what_to_give():
    search = GridSearchCV(MIREncoder(), {"search__n_layers": [1]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match=r"as in MIREncoder\(search=LayerSearch\(\)\)"):
        search.fit(X, Y)


def test_a_collaborator_and_its_parameters_can_be_set_at_once():
    model = MIREncoder().set_params(search=LayerSearch(), search__n_layers=5)
    assert model.search.n_layers == 5


def test_a_pipeline_is_its_steps():
    scaler = StandardScaler().fit(X)
    alone = encoder().fit(scaler.transform(X), Y)
    pipeline = make_pipeline(StandardScaler(), encoder()).fit(X, Y)
    np.testing.assert_array_equal(pipeline.predict(X), alone.predict(scaler.transform(X)))
    assert pipeline.score(X, Y) == alone.score(scaler.transform(X), Y)


def test_a_transformed_target_is_transformed_back():
    y = np.exp(Y)
    model = TransformedTargetRegressor(encoder(), func=np.log, inverse_func=np.exp).fit(X, y)
    alone = encoder().fit(X, np.log(y))
    np.testing.assert_allclose(model.predict(X), np.exp(alone.predict(X)), rtol=1e-12)


def test_cross_validation_is_the_folds_one_by_one():
    scores = cross_val_score(encoder(), X, Y, cv=FOLDS, n_jobs=2)
    one_by_one = [encoder().fit(X[a], Y[a]).score(X[b], Y[b]) for a, b in FOLDS.split(X)]
    np.testing.assert_allclose(scores, one_by_one, rtol=1e-10)
    assert cross_val_predict(encoder(), X, Y, cv=FOLDS).shape == Y.shape


def test_bagging_draws_other_networks_and_averages_them():
    member = encoder(network=Architecture(output_scale=1.0))  # starts differ far from the samples
    bag = BaggingRegressor(member, n_estimators=4, random_state=0, n_jobs=2).fit(X, Y)
    members = np.array([member.predict(X) for member in bag.estimators_])
    np.testing.assert_allclose(bag.predict(X), members.mean(axis=0), rtol=1e-10)
    assert len({member.random_state for member in bag.estimators_}) == 4
    far = np.add(X, [40, 0])  # where there are no samples
    spread_far = np.std([member.predict(far) for member in bag.estimators_], axis=0)
    assert np.median(spread_far) > 1.5 * np.median(members.std(axis=0))


# -- routing -------------------------------------------------------------------------------------

WEIGHTS = np.where(np.arange(len(X)) % 3 > 0, 1.0, 0.0)


@pytest.mark.parametrize("model", [encoder(), make_pipeline(StandardScaler(), encoder())])
def test_weights_reach_the_fit_without_routing(model):
    name = "sample_weight" if isinstance(model, MIREncoder) else "mirencoder__sample_weight"
    weighted = clone(model).fit(X, np.where(WEIGHTS > 0, Y, 99), **{name: WEIGHTS})
    if isinstance(model, MIREncoder):
        kept = clone(model).fit(X[WEIGHTS > 0], Y[WEIGHTS > 0])
        np.testing.assert_allclose(weighted.predict(X), kept.predict(X), rtol=1e-8)
    assert np.abs(weighted.predict(X)).max() < 10  # no trace of the 99


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_weights_reach_fit_and_score_with_routing(n_jobs):
    with config_context(enable_metadata_routing=True):
        model = encoder().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        search = GridSearchCV(
            pipeline,
            {"mirencoder__search__n_layers": [1]},
            cv=FOLDS,
            n_jobs=n_jobs,
            error_score="raise",
        ).fit(X, np.where(WEIGHTS > 0, Y, 99), sample_weight=WEIGHTS)
        expected = []
        for a, b in FOLDS.split(X):
            scaler = StandardScaler().fit(X[a])
            keep_a, keep_b = a[WEIGHTS[a] > 0], b[WEIGHTS[b] > 0]
            fit = encoder().fit(scaler.transform(X[keep_a]), Y[keep_a])
            expected.append(fit.score(scaler.transform(X[keep_b]), Y[keep_b]))
    np.testing.assert_allclose(
        [search.cv_results_[f"split{i}_test_score"][0] for i in range(2)], expected, rtol=1e-6
    )


def test_weights_that_nobody_asked_for_are_refused_with_routing():
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(encoder(), {"search__n_layers": [1]}, cv=2, error_score="raise")
        with pytest.raises(ValueError, match=r"sample_weight.* are passed but are not explicitly"):
            search.fit(X, Y, sample_weight=WEIGHTS)


def test_a_scorer_takes_weights_with_routing():
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(psnr, data_range=2.0).set_score_request(sample_weight=True)
        model = encoder().set_fit_request(sample_weight=True)
        scores = cross_val_score(
            model, X, Y, cv=FOLDS, scoring=scorer, params={"sample_weight": WEIGHTS}
        )
        a, b = next(FOLDS.split(X))
        fit = encoder().fit(X[a], Y[a], WEIGHTS[a])
    keep = b[WEIGHTS[b] > 0]
    assert scores[0] == pytest.approx(psnr(Y[keep], fit.predict(X[keep]), data_range=2.0))


# -- scores --------------------------------------------------------------------------------------


def test_the_psnr_scorer_is_psnr():
    fit = encoder().fit(X, Y)
    assert psnr_scorer(fit, X, Y) == psnr(Y, fit.predict(X))
    scores = cross_val_score(encoder(), X, Y, cv=FOLDS, scoring=psnr_scorer)
    assert np.all(np.isfinite(scores))


def test_the_psnr_scorer_ranks_as_the_squared_error():
    rates = [1e-4, 1e-2]
    grid = {"trainer__learning_rate": rates}
    search = GridSearchCV(encoder(), grid, cv=FOLDS, scoring=psnr_scorer).fit(X, Y)
    assert search.best_params_ == {"trainer__learning_rate": 1e-2}


def test_psnr_weighs_and_refuses():
    y, fit, weights = np.array([0.0, 1, 2]), np.array([0.5, 1, 9]), [3, 1, 0]
    assert psnr(y, fit, sample_weight=weights) == pytest.approx(
        10 * np.log10(1 / (3 * 0.25 / 4)), rel=1e-12
    )
    two = np.c_[y, y], np.c_[fit, y]
    assert psnr(*two, sample_weight=weights) == pytest.approx(
        10 * np.log10(1 / (3 * 0.25 / 8)), rel=1e-12
    )
    with pytest.raises(ValueError, match="a range above 0, got 0; pass data_range"):
        psnr(np.ones(3), np.zeros(3))
    assert psnr(np.ones(3), np.ones(3)) == np.inf


@pytest.mark.parametrize("columns", [1, 2])
def test_psnr_is_that_of_the_samples_that_count(columns):
    rng = np.random.default_rng(0)
    true, fit = rng.normal(size=(2, 30, columns))
    weights = np.where(np.arange(30) % 3 > 0, rng.uniform(1, 2, 30), 0.0)
    true[::3] = [[1e9]] * 5 + [[np.nan]] * 5  # the range of these does not count either
    kept = weights > 0
    removed = psnr(true[kept], fit[kept], sample_weight=weights[kept])
    assert np.isfinite(removed)
    assert psnr(true, fit, sample_weight=weights) == pytest.approx(removed, rel=1e-12)
    with pytest.raises(ValueError, match="a range above 0, got 0"):
        psnr(np.where(kept, 1.0, 2.0), fit[:, 0], sample_weight=weights)


@pytest.mark.parametrize(
    ("n", "options", "words"),
    [
        (3, {"sample_weight": [0, 0, 0]}, "and one above 0, got sample_weight from 0 to 0"),
        (3, {"sample_weight": [1, -1, 1]}, "at least 0, .* from -1 to 1. A weight of 0 leaves"),
        (3, {"sample_weight": [1, np.nan, 1]}, "finite weights"),
        (3, {"sample_weight": [1, 1]}, r"of shape \(3,\), got sample_weight of shape \(2,\)"),
        (3, {"sample_weight": [[1], [1], [1]]}, r"got sample_weight of shape \(3, 1\)"),
        (0, {}, r"one sample or more, got y_true of shape \(0,\)"),
        (0, {"sample_weight": []}, "one sample or more"),
        (3, {"data_range": np.nan}, "finite data_range above 0, got nan; pass"),
        (3, {"data_range": np.inf}, "finite data_range above 0, got inf"),
        (3, {"data_range": 0}, "finite data_range above 0, got 0"),
        (3, {"data_range": -1.0}, "finite data_range above 0, got -1.0"),
    ],
)
def test_psnr_refuses_what_has_no_answer(n, options, words):
    with pytest.raises(ValueError, match=words):
        psnr(np.arange(n), np.arange(n) + 0.1, **options)


# -- hidden features -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("atoms", "width"), [(["sinusoid", "gaussian"], 16), (["sinusoid", "complex_gabor"], 32)]
)
def test_the_fit_is_linear_in_its_features(atoms, width):
    fit = encoder(search=FixedSequence(atoms)).fit(X, Y)
    features = fit.transform(X)
    assert features.shape == (len(X), width)
    assert features.dtype == np.float64
    linear = LinearRegression().fit(features, fit.predict(X))
    assert linear.score(features, fit.predict(X)) == pytest.approx(1, abs=1e-9)
    np.testing.assert_array_equal(
        encoder(search=FixedSequence(atoms)).fit_transform(X, Y), features
    )


def test_features_have_names_and_can_be_frames():
    fit = encoder().fit(X, Y)
    names = [f"mirencoder{i}" for i in range(16)]
    assert fit.get_feature_names_out().tolist() == names
    frame = fit.set_output(transform="pandas").transform(pd.DataFrame(X, index=range(5, 95)))
    assert frame.columns.tolist() == names
    assert frame.index.tolist() == list(range(5, 95))
    assert fit.set_output(transform="polars").transform(X).columns == names


def test_features_feed_another_model_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), encoder(), LinearRegression()).fit(X, Y)
    assert pipeline[:-1].get_feature_names_out().tolist() == [f"mirencoder{i}" for i in range(16)]
    # Least squares on the features can only be better, on the samples, than the trained layer.
    assert pipeline.score(X, Y) >= encoder().fit(X, Y).score(X, Y) - 1e-9


# -- names, tensors, pictures --------------------------------------------------------------------


def test_names_of_coordinates_pass_through_a_pipeline():
    frame = pd.DataFrame(X, columns=["lat", "lon"])
    scaler = StandardScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaler, encoder()).fit(frame, Y)
    assert pipeline[-1].feature_names_in_.tolist() == ["lat", "lon"]


def test_tensors_in_arrays_out():
    coords, values = torch.tensor(X), torch.tensor(Y)
    fit = encoder().fit(coords, values)
    for answer in (fit.predict(coords), fit.gradient(coords), fit.transform(coords)):
        assert type(answer) is np.ndarray
    assert fit.score(coords, values) == encoder().fit(X, Y).score(X, Y)


def test_score_takes_what_fit_takes():
    fit = encoder().fit(X, Y, 3.0)
    rounded = torch.tensor(Y).bfloat16()
    expected = r2_score(rounded.double().numpy(), fit.predict(X))
    assert fit.score(X, rounded) == fit.score(X, rounded, 3.0) == expected
    with pytest.raises(ValueError, match="y is a tensor that requires grad"):
        fit.score(X, torch.tensor(Y, requires_grad=True))


def test_a_step_before_may_give_tensors():
    to_tensor = FunctionTransformer(lambda X: torch.as_tensor(np.asarray(X)))
    pipeline = make_pipeline(to_tensor, encoder()).fit(X, Y)
    np.testing.assert_array_equal(pipeline.predict(X), encoder().fit(X, Y).predict(X))


def test_the_picture_shows_parameters_and_the_fitted_sequence():
    before = estimator_html_repr(encoder(search=LayerSearch(2)))
    assert "learning_rate" in before
    assert "→" not in before
    fit = encoder(search=LayerSearch(2)).fit(X, Y)
    assert f'<div class="caption">{" → ".join(fit.activations_)}</div>' in estimator_html_repr(fit)
    assert " → ".join(fit.activations_) in estimator_html_repr(make_pipeline(fit))


def test_the_repr_says_what_was_given():
    assert repr(MIREncoder(["sinc"], hidden_width=64)) == (
        "MIREncoder(dictionary=['sinc'], hidden_width=64)"
    )
