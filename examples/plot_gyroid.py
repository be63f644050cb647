"""
A gyroid from its voxels
========================

A gyroid is a surface without an edge that divides space into two alike halves. Here 48 voxels a
side say which half they are in. A fit of their labels is a function, so that its surface can be had
smooth, with exact normals, and held against the formula's.
"""

# %%
# The voxels
# ----------

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from skmire import FixedSequence, OccupancyEncoder
from skmire.metrics import iou
from skmire.shapes import Mesh, level_set_mesh

turn = 2 * np.pi


def gyroid(X):
    """Return what is above 0 in one half, with a period of 1."""
    s, c = np.sin(turn * X).T, np.cos(turn * X).T
    return s[0] * c[1] + s[1] * c[2] + s[2] * c[0]


def gyroid_gradient(X):
    s, c = np.sin(turn * X).T, np.cos(turn * X).T
    parts = [c[0] * c[1] - s[2] * s[0], c[1] * c[2] - s[0] * s[1], c[2] * c[0] - s[1] * s[2]]
    return turn * np.stack(parts, axis=1)


axis = np.linspace(0, 1, 48)
places = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
volume = xr.DataArray(
    gyroid(places).reshape(48, 48, 48) > 0, coords=dict.fromkeys("xyz", axis), dims=tuple("xyz")
)

# %%
# The fit
# -------
# 40,000 of the 110,592 voxels, half of them near the surface.

encoder = OccupancyEncoder(
    search=FixedSequence("sinusoid", n_layers=2), loss="logistic", hidden_width=64, max_epochs=40,
    random_state=0,
).fit_volume(volume, n_samples=40_000)  # fmt: skip
found = encoder.predict_volume(volume.shape)
print(f"IoU with all voxels: {iou(volume, found):.3f}; of the samples: {encoder.iou_:.3f}")

# %%
# The surface
# -----------
# Marching cubes on the voxels themselves leave steps. The fit's surface has none.

box = [[0, 1]] * 3
cloud = volume.values.astype(float) - 0.5


def nearest(X):
    """Return the voxels as a function."""
    return cloud[tuple(np.rint(X * 47).astype(int).clip(0, 47).T)]


def no_slope(X):
    return np.zeros_like(X)


meshes = {
    "voxels": level_set_mesh(nearest, no_slope, box, 48, newton_steps=0),
    "fit": encoder.to_mesh(48),
    "formula": level_set_mesh(gyroid, gyroid_gradient, box, 48),
}


def draw(ax, mesh: Mesh):
    """Draw a mesh lit from above."""
    corners = mesh.vertices[mesh.faces]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-12)
    light = 0.55 + 0.45 * facing @ np.array([0.3, -0.5, 0.81])
    surface = ax.plot_trisurf(*mesh.vertices.T, triangles=mesh.faces, shade=False, linewidth=0)
    surface.set_facecolor(plt.get_cmap("bone")(light))
    surface.set_edgecolor("none")
    surface.set_antialiased(False)
    ax.set_box_aspect((1, 1, 1))
    ax.set_axis_off()


figure = plt.figure(figsize=(11, 4), layout="constrained")
for i, (name, mesh) in enumerate(meshes.items(), start=1):
    ax = figure.add_subplot(1, 3, i, projection="3d")
    draw(ax, mesh)
    ax.set_title(f"{name}: {len(mesh.faces):,} triangles")

# %%
# In numbers
# ----------
# Of the vertices inside the box: how far they are from the true surface, by its formula and
# slope, in voxels; and the angle between the fit's normals and the true ones.

for name in ("voxels", "fit"):
    mesh = meshes[name]
    inside = ((mesh.vertices > 0) & (mesh.vertices < 1)).all(axis=1)
    at = mesh.vertices[inside]
    slope = np.linalg.norm(gyroid_gradient(at), axis=1)
    off = np.abs(gyroid(at)) / slope * 47
    print(f"{name}: off by {off.mean():.2f} voxels in the mean", end="")
    if name == "fit":
        cosines = -(mesh.normals[inside] * gyroid_gradient(at)).sum(axis=1) / slope
        angle = np.rad2deg(np.arccos(cosines.clip(-1, 1)))
        print(f", normals by {angle.mean():.1f} degrees; closed: {mesh.is_watertight}", end="")
    print()
