"""
Gaps of a labelled grid: filled, made finer, and its slopes
===========================================================

Clouds hide part of a grid, and the labels are to survive. ``GridEncoder`` takes an xarray object
and gives one back. Shown are the two grids that come with Matplotlib: a land and sea floor under
seeded gaps, and a terrain of which every third elevation is known.
"""

# %%
# A sea floor with gaps
# ---------------------
# Latitudes, longitudes, a unit and a name; discs hide three cells in ten.

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.cbook import get_sample_data

from skmire import ActivationDictionary, FixedSequence, MIREncoder
from skmire.grids import GridEncoder

with get_sample_data("topobathy.npz") as file:
    topo = xr.DataArray(
        file["topo"],
        {
            "lat": ("lat", file["latitude"], {"units": "degrees_north"}),
            "lon": ("lon", file["longitude"], {"units": "degrees_east"}),
        },
        name="height",
        attrs={"units": "m", "long_name": "height above the sea"},
    )

rng = np.random.default_rng(3)
i, j = np.indices(topo.shape)
clouds = np.zeros(topo.shape, bool)
while clouds.mean() < 0.3:
    y, x = rng.uniform(0, topo.shape)
    clouds |= np.hypot(i - y, j - x) < rng.uniform(2, 7)
seen = topo.where(~clouds)

# %%
# Filled
# ------
# A given sequence is quicker than a search. What was known stays as it was, to the last bit.

encoder = MIREncoder(
    search=FixedSequence("gaussian", n_layers=3), hidden_width=96, max_epochs=60, random_state=0
)
grid = GridEncoder(encoder).fit(seen)
filled = grid.fill_gaps(seen)
assert filled.where(~clouds).identical(seen)

options = {"vmin": -2500, "vmax": 2500, "cmap": "terrain"}
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained", sharey=True)
for ax, (title, shown) in zip(
    axes, {"what is seen": seen, "filled": filled, "the truth": topo}.items(), strict=True
):
    mesh = ax.pcolormesh(shown.lon, shown.lat, shown, **options)
    ax.set(title=title, xlabel="longitude")
axes[0].set_ylabel("latitude")
figure.colorbar(mesh, ax=axes, label="m")

# %%
# Errors under the clouds, beside xarray's linear interpolation along longitude and then, where a
# gap reaches the border, the nearest.

linear = seen.interpolate_na("lon")
linear = linear.interpolate_na("lon", method="nearest", fill_value="extrapolate")
for name, answer in (("GridEncoder", filled), ("interpolate_na", linear)):
    off = (answer - topo).values[clouds]
    rms = np.sqrt(np.mean(off**2))
    print(f"{name:16}{rms:7.0f} m root mean square, {abs(off).max():6.0f} m worst")

# %%
# A terrain made finer, and its slope
# -----------------------------------
# Of the terrain around the Jacksboro fault, every third elevation is fitted, in metres.
# ``upsample`` keeps these labels and adds two between each. The slope is that of the fit, by the
# chain rule; the units are found from the attributes.

with get_sample_data("jacksboro_fault_dem.npz") as file:
    metres = 111_200 * np.array([file["dy"], file["dx"] * np.cos(np.deg2rad(36.5))])
    heights = file["elevation"][100:197, 100:197].astype("float32")
dem = xr.DataArray(
    heights,
    {name: (name, np.arange(97) * step, {"units": "m"})
     for name, step in zip(("south", "east"), metres, strict=True)},
    name="elevation", attrs={"units": "m"},
)  # fmt: skip
encoder = MIREncoder(
    ActivationDictionary(["gaussian"], init=(12.0, 6.0)),
    FixedSequence("gaussian", n_layers=2),
    hidden_width=128,
    max_epochs=200,
    random_state=0,
)
terrain = GridEncoder(encoder).fit(dem[::3, ::3])
finer = terrain.upsample(3)
gradient = terrain.gradient(south=dem.south.values, east=dem.east.values)
slope = np.rad2deg(np.arctan(np.hypot(gradient.delevation_dsouth, gradient.delevation_deast)))
print(gradient.delevation_dsouth.attrs)

figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
for ax, (title, shown, cmap, unit) in zip(
    axes,
    (
        ("every third elevation", dem[::3, ::3], "terrain", "m"),
        ("three times finer", finer, "terrain", "m"),
        ("slope of the fit", slope, "magma", "degrees"),
    ),
    strict=True,
):
    mesh = ax.pcolormesh(shown.east, shown.south, shown, cmap=cmap)
    figure.colorbar(mesh, ax=ax, label=unit)
    ax.set(title=title, aspect="equal", xlabel="m", ylim=ax.get_ylim()[::-1])

# %%
# Between the elevations that were fitted. Clean samples on a full grid are what cubic interpolation
# is made for, and it is a little ahead.

between = np.ones(dem.shape, bool)
between[::3, ::3] = False
for name, answer in (
    ("GridEncoder", finer),
    ("interp, linear", dem[::3, ::3].interp_like(dem)),
    ("interp, cubic", dem[::3, ::3].interp_like(dem, method="cubic")),
):
    off = (answer.values - dem.values)[between]
    print(f"{name:16}{np.sqrt(np.mean(off**2)):6.1f} m root mean square")
