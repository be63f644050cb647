"""
Edges of a photograph, at any resolution
========================================

Where brightness changes fastest is an edge. Of pixels that is a difference of neighbours, and there
is nothing between them. A fit has its gradient and its second derivatives everywhere, so its edges
can be drawn at any resolution. Here they are compared with Sobel's filter and Canny's detector, at
the resolution of the pixels and at four times that, where the original photograph is the truth.
"""

# %%
# The samples
# -----------
# A part of scikit-image's *camera*, of 256 x 256 pixels, is the truth. Means over four by four
# pixels are the samples: an image of 64 x 64.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.data import camera
from skimage.feature import canny
from skimage.filters import sobel
from skimage.transform import downscale_local_mean, resize

from skmire import FixedSequence, MIREncoder
from skmire.datasets import grid_samples

truth = camera()[60:316, 140:396] / 255
image = downscale_local_mean(truth, (4, 4))
coords, values = grid_samples(image)
encoder = MIREncoder(
    search=FixedSequence("gabor", n_layers=3), hidden_width=128, max_epochs=100, random_state=0
)
encoder.fit(coords, values)

# %%
# Gradient and Laplacian
# ----------------------
# The grid of four times the resolution has its points at the centres of the original's pixels.
# Edges are where the second derivative along the gradient changes its sign, on places steeper than
# 0.06 per pixel of the small image.

places = (np.arange(256) - 1.5) / 4
fine = np.stack(np.meshgrid(places, places, indexing="ij"), axis=-1).reshape(-1, 2)


def steepness(points, side):
    """Return the magnitude of the gradient, as an image."""
    return np.linalg.norm(encoder.gradient(points), axis=1).reshape(side, side)


def crossings(points, side, steep):
    """Return where the second derivative along the gradient changes sign on a steep place."""
    slope, bend = encoder.gradient(points), encoder.hessian(points)
    along = np.einsum("ni,nij,nj->n", slope, bend, slope).reshape(side, side)
    sign = along > 0
    changes = np.zeros_like(sign)
    changes[:-1] |= sign[:-1] != sign[1:]
    changes[:, :-1] |= sign[:, :-1] != sign[:, 1:]
    return changes & (steepness(points, side) > steep)


enlarged = resize(image, truth.shape, order=3)
maps = {
    "Sobel of the pixels": sobel(image),
    "gradient of the fit": steepness(coords, 64),
    "Sobel, enlarged 4 times": sobel(enlarged),
    "gradient of the fit, x 4": steepness(fine, 256),
    "Sobel of the original": sobel(truth),
}
edges = {
    "Canny of the pixels": canny(image, sigma=1),
    "crossings of the fit": crossings(coords, 64, 0.06),
    "Canny, enlarged 4 times": canny(enlarged, sigma=2),
    "crossings of the fit, x 4": crossings(fine, 256, 0.06),
    "Canny of the original": canny(truth, sigma=2),
}

# %%
# What is seen
# ------------
# Bright is steep. The last column is the truth, from sixteen times as many pixels.

figure, axes = plt.subplots(2, 5, figsize=(13, 5.4), layout="constrained")
for row, pictures in zip(axes, (maps, edges), strict=True):
    for ax, (title, picture) in zip(row, pictures.items(), strict=True):
        ax.imshow(picture, cmap="gray", vmax=np.quantile(picture.astype(float), 0.99))
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()

# %%
# In numbers
# ----------
# How well steepness agrees with that of the original, as a correlation over all pixels; how many of
# the edges found lie within two pixels of one of the original's, and how many of those were seen.
# Steepness is about as good as that of the image enlarged by cubic splines, to which Sobel's filter
# is applied. The crossings see more of the edges than Canny's detector, and more that is none: they
# have one threshold where it has two and follows lines.


def agreement(found, wanted):
    """Return the shares of either's edges that lie next to one of the other's."""
    near = [distance_transform_edt(~e) <= 2 for e in (wanted, found)]
    return near[0][found].mean(), near[1][wanted].mean()


for name in ("Sobel, enlarged 4 times", "gradient of the fit, x 4"):
    r = np.corrcoef(maps[name].ravel(), maps["Sobel of the original"].ravel())[0, 1]
    print(f"{name:27} correlation {r:.3f}")
for name in ("Canny, enlarged 4 times", "crossings of the fit, x 4"):
    right, seen = agreement(edges[name], edges["Canny of the original"])
    print(f"{name:27} right {right:.2f}, seen {seen:.2f}")
