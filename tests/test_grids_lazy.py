"""Grids in chunks, and in files: nothing is loaded that was not asked for, and nothing is lost."""

import subprocess
import sys
import tracemalloc

import dask
import dask.array
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skmire import FixedSequence, MIREncoder
from skmire.grids import GridEncoder


def cubic():
    return make_pipeline(StandardScaler(), PolynomialFeatures(3), LinearRegression())


def neural():
    return MIREncoder(
        search=FixedSequence("sinusoid", 1), hidden_width=8, max_epochs=2, random_state=0
    )


def field(calendar=None):
    time = xr.date_range(
        "2000-01-01", periods=6, calendar=calendar or "standard", use_cftime=calendar is not None
    )
    lat, lon = np.linspace(60.0, 40, 21), np.linspace(0.0, 30, 31)
    values = np.arange(6.0)[:, None, None] + (lat / 10)[:, None] ** 2 - lon / 5
    coords = {
        "time": time,
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
        "height": ("lat", lat * 2, {"units": "m"}),
    }
    return xr.DataArray(values, coords, ("time", "lat", "lon"), "tas", {"units": "K"})


def holes(data, seed=0):
    return data.where(np.random.default_rng(seed).random(data.shape) > 0.3)


@pytest.fixture
def no_compute():
    """Refuse whatever Dask is asked to compute."""

    def refuse(*args, **kwargs):
        raise AssertionError("computed")

    with dask.config.set(scheduler=refuse):
        yield


CHUNKS = {"whole": {}, "uneven": {"time": 4, "lat": 5, "lon": 7}, "rows": {"lat": 1}}


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("limit", [None, 200])
def test_chunked_data_are_fitted_as_those_in_memory(chunks, limit):
    data = holes(field())
    fits = [
        GridEncoder(neural(), max_samples=limit, random_state=0).fit(some)
        for some in (data, data.chunk(chunks))
    ]
    xr.testing.assert_identical(fits[0].interp(lat=[50.0]), fits[1].interp(lat=[50.0]))
    assert fits[0].n_samples_ == fits[1].n_samples_
    assert fits[1].n_samples_["tas"] == (limit or int(data.notnull().sum()))


def test_variables_of_other_chunks_are_fitted_jointly():
    data = field()
    both = xr.Dataset({"a": data.chunk(lat=4), "b": holes(data).chunk(lon=9), "c": data})
    joint = GridEncoder(cubic(), joint=True).fit(both)
    assert joint.n_samples_["a"] == int(holes(data).notnull().sum())
    np.testing.assert_allclose(joint.interp().b, data)


def test_a_fit_never_holds_the_whole_array():
    rows, columns = 400, 50_000  # 160 MB

    def block(y, x):
        return y / rows + x / columns

    y, x = (
        dask.array.arange(n, chunks=c, dtype=float) for n, c in ((rows, 20), (columns, columns))
    )
    data = xr.DataArray(block(y[:, None], x[None]), dims=("y", "x"), name="z")
    assert data.data.chunksize == (20, columns)
    grid = GridEncoder(cubic(), max_samples=1_000, random_state=0)
    with dask.config.set(scheduler="synchronous"):
        tracemalloc.start()
        grid.fit(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert grid.n_samples_ == {"z": 1_000}
    assert peak < 0.6 * data.nbytes


QUERIES = {
    "interp": lambda grid, **options: grid.interp(lat=np.linspace(41, 59, 9), **options),
    "upsample": lambda grid, **options: grid.upsample(2, **options),
    "regular": lambda grid, **options: grid.grid(3.0, **options),
    "slope": lambda grid, **options: grid.differentiate("lat", **options),
    "laplacian": lambda grid, **options: grid.laplacian(lon=[1.0, 2], **options),
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("chunks", [{"lat": 4, "lon": 5}, 3, "auto"])
def test_queries_in_chunks_are_lazy_and_equal_those_in_memory(query, chunks):
    grid = GridEncoder(neural()).fit(field())
    lazy, at_once = query(grid, chunks=chunks), query(grid)
    assert lazy.chunks is not None
    if isinstance(chunks, dict):
        assert max(lazy.chunksizes["lat"]) == 4
    xr.testing.assert_allclose(lazy.compute(), at_once, rtol=1e-5, atol=1e-6)
    xr.testing.assert_identical(lazy.coords.to_dataset(), at_once.coords.to_dataset())
    assert (lazy.attrs, lazy.dtype) == (at_once.attrs, at_once.dtype)


@pytest.mark.usefixtures("no_compute")
def test_nothing_is_computed_before_it_is_asked_for():
    data = field()
    grid = GridEncoder(cubic()).fit(data)
    chunked = data.chunk(lat=4)
    track = {
        name: xr.DataArray(dask.array.full(1_000, at, chunks=100), dims="track")
        for name, at in (("lat", 50.0), ("lon", 3.0))
    }
    for lazy in (
        grid.interp(lat=[41.0, 42], chunks=1),
        grid.interp_like(chunked),
        grid.fill_gaps(chunked),
        grid.residual(chunked),
        grid.interp(track),
    ):
        assert lazy.chunks is not None
        with pytest.raises(AssertionError, match="computed"):
            lazy.compute()


def test_chunked_labels_are_asked_chunk_by_chunk():
    data = field().isel(time=0, drop=True)
    grid = GridEncoder(cubic()).fit(data)
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(40, 60, 500), rng.uniform(0, 30, 500)
    asked = {"lat": ("track", lat), "lon": ("track", lon)}
    chunked = {
        name: xr.DataArray(dask.array.from_array(values, chunks=100), dims="track")
        for name, values in (("lat", lat), ("lon", lon))
    }
    lazy = grid.interp(chunked)
    assert lazy.chunks == ((100,) * 5,)
    np.testing.assert_array_equal(lazy, grid.interp(asked))


@pytest.mark.parametrize("kind", ["index", "tuple", "points"])
def test_labels_of_dask_that_span_a_grid_make_lazy_answers_too(kind):
    grid = GridEncoder(cubic()).fit(field()[0])
    lat = np.linspace(40.0, 60, 12)
    many = dask.array.from_array(lat, chunks=5)
    asked = {
        "index": xr.DataArray(many, dims="lat"), "tuple": ("lat", many),
        "points": ("cast", many),
    }[kind]  # fmt: skip
    found = grid.interp(lat=asked)
    assert found.chunks == ((5, 5, 2), (31,))
    np.testing.assert_allclose(found, grid.interp(lat=lat))
    assert grid.interp(lat=asked, chunks=6).chunks == ((6, 6), (6,) * 5 + (1,))


@pytest.mark.parametrize("calendar", [None, "360_day"])
def test_chunked_gaps_are_filled_as_those_in_memory(calendar):
    data = holes(field(calendar)).astype("float32")
    grid = GridEncoder(cubic()).fit(data)
    lazy = grid.fill_gaps(data.chunk(lat=4, lon=6), mask=data.lon > 5)
    assert lazy.chunksizes["lat"][0] == 4
    at_once = grid.fill_gaps(data, mask=data.lon > 5)
    xr.testing.assert_identical(lazy.compute(), at_once)
    known = data.notnull().values
    np.testing.assert_array_equal(at_once.values[known], data.values[known])
    np.testing.assert_allclose(grid.residual(data.chunk(time=2)), grid.residual(data))


def test_the_mesh_of_a_large_answer_is_never_built():
    grid = GridEncoder(cubic(), max_samples=500).fit(field().isel(time=0, drop=True))
    n = 1_500
    asked = {"lat": np.linspace(41, 59, n), "lon": np.linspace(1, 29, n)}
    grid.interp({name: labels[:10] for name, labels in asked.items()})
    tracemalloc.start()
    found = grid.interp(asked)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * found.nbytes + 2**16 * 40 * 8  # the answer, and the features of a block


@pytest.mark.parametrize("calendar", [None, "360_day", "noleap"])
@pytest.mark.parametrize("kind", ["netcdf", "zarr"])
def test_results_survive_files(kind, calendar, tmp_path):
    data = holes(field(calendar))
    grid = GridEncoder(neural()).fit(data)
    elsewhere = {"time": "t", "lat": "y", "lon": "x", "height": "z"}
    results = {
        "tas": grid.upsample(2),
        "filled": grid.fill_gaps(data).rename(elsewhere),
        "slope": grid.differentiate("time").rename(elsewhere),
    }
    results["tas"]["time"].encoding["units"] = "seconds since 2000-01-01"
    written = xr.Dataset(results)
    options = {"decode_times": xr.coders.CFDatetimeCoder(use_cftime=calendar is not None)}
    if kind == "netcdf":
        written.to_netcdf(tmp_path / "results.nc", engine="h5netcdf")
        opened = xr.open_dataset(tmp_path / "results.nc", engine="h5netcdf", **options)
    else:
        written.to_zarr(tmp_path / "results.zarr", consolidated=False)
        opened = xr.open_zarr(tmp_path / "results.zarr", consolidated=False, **options)
    with opened as back:
        xr.testing.assert_allclose(back.compute(), written)
        for name in written.variables:
            assert back[name].attrs == written[name].attrs, name
        assert back.slope.attrs["units"] == "K / day"
        assert back.tas.dtype == written.tas.dtype


def test_a_file_is_fitted_in_chunks_and_needed_no_more(tmp_path):
    data = holes(field("360_day"))
    path = tmp_path / "data.nc"
    data.to_netcdf(path, engine="h5netcdf")
    coder = xr.coders.CFDatetimeCoder(use_cftime=True)
    with xr.open_dataset(path, engine="h5netcdf", chunks={"time": 2}, decode_times=coder) as opened:
        grid = GridEncoder(cubic()).fit(opened.tas)
    path.unlink()
    xr.testing.assert_allclose(grid.interp(), GridEncoder(cubic()).fit(data).interp())
    assert grid.interp().attrs == data.attrs


def test_answers_are_written_to_zarr_by_chunks(tmp_path):
    grid = GridEncoder(cubic()).fit(field())
    lazy = grid.interp(lat=np.linspace(41, 59, 100), chunks={"lat": 10})
    lazy.to_zarr(tmp_path / "lazy.zarr", consolidated=False)
    with xr.open_zarr(tmp_path / "lazy.zarr", consolidated=False) as back:
        assert back.tas.chunks == lazy.chunks
        xr.testing.assert_allclose(back.tas.compute(), lazy.compute())


def test_without_dask_it_is_said_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.array.core", None)
    monkeypatch.setitem(sys.modules, "dask", None)
    grid = GridEncoder(cubic()).fit(field())
    with pytest.raises(ImportError, match=r"An answer in chunks needs dask.*skmire\[distributed\]"):
        grid.interp(lat=50.0, chunks=10)


def test_importing_skmire_brings_neither_the_accessor_nor_optional_packages():
    code = (
        "import sys, xarray, skmire; before = set(sys.modules)\n"
        "print(hasattr(xarray.DataArray, 'mire'))\n"
        "import skmire.grids\n"
        "print(hasattr(xarray.DataArray, 'mire'), hasattr(xarray.Dataset, 'mire'))\n"
        "print(sorted({'dask', 'zarr', 'cftime', 'h5netcdf'} & (set(sys.modules) - before)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:3] == ["False", "True True", "[]"]


def test_fitted_on_dates_of_a_frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"time": pd.Timestamp("2000-01-01") + pd.to_timedelta(rng.uniform(0, 50, 200), unit="D"),
         "x": rng.uniform(0, 5, 200)}
    )  # fmt: skip
    days = (frame.time - pd.Timestamp("2000-01-01")) / pd.Timedelta(days=1)
    frame["level"] = days / 10 + frame.x**2
    grid = GridEncoder(cubic(), coords=["time", "x"]).fit(frame)
    found = grid.grid({"x": 1.0}, region={"time": np.datetime64("2000-01-21"), "x": (1, 4)})
    np.testing.assert_allclose(found.level, 2 + np.arange(1.0, 5) ** 2)
