"""
A climate between its time steps
================================

Monthly means are known at a few latitudes and longitudes all around the globe, under a calendar of
360 days. Asked is what lies between: between the months, between the meridians 345 and 360, and how
fast it warms. The field is made here, so that the truth is known everywhere.
"""

# %%
# The field
# ---------
# A wave that travels eastward, a season that is larger towards the pole, and a tenth of the cells
# missing.

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from skmire import FixedSequence, MIREncoder
from skmire.grids import GridEncoder


def temperature(days, lat, lon):
    season = np.cos(2 * np.pi * (days - 200) / 360)
    wave = np.cos(np.deg2rad(2 * lon) - 2 * np.pi * days / 240)
    return (
        290
        - 45 * np.sin(np.deg2rad(lat)) ** 2
        + 0.2 * lat * season
        + 4 * wave * np.cos(np.deg2rad(lat))
    )


time = xr.date_range("2000-01-01", periods=13, freq="MS", calendar="360_day", use_cftime=True)
lat, lon = np.arange(-75, 76, 15.0), np.arange(0, 360, 15.0)
days = xr.DataArray(30.0 * np.arange(13), {"time": time})
coords = {
    "lat": xr.DataArray(lat, dims="lat", attrs={"units": "degrees_north"}),
    "lon": xr.DataArray(lon, dims="lon", attrs={"units": "degrees_east"}),
}
tas = temperature(days, coords["lat"], coords["lon"]).assign_coords(coords).rename("tas")
tas.attrs = {"units": "K", "standard_name": "air_temperature"}
rng = np.random.default_rng(0)
known = tas.where(rng.random(tas.shape) > 0.1)

# %%
# The fit
# -------
# Longitudes go all the way round, which ``GridEncoder`` sees: they lie on a circle. Cells count by
# their areas.

encoder = MIREncoder(
    search=FixedSequence("sinusoid", n_layers=2), hidden_width=96, max_epochs=200, random_state=0
)
grid = GridEncoder(encoder, cos_latitude=True).fit(known)

# %%
# Between the steps
# -----------------
# The middle of a month, on a grid of 3 degrees, beside the mean of the two months.

middle = type(time[0])(2000, 3, 16)
fine = grid.grid(3.0, region={"time": middle})
truth = temperature(75.0, fine.lat, fine.lon)
linear = known.interp(time=middle).interp(lat=fine.lat, lon=fine.lon)

figure, axes = plt.subplots(3, 1, figsize=(8, 9), layout="constrained", sharex=True)
for ax, (title, shown) in zip(
    axes,
    {"the fit": fine, "the truth": truth, "xarray's interp: missing cells spread": linear}.items(),
    strict=True,
):
    mesh = ax.pcolormesh(shown.lon, shown.lat, shown, vmin=245, vmax=295, cmap="RdYlBu_r")
    ax.set(title=title, ylabel="latitude")
axes[-1].set_xlabel("longitude")
figure.colorbar(mesh, ax=axes, label="K")

# %%
# ``interp`` has nothing beyond the last meridian, nor beside a missing cell. Where it has an
# answer:

there = linear.notnull().values
for name, answer in (("GridEncoder", fine), ("interp", linear)):
    off = (answer - truth).values
    print(f"{name:12}{np.sqrt(np.mean(off[there] ** 2)):6.2f} K root mean square, "
          f"{np.isnan(off).mean():4.0%} without an answer")  # fmt: skip

# %%
# At one place, day by day
# ------------------------
# A point query at every third day, and the derivative by time: per day, as the attributes say.

every_third = xr.date_range(
    "2000-01-01", periods=120, freq="3D", calendar="360_day", use_cftime=True
)
at = {"lat": 60.0, "lon": 352.0}
series = grid.interp(at, time=every_third)
rate = grid.differentiate("time", {**at, "time": every_third})
day = 3 * np.arange(120)
exact = temperature(day, at["lat"], at["lon"])
print(rate.attrs)

figure, axes = plt.subplots(2, 1, figsize=(8, 5), layout="constrained", sharex=True)
axes[0].plot(day, exact, "k--", label="the truth")
axes[0].plot(day, series, label="the fit")
axes[0].plot(days, temperature(days, at["lat"], at["lon"]), "ko", label="months")
axes[0].set(ylabel="K", title="60 N, 8 W, between the last meridian and the first")
axes[0].legend()
axes[1].plot(day, np.gradient(exact, day), "k--")
axes[1].plot(day, rate)
axes[1].set(ylabel=rate.attrs["units"], xlabel="days since January 1")
