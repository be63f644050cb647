"""
A photograph at twice its resolution
====================================

A fit is a function, so it can be asked between the pixels. Here it is fitted to the means over two
by two pixels, and asked for the pixels that they are means of.
"""

# %%
# The samples
# -----------
# A part of scikit-image's *coffee*, 96 pixels a side, is the truth. The means lie in the middle of
# the pixels that they are of.

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import coffee
from skimage.transform import downscale_local_mean, resize

from skmire import MIREncoder
from skmire.datasets import grid_samples
from skmire.metrics import psnr, ssim
from skmire.peers import siren

truth = downscale_local_mean(coffee()[60:252, 190:382] / 255, (2, 2, 1))
small = downscale_local_mean(truth, (2, 2, 1))
coords, values = grid_samples(small)
coords = 2 * coords + 0.5
fine, _ = grid_samples(truth)

# %%
# The fits
# --------
# skmire's search, and SIREN trained in skmire's way for as many passes as the search made.

size = {"hidden_width": 64, "random_state": 0}
encoder = MIREncoder(max_epochs=60, **size).fit(coords, values)
total = encoder.search_result_.total_epochs
peer = siren(n_layers=3, trainer=encoder.trainer_, max_epochs=total, **size).fit(coords, values)
encoder.activations_, total

# %%
# What they make of it
# --------------------
# Beside cubic splines, at pixels that none of them has seen. These have the highest SSIM and the
# lowest PSNR. SIREN has all the passes to itself; of those of the search a tenth go to the network
# that it returns, which comes out a little better in both.

pictures = {
    "the photograph": truth,
    "what is fitted": small,
    "cubic splines": resize(small, truth.shape, order=3),
    "SIREN": peer.predict(fine).reshape(truth.shape),
    "skmire": encoder.predict(fine).reshape(truth.shape),
}
figure, axes = plt.subplots(1, 5, figsize=(13, 3.2), layout="constrained")
for ax, (name, picture) in zip(axes, pictures.items(), strict=True):
    ax.imshow(np.clip(picture, 0, 1))
    ax.set_axis_off()
    told = ""
    if name not in ("the photograph", "what is fitted"):
        told = f"{psnr(truth, picture, data_range=1.0):.1f} dB, SSIM {ssim(truth, picture):.3f}"
    ax.set_title(f"{name}\n{told}", fontsize=9)
