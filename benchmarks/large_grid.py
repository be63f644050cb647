"""A field of many values written to Zarr by chunks, and the memory that it takes.

Matplotlib's topography is fitted by a small network, and asked on a grid of `--side` labels along
latitude and longitude: 10,000 make 10^8 values, whose coordinates and values in double precision
would be 2.4 GB. Chunks are computed one after the other (Dask's synchronous scheduler) and written
as they come. A few of the values read back are compared with those of the fit.

    python benchmarks/large_grid.py [--side 10000] [--chunk 1000]
"""

import argparse
import os
import platform
import resource
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import dask
import numpy as np
import xarray as xr
from matplotlib.cbook import get_sample_data

from skmire import FixedSequence, MIREncoder
from skmire.grids import GridEncoder


def peak():
    """Return the most memory that the process had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def topography():
    with get_sample_data("topobathy.npz") as file:
        coords = {"lat": file["latitude"], "lon": file["longitude"]}
        return xr.DataArray(file["topo"], coords, ("lat", "lon"), "topo", {"units": "m"})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--chunk", type=int, default=1_000)
    options = parser.parse_args()
    names = ("skmire", "torch", "numpy", "xarray", "dask", "zarr")
    print(", ".join(f"{name} {version(name)}" for name in names))
    print(
        f"Python {platform.python_version()}; {platform.machine()}, {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'not set')}; seed 0"
    )
    data = topography()
    encoder = MIREncoder(
        search=FixedSequence("gaussian", 2), hidden_width=32, max_epochs=20, random_state=0
    )
    grid = GridEncoder(encoder).fit(data)
    print(f"imported and fitted: peak of memory {peak():,.0f} MB")
    asked = {
        name: np.linspace(float(data[name].min()), float(data[name].max()), options.side)
        for name in ("lat", "lon")
    }
    lazy = grid.interp(asked, chunks=options.chunk)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, dask.config.set(scheduler="synchronous"):
        path = Path(folder) / "topo.zarr"
        lazy.to_zarr(path, consolidated=False)
        seconds = time.perf_counter() - begun
        print(
            f"{lazy.size:,} values, {lazy.nbytes / 2**20:,.0f} MB, in {lazy.data.npartitions} "
            f"chunks written in {seconds:,.0f} s: peak of memory {peak():,.0f} MB"
        )
        with xr.open_zarr(path, consolidated=False) as back:
            rows, columns = np.random.default_rng(0).integers(0, options.side, (2, 1_000))
            where = {"lat": ("at", rows), "lon": ("at", columns)}
            read = back.topo.isel({name: xr.DataArray(i, dims=d) for name, (d, i) in where.items()})
            fit = grid.interp({name: ("at", asked[name][i]) for name, (_, i) in where.items()})
            off = float(abs(read.compute() - fit.values).max())
        print(f"1,000 values read back differ from the fit's by at most {off:.2g} m")


if __name__ == "__main__":
    main()
