"""Real signals of a few thousand samples, each in two parts: samples to fit, and a test between.

Every fifth sample, drawn at random, is kept for the test; where there are gaps, it is what lies in
them; where there is noise, the test is without.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from real_signals import averaged, folder, kodak, occupancy, on_grid, picture, recording

from skmire import MIREncoder
from skmire.metrics import psnr

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Samples to fit, and those to test by."""

    x: Array
    y: Array
    x_test: Array
    y_test: Array

    @property
    def span(self) -> float:
        """Range of the values, for PSNR."""
        return float(np.ptp(np.concatenate([self.y, self.y_test])))

    def quality(self, encoder: MIREncoder, part: tuple[Array, Array] | None = None) -> float:
        """Return the PSNR of a fit on the test, or on other samples."""
        x, y = (self.x_test, self.y_test) if part is None else part
        return psnr(y, encoder.predict(x).reshape(y.shape), data_range=self.span)


def at_random(coords: Array, values: Array, noise: float = 0.0, share: float = 0.2) -> Case:
    """Split at random; noise is a share of the values' standard deviation, on what is fitted."""
    known = np.isfinite(values).all(axis=1)
    coords, values = coords[known], values[known]
    rng = np.random.default_rng(0)
    order = rng.permutation(len(coords))
    n = round(share * len(coords))
    test, fit = np.sort(order[:n]), np.sort(order[n:])
    added = noise * values.std() * rng.standard_normal(values[fit].shape)
    return Case(coords[fit], values[fit] + added, coords[test], values[test])


def with_gaps(values: Array, n_gaps: int, size: int) -> Case:
    """Split a grid of two axes into blocks left out and all else."""
    rng, lost = np.random.default_rng(0), np.zeros(values.shape[:2], bool)
    for _ in range(n_gaps):
        i, j = (rng.integers(0, n - size) for n in values.shape[:2])
        lost[i : i + size, j : j + size] = True
    coords, flat = on_grid(values, 2)
    gap = lost.ravel()
    return Case(coords[~gap], flat[~gap], coords[gap], flat[gap])


def face() -> Array:
    return kodak("kodim23")[224:288, 352:416]


def houses() -> Array:
    return averaged(kodak("kodim08"), 8)


def text() -> Array:
    from skimage import data

    return data.page()[60:124, 40:104].astype(float)


def cameraman() -> Array:
    from skimage import data

    return averaged(data.camera().astype(float), 8)


def coins() -> Array:
    from skimage import data

    return data.coins().astype(float)


def ridge(step: int, row: int = 0, column: int = 0) -> Array:
    """Return 64 x 64 heights, from a post on."""
    rows, columns = (slice(first, first + 64 * step, step) for first in (row, column))
    with np.load(folder() / "dem" / "jacksboro_fault_dem.npz") as file:
        return file["elevation"][rows, columns].astype(float)


def sea_floor() -> Array:
    with np.load(folder() / "dem" / "topobathy.npz") as file:
        return file["topo"][::2, ::2].astype(float)


def grid_of(name: str, part: tuple[slice, ...]) -> tuple[Array, Array]:
    import xarray as xr

    with xr.open_dataset(folder() / "grids" / f"{name}.nc", decode_times=False) as grid:
        largest = max(grid.data_vars.values(), key=lambda v: v.size)
        return on_grid(largest.values[part].astype(float), 3)


#: By name.
CASES: dict[str, Callable[[], Case]] = {
    "face": lambda: at_random(*on_grid(face(), 2)),
    "houses": lambda: at_random(*on_grid(houses(), 2)),
    "houses, noise": lambda: at_random(*on_grid(houses(), 2), noise=0.3),
    "text": lambda: at_random(*on_grid(text(), 2)),
    "cameraman, gaps": lambda: with_gaps(cameraman(), 24, 6),
    "music": lambda: at_random(*recording(4_096)),
    "music, noise": lambda: at_random(*recording(4_096), noise=0.1),
    "ridge": lambda: at_random(*on_grid(ridge(3), 2)),
    "ridge, scattered": lambda: at_random(*on_grid(ridge(3), 2), share=0.75),
    "sea floor": lambda: at_random(*on_grid(sea_floor(), 2)),
    "sea floor, gaps": lambda: with_gaps(sea_floor(), 16, 5),
    "air temperature": lambda: at_random(
        *grid_of("A1B_north_america", np.s_[:12, ::2, ::2])
    ),
    "sea temperature": lambda: at_random(*grid_of("sst_ndjfm_anom", np.s_[:10])),
    "statue": lambda: at_random(*occupancy(8, 24)),
}  # fmt: skip

#: Of the same kinds, and none that a default of skmire was ever chosen by, as some were by `CASES`.
UNSEEN: dict[str, Callable[[], Case]] = {
    "lighthouse": lambda: at_random(*on_grid(averaged(kodak("kodim19"), 10), 2)),
    "painted face": lambda: at_random(*on_grid(kodak("kodim15")[150:214, 330:394], 2)),
    "portrait, noise": lambda: at_random(
        *on_grid(averaged(kodak("kodim04"), 10), 2), noise=0.3
    ),
    "coins": lambda: at_random(*on_grid(averaged(coins(), 6), 2)),
    "butterfly, gaps": lambda: with_gaps(averaged(picture("images/butterfly.png"), 4), 24, 6),
    "later music": lambda: at_random(*recording(4_096, start=220_500)),
    "valley": lambda: at_random(*on_grid(ridge(3, 150, 205), 2)),
    "ocean": lambda: at_random(*grid_of("ostia_monthly", np.s_[6:9, :, 150:230])),
}  # fmt: skip
