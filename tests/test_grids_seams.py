"""Coordinates that come back: what is the fitted range on a circle, and where its labels go on."""

import numpy as np
import pytest
import xarray as xr
from sklearn.linear_model import LinearRegression

from skmire.grids import GridEncoder

EAST = {"units": "degrees_east"}


def around(lon):
    """Return a field that a linear regression on the circle meets exactly."""
    lon = np.asarray(lon, dtype=float)
    return xr.DataArray(np.cos(np.deg2rad(lon)), {"lon": ("lon", lon, EAST)})


def fitted(data, **options):
    return GridEncoder(LinearRegression(), **options).fit(data)


PACIFIC = np.r_[150:182:2, -178:-120:2]


@pytest.mark.parametrize("lon", [PACIFIC, np.sort(PACIFIC), PACIFIC[::-1]])
def test_a_region_across_the_date_line_is_found_and_has_no_seam(lon):
    grid = fitted(around(lon))
    (axis,) = grid.fields_[0].axes
    assert (axis.period, axis.low, axis.high) == (360, 150, 238)
    asked = [0.0, 149, 150, 179.9, 181, -179, 238, 239, -122]
    found = grid.interp(lon=asked)
    assert found.isnull().values.tolist() == [True, True, *[False] * 5, True, False]
    np.testing.assert_allclose(found[2:7], np.cos(np.deg2rad(asked[2:7])), atol=1e-9)


def test_stations_all_over_the_globe_and_curvilinear_grids_have_no_seam_either():
    lon = np.random.default_rng(0).uniform(-180, 180, 40)
    places = {"lat": ("points", np.linspace(-60, 60, 40)), "lon": ("points", lon)}
    stations = xr.DataArray(np.cos(np.deg2rad(lon)), places, ["points"])
    assert fitted(stations).fields_[0].axes[1].period == 360
    y, x = np.meshgrid(np.arange(3.0), PACIFIC.astype(float), indexing="ij")
    ocean = xr.DataArray(x * 0, {"lat": (("y", "x"), y), "lon": (("y", "x"), x)}, ("y", "x"))
    assert fitted(ocean).interp(lat=1.0, lon=[0.0, 181]).isnull().values.tolist() == [True, False]


def test_a_gap_in_the_globe_is_no_region_s_outside():
    """Labels that all but go round are interpolated in their gap, as xarray does."""
    grid = fitted(around(np.r_[0:110:10, 140:360:10]))
    assert grid.fields_[0].axes[0].is_whole
    found = grid.interp(lon=[120.0, 355, -5])
    np.testing.assert_allclose(found, np.cos(np.deg2rad([120, 355, -5])), atol=1e-9)


@pytest.mark.parametrize(
    "lon",
    [np.arange(0, 31), np.arange(-90.0, 91, 0.1), [0.0, 10, 100], -66.6 + 1e-6 * np.arange(7)],
)
def test_a_region_that_crosses_nothing_is_a_line(lon):
    (axis,) = fitted(around(lon)).fields_[0].axes
    assert (axis.period, axis.low, axis.high) == (None, lon[0], lon[-1])


@pytest.mark.parametrize("sphere", [False, True])
@pytest.mark.parametrize(("lon", "low", "high"), [([20.0], 20, 20), ([0.0, 90], 0, 90)])
def test_a_few_meridians_do_not_go_round(lon, low, high, sphere):
    data = around(lon).expand_dims(lat=[0.0, 10, 20]).copy()
    grid = fitted(data, sphere=sphere)
    axis = grid.fields_[0].axes[1]
    assert (axis.low, axis.high, axis.is_whole) == (low, high, False)
    assert grid.interp(lon=[high, 200.0])[0].isnull().values.tolist() == [False, True]
    assert grid.grid(1.0).sizes["lon"] == high - low + 1
    assert fitted(around([0.0, 180, 360])).fields_[0].axes[0].is_whole


ROLLED = {
    "half way": (np.r_[180:360:30, 0:180:30], [165.0, 345], 24),
    "westwards": (np.r_[150:-30:-30, 330:150:-30], [15.0, 195], 24),
    "date line": (np.r_[170:182:2, -178:-168:2], [179.0, -179, -177], 21),
    "a few labels": ([350.0, 10, 30], [0.0, 20], 5),
    "with 360 once more": (np.arange(0, 390, 30), [345.0], 25),
    "beyond 360": (np.arange(0, 390, 15), [352.5, 367.5], 51),
}


@pytest.mark.parametrize(("lon", "between", "n"), ROLLED.values(), ids=ROLLED)
def test_upsampling_goes_on_over_the_seam(lon, between, n):
    finer = fitted(around(lon), periodic={"lon": 360}).upsample(2)
    labels = finer.lon.values
    assert len(labels) == n
    np.testing.assert_array_equal(labels[::2][: len(lon)], lon)
    for label in between:
        assert np.isclose((labels - label + 180) % 360, 180).any()
    np.testing.assert_allclose(finer, np.cos(np.deg2rad(labels)), atol=1e-9)  # none is missing
    steps = np.diff(labels)
    steps -= 360 * np.rint(steps / 360)
    np.testing.assert_allclose(steps, steps[0])


def test_steps_of_times_over_many_periods_are_as_they_are():
    hours = xr.DataArray(np.zeros(9), {"hour": np.arange(9) * 18.0})
    finer = fitted(hours, periodic={"hour": 24}).upsample(2)
    np.testing.assert_array_equal(finer.hour, np.arange(17) * 9)


def test_coordinates_that_are_no_index_go_on_over_the_seam():
    lon = np.arange(0, 360, 30.0)
    depth = np.cos(np.deg2rad(lon))
    for roll in (0, 5):
        data = around(np.roll(lon, roll)).assign_coords(
            depth=("lon", np.roll(depth, roll)), name=("lon", list("abcdefghijkl")))  # fmt: skip
        grid = fitted(data)
        found = grid.interp(lon=[345.0, -15, 375, 15, -330, 60])
        side = (depth[0] + depth[1]) / 2
        np.testing.assert_allclose(found.depth, [side, side, side, side, depth[1], depth[2]])
        assert (found.depth.dims, found.lon.attrs) == (("lon",), EAST)
        finer = grid.upsample(2)
        assert finer.depth.notnull().all()
        np.testing.assert_allclose(finer.depth[::2], data.depth)
        np.testing.assert_array_equal(finer.lon[::2], data.lon)
    line = fitted(around(np.arange(0, 180, 30.0)).assign_coords(depth=("lon", depth[:6])))
    assert line.interp(lon=-5.0).depth.isnull()


def test_a_region_answers_longitudes_of_the_other_convention():
    for lon, asked, ours in (
        (np.arange(170, 191), [-175, -170, 185, 545], [185, 190, 185, 185]),
        (np.arange(-10, 11), [355, 350, 365, -5], [-5, -10, 5, -5]),
    ):
        data = xr.DataArray(2.0 * lon, {"lon": ("lon", lon, EAST)})
        grid = fitted(data)
        found = grid.interp(lon=asked)
        np.testing.assert_allclose(found, 2.0 * np.array(ours))
        np.testing.assert_array_equal(found.lon, asked)
        assert grid.interp(lon=[100.0, 349, 11]).isnull().all()
        assert fitted(data, periodic=None).interp(lon=asked).isnull().any()
    box = grid.grid(5.0, {"lon": (350, 10)})
    np.testing.assert_allclose(box, [-20, -10, 0, 10, 20], atol=1e-9)
    np.testing.assert_array_equal(box.lon, [350, 355, 360, 365, 370])
