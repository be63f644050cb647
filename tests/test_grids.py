"""Labelled data in, labelled data out: what must survive, and what is asked of whom."""

import pickle

import cftime
import joblib
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skmire import ActivationDictionary, FixedSequence, MIREncoder
from skmire.grids import GridEncoder
from skmire.grids._codecs import codec_of


class Quadratic(RegressorMixin, BaseEstimator):
    """A polynomial of degree 2, which is exact on signals that are one, in all derivatives."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.sample_weight_ = X, y, sample_weight
        self.centre_ = X.mean(axis=0)
        self.size_ = np.abs(X - self.centre_).max(axis=0)
        self.size_[self.size_ == 0] = 1
        columns = y.reshape(len(y), -1)
        root = np.ones(len(X)) if sample_weight is None else np.sqrt(sample_weight)
        self.c_ = np.linalg.lstsq(self._terms(X) * root[:, None], columns * root[:, None])[0]
        return self

    def _pairs(self):
        d = len(self.centre_)
        return [(i, j) for i in range(d) for j in range(i, d)]

    def _terms(self, X):
        u = (X - self.centre_) / self.size_
        products = [u[:, i] * u[:, j] for i, j in self._pairs()]
        return np.column_stack([np.ones(len(u)), u, *products])

    def predict(self, X):
        found = self._terms(X) @ self.c_
        return found[:, 0] if self.y_.ndim == 1 else found

    def hessian(self, X):
        d = len(self.centre_)
        bend = np.zeros((self.c_.shape[1], d, d))
        for (i, j), c in zip(self._pairs(), self.c_[1 + d :], strict=True):
            bend[:, i, j] += c / (self.size_[i] * self.size_[j])
            bend[:, j, i] += c / (self.size_[i] * self.size_[j])
        all_ = np.broadcast_to(bend, (len(X), *bend.shape))
        return all_[:, 0] if self.y_.ndim == 1 else all_

    def jacobian(self, X):
        d = len(self.centre_)
        bend = self.hessian(X[:1]).reshape(-1, d, d)
        return self.c_[1 : d + 1].T / self.size_ + np.einsum("mij,nj->nmi", bend, X - self.centre_)


DEGREES = {"units": "degrees_north", "standard_name": "latitude", "axis": "Y"}
EAST = {"units": "degrees_east", "axis": "X"}


def cubic():
    return make_pipeline(StandardScaler(), PolynomialFeatures(3), LinearRegression())


def plane(lat=None, lon=None, *, dtype="float64", dims=("lat", "lon"), **extra):
    """Return a field of degree 2 in latitude and longitude."""
    lat = np.linspace(60, 40, 11) if lat is None else np.asarray(lat)
    lon = np.linspace(0, 30, 13) if lon is None else np.asarray(lon)
    coords = {"lat": ("lat", lat, DEGREES), "lon": ("lon", lon, EAST), **extra}
    u = lat.astype(float)[:, None] / 10
    values = u**2 - 0.3 * u * lon / 10 + 2
    attrs = {"units": "K", "standard_name": "air_temperature", "long_name": "warmth", "made": "up"}
    array = xr.DataArray(values.astype(dtype), coords, ("lat", "lon"), "tas", attrs)
    return array.transpose(*dims)


def truth(lat, lon):
    return (lat / 10) ** 2 - 0.3 * lat * lon / 100 + 2


# -- what is kept ---------------------------------------------------------------------------------


def test_name_attributes_and_attributes_of_coordinates_are_kept():
    data = plane()
    found = GridEncoder(Quadratic()).fit(data).interp(lat=[45.0, 50.5], lon=[3.0, 4, 5])
    assert (found.name, found.attrs) == ("tas", data.attrs)
    assert (found.lat.attrs, found.lon.attrs) == (DEGREES, EAST)
    assert "lat" in found.indexes
    np.testing.assert_allclose(found, truth(found.lat, found.lon))


@pytest.mark.parametrize("dims", [("lat", "lon"), ("lon", "lat")])
def test_order_of_dimensions_is_kept(dims):
    grid = GridEncoder(Quadratic()).fit(plane(dims=dims))
    assert grid.interp(lon=[1.0, 2.0]).dims == dims
    assert grid.upsample(2).dims == dims
    xr.testing.assert_allclose(
        grid.interp(lon=[1.0, 2.0]).transpose("lat", "lon"),
        GridEncoder(Quadratic()).fit(plane()).interp(lon=[1.0, 2.0]),
    )


@pytest.mark.parametrize(
    ("dtype", "kept"), [("float32", "float32"), ("float64", "float64"), ("int16", "float64")]
)
def test_precision_of_floats_is_kept_and_all_else_becomes_double(dtype, kept):
    assert GridEncoder(Quadratic()).fit(plane(dtype=dtype)).interp(lat=50.0).dtype == kept


def test_coordinates_that_are_no_index_are_kept_as_xarray_keeps_them():
    extra = {
        "height": ("lat", np.arange(11.0)), "area": (("lat", "lon"), np.ones((11, 13))),
        "run": 7, "place": ("lon", list("abcdefghijklm")),
    }  # fmt: skip
    data = plane(**extra)
    found = GridEncoder(Quadratic()).fit(data).interp(lat=[47.0, 43.0])
    assert set(found.coords) == {"lat", "lon", *extra}
    xr.testing.assert_identical(
        found.drop_attrs(deep=False).coords.to_dataset().drop_vars("lat"),
        data.interp(lat=[47.0, 43.0]).coords.to_dataset().drop_vars("lat"),
    )


def test_descending_and_irregular_labels_are_as_good_as_sorted_ones():
    lat = np.array([60.0, 59, 50, 44, 43, 40])
    rows = slice(None, None, -1)
    down, up = (GridEncoder(Quadratic()).fit(plane(lat=lat[part])) for part in (slice(None), rows))
    asked = {"lat": [41.5, 58.0], "lon": [0.0, 29.0]}
    xr.testing.assert_allclose(down.interp(asked), up.interp(asked))
    np.testing.assert_array_equal(down.interp().lat, lat)
    np.testing.assert_allclose(down.interp(), plane(lat=lat), rtol=1e-10)


def test_single_precision_labels_stay_so_and_contain_their_own_ends():
    lat = np.linspace(40.1, 60.1, 11).astype("float32")
    grid = GridEncoder(Quadratic()).fit(plane(lat=lat))
    assert grid.upsample(lat=2).lat.dtype == np.float32
    assert grid.interp(lat=[40.1, 60.1]).notnull().all()  # float32 has the end a little lower


def test_dimensions_without_labels_count_by_index_and_get_no_labels():
    data = xr.DataArray(np.arange(12.0).reshape(3, 4), dims=("y", "x"))
    grid = GridEncoder(Quadratic()).fit(data)
    assert grid.interp().coords.keys() == set()
    found = grid.interp(y=[0.5, 1.5])
    assert (list(found.coords), found.name) == (["y"], None)
    np.testing.assert_allclose(found, data.interp(y=[0.5, 1.5]))
    assert grid.differentiate("x").name == "d_dx"


# -- what is asked --------------------------------------------------------------------------------


def test_a_part_of_a_dimension_without_labels_does_not_count_from_its_start_again():
    data = xr.DataArray(np.arange(10.0) ** 2, dims="x")
    grid = GridEncoder(Quadratic()).fit(data)
    part = data[4:9]
    for ask in (grid.residual, grid.fill_gaps):
        with pytest.raises(ValueError, match=r"'x' was 10, and is 5.*assign_coords\(x="):
            ask(part)
    np.testing.assert_allclose(grid.residual(part.assign_coords(x=np.arange(4, 9))), 0, atol=1e-9)
    np.testing.assert_allclose(grid.residual(data), 0, atol=1e-9)


def test_labels_of_two_coordinates_span_a_grid_and_shared_dimensions_are_pointwise():
    grid = GridEncoder(Quadratic()).fit(plane())
    lat, lon = np.array([41.0, 55.0, 59.0]), np.array([2.0, 13.0, 29.0])
    outer = grid.interp(lat=lat, lon=lon)
    track = grid.interp(lat=("track", lat), lon=("track", lon))
    assert (outer.dims, track.dims) == (("lat", "lon"), ("track",))
    np.testing.assert_allclose(track, np.diag(outer))
    assert float(grid.interp(lat=41.0, lon=2.0)) == pytest.approx(float(outer[0, 0]))


REQUESTS = {
    "outer": {"lat": [41.0, 55.0], "lon": [2.0, 4.5]},
    "one": {"lat": 44.0},
    "pointwise": {"lat": ("p", [41.0, 55.0]), "lon": ("p", [2.0, 4.5])},
    "plane": {"lat": (("a", "b"), [[41.0, 55], [43, 44]]), "lon": ("b", [2.0, 4.5])},
    "new dimension": {"lat": xr.DataArray([41.0, 43], {"p": ["u", "v"]})},
    "nothing": {},
}


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
def test_dimensions_and_coordinates_are_those_of_xarrays_interp(asked):
    data = plane(height=("lat", np.arange(11.0)), run=7)
    found, theirs = GridEncoder(Quadratic()).fit(data).interp(asked), data.interp(asked)
    assert found.dims == theirs.dims
    xr.testing.assert_identical(found.coords.to_dataset(), theirs.coords.to_dataset())
    assert found.attrs == theirs.attrs


def test_interp_agrees_with_xarrays_on_a_smooth_field():
    lat, lon = np.linspace(0, 6, 121), np.linspace(0, 8, 161)
    data = xr.DataArray(np.sin(lat)[:, None] * np.cos(lon), {"lat": lat, "lon": lon})
    encoder = MIREncoder(
        search=FixedSequence("sinusoid", 2), hidden_width=48, max_epochs=40, random_state=0
    )
    grid = GridEncoder(encoder).fit(data[::4, ::4])
    asked = {"lat": np.linspace(0.3, 5.7, 30), "lon": np.linspace(0.3, 7.7, 31)}
    off = grid.interp(asked) - data.interp(asked, method="linear")
    assert float(np.sqrt((off**2).mean())) < 0.01


def test_interp_like_takes_the_labels_of_another_and_leaves_what_it_has_not():
    grid = GridEncoder(Quadratic()).fit(plane())
    other = xr.Dataset({"x": ("lat", [1.0, 2, 3])}, {"lat": [41.0, 42, 43], "lon": 3.0})
    found = grid.interp_like(other)
    assert dict(found.sizes) == {"lat": 3, "lon": 13}
    xr.testing.assert_identical(found.drop_attrs(), plane().interp_like(other).copy(
        data=found.values).drop_attrs())  # fmt: skip


def test_interp_like_takes_curvilinear_coordinates():
    y, x = np.meshgrid(np.linspace(41, 59, 5), np.linspace(1, 29, 6), indexing="ij")
    coords = {"lat": (("y", "x"), y + x / 30), "lon": (("y", "x"), x)}
    other = xr.DataArray(np.zeros((5, 6)), coords, ("y", "x"))
    found = GridEncoder(Quadratic()).fit(plane()).interp_like(other)
    np.testing.assert_allclose(found, truth(y + x / 30, x))
    assert found.dims == ("y", "x")


@pytest.mark.parametrize("factor", [2, 3])
def test_upsampling_keeps_the_labels_and_divides_their_steps(factor):
    lat = np.array([60.0, 59, 50, 44, 43, 40])
    data = plane(lat=lat, time=pd.Timestamp("2000-01-01"))
    grid = GridEncoder(Quadratic()).fit(data)
    finer = grid.upsample(lat=factor)
    assert dict(finer.sizes) == {"lat": 5 * factor + 1, "lon": 13}
    np.testing.assert_array_equal(finer.lat[::factor], lat)
    np.testing.assert_allclose(np.diff(finer.lat), np.repeat(np.diff(lat), factor) / factor)
    np.testing.assert_allclose(finer, truth(finer.lat, finer.lon))
    assert dict(grid.upsample(factor).sizes) == {"lat": 5 * factor + 1, "lon": 12 * factor + 1}
    assert finer.lat.attrs == DEGREES


def test_a_regular_grid_spans_the_fitted_range_or_a_region():
    grid = GridEncoder(Quadratic()).fit(plane())
    np.testing.assert_allclose(grid.grid(2.5).lat, np.arange(40, 60.1, 2.5))
    part = grid.grid({"lat": 1, "lon": 0.1}, region={"lat": (45, 47), "lon": 3})
    assert (part.dims, part.lat.values.tolist(), float(part.lon)) == (("lat",), [45, 46, 47], 3)
    with pytest.raises(ValueError, match="spacing has none for 'lon'"):
        grid.grid({"lat": 1}, region={"lon": (1, 2)})


# -- missing values -------------------------------------------------------------------------------


def test_only_what_is_missing_is_filled_and_known_values_stay_bit_by_bit():
    data = plane(dtype="float32")
    holes = data.where(np.random.default_rng(0).random(data.shape) > 0.3)
    holes[0] = np.nan  # the whole end of the range
    noisy = holes + np.random.default_rng(1).normal(size=data.shape).astype("float32")
    noisy.attrs = data.attrs
    filled = GridEncoder(Quadratic()).fit(noisy).fill_gaps(noisy)
    assert filled.notnull().all()
    np.testing.assert_array_equal(filled.values[holes.notnull()], noisy.values[holes.notnull()])
    assert (filled.dtype, filled.attrs, filled.name) == ("float32", data.attrs, "tas")
    exact = GridEncoder(Quadratic()).fit(holes).fill_gaps(holes)
    np.testing.assert_allclose(exact, data, rtol=1e-6)


def test_known_values_are_those_of_the_fit_if_asked():
    noisy = plane() + np.random.default_rng(1).normal(size=(11, 13))
    grid = GridEncoder(Quadratic()).fit(noisy)
    xr.testing.assert_allclose(grid.fill_gaps(noisy, keep_known=False), grid.interp())


def test_a_mask_says_where_to_fill():
    data = plane()
    holes = data.where(data.lat < 55)
    filled = GridEncoder(Quadratic()).fit(holes).fill_gaps(holes, mask=data.lon > 10)
    land = (data.lat >= 55) & (data.lon <= 10)
    assert bool((filled.isnull() == land).all())
    with pytest.raises(ValueError, match="mask must lie along"):
        GridEncoder(Quadratic()).fit(holes).fill_gaps(holes, mask=xr.DataArray([True], dims="z"))
    with pytest.raises(ValueError, match="labels of mask must be those of the data"):
        GridEncoder(Quadratic()).fit(holes).fill_gaps(holes, mask=data.lat[::-1] > 0)


def test_missing_cells_are_not_fitted_but_count_for_the_range():
    holes = plane().where(plane().lat <= 50)
    grid = GridEncoder(Quadratic()).fit(holes)
    assert grid.encoders_["tas"].X_.shape == (6 * 13, 2)
    assert grid.n_samples_ == {"tas": 6 * 13}
    assert grid.interp(lat=60.0).notnull().all()


def test_outside_of_the_fitted_range_is_missing_refused_or_extrapolated():
    grid = GridEncoder(Quadratic()).fit(plane())
    beyond = {"lat": [39.9, 40.0, 60.0, 60.1], "lon": [5.0]}
    assert grid.interp(beyond).isnull().values.ravel().tolist() == [True, False, False, True]
    np.testing.assert_array_equal(grid.interp(beyond).isnull(), plane().interp(beyond).isnull())
    grid.set_params(extrapolate="allow")
    np.testing.assert_allclose(grid.interp(beyond)[:, 0], truth(np.array(beyond["lat"]), 5.0))
    grid.set_params(extrapolate="raise")
    with pytest.raises(
        ValueError, match=r"lat must be within the fitted range, 40.0 to 60.0; got 39.9"
    ):
        grid.interp(beyond)
    assert grid.interp(lat=[40.0, np.nan]).isnull().sum() == 13  # a missing label is not outside


def test_a_residual_is_the_data_less_the_fit():
    data = plane()
    rest = GridEncoder(Quadratic()).fit(data).residual(data + 1)
    np.testing.assert_allclose(rest, 1)
    assert (rest.name, rest.attrs["units"], rest.dims) == ("tas", "K", data.dims)
    row = (10 * data).round().astype(int)[3]  # whole numbers, and one latitude
    rest = GridEncoder(Quadratic()).fit(10 * data).residual(row)
    np.testing.assert_allclose(rest, row - 10 * data[3], atol=1e-9)


# -- derivatives ----------------------------------------------------------------------------------


def test_derivatives_are_those_of_the_field_with_units_and_names():
    data = plane()
    grid = GridEncoder(Quadratic()).fit(data)
    by_lat = grid.differentiate("lat")
    np.testing.assert_allclose(by_lat, data.lat / 50 - 0.003 * data.lon + 0 * data, atol=1e-10)
    assert by_lat.name == "dtas_dlat"
    assert by_lat.attrs == {"units": "K / degree", "long_name": "derivative by lat of warmth"}
    assert by_lat.lat.attrs == DEGREES
    np.testing.assert_allclose(grid.differentiate("lat", order=2), 0.02, atol=1e-10)
    assert grid.differentiate("lat", order=2).attrs["units"] == "K / degree2"
    np.testing.assert_allclose(grid.laplacian(lat=50.0), 0.02, atol=1e-10)
    assert grid.laplacian().attrs["units"] == "K / degree2"
    both = grid.gradient(lon=[1.0, 2.0])
    assert list(both.data_vars) == ["dtas_dlat", "dtas_dlon"]
    np.testing.assert_allclose(both.dtas_dlon, -0.003 * both.lat + 0 * both.dtas_dlon, atol=1e-10)


def test_derivatives_agree_with_xarrays_differences():
    lat = np.linspace(0, 6, 301)
    data = xr.DataArray(np.sin(lat), {"lat": lat})
    encoder = MIREncoder(
        search=FixedSequence("sinusoid", 2), hidden_width=48, max_epochs=60, random_state=0
    )
    found = GridEncoder(encoder).fit(data).differentiate("lat")
    theirs = data.differentiate("lat")
    assert float(np.sqrt(((found - theirs)[5:-5] ** 2).mean())) < 0.05


def test_units_are_not_made_up():
    data = plane()
    del data.attrs["units"]
    assert "units" not in GridEncoder(Quadratic()).fit(data).differentiate("lat").attrs
    data = plane()
    data.lon.attrs.clear()
    assert "units" not in GridEncoder(Quadratic()).fit(data).differentiate("lon").attrs
    data.lon.attrs["units"] = "km h-1"
    found = GridEncoder(Quadratic()).fit(data)
    assert found.differentiate("lon").attrs["units"] == "K / (km h-1)"
    with pytest.raises(ValueError, match=r"lat \(degree\), lon \(km h-1\)"):
        found.laplacian()
    assert found.laplacian(dims=["lon"]).attrs["units"] == "K / (km h-1)2"


def test_a_laplacian_of_bare_names_adds_no_times_and_no_unknown_units_to_degrees():
    data = plane().drop_attrs(deep=True) + xr.DataArray(np.arange(4.0) ** 2, dims="time")
    found = GridEncoder(Quadratic()).fit(data.assign_coords(time=np.arange(4.0))).laplacian()
    np.testing.assert_allclose(found, 0.02, atol=1e-9)  # of the latitude alone
    mixed = data.rename(time="depth").assign_coords(depth=np.arange(4.0))
    with pytest.raises(ValueError, match=r"lat \(degree\), lon \(degree\), depth \(unknown\)"):
        GridEncoder(Quadratic()).fit(mixed).laplacian()


class ByPlaces(Quadratic):
    """A polynomial that is asked for single derivatives, and for all of them only on a circle."""

    def derivative(self, X, order):
        (i,) = np.flatnonzero(order)
        assert order[i] == 2
        return Quadratic.hessian(self, X)[..., i, i]

    def jacobian(self, X):
        raise AssertionError("all of them")


@pytest.mark.parametrize("joint", [False, True])
def test_second_derivatives_along_lines_need_no_mixed_ones(joint):
    data = plane()
    data = data.to_dataset().assign(twice=2 * data) if joint else data
    told = GridEncoder(Quadratic(), joint=joint).fit(data)
    found = GridEncoder(ByPlaces(), joint=joint).fit(data)
    for ask in (lambda grid: grid.laplacian(), lambda grid: grid.differentiate("lat", order=2)):
        xr.testing.assert_allclose(ask(found), ask(told))
    with pytest.raises(AssertionError, match="all of them"):
        GridEncoder(ByPlaces(), periodic={"lon": 360}).fit(plane()).laplacian()


def test_an_encoder_without_derivatives_is_told_so():
    grid = GridEncoder(KNeighborsRegressor(1)).fit(plane())
    xr.testing.assert_allclose(grid.interp(), plane())
    with pytest.raises(TypeError, match="jacobian; KNeighborsRegressor has none"):
        grid.differentiate("lat")


# -- time -----------------------------------------------------------------------------------------


def warming(time, dtype="float64"):
    """Return a field of degree 2 in days since its first label."""
    if isinstance(time[0], cftime.datetime):
        days = cftime.date2num(list(time), "days since 2000-01-01", time[0].calendar)
    else:
        days = (np.asarray(time) - np.datetime64("2000-01-01")) / np.timedelta64(1, "D")
    return xr.DataArray((days / 100.0) ** 2, {"time": time}, ("time",), "t", {"units": "K"}).astype(
        dtype
    )


def test_dates_go_in_and_come_out():
    data = warming(pd.date_range("2000-01-01", periods=13, freq="MS"))
    grid = GridEncoder(Quadratic()).fit(data)
    found = grid.interp(time=["2000-03-11", "2000-12-31"])
    days = np.array([70, 365])
    np.testing.assert_allclose(found, (days / 100) ** 2)
    assert found.time.dtype.kind == "M"
    assert grid.interp().indexes["time"].equals(data.indexes["time"])
    assert grid.interp().time.dtype == data.time.dtype
    finer = grid.upsample(2)
    np.testing.assert_array_equal(finer.time[::2], data.time)
    assert finer.time.values[1] == np.datetime64("2000-01-16T12:00")
    slope = grid.differentiate("time", time="2000-04-10")
    assert (float(slope), slope.attrs["units"]) == (pytest.approx(0.02), "K / day")
    hourly = grid.differentiate("time", time="2000-04-10", datetime_unit="h")
    assert float(hourly) == pytest.approx(0.02 / 24)
    assert hourly.attrs["units"] == "K / hour"
    bend = grid.differentiate("time", order=2, datetime_unit="h")
    np.testing.assert_allclose(bend, 2e-4 / 24**2)
    assert bend.attrs["units"] == "K / hour2"
    theirs = data.differentiate("time", datetime_unit="D")[1:-1]
    np.testing.assert_allclose(grid.differentiate("time")[1:-1], theirs, rtol=0.05)


def test_upsampling_keeps_labels_that_numbers_cannot_tell_apart():
    nanoseconds = np.arange(5) * 1_000_000_000_000_007 * 7 + 1
    data = warming(np.datetime64("2000-01-01", "ns") + nanoseconds.astype("m8[ns]"))
    finer = GridEncoder(Quadratic()).fit(data).upsample(2)
    np.testing.assert_array_equal(finer.time[::2], data.time)


@pytest.mark.parametrize("calendar", ["360_day", "noleap", "julian", "standard"])
def test_calendars_of_cftime_go_in_and_come_out(calendar):
    time = xr.date_range("2000-01-01", periods=13, freq="MS", calendar=calendar, use_cftime=True)
    data = warming(time.values)
    grid = GridEncoder(Quadratic()).fit(data)
    np.testing.assert_allclose(grid.interp(), data, atol=1e-10)
    assert grid.interp().indexes["time"].equals(data.indexes["time"])
    finer = grid.upsample(2)
    np.testing.assert_array_equal(finer.time[::2], data.time)
    assert {t.calendar for t in finer.time.values} == {calendar}
    day = cftime.datetime(2000, 4, 11, calendar=calendar)
    days = cftime.date2num(day, "days since 2000-01-01", calendar)
    asked = xr.DataArray([type(time[0])(2000, 4, 11)], dims="time")
    assert float(grid.interp(time=asked)[0]) == pytest.approx((days / 100) ** 2)
    assert grid.differentiate("time").attrs["units"] == "K / day"


def test_a_spacing_along_times_is_a_duration():
    grid = GridEncoder(Quadratic()).fit(warming(pd.date_range("2000-01-01", periods=13, freq="MS")))
    weekly = grid.grid({"time": np.timedelta64(7, "D")}).time
    assert (len(weekly), weekly.values[-1]) == (53, np.datetime64("2000-12-30"))
    part = grid.grid(
        {"time": pd.Timedelta("12h")},
        region={"time": np.array(["2000-03-01", "2000-03-02"], "datetime64[ns]")},
    )
    assert len(part) == 3
    with pytest.raises(ValueError, match="must be a duration"):
        grid.grid({"time": 7})


LABELS = {
    "months": np.arange("2000-01", "2003-01", dtype="M8[M]").astype("M8[D]").astype("M8[ns]"),
    "six hours of centuries": np.arange("1700", "2200", np.timedelta64(6, "h"), dtype="M8[s]"),
    "nanoseconds": np.datetime64("2000-01-01", "ns") + np.array([1, 7]).astype("m8[ns]"),
    "durations": np.arange(9).astype("m8[h]").astype("m8[ns]"),
    "seconds of a day": np.datetime64("2000-01-01", "us") + np.arange(86_400).astype("m8[s]"),
}  # fmt: skip


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_times_come_back_as_they_were(labels):
    codec = codec_of("time", labels)
    np.testing.assert_array_equal(codec.decode(codec.encode(labels)), labels)


def test_missing_dates_of_cftime_are_missing_numbers():
    dates = np.array([None, cftime.Datetime360Day(2000, 1, 1), cftime.Datetime360Day(2000, 3, 1)])
    codec = codec_of("time", dates)
    np.testing.assert_array_equal(codec.encode(dates), [np.nan, 0, 60])


CF = {
    "standard name": ("y", {"standard_name": "latitude"}, "x", {"standard_name": "longitude"}),
    "units": ("y", {"units": "degrees_north"}, "x", {"units": "degree_east"}),
    "short units": ("y", {"units": "degreeN"}, "x", {"units": "degrees_E"}),
    "names": ("lat", {}, "longitude", {"units": "degree"}),
}


@pytest.mark.parametrize(("y", "of_y", "x", "of_x"), CF.values(), ids=CF)
def test_latitude_and_longitude_are_told_as_cf_does(y, of_y, x, of_x):
    data = plane().drop_attrs(deep=True).rename({"lat": y, "lon": x})
    data[y].attrs, data[x].attrs = of_y, of_x
    assert GridEncoder(Quadratic(), sphere=True).fit(data).fields_[0].embedding.sphere.of == (0, 1)


def test_missing_times_are_missing_numbers():
    labels = np.array(["2000-01-01", "NaT", "2000-01-03"], "M8[ns]")
    codec = codec_of("time", labels)
    np.testing.assert_array_equal(codec.encode(labels), [0, np.nan, 2])
    assert np.isnat(codec.decode(np.array([np.nan]))[0])


# -- around the globe -----------------------------------------------------------------------------


def around(lon):
    lon = np.asarray(lon, dtype=float)
    return xr.DataArray(
        3 + np.cos(np.deg2rad(lon)) + np.sin(2 * np.deg2rad(lon)),
        {"lon": ("lon", lon, EAST)}, name="z", attrs={"units": "m"},
    )  # fmt: skip


@pytest.mark.parametrize("start", [0, -180, 5.0])
def test_a_longitude_that_goes_round_has_no_seam(start):
    data = around(start + np.arange(0, 360, 10.0))
    grid = GridEncoder(Quadratic()).fit(data)  # exact, as sin 2x is 2 sin x cos x
    places = np.array([-725.0, -3.0, 0.0, 359.9, 1000.0])
    np.testing.assert_allclose(grid.interp(lon=places), around(places), atol=1e-9)
    near = [grid.interp(lon=start + 360 - 1e-9), grid.interp(lon=start + 1e-9)]
    assert float(abs(near[0] - near[1])) < 1e-9
    slope = grid.differentiate("lon", lon=places)
    x = np.deg2rad(places)
    np.testing.assert_allclose(slope, np.deg2rad(1) * (-np.sin(x) + 2 * np.cos(2 * x)), atol=1e-9)
    second = grid.differentiate("lon", order=2, lon=places)
    np.testing.assert_allclose(
        second, np.deg2rad(1) ** 2 * (-np.cos(x) - 4 * np.sin(2 * x)), atol=1e-9
    )
    assert slope.attrs["units"] == "m / degree"
    assert grid.upsample(2).sizes["lon"] == 72  # between the last and the first too
    assert grid.grid(30.0).sizes["lon"] == 12


def test_a_repeated_meridian_is_no_label_more():
    data = around(np.arange(0, 361, 10.0))
    assert GridEncoder(Quadratic()).fit(data).upsample(2).sizes["lon"] == 73


def test_a_longitude_that_does_not_go_round_is_a_line():
    grid = GridEncoder(Quadratic()).fit(around(np.arange(0, 180, 10.0)))
    assert grid.fields_[0].axes[0].period is None
    assert np.isnan(grid.interp(lon=-5.0))


def test_an_arc_over_the_seam_is_the_fitted_range():
    lon = np.array([350.0, 352, 354, 356, 358, 0, 2, 4, 6, 8, 10])
    grid = GridEncoder(Quadratic(), periodic={"lon": 360}).fit(around(lon))
    found = grid.interp(lon=[349.0, 350, 355, 0, 10, 11, 365])
    assert found.isnull().values.tolist() == [True, False, False, False, False, True, False]
    assert len(grid.grid(5.0)) == 5


@pytest.mark.parametrize("lon", [180.05 + np.arange(3_600) * 0.1, 160.3 + np.arange(360)])
def test_rounding_does_not_open_a_turn(lon):
    data = xr.DataArray(np.zeros((2, len(lon))), {"lat": [0.0, 1.0], "lon": lon})
    axis = GridEncoder(Quadratic()).fit(data).fields_[0].axes[1]
    assert axis.period == 360
    assert axis.is_whole


def test_columns_that_are_counted_go_round_nothing():
    counted = xr.DataArray(np.zeros((3, 41)), {"lat": np.arange(3), "lon": np.arange(0, 410, 10)})
    assert GridEncoder(Quadratic()).fit(counted).fields_[0].axes[1].period is None
    repeated = xr.DataArray(np.zeros((3, 38)), {"lat": np.arange(3), "lon": np.arange(0, 380, 10)})
    assert GridEncoder(Quadratic()).fit(repeated).fields_[0].axes[1].period == 360


def test_any_coordinate_may_be_periodic():
    hour = np.arange(0, 24, 2)
    data = xr.DataArray(np.cos(hour * np.pi / 12), {"hour": hour})
    grid = GridEncoder(Quadratic(), periodic={"hour": 24}).fit(data)
    np.testing.assert_allclose(grid.interp(hour=[24, 30]), [1, 0], atol=1e-10)
    assert (
        GridEncoder(Quadratic(), periodic=None)
        .fit(around(np.arange(0, 360, 10)))
        .interp(lon=355.0)
        .isnull()
    )
    with pytest.raises(
        ValueError, match=r"periodic must name coordinates, \['hour'\]; got \['h'\]"
    ):
        GridEncoder(Quadratic(), periodic={"h": 24}).fit(data)
    with pytest.raises(ValueError, match="must be above 0"):
        GridEncoder(Quadratic(), periodic={"hour": 0}).fit(data)


def test_a_neural_fit_has_no_seam_either():
    data = around(np.arange(0, 360, 10.0))
    encoder = MIREncoder(
        search=FixedSequence("sinusoid", 1), hidden_width=16, max_epochs=3, random_state=0
    )
    grid = GridEncoder(encoder).fit(data)
    np.testing.assert_allclose(grid.interp(lon=-1e-6), grid.interp(lon=360 - 1e-6), atol=1e-6)
    slopes = grid.differentiate("lon", lon=[0.0, 360.0])
    assert float(slopes[0]) == pytest.approx(float(slopes[1]), rel=1e-4)
    step = 1e-2
    double = clone(encoder).set_params(dtype="float64")
    grid = GridEncoder(double).fit(data)
    ends = grid.interp(lon=[7 - step, 7 + step])
    assert float(grid.differentiate("lon", lon=7.0)) == pytest.approx(
        float(ends[1] - ends[0]) / 2 / step, rel=1e-4
    )


HARMONICS = {  # of degree 1 and 2: what the Laplacian multiplies them by, at radius 1
    "sin lat": (lambda lat, lon: np.sin(lat), -2),
    "cos lat cos lon": (lambda lat, lon: np.cos(lat) * np.cos(lon), -2),
    "3 sin2 lat - 1": (lambda lat, lon: 3 * np.sin(lat) ** 2 - 1, -6),
    "sin 2lat sin lon": (lambda lat, lon: np.sin(2 * lat) * np.sin(lon), -6),
}


@pytest.mark.parametrize(("harmonic", "eigenvalue"), HARMONICS.values(), ids=HARMONICS)
def test_on_the_sphere_harmonics_are_eigenfunctions_poles_included(harmonic, eigenvalue):
    lat, lon = np.linspace(-90, 90, 19), np.arange(0, 360, 20.0)
    values = harmonic(np.deg2rad(lat)[:, None], np.deg2rad(lon)[None])
    data = plane(lat=lat, lon=lon).copy(data=np.broadcast_to(values, (19, 18)))
    grid = GridEncoder(Quadratic(), sphere=True).fit(data)
    np.testing.assert_allclose(grid.interp(), data, atol=1e-9)
    np.testing.assert_allclose(grid.laplacian(), np.deg2rad(1) ** 2 * eigenvalue * data, atol=1e-9)
    step = 1e-3
    at = {"lat": 33.0, "lon": [5.0, 100.0]}
    for name in ("lat", "lon"):
        up, down = (
            grid.interp({**at, name: np.asarray(at[name]) + d}).values for d in (step, -step)
        )
        mid = grid.interp(at).values
        np.testing.assert_allclose(grid.differentiate(name, at), (up - down) / 2 / step, atol=1e-7)
        np.testing.assert_allclose(
            grid.differentiate(name, at, order=2), (up + down - 2 * mid) / step**2, atol=1e-5
        )
    pole = grid.interp(lat=[90.0], lon=[0.0, 123.0, -170.0])
    assert float(pole.max() - pole.min()) < 1e-9


def test_a_sphere_needs_a_latitude_and_a_longitude():
    with pytest.raises(ValueError, match="sphere=True needs one latitude and one longitude"):
        GridEncoder(Quadratic(), sphere=True).fit(plane().rename(lon="x").drop_attrs(deep=True))


@pytest.mark.parametrize("options", [{"sphere": True}, {"cos_latitude": True}], ids=str)
def test_radians_are_refused_or_asked_about(options):
    globe = plane(lat=np.linspace(-1.5, 1.5, 7), lon=np.linspace(0, 6, 13))
    bare = globe.drop_attrs(deep=True)
    with pytest.warns(UserWarning, match=r"\['lat', 'lon'\] lie .* Are they in radians\?"):
        GridEncoder(Quadratic(), **options).fit(bare)
    for name in bare.coords:
        bare[name].attrs = {"standard_name": {"lat": "latitude"}.get(name, "longitude")}
        bare[name].attrs["units"] = "radian"
    with pytest.raises(ValueError, match=r"one latitude.* in degrees.*np\.rad2deg"):
        GridEncoder(Quadratic(), **options).fit(bare)
    GridEncoder(Quadratic()).fit(bare)  # for which it does not matter
    for lat, lon in ((-1.5, 4), (50, 6)):
        region = plane(lat=np.linspace(lat, lat + 3, 7), lon=np.linspace(0, lon, 13))
        GridEncoder(Quadratic(), **options).fit(region.drop_attrs(deep=True))
    GridEncoder(Quadratic(), **options).fit(globe)  # whose units are degrees


def test_radians_of_a_zone_around_the_globe_are_asked_about():
    zone = plane(lat=np.linspace(0.5, 1, 7), lon=np.linspace(0, 6, 13)).drop_attrs(deep=True)
    with pytest.warns(UserWarning, match="Are they in radians"):
        GridEncoder(Quadratic(), sphere=True).fit(zone)


def test_radians_of_a_latitude_alone_are_asked_about():
    zonal = plane(lat=np.linspace(-1.5, 1.5, 7)).mean("lon").drop_attrs(deep=True)
    with pytest.warns(UserWarning, match="Are they in radians"):
        GridEncoder(Quadratic(), cos_latitude=True).fit(zonal)


def test_weights_by_the_cosine_of_the_latitude():
    data = plane().where(plane().lon > 1)
    inside = GridEncoder(Quadratic(), cos_latitude=True).fit(data).encoders_["tas"]
    np.testing.assert_allclose(inside.sample_weight_, np.cos(np.deg2rad(inside.X_[:, 0])))
    with pytest.raises(ValueError, match="needs one latitude"):
        GridEncoder(Quadratic(), cos_latitude=True).fit(around(np.arange(5)))


def test_weights_lie_along_dimensions_of_the_data():
    data = plane()
    weights = xr.DataArray(np.arange(1.0, 12), {"lat": data.lat})
    inside = GridEncoder(Quadratic()).fit(data, weights).encoders_["tas"]
    np.testing.assert_array_equal(inside.sample_weight_, np.repeat(np.arange(1.0, 12), 13))
    with pytest.raises(ValueError, match="weights must lie along dimensions of the data"):
        GridEncoder(Quadratic()).fit(data, np.ones(3))
    with pytest.raises(ValueError, match="labels of weights must be those of the data"):
        GridEncoder(Quadratic()).fit(data, weights[::-1])


# -- other shapes of data -------------------------------------------------------------------------


def scattered(n=120):
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(40, 60, n), rng.uniform(0, 30, n)
    return xr.DataArray(
        truth(lat, lon),
        {"lat": ("points", lat, DEGREES), "lon": ("points", lon, EAST),
         "id": ("points", list(map(str, range(n))))},
        ("points",), "tas", {"units": "K"},
    )  # fmt: skip


def test_scattered_points_come_out_on_any_grid():
    data = scattered()
    grid = GridEncoder(Quadratic()).fit(data)
    found = grid.grid(5, region={"lat": (45, 55), "lon": (5, 25)})
    assert (found.dims, found.attrs, found.lat.attrs) == (("lat", "lon"), data.attrs, DEGREES)
    np.testing.assert_allclose(found, truth(found.lat, found.lon))
    np.testing.assert_allclose(grid.interp_like(plane()[2:-2, 2:-2]), plane()[2:-2, 2:-2])
    np.testing.assert_allclose(grid.residual(data), 0, atol=1e-9)
    assert grid.differentiate("lat", lat=50.0, lon=[10.0]).attrs["units"] == "K / degree"
    with pytest.raises(ValueError, match=r"\['lon'\] are missing"):
        grid.interp(lat=50.0)
    holes = data.where(data.lat < 50)
    np.testing.assert_allclose(GridEncoder(Quadratic()).fit(holes).fill_gaps(holes), data)


def test_levels_of_a_stacked_index_are_coordinates():
    data = plane()
    grid = GridEncoder(Quadratic()).fit(data.stack(points=("lat", "lon")))
    xr.testing.assert_allclose(grid.interp_like(data).drop_attrs(), data.drop_attrs())


def test_a_frame_comes_out_as_a_data_set():
    frame = scattered().to_dataframe().reset_index(drop=True).assign(name="x", twice=1.0)
    grid = GridEncoder(Quadratic(), coords=["lat", "lon"]).fit(frame.drop(columns="id"))
    found = grid.grid(5, region={"lat": (45, 55), "lon": (5, 25)})
    assert list(found.data_vars) == ["tas", "twice"]
    np.testing.assert_allclose(found.tas, truth(found.lat, found.lon))
    with pytest.raises(
        ValueError, match=r"Name them, as in GridEncoder\(coords=\['lat', 'lon'\]\)"
    ):
        GridEncoder(Quadratic()).fit(frame[["lat", "lon", "tas"]])


def curvilinear():
    y, x = np.meshgrid(np.linspace(0, 1, 9), np.linspace(0, 1, 11), indexing="ij")
    lat, lon = 40 + 18 * y + 2 * x, 28 * x + 2 * y
    time = pd.date_range("2000", periods=3)
    return xr.DataArray(
        np.stack([truth(lat, lon) + k for k in range(3)]),
        {"time": time, "lat": (("y", "x"), lat, DEGREES), "lon": (("y", "x"), lon, EAST)},
        ("time", "y", "x"), "sst",
    )  # fmt: skip


def test_curvilinear_grids_go_in_and_regular_ones_come_out():
    data = curvilinear()
    grid = GridEncoder(Quadratic()).fit(data)
    assert grid.fields_[0].names == ["time", "lat", "lon"]
    xr.testing.assert_allclose(grid.interp(), data)
    day = grid.interp(time="2000-01-02T12:00")
    assert day.dims == ("y", "x")
    np.testing.assert_allclose(day, data[1] + 0.5)
    found = grid.grid(3.0, region={"lat": (45, 55), "lon": (6, 24)})
    assert found.dims == ("time", "lat", "lon")
    np.testing.assert_allclose(found[0], truth(found.lat, found.lon))
    holes = data.where((data.lat < 55) | (data.lon > 9))
    np.testing.assert_allclose(GridEncoder(Quadratic()).fit(holes).fill_gaps(holes), data)
    with pytest.raises(ValueError, match="upsample divides steps along dimensions"):
        grid.upsample(lat=2)


def test_cells_without_a_place_are_not_fitted_and_answered_by_nothing():
    data = curvilinear()[0].copy()
    data["lat"] = data.lat.where(data.lon > 3)
    grid = GridEncoder(Quadratic()).fit(data)
    assert bool((grid.interp().isnull() == data.lat.isnull()).all())
    assert grid.n_samples_["sst"] == int(data.lat.notnull().sum())


def test_coordinates_that_are_not_clear_are_to_be_named():
    data = curvilinear()[0].assign_coords(area=(("y", "x"), np.ones((9, 11))))
    with pytest.raises(ValueError, match="is not clear"):
        GridEncoder(Quadratic()).fit(data)
    grid = GridEncoder(Quadratic(), coords=["lat", "lon"]).fit(data)
    np.testing.assert_allclose(grid.interp(), data)
    with pytest.raises(ValueError, match=r"coords must name coordinates.*got \['l'\]"):
        GridEncoder(Quadratic(), coords=["l"]).fit(data)


def test_variables_of_a_data_set_are_fitted_one_by_one_or_jointly():
    data = plane()
    both = xr.Dataset(
        {"a": data, "b": (data * 2).where(data.lat > 45), "crs": 1,
         "flags": ("lat", list("abcdefghijk")), "of_lat": data.isel(lon=0, drop=True),
         "bounds": (("lat", "bnds"), np.zeros((11, 2)))},
        attrs={"title": "two"},
    )  # fmt: skip
    apart = GridEncoder(Quadratic()).fit(both)
    found = apart.interp(lat=[45.0, 50.0])
    assert {n: v.dims for n, v in found.data_vars.items()} == {
        "a": ("lat", "lon"), "b": ("lat", "lon"), "of_lat": ("lat",), "crs": ()
    }  # fmt: skip
    assert (found.attrs, found.a.attrs) == ({"title": "two"}, data.attrs)
    assert apart.n_samples_["a"] > apart.n_samples_["b"]
    np.testing.assert_allclose(found.b, 2 * found.a)
    filled = apart.fill_gaps(both)
    np.testing.assert_allclose(filled.b, 2 * data)
    assert set(filled) == set(both)
    xr.testing.assert_identical(apart.fill_gaps(both.b), filled.b)
    np.testing.assert_allclose(apart.residual(both.a), 0, atol=1e-9)
    assert set(apart.gradient(lat=50.0).data_vars) == {
        "da_dlat", "db_dlat", "dof_lat_dlat", "da_dlon", "db_dlon", "crs"
    }  # fmt: skip
    with pytest.raises(ValueError, match="none that is called 'c'"):
        apart.fill_gaps(data.rename("c"))
    with pytest.raises(ValueError, match="joint=True needs variables along the same dimensions"):
        GridEncoder(Quadratic(), joint=True).fit(both)
    jointly = GridEncoder(Quadratic(), joint=True).fit(both[["a", "b"]])
    assert jointly.n_samples_["a"] == jointly.n_samples_["b"] == apart.n_samples_["b"]
    assert jointly.encoders_["a"] is jointly.encoders_["b"]
    xr.testing.assert_allclose(jointly.interp(lat=[45.0, 50.0]), found[["a", "b"]])
    np.testing.assert_allclose(jointly.laplacian().laplacian_b, 0.04, atol=1e-9)


def test_what_cannot_be_fitted_is_refused():
    data = plane()
    with pytest.raises(TypeError, match="got ndarray"):
        GridEncoder().fit(data.values)
    with pytest.raises(ValueError, match="There is nothing to fit"):
        GridEncoder().fit(xr.Dataset({"a": ("x", ["u", "v"])}, {"x": [1.0, 2.0]}))
    with pytest.raises(ValueError, match=r"'band' has labels of .*da.sel\(band=...\)"):
        GridEncoder().fit(xr.concat([data, data], pd.Index(["r", "g"], name="band")))
    with pytest.raises(ValueError, match="some are infinite"):
        GridEncoder().fit(data.where(data.lat < 59, np.inf))
    with pytest.raises(ValueError, match="At least two cells must be known"):
        GridEncoder().fit(data * np.nan)
    with pytest.raises(ValueError, match="extrapolate"):
        GridEncoder(extrapolate="maybe").fit(data)
    with pytest.raises(NotFittedError):
        GridEncoder().interp(lat=3)
    grid = GridEncoder(Quadratic()).fit(data)
    for asked in (grid.interp, grid.differentiate):
        with pytest.raises(ValueError, match="is a function of"):
            asked(**({"depth": 3} if asked == grid.interp else {"coord": "depth"}))
    with pytest.raises(ValueError, match="must have the coordinates"):
        grid.fill_gaps(data.drop_vars("lon").rename(lon="x"))
    with pytest.raises(ValueError, match=r"must have the coordinates.*\['lon'\] are missing"):
        grid.residual(data.isel(lon=0, drop=True))
    with pytest.raises(ValueError, match="whole number above 0"):
        grid.upsample(0)


# -- as an estimator ------------------------------------------------------------------------------


def test_parameters_reach_the_encoder_inside_and_clones_know_nothing():
    grid = GridEncoder(MIREncoder(), coords=["lat"], sphere=False)
    grid.set_params(encoder__max_epochs=3, extrapolate="raise")
    copy = clone(grid)
    assert (copy.encoder.max_epochs, copy.extrapolate, copy.coords) == (3, "raise", ["lat"])
    assert copy.encoder is not grid.encoder
    with pytest.raises(ValueError, match="while encoder=None"):
        GridEncoder().set_params(encoder__max_epochs=3)
    data = plane()
    inside = Quadratic()
    GridEncoder(inside).fit(data)
    assert not hasattr(inside, "c_")  # a copy is fitted


def test_the_default_encoder_is_one_of_skmire_with_the_seed(monkeypatch):
    fitted = []
    monkeypatch.setattr(MIREncoder, "fit", lambda self, X, y: fitted.append(self) or self)
    GridEncoder(random_state=7).fit(plane())
    assert fitted[0].random_state == 7


@pytest.mark.parametrize("calendar", ["360_day", None])
def test_a_fitted_grid_survives_joblib_and_pickle(calendar, tmp_path):
    time = xr.date_range("2000-01-01", periods=4, freq="MS", calendar=calendar or "standard",
                         use_cftime=calendar is not None)  # fmt: skip
    data = plane().expand_dims(time=time, axis=1) * xr.DataArray(np.arange(4.0), {"time": time})
    data.attrs = plane().attrs
    encoder = MIREncoder(
        search=FixedSequence("sinusoid", 1), hidden_width=8, max_epochs=2, random_state=0
    )
    grid = GridEncoder(encoder).fit(data)
    joblib.dump(grid, tmp_path / "grid.joblib")
    for again in (joblib.load(tmp_path / "grid.joblib"), pickle.loads(pickle.dumps(grid))):
        xr.testing.assert_identical(again.interp(lat=[50.0]), grid.interp(lat=[50.0]))
        xr.testing.assert_identical(again.upsample(time=2), grid.upsample(time=2))
        assert again.interp(lat=[50.0]).attrs == data.attrs


def test_the_same_seed_gives_the_same_sample_and_no_more_than_wanted():
    data = plane().where(plane().lat < 58)
    one, two, other = (
        GridEncoder(Quadratic(), max_samples=30, random_state=s).fit(data) for s in (0, 0, 1)
    )
    assert one.n_samples_ == {"tas": 30}
    np.testing.assert_array_equal(one.encoders_["tas"].X_, two.encoders_["tas"].X_)
    assert (one.encoders_["tas"].X_ != other.encoders_["tas"].X_).any()
    np.testing.assert_allclose(one.interp(), plane(), rtol=1e-6)


def test_the_sample_is_spread_evenly():
    data = xr.DataArray(np.zeros(100_000), {"x": np.arange(100_000.0)})
    drawn = GridEncoder(Quadratic(), max_samples=10_000, random_state=0).fit(data)
    counts = np.histogram(drawn.encoders_[None].X_, 10, (0, 100_000))[0]
    assert abs(counts - 1_000).max() < 5 * np.sqrt(1_000)


# -- the accessor ---------------------------------------------------------------------------------


def test_the_accessor_does_what_the_encoder_does():
    data = plane()
    holes = data.where(data.lon != 10)
    grid = GridEncoder(Quadratic()).fit(holes)
    xr.testing.assert_identical(holes.mire.fill_gaps(Quadratic()), grid.fill_gaps(holes))
    xr.testing.assert_identical(
        holes.mire.interp(encoder=Quadratic(), lat=[41.0, 43.0]), grid.interp(lat=[41.0, 43.0])
    )
    xr.testing.assert_identical(holes.mire.upsample(2, Quadratic()), grid.upsample(2))
    fitted = holes.mire.fit(GridEncoder(Quadratic()), extrapolate="allow")
    assert fitted.interp(lat=[30.0]).notnull().all()
    both = xr.Dataset({"a": holes})
    xr.testing.assert_allclose(both.mire.fill_gaps(Quadratic()).a, data.rename("a"))
    options = {"extrapolate": "allow"}
    assert holes.mire.interp({"lat": [30.0]}, Quadratic(), options=options).notnull().all()


# -- any grid -------------------------------------------------------------------------------------


@st.composite
def grids(draw):
    """Return a field of degree 2 on a grid of random dimensions, order, labels and types."""
    n_dims = draw(st.integers(1, 3))
    names = draw(st.permutations(["time", "lat", "x"]))[:n_dims]
    coords, total = {}, 0.0
    for i, name in enumerate(names):
        n = draw(st.integers(3, 6))
        steps = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
        labels = np.cumsum(steps).astype(float)
        labels = labels[:: draw(st.sampled_from([1, -1]))]
        numbers = labels / 10
        if name == "time":
            unit = draw(st.sampled_from(["D", "h", "s"]))
            labels = np.datetime64("1999-12-31", "ns") + labels.astype(f"m8[{unit}]")
        elif draw(st.booleans()):
            labels = labels.astype("float32")
        coords[name] = (name, labels, {"note": name})
        total = np.add.outer(total, (i + 1) * numbers**2 - numbers) if i else numbers**2
    dtype = draw(st.sampled_from(["float32", "float64"]))
    data = xr.DataArray(total.astype(dtype), coords, names, draw(st.sampled_from(["v", None])))
    data.attrs["units"] = "1"
    return data


@settings(max_examples=60, deadline=None)
@given(grids(), st.integers(2, 3), st.integers(0, 2**32 - 1))
def test_on_any_grid_everything_comes_back_and_gaps_are_filled(data, factor, seed):
    known = np.random.default_rng(seed).random(data.shape) < 0.9
    known[tuple(slice(3) for _ in data.dims)] = True  # so that there is one fit
    holes = data.where(xr.DataArray(known, data.coords))
    grid = GridEncoder(Quadratic()).fit(holes)
    xr.testing.assert_allclose(grid.interp(), data, rtol=1e-4, atol=1e-4)
    assert grid.interp().attrs == data.attrs
    filled = grid.fill_gaps(holes)
    np.testing.assert_array_equal(filled.values[known], data.values[known])
    xr.testing.assert_allclose(filled, data, rtol=1e-4, atol=1e-4)
    finer = grid.upsample(factor)
    assert (finer.dims, finer.dtype, finer.name) == (data.dims, data.dtype, data.name)
    for name in data.dims:
        labels, every = data[name], finer[name][::factor]
        np.testing.assert_array_equal(every, labels)
        assert finer[name].attrs == labels.attrs
        assert finer[name].dtype == labels.dtype
        assert (
            finer.indexes[name].is_monotonic_increasing
            == data.indexes[name].is_monotonic_increasing
        )
    back = finer.isel({name: slice(None, None, factor) for name in data.dims})
    np.testing.assert_allclose(back, data, rtol=1e-4, atol=1e-4)


def test_dictionaries_of_atoms_go_inside_too():
    encoder = MIREncoder(
        ActivationDictionary(["gaussian"]), hidden_width=8, max_epochs=2, random_state=0
    )
    assert GridEncoder(encoder).fit(plane()).encoders_["tas"].activations_[0] == "gaussian"
