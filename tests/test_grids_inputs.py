"""What people plausibly pass, and what they are told where it cannot be meant."""

import cftime
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression

from skmire.grids import GridEncoder
from skmire.grids._conventions import derived_attrs


def fitted(data, **options):
    return GridEncoder(LinearRegression(), **options).fit(data)


def daily(calendar=None):
    time = xr.date_range(
        "2000-01-01", periods=9, calendar=calendar or "standard", use_cftime=calendar is not None
    )
    return xr.DataArray(np.arange(9.0), {"time": time})


# -- the ends of a region -------------------------------------------------------------------------

ENDS = {
    "text": (None, ("2000-01-02", "2000-01-04")),
    "pandas": (None, (pd.Timestamp("2000-01-02"), pd.Timestamp("2000-01-04"))),
    "numpy": (None, np.array(["2000-01-02", "2000-01-04"], "M8[D]")),
    "text of a calendar": ("360_day", ("2000-01-02", "2000-01-04")),
    "a calendar": ("noleap", [cftime.DatetimeNoLeap(2000, 1, day) for day in (2, 4)]),
}


@pytest.mark.parametrize(("calendar", "ends"), ENDS.values(), ids=ENDS)
def test_the_ends_of_a_region_are_dates_of_any_kind(calendar, ends):
    grid = fitted(daily(calendar))
    found = grid.grid({"time": np.timedelta64(12, "h")}, {"time": ends})
    np.testing.assert_allclose(found, [1, 1.5, 2, 2.5, 3])


def test_a_region_goes_on_over_the_seam_and_only_there():
    lon = np.arange(0, 360, 30.0)
    grid = fitted(xr.DataArray(np.cos(np.deg2rad(lon)), {"lon": lon}))
    found = grid.grid(10.0, {"lon": (350, 10)})
    np.testing.assert_allclose(found, np.cos(np.deg2rad([10, 0, 10])))
    np.testing.assert_array_equal(found.lon, [350, 360, 370])
    line = fitted(xr.DataArray(np.arange(9.0), {"x": np.arange(9.0)}))
    with pytest.raises(ValueError, match=r"two ends.*lower first.*'x'.*\(4, 1\)"):
        line.grid(1.0, {"x": (4, 1)})
    with pytest.raises(ValueError, match=r"two ends.*\[1, 2, 3\]"):
        line.grid(1.0, {"x": [1, 2, 3]})


# -- which coordinates ----------------------------------------------------------------------------


def track():
    """Return a glider's path: places along the dimension of its own times."""
    time = pd.date_range("2000-01-01", periods=40)
    lat, lon = np.random.default_rng(0).uniform(0, 10, (2, 40))
    places = {"time": time, "lat": ("time", lat), "lon": ("time", lon)}
    return xr.DataArray(np.arange(40) + lat - 2 * lon, places, ["time"], "t")


def test_places_along_the_dimension_of_their_times_are_asked_with_these():
    data = track()
    grid = fitted(data, coords=["time", "lat", "lon"])
    found = grid.interp(time=["2000-01-03", "2000-01-03T12"], lat=[2.0, 3, 4], lon=[5.0])
    assert found.dims == ("time", "lat", "lon")
    assert found.time.dtype.kind == "M"
    np.testing.assert_allclose(found[..., 0], [[-6, -5, -4], [-5.5, -4.5, -3.5]])
    assert float(grid.interp(time="2000-01-03", lat=2.0, lon=5.0)) == pytest.approx(-6)
    np.testing.assert_allclose(grid.interp(), data)
    region = {"time": ("2000-01-03", "2000-01-05"), "lat": (2, 4), "lon": 5.0}
    assert grid.grid({"time": np.timedelta64(1, "D"), "lat": 1}, region).shape == (3, 3)
    with pytest.raises(ValueError, match=r"\['lat', 'lon'\] are missing"):
        grid.interp(time=["2000-01-03"])


def points(**coords):
    """Return values along points, with coordinates of any type."""
    return xr.DataArray(np.arange(9.0), {k: ("points", v) for k, v in coords.items()}, ["points"])


LAT, LON, WHOLE = np.linspace(40, 60, 9), np.linspace(0.0, 30, 9) ** 1.1, np.arange(9) ** 2
DATES = np.array([cftime.Datetime360Day(2000, 1, day + 1) for day in range(9)])
NAMES = np.array(list("abcdefghi"), object)
TAKEN = {
    "whole longitudes": (points(lat=LAT, lon=WHOLE), ["lat", "lon"]),
    "both whole": (points(lat=WHOLE, lon=WHOLE[::-1]), ["lat", "lon"]),
    "names beside": (points(lat=LAT, lon=LON, name=NAMES), ["lat", "lon"]),
    "dates of a calendar": (points(lat=LAT, when=DATES), ["lat", "when"]),
    "whole depths": (points(lat=LAT, z=WHOLE).assign_coords(
        z=("points", WHOLE, {"positive": "down"})), ["lat", "z"]),
    "whole levels": (xr.DataArray(np.ones((3, 4)), {"lat": LAT[:3], "row": np.arange(4)},
        ["lat", "row"]).stack(points=("lat", "row")), ["lat", "row"]),
}  # fmt: skip


@pytest.mark.parametrize(("data", "names"), TAKEN.values(), ids=TAKEN)
def test_coordinates_along_points_are_those_of_floats_times_and_what_metadata_name(data, names):
    assert fitted(data).fields_[0].names == names


def test_whole_numbers_that_nobody_explains_are_said_to_be_left_out():
    data = points(lat=LAT, lon=LON, level=WHOLE)
    with pytest.warns(UserWarning, match=r"\['level'\].*Name all.*\['lat', 'lon', 'level'\]"):
        grid = fitted(data)
    assert grid.fields_[0].names == ["lat", "lon"]
    assert fitted(data, coords=["lat", "lon", "level"]).fields_[0].names == ["lat", "lon", "level"]


DATE = pd.Timestamp("2000-01-01")


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([0.0, np.nan, 2, 3], r"'x', nan is missing or infinite.*isel\(x=np.isfinite"),
        ([0.0, 1, np.inf, 3], r"'x', inf is missing or infinite.*isel\(x=np.isfinite"),
        ([DATE, pd.NaT, DATE], r"'x', NaT is missing or infinite.*isel\(x=np.isfinite"),
        ([0, 1, 1, 3], r"'x', 1 is there twice.*drop_duplicates\('x'\)"),
    ],
)
def test_labels_that_no_query_would_find_are_refused_before_the_fit(labels, told):
    data = xr.DataArray(np.ones(len(labels)), {"x": labels}, ["x"])
    with pytest.raises(ValueError, match=told):
        fitted(data)


def test_times_of_a_track_may_be_there_twice():
    data = track()
    twice = data.assign_coords(time=data.time.where(data.time > data.time[0], data.time[1]))
    assert fitted(twice, coords=["time", "lat", "lon"]).fields_[0].names == ["time", "lat", "lon"]


@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_places_along_the_numbers_or_names_of_stations_are_not_passed_over_in_silence(kind):
    named = np.arange(9) * 7 if kind == "numbers" else list("abcdefghi")
    places = {"lat": ("station", LAT), "lon": ("station", LON), "station": named}
    data = xr.DataArray(np.ones((3, 9)), {"time": daily().time[:3], **places}, ["time", "station"])
    told = r"\['station'\] lie \['lat', 'lon'\].*GridEncoder\(coords=\['time', 'lat', 'lon'\]\)"
    if kind == "numbers":
        with pytest.warns(UserWarning, match=told + r", or \['time', 'station'\]") as warned:
            fitted(data)
        assert warned[0].filename == __file__
        fitted(data, coords=["time", "station"])
    else:
        with pytest.raises(ValueError, match=told):
            fitted(data)
    assert fitted(data, coords=["time", "lat", "lon"]).fields_[0].names == ["time", "lat", "lon"]


def test_cells_that_are_counted_along_a_curvilinear_grid_are_asked_about_and_metres_are_not():
    lat, lon = np.meshgrid(LAT[:3], LON[:4], indexing="ij")
    places = {"lat": (("j", "i"), lat), "lon": (("j", "i"), lon)}
    data = xr.DataArray(lat, {**places, "j": range(3), "i": range(4)}, ["j", "i"])
    with pytest.warns(UserWarning, match=r"\['i', 'j'\] lie .*coords=\['lat', 'lon'\]"):
        assert fitted(data).fields_[0].names == ["j", "i"]
    for dim in data.dims:
        data[dim].attrs["units"] = "m"
    assert fitted(data).fields_[0].names == ["j", "i"]


# -- what is told, or understood ------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # of xarray and pandas, which say that they drop it
def test_times_of_a_zone_are_to_lose_it():
    time = pd.date_range("2000-01-01", periods=9, tz="UTC")
    with pytest.raises(ValueError, match=r"'time' has times of a zone.*tz_convert\(None\)"):
        fitted(xr.DataArray(np.arange(9.0), {"time": time}))
    frame = pd.DataFrame({"time": time, "v": np.arange(9.0)})
    with pytest.raises(ValueError, match=r"'time' has times of a zone.*tz_convert\(None\)"):
        fitted(frame, coords=["time"])


def test_coordinates_of_a_frame_may_be_in_its_index():
    data = daily().rename("v").expand_dims(x=[0.0, 1, 2])
    grid = fitted(data.to_dataframe(), coords=["time", "x"])
    np.testing.assert_allclose(grid.interp(time="2000-01-03", x=[1.0]).v, [2])
    with pytest.raises(ValueError, match=r"as in GridEncoder\(coords=\['x', 'time'\]\)"):
        fitted(data.to_dataframe())


class Untrained(RegressorMixin, BaseEstimator):
    """A regressor that must not be trained."""

    def fit(self, X, y):
        raise AssertionError("trained")

    def predict(self, X):
        raise AssertionError("asked")


BEFORE = {
    "unknown name": ("interp", {"latt": 45.0}, r"function of \['x', 'time'\], not of \['latt'\]"),
    "no option of ours": ("interp", {"method": "linear"}, r"not of \['method'\]"),
    "an option": ("interp", {"extrapolate": "allow"}, r"options=\{'extrapolate': \.\.\.\}"),
    "outside": ("interp", {"x": 9.0, "options": {"extrapolate": "raise"}}, "x must be within"),
    "half a step": ("upsample", {"x": 2.5}, "whole number above 0, got 2.5"),
}


@pytest.mark.parametrize(("name", "asked", "told"), BEFORE.values(), ids=BEFORE)
def test_the_accessor_refuses_before_the_training_what_it_cannot_answer(name, asked, told):
    data = daily().expand_dims(x=[0.0, 1, 2])
    with pytest.raises(ValueError, match=told):
        getattr(data.mire, name)(encoder=Untrained(), **asked)


def test_the_accessor_trains_nothing_where_nothing_is_missing():
    data = daily().to_dataset(name="all").assign(holes=daily().where(lambda it: it != 3))
    data["counts"] = data["all"].astype(int)
    for complete in (data["all"], data.counts, data[["all", "counts"]]):
        xr.testing.assert_identical(complete.mire.fill_gaps(Untrained()), complete)
    xr.testing.assert_identical(data.mire.fill_gaps(Untrained(), mask=daily() > 3), data)
    with pytest.raises(AssertionError, match="trained"):
        data["all"].mire.fill_gaps(Untrained(), keep_known=False)
    found = data.mire.fill_gaps(LinearRegression())
    np.testing.assert_allclose(found.holes, data["all"])
    xr.testing.assert_identical(found["all"], data["all"])
    with pytest.raises(ValueError, match="mask must lie along"):
        data["all"].mire.fill_gaps(Untrained(), mask=np.ones(2, bool))


def test_all_variables_are_read_before_the_first_is_trained():
    data = daily().to_dataset(name="a").assign(b=daily() / 0)
    with pytest.raises(ValueError, match="some are infinite"):
        GridEncoder(Untrained()).fit(data)


def test_columns_of_one_name_are_refused():
    frame = pd.DataFrame(np.ones((4, 3)), columns=["x", "v", "v"])
    with pytest.raises(ValueError, match=r"different names; \['v'\] are there twice"):
        fitted(frame, coords=["x"])


def test_the_accessor_takes_factors_by_keyword_beside_parameters():
    data = daily().expand_dims(x=[0.0, 1, 2])
    found = data.mire.upsample(x=3, encoder=LinearRegression(), extrapolate="allow")
    assert dict(found.sizes) == {"x": 7, "time": 9}


@pytest.mark.parametrize("calendar", [None, "noleap"])
def test_a_period_along_times_is_a_duration(calendar):
    data = daily(calendar)
    data.values = np.cos(np.arange(9) * np.pi / 4)
    grid = fitted(data, periodic={"time": np.timedelta64(8, "D")})
    np.testing.assert_allclose(grid.upsample(2)[:3], np.cos(np.arange(3) * np.pi / 8), atol=1e-9)
    with pytest.raises(ValueError, match="The period along 'time' must be a duration, got 8"):
        fitted(data, periodic={"time": 8})


def test_a_mask_may_be_an_array_of_the_shape_of_the_data():
    data = daily().where(lambda it: it % 3 > 0)
    filled = fitted(data).fill_gaps(data, np.arange(9) > 3)
    assert filled.isnull().values.tolist() == [True, False, False, True, *[False] * 5]
    with pytest.raises(ValueError, match=r"mask must lie along.*array of shape \(3,\)"):
        fitted(data).fill_gaps(data, np.ones(3, bool))


def test_empty_units_are_unknown():
    assert "units" not in derived_attrs("v", {"units": " "}, "slope", {"m": 1})
    assert derived_attrs("v", {"units": "1"}, "slope", {"m": 1})["units"] == "1 / m"


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        ("1", "K"),
        ("m", "K / m2"),
        ("m-1", "K / (m-1)2"),
        ("m2", "K / (m2)2"),
        ("m s", "K / (m s)2"),
    ],
)
def test_units_of_second_derivatives_raise_no_unit_by_mistake(unit, wanted):
    assert derived_attrs("v", {"units": "K"}, "bend", {unit: 2})["units"] == wanted


def test_dates_of_another_calendar_are_to_be_converted():
    ours, theirs = fitted(daily("noleap")), fitted(daily())
    match = r"calendar that was fitted, .*; got .*convert_calendar"
    with pytest.raises(ValueError, match=match):
        ours.interp(time=daily().time)
    with pytest.raises(ValueError, match=match):
        ours.residual(daily())
    with pytest.raises(ValueError, match=match):
        theirs.interp(time=daily("noleap").time.values)
    with pytest.raises(ValueError, match=match):
        theirs.fill_gaps(daily("noleap").where(lambda it: it > 3))
    with pytest.raises(ValueError, match=match):
        ours.interp_like(daily("360_day"))


def ramp():
    """Return a plane of whole degrees."""
    lat, lon = np.arange(4.0), np.arange(5.0)
    return xr.DataArray(lat[:, None] + lon, {"lat": lat, "lon": lon}, name="t")


def test_a_data_set_that_has_the_array_that_was_fitted_is_taken():
    data = ramp().where(ramp() != 3).to_dataset().assign(other=ramp())
    grid = fitted(data.t)
    np.testing.assert_allclose(grid.fill_gaps(data).t, ramp())
    np.testing.assert_allclose(grid.residual(data).t.fillna(0), 0, atol=1e-9)
    with pytest.raises(ValueError, match=r"none of the fitted variables, \['t'\]"):
        grid.residual(data[["other"]])


@pytest.mark.parametrize("kind", ["complex128", "object", "m8[D]"])
def test_values_that_are_no_real_numbers_are_named_by_their_type(kind):
    data = ramp().astype(kind)
    with pytest.raises(
        ValueError, match=rf"'data': \"{data.dtype} along.*np.timedelta64".replace("[", r"\[")
    ):
        fitted(data)


@pytest.mark.parametrize("name", ["fill_gaps", "residual", "interp_like"])
def test_a_frame_is_to_become_a_data_set_before_it_is_asked_about(name):
    frame = ramp().to_dataframe().reset_index()
    grid = fitted(frame, coords=["lat", "lon"])
    with pytest.raises(TypeError, match=rf"{name} takes .* got DataFrame.*to_xarray\(\)"):
        getattr(grid, name)(frame)
    made = frame.reset_index().to_xarray().set_coords(["lat", "lon"])
    assert getattr(grid, name)(made).t.shape == (20,)


def test_labels_that_are_no_numbers_are_refused_by_name():
    grid = fitted(ramp())
    for wrong in ("abc", ["a", "b"], None, slice(0, 2), np.datetime64("2000")):
        with pytest.raises(ValueError, match="Labels along 'lat' must be numbers"):
            grid.interp(lat=wrong)
    with pytest.raises(ValueError, match="Labels along 'lat' must be numbers"):
        grid.grid(1.0, {"lat": ("a", "b")})


def test_ends_of_a_region_may_be_a_slice():
    grid = fitted(ramp())
    found = grid.grid(1.0, {"lat": slice(1, 3), "lon": slice(None, 2)})
    xr.testing.assert_allclose(found, ramp()[1:4, :3])
    with pytest.raises(ValueError, match=r"two ends.*slice\(1, 3, 2\)"):
        grid.grid(1.0, {"lat": slice(1, 3, 2)})
    days = {"time": slice("2000-01-02", "2000-01-04")}
    daily_steps = fitted(daily()).grid({"time": np.timedelta64(1, "D")}, days)
    np.testing.assert_allclose(daily_steps, [1, 2, 3])


def test_a_duration_is_the_spacing_of_no_number():
    with pytest.raises(ValueError, match=r"must be a number; got .*1,'D'.*\{\"time\": np"):
        fitted(daily()).grid(np.timedelta64(1, "D"))
    with pytest.raises(ValueError, match=r"along 'lat' must be a number, got .*1,'D'"):
        fitted(ramp()).grid({"lat": np.timedelta64(1, "D")})


def test_a_mask_is_one_array():
    data = ramp().where(ramp() != 3)
    mask = data.to_dataset().notnull()
    told = r"mask must be a DataArray or an array; got a Dataset.*mask\['t'\]"
    for ask in (fitted(data).fill_gaps, fitted(data.to_dataset()).fill_gaps):
        with pytest.raises(TypeError, match=told):
            ask(data, mask=mask)
    with pytest.raises(TypeError, match=told):
        data.mire.fill_gaps(LinearRegression(), mask=mask)
