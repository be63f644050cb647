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


@pytest.mark.parametrize("lon", [np.arange(0, 31), np.arange(-90.0, 91, 0.1), [0.0, 10, 100]])
def test_a_region_that_crosses_nothing_is_a_line(lon):
    (axis,) = fitted(around(lon)).fields_[0].axes
    assert (axis.period, axis.low, axis.high) == (None, lon[0], lon[-1])
