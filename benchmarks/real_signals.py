"""Real signals for the benchmarks, from the folder that SKMIRE_DATA names.

Each is a pair of coordinates, (n, d), and values, (n, outputs), on a full grid.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def folder() -> Path:
    given = os.environ.get("SKMIRE_DATA")
    if not given or not Path(given).is_dir():
        raise SystemExit(
            "The benchmark reads real signals from a folder that the environment variable "
            f"SKMIRE_DATA names (now {given!r})."
        )
    return Path(given)


def on_grid(values: Array, n_axes: int) -> tuple[Array, Array]:
    """Return coordinates in [-1, 1] and values of an array whose last axes are outputs."""
    axes = [np.linspace(-1, 1, n) for n in values.shape[:n_axes]]
    coords = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, n_axes)
    return coords, values.reshape(len(coords), -1).astype(np.float64)


def kodak(name: str) -> Array:
    return picture(f"kodak/{name}.png")


def picture(file: str) -> Array:
    """Return an image of the folder, in [0, 1]."""
    from skimage.io import imread

    return np.asarray(imread(folder() / file)) / 255


def averaged(image: Array, by: int) -> Array:
    """Return the means of blocks of pixels, that many a side."""
    rows, columns = (n // by for n in image.shape[:2])
    return image[: rows * by, : columns * by].reshape(rows, by, columns, by, -1).mean((1, 3))


def photograph_crop() -> tuple[Array, Array]:
    """Return the middle of kodim23, 96 x 96 pixels in colour."""
    return on_grid(kodak("kodim23")[208:304, 336:432], 2)


def photograph_small() -> tuple[Array, Array]:
    """Return kodim08 averaged down to 128 x 192 pixels in colour."""
    return on_grid(averaged(kodak("kodim08"), 4), 2)


def recording(n: int = 16_384, start: int = 44_100) -> tuple[Array, Array]:
    """Return `n` samples of music, 44,100 a second."""
    from scipy.io import wavfile

    _, sound = wavfile.read(folder() / "audio" / "bach.wav")
    return on_grid(sound[start : start + n].astype(np.float64), 1)


def elevation() -> tuple[Array, Array]:
    """Return the heights of a mountain ridge, every other of 344 x 403 posts."""
    with np.load(folder() / "dem" / "jacksboro_fault_dem.npz") as file:
        return on_grid(file["elevation"][::2, ::2], 2)


def topography() -> tuple[Array, Array]:
    """Return land and sea floor, 91 x 120."""
    with np.load(folder() / "dem" / "topobathy.npz") as file:
        return on_grid(file["topo"], 2)


def occupancy(first: int = 4, step: int = 8) -> tuple[Array, Array]:
    """Return a statue's inside and outside, one voxel in `step` along each axis."""
    with np.load(folder() / "volume" / "thai_statue_512.npz") as file:
        shape = file["shape"]
        solid = np.unpackbits(file["occupancy"], count=np.prod(shape)).reshape(shape)
    part = slice(first, None, step)
    return on_grid(solid[part, part, part].astype(np.float64), 3)


def climate() -> tuple[Array, Array]:
    """Return air temperature over North America, 24 years x 37 x 49."""
    import xarray as xr

    path = folder() / "grids" / "A1B_north_america.nc"
    with xr.open_dataset(path, decode_times=False) as grid:
        return on_grid(grid["air_temperature"].values[:24], 3)


#: By name, the signal and the budget in seconds that suits its size.
SIGNALS: dict[str, tuple[Callable[[], tuple[Array, Array]], float]] = {
    "photograph crop": (photograph_crop, 10.0),
    "topography": (topography, 10.0),
    "recording": (recording, 10.0),
    "photograph": (photograph_small, 20.0),
    "elevation": (elevation, 20.0),
    "climate": (climate, 20.0),
    "occupancy": (occupancy, 30.0),
}
