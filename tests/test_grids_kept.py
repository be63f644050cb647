"""What filling and asking keep, beside the values: types, files, and all that is not fitted."""

import numpy as np
import pytest
import xarray as xr
from sklearn.linear_model import LinearRegression

from skmire.grids import GridEncoder


def line(values):
    values = np.asarray(values)
    return xr.DataArray(values, {"x": np.arange(float(len(values)))}, name="v")


def test_filled_values_survive_a_file_that_was_packed(tmp_path):
    packed = {"dtype": "uint8", "scale_factor": 10.0, "add_offset": 5.0, "_FillValue": 255}
    data = line([0.0, 1000, np.nan, 2000])
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding={"v": packed})
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as read:
        data = (read.v * 2).assign_attrs(read.v.attrs)
        data.encoding = {**read.v.encoding, "grid_mapping": "crs"}
        grid = GridEncoder(LinearRegression()).fit(data)
        filled = grid.fill_gaps(data)
    assert filled.encoding == {"grid_mapping": "crs"}  # no chunks, no compressors, no source
    filled.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "b.nc", engine="h5netcdf") as again:
        np.testing.assert_array_equal(again.v, filled)


@pytest.mark.parametrize("dtype", [int, bool, "uint8"])
@pytest.mark.parametrize("chunks", [None, 2])
def test_whole_numbers_become_double_where_the_fit_takes_their_place(dtype, chunks):
    data = line([0, 1, 1, 0, 1]).astype(dtype)
    grid = GridEncoder(LinearRegression()).fit(data)
    data = data if chunks is None else data.chunk(x=chunks)
    found = grid.fill_gaps(data, keep_known=False)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [0.4, 0.5, 0.6, 0.7, 0.8])
    np.testing.assert_allclose(grid.residual(data), data.astype(float) - found, atol=1e-12)
    assert grid.fill_gaps(data).dtype == dtype
    beyond = data.assign_coords(x=data.x + 1)
    assert grid.fill_gaps(beyond, keep_known=False).isnull().values.tolist() == 4 * [False] + [True]


def mixed():
    lat, lon = np.arange(4.0), np.arange(5.0)
    return xr.Dataset(
        {
            "a": (("lat", "lon"), lat[:, None] + lon),
            "zonal": ("lat", 2 * lat),
            "when": ("lat", np.arange("2000", "2004", dtype="M8[Y]").astype("M8[ns]")),
            "name": ("lat", list("wxyz")),
            "bounds": (("lat", "nv"), np.ones((4, 2))),
            "wave": ("lon", lon * 1j),
            "by_name": (("band", "lat"), np.ones((2, 4))),
            "complex": (("lat", "lon"), np.ones((4, 5)) * 1j),
            "crs": 1,
        },
        {"lat": lat, "lon": lon, "band": ["red", "green"]},
    )


def test_variables_that_are_not_fitted_stay_where_their_dimensions_do():
    data = mixed()
    grid = GridEncoder(LinearRegression()).fit(data)
    assert set(grid.encoders_) == {"a", "zonal"}
    found = grid.interp(lon=[0.5, 1.5])
    assert set(found) == {*data} - {"wave", "complex"}
    for name in {*found} - {"a", "zonal"}:
        xr.testing.assert_identical(found[name].variable, data[name].variable)
    assert set(grid.interp(lat=[0.5])) == {"a", "zonal", "wave", "crs"}
    track = grid.interp(lat=("nv", [0.5, 1, 2]), lon=("nv", [1.0, 2, 3]))
    assert set(track) == {"a", "zonal", "crs"}
    assert set(grid.interp(lon=("nv", [1.0, 2, 3]))) == {
        "a",
        "zonal",
        "when",
        "name",
        "by_name",
        "crs",
    }


def test_masks_and_weights_are_for_the_variables_along_their_dimensions():
    data = mixed()[["a", "zonal"]]
    sea = xr.DataArray(np.ones((4, 5), bool), data.a.coords)
    holes = data.where(data.lat != 2)
    grid = GridEncoder(LinearRegression()).fit(holes, weights=1.0 * sea)
    for mask in (sea, sea.values):
        filled = grid.fill_gaps(holes, mask)
        np.testing.assert_allclose(filled.a, data.a)
        xr.testing.assert_identical(filled.zonal, holes.zonal)
    np.testing.assert_allclose(grid.fill_gaps(holes, sea[:, 0]).zonal, data.zonal)
    for wrong in (sea.rename(lon="x"), np.ones(3)):
        with pytest.raises(ValueError, match="mask must lie along dimensions of the data"):
            grid.fill_gaps(holes, wrong)
        with pytest.raises(ValueError, match="weights must lie along dimensions of the data"):
            GridEncoder(LinearRegression()).fit(holes, weights=wrong)


def test_a_variable_without_values_is_named():
    data = mixed()
    data["zonal"] = data.zonal * np.nan
    with pytest.raises(ValueError, match=r"At least two cells must be known.*'zonal'.*drop_vars"):
        GridEncoder(LinearRegression()).fit(data)
