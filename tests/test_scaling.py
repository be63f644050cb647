"""Between the user's units and the network's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skmire import FixedSequence, MIREncoder, Trainer
from skmire._robust import robust_range
from skmire.scaling import Scaling

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(50, 3)) * [1e-3, 2.0, 7e4] + [5e6, -3.0, 0.1]


def test_per_axis_takes_each_axis_to_the_unit_box():
    scaled = Scaling.of_coordinates(X, "per_axis").scale(X)
    np.testing.assert_allclose(scaled.min(axis=0), -1, atol=1e-6)
    np.testing.assert_allclose(scaled.max(axis=0), 1, atol=1e-6)


def test_isotropic_keeps_the_ratios_of_distances_and_centres_every_axis():
    scaling = Scaling.of_coordinates(X, "isotropic")
    scaled = scaling.scale(X)
    ratios = np.linalg.norm(np.diff(scaled, axis=0), axis=1) / np.linalg.norm(
        np.diff(X, axis=0), axis=1
    )
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)
    np.testing.assert_allclose(scaled.min(axis=0), -scaled.max(axis=0), atol=1e-9)
    assert np.abs(scaled).max() == pytest.approx(1)


def test_values_have_mean_zero_and_largest_magnitude_one():
    y = RNG.normal(size=(40, 2)) * [3.0, 1e-5] + [100.0, 0.0]
    scaled = Scaling.of_values(y, None).scale(y)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.abs(scaled).max(axis=0), 1)


def test_the_mean_of_values_is_weighted():
    scaling = Scaling.of_values(np.array([[0.0], [4.0]]), np.array([1.5, 0.5]))
    assert scaling.centre.tolist() == [1.0]
    assert scaling.half_range.tolist() == [3.0]


@pytest.mark.parametrize("kind", ["per_axis", "isotropic"])
def test_unscale_undoes_scale(kind):
    scaling = Scaling.of_coordinates(X, kind)
    np.testing.assert_allclose(scaling.unscale(scaling.scale(X)), X, rtol=1e-12)


def test_a_column_without_extent_scales_to_zero_and_comes_back_exactly():
    y = np.full((5, 1), 0.1)
    scaling = Scaling.of_values(y, None)
    coords = np.column_stack([np.arange(5.0), np.full(5, 7.0)])
    assert Scaling.of_coordinates(coords, "per_axis").factor.tolist() == [0.5, 0.0]
    assert np.all(Scaling.of_coordinates(coords, "per_axis").scale(coords + 3)[:, 1] == 0)
    np.testing.assert_array_equal(scaling.unscale(np.zeros((5, 1))), y)


def test_an_extent_too_small_to_divide_by_is_none():
    tiny = np.array([[-1e-310], [1e-310]])
    assert np.all(Scaling.of_coordinates(tiny, "per_axis").scale(tiny) == 0)
    assert np.all(Scaling.of_values(tiny, None).scale(tiny) == 0)


def test_the_extent_of_huge_coordinates_does_not_overflow():
    huge = np.array([[-1.5e308], [1.5e308]])
    scaled = Scaling.of_coordinates(huge, "per_axis").scale(huge)
    np.testing.assert_allclose(scaled, [[-1.0], [1.0]])


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_a_tenth_of_the_values_has_no_part_in_a_robust_range(seed, weighted):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 20, (200, 1))
    y, weights = np.sin(x), rng.uniform(1, 1.1, 200) if weighted else None
    spoilt = y.copy()
    spoilt[:15] += rng.choice([-1e3, 1e6], (15, 1))
    centre, half_range = robust_range(x, spoilt, weights)
    assert abs(centre[0]) <= 1
    assert 0.5 <= half_range[0] <= 8
    centre, half_range = robust_range(x, y, weights)
    assert half_range == np.abs(y - centre).max()  # nothing lies outside


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_small_bright_spot_is_no_outlier_and_a_sample_far_off_is_one(noise):
    rng = np.random.default_rng(0)
    axis = np.linspace(-1, 1, 40)
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    y = (np.linalg.norm(x, axis=1) < 0.25)[:, None] + noise * rng.standard_normal((1600, 1))
    y[7] = 1e5
    _, half_range = robust_range(x, np.hstack([y, 3 * y]), None)
    np.testing.assert_allclose(half_range, [1, 3], rtol=0.1)


def test_what_a_single_sample_says_does_not_overflow():
    x, y = np.linspace(0, 1, 50)[:, None], np.zeros((50, 1))
    y[20] = 1e200
    assert np.isfinite(y / robust_range(x, y, None)[1]).all()


@pytest.mark.parametrize("loss", ["huber", "absolute"])
@pytest.mark.parametrize("size", [10.0, 1e3, 1e6])
def test_robust_losses_stand_outliers_of_any_size(loss, size):
    t = np.linspace(0, 10, 500)[:, None]
    y = (np.sin(2 * t) + 0.3 * np.sin(9 * t)).ravel()
    spoilt, rows = y.copy(), np.random.default_rng(0).permutation(500)
    spoilt[rows[:10]] += size
    encoder = MIREncoder(
        trainer=Trainer(loss=loss), search=FixedSequence("sinusoid"), hidden_width=32,
        max_epochs=20, random_state=0,
    ).fit(t, spoilt)  # fmt: skip
    assert encoder.score(t[rows[10:]], y[rows[10:]]) > 0.99
