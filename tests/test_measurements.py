"""What the values measure of a field, against fields in closed form."""

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone

from skmire import FixedSequence, LayerSearch, MIREncoder
from skmire.atoms import Sinusoid
from skmire.measurements import (
    Domain,
    GradientValues,
    LineIntegrals,
    Measurement,
    PointValues,
    Readout,
    VolumeRendering,
    sweep_through,
)
from skmire.measurements._gradient_values import _waves
from skmire.networks import LayerStack
from skmire.search import BeamSearch

RNG = np.random.default_rng(0)
X = RNG.uniform([-2, 10], [2, 14], size=(400, 2))


def bump(X):
    """Return a field of two axes in unlike units."""
    return 50 * np.exp(-(X[:, 0] ** 2) - ((X[:, 1] - 12) / 1.5) ** 2)


def slopes(X):
    return np.stack([-2 * X[:, 0], -2 * (X[:, 1] - 12) / 1.5**2], axis=1) * bump(X)[:, None]


class TwoPointMean(Measurement):
    """Mean of two points, which a field of values alone can say."""

    def __init__(self, width=0.5):
        self.width = width

    def domain(self, X):
        return Domain(X.min(axis=0) - self.width, X.max(axis=0) + self.width)

    def measure(self, field, X):
        return (field(X - self.width) + field(X + self.width)) / 2


class AmountBetween(TwoPointMean):
    """Such a mean of a field of amounts, of which there are none below 0."""

    shifts = nonnegative = True


class Disc(PointValues):
    """Values at points of a disc about the origin."""

    def domain(self, X):
        return Domain.ball(2, radius=float(np.hypot(*X.T).max()))


def small(measurement, search=None, **parameters):
    settings = {"hidden_width": 24, "max_epochs": 30, "random_state": 0, **parameters}
    search = search or FixedSequence("gaussian", n_layers=2)
    return MIREncoder(["gaussian", "sinusoid"], search, measurement=measurement, **settings)


@pytest.fixture(scope="module")
def fitted():
    return small(GradientValues(), max_epochs=80).fit(X, slopes(X))


def test_values_of_what_is_nowhere_below_zero_are_not_shifted():
    def amount(points):
        return np.maximum(bump(points) - 10, 0)

    y = (amount(X - 0.5) + amount(X + 0.5)) / 2
    encoder = small(AmountBetween(), max_epochs=100).fit(X, y)
    assert encoder.value_scaling_.centre == [0.0]
    assert encoder.field_at(X).min() >= 0
    assert encoder.score(X, y) > 0.98
    assert small(TwoPointMean(), max_epochs=100).fit(X, y).field_at(X).min() < 0


def test_values_at_points_may_be_nowhere_below_zero():
    class Amount(PointValues):
        nonnegative = True

    y = np.maximum(bump(X) - 10, 0)
    encoder = small(Amount(), max_epochs=100).fit(X, y)
    assert encoder.predict(X).min() >= 0
    off = (encoder.predict(X) - y) / encoder.value_scaling_.half_range
    assert encoder.best_loss_ == pytest.approx(np.mean(off**2), rel=1e-4)
    assert encoder.score(X, y) > 0.99


def test_a_constant_that_is_not_told_cannot_be_bounded():
    class Slopes(GradientValues):
        nonnegative = True

    with pytest.raises(ValueError, match="Slopes tells no constant cannot be nonnegative"):
        small(Slopes(), max_epochs=1).fit(X, slopes(X))


def test_a_field_is_found_from_its_slopes_up_to_a_constant(fitted):
    new = RNG.uniform([-1.9, 10.1], [1.9, 13.9], size=(200, 2))
    truth = bump(new) - bump(X).mean()
    assert fitted.field_at(new).shape == (200,)
    assert np.sqrt(np.mean((fitted.field_at(new) - truth) ** 2)) < 0.05 * truth.std()


def test_predictions_of_slopes_are_the_gradient_of_the_field(fitted):
    assert fitted.predict(X).shape == (400, 2)
    np.testing.assert_allclose(fitted.predict(X), fitted.gradient(X), rtol=1e-4, atol=1e-3)
    assert fitted.score(X, slopes(X)) > 0.99


def test_the_mean_over_the_samples_is_zero_and_weights_count(fitted):
    assert abs(fitted.field_at(X).mean()) < 1e-4
    weights = RNG.uniform(0, 2, size=len(X))
    other = small(GradientValues(), max_epochs=3).fit(X, slopes(X), sample_weight=weights)
    assert abs(np.average(other.field_at(X), weights=weights)) < 1e-4
    assert abs(other.field_at(X).mean()) > 1e-3
    other.partial_fit(X, slopes(X))
    assert abs(other.field_at(X).mean()) < 1e-4


@pytest.mark.parametrize("weights", [None, RNG.uniform(0, 1, size=len(X))])
def test_the_bandwidth_is_that_of_the_field_and_not_of_its_slopes(weights):
    settings = {"max_epochs": 1}
    by_slopes = small(GradientValues(), **settings).fit(X, slopes(X), sample_weight=weights)
    # The mean of squared frequencies is the mean of squared slopes by the variance of the values.
    variance = np.cov(bump(X), aweights=weights, ddof=0)
    wanted = np.sqrt(np.average(slopes(X) ** 2, axis=0, weights=weights) / variance)
    np.testing.assert_allclose(by_slopes.bandwidth_, wanted, rtol=0.1)


def test_slopes_without_a_change_make_a_plane():
    y = np.tile([3.0, -0.5], (400, 1))
    plane = small(GradientValues(), max_epochs=60, dtype="float64").fit(X, y)
    wanted = (X - X.mean(axis=0)) @ y[0]
    assert np.sqrt(np.mean((plane.field_at(X) - wanted) ** 2)) < 0.05 * wanted.std()


def test_slopes_of_many_coordinates_have_a_rough_field():
    rows = np.random.default_rng(0).uniform(-1, 1, size=(600, 12))
    along = np.linspace(0.2, 1.2, 12)
    # sin(a . x), and x0 x1 beside it
    y = np.cos(rows @ along)[:, None] * along
    y[:, :2] += rows[:, 1::-1]
    values = np.sin(rows @ along) + rows[:, 0] * rows[:, 1]
    measurement = GradientValues()
    pilot = measurement.pilot(rows, y, None, measurement.domain(rows))
    assert np.corrcoef(pilot.values[:, 0], values)[0, 1] > 0.9
    wanted = np.sqrt((y**2).mean(axis=0) / values.var())
    np.testing.assert_allclose(pilot.bandwidth, wanted, rtol=0.2)


@pytest.mark.parametrize("n_dims", [7, 12, 60, 1100])
def test_a_rough_field_of_slopes_has_no_more_waves_than_can_be_solved_for(n_dims):
    waves = _waves(n_dims, 3)
    assert n_dims <= len(waves) <= max(1024, n_dims)
    assert len(np.unique(waves, axis=0)) == len(waves)
    assert len(set(waves.sum(axis=0))) == 1  # no axis has more than another
    assert waves.max() <= 2


@pytest.mark.parametrize(("n_dims", "along"), [(1, 256), (2, 16), (3, 6), (4, 4), (6, 3)])
def test_a_rough_field_of_slopes_has_all_waves_of_a_grid_in_few_dimensions(n_dims, along):
    assert len(_waves(n_dims, along)) == along**n_dims - 1


def test_several_outputs_come_one_after_the_other():
    y = np.hstack([slopes(X), -2 * slopes(X)])
    encoder = small(GradientValues()).fit(X, y)
    assert encoder.field_at(X).shape == (400, 2)
    np.testing.assert_allclose(
        encoder.predict(X), encoder.gradient(X).reshape(400, 4), rtol=1e-4, atol=1e-3
    )


def test_slopes_of_another_number_than_the_coordinates_are_refused():
    with pytest.raises(ValueError, match="a multiple of 2 columns; got 1"):
        small(GradientValues()).fit(X, bump(X))


def test_a_measurement_of_values_is_undone():
    # (sin(x - w) + sin(x + w)) / 2 is sin(x) cos(w)
    x = np.linspace(-4, 4, 300)[:, None]
    y = np.sin(x[:, 0]) * np.cos(0.5)
    encoder = small(TwoPointMean(), max_epochs=200).fit(x, y)
    off = encoder.field_at(x) - np.sin(x[:, 0])
    assert np.sqrt(np.mean(off**2)) < 0.05  # y itself is off by 0.08
    inputs = torch.tensor(x)
    by_hand = TwoPointMean().measure(encoder.to_torch(), inputs).detach().numpy()
    np.testing.assert_allclose(encoder.predict(x), by_hand, atol=1e-5)


class Steepness(TwoPointMean):
    """A difference, of which a constant field has none."""

    def measure(self, field, X):
        return (field(X + self.width) - field(X - self.width)) / (2 * self.width)


@pytest.mark.parametrize("kind", [TwoPointMean, Steepness])
@pytest.mark.parametrize(("length", "value"), [(1, 1e8), (1, 1e-8), (1e-4, 1), (1e4, 1)])
def test_a_rough_field_is_the_same_in_any_unit(kind, length, value):
    x = np.linspace(-4, 4, 300)[:, None]
    y = np.sin(x)

    def pilot(length, value):
        measurement = kind(0.5 * length)
        return measurement.pilot(length * x, value * y, None, measurement.domain(length * x)).values

    one, other = pilot(1.0, 1.0), pilot(length, value)
    assert np.ptp(one) > 1
    to_user = value * (length if kind is Steepness else 1)
    assert np.sqrt(np.mean((other / to_user - one) ** 2)) < 0.01 * one.std()


SEGMENTS = RNG.uniform(-2, 2, size=(400, 6))


@pytest.mark.filterwarnings("ignore:Integrals along the outermost:UserWarning")  # are random
@pytest.mark.parametrize(
    ("measurement", "rows", "n_columns"),
    [
        (TwoPointMean(), X, 1),
        (GradientValues(), X, 4),
        (Disc(), X, 1),
        (LineIntegrals(n_nodes=6), X, 2),
        (LineIntegrals("segments", n_nodes=6), SEGMENTS, 2),
        (LineIntegrals(n_nodes=6, nonnegative=True), X, 2),
        (VolumeRendering(bounds=[[-3, 3]] * 3, n_samples=6), SEGMENTS, 3),
    ],
    ids=lambda value: repr(value) if isinstance(value, Measurement) else "",
)
def test_gradients_of_a_measurement_are_those_of_gradcheck_and_of_its_sweep(
    measurement, rows, n_columns, predict_with
):
    inputs = torch.tensor(rows)
    readout, _ = Readout.of(measurement, rows, RNG.uniform(size=(400, n_columns)), None, "per_axis")
    network = LayerStack(
        [Sinusoid(frequency=4.0)], in_features=readout.domain.n_dims,
        out_features=readout.n_outputs, hidden_width=5,
        generator=torch.Generator().manual_seed(0), dtype=torch.float64,
    )  # fmt: skip
    names, parameters = zip(*network.named_parameters(), strict=True)

    def measured(*values):
        given = dict(zip(names, values, strict=True))
        return predict_with(readout, network, given, inputs[:7])

    assert torch.autograd.gradcheck(measured, parameters)

    sweep = sweep_through(network, readout)
    many, targets = inputs.repeat(4, 1), torch.randn(1600, n_columns).double()
    sweep(many, lambda values, at: values - targets[at])
    by_sweep = [p.grad.clone() for p in parameters]
    network.zero_grad()
    found = readout.predict(network, many)
    ((found - targets).square().sum() / 2).backward()
    for by_hand, parameter in zip(by_sweep, parameters, strict=True):
        wanted = torch.zeros_like(by_hand) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(by_hand, wanted)
    torch.testing.assert_close(sweep.values(many), found.detach())


def test_a_field_on_a_ball_is_zero_outside():
    points = RNG.uniform(-1, 1, size=(300, 2))
    points = points[np.hypot(*points.T) < 1]
    encoder = small(Disc(), max_epochs=3).fit(points, np.ones(len(points)) + points[:, 0])
    outside = np.array([[1.0, 1.0], [-0.9, 0.9]])
    assert not encoder.field_at(outside).any()
    assert not encoder.gradient(outside).any()
    assert not encoder.directional_derivative(outside, [1.0, 0.0]).any()
    assert not encoder.to_torch()(torch.tensor(outside)).any()
    assert encoder.field_at(points / 2).all()


def test_values_at_points_are_the_default():
    given, default = (small(m, max_epochs=3).fit(X, bump(X)) for m in (PointValues(), None))
    np.testing.assert_array_equal(given.predict(X), default.predict(X))
    np.testing.assert_array_equal(given.field_at(X), default.predict(X))
    assert isinstance(default.measurement_, PointValues)


@pytest.mark.parametrize("search", [LayerSearch(n_layers=2), BeamSearch(n_layers=2)])
@pytest.mark.parametrize("measurement", [GradientValues(), TwoPointMean(width=0.1)])
def test_searches_choose_by_what_is_measured(search, measurement, tmp_path):
    y = slopes(X) if measurement.differentiates else bump(X)
    encoder = small(measurement, search, max_epochs=4, checkpoint=tmp_path)
    found = clone(encoder).fit(X, y)
    again = clone(encoder).fit(X, y)  # from the checkpoint
    np.testing.assert_array_equal(again.predict(X), found.predict(X))
    assert found.activations_ == again.activations_


def test_other_measurements_are_other_candidates_in_a_checkpoint(tmp_path):
    fits = [
        small(TwoPointMean(width), max_epochs=3, checkpoint=tmp_path / str(width)).fit(X, bump(X))
        for width in (0.1, 0.4)
    ]
    assert not np.array_equal(fits[0].predict(X), fits[1].predict(X))
    with pytest.raises(ValueError, match="checkpoint"):
        small(TwoPointMean(0.3), max_epochs=3, checkpoint=tmp_path / "0.1").fit(X, bump(X))


def test_a_fit_is_saved_with_its_measurement(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "fit.joblib")
    opened = joblib.load(tmp_path / "fit.joblib")
    np.testing.assert_array_equal(opened.predict(X), fitted.predict(X))
    np.testing.assert_array_equal(opened.field_at(X), fitted.field_at(X))


def test_parameters_are_nested_and_cannot_change_once_fitted():
    encoder = small(TwoPointMean(), max_epochs=2).set_params(measurement__width=0.25)
    assert clone(encoder).get_params()["measurement__width"] == 0.25
    encoder.fit(X, bump(X)).partial_fit(X, bump(X))
    with pytest.raises(ValueError, match="measurement"):
        encoder.set_params(measurement__width=0.5).partial_fit(X, bump(X))


def test_no_points_are_refused_as_none(fitted):
    with pytest.raises(ValueError, match=r"got none, shape \(0, 2\). Pass more, one row a point"):
        fitted.field_at(np.empty((0, 2)))


@pytest.mark.parametrize("points", [[[1.0]], [1.0, 2.0], np.empty((0, 3))])
def test_points_of_another_shape_are_refused(fitted, points):
    with pytest.raises(ValueError, match="points must hold one row a point"):
        fitted.field_at(points)


def test_points_that_are_not_finite_are_refused(fitted):
    with pytest.raises(ValueError, match="points"):
        fitted.field_at([[np.nan, 1.0]])


@pytest.mark.parametrize("noise", [1e-3, 1e-2])
@pytest.mark.parametrize("stretch", [1.0, 100.0])
def test_a_direction_that_is_nearly_flat_does_not_drown_the_steep_one(noise, stretch):
    rng = np.random.default_rng(0)
    points = rng.uniform(-3, 3, size=(400, 2))
    slopes = np.column_stack([np.cos(points[:, 0]), noise * rng.normal(size=400)])
    unit = np.array([1.0, stretch])
    fit = small(GradientValues(), max_epochs=40).fit(points * unit, slopes / unit)
    found = fit.predict(points * unit) * unit
    assert np.sqrt(np.mean((found[:, 0] - np.cos(points[:, 0])) ** 2)) < 0.1
    assert np.sqrt(np.mean(found[:, 1] ** 2)) < 0.1


def test_a_direction_that_is_flat_stays_so():
    points = np.random.default_rng(0).uniform(-3, 3, size=(400, 2))
    slopes = np.column_stack([np.cos(points[:, 0]), np.zeros(400)])
    fit = small(GradientValues(), max_epochs=40).fit(points, slopes)
    assert np.abs(fit.predict(points)[:, 1]).max() > 0  # is fitted, not set
    assert np.sqrt(np.mean(fit.predict(points)[:, 1] ** 2)) < 0.05
