"""
A scene from its pictures
=========================

Five solids are seen in thirty small pictures, from known places above them. What is fitted is not a
picture but the scene: at each place in space a density, and a colour. Rays through it give the
pictures, also from places where there was no camera.
"""

# %%
# The pictures
# ------------
# They are rendered in closed form. A sample is a ray, its origin and direction, and the colour that
# it sees.

import matplotlib.pyplot as plt
import numpy as np

from skmire import FixedSequence, RadianceEncoder, Trainer
from skmire.cameras import orbit
from skmire.datasets import coloured_solids
from skmire.measurements import VolumeRendering
from skmire.metrics import psnr

scene = coloured_solids(random_state=0)
views = scene.views(30, height=40, width=40)
X, y = views.samples(12_000, random_state=0)
print(f"{len(X):,} rays of {len(views)} pictures of {views.height} x {views.width} pixels")

# %%
# The fit
# -------
# Rays are cut into 32 parts in the box that holds the scene. Nothing here shines, so that colours
# need not depend on the direction of view.

encoder = RadianceEncoder(
    search=FixedSequence("gaussian", n_layers=3),
    measurement=VolumeRendering(bounds=[[-1, 1]] * 3, n_samples=32),
    trainer=Trainer(learning_rate=5e-3, batch_size=200),
    hidden_width=48,
    max_epochs=15,
    random_state=0,
).fit(X, y)

# %%
# From where there was no camera
# ------------------------------

new = scene.views(4, height=40, width=40, random_state=1)
camera = new.height, new.width, new.focal
found = [encoder.render(pose, *camera) for pose in new.poses]
figure, axes = plt.subplots(2, 4, figsize=(9, 4.7), layout="constrained")
for i, picture in enumerate(found):
    axes[0, i].imshow(new.picture(i))
    axes[1, i].imshow(picture.clip(0, 1))
    axes[1, i].set_title(f"{psnr(new.picture(i), picture, data_range=1.0):.1f} dB")
axes[0, 0].set_title("truth")
for ax in axes.flat:
    ax.set_axis_off()

# %%
# Around the scene
# ----------------
# On a circle, at an angle of its own, with how far the surfaces are from the camera.

poses = orbit(4, 4.0, elevation=50)
figure, axes = plt.subplots(2, 4, figsize=(9, 4.7), layout="constrained")
for i, pose in enumerate(poses):
    depth = encoder.render_depth(pose, *camera)
    axes[0, i].imshow(encoder.render(pose, *camera).clip(0, 1))
    shown = axes[1, i].imshow(
        np.where(np.isfinite(depth), depth, np.nan), "viridis", vmin=3, vmax=5
    )
for ax in axes.flat:
    ax.set_axis_off()
figure.colorbar(shown, ax=axes[1], label="distance")

# %%
# In numbers
# ----------
# Where the rays end, against the truth.

rays = np.concatenate([new.rays(i) for i in range(len(new))])
true, depth = scene.distances(rays), encoder.depth(rays)
end, should = np.isfinite(depth), np.isfinite(true)
off = np.median(np.abs(true[end & should] - depth[end & should]))
print(f"{np.mean(end == should):.1%} of the rays end if they should")
print(f"distances are off by {off:.3f} in the median; a solid is about 0.65 wide")
