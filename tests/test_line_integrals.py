"""Line integrals, against those of Gaussians in closed form."""

import copy
from dataclasses import replace

import joblib
import numpy as np
import pytest
import torch
from scipy.special import erf
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmire import EnsembleSearch, FixedSequence, LayerSearch, MIREncoder
from skmire.measurements import Domain, LineIntegrals, Readout
from skmire.search import (
    BayesSearch,
    BeamSearch,
    ExhaustiveSearch,
    HalvingSearch,
    ProjectionSearch,
)
from skmire.training import Samples, Trainer

RNG = np.random.default_rng(0)
RADIUS, WIDTH = 3.0, 0.9
CENTRE = np.array([0.4, -0.3])
ANGLES = np.linspace(0, np.pi, 12, endpoint=False)
X = np.stack(np.meshgrid(ANGLES, np.linspace(-RADIUS, RADIUS, 25), indexing="ij"), -1)
X = X.reshape(-1, 2)


def bump(points, centre=CENTRE):
    return 7 * np.exp(-np.sum(((points - centre) / WIDTH) ** 2, axis=-1))


def of_segments(origin, direction, centre):
    """Return the integrals of `bump` along segments in any dimension."""
    length = np.linalg.norm(direction, axis=1)
    unit, start = direction / length[:, None], origin - centre
    along = np.sum(start * unit, axis=1)
    off = np.sum(start**2, axis=1) - along**2
    ends = erf((along + length) / WIDTH) - erf(along / WIDTH)
    return 7 * np.exp(-off / WIDTH**2) * WIDTH * np.sqrt(np.pi) / 2 * ends


def of_lines(X):
    """Return the integrals of `bump` along the chords of the disc."""
    normal = np.stack([np.cos(X[:, 0]), np.sin(X[:, 0])], axis=1)
    half = np.sqrt(RADIUS**2 - X[:, 1:] ** 2) * np.stack([-normal[:, 1], normal[:, 0]], axis=1)
    with np.errstate(invalid="ignore"):  # chords without a length
        found = of_segments(X[:, 1:] * normal - half, 2 * half, CENTRE)
    return np.nan_to_num(found)


class Known:
    """A field in closed form, on a disc."""

    def __init__(self, function, domain=None):
        self.function, self.domain = function, domain

    def __call__(self, points):
        return torch.tensor(self.function(points.numpy()))[..., None]


def small(search=None, measurement=None, **parameters):
    settings = {"hidden_width": 24, "max_epochs": 40, "random_state": 0, **parameters}
    settings.setdefault("trainer", Trainer(learning_rate=3e-3))
    search = search or FixedSequence("gaussian", n_layers=2)
    measurement = measurement or LineIntegrals(n_nodes=12)
    return MIREncoder(["gaussian", "sinusoid"], search, measurement=measurement, **settings)


@pytest.fixture(scope="module")
def fitted():
    return small(max_epochs=200, trainer=Trainer()).fit(X, of_lines(X))


def test_integrals_of_a_gaussian_along_lines():
    inside = X[np.abs(X[:, 1]) < RADIUS]
    field = Known(bump, Domain.ball(2, radius=RADIUS))
    for n, off in ((32, 1e-8), (64, 1e-13)):
        found = LineIntegrals(n_nodes=n).measure(field, torch.tensor(inside))
        np.testing.assert_allclose(found[:, 0], of_lines(inside), atol=off * 7)


@pytest.mark.parametrize("n_dims", [1, 2, 3, 5])
def test_integrals_of_a_gaussian_along_segments(n_dims):
    ends = RNG.uniform(-1, 1, size=(2, 40, n_dims))
    centre = np.full(n_dims, 0.2)
    rows = np.hstack([ends[0], ends[1] - ends[0]])
    field = Known(lambda points: bump(points, centre))
    found = LineIntegrals("segments", n_nodes=24).measure(field, torch.tensor(rows))
    wanted = of_segments(*np.split(rows, 2, axis=1), centre)
    np.testing.assert_allclose(found[:, 0], wanted, atol=1e-10)


def test_nodes_resolve_what_the_docstring_says():
    n = 64
    for phase in np.linspace(0, np.pi, 5):
        wave = Known(lambda p, phase=phase: np.cos(4 * n * p[..., 0] + phase))  # over a length of 1
        found = LineIntegrals("segments", n_nodes=n).measure(wave, torch.tensor([[0.0, 1.0]]))
        wanted = (np.sin(4 * n + phase) - np.sin(phase)) / (4 * n)
        assert abs(found - wanted) < 1e-4


@pytest.mark.parametrize("n_nodes", range(1, 9))
def test_any_number_of_nodes_integrates_constants_and_what_is_linear(n_nodes):
    rows = np.hstack([RNG.uniform(-1, 1, size=(9, 2)), RNG.uniform(-1, 1, size=(9, 2))])
    plane = Known(lambda points: 3 + points @ np.array([2.0, -1.0]))
    found = LineIntegrals("segments", n_nodes=n_nodes).measure(plane, torch.tensor(rows))
    middle = 3 + (rows[:, :2] + rows[:, 2:] / 2) @ [2.0, -1.0]
    wanted = middle * np.linalg.norm(rows[:, 2:], axis=1)
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-12, atol=1e-12)


def test_domains_are_a_disc_and_a_box():
    disc = LineIntegrals().domain(np.array([[0.0, 1.0], [1.0, -4.0]]))
    assert disc.is_ball
    assert (disc.radius, disc.n_dims) == (4.0, 2)
    rows = np.array([[0.0, 0, 0, 1, -2, 0], [5, 5, 5, 0, 0, 1]])
    box = LineIntegrals("segments").domain(rows)
    assert not box.is_ball
    np.testing.assert_array_equal([box.low, box.high], [[0, -2, 0], [5, 5, 6]])


def test_the_field_is_found_from_its_integrals(fitted):
    points = RNG.uniform(-2, 2, size=(300, 2))
    off = fitted.field_at(points) - bump(points)
    assert np.sqrt(np.mean(off**2)) < 0.12 * bump(points).std()
    assert fitted.score(X, of_lines(X)) > 0.99

    def values(points):
        return fitted.field_at(points.reshape(-1, 2)).reshape(points.shape[:-1])

    field = Known(values, Domain.ball(2, radius=RADIUS))
    by_hand = LineIntegrals(n_nodes=200).measure(field, torch.tensor(X))
    np.testing.assert_allclose(fitted.predict(X), by_hand[:, 0], atol=0.02)


def test_the_field_is_zero_outside_the_disc(fitted):
    around = RADIUS * 1.001 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
    for outside in (around, [[2.9, 2.9]]):
        assert not fitted.field_at(outside).any()
        assert not fitted.gradient(outside).any()
    assert fitted.field_at(around * 0.9).all()
    assert not fitted.predict([[0.3, 5.0]]).any()  # a line that passes the disc by


def test_a_volume_is_found_from_segments():
    rng = np.random.default_rng(0)  # of its own, whatever tests have run before
    ends = rng.uniform(-1, 1, size=(2, 600, 3))
    rows = np.hstack([ends[0], ends[1] - ends[0]])
    y = of_segments(*np.split(rows, 2, axis=1), np.zeros(3))
    measurement = LineIntegrals("segments", n_nodes=8)
    encoder = small(measurement=measurement, max_epochs=200, trainer=Trainer()).fit(rows, y)
    points = rng.uniform(-0.7, 0.7, size=(200, 3))
    truth = bump(points, 0)
    assert np.sqrt(np.mean((encoder.field_at(points) - truth) ** 2)) < 0.1 * truth.std()


def test_the_bandwidth_is_that_of_the_field():
    encoder = small(max_epochs=1).fit(X, of_lines(X))
    # Of a Gaussian exp(-(r / w)^2), away from the rim: the mean squared slope by the variance.
    axis = np.linspace(-RADIUS, RADIUS, 200)
    grid = bump(np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1))
    wanted = [np.gradient(grid, axis, axis=k).std() / grid.std() for k in (0, 1)]
    np.testing.assert_allclose(encoder.bandwidth_, wanted, rtol=0.3)


def test_units_do_not_matter():
    # A power of two apart, as the steps of the pilot magnify what is rounded otherwise; the values
    # are per length too.
    y = of_lines(X)
    one = small(max_epochs=5, dtype="float64").fit(X, y)
    other = small(max_epochs=5, dtype="float64").fit(X * [1, 1024], y * 1024)
    np.testing.assert_allclose(other.predict(X * [1, 1024]), one.predict(X) * 1024, rtol=1e-9)
    points = RNG.uniform(-1, 1, size=(20, 2))
    np.testing.assert_allclose(other.field_at(points * 1024), one.field_at(points), rtol=1e-7)


@pytest.mark.parametrize(
    ("length", "value"), [(1, 1e8), (1, 1e-8), (1e-4, 1), (1e4, 1), (1e-4, 1e-8)]
)
def test_the_unit_of_values_alone_or_of_lengths_alone_does_not_matter(length, value):
    y = of_lines(X)
    one = small(max_epochs=5, dtype="float64").fit(X, y)
    lines = X * [1, length]
    other = small(max_epochs=5, dtype="float64").fit(lines, y * value)
    assert other.score(lines, y * value) == pytest.approx(one.score(X, y), abs=0.02)
    np.testing.assert_allclose(other.bandwidth_ * length, one.bandwidth_, rtol=0.01)
    wanted = one.field_at([CENTRE])[0] * value / length
    assert other.field_at([CENTRE * length])[0] == pytest.approx(wanted, rel=0.05)


def test_columns_of_y_are_fields_of_their_own():
    y = np.stack([of_lines(X), -3 * of_lines(X)], axis=1)
    encoder = small(max_epochs=100).fit(X, y)
    both = encoder.field_at([CENTRE])[0]
    np.testing.assert_allclose(both, [7, -21], rtol=0.1)


@pytest.mark.filterwarnings("ignore:Integrals along the outermost:UserWarning")  # some are 100
def test_weights_count():
    y = of_lines(X)
    wrong = RNG.uniform(size=len(X)) < 0.3
    weights = np.where(wrong, 0.0, 1.0)
    given = np.where(wrong, 100.0, y)
    weighted = small(max_epochs=5).fit(X, given, sample_weight=weights)
    without = small(max_epochs=5).fit(X[~wrong], y[~wrong])
    lines = X[:40]
    np.testing.assert_allclose(weighted.predict(lines), without.predict(lines), atol=0.5)
    assert np.abs(small(max_epochs=5).fit(X, given).predict(lines) - y[:40]).max() > 10


def test_angles_in_degrees_are_asked_about():
    with pytest.warns(UserWarning, match="up to 165 radians.*Are they in degrees"):
        small(max_epochs=1).fit(X * [180 / np.pi, 1], of_lines(X))


def test_a_step_takes_few_lines_unless_the_trainer_is_told():
    samples = Samples(torch.tensor(X).repeat(10, 1), torch.zeros(3_000, 1).double())
    lines = replace(samples, readout=readout())
    assert Trainer().batch_size_for(samples) == 3_000 // 16
    assert Trainer().batch_size_for(lines) == 32
    many = replace(lines, inputs=lines.inputs.repeat(4, 1))
    assert Trainer().batch_size_for(many) == 12_000 // 128
    assert Trainer(batch_size=500).batch_size_for(lines) == 500


def test_lines_of_an_angle_are_held_out_together():
    samples = Samples(torch.tensor(X), torch.zeros(len(X), 1).double(), None, readout())
    kept, held_out = samples.split(0.2, torch.Generator().manual_seed(0))
    assert len(held_out) == 2 * 25
    assert not set(held_out.inputs[:, 0].tolist()) & set(kept.inputs[:, 0].tolist())
    few = samples.take(slice(0, 4 * 25))  # angles: too few to leave out one of them
    kept, held_out = few.split(0.2, torch.Generator().manual_seed(0))
    assert set(held_out.inputs[:, 0].tolist()) & set(kept.inputs[:, 0].tolist())


def test_a_line_and_that_of_the_opposite_angle_are_the_same():
    angles, offsets = np.linspace(0, 2 * np.pi, 12, endpoint=False), np.linspace(-1, 1, 5)
    rows = torch.tensor(np.stack(np.meshgrid(angles, offsets), axis=-1).reshape(-1, 2))
    samples = Samples(rows, torch.zeros(len(rows), 1).double(), None, readout())
    assert int(samples.groups.max()) + 1 == 6


def readout():
    return Readout.of(LineIntegrals(), X, of_lines(X)[:, None], None, "per_axis")[0]


# -- fields that are nowhere below 0 -------------------------------------------------------------


@pytest.fixture(scope="module", params=[1, 2], ids=["one network", "a mean of two"])
def nonnegative(request):
    search = FixedSequence("gaussian", n_layers=2)
    if request.param > 1:
        search = EnsembleSearch(search, request.param)
    few = X[::3]
    measurement = LineIntegrals(n_nodes=12, nonnegative=True)
    return small(search, measurement, max_epochs=60, dtype="float64").fit(few, of_lines(few))


def test_a_field_that_is_said_to_be_nonnegative_is(nonnegative):
    points = RNG.uniform(-3, 3, size=(500, 2))
    assert nonnegative.field_at(points).min() >= 0
    few = X[::3]
    plain = small(max_epochs=60, dtype="float64").fit(few, of_lines(few))
    assert plain.field_at(points).min() < -0.1
    worse, better = (np.abs(e.field_at(points) - bump(points)) for e in (plain, nonnegative))
    inside = np.hypot(*points.T) < RADIUS
    assert better[inside].mean() < 0.7 * worse[inside].mean()


def test_all_answers_are_of_the_same_field(nonnegative, tmp_path):
    points = RNG.uniform(-2, 2, size=(50, 2))
    values, step = nonnegative.field_at(points), 1e-5 * np.eye(2)
    around = [[nonnegative.field_at(points + s * e) for s in (1, -1)] for e in step]
    slopes = np.stack([(up - down) / 2e-5 for up, down in around], axis=1)
    np.testing.assert_allclose(nonnegative.gradient(points), slopes, atol=1e-6)
    turns = [
        (nonnegative.gradient(points + e)[:, k] - nonnegative.gradient(points - e)[:, k]) / 2e-5
        for k, e in enumerate(step)
    ]
    np.testing.assert_allclose(nonnegative.laplacian(points), sum(turns), atol=1e-5)

    module = nonnegative.to_torch()
    np.testing.assert_allclose(module(torch.tensor(points)).detach(), values, atol=1e-12)
    joblib.dump(nonnegative, tmp_path / "fit.joblib")
    opened = joblib.load(tmp_path / "fit.joblib")
    np.testing.assert_array_equal(opened.field_at(points), values)

    field = Known(lambda p: nonnegative.field_at(p.reshape(-1, 2)).reshape(p.shape[:-1]))
    field.domain = Domain.ball(2, radius=RADIUS)
    by_hand = LineIntegrals(n_nodes=12).measure(field, torch.tensor(X))
    np.testing.assert_allclose(nonnegative.predict(X), by_hand[:, 0], rtol=1e-9, atol=1e-9)
    weight, bias = (getattr(nonnegative.network_.output, n).detach() for n in ("weight", "bias"))
    bent = np.logaddexp(0, 10 * (nonnegative.transform(points) @ weight.T.numpy() + bias.numpy()))
    scale = nonnegative.value_scaling_.half_range
    np.testing.assert_allclose(bent[:, 0] / 10 * scale, values, rtol=1e-9)
    further = copy.deepcopy(nonnegative).partial_fit(X, of_lines(X))
    assert further.field_at(points).min() >= 0
    assert further.score(X, of_lines(X)) > 0.9


def test_values_that_are_below_zero_are_asked_about():
    with pytest.warns(UserWarning, match=r"below 0 on the mean.*-np\.log"):
        small(measurement=LineIntegrals(n_nodes=4, nonnegative=True), max_epochs=1).fit(
            X, -of_lines(X)
        )


def test_a_body_beyond_the_detector_is_asked_about():
    truncated = np.abs(X[:, 1]) < 0.8
    with pytest.warns(UserWarning, match=r"offset of 0\.75, are .* must reach past the body"):
        small(max_epochs=1).fit(X[truncated], of_lines(X[truncated]))


def test_noise_along_the_outermost_lines_is_no_body():
    noise = np.random.default_rng(0).normal(size=len(X))
    small(max_epochs=1).fit(X, of_lines(X) + noise)


SEARCHES = [
    LayerSearch(n_layers=2),
    BeamSearch(n_layers=2),
    ExhaustiveSearch(n_layers=1),
    HalvingSearch(n_layers=1),
    ProjectionSearch(n_layers=2),
]


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: type(search).__name__)
def test_every_search_takes_lines_and_resumes_from_a_checkpoint(search, tmp_path):
    encoder = small(search, max_epochs=6, checkpoint=tmp_path)
    found = clone(encoder).fit(X, of_lines(X))
    again = clone(encoder).fit(X, of_lines(X))
    np.testing.assert_array_equal(again.predict(X), found.predict(X))
    with pytest.raises(ValueError, match="checkpoint"):
        clone(encoder).set_params(measurement__n_nodes=13).fit(X, of_lines(X))


def test_a_pipeline_takes_degrees_and_a_grid_of_nodes_is_searched():
    pipeline = make_pipeline(
        FunctionTransformer(lambda X: X * [np.pi / 180, 1.0]), small(max_epochs=10)
    )
    degrees = X * [180 / np.pi, 1.0]
    grid = GridSearchCV(pipeline, {"mirencoder__measurement__n_nodes": [2, 12]}, cv=2)
    order = RNG.permutation(len(X))
    grid.fit(degrees[order], of_lines(X)[order])
    scores = grid.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert scores[0] != scores[1]
    radians = degrees * [np.pi / 180, 1.0]  # rounded as in the pipeline: training enlarges rounding
    direct = clone(grid.best_estimator_[-1]).fit(radians[order], of_lines(X)[order])
    np.testing.assert_array_equal(grid.predict(degrees), direct.predict(radians))


def test_a_fit_is_saved_and_trained_further(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "fit.joblib")
    opened = joblib.load(tmp_path / "fit.joblib")
    np.testing.assert_array_equal(opened.predict(X), fitted.predict(X))
    np.testing.assert_array_equal(opened.field_at(X), fitted.field_at(X))
    further = opened.partial_fit(X, of_lines(X))
    assert further.n_iter_ == fitted.n_iter_ + 1


@pytest.mark.parametrize(
    ("geometry", "rows", "said"),
    [
        ("lines", np.ones((5, 4)), r'two columns .* got 4.* LineIntegrals\("segments"\)'),
        ("lines", X * [1, 0], "all 300 are 0"),
        ("segments", np.ones((5, 3)), "got 3 columns"),
        ("radon", X, "geometry"),
    ],
)
def test_what_is_no_line_is_refused(geometry, rows, said):
    with pytest.raises(ValueError, match=said):
        small(measurement=LineIntegrals(geometry)).fit(rows, np.arange(len(rows)))


@pytest.mark.parametrize("n_nodes", [0, 1.5])
def test_a_number_of_nodes_is_checked(n_nodes):
    with pytest.raises(ValueError, match="n_nodes"):
        small(measurement=LineIntegrals(n_nodes=n_nodes)).fit(X, of_lines(X))


def test_further_training_takes_lines_through_the_origin_and_asks_about_degrees():
    encoder = small(BayesSearch(n_layers=1, n_trials=2), max_epochs=3).fit(X, of_lines(X))
    through, n_epochs = X * [1, 0], encoder.n_iter_
    assert encoder.partial_fit(through, of_lines(through)).n_iter_ == n_epochs + 1
    with pytest.warns(UserWarning, match="degrees"):
        encoder.partial_fit(X * [180 / np.pi, 1], of_lines(X))
