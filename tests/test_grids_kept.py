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
    assert filled.encoding["grid_mapping"] == "crs"
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
