"""
Slope, aspect and curvature of a terrain
========================================

Slope, aspect and curvature of a terrain are derivatives of its elevation. Of a grid they are taken
as differences of neighbours, which know one resolution and enlarge every error of the elevations. A
fit has them anywhere, in metres per metre. Where is it better, and where not?
"""

# %%
# The samples
# -----------
# The terrain lies around a fault near Jacksboro, Tennessee, and comes with Matplotlib, with its
# spacing in degrees. Every third elevation in each direction is a sample. The differences of the
# whole grid stand for the truth.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data
from scipy.interpolate import RectBivariateSpline

from skmire import ActivationDictionary, FixedSequence, MIREncoder

dem = get_sample_data("jacksboro_fault_dem.npz")
truth = dem["elevation"][100:221, 100:221].astype(float)
metres = 111_200.0  # in a degree of latitude
spacing = np.array([dem["dy"] * metres, dem["dx"] * metres * np.cos(np.deg2rad(36.5))])
south, east = (np.arange(121) * step for step in spacing)
samples = truth[::3, ::3]
noisy = samples + 0.05 * samples.std() * np.random.default_rng(0).normal(size=samples.shape)
places = [np.stack(np.meshgrid(south[::k], east[::k], indexing="ij"), -1).reshape(-1, 2)
          for k in (3, 1)]  # fmt: skip
wanted = np.stack(np.gradient(truth, *spacing), axis=-1)

# %%
# The fits
# --------
# One of the samples as they are, one of samples with an error of 5 % of the elevations' standard
# deviation.

fits = [
    MIREncoder(
        ActivationDictionary(["gaussian"], init=(12.0, 6.0)),
        FixedSequence("gaussian", n_layers=2),
        hidden_width=128, max_epochs=200, random_state=0,
    ).fit(places[0], elevations.ravel())
    for elevations in (samples, noisy)
]  # fmt: skip

# %%
# Slope, aspect and curvature
# ---------------------------
# Slope is the length of the gradient, as an angle; aspect is the direction that it falls to; the
# curvature here is that of the ground along the way down (profile curvature), below 0 in hollows.
# The whole grid shows what no fit of every third elevation can know.


def slope_and_aspect(gradient):
    """Return both in degrees, the aspect clockwise from north."""
    southward, eastward = -gradient[..., 0], -gradient[..., 1]
    slope = np.rad2deg(np.arctan(np.hypot(southward, eastward)))
    return slope, np.rad2deg(np.arctan2(eastward, -southward)) % 360


def profile_curvature(gradient, hessian):
    """Return the curvature down the slope, per kilometre."""
    steep = np.maximum((gradient**2).sum(axis=-1), 1e-6)
    along = np.einsum("...i,...ij,...j->...", gradient, hessian, gradient)
    return -1e3 * along / (steep * (1 + steep) ** 1.5)


def of_grid(elevations, steps):
    """Return the gradient and the second derivatives as differences of neighbours."""
    gradient = np.stack(np.gradient(elevations, *steps), axis=-1)
    rows = [np.stack(np.gradient(gradient[..., i], *steps), axis=-1) for i in range(2)]
    return gradient, np.stack(rows, axis=-2)


ours = [
    derivative.reshape(121, 121, *derivative.shape[1:])
    for derivative in (fits[0].gradient(places[1]), fits[0].hessian(places[1]))
]
figure, axes = plt.subplots(3, 3, figsize=(11, 10), layout="constrained")
for column, (name, (gradient, hessian)) in enumerate(
    {
        "the samples' differences": of_grid(samples, 3 * spacing),
        "the fit": ours,
        "the whole grid": of_grid(truth, spacing),
    }.items()
):
    slope, aspect = slope_and_aspect(gradient)
    bend = profile_curvature(gradient, hessian)
    steep = axes[0, column].imshow(slope, vmin=0, vmax=40, cmap="magma")
    turned = axes[1, column].imshow(aspect, vmin=0, vmax=360, cmap="twilight")
    bent = axes[2, column].imshow(bend, vmin=-4, vmax=4, cmap="RdBu")
    axes[0, column].set_title(f"Slope, {name}")
    axes[1, column].set_title(f"Aspect, {name}")
    axes[2, column].set_title(f"Curvature, {name}")
for ax in axes.flat:
    ax.set_axis_off()
figure.colorbar(steep, ax=axes[0], label="degrees")
figure.colorbar(turned, ax=axes[1], label="degrees from north")
figure.colorbar(bent, ax=axes[2], label="per km")

# %%
# In numbers
# ----------
# Errors of the gradient, root mean squares in metres per metre, at the samples and between them.
# Between the samples the differences are interpolated by cubic splines; the spline of the
# elevations has derivatives of its own, too. Most of the error is that of sampling every third
# elevation. Where the elevations are clean, the fit is ahead of the differences between the
# samples and level with them at these, and the spline ahead of both. Where they are noisy, both
# are behind the differences at the samples and ahead of them between, for exact derivatives follow
# the noise.


def at_all(elevations):
    """Return the gradient of the cubic spline of elevations on the whole grid."""
    spline = RectBivariateSpline(south[::3], east[::3], elevations)
    return np.stack([spline(south, east, dx=1), spline(south, east, dy=1)], axis=-1)


def differences(elevations):
    """Return differences of neighbours, interpolated to the whole grid."""
    parts = np.gradient(elevations, *(3 * spacing))
    return np.stack(
        [RectBivariateSpline(south[::3], east[::3], p)(south, east) for p in parts], axis=-1
    )


size = np.sqrt(np.mean(wanted**2))
print(f"the gradient itself: {size:.3f}\n{'':24}{'at samples':>12}{'between':>10}")
at = np.zeros((121, 121), bool)
at[::3, ::3] = True
for label, elevations, fit in (("clean", samples, fits[0]), ("5 % noise", noisy, fits[1])):
    for name, found in (
        ("differences", differences(elevations)),
        ("cubic spline", at_all(elevations)),
        ("fit", fit.gradient(places[1]).reshape(121, 121, 2)),
    ):
        off = [np.sqrt(np.mean((found - wanted)[some] ** 2)) for some in (at, ~at)]
        print(f"{label + ', ' + name:24}{off[0]:12.3f}{off[1]:10.3f}")
