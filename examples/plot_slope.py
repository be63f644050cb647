"""
Slope and aspect of a terrain
=============================

Slope and aspect of a terrain are derivatives of its elevation. Of a grid they are taken as
differences of neighbours, which know one resolution and enlarge every error of the elevations. A
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
# Slope and aspect
# ----------------
# Slope is the length of the gradient, as an angle; aspect is the direction that it falls to.


def slope_and_aspect(gradient):
    """Return both in degrees, the aspect clockwise from north."""
    southward, eastward = -gradient[..., 0], -gradient[..., 1]
    slope = np.rad2deg(np.arctan(np.hypot(southward, eastward)))
    return slope, np.rad2deg(np.arctan2(eastward, -southward)) % 360


ours = fits[0].gradient(places[1]).reshape(121, 121, 2)
theirs = np.stack(np.gradient(samples, *(3 * spacing)), axis=-1)
figure, axes = plt.subplots(2, 3, figsize=(11, 7), layout="constrained")
for column, (name, gradient) in enumerate(
    {"the samples' differences": theirs, "the fit": ours, "the whole grid": wanted}.items()
):
    slope, aspect = slope_and_aspect(gradient)
    steep = axes[0, column].imshow(slope, vmin=0, vmax=40, cmap="magma")
    turned = axes[1, column].imshow(aspect, vmin=0, vmax=360, cmap="twilight")
    axes[0, column].set_title(f"Slope, {name}")
    axes[1, column].set_title(f"Aspect, {name}")
for ax in axes.flat:
    ax.set_axis_off()
figure.colorbar(steep, ax=axes[0], label="degrees")
figure.colorbar(turned, ax=axes[1], label="degrees from north")

# %%
# In numbers
# ----------
# Errors of the gradient, root mean squares in metres per metre, at the samples and between them.
# Between the samples the differences are interpolated by cubic splines; the spline of the
# elevations has derivatives of its own, too. Most of the error is that of sampling every third
# elevation. The fit is ahead of the differences throughout. The spline's
# derivatives are ahead of both where the elevations are clean, between the samples; where they are
# noisy, they are behind at the samples.


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
