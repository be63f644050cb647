"""Slope, aspect and curvature of a terrain: derivatives of a fit beside those of the grid.

Every third elevation along each axis is a sample, as it is or with an error of 5 % of the
elevations' standard deviation. The truth is the terrain of the whole grid, smoothed by a Gaussian
of 2.5 posts (some 200 metres) so that the samples resolve it; its derivatives are those of the
Gaussian. Errors are root mean squares, at the samples and between them, away from the border: of
slope and aspect in degrees, of curvature per kilometre: that of the ground along the line of
steepest descent (profile) and that of the contour line, seen from above (plan). Aspect and
curvatures are compared where it is steeper than 5 degrees.

References
----------
- Krcho, Morphometric analysis of relief, 1973; Evans, An integrated system of terrain analysis,
  1979: the two curvatures, from first and second derivatives.

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
#: Along south and east, along south twice, both, and east twice, on the whole grid.
Derivatives = tuple[Array, Array, Array, Array, Array]

ORDERS = (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)
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
    return derived(0, 0), tuple(derived(*order) for order in ORDERS), metres


def differences(samples: Array, metres: tuple[Array, Array]) -> Derivatives:
    """Return differences of neighbouring samples, interpolated by cubic splines."""
    coarse = [axis[::STEP] for axis in metres]
    south, east = np.gradient(samples, *coarse)
    padded = np.pad(samples, 1, mode="edge")
    steps = [axis[1] - axis[0] for axis in coarse]
    twice_south = (padded[2:, 1:-1] + padded[:-2, 1:-1] - 2 * samples) / steps[0] ** 2
    twice_east = (padded[1:-1, 2:] + padded[1:-1, :-2] - 2 * samples) / steps[1] ** 2
    both = np.gradient(south, coarse[1], axis=1)
    return tuple(
        RectBivariateSpline(*coarse, part)(*metres)
        for part in (south, east, twice_south, both, twice_east)
    )


def spline(samples: Array, metres: tuple[Array, Array], noise: float = 0.0) -> Derivatives:
    """Return the derivatives of a spline: cubic, or quintic and smoothing where there is noise."""
    degree = 5 if noise else 3
    fitted = RectBivariateSpline(
        *(axis[::STEP] for axis in metres), samples, kx=degree, ky=degree, s=noise**2 * samples.size
    )
    return tuple(fitted(*metres, dx=dx, dy=dy) for dx, dy in ORDERS)


def fit(encoder: MIREncoder) -> Callable[[Array, tuple[Array, Array]], Derivatives]:
    def derivatives(samples: Array, metres: tuple[Array, Array]) -> Derivatives:
        places, all_places = (
            np.stack(np.meshgrid(*(axis[::k] for axis in metres), indexing="ij"), -1).reshape(-1, 2)
            for k in (STEP, 1)
        )
        encoder.fit(places, samples.ravel())
        slopes, bends = encoder.gradient(all_places), encoder.hessian(all_places)
        found = (*slopes.T, bends[:, 0, 0], bends[:, 0, 1], bends[:, 1, 1])
        return tuple(part.reshape(SIDE, SIDE) for part in found)

    return derivatives


def of_terrain(found: Derivatives) -> tuple[Array, Array, Array, Array]:
    """Return slope and aspect in degrees, profile and plan curvature per kilometre."""
    s, e, ss, se, ee = found
    steep = np.maximum(s**2 + e**2, 1e-12)
    slope, aspect = np.rad2deg(np.arctan(np.sqrt(steep))), np.rad2deg(np.arctan2(-e, s))
    profile = -(s**2 * ss + 2 * s * e * se + e**2 * ee) / (steep * (1 + steep) ** 1.5)
    plan = -(e**2 * ss - 2 * s * e * se + s**2 * ee) / steep**1.5
    return slope, aspect, 1e3 * profile, 1e3 * plan


def errors(found: Derivatives, truth: Derivatives) -> Iterator[float]:
    """Yield the errors of what `of_terrain` returns, each at the samples and between them."""
    at = np.zeros((SIDE, SIDE), dtype=bool)
    at[::STEP, ::STEP] = True
    inner = np.zeros_like(at)
    inner[BORDER:-BORDER, BORDER:-BORDER] = True
    ours, wanted = of_terrain(found), of_terrain(truth)
    off = [a - b for a, b in zip(ours, wanted, strict=True)]
    off[1] = (off[1] + 180) % 360 - 180
    for part, where in zip(off, (inner, *3 * [inner & (wanted[0] > 5)]), strict=True):
        for some in (at, ~at):
            yield float(np.sqrt(np.mean(part[where & some] ** 2)))


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
        f"{'':32}{'slope, degrees':>16}{'aspect, degrees':>18}{'profile, 1/km':>18}"
        f"{'plan, 1/km':>18}\n{'':32}{'at':>8}{'between':>8}" + 3 * f"{'at':>10}{'between':>8}"
    )
    sizes = list(errors(tuple(0 * part for part in truth), truth))
    print(
        f"{'size of the curvatures':66}{sizes[4]:10.2f}{sizes[5]:8.2f}"
        f"{sizes[6]:10.2f}{sizes[7]:8.2f}"
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
                f"{off[4]:10.2f}{off[5]:8.2f}{off[6]:10.2f}{off[7]:8.2f}",
                flush=True,
            )
    print(f"\nfit, searched, of the noisy samples: {' '.join(searched.activations_)}")


if __name__ == "__main__":
    main()
