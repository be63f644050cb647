"""Data that are not as tidy as one array on one grid: other dimensions, masks, periods, eras."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.linear_model import LinearRegression

import skmire.grids  # noqa: F401 - which registers the accessor
from skmire.grids import GridEncoder
from skmire.grids._conventions import is_latitude, is_longitude


class Squares(LinearRegression):
    """Sums of a quadratic by each coordinate, with their derivatives."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(np.hstack([X, X**2]), y)

    def predict(self, X):
        return super().predict(np.hstack([X, X**2]))

    def jacobian(self, X):
        return (self.coef_[: X.shape[1]] + 2 * self.coef_[X.shape[1] :] * X)[:, None]

    def hessian(self, X):
        return np.broadcast_to(2 * np.diag(self.coef_[X.shape[1] :]), (len(X), *2 * X.shape[1:]))


LAT, LON = np.arange(4.0), np.arange(5.0)


def line(values, **coords):
    return xr.DataArray(values, coords or {"x": np.arange(float(len(values)))})


def mixed():
    both = xr.Dataset(
        {"a": (("lat", "lon"), LAT[:, None] + LON), "z": ("lat", LAT**2)},
        {"lat": LAT, "lon": LON},
    )
    return both.assign(b=("depth", 3 * LAT**2)).assign_coords(depth=LAT)


@pytest.mark.parametrize("chunks", [None, 2])
def test_where_a_mask_is_missing_nothing_is_filled(chunks):
    data = line([0.0, 1, 2, 3, np.nan, np.nan])
    mask = line([False, True, True, True, True]).reindex_like(data)
    mask, asked = (mask, data) if chunks is None else (mask.chunk(x=chunks), data.chunk(x=chunks))
    filled = GridEncoder(LinearRegression()).fit(data).fill_gaps(asked, mask)
    np.testing.assert_allclose(filled, [0, 1, 2, 3, 4, np.nan])


@pytest.mark.parametrize("as_dataset", [False, True])
def test_a_mask_of_another_shape_is_refused_before_the_fit(as_dataset):
    class Never(LinearRegression):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("fitted")

    data = line([1.0, np.nan, 3, 4])
    data = data.to_dataset(name="v") if as_dataset else data
    with pytest.raises(ValueError, match="mask must lie along dimensions of the data"):
        data.mire.fill_gaps(Never(), mask=np.ones(3, bool))


@pytest.mark.parametrize("options", [{}, {"periodic": {"lon": 360}}, {"sphere": True}])
def test_a_gap_of_the_globe_is_within_the_fitted_range(options):
    lon = np.r_[0:110:10, 140:360:10.0]
    data = xr.DataArray(np.cos(np.deg2rad(lon)), {"lon": lon})
    if "sphere" in options:
        data = data.expand_dims(lat=[0.0, 10.0])
    grid = GridEncoder(LinearRegression(), **options).fit(data)
    assert grid.interp(lon=120.0).notnull().all()


def test_of_two_labels_half_a_period_apart_those_between_them_are_known():
    data = line([1.0, -1], hour=[0.0, 12])
    grid = GridEncoder(LinearRegression(), periodic={"hour": 24}).fit(data)
    assert grid.interp(hour=[0.0, 6, 12, 18]).isnull().values.tolist() == [False] * 3 + [True]


@pytest.mark.parametrize("start", ["0300", "1200", "2023", "2300", "9000"])
@pytest.mark.parametrize(("freq", "n"), [("h", 48), ("D", 700)])
def test_dates_that_nanoseconds_do_not_reach_come_back(start, freq, n):
    first = np.datetime64(f"{start}-01-01", "us")
    time = first + np.arange(n) * np.timedelta64(1, freq)
    data = line(np.arange(float(n)), time=time)
    finer = GridEncoder(LinearRegression()).fit(data).upsample(2)
    half = np.timedelta64(1, freq).astype("m8[s]") // 2
    np.testing.assert_array_equal(finer.time, first + np.arange(2 * n - 1) * half)
    np.testing.assert_allclose(finer, np.arange(2 * n - 1) / 2, atol=1e-6)


def test_dates_of_two_thousand_years_come_back():
    time = np.arange("0100", "2100", dtype="M8[Y]").astype("M8[s]")
    data = line(np.arange(2000.0), time=time)
    grid = GridEncoder(LinearRegression()).fit(data)
    xr.testing.assert_equal(grid.interp().time, data.time)


def test_a_residual_of_what_was_not_fitted_is_refused_as_filling_it_is():
    data = xr.Dataset({"a": ("x", LAT)}, {"x": LAT})
    grid = GridEncoder(LinearRegression()).fit(data.a)
    for ask in (grid.residual, grid.fill_gaps):
        with pytest.raises(ValueError, match="none of the fitted variables"):
            ask(data.rename(a="b"))


def test_a_residual_keeps_the_mapping_that_it_names():
    data = mixed().assign(crs=1).assign_attrs(title="t")
    data.a.attrs["grid_mapping"] = "crs"
    rest = GridEncoder(LinearRegression()).fit(data).residual(data)
    assert set(rest) == {"a", "z", "b", "crs"}
    assert rest.attrs == {"title": "t"}
    assert rest.a.attrs["grid_mapping"] in rest


def test_chunks_are_for_the_variables_that_have_their_dimensions():
    data = mixed()
    grid = GridEncoder(LinearRegression()).fit(data)
    at_once = grid.interp(lat=[1.5])
    lazy = grid.interp(lat=[1.5], chunks={"lon": 2})
    assert lazy.a.chunksizes["lon"] == (2, 2, 1)
    xr.testing.assert_allclose(lazy.compute(), at_once)
    xr.testing.assert_allclose(grid.interp_like(data.chunk(lon=2)).compute(), grid.interp())
    with pytest.raises(ValueError, match=r"dimensions of the answer.*got \['time'\]"):
        grid.interp(chunks={"time": 2})


def test_the_laplacian_of_each_variable_is_by_its_own_coordinates():
    data = mixed()
    found = GridEncoder(Squares()).fit(data).laplacian()
    assert set(found) == {"laplacian_a", "laplacian_z", "laplacian_b"}
    np.testing.assert_allclose(found.laplacian_a, 0, atol=1e-6)
    np.testing.assert_allclose(found.laplacian_z, 2, atol=1e-6)
    np.testing.assert_allclose(found.laplacian_b, 6, atol=1e-6)
    by_latitude = GridEncoder(Squares()).fit(data).laplacian(dims=["lat"])
    assert set(by_latitude) == {"laplacian_a", "laplacian_z"}


def test_a_sphere_and_its_areas_are_for_variables_that_lie_on_it():
    data = mixed()
    plain = GridEncoder(LinearRegression()).fit(data)
    grid = GridEncoder(LinearRegression(), sphere=True, cos_latitude=True).fit(data)
    for name in ("z", "b"):
        assert grid.encoders_[name].n_features_in_ == 1
    assert grid.encoders_["a"].n_features_in_ == 3
    np.testing.assert_allclose(grid.interp().b, plain.interp().b)
    with pytest.raises(ValueError, match="sphere=True needs one latitude and one longitude"):
        GridEncoder(LinearRegression(), sphere=True).fit(data[["z", "b"]])
    with pytest.raises(ValueError, match="cos_latitude=True needs one latitude"):
        GridEncoder(LinearRegression(), cos_latitude=True).fit(data[["b"]])


def test_coordinates_of_what_is_not_fitted_come_along():
    data = mixed().assign(names=(("band", "lat"), np.ones((2, 4))))
    data = data.assign_coords(band=["r", "g"], lat_bounds=(("lat", "nv"), np.ones((4, 2))))
    grid = GridEncoder(LinearRegression()).fit(data)
    for asked in ({"lon": [0.5]}, {"lat": [0.5]}):
        found, known = grid.interp(**asked), data.drop_vars("z").interp(**asked)
        assert "band" in found.coords
        assert ("lat_bounds" in found.coords) == ("lon" in asked)
        if "lon" in asked:
            xr.testing.assert_identical(found.lat_bounds, known.lat_bounds)
            xr.testing.assert_identical(found.names, known.names)


def test_data_without_labels_are_compared_by_their_indices_and_those_with_labels_are_not():
    data = xr.DataArray(np.arange(12.0).reshape(3, 4), dims=("y", "x"))
    grid = GridEncoder(LinearRegression()).fit(data)
    np.testing.assert_allclose(grid.residual(data), 0, atol=1e-9)
    labelled = line([0.0, 1, 2, 3], x=[3.0, 2, 1, 0])
    with pytest.raises(ValueError, match=r"\['x'\] are missing"):
        GridEncoder(LinearRegression()).fit(labelled).residual(labelled.drop_vars("x"))


def test_labels_without_an_index_are_labels():
    data = line([1.0, 2, 3]).drop_indexes("x")
    grid = GridEncoder(LinearRegression()).fit(data)
    np.testing.assert_allclose(grid.interp(x=[0.5, 1.5]), [1.5, 2.5])
    np.testing.assert_allclose(grid.residual(data), 0, atol=1e-9)


def test_a_direction_is_no_longitude():
    assert not is_longitude("direction", {"units": "degrees_true"})
    for unit in ("degrees_east", "degree_E", "degreesE", "°E", "degree_east"):
        assert is_longitude("u", {"units": unit})
        assert not is_latitude("u", {"units": unit})
    assert is_longitude("lon", {"units": "degree"})
    assert not is_longitude("u", {"units": "degree"})


def test_a_column_of_any_name_is_fitted():
    frame = pd.DataFrame({"x": [0.0, 1, 2], "points": [1.0, 2, 3], "v": [1.0, 2, 3]})
    grid = GridEncoder(LinearRegression(), coords=["x"]).fit(frame)
    assert set(grid.encoders_) == {"points", "v"}
