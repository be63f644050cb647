"""
The pores of a material
=======================

A scan of a porous material says of each voxel whether it is solid. How much surface do the pores
have? Counted on the faces of voxels it is too much, as these are steps: by half, for a surface that
faces all ways alike. A fit's surface is smooth. The volume comes from scikit-image, which makes it
from a seed.
"""

# %%
# The scan
# --------
# Blobs of a threshold on smooth noise, 56 voxels a side, two thousandths of a millimetre each.

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from skimage.data import binary_blobs

from skmire import FixedSequence, OccupancyEncoder
from skmire.metrics import iou

size, step = 56, 2.0  # voxels, micrometres
pores = binary_blobs(size, blob_size_fraction=0.3, n_dim=3, volume_fraction=0.4, rng=0)
axis = step * np.arange(size)
scan = xr.DataArray(pores, coords=dict.fromkeys("xyz", axis), dims=tuple("xyz"))

# %%
# The fit
# -------

encoder = OccupancyEncoder(
    search=FixedSequence("sinusoid", n_layers=2), loss="logistic", hidden_width=64, max_epochs=40,
    random_state=0,
).fit_volume(scan, n_samples=60_000)  # fmt: skip
print(f"IoU with all voxels: {iou(pores, encoder.predict_volume(scan.shape)):.3f}")

# %%
# A layer of it
# -------------
# The scan, and the probability of a pore at eight times its resolution.

middle = axis[size // 2]
fine = encoder.predict_volume(
    (2, 8 * size, 8 * size),
    box=[[middle, middle + step], [0, axis[-1]], [0, axis[-1]]],
    response_method="predict_proba",
)
figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")


def extent(n):
    """The sides of n points from 0 to the end, each in the middle of its pixel."""
    half = axis[-1] / (n - 1) / 2
    return [-half, axis[-1] + half] * 2


axes[0].imshow(pores[size // 2], cmap="bone", extent=extent(size), origin="lower")
axes[0].set_title("scan")
image = axes[1].imshow(
    fine[0], cmap="bone", extent=extent(8 * size), origin="lower", vmin=0, vmax=1
)
axes[1].set_title("probability of a pore")
figure.colorbar(image, ax=axes[1])
for ax in axes:
    ax.set(xlabel="z, micrometres", ylabel="y, micrometres")

# %%
# The surface
# -----------
# Faces between a pore and the solid, and the fit's surface, both without the sides of the box. The
# faces are about half as much again as the surface, as they should be.

faces = sum(np.count_nonzero(np.diff(pores, axis=k)) for k in range(3)) * step**2
mesh = encoder.to_mesh(size)
corners = mesh.vertices[mesh.faces]
doubled = np.linalg.norm(
    np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
)
within = ((corners > 0) & (corners < axis[-1])).any(axis=(1, 2))
beside = ((corners <= 0).all(axis=1) | (corners >= axis[-1]).all(axis=1)).any(axis=1)
smooth = doubled[within & ~beside].sum() / 2
print(f"faces of voxels: {faces:,.0f} square micrometres")
print(f"the fit: {smooth:,.0f}, less by a factor of {faces / smooth:.2f}")
print(
    f"pores: {pores.mean():.3f} of the voxels, {mesh.volume / axis[-1] ** 3:.3f} of the mesh's box"
)

# %%
figure = plt.figure(figsize=(5, 5), layout="constrained")
ax = figure.add_subplot(projection="3d")
facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-12)
surface = ax.plot_trisurf(*mesh.vertices.T, triangles=mesh.faces, shade=False, linewidth=0)
surface.set_facecolor(plt.get_cmap("copper")(0.55 + 0.45 * facing @ np.array([0.3, -0.5, 0.81])))
surface.set_edgecolor("none")
surface.set_antialiased(False)
ax.set_box_aspect((1, 1, 1))
ax.set_axis_off()
_ = ax.set_title("the pores")
