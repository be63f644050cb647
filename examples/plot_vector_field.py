r"""
Divergence and curl of a flow
=============================

A vector field is fitted as one output for each component. Its divergence says where it springs
from, its curl how it turns. Here a flow is known at scattered stations only: an eddy, a source and
a uniform wind, of which both are known in closed form.
"""

# %%
# The stations
# ------------
# Velocities in metres per second at 400 stations in a square of 20 kilometres, with an error of
# 0.2 m/s. The eddy is :math:`(-y, x)\,e^{-r^2}` around its centre and the source
# :math:`(x, y)\,e^{-r^2}` around its own, for lengths in units of 4 km.

import matplotlib.pyplot as plt
import numpy as np

from skmire import FixedSequence, MIREncoder
from skmire.atoms import Gaussian

SIZE, SPEED = 4.0, 8.0  # kilometres, metres per second
EDDY, SOURCE = np.array([6.0, 13.0]), np.array([14.0, 7.0])


def flow(X):
    """Return velocities, divergence and curl at `X`."""
    eddy, source = (X - EDDY) / SIZE, (X - SOURCE) / SIZE
    bells = [np.exp(-(u**2).sum(axis=1)) for u in (eddy, source)]
    velocity = SPEED * (
        eddy[:, ::-1] * [-1, 1] * bells[0][:, None] + source * bells[1][:, None] + [0.5, 0.0]
    )
    turning, springing = (
        2 * SPEED / SIZE * (1 - (u**2).sum(axis=1)) * bell
        for u, bell in zip((eddy, source), bells, strict=True)
    )
    return velocity, springing, turning


rng = np.random.default_rng(0)
stations = rng.uniform(0, 20, size=(400, 2))
measured = flow(stations)[0] + 0.2 * rng.normal(size=(400, 2))

# %%
# The fit
# -------
# One encoder for both components, at a low scale: derivatives enlarge what swings between stations.

encoder = MIREncoder(
    search=FixedSequence([Gaussian(scale=1.5), Gaussian(scale=1.0)]),
    hidden_width=64,
    max_epochs=150,
    random_state=0,
)
encoder.fit(stations, measured)

axis = np.linspace(0, 20, 81)
grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
_, springing, turning = flow(grid)
found = {"divergence": encoder.divergence(grid), "curl": encoder.curl(grid)}

# %%
# What is seen
# ------------
# In metres per second and kilometre. The source is seen in the divergence alone and the eddy in the
# curl alone, each with the ring of the other sign around it.

figure, axes = plt.subplots(2, 2, figsize=(8.6, 7.4), layout="constrained")
limit = 2 * SPEED / SIZE
for row, (name, truth) in zip(axes, [("divergence", springing), ("curl", turning)], strict=True):
    for ax, picture, title in ((row[0], found[name], "of the fit"), (row[1], truth, "in truth")):
        shown = ax.imshow(
            picture.reshape(81, 81).T, origin="lower", extent=(0, 20, 0, 20), cmap="RdBu_r",
            vmin=-limit, vmax=limit,
        )  # fmt: skip
        ax.set_title(f"{name} {title}")
    row[0].quiver(*stations[::4].T, *measured[::4].T, color="black", width=0.003)
figure.colorbar(shown, ax=axes, label="m/s per km", shrink=0.6)

# %%
# In numbers
# ----------
# Errors as root mean squares, beside the size of the truth.

for name, truth in (("divergence", springing), ("curl", turning)):
    off, size = (np.sqrt(np.mean(a**2)) for a in (found[name] - truth, truth))
    print(f"{name:10} off by {off:.2f} of {size:.2f} m/s per km")

# %%
# How much flows out of a square around the source: by the divergence theorem, the integral of the
# divergence over it. Here it is the mean over points of the grid, times the area.

square = np.all((grid >= [9, 2]) & (grid <= [19, 12]), axis=1)
ours, theirs = (100 * of[square].mean() for of in (found["divergence"], springing))
print(f"out of the square: {ours:.0f} in the fit, {theirs:.0f} in truth")
