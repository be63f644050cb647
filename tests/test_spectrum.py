"""The bandwidth of a signal: what is found from its samples, and what must not matter."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skmire import MIREncoder
from skmire.datasets import SIGNALS
from skmire.spectrum import estimate_bandwidth, overall_bandwidth

EVERY_SIGNAL = pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
SIDES = {1: 400, 2: 40, 3: 16, 4: 10}  # of grids of each number of axes
DIMS = pytest.mark.parametrize("n_dims", [1, 2, 3, 4])
KINDS = pytest.mark.parametrize("kind", ["grid", "scattered"])
examples = settings(max_examples=25, deadline=None, derandomize=True)


def places(kind, n_dims, *, n=None, seed=0):
    """Return coordinates in [-1, 1]."""
    if kind == "scattered":
        n = SIDES[n_dims] ** n_dims if n is None else n
        return np.random.default_rng(seed).uniform(-1, 1, (min(n, 3000), n_dims))
    axis = np.linspace(-1, 1, SIDES[n_dims] if n is None else n)
    return np.stack(np.meshgrid(*[axis] * n_dims, indexing="ij"), axis=-1).reshape(-1, n_dims)


def wave(coords, frequencies):
    return np.sin(coords @ np.asarray(frequencies, dtype=float) + 0.4)[:, None]


# -- what it is ----------------------------------------------------------------------------------


@cache
def exact(name):
    """Root mean square slopes along each axis over the standard deviation, by their formulas."""
    signal = SIGNALS[name]
    coords, values = signal.sample(20_000, random_state=5)
    values = values.reshape(len(coords), -1)
    slopes = signal.gradient(coords).reshape(*values.shape, -1)
    return np.sqrt(np.mean(slopes**2, axis=0).sum(axis=0) / values.var(axis=0).sum())


@EVERY_SIGNAL
@KINDS
def test_it_is_the_slope_over_the_spread_of_the_signal(signal, kind):
    n = {1: 400, 2: 50, 3: 16, 4: 9}[signal.n_dims]
    coords, values = (
        signal.grid(n) if kind == "grid" else signal.sample(n**signal.n_dims, random_state=0)
    )
    found = estimate_bandwidth(coords, values.reshape(len(coords), -1))
    assert found == pytest.approx(exact(signal.name), rel=0.5)
    overall = [
        np.sqrt(np.mean((b * np.ptp(coords, axis=0)) ** 2)) for b in (found, exact(signal.name))
    ]
    assert overall[0] == pytest.approx(overall[1], rel=0.25)


@pytest.mark.parametrize("frequency", [6, 10, 30, 100])
@KINDS
def test_a_tone_has_its_own_frequency(kind, frequency):
    coords = places(kind, 1) if kind == "grid" else places(kind, 1, n=1_000)
    found = estimate_bandwidth(coords, wave(coords, [frequency]))
    assert found == pytest.approx([frequency], rel=0.02 if kind == "grid" else 0.1)


@DIMS
@KINDS
def test_every_axis_has_its_own(n_dims, kind):
    coords = places(kind, n_dims)
    frequencies = np.array([5.0, 3.0, 4.0, 3.5][:n_dims])
    found = estimate_bandwidth(coords, wave(coords, frequencies))
    assert found == pytest.approx(frequencies, rel=0.25)


@KINDS
def test_two_tones_count_by_their_power(kind):
    coords = places(kind, 1)
    both = wave(coords, [10]) + 2 * wave(coords, [30])
    wanted = np.sqrt((10**2 + 4 * 30**2) / 5)
    assert estimate_bandwidth(coords, both) == pytest.approx([wanted], rel=0.1)


@KINDS
def test_outputs_count_by_their_variance(kind):
    coords = places(kind, 1)
    both = np.hstack([wave(coords, [10]), 2 * wave(coords, [30])])
    wanted = np.sqrt((10**2 + 4 * 30**2) / 5)
    assert estimate_bandwidth(coords, both) == pytest.approx([wanted], rel=0.1)


def test_a_fitted_encoder_has_it_in_the_units_of_the_coordinates():
    t = np.linspace(3, 3.05, 400)[:, None]
    turns = 2 * np.pi * 200
    fitted = MIREncoder(["sinc"], max_epochs=1, hidden_width=4).fit(t, np.sin(turns * t[:, 0]))
    assert fitted.bandwidth_ == pytest.approx([turns], rel=0.05)


@pytest.mark.parametrize("scaling", ["per_axis", "isotropic"])
def test_a_fitted_encoder_has_it_for_every_axis(scaling):
    coords = places("grid", 2) * [50, 0.1] + [7, -2]
    values = np.sin(coords @ [0.2, 60])
    fitted = MIREncoder(
        ["sinc"], max_epochs=1, hidden_width=4, coordinate_scaling=scaling
    ).fit(coords, values)  # fmt: skip
    assert fitted.bandwidth_ == pytest.approx([0.2, 60], rel=0.1)


# -- noise ---------------------------------------------------------------------------------------


@DIMS
@KINDS
def test_noise_moves_it_little(n_dims, kind):
    coords = places(kind, n_dims)
    clean = wave(coords, np.full(n_dims, 5.0))
    noisy = clean + np.random.default_rng(1).normal(scale=0.3 * clean.std(), size=clean.shape)
    one, other = (overall_bandwidth(estimate_bandwidth(coords, v)) for v in (clean, noisy))
    assert other == pytest.approx(one, rel=0.1 if kind == "grid" else 0.5)


@pytest.mark.parametrize("noise", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("frequency", [5, 30, 100])
@pytest.mark.parametrize("n", [4_000, 50_000])
def test_noise_of_very_many_samples_moves_it_little(noise, frequency, n):
    # Each line of noise is as strong as the next, so that all but the slowest is above the signal;
    # neighbours differ by nothing but noise.
    rng = np.random.default_rng(0)
    for coords, within in (
        (np.linspace(-1, 1, n)[:, None], 1.05),
        (rng.uniform(-1, 1, (n, 1)), 5),
    ):
        tone = wave(coords, [frequency])
        noisy = tone + rng.normal(scale=noise * tone.std(), size=tone.shape)
        (found,) = estimate_bandwidth(coords, noisy)
        assert frequency / within < found < frequency * within


@DIMS
@KINDS
@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_is_never_faster_than_samples_can_tell(n_dims, kind, seed):
    for n in (3, 5, 20) if kind == "scattered" else (3, 5):
        coords = places(kind, n_dims, n=n, seed=seed)
        per_axis = len(coords) ** (1 / n_dims)
        noise = np.random.default_rng(seed).normal(size=(len(coords), 1))
        found = estimate_bandwidth(coords, noise) * np.ptp(coords, axis=0)
        assert np.all(found <= 2 * np.pi * per_axis)


def test_noise_alone_on_a_grid_hardly_ever_has_any():
    coords = places("grid", 1)
    rng = np.random.default_rng(0)
    found = [estimate_bandwidth(coords, rng.normal(size=(400, 1)))[0] for _ in range(300)]
    assert np.mean(np.array(found) > 0) < 0.05


# -- what must not matter ------------------------------------------------------------------------

factors = st.floats(1e-9, 1e9)


@KINDS
@examples
@given(a=st.tuples(factors, factors), b=st.tuples(*[st.floats(-100, 100)] * 2), c=factors)
def test_units_scale_it(kind, a, b, c):
    coords = places(kind, 2, n=20 if kind == "grid" else 300)
    values = wave(coords, [5, 3])
    moved = np.array(a) * (coords + b)
    expected = estimate_bandwidth(coords, values) / a
    assert estimate_bandwidth(moved, c * (values + 3)) == pytest.approx(expected, rel=1e-4)


@KINDS
@pytest.mark.parametrize("size", [1e-300, 1e-170, 1e150])
def test_values_of_any_size_have_the_same(kind, size):
    coords = places(kind, 2)
    values = wave(coords, [5, 3])
    same = estimate_bandwidth(coords, size * values)
    assert same == pytest.approx(estimate_bandwidth(coords, values), rel=1e-9)


@DIMS
@KINDS
def test_the_order_of_the_rows_does_not_matter(n_dims, kind):
    coords = places(kind, n_dims)
    values = wave(coords, np.arange(1, n_dims + 1))
    order = np.random.default_rng(3).permutation(len(coords))
    weights = np.random.default_rng(4).uniform(0.5, 2, len(coords))
    for w in (None, weights):
        one = estimate_bandwidth(coords, values, w)
        other = estimate_bandwidth(coords[order], values[order], None if w is None else w[order])
        assert other == pytest.approx(one, rel=1e-9)


@KINDS
def test_the_order_of_the_axes_is_that_of_the_bandwidths(kind):
    coords = places(kind, 2)
    values = wave(coords, [7, 2])
    one, other = estimate_bandwidth(coords, values), estimate_bandwidth(coords[:, ::-1], values)
    assert other[::-1] == pytest.approx(one, rel=0.1)


@DIMS
@KINDS
def test_weights_are_repeated_rows(n_dims, kind):
    coords = places(kind, n_dims, n=6 if kind == "grid" else 200)
    values = wave(coords, np.full(n_dims, 3.0))
    counts = np.random.default_rng(0).integers(1, 4, len(coords))
    weighted = estimate_bandwidth(coords, values, counts.astype(float))
    repeated = estimate_bandwidth(coords.repeat(counts, axis=0), values.repeat(counts, axis=0))
    assert weighted == pytest.approx(repeated, rel=1e-9)


@KINDS
def test_weights_that_are_all_equal_do_not_matter(kind):
    coords = places(kind, 2)
    values = wave(coords, [7, 2])
    same = estimate_bandwidth(coords, values, np.full(len(coords), 5.0))
    assert same == pytest.approx(estimate_bandwidth(coords, values), rel=1e-9)


def test_repeated_measurements_are_averaged():
    coords = places("grid", 1)
    noise = np.random.default_rng(0).normal(size=(len(coords), 1))
    twice = np.r_[wave(coords, [10]) + noise, wave(coords, [10]) - noise]
    assert estimate_bandwidth(np.r_[coords, coords], twice) == pytest.approx([10], rel=0.02)


@KINDS
def test_samples_of_little_weight_count_little(kind):
    coords = places(kind, 1)
    wild = np.random.default_rng(0).uniform(size=len(coords)) < 0.3
    values = np.where(wild[:, None], 5 * wave(coords, [300]), wave(coords, [10]))
    weights = np.where(wild, 1e-6, 1.0)
    assert estimate_bandwidth(coords, values, weights) == pytest.approx([10], rel=0.2)
    assert estimate_bandwidth(coords, values)[0] > 20


def test_it_leaves_what_it_is_given_alone():
    coords, values = places("scattered", 2), wave(places("scattered", 2), [4, 5])
    weights = np.linspace(1, 2, len(coords))
    before = [a.copy() for a in (coords, values, weights)]
    estimate_bandwidth(coords, values, weights)
    for array, copy in zip((coords, values, weights), before, strict=True):
        np.testing.assert_array_equal(array, copy)


# -- grids with holes, constant axes, few samples ------------------------------------------------


@pytest.mark.parametrize("missing", [1, 0.02, 0.5])
@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_missing_cells_of_a_grid_change_little(n_dims, missing):
    coords = places("grid", n_dims)
    values = wave(coords, np.full(n_dims, 5.0))
    n_missing = missing if missing == 1 else round(missing * len(coords))
    kept = np.sort(np.random.default_rng(0).permutation(len(coords))[n_missing:])
    whole, holes = (
        estimate_bandwidth(coords, values),
        estimate_bandwidth(coords[kept], values[kept]),
    )
    assert holes == pytest.approx(whole, rel=0.15)


@DIMS
@KINDS
def test_an_axis_that_is_constant_has_none_and_changes_nothing(n_dims, kind):
    coords = places(kind, n_dims)
    values = wave(coords, np.full(n_dims, 4.0))
    plain = estimate_bandwidth(coords, values)
    padded = np.insert(coords, 1, 3.7, axis=1)
    found = estimate_bandwidth(padded, values)
    assert found[1] == 0
    assert np.delete(found, 1) == pytest.approx(plain, rel=1e-9)


@KINDS
def test_an_axis_along_which_nothing_varies_has_next_to_none(kind):
    coords = places(kind, 2)
    along, across = estimate_bandwidth(coords, wave(coords, [8, 0]))
    assert along == pytest.approx(8, rel=0.1)
    assert across < 1


@DIMS
@KINDS
@pytest.mark.parametrize("value", [0.0, 1e9, -3e-300])
def test_values_that_are_constant_have_none(n_dims, kind, value):
    coords = places(kind, n_dims)
    values = np.full((len(coords), 2), value)
    assert estimate_bandwidth(coords, values).tolist() == [0.0] * n_dims
    assert estimate_bandwidth(coords, values, np.linspace(1, 2, len(coords))).max() == 0


@examples
@given(data=st.data())
def test_any_samples_at_all_have_a_bandwidth_that_is_a_number(data):
    n, n_dims = data.draw(st.integers(2, 12)), data.draw(st.integers(1, 4))
    numbers = st.floats(-1, 1, allow_subnormal=False)
    flat = data.draw(st.lists(numbers, min_size=n * n_dims, max_size=n * n_dims))
    values = data.draw(st.lists(numbers, min_size=n, max_size=n))
    weights = data.draw(
        st.none() | st.lists(st.floats(1e-6, 1e6), min_size=n, max_size=n).map(np.array)
    )
    coords = np.array(flat).reshape(n, n_dims)
    found = estimate_bandwidth(coords, np.array(values)[:, None], weights)
    assert found.shape == (n_dims,)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert np.isfinite(overall_bandwidth(found))


def test_many_samples_take_little_time_and_memory():
    coords = np.random.default_rng(0).uniform(-1, 1, (200_000, 2))
    found = estimate_bandwidth(coords, wave(coords, [20, 10]))
    assert found == pytest.approx([20, 10], rel=0.05)


@KINDS
def test_a_tree_that_is_built_faster_finds_the_same(kind, monkeypatch):
    coords = places(kind, 2)[1:]
    values = wave(coords, [20, 10]) + 0.1 * np.random.default_rng(0).normal(size=(len(coords), 1))
    found = estimate_bandwidth(coords, values)
    monkeypatch.setattr("skmire.spectrum._MANY", 1)
    assert estimate_bandwidth(coords, values) == pytest.approx(found, rel=0.02)


# -- one for all axes ----------------------------------------------------------------------------


def test_the_overall_one_is_the_root_mean_square_of_the_axes_that_vary():
    assert overall_bandwidth(np.array([3.0, 4.0])) == pytest.approx(np.sqrt(12.5))
    assert overall_bandwidth(np.array([0.0, 3.0, 0.0, 4.0])) == pytest.approx(np.sqrt(12.5))
    assert overall_bandwidth(np.array([30.0])) == 30


def test_the_overall_one_is_never_below_a_third_of_a_turn():
    for none in ([0.0], [0.0, 0.0], [0.2, 0.3], [1e-30]):
        assert overall_bandwidth(np.array(none)) == 1.0


# -- grids that are not whole --------------------------------------------------------------------

UNEVEN = {
    "few and many": ((5, 1000), (6.0, 100.0)),
    "few and many, slower": ((10, 1000), (6.0, 30.0)),
    "three axes": ((400, 8, 8), (3.0, 8.0, 8.0)),
}


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("how", ["one missing", "a third missing", "weights", "an uneven axis"])
@pytest.mark.parametrize("name", UNEVEN)
def test_axes_sampled_unlike_are_told_apart_on_a_grid_that_is_not_whole(name, how, noise):
    shape, frequencies = UNEVEN[name]
    axes = [np.linspace(-1, 1, n) for n in shape]
    if how == "an uneven axis":
        axes[0] = np.sign(axes[0]) * np.abs(axes[0]) ** 1.2
    coords = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(shape))
    rng = np.random.default_rng(0)
    values = np.sin(coords @ frequencies)[:, None] + noise * rng.normal(size=(len(coords), 1))
    weights = None
    if how == "weights":
        weights = rng.uniform(0.8, 1.2, size=len(coords))
    elif how != "an uneven axis":
        known = rng.permutation(len(coords)) >= (1 if how == "one missing" else len(coords) // 3)
        coords, values = coords[known], values[known]
    found = estimate_bandwidth(coords, values, weights)
    # Four samples a wave, or more, tell its frequency.
    told = np.array([np.pi * (n - 1) / 4 for n in shape]) > frequencies
    assert told.any()
    np.testing.assert_allclose(found[told], np.array(frequencies)[told], rtol=0.2)
    assert (found[~told] <= 1.1 * np.array(frequencies)[~told]).all()


@pytest.mark.parametrize("size", [1e-15, 1e-12, 1e-9, 1e-7])
def test_rounding_of_coordinates_changes_nothing(size):
    axis = np.linspace(-1, 1, 40)
    coords = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    values = np.sin(coords @ [6.0, 5.0])[:, None]
    for scale, shift in ((1.0, 0.0), (1e-3, 0.0), (1.0, 50.0)):
        rounded = coords + size * np.random.default_rng(0).uniform(-1, 1, size=coords.shape)
        found = estimate_bandwidth(shift + scale * rounded, values)
        np.testing.assert_allclose(found, np.array([6.0, 5.0]) / scale, rtol=0.1)


def test_a_grid_that_was_turned_is_one():
    coords = np.stack(
        np.meshgrid(np.linspace(-1, 1, 12), np.linspace(-1, 1, 300), indexing="ij"), axis=-1
    ).reshape(-1, 2)
    values = np.sin(coords @ [6.0, 20.0])[:, None]
    quarter = np.pi / 2
    turn = np.array([[np.cos(quarter), -np.sin(quarter)], [np.sin(quarter), np.cos(quarter)]])
    found = estimate_bandwidth(coords @ turn, values)
    np.testing.assert_allclose(found, estimate_bandwidth(coords, values)[::-1], rtol=1e-6)


def test_stations_that_move_a_little_stay_what_they_are():
    rng = np.random.default_rng(0)
    stations = np.repeat(rng.uniform(-1, 1, (30, 2)), 60, axis=0)
    coords = np.column_stack([stations, np.tile(np.linspace(-1, 1, 60), 30)])
    values = np.sin(coords @ [2.0, 3.0, 5.0])[:, None]
    moved = coords + [1e-6, 1e-6, 0] * rng.normal(size=coords.shape)
    found = estimate_bandwidth(moved, values)
    np.testing.assert_allclose(found, estimate_bandwidth(coords, values), rtol=0.1)


@pytest.mark.parametrize(
    ("n_bursts", "length", "step", "apart"),
    [(2, 1_000, 1e-2, 86_400.0), (20, 40, 1 / 44_100, 60.0), (100, 1_000, 1e-3, 864.0)],
)
def test_samples_in_bursts_far_apart_are_not_taken_for_one_another(n_bursts, length, step, apart):
    times = (apart * np.arange(n_bursts)[:, None] + step * np.arange(length)).reshape(-1, 1)
    frequency = 0.2 / step
    found = estimate_bandwidth(times, np.sin(frequency * (times % apart)))
    assert found == pytest.approx(frequency, rel=0.1)


def test_depths_that_grow_do_not_cost_the_bandwidth_along_the_other_axis():
    z, x = np.meshgrid(np.geomspace(5, 5_000, 30), np.linspace(0, 1, 60), indexing="ij")
    values = np.exp(-z / 300) * np.sin(40 * x) + 0.3 * np.exp(-z / 1_000)
    found = estimate_bandwidth(np.column_stack([z.ravel(), x.ravel()]), values.reshape(-1, 1))
    assert found[1] == pytest.approx(38, rel=0.1)


def test_times_from_microseconds_to_hours():
    times = np.geomspace(1e-6, 1e3, 300)[:, None]
    assert estimate_bandwidth(times, np.exp(-times)) == pytest.approx(1, rel=1)


def test_one_stray_time_does_not_make_the_others_one():
    times = np.r_[0.0, 1.6e9 + np.arange(600)][:, None]
    assert estimate_bandwidth(times, np.sin(0.1 * times)) == pytest.approx(0.1, rel=0.1)


def test_dense_samples_are_not_taken_for_one_another():
    x = np.sort(np.random.default_rng(0).uniform(0, 1, size=(200_000, 1)), axis=0)
    assert estimate_bandwidth(x, np.sin(30_000 * x)) == pytest.approx(30_000, rel=0.1)


def test_a_sample_of_great_weight_among_others_does_no_harm():
    coords, values = np.array([[0.0], [-1.0], [1.0]]), np.array([[0.0], [1.0], [1.0]])
    assert np.isfinite(estimate_bandwidth(coords, values, np.array([1.0, 1.0, 29.0]))).all()
    axis = np.linspace(-1, 1, 12)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    weights = np.where(np.arange(144) == 70, 1e6, 1.0)
    assert np.isfinite(estimate_bandwidth(grid, np.sin(grid @ [[3.0], [5.0]]), weights)).all()
