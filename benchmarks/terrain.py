"""Slope, aspect and curvature of a terrain: derivatives of a fit beside those of the grid.

Every third elevation along each axis is a sample, as it is or with an error of 5 % of the
elevations' standard deviation. The truth is the terrain of the whole grid, smoothed by a Gaussian
of 2.5 posts (some 200 metres) so that the samples resolve it; its derivatives are those of the
Gaussian. Errors are root mean squares, at the samples and between them, away from the border: of
slope and aspect in degrees (the latter where it is steeper than 5 degrees), of the Laplacian as a
share of its size.

    SKMIRE_DATA=../shared/data python benchmarks/terrain.py
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from real_signals import folder
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import gaussian_filter

import skmire
from skmire import ActivationDictionary, FixedSequence, LayerSearch, MIREncoder

Array = NDArray[np.float64]
#: Slopes southward and eastward, and the Laplacian, on the whole grid.
Derivatives = tuple[Array, Array, Array]

STEP, SIDE, SMOOTH, BORDER = 3, 121, 2.5, 9
LATITUDE, METRES = 36.6, 111_200.0  # degrees, and metres in one of latitude


def terrain() -> tuple[Array, Derivatives, tuple[Array, Array]]:
    """Return the smoothed terrain, its derivatives, and the metres southward and eastward."""
    with np.load(folder() / "dem" / "jacksboro_fault_dem.npz") as file:
        whole = file["elevation"].astype(np.float64)
        spacing = METRES * np.array([file["dy"], file["dx"] * np.cos(np.deg2rad(LATITUDE))])
    part = slice(100, 100 + SIDE), slice(100, 100 + SIDE)

    def derived(south: int, east: int) -> Array:
        found = gaussian_filter(whole, SMOOTH, order=(south, east))
        return found[part] / spacing[0] ** south / spacing[1] ** east

    metres = tuple(np.arange(SIDE) * step for step in spacing)
    return derived(0, 0), (derived(1, 0), derived(0, 1), derived(2, 0) + derived(0, 2)), metres


def differences(samples: Array, metres: tuple[Array, Array]) -> Derivatives:
    """Return differences of neighbouring samples, interpolated by cubic splines."""
    coarse = [axis[::STEP] for axis in metres]
    slopes = np.gradient(samples, *coarse)
    padded = np.pad(samples, 1, mode="edge")
    steps = [axis[1] - axis[0] for axis in coarse]
    bend = (padded[2:, 1:-1] + padded[:-2, 1:-1] - 2 * samples) / steps[0] ** 2
    bend = bend + (padded[1:-1, 2:] + padded[1:-1, :-2] - 2 * samples) / steps[1] ** 2
    south, east, laplacian = (
        RectBivariateSpline(*coarse, part)(*metres) for part in (*slopes, bend)
    )
    return south, east, laplacian


def spline(samples: Array, metres: tuple[Array, Array], noise: float = 0.0) -> Derivatives:
    """Return the derivatives of a spline: cubic, or quintic and smoothing where there is noise."""
    degree = 5 if noise else 3
    fitted = RectBivariateSpline(
        *(axis[::STEP] for axis in metres), samples, kx=degree, ky=degree, s=noise**2 * samples.size
    )
    of = [fitted(*metres, dx=dx, dy=dy) for dx, dy in ((1, 0), (0, 1), (2, 0), (0, 2))]
    return of[0], of[1], of[2] + of[3]


def fit(encoder: MIREncoder) -> Callable[[Array, tuple[Array, Array]], Derivatives]:
    def derivatives(samples: Array, metres: tuple[Array, Array]) -> Derivatives:
        places, all_places = (
            np.stack(np.meshgrid(*(axis[::k] for axis in metres), indexing="ij"), -1).reshape(-1, 2)
            for k in (STEP, 1)
        )
        encoder.fit(places, samples.ravel())
        slopes, shape = encoder.gradient(all_places), (SIDE, SIDE)
        laplacian = encoder.laplacian(all_places).reshape(shape)
        return slopes[:, 0].reshape(shape), slopes[:, 1].reshape(shape), laplacian

    return derivatives


def errors(found: Derivatives, truth: Derivatives) -> Iterator[float]:
    """Yield the errors of slope, aspect and curvature, each at the samples and between them."""
    at = np.zeros((SIDE, SIDE), dtype=bool)
    at[::STEP, ::STEP] = True
    inner = np.zeros_like(at)
    inner[BORDER:-BORDER, BORDER:-BORDER] = True
    angles = [
        (np.rad2deg(np.arctan(np.hypot(south, east))), np.rad2deg(np.arctan2(-east, south)))
        for south, east, _ in (found, truth)
    ]
    turned = (angles[0][1] - angles[1][1] + 180) % 360 - 180
    size = np.sqrt(np.mean(truth[2][inner] ** 2))
    for off, where in (
        (angles[0][0] - angles[1][0], inner),
        (turned, inner & (angles[1][0] > 5)),
        ((found[2] - truth[2]) / size, inner),
    ):
        for some in (at, ~at):
            yield float(np.sqrt(np.mean(off[where & some] ** 2)))


def main() -> None:
    elevations, truth, metres = terrain()
    samples = elevations[::STEP, ::STEP]
    noise = 0.05 * samples.std()
    noisy = samples + noise * np.random.default_rng(0).normal(size=samples.shape)
    print(
        f"skmire {skmire.__version__}, torch {torch.__version__}, numpy {np.__version__}, Python "
        f"{platform.python_version()}\n{platform.machine()}, {os.cpu_count()} cores; seed 0; "
        f"{samples.size:,} samples of {elevations.std():.0f} m about the "
        f"mean, noise {noise:.1f} m\n"
    )
    print(
        f"{'':32}{'slope, degrees':>16}{'aspect, degrees':>18}{'Laplacian, share':>18}\n"
        f"{'':32}{'at':>8}{'between':>8}{'at':>10}{'between':>8}{'at':>10}{'between':>8}"
    )

    def fixed(scales: tuple[float, float]) -> MIREncoder:
        return MIREncoder(
            ActivationDictionary(["gaussian"], init=scales),
            FixedSequence("gaussian", n_layers=2),
            hidden_width=128, max_epochs=200, random_state=0,
        )  # fmt: skip

    searched = MIREncoder(search=LayerSearch(2), hidden_width=128, max_epochs=100, random_state=0)
    for label, given in (("clean", samples), ("5 % noise", noisy)):
        rows = {"differences": differences, "cubic spline": spline}
        if given is noisy:
            rows["smoothing spline, noise known"] = lambda s, m: spline(s, m, noise)
        rows["fit, gaussian (12, 6)"] = fit(fixed((12.0, 6.0)))
        rows["fit, gaussian (6, 3)"] = fit(fixed((6.0, 3.0)))
        rows["fit, searched"] = fit(searched)
        print(label)
        for name, derive in rows.items():
            off = list(errors(derive(given, metres), truth))
            print(
                f"  {name:30}{off[0]:8.2f}{off[1]:8.2f}{off[2]:10.1f}{off[3]:8.1f}"
                f"{off[4]:10.2f}{off[5]:8.2f}",
                flush=True,
            )
    print(f"\nfit, searched, of the noisy samples: {' '.join(searched.activations_)}")


if __name__ == "__main__":
    main()
