"""
How sure is the fit? Bagging scattered soundings
================================================

A fit comes without an error bar. Bagging gives it an honest one: fit several encoders, each to
samples drawn anew with replacement and from a seed of its own, and see where they disagree. The
samples here are elevations at scattered points of a terrain, with a region where nobody measured.
"""

# %%
# The samples
# -----------
# The terrain lies around a fault near Jacksboro, Tennessee, and comes with Matplotlib. Of its
# 139,000 elevations, 1,500 at scattered points are drawn, and those inside a circle left out.
# Others are kept for judging.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data
from sklearn.ensemble import BaggingRegressor
from sklearn.metrics import r2_score

from skmire import FixedSequence, MIREncoder
from skmire.atoms import Gaussian

elevation = get_sample_data("jacksboro_fault_dem.npz")["elevation"].astype(float)
rng = np.random.default_rng(0)


def soundings(n):
    """Return coordinates, elevations and whether they lie in the circle."""
    coords = np.column_stack([rng.integers(side, size=n) for side in elevation.shape])
    in_circle = np.hypot(coords[:, 0] - 120, coords[:, 1] - 280) < 60
    return coords, elevation[tuple(coords.T)], in_circle


coords, heights, in_circle = soundings(1_500)
coords, heights = coords[~in_circle], heights[~in_circle]
test_coords, test_heights, test_in_circle = soundings(4_000)

# %%
# The bag
# -------
# Each of six encoders has two thirds of the soundings, some of them twice or more: that is what
# drawing with replacement does. They run in two processes. Their mean is better than one of them is
# on average.

encoder = MIREncoder(
    search=FixedSequence(Gaussian(scale=7.0)), hidden_width=64, max_epochs=80, random_state=0
)
bag = BaggingRegressor(encoder, n_estimators=6, random_state=0, n_jobs=2).fit(coords, heights)


def members(points):
    """Return what each of the encoders predicts."""
    return np.array([member.predict(points) for member in bag.estimators_])


predicted = members(test_coords)
outside = ~test_in_circle
single = np.mean([r2_score(test_heights[outside], p[outside]) for p in predicted])
together = r2_score(test_heights[outside], predicted.mean(axis=0)[outside])
print(f"R2 outside the circle: {single:.3f} of one, on average, {together:.3f} of the bag")

# %%
# What the spread says, and what it does not
# ------------------------------------------
# The spread is larger where there are no soundings. It says how much the fit depends on the
# soundings drawn and on the seed. It is not a confidence interval: errors that all members share,
# such as a scale that is too low for the ridges, are not in it. How often the truth lies within two
# standard deviations is a matter of measuring.

spread = predicted.std(axis=0, ddof=1)
error = np.abs(predicted.mean(axis=0) - test_heights)
for where, rows in {"outside": outside, "inside": test_in_circle}.items():
    print(
        f"{where} the circle: median spread {np.median(spread[rows]):.0f} m, median error "
        f"{np.median(error[rows]):.0f} m, truth within two spreads at "
        f"{np.mean(error < 2 * spread, where=rows):.0%}"
    )

# %%
# The map
# -------

rows, columns = (np.arange(0, side, 3) for side in elevation.shape)
grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
on_grid = members(grid).reshape(-1, len(rows), len(columns))

figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained", sharey=True)
extent = (0, elevation.shape[1], elevation.shape[0], 0)
panels = {
    "elevation (m) and soundings": (elevation, "terrain", None),
    "mean of the bag (m)": (on_grid.mean(axis=0), "terrain", None),
    "spread of the bag (m)": (on_grid.std(axis=0, ddof=1), "magma", 120),
}
for ax, (title, (image, colours, top)) in zip(axes, panels.items(), strict=True):
    low, high = (0, top) if top else (elevation.min(), elevation.max())
    drawn = ax.imshow(image, extent=extent, cmap=colours, vmin=low, vmax=high)
    figure.colorbar(drawn, ax=ax, shrink=0.8, extend="max" if top else "neither")
    ax.add_patch(plt.Circle((280, 120), 60, fill=False, color="white"))
    ax.set_title(title)
axes[0].plot(coords[:, 1], coords[:, 0], ".", color="black", markersize=1)
